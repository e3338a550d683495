// SPDX-License-Identifier: GPL-2.0-only

//! `struct inode_operations` of directories: names.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h)

use super::{
    create::CreateKind,
    dentry_ops::LookupFlags,
    file_type::{
        FileSystem,
        Fs, //
    },
    inode_ops::NODE,
    sys,
    tmpfile,
    Dentry,
    Idmap,
    Name,
    SwitchDentry,
    SwitchInode, //
};
use kernel::{
    error::from_result,
    prelude::*,
    str::CStr,
    sync::aref::ARef, //
};

/// A name in a directory whose lock the VFS holds, so that neither the name nor its parent changes.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    /// The directory.
    dir: &'a SwitchInode,
    /// The name's dentry.
    dentry: &'a SwitchDentry,
}

impl<'a> Entry<'a> {
    /// Wraps what an operation on a name is called with.
    ///
    /// # Safety
    ///
    /// Both are of switchfs, and the directory is locked for `'a`.
    unsafe fn from_raw(dir: *mut sys::inode, dentry: *mut sys::dentry) -> Self {
        Self {
            // SAFETY: By the contract.
            dir: unsafe { SwitchInode::from_raw(dir) },
            // SAFETY: By the contract.
            dentry: unsafe { SwitchDentry::from_raw(dentry) },
        }
    }

    /// The directory.
    pub(crate) fn dir(self) -> &'a SwitchInode {
        self.dir
    }

    /// The directory's dentry.
    pub(crate) fn parent(self) -> &'a SwitchDentry {
        self.dentry.parent_locked()
    }

    /// The name's dentry.
    pub(crate) fn dentry(self) -> &'a SwitchDentry {
        self.dentry
    }

    /// The name.
    pub(crate) fn name(self) -> Name<'a> {
        self.dentry.name_locked()
    }

    /// What the name was found as in its branch; in all operations but `lookup`, for which the directory
    /// is only locked for reading.
    pub(crate) fn known(self) -> Option<&'a Dentry> {
        self.dentry.real_locked()
    }
}

/// The flags of a rename (`RENAME_*`).
#[derive(Clone, Copy)]
pub(crate) struct RenameFlags(pub(super) u32);

impl RenameFlags {
    /// Whether both names change places.
    pub(crate) fn exchange(self) -> bool {
        self.0 & sys::RENAME_EXCHANGE != 0
    }
}

