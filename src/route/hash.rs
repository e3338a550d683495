// SPDX-License-Identifier: GPL-2.0-only

//! Hashing: of names and states, and the table that finds things by their hash.

use super::mem::{
    NoMem,
    Vec, //
};

/// A hash in the making.
///
/// It need not withstand an attacker: the tables hold what the mounter wrote, never what callers
/// look up.
#[derive(Clone, Copy)]
pub(super) struct Hash(u64);

impl Hash {
    /// The hash of nothing.
    pub(super) const START: Hash = Hash(0xcbf2_9ce4_8422_2325);

    /// Takes in a number.
    pub(super) fn add(self, value: u64) -> Hash {
        Hash((self.0 ^ value).wrapping_mul(0x0000_0100_0000_01b3))
    }

    /// Takes in bytes.
    pub(super) fn add_bytes(self, bytes: impl Iterator<Item = u8>) -> Hash {
        bytes.fold(self, |hash, byte| hash.add(byte.into()))
    }

    /// The value, every bit of which depends on all that was taken in.
    pub(super) fn finish(self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 29)
    }
}

/// A table from hashes to numbers; its user tells equal hashes apart.
#[derive(Debug)]
pub(super) struct Index {
    /// Numbers, or [`Index::FREE`], each at the first free place from its hash on. At least half
    /// of them are free.
    places: Vec<u32>,
}

impl Index {
    /// What is at a place where there is no number.
    const FREE: u32 = u32::MAX;

    /// An empty table for up to `count` numbers.
    pub(super) fn with_capacity(count: usize) -> Result<Index, NoMem> {
        let size = count
            .max(1)
            .checked_mul(2)
            .and_then(usize::checked_next_power_of_two)
            .ok_or(NoMem)?;
        let mut places = Vec::new();
        for _ in 0..size {
            places.push(Self::FREE)?;
        }
        Ok(Index { places })
    }

    /// The places to look at for `hash`, in their order.
    fn places(&self, hash: u64) -> impl Iterator<Item = usize> {
        let mask = self.places.len().wrapping_sub(1);
        // CAST: The upper bits would be masked off anyway.
        let start = hash as usize;
        (0..self.places.len()).map(move |step| start.wrapping_add(step) & mask)
    }

    /// Puts `number` under `hash`.
    pub(super) fn insert(&mut self, hash: u64, number: u32) {
        for place in self.places(hash) {
            if let Some(slot) = self.places.get_mut(place).filter(|n| **n == Self::FREE) {
                *slot = number;
                return;
            }
        }
    }

    /// The numbers that may have been put under `hash`.
    pub(super) fn find(&self, hash: u64) -> impl Iterator<Item = u32> + '_ {
        self.places(hash)
            .map_while(|place| self.places.get(place).copied())
            .take_while(|number| *number != Self::FREE)
    }
}
