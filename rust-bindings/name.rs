// SPDX-License-Identifier: GPL-2.0-only

//! One path component.
//!
//! C header: [`include/linux/dcache.h`](srctree/include/linux/dcache.h)

use super::sys;
use kernel::types::Opaque;

/// A name as the VFS passes it in a `struct qstr`: bytes, not NUL-terminated, any encoding.
#[derive(Clone, Copy)]
pub(crate) struct Name<'a>(&'a [u8]);

impl<'a> Name<'a> {
    /// The component `bytes`; what is no valid name is refused by the calls that take it.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes of the name.
    pub(crate) fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// Reads a `struct qstr`.
    ///
    /// # Safety
    ///
    /// `qstr` points at a valid `struct qstr` whose name does not change for `'a`.
    pub(super) unsafe fn from_qstr(qstr: *const sys::qstr) -> Self {
        // SAFETY: `qstr` is valid by the contract of this function.
        let name = unsafe { (*qstr).name };
        // SAFETY: As above.
        let union = unsafe { &(*qstr).__bindgen_anon_1 };
        // SAFETY: `hash_len` is the whole of the union, of which `len` is the upper half.
        let hash_len = unsafe { union.hash_len };
        // CAST: `len` is the upper half of `hash_len` on little-endian machines (`HASH_LEN_DECLARE`).
        let len = (hash_len >> 32) as usize;
        // SAFETY: A qstr's name has `len` bytes, by the contract unchanged for `'a`.
        Self(unsafe { core::slice::from_raw_parts(name, len) })
    }

    /// Calls `f` with the name that `dentry` has now. May sleep as far as `f` does.
    ///
    /// # Safety
    ///
    /// `dentry` is valid.
    pub(super) unsafe fn of_dentry<R>(
        dentry: *mut sys::dentry,
        f: impl FnOnce(Name<'_>) -> R,
    ) -> R {
        let snapshot = Opaque::<sys::name_snapshot>::uninit();
        let snap = snapshot.get();
        // SAFETY: By the contract; the snapshot is released below.
        unsafe { sys::take_dentry_name_snapshot(snap, dentry) };
        // SAFETY: The snapshot was just taken.
        let qstr = unsafe { &raw const (*snap).name };
        // SAFETY: The snapshot keeps the name until it is released.
        let result = f(unsafe { Name::from_qstr(qstr) });
        // SAFETY: Taken above.
        unsafe { sys::release_dentry_name_snapshot(snap) };
        result
    }

    /// A `struct qstr` of this name without a hash, as `QSTR_LEN` makes it: the callee hashes it.
    pub(super) fn to_qstr(self) -> sys::qstr {
        sys::qstr {
            __bindgen_anon_1: sys::qstr__bindgen_ty_1 {
                // CAST: A name has at most `NAME_MAX` bytes, or is refused for its length.
                hash_len: (self.0.len() as u64) << 32,
            },
            name: self.0.as_ptr(),
        }
    }
}
