// SPDX-License-Identifier: GPL-2.0-only

//! `struct super_operations`.
//!
//! C header: [`include/linux/fs/super_types.h`](srctree/include/linux/fs/super_types.h)

use super::{
    debugfs,
    file_type::{
        FileSystem,
        Fs,
        Info, //
    },
    inode_cache,
    sys,
    StatFs,
    SuperBlock,
    SwitchDentry, //
};
use kernel::{
    error::from_result,
    prelude::*,
    seq_file::SeqFile,
    types::ForeignOwnable, //
};

/// The operations on a mounted superblock.
#[vtable]
pub(crate) trait SuperOps {
    /// `statfs`: fills `buf` for the filesystem that `dentry` is on. May sleep.
    fn statfs(dentry: &SwitchDentry, buf: &mut StatFs) -> Result;

    /// `sync_fs` with `wait`: writes what the branches have not written. May sleep.
    fn sync_fs(sb: &SuperBlock) -> Result;

    /// `show_options`: the options from which the mount can be made again, each led by a comma.
    fn show_options(sb: &SuperBlock, m: &SeqFile) -> Result;
}

/// The filesystem's implementation.
type Ops = <Fs as FileSystem>::Super;

/// `statfs`.
///
/// # Safety
///
/// Called by the VFS with a dentry of switchfs and a buffer to fill.
unsafe extern "C" fn statfs_callback(
    dentry: *mut sys::dentry,
    buf: *mut kernel::bindings::kstatfs,
) -> c_int {
    // SAFETY: By the contract.
    let dentry = unsafe { SwitchDentry::from_raw(dentry) };
    // SAFETY: By the contract; the delta's type is the complete one of the same C structure.
    let buf = unsafe { StatFs::from_raw(buf.cast()) };
    from_result(|| Ops::statfs(dentry, buf).map(|()| 0))
}

/// `sync_fs`: the first pass, without waiting, has nothing to do.
///
/// # Safety
///
/// Called by the VFS with a superblock of switchfs.
unsafe extern "C" fn sync_fs_callback(sb: *mut sys::super_block, wait: c_int) -> c_int {
    if wait == 0 {
        return 0;
    }
    // SAFETY: By the contract.
    let sb = unsafe { SuperBlock::from_raw(sb) };
    from_result(|| Ops::sync_fs(sb).map(|()| 0))
}

/// `show_options`.
///
/// # Safety
///
/// Called by the VFS with a seq file of this task and a root of switchfs.
unsafe extern "C" fn show_options_callback(m: *mut sys::seq_file, root: *mut sys::dentry) -> c_int {
    // SAFETY: By the contract.
    let m = unsafe { SeqFile::from_raw(m) };
    // SAFETY: By the contract.
    let root = unsafe { SwitchDentry::from_raw(root) };
    from_result(|| Ops::show_options(root.sb(), m).map(|()| 0))
}

/// `put_super`: no inode is left.
///
/// # Safety
///
/// Called by the VFS once, with a superblock of switchfs.
unsafe extern "C" fn put_super_callback(sb: *mut sys::super_block) {
    // SAFETY: By the contract; the number is given back after this.
    debugfs::remove_mount(unsafe { (*sb).s_dev });
    // SAFETY: By the contract.
    let info = unsafe { core::mem::replace(&mut (*sb).s_fs_info, core::ptr::null_mut()) };
    // Those in RCU walk may still look at it through an inode that is gone.
    // SAFETY: May sleep.
    unsafe { sys::synchronize_rcu_expedited() };
    // SAFETY: Set from `into_foreign` when the superblock was filled, and taken once.
    drop(unsafe { <KBox<Info> as ForeignOwnable>::from_foreign(info) });
}

/// The table of a switchfs superblock.
const OPERATIONS: sys::super_operations = sys::super_operations {
    alloc_inode: Some(inode_cache::alloc_inode_callback),
    destroy_inode: Some(inode_cache::destroy_inode_callback),
    free_inode: Some(inode_cache::free_inode_callback),
    // A branch's object is let go with the last name: it may be the last reference to it.
    drop_inode: Some(sys::inode_just_drop),
    // Data is cached in the branch, so there are no pages to be let go.
    evict_inode: Some(sys::clear_inode),
    put_super: Some(put_super_callback),
    sync_fs: Some(sync_fs_callback),
    statfs: Some(statfs_callback),
    show_options: Some(show_options_callback),
    // Nothing is dirty here, nothing is cached but inodes, and there is no quota: the branch's are.
    ..pin_init::zeroed()
};

/// The table of a switchfs superblock.
pub(super) fn super_operations() -> *const sys::super_operations {
    const { &OPERATIONS }
}
