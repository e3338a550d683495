// SPDX-License-Identifier: GPL-2.0-only

//! Opening a branch's objects.
//!
//! C headers: [`include/linux/backing-file.h`](srctree/include/linux/backing-file.h),
//! [`include/linux/fs.h`](srctree/include/linux/fs.h)

use super::{
    kept_file,
    regular_file::RegularFile,
    sys,
    Access,
    BackingFile,
    Creds,
    OpenFile,
    RealPath, //
};
use core::ptr::NonNull;
use kernel::{
    prelude::*,
    sync::aref::ARef, //
};

/// Flags that have done their work above, or are for the VFS alone.
const NOT_PASSED: u32 = sys::O_CREAT | sys::O_EXCL | sys::O_NOCTTY | sys::O_TRUNC;

/// `MAY_*` of the access mode of `flags` (`ACC_MODE` and `O_APPEND`).
fn access(flags: u32) -> u32 {
    if flags & sys::FMODE_EXEC != 0 {
        // As `open_exec`: what is executed need not be readable.
        return sys::MAY_EXEC | sys::MAY_OPEN;
    }
    let mode = match flags & sys::O_ACCMODE {
        sys::O_RDONLY => sys::MAY_READ,
        sys::O_WRONLY => sys::MAY_WRITE,
        _ => sys::MAY_READ | sys::MAY_WRITE,
    };
    let append = if flags & sys::O_APPEND != 0 {
        sys::MAY_APPEND
    } else {
        0
    };
    mode | append | sys::MAY_OPEN
}

/// The credentials that the current task runs under.
pub(super) fn current_creds() -> *const sys::cred {
    // SAFETY: Only reads a field of the current task.
    unsafe { sys::switchfs_helper_current_cred() }
}

/// What a file can do only if those behind it can: the VFS, and io_uring, ask for these bits.
const LENT: u32 = sys::FMODE_NOWAIT | sys::FMODE_CAN_ODIRECT;
/// What the VFS takes for granted before `open`, and a branch may not have.
const POSITIONS: u32 = sys::FMODE_LSEEK | sys::FMODE_PREAD | sys::FMODE_PWRITE;

impl OpenFile {
    /// The bits of `f_mode` that all files behind this one have.
    #[inline(always)]
    fn modes(&self) -> u32 {
        match self {
            Self::One(file) => file.mode(),
            Self::Split(files) => files
                .uses
                .iter()
                .flatten()
                .fold(!0, |modes, file| modes & file.mode()),
        }
    }

    /// Gives `file` the abilities of the files behind it.
    ///
    /// # Safety
    ///
    /// `file` is being opened by the current task.
    #[inline]
    pub(super) unsafe fn lend_modes(&self, file: *mut sys::file) {
        let modes = self.modes();
        // SAFETY: By the contract.
        let mode = unsafe { &mut (*file).f_mode };
        *mode = (*mode & (modes | !POSITIONS)) | (modes & LENT);
    }
}

/// Opens `path` for `user`'s file under `creds`, or the current ones (`backing_file_open`): it is then
/// shown under the user's path in `/proc/PID/maps`. May sleep.
///
/// `asked`: the branch's permission is not asked for any more.
/// `read_only` for a file that will only be read through, whatever the user's is opened for.
pub(crate) fn open_backing(
    user: &RegularFile,
    path: RealPath<'_>,
    creds: Option<&Creds>,
    read_only: bool,
    asked: bool,
) -> Result<ARef<BackingFile>> {
    let mut flags = user.flags() & !NOT_PASSED;
    user.set_flags(flags);
    if read_only {
        flags = (flags & !(sys::O_ACCMODE | sys::O_APPEND)) | sys::O_RDONLY;
    }
    if !asked {
        // CAST: Bits of a mask. `vfs_open` itself asks for no permission.
        path.permission(creds, Access(access(flags) as i32))?;
    }
    check_write(path, flags)?;
    open_with(user, path, creds, flags)
}

/// As [`open_backing`] for all that `user` is opened for, when permission was asked for already.
///
/// With `kept` a file will do that was kept when another one of `user`'s inode was closed.
#[inline(always)]
pub(crate) fn open_asked(
    user: &RegularFile,
    path: RealPath<'_>,
    creds: Option<&Creds>,
    kept: bool,
) -> Result<ARef<BackingFile>> {
    let flags = user.flags() & !NOT_PASSED;
    user.set_flags(flags);
    check_write(path, flags)?;
    if let (true, Some(creds)) = (kept, creds) {
        if let Some(file) = kept_file::reuse(user, path, creds, flags) {
            return file;
        }
    }
    open_with(user, path, creds, flags)
}

/// Whether the object's own flags let it be opened for writing with `flags`.
#[inline(always)]
fn check_write(path: RealPath<'_>, flags: u32) -> Result {
    if flags & sys::O_ACCMODE == sys::O_RDONLY {
        return Ok(());
    }
    path.inode()?.check_write(flags)
}

/// Opens `path`, which is positive, for `user`'s file with `flags`.
#[inline(always)]
fn open_with(
    user: &RegularFile,
    path: RealPath<'_>,
    creds: Option<&Creds>,
    flags: u32,
) -> Result<ARef<BackingFile>> {
    let raw = path.as_path();
    // SAFETY: The file and the path are valid, the path's dentry positive; the credentials outlive the
    // call.
    let file = sys::from_err_ptr(unsafe {
        sys::switchfs_helper_open_backing(
            user.as_raw(),
            &raw const raw,
            flags,
            Creds::raw_or_null(creds),
        )
    })?;
    // SAFETY: The function returns a reference to a file, never null.
    let file = unsafe { NonNull::new_unchecked(file) };
    // SAFETY: As above.
    Ok(unsafe { ARef::from_raw(file.cast()) })
}

/// Opens the directory `path` for reading under the current credentials. May sleep.
///
/// `short_positions` asks a branch that can choose for positions of 32 bits (`FMODE_32BITHASH`).
///
/// `noatime` for one whose reading does not count as an access.
pub(crate) fn open_dir(
    path: RealPath<'_>,
    short_positions: bool,
    noatime: bool,
) -> Result<ARef<BackingFile>> {
    // CAST: Bits of a mask.
    path.permission(None, Access((sys::MAY_OPEN | sys::MAY_READ) as i32))?;
    let raw = path.as_path();
    let mut flags = sys::O_RDONLY | sys::O_DIRECTORY | sys::O_LARGEFILE;
    if noatime {
        flags |= sys::O_NOATIME;
    }
    let creds = current_creds();
    // SAFETY: The path is valid; the current credentials are the task's.
    let file = unsafe { sys::dentry_open(&raw const raw, flags as c_int, creds) };
    let file = sys::from_err_ptr(file)?;
    if short_positions {
        // SAFETY: The file is new and nobody else's. nfsd sets its files' mode in the same way.
        unsafe { (*file).f_mode |= sys::FMODE_32BITHASH };
    }
    let file = NonNull::new(file).ok_or(ENOMEM)?;
    // SAFETY: The function returns a reference.
    Ok(unsafe { ARef::from_raw(file.cast()) })
}
