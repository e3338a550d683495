// SPDX-License-Identifier: GPL-2.0-only

//! `struct file_operations`.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h)

use super::{
    backing_file::Owner,
    file_type::{
        FileSystem,
        Fs, //
    },
    range_ops,
    sys,
    BackingFile,
    DirContext,
    Iocb,
    SpliceRead,
    SpliceWrite,
    SwitchDentry,
    SwitchInode,
    Vma, //
};
use core::marker::PhantomData;
use kernel::{
    error::from_result,
    prelude::*,
    sync::aref::ARef,
    types::{
        ForeignOwnable,
        Opaque, //
    },
};

/// Which backing file of an open file an operation uses.
#[derive(Clone, Copy)]
pub(crate) enum Use {
    /// Whatever is not one of the others.
    Open,
    /// Reading.
    Read,
    /// Writing, truncation, allocation.
    Write,
    /// Mapping.
    Mmap,
    /// Splicing out of the file.
    SpliceRead,
    /// Splicing into the file.
    SpliceWrite,
    /// Seeking.
    Lseek,
    /// Copying out of the file.
    CopyFrom,
    /// Copying into the file.
    CopyTo,
    /// Sharing the file's blocks with another.
    RemapFrom,
    /// Sharing another file's blocks.
    RemapTo,
}

impl Use {
    /// All of them, in their order.
    pub(crate) const ALL: [Use; 11] = [
        Use::Open,
        Use::Read,
        Use::Write,
        Use::Mmap,
        Use::SpliceRead,
        Use::SpliceWrite,
        Use::Lseek,
        Use::CopyFrom,
        Use::CopyTo,
        Use::RemapFrom,
        Use::RemapTo,
    ];
}

/// The backing files of an open file by [`Use`], or why there is none, when rules name operations
/// on open files by themselves.
pub(crate) type SplitFiles = [Result<ARef<BackingFile>>; Use::ALL.len()];

/// What is behind an open file; `private_data` holds it without an allocation in the common case.
pub(crate) enum OpenFile {
    /// One backing file for all.
    One(ARef<BackingFile>),
    /// One for each use.
    Split(KBox<SplitFiles>),
}

/// Set in `private_data` when it points at [`SplitFiles`]; files and boxes are aligned to 8 bytes.
const SPLIT: usize = 1;

impl OpenFile {
    /// The form in `private_data`.
    pub(super) fn into_raw(self) -> *mut c_void {
        match self {
            Self::One(file) => ARef::into_raw(file).as_ptr().cast(),
            Self::Split(files) => KBox::into_raw(files)
                .cast::<c_void>()
                .map_addr(|a| a | SPLIT),
        }
    }

    /// Takes the form in `private_data` back.
    ///
    /// # Safety
    ///
    /// `raw` came from `into_raw`, and is not used any more.
    pub(super) unsafe fn from_raw(raw: *mut c_void) -> Option<Self> {
        if raw.addr() & SPLIT != 0 {
            let files = raw.map_addr(|a| a & !SPLIT).cast();
            // SAFETY: By the contract.
            Some(Self::Split(unsafe { KBox::from_raw(files) }))
        } else {
            let file = core::ptr::NonNull::new(raw)?;
            // SAFETY: By the contract.
            Some(Self::One(unsafe { ARef::from_raw(file.cast()) }))
        }
    }
}

/// Wraps the kernel's `struct file` of a regular file of switchfs.
///
/// # Invariants
///
/// The file is open, its inode is a regular file of switchfs, and from the end of `open` on
/// `private_data` came from [`OpenFile::into_raw`].
#[repr(transparent)]
pub(crate) struct RegularFile(Opaque<sys::file>);

impl RegularFile {
    /// Borrows a C file.
    ///
    /// # Safety
    ///
    /// `ptr` upholds the type invariant for `'a`.
    pub(super) unsafe fn from_raw<'a>(ptr: *const sys::file) -> &'a Self {
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
        let inode = unsafe { (*self.as_raw()).f_inode };
        // SAFETY: By the type invariant; a file pins its inode.
        unsafe { SwitchInode::from_raw(inode) }
    }

    /// The name by which it was opened.
    pub(crate) fn dentry(&self) -> &SwitchDentry {
        // SAFETY: The file is valid; `f_path` never changes.
        let path = unsafe { &(*self.as_raw()).__bindgen_anon_1 };
        // SAFETY: Both fields of the union are the path.
        let dentry = unsafe { path.f_path.dentry };
        // SAFETY: By the type invariant; a file pins its path.
        unsafe { SwitchDentry::from_raw(dentry) }
    }

