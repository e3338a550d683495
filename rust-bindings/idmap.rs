// SPDX-License-Identifier: GPL-2.0-only

//! The id mapping of a mount.
//!
//! C header: [`include/linux/mnt_idmapping.h`](srctree/include/linux/mnt_idmapping.h)

use super::sys;
use core::marker::PhantomData;

/// A borrowed `struct mnt_idmap`.
///
/// # Invariants
///
/// The pointer is valid for `'a`.
#[derive(Clone, Copy)]
pub(crate) struct Idmap<'a>(*mut sys::mnt_idmap, PhantomData<&'a ()>);

impl<'a> Idmap<'a> {
    /// Wraps what the VFS passes.
    ///
    /// # Safety
    ///
    /// `ptr` is valid for `'a`.
    pub(super) unsafe fn from_raw(ptr: *mut sys::mnt_idmap) -> Self {
        // INVARIANT: By the contract of this function.
        Self(ptr, PhantomData)
    }

    /// Whether it maps each id to itself.
    pub(super) fn is_nop(self) -> bool {
        self.0 == &raw mut sys::nop_mnt_idmap
    }

    /// The C pointer.
    pub(super) fn as_raw(self) -> *mut sys::mnt_idmap {
        self.0
    }
}