/// The operations on names in a directory. All may sleep; the VFS holds the directory's lock, for
/// writing but in `lookup`.
#[vtable]
pub(crate) trait DirOps {
    /// `lookup`: connects the name with what it is, or with nothing. Another dentry is returned
    /// when the object is a directory that has one.
    fn lookup(entry: Entry<'_>, flags: LookupFlags) -> Result<Option<ARef<SwitchDentry>>>;

    /// `create`, `mknod`, `symlink`, through a mount with the mapping `idmap`.
    fn create(idmap: Idmap<'_>, entry: Entry<'_>, mode: u16, kind: CreateKind<'_>) -> Result;

    /// `mkdir`; another dentry is returned when the directory has one already.
    fn mkdir(idmap: Idmap<'_>, entry: Entry<'_>, mode: u16) -> Result<Option<ARef<SwitchDentry>>>;

    /// `link`: one more name for the object of `old`.
    fn link(old: &SwitchDentry, entry: Entry<'_>) -> Result;

    /// `unlink`.
    fn unlink(entry: Entry<'_>) -> Result;

    /// `rmdir`.
    fn rmdir(entry: Entry<'_>) -> Result;

    /// `rename`; moves the dentries too (`FS_RENAME_DOES_D_MOVE`).
    fn rename(old: Entry<'_>, new: Entry<'_>, flags: RenameFlags) -> Result;
}

/// The operations of directories.
type Dir = <Fs as FileSystem>::Dir;

/// The result of an operation that returns a dentry.
fn dentry_ptr(result: Result<Option<ARef<SwitchDentry>>>) -> *mut sys::dentry {
    match result {
        Ok(Some(dentry)) => ARef::into_raw(dentry).as_ptr().cast(),
        Ok(None) => core::ptr::null_mut(),
        Err(e) => e.to_ptr(),
    }
}

/// `lookup`.
///
/// # Safety
///
/// Called by the VFS with a directory of switchfs, locked, and a dentry in it.
unsafe extern "C" fn lookup_callback(
    dir: *mut sys::inode,
    dentry: *mut sys::dentry,
    flags: c_uint,
) -> *mut sys::dentry {
    // SAFETY: By the contract.
    let entry = unsafe { Entry::from_raw(dir, dentry) };
    dentry_ptr(Dir::lookup(entry, LookupFlags(flags)))
}

/// Makes a new object that is no directory.
///
/// # Safety
///
/// Called for the VFS with a directory of switchfs, locked, and a negative dentry in it.
unsafe fn create(
    idmap: *mut sys::mnt_idmap,
    dir: *mut sys::inode,
    dentry: *mut sys::dentry,
    mode: u16,
    kind: CreateKind<'_>,
) -> c_int {
    // SAFETY: By the contract.
    let idmap = unsafe { Idmap::from_raw(idmap) };
    // SAFETY: By the contract.
    let entry = unsafe { Entry::from_raw(dir, dentry) };
    from_result(|| Dir::create(idmap, entry, mode, kind).map(|()| 0))
}

/// `create`, as the kernel in hand declares it.
///
/// # Safety
///
/// As for [`create`].
#[cfg(switchfs_create_excl)]
unsafe extern "C" fn create_callback(
    idmap: *mut sys::mnt_idmap,
    dir: *mut sys::inode,
    dentry: *mut sys::dentry,
    mode: sys::umode_t,
    _excl: bool,
) -> c_int {
    // SAFETY: By the contract.
    unsafe { create(idmap, dir, dentry, mode, CreateKind::Regular) }
}

/// `create`, as the kernel in hand declares it.
///
/// # Safety
///
/// As for [`create`].
#[cfg(not(switchfs_create_excl))]
unsafe extern "C" fn create_callback(
    idmap: *mut sys::mnt_idmap,
    dir: *mut sys::inode,
    dentry: *mut sys::dentry,
    mode: sys::umode_t,
) -> c_int {
    // SAFETY: By the contract.
    unsafe { create(idmap, dir, dentry, mode, CreateKind::Regular) }
}

/// `mknod`.
///
/// # Safety
///
/// As for [`create`].
unsafe extern "C" fn mknod_callback(
    idmap: *mut sys::mnt_idmap,
    dir: *mut sys::inode,
    dentry: *mut sys::dentry,
    mode: sys::umode_t,
    dev: sys::dev_t,
) -> c_int {
    // SAFETY: By the contract.
    unsafe { create(idmap, dir, dentry, mode, CreateKind::Node(dev)) }
}

/// `symlink`.
///
/// # Safety
///
/// As for [`create`]; `target` is NUL-terminated.
unsafe extern "C" fn symlink_callback(
    idmap: *mut sys::mnt_idmap,
    dir: *mut sys::inode,
    dentry: *mut sys::dentry,
    target: *const c_char,
) -> c_int {
    // SAFETY: By the contract.
    let target = unsafe { CStr::from_char_ptr(target) };
    // SAFETY: By the contract.
    unsafe { create(idmap, dir, dentry, 0, CreateKind::Symlink(target)) }
}

/// `mkdir`.
///
/// # Safety
///
/// As for [`create`].
unsafe extern "C" fn mkdir_callback(
    idmap: *mut sys::mnt_idmap,
    dir: *mut sys::inode,
    dentry: *mut sys::dentry,
    mode: sys::umode_t,
) -> *mut sys::dentry {
    // SAFETY: By the contract.
    let idmap = unsafe { Idmap::from_raw(idmap) };
    // SAFETY: By the contract.
    let entry = unsafe { Entry::from_raw(dir, dentry) };
    dentry_ptr(Dir::mkdir(idmap, entry, mode))
}

/// `link`.
///
/// # Safety
///
/// As for [`create`]; `old` is a positive dentry of switchfs.
unsafe extern "C" fn link_callback(
    old: *mut sys::dentry,
    dir: *mut sys::inode,
    dentry: *mut sys::dentry,
) -> c_int {
    // SAFETY: By the contract.
    let old = unsafe { SwitchDentry::from_raw(old) };
    // SAFETY: By the contract.
    let entry = unsafe { Entry::from_raw(dir, dentry) };
    from_result(|| Dir::link(old, entry).map(|()| 0))
}

/// `unlink`.
///
/// # Safety
///
/// Called by the VFS with a directory of switchfs, locked, and a positive dentry in it.
unsafe extern "C" fn unlink_callback(dir: *mut sys::inode, dentry: *mut sys::dentry) -> c_int {
    // SAFETY: By the contract.
    let entry = unsafe { Entry::from_raw(dir, dentry) };
    from_result(|| Dir::unlink(entry).map(|()| 0))
}

/// `rmdir`.
///
/// # Safety
///
/// As for [`unlink_callback`].
unsafe extern "C" fn rmdir_callback(dir: *mut sys::inode, dentry: *mut sys::dentry) -> c_int {
    // SAFETY: By the contract.
    let entry = unsafe { Entry::from_raw(dir, dentry) };
    from_result(|| Dir::rmdir(entry).map(|()| 0))
}

/// `rename`.
///
/// # Safety
///
/// Called by the VFS with directories of switchfs, locked, and dentries in them.
unsafe extern "C" fn rename_callback(
    _idmap: *mut sys::mnt_idmap,
    old_dir: *mut sys::inode,
    old: *mut sys::dentry,
    new_dir: *mut sys::inode,
    new: *mut sys::dentry,
    flags: c_uint,
) -> c_int {
    // SAFETY: By the contract.
    let old = unsafe { Entry::from_raw(old_dir, old) };
    // SAFETY: By the contract.
    let new = unsafe { Entry::from_raw(new_dir, new) };
    from_result(|| Dir::rename(old, new, RenameFlags(flags)).map(|()| 0))
}

/// The table of directories.
const OPERATIONS: sys::inode_operations = sys::inode_operations {
    lookup: Some(lookup_callback),
    create: Some(create_callback),
    mknod: Some(mknod_callback),
    symlink: Some(symlink_callback),
    mkdir: Some(mkdir_callback),
    link: Some(link_callback),
    unlink: Some(unlink_callback),
    rmdir: Some(rmdir_callback),
    rename: Some(rename_callback),
    tmpfile: Some(tmpfile::tmpfile_callback),
    ..NODE
};

/// The table of directories.
pub(super) fn dir_inode_operations() -> *const sys::inode_operations {
    const { &OPERATIONS }
}