    /// `O_*`.
    pub(crate) fn flags(&self) -> u32 {
        // SAFETY: The file is valid (`READ_ONCE`).
        let field = unsafe { &raw const (*self.as_raw()).f_flags };
        // SAFETY: As above.
        unsafe { field.read_volatile() }
    }

    /// Replaces the flags while the file is being opened.
    pub(super) fn set_flags(&self, flags: u32) {
        // SAFETY: The file is valid; it is not in a file table before `open` returns.
        let field = unsafe { &raw mut (*self.as_raw()).f_flags };
        // SAFETY: As above.
        unsafe { field.write_volatile(flags) };
    }

    /// Whether this open made the file.
    pub(crate) fn is_made(&self) -> bool {
        // SAFETY: The file is valid; the VFS sets the bit before `open`.
        unsafe { (*self.as_raw()).f_mode & sys::FMODE_CREATED != 0 }
    }

    /// Whether it is opened to be executed.
    pub(crate) fn is_exec(&self) -> bool {
        self.flags() & sys::FMODE_EXEC != 0
    }

    /// Whether reading it through this mount does not count as an access.
    pub(super) fn is_noatime(&self) -> bool {
        // SAFETY: The file is valid and has its path.
        unsafe { sys::switchfs_helper_file_noatime(self.as_raw()) }
    }

    /// Whether it is opened for writing.
    pub(crate) fn writable(&self) -> bool {
        // SAFETY: The file is valid; `f_mode` bits of access never change.
        unsafe { (*self.as_raw()).f_mode & sys::FMODE_WRITE != 0 }
    }

    /// The position.
    pub(crate) fn pos(&self) -> i64 {
        // SAFETY: The file is valid; the VFS locks the position where it is changed.
        unsafe { (*self.as_raw()).f_pos }
    }

    /// Sets the position.
    pub(crate) fn set_pos(&self, pos: i64) {
        // SAFETY: As for `pos`.
        unsafe { (*self.as_raw()).f_pos = pos };
    }

    /// Removes set-id bits and capabilities before data changes (`file_remove_privs`). The inode is
    /// locked; may sleep.
    pub(crate) fn remove_privileges(&self) -> Result {
        // SAFETY: The file is valid.
        kernel::error::to_result(unsafe { sys::file_remove_privs(self.as_raw()) })
    }

    /// The backing file for `which`, or the errno with which the rules refuse it.
    pub(crate) fn backing(&self, which: Use) -> Result<&BackingFile> {
        // SAFETY: The file is valid; set in `open`, taken in `release`.
        let raw = unsafe { (*self.as_raw()).private_data };
        if raw.addr() & SPLIT == 0 {
            // SAFETY: By the type invariant.
            return Ok(unsafe { BackingFile::from_raw(raw.cast()) });
        }
        let files = raw.map_addr(|a| a & !SPLIT).cast::<SplitFiles>();
        // SAFETY: By the type invariant.
        let files = unsafe { &*files };
        // CAST: Uses are numbered from 0.
        match files.get(which as usize) {
            Some(Ok(file)) => Ok(file),
            Some(Err(e)) => Err(*e),
            None => Err(EIO),
        }
    }

    /// Calls `f` for the backing file of every use, as often as it is used; the first error counts.
    pub(crate) fn each_backing(&self, f: impl Fn(&BackingFile) -> Result) -> Result {
        // SAFETY: As in `backing`.
        let raw = unsafe { (*self.as_raw()).private_data };
        if raw.addr() & SPLIT == 0 {
            return f(self.backing(Use::Open)?);
        }
        let mut result = Ok(());
        for which in Use::ALL {
            if let Ok(file) = self.backing(which) {
                result = result.and(f(file));
            }
        }
        result
    }
}

/// The operations of an open regular file. All may sleep.
#[vtable]
pub(crate) trait RegularFileOps {
    /// `open`.
    fn open(file: &RegularFile) -> Result<OpenFile>;

    /// `llseek`: the new position.
    fn llseek(file: &RegularFile, offset: i64, whence: i32) -> Result<i64>;

