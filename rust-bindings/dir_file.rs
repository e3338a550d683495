// SPDX-License-Identifier: GPL-2.0-only

//! An open directory of switchfs, and `struct file_operations` of directories.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h)

use super::{
    file_ops::position,
    file_type::{
        FileSystem,
        Fs, //
    },
    sys,
    DirContext,
    SwitchDentry,
    SwitchInode, //
};
use kernel::{
    error::from_result,
    prelude::*,
    types::{
        ForeignOwnable,
        Opaque, //
    },
};

/// Wraps the kernel's `struct file` of a directory of switchfs.
///
/// # Invariants
///
/// The file is open, its inode is a directory of switchfs, and from the end of `open` on
/// `private_data` came from `Pin<KBox<Data>>::into_foreign`.
#[repr(transparent)]
pub(crate) struct DirFile(Opaque<sys::file>);

impl DirFile {
    /// Borrows a C file.
    ///
    /// # Safety
    ///
    /// `ptr` upholds the type invariant for `'a`.
    unsafe fn from_raw<'a>(ptr: *const sys::file) -> &'a Self {
        // SAFETY: By the contract; the type is transparent over `struct file`.
        unsafe { &*ptr.cast() }
    }

    /// The C pointer.
    pub(super) fn as_raw(&self) -> *mut sys::file {
        self.0.get()
    }

    /// The inode.
    pub(crate) fn inode(&self) -> &SwitchInode {
        // SAFETY: The file is valid; `f_inode` never changes.
        let inode = unsafe { (*self.0.get()).f_inode };
        // SAFETY: By the type invariant; a file pins its inode.
        unsafe { SwitchInode::from_raw(inode) }
    }

    /// The name by which it was opened.
    pub(crate) fn dentry(&self) -> &SwitchDentry {
        // SAFETY: The file is valid; `f_path` never changes.
        let path = unsafe { &(*self.0.get()).__bindgen_anon_1 };
        // SAFETY: Both fields of the union are the path.
        let dentry = unsafe { path.f_path.dentry };
        // SAFETY: By the type invariant; a file pins its path.
        unsafe { SwitchDentry::from_raw(dentry) }
    }

    /// Whether listing it through this mount does not count as an access.
    pub(crate) fn is_noatime(&self) -> bool {
        // SAFETY: The file is valid and has its path.
        unsafe { sys::switchfs_helper_file_noatime(self.0.get()) }
    }

    /// The position.
    pub(crate) fn pos(&self) -> i64 {
        // SAFETY: The file is valid; the VFS locks the position where it is changed.
        unsafe { (*self.0.get()).f_pos }
    }

    /// Sets the position.
    pub(crate) fn set_pos(&self, pos: i64) {
        // SAFETY: As for `pos`.
        unsafe { (*self.0.get()).f_pos = pos };
    }

    /// What was kept at `open`.
    pub(crate) fn data(&self) -> &DirData {
        // SAFETY: The file is valid; set in `open`, taken in `release`.
        let data = unsafe { (*self.0.get()).private_data };
        // SAFETY: By the type invariant.
        unsafe { <Pin<KBox<DirData>> as ForeignOwnable>::borrow(data) }.get_ref()
    }
}

/// The operations of an open directory. All may sleep.
#[vtable]
pub(crate) trait DirFileOps {
    /// What is kept with an open directory.
    type Data: Send + Sync;

    /// `open`.
    fn open(file: &DirFile) -> Result<Pin<KBox<Self::Data>>>;

    /// `llseek`: the new position.
    fn llseek(file: &DirFile, offset: i64, whence: i32) -> Result<i64>;

    /// `iterate_shared`: lists from the context's position on.
    fn iterate(file: &DirFile, context: &mut DirContext) -> Result;

    /// `fsync`.
    fn fsync(file: &DirFile, start: i64, end: i64, datasync: bool) -> Result;
}

/// The operations of directories.
type Dir = <Fs as FileSystem>::DirFile;
/// What is kept with an open directory.
type DirData = <Dir as DirFileOps>::Data;

/// `open` of a directory.
///
/// # Safety
///
/// Called by the VFS with a directory of switchfs that is being opened.
unsafe extern "C" fn dir_open_callback(_inode: *mut sys::inode, file: *mut sys::file) -> c_int {
    from_result(|| {
        // SAFETY: By the contract.
        let data = Dir::open(unsafe { DirFile::from_raw(file) })?;
        // SAFETY: By the contract.
        unsafe { (*file).private_data = data.into_foreign() };
        Ok(0)
    })
}

/// `release` of a directory.
///
/// # Safety
///
/// Called by the VFS once, with a directory of switchfs.
unsafe extern "C" fn dir_release_callback(_inode: *mut sys::inode, file: *mut sys::file) -> c_int {
    // SAFETY: By the contract.
    let data = unsafe { (*file).private_data };
    // SAFETY: Set in `dir_open_callback`.
    drop(unsafe { <Pin<KBox<DirData>> as ForeignOwnable>::from_foreign(data) });
    0
}

/// `llseek` of a directory.
///
/// # Safety
///
/// Called by the VFS with a directory of switchfs.
unsafe extern "C" fn dir_llseek_callback(file: *mut sys::file, offset: i64, whence: c_int) -> i64 {
    // SAFETY: By the contract.
    let file = unsafe { DirFile::from_raw(file) };
    position(Dir::llseek(file, offset, whence))
}

/// `iterate_shared`.
///
/// # Safety
///
/// Called by the VFS with a directory of switchfs and a context of this task.
unsafe extern "C" fn iterate_callback(
    file: *mut sys::file,
    context: *mut sys::dir_context,
) -> c_int {
    // SAFETY: By the contract.
    let file = unsafe { DirFile::from_raw(file) };
    // SAFETY: By the contract.
    let context = unsafe { DirContext::from_raw(context) };
    from_result(|| Dir::iterate(file, context).map(|()| 0))
}

/// `fsync` of a directory.
///
/// # Safety
///
/// Called by the VFS with a directory of switchfs.
unsafe extern "C" fn dir_fsync_callback(
    file: *mut sys::file,
    start: i64,
    end: i64,
    datasync: c_int,
) -> c_int {
    // SAFETY: By the contract.
    let file = unsafe { DirFile::from_raw(file) };
    from_result(|| Dir::fsync(file, start, end, datasync != 0).map(|()| 0))
}

/// The table of directories.
const OPERATIONS: sys::file_operations = sys::file_operations {
    open: Some(dir_open_callback),
    release: Some(dir_release_callback),
    llseek: Some(dir_llseek_callback),
    read: Some(sys::generic_read_dir),
    iterate_shared: Some(iterate_callback),
    fsync: Some(dir_fsync_callback),
    setlease: Some(sys::generic_setlease),
    ..pin_init::zeroed()
};

/// The table of directories.
pub(super) fn dir_operations() -> *const sys::file_operations {
    const { &OPERATIONS }
}
