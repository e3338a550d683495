// SPDX-License-Identifier: GPL-2.0-only

//! What differs between the kernel build and the host build: memory that can run out.
//!
//! The kernel sets the cfg `MODULE`. The host version can be told to fail, so that the unit tests
//! reach every error path.

#[cfg(MODULE)]
use kernel::{
    alloc::KVVec as Inner,
    prelude::GFP_KERNEL, //
};
#[cfg(not(MODULE))]
use std::vec::Vec as Inner;

#[cfg(not(MODULE))]
pub(crate) use core::fmt::Display;
#[cfg(MODULE)]
pub(crate) use kernel::fmt::Display;

use core::ops::{
    Deref,
    DerefMut, //
};

/// An allocation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoMem;

/// A growing array whose every growth can fail.
///
/// # Context
///
/// Growing it may sleep, and so may dropping one of more than a page.
#[derive(Debug)]
pub(crate) struct Vec<T>(Inner<T>);

impl<T> Vec<T> {
    /// An array without elements, which needs no memory.
    pub(crate) const fn new() -> Self {
        Self(Inner::new())
    }

    /// Adds `value` at the end.
    #[cfg(MODULE)]
    pub(crate) fn push(&mut self, value: T) -> Result<(), NoMem> {
        self.0.push(value, GFP_KERNEL).map_err(|_| NoMem)
    }

    /// Adds `value` at the end.
    #[cfg(not(MODULE))]
    pub(crate) fn push(&mut self, value: T) -> Result<(), NoMem> {
        fault::check()?;
        self.0.try_reserve(1).map_err(|_| NoMem)?;
        self.0.push(value);
        Ok(())
    }

    /// Takes off what is beyond the first `length` elements.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.0.truncate(length);
    }
}

impl<T: Clone> Vec<T> {
    /// Adds all of `values` at the end, or none.
    #[cfg(MODULE)]
    pub(crate) fn extend_from_slice(&mut self, values: &[T]) -> Result<(), NoMem> {
        self.0
            .extend_from_slice(values, GFP_KERNEL)
            .map_err(|_| NoMem)
    }

    /// Adds all of `values` at the end, or none.
    #[cfg(not(MODULE))]
    pub(crate) fn extend_from_slice(&mut self, values: &[T]) -> Result<(), NoMem> {
        fault::check()?;
        self.0.try_reserve(values.len()).map_err(|_| NoMem)?;
        self.0.extend_from_slice(values);
        Ok(())
    }

    /// A copy with memory of its own.
    pub(crate) fn try_clone(&self) -> Result<Self, NoMem> {
        let mut copy = Self::new();
        copy.extend_from_slice(self)?;
        Ok(copy)
    }
}

impl<T> Deref for Vec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> DerefMut for Vec<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T: PartialEq> PartialEq for Vec<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for Vec<T> {}

/// Allocation failure on demand.
#[cfg(not(MODULE))]
pub(crate) mod fault {
    use super::NoMem;
    use std::cell::Cell;

    std::thread_local! {
        /// How many allocations of this thread succeed before one fails.
        static LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
    }

    /// Lets `count` allocations of this thread succeed and the next ones fail.
    pub(crate) fn after(count: usize) {
        LEFT.set(count);
    }

    /// Counts one allocation.
    pub(super) fn check() -> Result<(), NoMem> {
        let left = LEFT.get();
        if left != usize::MAX {
            LEFT.set(left.checked_sub(1).ok_or(NoMem)?);
        }
        Ok(())
    }
}
