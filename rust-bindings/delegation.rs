// SPDX-License-Identifier: GPL-2.0-only

//! Delegations of a branch's objects: a promise, to an NFS client or by `F_SETDELEG`, to be asked before
//! attributes or names change.
//!
//! C header: [`include/linux/filelock.h`](srctree/include/linux/filelock.h)

use super::sys;
use core::ptr::null_mut;
use kernel::prelude::*;

/// Calls `change`, and again after each delegation that was in its way, which its holder is asked to
/// give back. Ends when a signal comes first.
///
/// `change` passes on what it gets as the C function's `delegated_inode`, and holds no lock of a branch
/// when it returns. May sleep, for a holder that does not answer as long as `fs.lease-break-time` says.
#[inline]
pub(super) fn ask_back<R>(
    mut change: impl FnMut(*mut sys::delegated_inode) -> Result<R>,
) -> Result<R> {
    loop {
        let mut delegated = sys::delegated_inode {
            di_inode: null_mut(),
        };
        let result = change(&raw mut delegated);
        if delegated.di_inode.is_null() {
            return result;
        }
        wait(&mut delegated)?;
    }
}

/// `break_deleg_wait`.
#[cold]
fn wait(delegated: &mut sys::delegated_inode) -> Result {
    // SAFETY: The inode is there, with the reference that the function gives up.
    sys::to_result(unsafe { sys::switchfs_helper_break_deleg_wait(delegated) })
}
