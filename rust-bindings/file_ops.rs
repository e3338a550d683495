// SPDX-License-Identifier: GPL-2.0-only

//! `struct file_operations` of regular files.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h)

use super::{
    backing_file::Owner,
    file_type::{
        FileSystem,
        Fs, //
    },
    range_ops,
    regular_file::{
        OpenFile,
        RegularFile, //
    },
    sys, watched, Iocb, SpliceRead, SpliceWrite, Vma,
};
use core::marker::PhantomData;
use kernel::{
    error::from_result,
    prelude::*, //
};

/// The operations of an open regular file. All may sleep.
#[vtable]
pub(crate) trait RegularFileOps {
    /// `open`.
    fn open(file: &RegularFile) -> Result<OpenFile>;

    /// Whether [`open_asked`](super::open_asked) may be given what is kept of this file when it is closed.
    fn keeps(file: &RegularFile) -> bool;

    /// The file was opened, or could not be; only called while somebody watches.
    fn opened(file: &RegularFile, result: Result);

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

    /// What `show_fdinfo` adds: lines.
    fn show(file: &RegularFile) -> Result<KVVec<u8>>;

    /// The file is about to be closed; only called while somebody watches.
    fn closing(file: &RegularFile);
}

/// The operations of regular files.
type Regular = <Fs as FileSystem>::File;

/// A count of bytes as the VFS wants it.
fn count(result: Result<usize>) -> isize {
    match result {
        // CAST: Counts are at most `MAX_RW_COUNT`.
        Ok(n) => n as isize,
        Err(e) => e.to_errno() as isize,
    }
}

/// A position as the VFS wants it.
pub(super) fn position(result: Result<i64>) -> i64 {
    result.unwrap_or_else(|e| i64::from(e.to_errno()))
}

/// `open` of a regular file.
///
/// # Safety
///
/// Called by the VFS with a regular file of switchfs that is being opened.
unsafe extern "C" fn open_callback(inode: *mut sys::inode, file: *mut sys::file) -> c_int {
    if watched() {
        // First of all, so that it is a jump.
        // SAFETY: By the contract.
        return unsafe { watched_open(inode, file) };
    }
    // SAFETY: By the contract.
    unsafe { open(file) }
}

/// Opens a regular file.
///
/// # Safety
///
/// As for [`open_callback`].
#[inline(always)]
unsafe fn open(file: *mut sys::file) -> c_int {
    // Not by `from_result`, which would be called.
    // SAFETY: By the contract.
    let open = match Regular::open(unsafe { RegularFile::from_raw(file) }) {
        Ok(open) => open,
        Err(e) => return e.to_errno(),
    };
    // SAFETY: By the contract.
    unsafe { open.lend_modes(file) };
    if !open.is_flushed() {
        // Both tables are this module's: the file's reference to it stays.
        // SAFETY: By the contract.
        unsafe { (*file).f_op = const { &UNFLUSHED } };
    }
    // SAFETY: By the contract.
    unsafe { (*file).private_data = open.into_raw() };
    0
}

/// `open` while somebody watches.
///
/// # Safety
///
/// As for [`open_callback`].
#[cold]
#[inline(never)]
unsafe extern "C" fn watched_open(_inode: *mut sys::inode, file: *mut sys::file) -> c_int {
    // SAFETY: By the contract.
    let ret = unsafe { open(file) };
    // SAFETY: By the contract; opened, it has what `open` returned.
    Regular::opened(unsafe { RegularFile::from_raw(file) }, sys::to_result(ret));
    ret
}

/// `release` of a regular file.
///
/// # Safety
///
/// Called by the VFS once, with a regular file of switchfs.
unsafe extern "C" fn release_callback(inode: *mut sys::inode, file: *mut sys::file) -> c_int {
    if watched() {
        // SAFETY: By the contract.
        return unsafe { watched_release(inode, file) };
    }
    // SAFETY: By the contract.
    unsafe { release(file) }
}

/// Closes what is behind a regular file.
///
/// # Safety
///
/// As for [`release_callback`].
#[inline(always)]
unsafe fn release(file: *mut sys::file) -> c_int {
    // SAFETY: By the contract.
    let data = unsafe { (*file).private_data };
    // SAFETY: By the contract.
    let file = unsafe { RegularFile::from_raw(file) };
    // SAFETY: Set in `open_callback`.
    if let Some(open) = unsafe { OpenFile::from_raw(data) } {
        open.close(Regular::keeps(file).then(|| file.inode()));
    }
    0
}

/// `release` while somebody watches.
///
/// # Safety
///
/// As for [`release_callback`].
#[cold]
#[inline(never)]
unsafe extern "C" fn watched_release(_inode: *mut sys::inode, file: *mut sys::file) -> c_int {
    // SAFETY: By the contract.
    Regular::closing(unsafe { RegularFile::from_raw(file) });
    // SAFETY: By the contract.
    unsafe { release(file) }
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

/// `show_fdinfo` of a regular file.
///
/// # Safety
///
/// Called by procfs with a seq file of this task and an open regular file of switchfs.
unsafe extern "C" fn show_fdinfo_callback(m: *mut sys::seq_file, file: *mut sys::file) {
    // SAFETY: By the contract.
    let text = Regular::show(unsafe { RegularFile::from_raw(file) });
    // Without memory, there is less to be seen.
    if let Ok(text) = text {
        // SAFETY: By the contract; the text has the length.
        unsafe { sys::seq_write(m, text.as_ptr().cast(), text.len()) };
    }
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
    show_fdinfo: Some(show_fdinfo_callback),
    fadvise: Some(range_ops::fadvise_callback),
    copy_file_range: Some(range_ops::copy_file_range_callback),
    remap_file_range: Some(range_ops::remap_file_range_callback),
    // Leases are of this inode; without the slot there would be none.
    setlease: Some(sys::generic_setlease),
    // No ioctl is passed down: without the slots it is ENOTTY. Locks are of this inode.
    ..pin_init::zeroed()
};

/// That of files none of whose branches is to be told when a descriptor is closed.
const UNFLUSHED: sys::file_operations = sys::file_operations {
    flush: None,
    ..REGULAR
};

/// The table of regular files.
pub(super) fn file_operations() -> *const sys::file_operations {
    const { &REGULAR }
}
