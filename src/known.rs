// SPDX-License-Identifier: GPL-2.0-only

//! Which states follow from what a program says, so that they need not be made to be found again.
//!
//! Each place holds a question and its answer in one word; a place that is taken by another question
//! is taken over.

use crate::{
    route::{
        Asks,
        Lesson, //
    },
    vfs::Tag, //
};
use core::sync::atomic::{
    AtomicU64,
    Ordering, //
};
use kernel::prelude::*;

/// How many answers are remembered; a power of two.
const PLACES: usize = 64;
/// Bits of a state's number, at the lower end of an answer.
const NUMBER: u32 = Tag::STATES.ilog2();

/// Some answers.
pub(crate) struct Known {
    /// The state after a lesson: 22 bits of lesson, 20 of the state before, 20 of the one after plus
    /// one.
    after: [AtomicU64; PLACES],
    /// The state of a new name where there are no rules: 32 bits of what is asked, 20 of the state plus
    /// one.
    fresh: AtomicU64,
}

/// The number in an answer to the question `key`, if it is one.
fn read(word: u64, key: u64) -> Option<u32> {
    if word >> NUMBER != key {
        return None;
    }
    let number = word & u64::from(Tag::STATES - 1);
    u32::try_from(number).ok()?.checked_sub(1)
}

/// The answer `number` to the question `key`; that to nothing if there is no room.
fn write(key: u64, number: u32) -> u64 {
    match number.checked_add(1) {
        Some(number) if number < Tag::STATES => key << NUMBER | u64::from(number),
        _ => 0,
    }
}

impl Known {
    /// No answers.
    pub(crate) fn new() -> Self {
        Self {
            after: [const { AtomicU64::new(0) }; PLACES],
            fresh: AtomicU64::new(0),
        }
    }

    /// The number of the state after `lesson` in the state `before`; `make` makes it.
    pub(crate) fn after(
        &self,
        before: u32,
        lesson: &Lesson,
        make: impl FnOnce(u32) -> Result<u32>,
    ) -> Result<u32> {
        let Some(word) = lesson.word() else {
            return make(before);
        };
        let key = u64::from(word) << NUMBER | u64::from(before);
        // CAST: Only the upper bits of the product count.
        let place = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58) as usize;
        let slot = self.after.get(place).ok_or(EIO)?;
        if let Some(number) = read(slot.load(Ordering::Relaxed), key) {
            return Ok(number);
        }
        let number = make(before)?;
        slot.store(write(key, number), Ordering::Relaxed);
        Ok(number)
    }

    /// The number of the state of a new name of which a program has to be asked what is in `asks`;
    /// `make` makes it.
    pub(crate) fn fresh(&self, asks: Asks, make: impl FnOnce() -> Result<u32>) -> Result<u32> {
        let key = u64::from(asks.word());
        if let Some(number) = read(self.fresh.load(Ordering::Relaxed), key) {
            return Ok(number);
        }
        let number = make()?;
        self.fresh.store(write(key, number), Ordering::Relaxed);
        Ok(number)
    }
}
