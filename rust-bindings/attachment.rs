// SPDX-License-Identifier: GPL-2.0-only

//! What is said of a mount's use of a BPF chooser, on kernels with BPF and without.

use core::sync::atomic::{
    AtomicU32,
    Ordering, //
};

/// What happens on a mount when its program is unregistered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnDetach {
    /// The last program stays.
    Keep,
    /// The static rules decide.
    Rules,
    /// Everything is refused.
    Deny,
}

impl OnDetach {
    /// All of them, by their numbers, and the words for them.
    pub(crate) const ALL: [(&'static str, OnDetach); 3] = [
        ("keep", OnDetach::Keep),
        ("rules", OnDetach::Rules),
        ("deny", OnDetach::Deny),
    ];
}

impl OnDetach {
    /// Who decides afterwards.
    pub(super) fn who(self) -> Who {
        match self {
            OnDetach::Keep => Who::Program,
            OnDetach::Rules => Who::Rules,
            OnDetach::Deny => Who::Nobody,
        }
    }
}

/// What ends the verdicts that a mount kept.
pub(crate) trait Forget: Send + Sync {
    /// Lets none of them count. Any context, as for all of these.
    fn forget(&self);

    /// Lets none count, and none be kept until [`Forget::begin`].
    fn end(&self);

    /// Lets verdicts be kept, of which none was before.
    fn begin(&self);
}

/// Who decides on a mount with a chooser.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// The program.
    Program,
    /// The static rules.
    Rules,
    /// All is refused.
    Nobody,
}

/// What tells programs from those that they replaced; 29 bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Epoch(u32);

impl Epoch {
    /// One that was not there for the last 2^29 programs.
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed) & ((1 << 29) - 1))
    }
}

/// Which members the programs of a chooser have.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Members {
    /// The operations that `route` is asked about, by their numbers.
    pub(crate) ops: u32,
    /// `name`.
    pub(crate) name: bool,
    /// `getattr`.
    pub(crate) getattr: bool,
    /// `error`.
    pub(crate) error: bool,
}

impl Members {
    /// Bits for the operations.
    const OPS: u32 = 30;
    /// Bits for all but the epoch.
    const EPOCH: u32 = Self::OPS + 5;

    /// One word for `who` and these, the members of the programs of the epoch `epoch`.
    pub(super) fn pack(self, who: Who, epoch: Epoch) -> u64 {
        u64::from(self.ops)
            | u64::from(self.name) << Self::OPS
            | u64::from(self.getattr) << (Self::OPS + 1)
            | u64::from(self.error) << (Self::OPS + 2)
            | (who as u64) << (Self::OPS + 3)
            | u64::from(epoch.0) << Self::EPOCH
    }

    /// The epoch in a word.
    pub(super) fn epoch(word: u64) -> Epoch {
        // CAST: The 29 bits that are left.
        Epoch((word >> Self::EPOCH) as u32)
    }

    /// What is in a word.
    #[inline]
    pub(super) fn unpack(word: u64) -> (Who, Self) {
        let bit = |above: u32| word >> (Self::OPS + above) & 1 != 0;
        let members = Self {
            // CAST: Masked to 30 bits.
            ops: (word & ((1 << Self::OPS) - 1)) as u32,
            name: bit(0),
            getattr: bit(1),
            error: bit(2),
        };
        let who = match word >> (Self::OPS + 3) & 3 {
            0 => Who::Program,
            1 => Who::Rules,
            _ => Who::Nobody,
        };
        (who, members)
    }
}
