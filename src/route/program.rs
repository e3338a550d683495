// SPDX-License-Identifier: GPL-2.0-only

//! A program above the rules: what it has to be asked about a name, and what is kept of its answers.
//!
//! The program itself is beyond this: [`Facts::ask`](super::Facts::ask) asks it. What it says holds
//! before any rule; where it says nothing, the rules do. An answer that holds for every caller is kept
//! in the state of the name.

use super::{
    mem::NoMem,
    op::{
        Op,
        OpSet, //
    },
    state::{
        Packed,
        State, //
    },
    verdict::{
        BranchId,
        Verdict, //
    },
};

/// In place of a rule: the program said so.
pub(super) const PROGRAM: u16 = u16::MAX - 1;

/// What callers see in place of the number of a rule when the program said so.
pub(crate) const BY_PROGRAM: u16 = u16::MAX;

/// Some branches, the first of which has the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct List {
    /// The branches.
    pub(super) branches: [Option<BranchId>; List::MAX],
}

impl List {
    /// How many there can be.
    pub(crate) const MAX: usize = 7;

    /// The list of `branches`, unless there is none of them.
    pub(crate) fn new(branches: [Option<BranchId>; List::MAX]) -> Option<Self> {
        branches
            .first()
            .copied()
            .flatten()
            .map(|_| Self { branches })
    }

    /// All of them.
    pub(crate) fn branches(&self) -> impl Iterator<Item = BranchId> + '_ {
        self.branches.iter().copied().flatten()
    }

    /// The first of them.
    pub(super) fn first(&self) -> BranchId {
        self.branches().next().unwrap_or(BranchId::FIRST)
    }
}

/// What a program says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// As the rules say; of a name that it is kept.
    Rules,
    /// This, but for [`Verdict::Home`] and [`Verdict::First`].
    Verdict(Verdict),
    /// The first of these branches in which the object exists serves it.
    First(List),
}

/// What a program said of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lesson {
    /// Of which operation; of the name itself if none.
    pub(crate) about: Option<Op>,
    /// What.
    pub(crate) said: Said,
    /// Whether it holds for every caller, until something changes.
    pub(crate) for_all: bool,
}

impl Lesson {
    /// Whether it is that the name is kept, for every caller.
    pub(crate) fn keeps_for_all(&self) -> bool {
        self.about.is_none() && self.for_all && self.said == Said::Rules
    }

    /// A number of 22 bits for what it says; none for what is not worth remembering.
    pub(crate) fn word(&self) -> Option<u32> {
        let about = self.about.map_or(31, |op| op as u32);
        let said = match self.said {
            Said::Rules => Packed::HOME.word(),
            Said::Verdict(verdict) => Packed::new(PROGRAM, verdict).word(),
            Said::First(_) => return None,
        };
        Some(about | u32::from(self.for_all) << 5 | u32::from(said) << 6)
    }
}

/// Whether a program has to be asked whether a name is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Not at all.
    No,
    /// It was not asked yet.
    New,
    /// It says something else for each call.
    Each,
}

/// What a program has to be asked about a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asks {
    /// Whether the name is kept.
    pub(super) name: Asked,
    /// The operations about which it was not asked yet.
    pub(super) new: OpSet,
    /// The operations of which it says something else for each call.
    pub(super) each: OpSet,
    /// Whether it may still say what the home is.
    pub(super) home: bool,
}

impl Asks {
    /// Nothing.
    pub(crate) const NOTHING: Asks = Asks {
        name: Asked::No,
        new: OpSet::EMPTY,
        each: OpSet::EMPTY,
        home: false,
    };

    /// Everything that a program can say which hides names if it `hides`, and is asked about the
    /// operations whose bits, by their numbers, are in `ops`.
    pub(crate) fn of(hides: bool, ops: u32) -> Asks {
        let new = OpSet::from_bits(ops);
        Asks {
            name: if hides { Asked::New } else { Asked::No },
            new,
            each: OpSet::EMPTY,
            home: new.has(Op::Lookup),
        }
    }

    /// A number of 32 bits for what a program is asked about a new name.
    pub(crate) fn word(&self) -> u32 {
        self.new.bits() | (self.name as u32) << 30
    }

    /// Whether it is nothing.
    #[inline]
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Asks::NOTHING
    }

    /// Whether it can give names a home.
    pub(crate) fn gives_homes(&self) -> bool {
        self.home
    }

    /// Whether it can hide names or give them a home.
    pub(crate) fn decides_names(&self) -> bool {
        self.home || self.name != Asked::No
    }

    /// The operations that it is asked about.
    fn ops(&self) -> OpSet {
        self.new.or(self.each)
    }

    /// Whether it is asked about `op` itself.
    pub(super) fn has(&self, op: Op) -> bool {
        self.ops().has(op)
    }

    /// Whether what is decided for `op` has to wait for an answer.
    pub(super) fn delays(&self, op: Op) -> bool {
        self.name != Asked::No || self.has(op)
    }

    /// A number that tells what it is, for a hash.
    pub(super) fn bits(&self) -> u64 {
        u64::from(self.new.bits())
            | u64::from(self.each.bits()) << 30
            | (self.name as u64) << 60
            | u64::from(self.home) << 62
    }
}

impl State {
    /// This state with everything in `asks` to be asked about.
    pub(crate) fn asking(&self, asks: Asks) -> Result<State, NoMem> {
        let mut state = self.try_clone()?;
        state.asks = asks;
        Ok(state)
    }

    /// This state after `lesson`.
    pub(crate) fn learn(&self, lesson: &Lesson) -> Result<State, NoMem> {
        let mut state = self.try_clone()?;
        match lesson.about {
            None => state.learn_name(lesson),
            Some(op) => state.learn_op(op, lesson),
        }
        Ok(state)
    }

    /// Keeps what was said of the name.
    fn learn_name(&mut self, lesson: &Lesson) {
        if self.asks.name == Asked::No {
            return;
        }
        if !lesson.for_all {
            self.asks.name = Asked::Each;
            return;
        }
        if lesson.said == Said::Rules {
            self.asks.name = Asked::No;
            return;
        }
        self.asks = Asks::NOTHING;
        self.decisions = [Packed::new(PROGRAM, Verdict::Hide); Op::COUNT];
        self.said = OpSet::ALL;
    }

    /// Keeps what was said of `op`.
    fn learn_op(&mut self, op: Op, lesson: &Lesson) {
        if !self.asks.has(op) {
            return;
        }
        // Which of a list it is, is another question each time.
        let fixed = lesson.for_all && !matches!(lesson.said, Said::First(_));
        self.asks.new = self.asks.new.without(OpSet::of(op));
        self.asks.each = if fixed {
            self.asks.each.without(OpSet::of(op))
        } else {
            self.asks.each.with(op)
        };
        if let (true, Said::Verdict(verdict)) = (fixed, lesson.said) {
            self.said = self.said.with(op);
            // CAST: Operations are numbered from 0, and there is a decision for each.
            if let Some(packed) = self.decisions.get_mut(op as usize) {
                *packed = Packed::new(PROGRAM, verdict);
            }
        }
        if op != Op::Lookup || !self.asks.home {
            return;
        }
        match lesson.said {
            Said::Rules => self.asks.home = false,
            Said::Verdict(Verdict::Branch(branch) | Verdict::Gate { branch, .. }) => {
                self.home = Packed::new(PROGRAM, Verdict::Branch(branch));
                self.asks.home = false;
            }
            // To those who are refused it does not say where it is.
            Said::Verdict(_) => self.asks.home = !fixed,
            Said::First(_) => {}
        }
    }
}
