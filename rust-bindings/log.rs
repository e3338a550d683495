// SPDX-License-Identifier: GPL-2.0-only

//! The rate limit of the kernel log.
//!
//! C header: [`include/linux/ratelimit.h`](srctree/include/linux/ratelimit.h)

use super::sys;
use kernel::{
    prelude::*,
    types::Opaque, //
};

/// Lets through a few lines a minute.
///
/// # Invariants
///
/// The structure is initialised.
pub(crate) struct LogLimit(KBox<Opaque<sys::ratelimit_state>>);

// SAFETY: `___ratelimit` takes the structure's own lock.
unsafe impl Send for LogLimit {}
// SAFETY: As for `Send`.
unsafe impl Sync for LogLimit {}

impl LogLimit {
    /// A limit of its own.
    pub(crate) fn new() -> Result<Self> {
        let state = KBox::new(Opaque::uninit(), GFP_KERNEL)?;
        // SAFETY: The memory is ours, and stays where it is.
        unsafe { sys::switchfs_helper_ratelimit_init(state.get()) };
        // INVARIANT: Just initialised.
        Ok(Self(state))
    }

    /// Whether a line may be written to the log now.
    pub(crate) fn allows(&self) -> bool {
        // SAFETY: By the type invariant.
        unsafe { sys::switchfs_helper_ratelimit(self.0.get()) }
    }
}
