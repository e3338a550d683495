// SPDX-License-Identifier: GPL-2.0-only

//! The flags that `chattr` shows, and where an object's data is on its device.
//!
//! C headers: [`include/linux/fileattr.h`](srctree/include/linux/fileattr.h),
//! [`include/linux/fiemap.h`](srctree/include/linux/fiemap.h)

use super::{
    file_type::{
        FileSystem,
        Fs, //
    },
    open::current_creds,
    sys,
    FileType,
    Idmap,
    Inode,
    RealPath,
    SwitchDentry,
    SwitchInode, //
};
use core::marker::PhantomData;
use kernel::{
    error::{
        code::ENOIOCTLCMD,
        from_err_ptr,
        from_result, //
    },
    prelude::*,
    types::Opaque, //
};

/// Flags that are asked for or to be set: the kernel's `struct file_kattr`.
#[repr(transparent)]
pub(crate) struct FileAttr(Opaque<sys::file_kattr>);

impl FileAttr {
    /// Borrows what the VFS passes.
    ///
    /// # Safety
    ///
    /// `ptr` is valid for `'a`, and nobody else uses it.
    unsafe fn from_raw<'a>(ptr: *mut sys::file_kattr) -> &'a mut Self {
        // SAFETY: By the contract; the type is transparent over `struct file_kattr`.
        unsafe { &mut *ptr.cast() }
    }

    /// The ioctl by which the caller came, as far as that can be told.
    fn command(&self, set: bool) -> u32 {
        // SAFETY: The structure is valid and used by this task alone.
        let extended = unsafe { &*self.0.get() }.fsx_valid();
        match (set, extended) {
            (false, false) => sys::FS_IOC_GETFLAGS,
            (false, true) => sys::FS_IOC_FSGETXATTR,
            (true, false) => sys::FS_IOC_SETFLAGS,
            (true, true) => sys::FS_IOC_FSSETXATTR,
        }
    }
}

/// A search for extents.
pub(crate) struct Fiemap<'a> {
    /// What to find and where to put it.
    info: *mut sys::fiemap_extent_info,
    /// Where to begin.
    start: u64,
    /// How far to go.
    len: u64,
    /// The structure is the caller's for the call.
    _life: PhantomData<&'a mut ()>,
}

/// The operations on flags and extents. All may sleep.
#[vtable]
pub(crate) trait FileAttrOps {
    /// `fileattr_get`.
    fn get(dentry: &SwitchDentry, attr: &mut FileAttr) -> Result;