    /// `read_iter`: bytes read.
    fn read(io: &Iocb<'_>) -> Result<usize>;

    /// `write_iter`: bytes written.
    fn write(io: &Iocb<'_>) -> Result<usize>;

    /// Called when a write is done, by whomever, under whatever credentials.
    fn wrote(file: &RegularFile);

    /// `splice_read`.
    fn splice_read(splice: &SpliceRead<'_>) -> Result<usize>;

    /// `splice_write`.
    fn splice_write(splice: &SpliceWrite<'_>) -> Result<usize>;

    /// `mmap`.
    fn mmap(file: &RegularFile, vma: &mut Vma) -> Result;

    /// `flush`: a descriptor is being closed.
    fn flush(file: &RegularFile, id: Owner) -> Result;

    /// `fsync`.
    fn fsync(file: &RegularFile, start: i64, end: i64, datasync: bool) -> Result;

    /// `fallocate`.
    fn fallocate(file: &RegularFile, mode: i32, offset: i64, len: i64) -> Result;
}

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

/// The operations of regular files.
type Regular = <Fs as FileSystem>::File;
/// The operations of directories.
type Dir = <Fs as FileSystem>::DirFile;
/// What is kept with an open directory.
type DirData = <Dir as DirFileOps>::Data;

/// A count of bytes as the VFS wants it.
fn count(result: Result<usize>) -> isize {
    match result {
        // CAST: Counts are at most `MAX_RW_COUNT`.
        Ok(n) => n as isize,
        Err(e) => e.to_errno() as isize,
    }
}

/// A position as the VFS wants it.
fn position(result: Result<i64>) -> i64 {
    result.unwrap_or_else(|e| i64::from(e.to_errno()))
}

/// `open` of a regular file.
///
/// # Safety
///
/// Called by the VFS with a regular file of switchfs that is being opened.
unsafe extern "C" fn open_callback(_inode: *mut sys::inode, file: *mut sys::file) -> c_int {
    from_result(|| {
        // SAFETY: By the contract.
        let open = Regular::open(unsafe { RegularFile::from_raw(file) })?;
        // SAFETY: By the contract.
        unsafe { open.lend_modes(file) };
        // SAFETY: By the contract.
        unsafe { (*file).private_data = open.into_raw() };
        Ok(0)
    })
}

/// `release` of a regular file.
///
/// # Safety
///
/// Called by the VFS once, with a regular file of switchfs.
unsafe extern "C" fn release_callback(_inode: *mut sys::inode, file: *mut sys::file) -> c_int {
    // SAFETY: By the contract.
    let data = unsafe { (*file).private_data };
    // SAFETY: Set in `open_callback`.
    drop(unsafe { OpenFile::from_raw(data) });
    0
}

/// `llseek` of a regular file.
///
/// # Safety
///
/// Called by the VFS with a regular file of switchfs.
unsafe extern "C" fn llseek_callback(file: *mut sys::file, offset: i64, whence: c_int) -> i64 {
    // SAFETY: By the contract.
    let file = unsafe { RegularFile::from_raw(file) };
    position(Regular::llseek(file, offset, whence))
}

/// `read_iter`.
///
/// # Safety
///
/// Called by the VFS with a request for a regular file of switchfs.
unsafe extern "C" fn read_iter_callback(iocb: *mut sys::kiocb, iter: *mut sys::iov_iter) -> isize {
    count(Regular::read(&Iocb {
        iocb,
        iter,
        _life: PhantomData,
    }))
}

/// `write_iter`.
///
/// # Safety
///
/// As for [`read_iter_callback`].
unsafe extern "C" fn write_iter_callback(iocb: *mut sys::kiocb, iter: *mut sys::iov_iter) -> isize {
    count(Regular::write(&Iocb {
        iocb,
        iter,
        _life: PhantomData,
    }))
}

/// `end_write` of a `backing_file_ctx`.
///
/// # Safety
///
/// Called by backing-file.c with the request that `write_iter` or a splice began.
pub(super) unsafe extern "C" fn end_write_callback(iocb: *mut sys::kiocb, _ret: isize) {
    // SAFETY: By the contract.
    let file = unsafe { (*iocb).ki_filp };
    // SAFETY: The request holds the file.
    Regular::wrote(unsafe { RegularFile::from_raw(file) });
}

/// `splice_read`.
///
/// # Safety
///
/// Called by the VFS with a regular file of switchfs, a position and a pipe.
unsafe extern "C" fn splice_read_callback(
    file: *mut sys::file,
    pos: *mut i64,
    pipe: *mut sys::pipe_inode_info,
    len: usize,
    flags: c_uint,
) -> isize {
    // SAFETY: By the contract.
    let file = unsafe { RegularFile::from_raw(file) };
    count(Regular::splice_read(&SpliceRead {
        file,
        pos,
        pipe,
        len,
        flags,
    }))
}

/// `splice_write`.
///
/// # Safety
///
/// As for [`splice_read_callback`].
unsafe extern "C" fn splice_write_callback(
    pipe: *mut sys::pipe_inode_info,
    file: *mut sys::file,
    pos: *mut i64,
    len: usize,
    flags: c_uint,
) -> isize {
    // SAFETY: By the contract.
    let file = unsafe { RegularFile::from_raw(file) };
    count(Regular::splice_write(&SpliceWrite(SpliceRead {
        file,
        pos,
        pipe,
        len,
        flags,
    })))
}

/// `mmap`.
///
/// # Safety
///
/// Called by the VFS with a regular file of switchfs and a mapping under construction.
unsafe extern "C" fn mmap_callback(file: *mut sys::file, vma: *mut sys::vm_area_struct) -> c_int {
    // SAFETY: By the contract.
    let file = unsafe { RegularFile::from_raw(file) };
    // SAFETY: By the contract.
    let vma = unsafe { Vma::from_raw(vma) };
    from_result(|| Regular::mmap(file, vma).map(|()| 0))
}

/// `flush`.
///
/// # Safety
///
/// Called by the VFS with a regular file of switchfs.
unsafe extern "C" fn flush_callback(file: *mut sys::file, id: sys::fl_owner_t) -> c_int {
    // SAFETY: By the contract.
    let file = unsafe { RegularFile::from_raw(file) };
    from_result(|| Regular::flush(file, Owner(id)).map(|()| 0))
}

/// `fsync` of a regular file.
///
/// # Safety
///
/// Called by the VFS with a regular file of switchfs.
unsafe extern "C" fn fsync_callback(
    file: *mut sys::file,
    start: i64,
    end: i64,
    datasync: c_int,
) -> c_int {
    // SAFETY: By the contract.
    let file = unsafe { RegularFile::from_raw(file) };
    from_result(|| Regular::fsync(file, start, end, datasync != 0).map(|()| 0))
}

/// `fallocate`.
///
/// # Safety
///
/// Called by the VFS with a regular file of switchfs.
unsafe extern "C" fn fallocate_callback(
    file: *mut sys::file,
    mode: c_int,
    offset: i64,
    len: i64,
) -> c_long {
    // SAFETY: By the contract.
    let file = unsafe { RegularFile::from_raw(file) };
    from_result(|| Regular::fallocate(file, mode, offset, len).map(|()| 0 as c_int)) as c_long
}

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

/// The table of regular files.
const REGULAR: sys::file_operations = sys::file_operations {
    open: Some(open_callback),
    release: Some(release_callback),
    llseek: Some(llseek_callback),
    read_iter: Some(read_iter_callback),
    write_iter: Some(write_iter_callback),
    splice_read: Some(splice_read_callback),
    splice_write: Some(splice_write_callback),
    mmap: Some(mmap_callback),
    flush: Some(flush_callback),
    fsync: Some(fsync_callback),
    fallocate: Some(fallocate_callback),
    fadvise: Some(range_ops::fadvise_callback),
    copy_file_range: Some(range_ops::copy_file_range_callback),
    remap_file_range: Some(range_ops::remap_file_range_callback),
    // Leases are of this inode; without the slot there would be none.
    setlease: Some(sys::generic_setlease),
    // No ioctl is passed down: without the slots it is ENOTTY. Locks are of this inode.
    ..pin_init::zeroed()
};

/// The table of directories.
const DIR: sys::file_operations = sys::file_operations {
    open: Some(dir_open_callback),
    release: Some(dir_release_callback),
    llseek: Some(dir_llseek_callback),
    read: Some(sys::generic_read_dir),
    iterate_shared: Some(iterate_callback),
    fsync: Some(dir_fsync_callback),
    setlease: Some(sys::generic_setlease),
    ..pin_init::zeroed()
};

/// The table of regular files.
pub(super) fn file_operations() -> *const sys::file_operations {
    const { &REGULAR }
}

/// The table of directories.
pub(super) fn dir_operations() -> *const sys::file_operations {
    const { &DIR }
}
