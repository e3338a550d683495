// SPDX-License-Identifier: GPL-2.0-only

//! Errors of writeback, which each observer is told of once.
//!
//! C header: [`include/linux/errseq.h`](srctree/include/linux/errseq.h)

use super::sys;
use core::sync::atomic::{
    AtomicU32,
    Ordering, //
};

/// How far an observer has seen the errors that a branch records.
pub(super) struct Seen(AtomicU32);

impl Seen {
    /// What is recorded in `errors` and was told to somebody has been seen (`errseq_sample`).
    ///
    /// # Safety
    ///
    /// `errors` is valid.
    pub(super) unsafe fn of(errors: *mut sys::errseq_t) -> Self {
        // SAFETY: By the contract.
        Self(AtomicU32::new(unsafe { sys::errseq_sample(errors) }))
    }

    /// Records in `to` an error of `from` that has not been seen. Any context.
    ///
    /// # Safety
    ///
    /// Both are valid.
    pub(super) unsafe fn pass_on(&self, from: *mut sys::errseq_t, to: *mut sys::errseq_t) {
        let mut since = self.0.load(Ordering::Acquire);
        // SAFETY: By the contract; `since` is this task's.
        let err = unsafe { sys::errseq_check_and_advance(from, &raw mut since) };
        if err != 0 {
            // Before it counts as seen: who comes at the same time may tell of it twice, but nobody
            // returns without it.
            // SAFETY: By the contract.
            unsafe { sys::errseq_set(to, err) };
            self.0.store(since, Ordering::Release);
        }
    }
}
