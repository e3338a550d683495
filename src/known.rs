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
/// How many different sets of questions there are answers for.
const KINDS: usize = 8;
/// Bits of a state's number, at the lower end of an answer.
const NUMBER: u32 = Tag::STATES.ilog2();

/// Some answers.
pub(crate) struct Known {
    /// The state after a lesson: 22 bits of lesson, 19 of the state before, 19 of the one after plus
    /// one.
    after: [AtomicU64; PLACES],
    /// What a program is asked about new names, plus one.
    asks: [AtomicU64; KINDS],
    /// The state of a new name: 3 bits for what is asked, by its place there, 19 of the state by the
    /// rules, 19 of the one with that to be asked, plus one.
    asking: [AtomicU64; PLACES],
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

/// The answer to the question `key` in `places`; `make` makes it if it is not there.
fn answer(
    places: &[AtomicU64; PLACES],
    key: u64,
    make: impl FnOnce() -> Result<u32>,
) -> Result<u32> {
    // CAST: Only the upper bits of the product count.
    let place = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58) as usize;
    let slot = places.get(place).ok_or(EIO)?;
    if let Some(number) = read(slot.load(Ordering::Relaxed), key) {
        return Ok(number);
    }
    let number = make()?;
    slot.store(write(key, number), Ordering::Relaxed);
    Ok(number)
}

impl Known {
    /// No answers.
    pub(crate) fn new() -> Self {
        Self {
            after: [const { AtomicU64::new(0) }; PLACES],
            asks: [const { AtomicU64::new(0) }; KINDS],
            asking: [const { AtomicU64::new(0) }; PLACES],
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
        answer(&self.after, key, || make(before))
    }

    /// The place of `asks` among the sets of questions; none if there is no room.
    fn place_of(&self, asks: Asks) -> Option<u64> {
        let word = u64::from(asks.word()).saturating_add(1);
        (0..).zip(&self.asks).find_map(|(place, slot)| {
            let known = match slot.load(Ordering::Relaxed) {
                0 => slot
                    .compare_exchange(0, word, Ordering::Relaxed, Ordering::Relaxed)
                    .map_or_else(|other| other, |_| word),
                known => known,
            };
            (known == word).then_some(place)
        })
    }

    /// The number of the state `before` with what is in `asks` to be asked; `make` makes it.
    pub(crate) fn asking(
        &self,
        asks: Asks,
        before: u32,
        make: impl FnOnce() -> Result<u32>,
    ) -> Result<u32> {
        let Some(place) = self.place_of(asks) else {
            return make();
        };
        let key = place << NUMBER | u64::from(before);
        answer(&self.asking, key, make)
    }
}
