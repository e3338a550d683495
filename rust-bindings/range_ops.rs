// SPDX-License-Identifier: GPL-2.0-only

//! Operations of `struct file_operations` on ranges of one or two files: advice, copying, sharing.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h)

use super::{
    backing_file::done,
    file_type::{
        FileSystem,
        Fs, //
    },
    sys,
    BackingFile,
    RegularFile, //
};
use kernel::{
    error::from_result,
    prelude::*, //
};

/// What is to happen between two ranges.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transfer {
    /// `copy_file_range` with these flags.
    Copy(u32),
    /// The target shares the source's blocks (`FICLONE`); `REMAP_FILE_*`.
    Clone(u32),
    /// As `Clone`, but only if both hold the same data already.
    Dedupe(u32),
}

/// Two ranges of the same length.
#[derive(Clone, Copy)]
pub(crate) struct Ranges {
    /// Where the source begins.
    from: i64,
    /// Where the target begins.
    to: i64,
    /// How long both are; 0 for all.
    len: i64,
}

/// The operations on ranges of regular files. All may sleep.
#[vtable]
pub(crate) trait RangeOps {
    /// `fadvise`.
    fn fadvise(file: &RegularFile, offset: i64, len: i64, advice: i32) -> Result;

    /// `copy_file_range` and `remap_file_range`: the number of bytes. The files may be of two
    /// mounts of this filesystem.
    fn transfer(
        from: &RegularFile,
        to: &RegularFile,
        ranges: Ranges,
        kind: Transfer,
    ) -> Result<usize>;
}

impl BackingFile {
    /// `vfs_fadvise`. May sleep.
    pub(crate) fn fadvise(&self, offset: i64, len: i64, advice: i32) -> Result {
        // SAFETY: The file is valid.
        sys::to_result(unsafe { sys::vfs_fadvise(self.as_raw(), offset, len, advice) })
    }

    /// Whether the range may be read under the current credentials (`rw_verify_area`).
    pub(crate) fn may_read(&self, ranges: Ranges) -> Result {
        // CAST: Lengths are not negative.
        let len = ranges.len as usize;
        // SAFETY: File and position are valid.
        sys::to_result(unsafe {
            sys::rw_verify_area(
                sys::READ as c_int,
                self.as_raw(),
                &raw const ranges.from,
                len,
            )
        })
    }

    /// Whether blocks can be shared.
    fn can_remap(&self) -> bool {
        // SAFETY: The file is valid; `f_op` does not change once it is open.
        let op = unsafe { (*self.as_raw()).f_op };
        // SAFETY: An open file has operations.
        unsafe { (*op).remap_file_range }.is_some()
    }

    /// Copies to, or shares with, the file `to`. The caller holds the lock of the target's switchfs
    /// inode. EXDEV when the branches cannot. May sleep.
    pub(crate) fn transfer(&self, to: &BackingFile, r: Ranges, kind: Transfer) -> Result<usize> {
        let (source, target) = (self.as_raw(), to.as_raw());
        let ret = match kind {
            Transfer::Copy(flags) => {
                // CAST: Lengths are not negative.
                let len = r.len as usize;
                // SAFETY: Both files are valid.
                unsafe { sys::vfs_copy_file_range(source, r.from, target, r.to, len, flags) }
            }
            Transfer::Clone(flags) => {
                // SAFETY: As above.
                let n = unsafe {
                    sys::vfs_clone_file_range(source, r.from, target, r.to, r.len, flags)
                };
                // CAST: Both are 64 bits wide.
                n as isize
            }
            Transfer::Dedupe(flags) => {
                if !self.can_remap() {
                    // What the VFS says of the whole call then.
                    return Err(crate::error::eopnotsupp());
                }
                // SAFETY: As above.
                let n = unsafe {
                    sys::vfs_dedupe_file_range_one(source, r.from, target, r.to, r.len, flags)
                };
                // CAST: Both are 64 bits wide.
                n as isize
            }
        };
        done(ret)
    }
}

/// The filesystem's implementation.
type Ops = <Fs as FileSystem>::Range;

/// `fadvise`.
///
/// # Safety
///
/// Called by the VFS with a regular file of switchfs.
pub(super) unsafe extern "C" fn fadvise_callback(
    file: *mut sys::file,
    offset: i64,
    len: i64,
    advice: c_int,
) -> c_int {
    // SAFETY: By the contract.
    let file = unsafe { RegularFile::from_raw(file) };
    from_result(|| Ops::fadvise(file, offset, len, advice).map(|()| 0))
}

/// A count of bytes as the VFS wants it.
fn count(result: Result<usize>) -> i64 {
    // CAST: Counts are at most `MAX_LFS_FILESIZE`.
    result.map_or_else(|e| e.to_errno().into(), |n| n as i64)
}

/// `copy_file_range`.
///
/// # Safety
///
/// Called by the VFS with two regular files of switchfs: it compares the operations of both.
pub(super) unsafe extern "C" fn copy_file_range_callback(
    file_in: *mut sys::file,
    pos_in: i64,
    file_out: *mut sys::file,
    pos_out: i64,
    len: usize,
    flags: c_uint,
) -> isize {
    // SAFETY: By the contract.
    let from = unsafe { RegularFile::from_raw(file_in) };
    // SAFETY: By the contract.
    let to = unsafe { RegularFile::from_raw(file_out) };
    let ranges = Ranges {
        from: pos_in,
        to: pos_out,
        // CAST: The VFS has shortened it to the end of the source.
        len: len as i64,
    };
    // CAST: Both are 64 bits wide.
    count(Ops::transfer(from, to, ranges, Transfer::Copy(flags))) as isize
}

/// `remap_file_range`.
///
/// # Safety
///
/// Called by the VFS with two regular files of one superblock of switchfs.
pub(super) unsafe extern "C" fn remap_file_range_callback(
    file_in: *mut sys::file,
    pos_in: i64,
    file_out: *mut sys::file,
    pos_out: i64,
    len: i64,
    flags: c_uint,
) -> i64 {
    // SAFETY: By the contract.
    let from = unsafe { RegularFile::from_raw(file_in) };
    // SAFETY: By the contract.
    let to = unsafe { RegularFile::from_raw(file_out) };
    let ranges = Ranges {
        from: pos_in,
        to: pos_out,
        len,
    };
    if flags & !(sys::REMAP_FILE_DEDUP | sys::REMAP_FILE_ADVISORY) != 0 {
        return EINVAL.to_errno().into();
    }
    let kind = if flags & sys::REMAP_FILE_DEDUP != 0 {
        Transfer::Dedupe(flags)
    } else {
        Transfer::Clone(flags)
    };
    count(Ops::transfer(from, to, ranges, kind))
}