    /// `fileattr_set`; the VFS holds the inode's lock.
    fn set(idmap: Idmap<'_>, dentry: &SwitchDentry, attr: &mut FileAttr) -> Result;

    /// `fiemap` of a regular file or a directory.
    fn fiemap(inode: &SwitchInode, request: Fiemap<'_>) -> Result;
}

impl RealPath<'_> {
    /// Asks the security module for what an ioctl on the object would ask for. Nothing but files
    /// and directories is opened for that, as opening the others does something.
    fn allow_fileattr(&self, attr: &FileAttr, set: bool) -> Result {
        match self.inode()?.file_type() {
            FileType::Regular | FileType::Dir => {}
            _ => return Ok(()),
        }
        let raw = self.as_path();
        let flags = (sys::O_RDONLY | sys::O_LARGEFILE) as c_int;
        // SAFETY: The path is valid; the current credentials are the task's.
        let file = unsafe { sys::dentry_open(&raw const raw, flags, current_creds()) };
        let file = from_err_ptr(file)?;
        // SAFETY: The file was just opened.
        let ret = unsafe { sys::security_file_ioctl(file, attr.command(set), 0) };
        // SAFETY: The reference that `dentry_open` returned is given up.
        unsafe { sys::fput(file) };
        sys::to_result(ret)
    }

    /// `vfs_fileattr_get`: ENOTTY where there are no flags. May sleep.
    pub(crate) fn fileattr_get(&self, attr: &mut FileAttr) -> Result {
        self.allow_fileattr(attr, false)?;
        // SAFETY: The dentry is valid and positive.
        supported(unsafe { sys::vfs_fileattr_get(self.dentry().as_raw(), attr.0.get()) })
    }

    /// `vfs_fileattr_set`. The caller has write access to the mount, and the branch's lock is not
    /// held. May sleep.
    pub(crate) fn fileattr_set(&self, attr: &mut FileAttr) -> Result {
        self.allow_fileattr(attr, true)?;
        let idmap = self.mount().idmap().as_raw();
        // SAFETY: Mapping and dentry are valid, the dentry is positive.
        supported(unsafe { sys::vfs_fileattr_set(idmap, self.dentry().as_raw(), attr.0.get()) })
    }
}

/// A result that may be the VFS's own errno for an operation that is not there.
fn supported(ret: c_int) -> Result {
    sys::to_result(ret).map_err(|e| if e == ENOIOCTLCMD { ENOTTY } else { e })
}

impl Inode {
    /// The inode's `fiemap`. EOPNOTSUPP where there is none. May sleep.
    pub(crate) fn fiemap(&self, request: Fiemap<'_>) -> Result {
        // SAFETY: The inode is valid; `i_op` is set before it is published.
        let op = unsafe { (*self.as_raw()).i_op };
        // SAFETY: An inode always has operations.
        let fiemap = unsafe { (*op).fiemap };
        let fiemap = fiemap.ok_or_else(crate::error::eopnotsupp)?;
        // SAFETY: The inode is valid, the rest is what the VFS passed.
        sys::to_result(unsafe { fiemap(self.as_raw(), request.info, request.start, request.len) })
    }
}

/// The filesystem's implementation.
type Ops = <Fs as FileSystem>::FileAttr;

/// `fileattr_get`.
///
/// # Safety
///
/// Called by the VFS with a positive dentry of switchfs and a structure to fill.
pub(super) unsafe extern "C" fn fileattr_get_callback(
    dentry: *mut sys::dentry,
    attr: *mut kernel::bindings::file_kattr,
) -> c_int {
    // SAFETY: By the contract.
    let dentry = unsafe { SwitchDentry::from_raw(dentry) };
    // SAFETY: By the contract; the delta's type is the complete one of the same C structure.
    let attr = unsafe { FileAttr::from_raw(attr.cast()) };
    from_result(|| Ops::get(dentry, attr).map(|()| 0))
}

/// `fileattr_set`.
///
/// # Safety
///
/// Called by the VFS with a positive dentry of switchfs, its inode locked, and a request of its own.
pub(super) unsafe extern "C" fn fileattr_set_callback(
    idmap: *mut sys::mnt_idmap,
    dentry: *mut sys::dentry,
    attr: *mut kernel::bindings::file_kattr,
) -> c_int {
    // SAFETY: By the contract.
    let idmap = unsafe { Idmap::from_raw(idmap) };
    // SAFETY: By the contract.
    let dentry = unsafe { SwitchDentry::from_raw(dentry) };
    // SAFETY: By the contract; the delta's type is the complete one of the same C structure.
    let attr = unsafe { FileAttr::from_raw(attr.cast()) };
    from_result(|| Ops::set(idmap, dentry, attr).map(|()| 0))
}

/// `fiemap`.
///
/// # Safety
///
/// Called by the VFS with an inode of switchfs and a request of its own.
pub(super) unsafe extern "C" fn fiemap_callback(
    inode: *mut sys::inode,
    info: *mut sys::fiemap_extent_info,
    start: u64,
    len: u64,
) -> c_int {
    // SAFETY: By the contract.
    let inode = unsafe { SwitchInode::from_raw(inode) };
    let request = Fiemap {
        info,
        start,
        len,
        _life: PhantomData,
    };
    from_result(|| Ops::fiemap(inode, request).map(|()| 0))
}
