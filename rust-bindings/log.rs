// SPDX-License-Identifier: GPL-2.0-only

//! The rate limit of the kernel log.

use super::sys;

/// Whether a line about a refused operation may be written to the log now.
pub(crate) fn log_allowed() -> bool {
    // SAFETY: Only takes the rate limit's own lock.
    unsafe { sys::switchfs_helper_log_allowed() }
}
