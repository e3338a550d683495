// SPDX-License-Identifier: GPL-2.0-only

//! `struct inode_operations`.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h)

use super::{
    acl,
    create::CreateKind,
    file_type::{
        FileSystem,
        Fs, //
    },
    fileattr,
    sys,
    tmpfile,
    xattr,
    Dentry,
    IAttr,
    Idmap,
    Name,
    Stat,
    StatQuery,
    SwitchDentry,
    SwitchInode, //
};
use core::marker::PhantomData;
use kernel::{
    error::{
        from_err_ptr,
        from_result, //
    },
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
    fn lookup(entry: Entry<'_>) -> Result<Option<ARef<SwitchDentry>>>;

    /// `create`, `mknod`, `symlink`.
    fn create(entry: Entry<'_>, mode: u16, kind: CreateKind<'_>) -> Result;

    /// `mkdir`; another dentry is returned when the directory has one already.
    fn mkdir(entry: Entry<'_>, mode: u16) -> Result<Option<ARef<SwitchDentry>>>;

    /// `link`: one more name for the object of `old`.
    fn link(old: &SwitchDentry, entry: Entry<'_>) -> Result;

    /// `unlink`.
    fn unlink(entry: Entry<'_>) -> Result;

    /// `rmdir`.
    fn rmdir(entry: Entry<'_>) -> Result;

    /// `rename`; moves the dentries too (`FS_RENAME_DOES_D_MOVE`).
    fn rename(old: Entry<'_>, new: Entry<'_>, flags: RenameFlags) -> Result;
}

/// The target of a symbolic link, to be read by the VFS until the delayed call it came with.
pub(crate) struct LinkTarget<'a>(*const c_char, PhantomData<&'a ()>);

/// Where a branch leaves what is to be done when a link's target has been read.
pub(crate) struct DelayedCall<'a>(*mut sys::delayed_call, PhantomData<&'a ()>);

impl<'a> DelayedCall<'a> {
    /// `vfs_get_link`: the target of a branch's link. May sleep.
    pub(crate) fn get_link(self, real: &Dentry) -> Result<LinkTarget<'a>> {
        // SAFETY: The dentry is valid, the call is the VFS's own.
        let target = unsafe { sys::vfs_get_link(real.as_raw(), self.0) };
        from_err_ptr(target.cast_mut()).map(|t| LinkTarget(t, PhantomData))
    }
}

/// What a caller wants to do with an object (`MAY_*`).
#[derive(Clone, Copy)]
pub(crate) struct Access(pub(super) i32);

impl Access {
    /// To use it as a directory in a path, or to execute it.
    pub(crate) const EXEC: Access = Access(sys::MAY_EXEC as i32);

    /// Whether it is one of `bits`.
    fn has(self, bits: u32) -> bool {
        // CAST: Bits of a mask.
        self.0 & bits as i32 != 0
    }

    /// Whether the walk is under RCU: nothing may sleep, ECHILD leaves it.
    pub(crate) fn in_rcu(self) -> bool {
        self.has(sys::MAY_NOT_BLOCK)
    }

    /// The same without changing the object.
    pub(crate) fn without_write(self) -> Self {
        // CAST: Bits of a mask.
        Access(self.0 & !(sys::MAY_WRITE | sys::MAY_APPEND) as i32)
    }

    /// Whether the object is being opened.
    pub(crate) fn opens(self) -> bool {
        self.has(sys::MAY_OPEN)
    }

    /// Whether it is to be executed, or is a directory that is passed through.
    pub(crate) fn executes(self) -> bool {
        self.has(sys::MAY_EXEC)
    }
}

/// The operations on an object of any type.
#[vtable]
pub(crate) trait NodeOps {
    /// `permission`: whether the caller has `access`.
    ///
    /// # Context
    ///
    /// RCU walk when [`Access::in_rcu`]; else may sleep.
    fn permission(idmap: Idmap<'_>, inode: &SwitchInode, access: Access) -> Result;

    /// `getattr`. May sleep.
    fn getattr(dentry: &SwitchDentry, stat: &mut Stat, query: StatQuery) -> Result;

    /// `setattr`; the VFS holds the inode's lock. May sleep.
    fn setattr(idmap: Idmap<'_>, dentry: &SwitchDentry, attr: &mut IAttr) -> Result;

    /// `get_link` of a symbolic link; without a dentry in RCU walk.
    fn get_link<'a>(
        dentry: Option<&SwitchDentry>,
        inode: &SwitchInode,
        done: DelayedCall<'a>,
    ) -> Result<LinkTarget<'a>>;

    /// `update_time` of a link that was read. May sleep.
    fn accessed(inode: &SwitchInode) -> Result;
}

/// The operations of directories.
type Dir = <Fs as FileSystem>::Dir;
/// The operations of everything.
type Node = <Fs as FileSystem>::Node;

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
    _flags: c_uint,
) -> *mut sys::dentry {
    // SAFETY: By the contract.
    dentry_ptr(Dir::lookup(unsafe { Entry::from_raw(dir, dentry) }))
}

/// Makes a new object that is no directory.
///
/// # Safety
///
/// Called for the VFS with a directory of switchfs, locked, and a negative dentry in it.
unsafe fn create(
    dir: *mut sys::inode,
    dentry: *mut sys::dentry,
    mode: u16,
    kind: CreateKind<'_>,
) -> c_int {
    // SAFETY: By the contract.
    let entry = unsafe { Entry::from_raw(dir, dentry) };
    from_result(|| Dir::create(entry, mode, kind).map(|()| 0))
}

/// `create`, as the kernel in hand declares it.
///
/// # Safety
///
/// As for [`create`].
#[cfg(switchfs_create_excl)]
unsafe extern "C" fn create_callback(
    _idmap: *mut sys::mnt_idmap,
    dir: *mut sys::inode,
    dentry: *mut sys::dentry,
    mode: sys::umode_t,
    _excl: bool,
) -> c_int {
    // SAFETY: By the contract.
    unsafe { create(dir, dentry, mode, CreateKind::Regular) }
}

/// `create`, as the kernel in hand declares it.
///
/// # Safety
///
/// As for [`create`].
#[cfg(not(switchfs_create_excl))]
unsafe extern "C" fn create_callback(
    _idmap: *mut sys::mnt_idmap,
    dir: *mut sys::inode,
    dentry: *mut sys::dentry,
    mode: sys::umode_t,
) -> c_int {
    // SAFETY: By the contract.
    unsafe { create(dir, dentry, mode, CreateKind::Regular) }
}

/// `mknod`.
///
/// # Safety
///
/// As for [`create`].
unsafe extern "C" fn mknod_callback(
    _idmap: *mut sys::mnt_idmap,
    dir: *mut sys::inode,
    dentry: *mut sys::dentry,
    mode: sys::umode_t,
    dev: sys::dev_t,
) -> c_int {
    // SAFETY: By the contract.
    unsafe { create(dir, dentry, mode, CreateKind::Node(dev)) }
}

/// `symlink`.
///
/// # Safety
///
/// As for [`create`]; `target` is NUL-terminated.
unsafe extern "C" fn symlink_callback(
    _idmap: *mut sys::mnt_idmap,
    dir: *mut sys::inode,
    dentry: *mut sys::dentry,
    target: *const c_char,
) -> c_int {
    // SAFETY: By the contract.
    let target = unsafe { CStr::from_char_ptr(target) };
    // SAFETY: By the contract.
    unsafe { create(dir, dentry, 0, CreateKind::Symlink(target)) }
}

/// `mkdir`.
///
/// # Safety
///
/// As for [`create`].
unsafe extern "C" fn mkdir_callback(
    _idmap: *mut sys::mnt_idmap,
    dir: *mut sys::inode,
    dentry: *mut sys::dentry,
    mode: sys::umode_t,
) -> *mut sys::dentry {
    // SAFETY: By the contract.
    dentry_ptr(Dir::mkdir(unsafe { Entry::from_raw(dir, dentry) }, mode))
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

/// `permission`.
///
/// # Safety
///
/// Called by the VFS with an inode of switchfs.
unsafe extern "C" fn permission_callback(
    idmap: *mut sys::mnt_idmap,
    inode: *mut sys::inode,
    mask: c_int,
) -> c_int {
    // SAFETY: By the contract.
    let idmap = unsafe { Idmap::from_raw(idmap) };
    // SAFETY: By the contract.
    let inode = unsafe { SwitchInode::from_raw(inode) };
    from_result(|| Node::permission(idmap, inode, Access(mask)).map(|()| 0))
}

/// `getattr`.
///
/// # Safety
///
/// Called by the VFS with a path of switchfs and a structure to fill.
unsafe extern "C" fn getattr_callback(
    _idmap: *mut sys::mnt_idmap,
    path: *const sys::path,
    stat: *mut sys::kstat,
    mask: u32,
    flags: c_uint,
) -> c_int {
    // SAFETY: By the contract.
    let dentry = unsafe { (*path).dentry };
    // SAFETY: By the contract.
    let dentry = unsafe { SwitchDentry::from_raw(dentry) };
    // SAFETY: By the contract.
    let stat = unsafe { Stat::from_raw(stat) };
    from_result(|| Node::getattr(dentry, stat, StatQuery { mask, flags }).map(|()| 0))
}

/// `setattr`.
///
/// # Safety
///
/// Called by the VFS with a dentry of switchfs, its inode locked, and a request of its own.
unsafe extern "C" fn setattr_callback(
    idmap: *mut sys::mnt_idmap,
    dentry: *mut sys::dentry,
    attr: *mut sys::iattr,
) -> c_int {
    // SAFETY: By the contract.
    let idmap = unsafe { Idmap::from_raw(idmap) };
    // SAFETY: By the contract.
    let dentry = unsafe { SwitchDentry::from_raw(dentry) };
    // SAFETY: By the contract.
    let attr = unsafe { IAttr::from_raw(attr) };
    from_result(|| Node::setattr(idmap, dentry, attr).map(|()| 0))
}

/// `get_link`.
///
/// # Safety
///
/// Called by the VFS with a symbolic link of switchfs.
unsafe extern "C" fn get_link_callback(
    dentry: *mut sys::dentry,
    inode: *mut sys::inode,
    done: *mut sys::delayed_call,
) -> *const c_char {
    // SAFETY: By the contract.
    let dentry = (!dentry.is_null()).then(|| unsafe { SwitchDentry::from_raw(dentry) });
    // SAFETY: By the contract.
    let inode = unsafe { SwitchInode::from_raw(inode) };
    match Node::get_link(dentry, inode, DelayedCall(done, PhantomData)) {
        Ok(target) => target.0,
        Err(e) => e.to_ptr(),
    }
}

/// `update_time` of a symbolic link: only access times get here (`S_NOCMTIME`).
///
/// # Safety
///
/// Called by the VFS with a symbolic link of switchfs.
unsafe extern "C" fn update_time_callback(
    inode: *mut sys::inode,
    _kind: sys::fs_update_time,
    _flags: c_uint,
) -> c_int {
    // SAFETY: By the contract.
    let inode = unsafe { SwitchInode::from_raw(inode) };
    from_result(|| Node::accessed(inode).map(|()| 0))
}

/// What every object has.
const NODE: sys::inode_operations = sys::inode_operations {
    permission: Some(permission_callback),
    getattr: Some(getattr_callback),
    setattr: Some(setattr_callback),
    get_inode_acl: Some(acl::get_inode_acl_callback),
    get_acl: Some(acl::get_acl_callback),
    set_acl: Some(acl::set_acl_callback),
    listxattr: Some(xattr::listxattr_callback),
    fileattr_get: Some(fileattr::fileattr_get_callback),
    fileattr_set: Some(fileattr::fileattr_set_callback),
    fiemap: Some(fileattr::fiemap_callback),
    // No `update_time`: times are the branch's, and its files tell it. No `atomic_open`: the VFS calls lookup, create and
    // open in turn. No `readlink`: the VFS uses `get_link`.
    ..pin_init::zeroed()
};

/// Symbolic links.
const SYMLINK: sys::inode_operations = sys::inode_operations {
    get_link: Some(get_link_callback),
    update_time: Some(update_time_callback),
    get_inode_acl: None,
    get_acl: None,
    set_acl: None,
    ..NODE
};

/// Directories.
const DIR: sys::inode_operations = sys::inode_operations {
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
    const { &DIR }
}

/// The table of symbolic links.
pub(super) fn symlink_inode_operations() -> *const sys::inode_operations {
    const { &SYMLINK }
}

/// The table of regular files, devices, FIFOs and sockets.
pub(super) fn file_inode_operations() -> *const sys::inode_operations {
    const { &NODE }
}
