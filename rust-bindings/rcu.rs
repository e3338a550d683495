// SPDX-License-Identifier: GPL-2.0-only

//! A shared object that is replaced while it is being read.

use core::sync::atomic::{
    AtomicPtr,
    Ordering, //
};
use kernel::sync::{
    rcu,
    Arc,
    ArcBorrow, //
};

use super::sys;

/// A place that always holds an [`Arc`], read under RCU and replaced as a whole.
///
/// # Invariants
///
/// The pointer came from [`Arc::into_raw`], and its reference is given up only a grace period after
/// the pointer was replaced.
pub(crate) struct RcuArc<T>(AtomicPtr<T>);

// SAFETY: This is an `Arc<T>` that can be replaced.
unsafe impl<T: Send + Sync> Send for RcuArc<T> {}
// SAFETY: As for `Send`.
unsafe impl<T: Send + Sync> Sync for RcuArc<T> {}

impl<T> RcuArc<T> {
    /// A place that holds `value`.
    pub(crate) fn new(value: Arc<T>) -> Self {
        // INVARIANT: The pointer comes from `into_raw`.
        Self(AtomicPtr::new(Arc::into_raw(value).cast_mut()))
    }

    /// Reads the object in place. `f` must not sleep; may be called in RCU walk.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        let _guard = rcu::read_lock();
        // SAFETY: By the invariant the object lives until a grace period after its replacement,
        // hence until the guard is dropped.
        f(unsafe { &*self.0.load(Ordering::Acquire) })
    }

    /// A reference to keep.
    pub(crate) fn get(&self) -> Arc<T> {
        let _guard = rcu::read_lock();
        // SAFETY: As in `with`; the borrow ends before the guard does.
        let borrow = unsafe { ArcBorrow::from_raw(self.0.load(Ordering::Acquire)) };
        borrow.into()
    }

    /// Puts `value` in place of the object, which is let go when nobody reads it. May sleep.
    pub(crate) fn replace(&self, value: Arc<T>) {
        let old = self
            .0
            .swap(Arc::into_raw(value).cast_mut(), Ordering::AcqRel);
        // It is seldom replaced, and what needs the new one does without what was kept until then.
        // SAFETY: May sleep by the contract of this method.
        unsafe { sys::synchronize_rcu_expedited() };
        // SAFETY: By the invariant; a grace period has passed since it was replaced.
        drop(unsafe { Arc::from_raw(old) });
    }
}

impl<T> Drop for RcuArc<T> {
    fn drop(&mut self) {
        // SAFETY: By the invariant; nobody can read a place that is being dropped.
        drop(unsafe { Arc::from_raw(*self.0.get_mut()) });
    }
}
