// SPDX-License-Identifier: GPL-2.0-only

//! The programs of one `struct switchfs_ops`, which a map holds.
//!
//! They are called under RCU or, those that may sleep, with a reference.
//!
//! C header: `bpf.h`

use super::{
    attachment::{
        Epoch,
        Members, //
    },
    chooser::Seat,
    sys, //
};
use core::ptr::NonNull;
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// All operations, a bit each by their numbers.
const ALL_OPS: u32 = (1 << (sys::switchfs_op_SWITCHFS_OP_REMAP + 1)) - 1;

/// The programs of one `struct switchfs_ops`.
///
/// # Invariants
///
/// `ops`, if there is one, is the kernel's copy of a registered map's value, and a reference to the map
/// is owned.
pub(super) struct Loaded {
    /// The programs; none when they were let go.
    ops: Option<NonNull<sys::switchfs_ops>>,
    /// `SWITCHFS_MEMBER_*` of those that may sleep.
    pub(super) sleepers: u32,
    /// Theirs.
    pub(super) epoch: Epoch,
}

// SAFETY: The structure is not changed any more, and programs may be called by many tasks at once.
unsafe impl Send for Loaded {}
// SAFETY: As for `Send`.
unsafe impl Sync for Loaded {}

impl Loaded {
    /// Takes a reference to `ops`.
    ///
    /// # Safety
    ///
    /// `ops` is what `reg` or `update` was called with.
    pub(super) unsafe fn new(ops: NonNull<sys::switchfs_ops>) -> Result<Arc<Self>> {
        // SAFETY: By the contract.
        if !unsafe { sys::bpf_struct_ops_get(ops.as_ptr().cast()) } {
            return Err(ENOENT);
        }
        // INVARIANT: The reference was just taken.
        let loaded = Self {
            ops: Some(ops),
            // SAFETY: By the contract.
            sleepers: unsafe { sys::switchfs_bpf_sleepers(ops.as_ptr()) },
            epoch: Epoch::new(),
        };
        Ok(Arc::new(loaded, GFP_KERNEL)?)
    }

    /// None, in place of programs that are let go.
    pub(super) fn nothing() -> Result<Arc<Self>> {
        // INVARIANT: There is no structure.
        let nothing = Self {
            ops: None,
            sleepers: 0,
            epoch: Epoch::new(),
        };
        Ok(Arc::new(nothing, GFP_KERNEL)?)
    }

    /// The structure.
    pub(super) fn ops(&self) -> Option<&sys::switchfs_ops> {
        // SAFETY: By the type invariant.
        self.ops.map(|ops| unsafe { &*ops.as_ptr() })
    }

    /// Whether the programs `ops` are these.
    pub(super) fn is(&self, ops: *const sys::switchfs_ops) -> bool {
        self.ops.is_some_and(|own| core::ptr::eq(own.as_ptr(), ops))
    }

    /// Which members they have.
    pub(super) fn members(&self) -> Members {
        let Some(ops) = self.ops() else {
            return Members::default();
        };
        // CAST: Checked to have no more bits than there are operations.
        let asked = if ops.ops == 0 {
            ALL_OPS
        } else {
            ops.ops as u32
        };
        Members {
            ops: if ops.route.is_some() { asked } else { 0 },
            name: ops.name.is_some(),
            getattr: ops.getattr.is_some(),
            error: ops.error.is_some(),
        }
    }

    /// Tells the program that a mount begins to use it. The errno of a refusal.
    pub(super) fn begin(&self, seat: &Seat) -> Result {
        let Some(init) = self.ops().and_then(|ops| ops.init) else {
            return Ok(());
        };
        let mut mount = seat.mount();
        // SAFETY: A program that was verified for this argument; a reference is held.
        match unsafe { init(&raw mut mount) } {
            0 => Ok(()),
            errno @ -133..=-1 => Err(Error::from_errno(errno)),
            _ => Err(EIO),
        }
    }

    /// Tells the program that a mount does not use it any more.
    pub(super) fn end(&self, seat: &Seat) {
        if let Some(exit) = self.ops().and_then(|ops| ops.exit) {
            let mut mount = seat.mount();
            // SAFETY: A program that was verified for this argument; a reference is held.
            unsafe { exit(&raw mut mount) };
        }
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        if let Some(ops) = self.ops {
            // SAFETY: By the type invariant one reference is owned.
            unsafe { sys::bpf_struct_ops_put(ops.as_ptr().cast()) };
        }
    }
}
