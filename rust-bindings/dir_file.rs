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
    sees_trusted,
    sys,
    watched,
    DirContext,
    Name,
    SwitchDentry,
    SwitchInode, //
};
use kernel::{
    error::{
        code::ENOIOCTLCMD,
        from_result, //
    },
    prelude::*,
    str::CStr,
    types::{
        ForeignOwnable,
        Opaque, //
    },
    uaccess::{
        UserPtr,
        UserSlice, //
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

    /// `SWITCHFS_IOC_ROUTE`: what would happen to a name in the directory, of the type that the mode
    /// `kind` has, or 0. The caller may ask.
    fn route(file: &DirFile, name: Name<'_>, kind: u32) -> Result<KVVec<u8>>;

    /// What `show_fdinfo` adds: lines.
    fn show(file: &DirFile) -> Result<KVVec<u8>>;

    /// The directory is about to be closed; only called while somebody watches.
    fn closing(file: &DirFile);
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
    if watched() {
        // SAFETY: By the contract.
        Dir::closing(unsafe { DirFile::from_raw(file) });
    }
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

/// Answers `SWITCHFS_IOC_ROUTE` with the argument at `arg`.
fn answer(file: &DirFile, arg: UserPtr) -> Result {
    if !sees_trusted() {
        return Err(EPERM);
    }
    let mut bytes = [0u8; size_of::<sys::switchfs_route_query>()];
    UserSlice::new(arg, bytes.len())
        .reader()
        .read_slice(&mut bytes)?;
    // SAFETY: The array has the size of the structure, for which all bits are valid.
    let mut query: sys::switchfs_route_query = unsafe {
        bytes
            .as_ptr()
            .cast::<sys::switchfs_route_query>()
            .read_unaligned()
    };
    let name = CStr::from_bytes_until_nul(&query.name)
        .map_err(|_| EINVAL)?
        .to_bytes();
    if name.is_empty() || name == b"." || name == b".." || name.contains(&b'/') {
        return Err(EINVAL);
    }
    let text = Dir::route(file, Name::new(name), query.type_)?;
    let room = usize::try_from(query.size).map_err(|_| EINVAL)?;
    query.size = u32::try_from(text.len()).map_err(|_| E2BIG)?;
    // The size is the second field, after one of 4 bytes.
    let size = arg.wrapping_byte_add(core::mem::offset_of!(sys::switchfs_route_query, size));
    UserSlice::new(size, size_of::<u32>())
        .writer()
        .write(&query.size)?;
    if room == 0 {
        return Ok(());
    }
    if room < text.len() {
        return Err(ERANGE);
    }
    let buffer = UserPtr::from_addr(usize::try_from(query.buffer).map_err(|_| EFAULT)?);
    UserSlice::new(buffer, text.len())
        .writer()
        .write_slice(&text)
}

/// `unlocked_ioctl` of a directory. All but the one are left to the VFS, which makes them ENOTTY.
///
/// # Safety
///
/// Called by the VFS with a directory of switchfs.
unsafe extern "C" fn ioctl_callback(file: *mut sys::file, cmd: c_uint, arg: c_ulong) -> c_long {
    if cmd != sys::SWITCHFS_IOC_ROUTE {
        return ENOIOCTLCMD.to_errno() as c_long;
    }
    // SAFETY: By the contract.
    let file = unsafe { DirFile::from_raw(file) };
    from_result(|| answer(file, UserPtr::from_addr(arg)).map(|()| 0 as c_int)) as c_long
}

/// `show_fdinfo` of a directory.
///
/// # Safety
///
/// Called by procfs with a seq file of this task and an open directory of switchfs.
unsafe extern "C" fn dir_show_fdinfo_callback(m: *mut sys::seq_file, file: *mut sys::file) {
    // SAFETY: By the contract.
    let text = Dir::show(unsafe { DirFile::from_raw(file) });
    // Without memory, there is less to be seen.
    if let Ok(text) = text {
        // SAFETY: By the contract; the text has the length.
        unsafe { sys::seq_write(m, text.as_ptr().cast(), text.len()) };
    }
}

/// The table of directories.
const OPERATIONS: sys::file_operations = sys::file_operations {
    open: Some(dir_open_callback),
    release: Some(dir_release_callback),
    llseek: Some(dir_llseek_callback),
    read: Some(sys::generic_read_dir),
    iterate_shared: Some(iterate_callback),
    fsync: Some(dir_fsync_callback),
    unlocked_ioctl: Some(ioctl_callback),
    compat_ioctl: Some(sys::compat_ptr_ioctl),
    show_fdinfo: Some(dir_show_fdinfo_callback),
    setlease: Some(sys::generic_setlease),
    ..pin_init::zeroed()
};

/// The table of directories.
pub(super) fn dir_operations() -> *const sys::file_operations {
    const { &OPERATIONS }
}
