// SPDX-License-Identifier: GPL-2.0-only

//! Reading a whole file that a mount option names.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h)

use super::{
    backing_file::done,
    sys,
    FileType,
    Inode,
    PathFile, //
};
use core::ptr::NonNull;
use kernel::{
    error::from_err_ptr,
    prelude::*,
    str::CStr, //
};

/// How much is read at a time.
const PIECE: usize = 64 << 10;

/// A file that was opened here.
///
/// # Invariants
///
/// The pointer owns a reference to an open file.
struct Opened(NonNull<sys::file>);

impl Drop for Opened {
    fn drop(&mut self) {
        // SAFETY: By the invariant one reference is owned.
        unsafe { sys::fput(self.0.as_ptr()) };
    }
}

/// The type of the object at `path`, for which the current task resolves it. May sleep.
fn type_at(path: &CStr) -> Result<FileType> {
    let mut found = sys::path::default();
    // SAFETY: The string is NUL-terminated; `found` is filled on success.
    sys::to_result(unsafe {
        sys::kern_path(path.as_char_ptr(), sys::LOOKUP_FOLLOW, &raw mut found)
    })?;
    // SAFETY: `found` is a valid path, of an object that exists.
    let inode = unsafe { (*found.dentry).d_inode };
    // SAFETY: The path pins the inode.
    let found_type = unsafe { Inode::from_raw(inode) }.file_type();
    // SAFETY: The reference that `kern_path` returned is given up.
    unsafe { sys::path_put(&raw const found) };
    Ok(found_type)
}

/// The bytes of the regular file at `path`, which the current task may read. EISDIR for a directory,
/// EINVAL for another type, which is not even opened; EFBIG for a file of more than `limit` bytes.
/// May sleep.
pub(crate) fn read_file(path: &CStr, limit: usize) -> Result<KVVec<u8>> {
    // Opening a device can do something, and opening a FIFO can wait.
    check_type(type_at(path)?)?;
    let flags = sys::O_RDONLY | sys::O_NONBLOCK | sys::O_NOCTTY | sys::O_LARGEFILE;
    // CAST: Flags are bits.
    // SAFETY: The path is a C string.
    let file = from_err_ptr(unsafe { sys::filp_open(path.as_char_ptr(), flags as c_int, 0) })?;
    // INVARIANT: The function returns a reference.
    let file = Opened(NonNull::new(file).ok_or(ENOENT)?);
    // SAFETY: By the invariant.
    read(unsafe { file.0.as_ref() }, limit)
}

impl PathFile<'_> {
    /// The bytes of the file, as [`read_file`]; EBADF when it is not open for reading. Where the file
    /// is read next by its descriptor does not matter and stays.
    pub(crate) fn read(&self, limit: usize) -> Result<KVVec<u8>> {
        read(self.as_file(), limit)
    }
}

/// Refuses what is not a regular file.
fn check_type(file_type: FileType) -> Result {
    match file_type {
        FileType::Regular => Ok(()),
        FileType::Dir => Err(EISDIR),
        _ => Err(EINVAL),
    }
}

/// Whether `kernel_read` can read the file; it would complain in the log.
fn is_readable(file: &sys::file) -> bool {
    // SAFETY: An open file has operations, which do not change.
    let ops = unsafe { &*file.f_op };
    ops.read_iter.is_some() && ops.read.is_none()
}

/// The bytes of a file, at most `limit`.
fn read(file: &sys::file, limit: usize) -> Result<KVVec<u8>> {
    if file.f_mode & sys::FMODE_READ == 0 {
        return Err(EBADF);
    }
    // SAFETY: The file is open, and pins its inode.
    check_type(unsafe { Inode::from_raw(file.f_inode) }.file_type())?;
    if !is_readable(file) {
        return Err(EINVAL);
    }
    let mut text = KVVec::new();
    let mut pos = 0;
    loop {
        let start = text.len();
        if start > limit {
            return Err(crate::error::efbig());
        }
        text.resize(start.saturating_add(PIECE), 0u8, GFP_KERNEL)?;
        let room = text.get_mut(start..).unwrap_or_default();
        // SAFETY: The file is open for reading, the room has the size that is given.
        let count = unsafe {
            sys::kernel_read(
                core::ptr::from_ref(file).cast_mut(),
                room.as_mut_ptr().cast(),
                room.len(),
                &raw mut pos,
            )
        };
        let count = done(count)?;
        text.truncate(start.saturating_add(count));
        if count == 0 {
            return Ok(text);
        }
    }
}
