// SPDX-License-Identifier: GPL-2.0-only

//! Whether anybody watches, and what those who do are told: a static key and the tracepoints.
//!
//! C headers: [`include/linux/jump_label.h`](srctree/include/linux/jump_label.h), `trace.h`

use super::{
    sys,
    Name, //
};
use kernel::{
    prelude::*,
    str::CStr, //
};

/// Whether somebody watches some mount: a counter file is switched on, or a tracepoint. A nop as long
/// as nobody does. Any context.
#[inline(always)]
#[allow(
    clippy::multiple_unsafe_ops_per_block,
    reason = "the macro of the kernel crate has several"
)]
pub(crate) fn watched() -> bool {
    // SAFETY: `switchfs_watch` is a static key that trace.c defines.
    unsafe {
        kernel::jump_label::static_branch_unlikely!(sys::switchfs_watch, sys::switchfs_key, key)
    }
}

/// Keeps [`watched`] true until it is dropped. Making and dropping it may sleep.
pub(crate) struct Watch(());

impl Watch {
    /// Begins to watch. All CPUs have seen it when this returns.
    pub(crate) fn new() -> Self {
        // SAFETY: May sleep; given back when dropped.
        unsafe { sys::switchfs_helper_watch(true) };
        Self(())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // SAFETY: May sleep; taken in `new`.
        unsafe { sys::switchfs_helper_watch(false) };
    }
}

/// The tracepoint `switchfs_route`: `branch` serves `op` on `name` by the rule `rule`, 0 for none and -1
/// for that of the open. Any context, as for all of them.
pub(crate) fn trace_route(dev: u32, op: &str, name: Name<'_>, ino: u64, branch: &CStr, rule: i32) {
    let bytes = name.bytes();
    // SAFETY: The texts have the lengths given, the branch's name ends with a NUL.
    unsafe {
        sys::switchfs_helper_trace_route(
            dev,
            op.as_ptr().cast(),
            op.len(),
            bytes.as_ptr(),
            bytes.len(),
            ino,
            branch.as_char_ptr(),
            rule,
        )
    };
}

/// The tracepoint `switchfs_refuse`: `op` on `name` fails with `error`, for `reason`.
pub(crate) fn trace_refuse(
    dev: u32,
    op: &str,
    name: Name<'_>,
    reason: &CStr,
    error: Error,
    rule: i32,
) {
    let bytes = name.bytes();
    // SAFETY: As in `trace_route`.
    unsafe {
        sys::switchfs_helper_trace_refuse(
            dev,
            op.as_ptr().cast(),
            op.len(),
            bytes.as_ptr(),
            bytes.len(),
            reason.as_char_ptr(),
            error.to_errno().wrapping_neg(),
            rule,
        )
    };
}

/// The tracepoint `switchfs_revalidate`: whether the cached `name` still holds.
pub(crate) fn trace_revalidate(dev: u32, name: Name<'_>, result: Result<bool>) {
    let bytes = name.bytes();
    let result = match result {
        Ok(holds) => i32::from(holds),
        Err(e) => e.to_errno(),
    };
    // SAFETY: As in `trace_route`.
    unsafe {
        sys::switchfs_helper_trace_revalidate(dev, bytes.as_ptr(), bytes.len(), result);
    }
}

/// The tracepoint `switchfs_open`: the object `ino` of `branch` was opened with `flags`.
pub(crate) fn trace_open(dev: u32, branch: &CStr, ino: u64, flags: u32) {
    // SAFETY: As in `trace_route`.
    unsafe { sys::switchfs_helper_trace_open(dev, branch.as_char_ptr(), ino, flags) };
}

/// A task as it calls itself.
#[derive(Clone, Copy)]
pub(crate) struct Opener {
    /// Its number in the initial namespace.
    pub(crate) pid: i32,
    /// Its name, padded with NULs.
    comm: [u8; Self::COMM],
}

impl Opener {
    /// `TASK_COMM_LEN`.
    const COMM: usize = 16;

    /// The current task. Any context but interrupts.
    pub(crate) fn current() -> Self {
        let mut comm = [0u8; Self::COMM];
        // SAFETY: The array has `TASK_COMM_LEN` bytes.
        unsafe { sys::switchfs_helper_current_comm(comm.as_mut_ptr().cast()) };
        Self {
            pid: kernel::current!().pid(),
            comm,
        }
    }

    /// The name.
    pub(crate) fn comm(&self) -> &[u8] {
        self.comm
            .split(|byte| *byte == 0)
            .next()
            .unwrap_or_default()
    }
}
