// SPDX-License-Identifier: GPL-2.0-only

//! Credentials that branch calls run under.
//!
//! C header: [`include/linux/cred.h`](srctree/include/linux/cred.h)

use super::{
    sys,
    Idmap,
    SwitchDentry, //
};
use core::{
    marker::PhantomData,
    sync::atomic::AtomicPtr, //
};
use kernel::{
    prelude::*,
    types::NotThreadSafe, //
};

/// Owned credentials that nobody changes any more.
///
/// # Invariants
///
/// The pointer is valid and owns one reference.
pub(crate) struct Creds(*const sys::cred);

// SAFETY: Credentials are immutable once they are published, and atomically counted.
unsafe impl Send for Creds {}
// SAFETY: As for `Send`.
unsafe impl Sync for Creds {}

impl Creds {
    /// The current task's credentials less CAP_SYS_RESOURCE, for the life of a mount.
    pub(crate) fn of_mounter() -> Result<Self> {
        // SAFETY: Only reads the current task's credentials.
        let cred = unsafe { sys::switchfs_helper_mounter_creds() };
        if cred.is_null() {
            return Err(ENOMEM);
        }
        // INVARIANT: The helper returns a new reference.
        Ok(Self(cred))
    }

    /// Makes these the current task's credentials until the guard is dropped.
    ///
    /// May be called in RCU walk. Guards are dropped in the reverse of their order.
    pub(crate) fn assume(&self) -> CredGuard<'_> {
        // SAFETY: The credentials are valid, and outlive the guard by its lifetime.
        let old = unsafe { sys::switchfs_helper_override_creds(self.0) };
        CredGuard {
            old,
            _creds: PhantomData,
            _task: NotThreadSafe,
        }
    }

    /// The C pointer.
    pub(super) fn as_raw(&self) -> *const sys::cred {
        self.0
    }

    /// The C pointer, or null for the current task's own.
    pub(super) fn raw_or_null(creds: Option<&Self>) -> *const sys::cred {
        creds.map_or(core::ptr::null(), Self::as_raw)
    }
}

impl Drop for Creds {
    fn drop(&mut self) {
        // SAFETY: By the invariant one reference is owned.
        unsafe { sys::switchfs_helper_put_cred(self.0) };
    }
}

/// What makes the credentials under which objects are made for callers.
///
/// # Invariants
///
/// What is in `last` is null or owns a reference.
pub(crate) struct Creators {
    /// Those of the last caller, for the next one with the same ids; null as long as labels matter.
    last: AtomicPtr<sys::cred>,
    /// Whether objects get labels, which depend on the caller and the name, too.
    labels: bool,
}

impl Creators {
    /// For one mount.
    pub(crate) fn new() -> Self {
        // INVARIANT: Null.
        Self {
            last: AtomicPtr::new(core::ptr::null_mut()),
            // SAFETY: May be called anywhere; security modules are chosen at boot.
            labels: unsafe { sys::switchfs_helper_labels() },
        }
    }

    /// A copy of `base`, always the same one, that makes the new object `dentry` belong to the current
    /// task, which came by a mount with the mapping `idmap`, with the label that its own creation would
    /// get.
    ///
    /// ENOMEM, or what the security module says. May sleep.
    pub(crate) fn for_current(
        &self,
        base: &Creds,
        idmap: Idmap<'_>,
        dentry: &SwitchDentry,
        mode: u16,
    ) -> Result<Creds> {
        let last = if self.labels {
            core::ptr::null_mut()
        } else {
            self.last.as_ptr().cast()
        };
        // SAFETY: The credentials are valid, and so is `last` or null; the dentry's name is stable,
        // since its parent is locked by the VFS for the operation that creates it.
        let cred = unsafe {
            sys::switchfs_helper_creator_creds(base.0, idmap.as_raw(), dentry.as_raw(), mode, last)
        };
        // INVARIANT: The helper returns a new reference.
        Ok(Creds(sys::from_err_ptr(cred)?))
    }
}

impl Drop for Creators {
    fn drop(&mut self) {
        // SAFETY: By the invariant a reference is owned, or it is null.
        unsafe { sys::switchfs_helper_put_cred(*self.last.get_mut()) };
    }
}

/// The current task runs under other credentials; dropped, it has its own again.
#[must_use]
pub(crate) struct CredGuard<'a> {
    /// What the task had before, kept alive by the task itself.
    old: *const sys::cred,
    /// The credentials in force outlive the guard.
    _creds: PhantomData<&'a Creds>,
    /// Credentials are the current task's.
    _task: NotThreadSafe,
}

impl CredGuard<'_> {
    /// Calls `f` under the credentials that the task had before. No guard made later is alive.
    pub(crate) fn lifted<R>(&self, f: impl FnOnce() -> R) -> R {
        // SAFETY: `old` was this task's when the guard was made, and the task still holds it.
        let own = unsafe { sys::switchfs_helper_override_creds(self.old) };
        let result = f();
        // SAFETY: `own` were the task's before, and outlive the guard.
        unsafe { sys::switchfs_helper_revert_creds(own) };
        result
    }
}

impl Drop for CredGuard<'_> {
    fn drop(&mut self) {
        // SAFETY: `old` was this task's when the guard was made, and the task still holds it.
        unsafe { sys::switchfs_helper_revert_creds(self.old) };
    }
}
