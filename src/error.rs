// SPDX-License-Identifier: GPL-2.0-only

//! Errnos that the kernel crate does not name, and errors of the rules as errnos.

use crate::route::{
    mem::NoMem,
    Errno, //
};
use kernel::{
    error::Error,
    prelude::*, //
};

/// File too large.
pub(crate) fn efbig() -> Error {
    Error::from_errno(-27)
}

/// Directory not empty.
pub(crate) fn enotempty() -> Error {
    Error::from_errno(-39)
}

/// No such attribute.
pub(crate) fn enodata() -> Error {
    Error::from_errno(-61)
}

/// Filesystems are stacked too deep.
pub(crate) fn eloop() -> Error {
    Error::from_errno(-40)
}

/// A place where something is mounted by itself.
pub(crate) fn eremote() -> Error {
    Error::from_errno(-66)
}

/// Not supported by the branch.
pub(crate) fn eopnotsupp() -> Error {
    Error::from_errno(-95)
}

/// The object is not the one that was found before.
pub(crate) fn estale() -> Error {
    Error::from_errno(-116)
}

/// Programs were swapped while they were asked. Never reaches a caller: see
/// [`Info::settled`](crate::sb::Info::settled).
pub(crate) fn swapped() -> Error {
    EOPENSTALE
}

impl From<NoMem> for Error {
    fn from(_: NoMem) -> Self {
        ENOMEM
    }
}

impl From<Errno> for Error {
    fn from(errno: Errno) -> Self {
        Error::from_errno(errno.number().wrapping_neg())
    }
}
