// SPDX-License-Identifier: GPL-2.0-only

//! How names begin and end, and the names that match a glob.

use super::glob::Token;

/// The first and the last four bytes of a name, the outermost lowest, zero where there are fewer: by
/// them most names are told from a glob that they do not match.
#[derive(Clone, Copy)]
pub(super) struct Ends {
    /// The first bytes.
    head: u32,
    /// The last ones.
    tail: u32,
}

impl Ends {
    /// Those of `name`.
    #[inline]
    pub(super) fn of(name: &[u8]) -> Ends {
        let word = |word: u32, byte: &u8| word << 8 | u32::from(*byte);
        Ends {
            head: name.iter().take(4).rev().fold(0, word),
            tail: name.iter().rev().take(4).rev().fold(0, word),
        }
    }

    /// The last `length` bytes, up to four.
    pub(super) fn tail(self, length: u32) -> Tail {
        let mask = mask(length);
        Tail {
            bytes: self.tail & mask,
            mask,
        }
    }
}

/// The bits of the `length` outermost bytes, up to four.
fn mask(length: u32) -> u32 {
    match 4u32.checked_sub(length) {
        Some(4) => 0,
        Some(others) => u32::MAX >> (others * 8),
        None => u32::MAX,
    }
}

/// Up to four bytes that a name ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tail {
    /// The bytes, the last one lowest.
    pub(super) bytes: u32,
    /// Which bits of them are given.
    pub(super) mask: u32,
}

impl Tail {
    /// How many bytes.
    pub(super) fn len(self) -> u32 {
        self.mask.count_ones() / 8
    }
}

/// What the ends of all names are that match a glob, as far as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EndsMask {
    /// The first bytes.
    head: u32,
    /// Which bits of them are given.
    head_mask: u32,
    /// The last bytes.
    tail: u32,
    /// Which bits of them are given.
    tail_mask: u32,
}

impl EndsMask {
    /// Any.
    pub(super) const ANY: EndsMask = EndsMask {
        head: 0,
        head_mask: 0,
        tail: 0,
        tail_mask: 0,
    };

    /// Those of the glob `tokens`.
    pub(super) fn of(tokens: &[Token]) -> EndsMask {
        let byte = |token: &Token| match token {
            Token::Byte(byte) => Some(*byte),
            _ => None,
        };
        let (head, head_mask) = word(tokens.iter().map_while(byte));
        let (tail, tail_mask) = word(tokens.iter().rev().map_while(byte));
        EndsMask {
            head,
            head_mask,
            tail,
            tail_mask,
        }
    }

    /// What names that match end with.
    pub(super) fn tail(self) -> Tail {
        Tail {
            bytes: self.tail,
            mask: self.tail_mask,
        }
    }

    /// Whether a name with these ends may match.
    #[inline]
    pub(super) fn allows(self, ends: Ends) -> bool {
        (self.head ^ ends.head) & self.head_mask | (self.tail ^ ends.tail) & self.tail_mask == 0
    }
}

/// The first four of `bytes`, the first one lowest, and which bits are given.
fn word(bytes: impl Iterator<Item = u8>) -> (u32, u32) {
    let mut known = (0, 0);
    for (byte, shift) in bytes.zip([0u32, 8, 16, 24]) {
        let at = |value: u8| u32::from(value).wrapping_shl(shift);
        known = (known.0 | at(byte), known.1 | at(u8::MAX));
    }
    known
}
