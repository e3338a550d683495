// SPDX-License-Identifier: GPL-2.0-only

//! Raw C items: `kernel::bindings` and, over it, the delta that bindgen makes for this module.
//!
//! The delta's own definitions shadow the kernel crate's, so a type that is opaque there
//! (`fs_context`, `kstatfs`, `vfsmount`) is complete here; pointers are cast where they meet.

#[allow(
    clippy::all,
    clippy::as_underscore,
    clippy::cast_lossless,
    clippy::indexing_slicing,
    clippy::missing_docs_in_private_items,
    clippy::multiple_unsafe_ops_per_block,
    clippy::ptr_as_ptr,
    clippy::ref_as_ptr,
    clippy::undocumented_unsafe_blocks,
    dead_code,
    improper_ctypes,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    unreachable_pub,
    unsafe_op_in_unsafe_fn
)]
mod generated {
    pub(crate) use kernel::bindings::*;
    use kernel::ffi;
    use pin_init::MaybeZeroable;

    include!(env!("SWITCHFS_BINDINGS"));
}

pub(crate) use generated::*;

/// As [`kernel::error::from_err_ptr`], but inlined.
#[inline]
pub(super) fn from_err_ptr<T>(ptr: *mut T) -> kernel::error::Result<*mut T> {
    // CAST: Errors are the last addresses (`IS_ERR_VALUE`), and errnos fit.
    let code = ptr.addr() as isize;
    if (-(MAX_ERRNO as isize)..0).contains(&code) {
        Err(kernel::error::Error::from_errno(code as core::ffi::c_int))
    } else {
        Ok(ptr)
    }
}

/// As [`kernel::error::to_result`], but inlined: it stands behind each call on warm paths.
#[inline]
pub(super) fn to_result(code: core::ffi::c_int) -> kernel::error::Result {
    if code < 0 {
        Err(kernel::error::Error::from_errno(code))
    } else {
        Ok(())
    }
}
