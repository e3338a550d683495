// SPDX-License-Identifier: GPL-2.0-only

//! Rules: what one says, and its canonical text.

use super::{
    facts::Conditions,
    glob::Token,
    kind::KindSet,
    mem::{
        NoMem,
        Vec, //
    },
    op::{
        Op,
        OpSet,
        CLASSES, //
    },
    verdict::{
        Alternatives,
        BranchId,
        Verdict, //
    },
};

/// A rule: conditions, all of which must hold, and a verdict.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The canonical text; equal rules have equal texts.
    pub(super) text: Vec<u8>,
    /// What `op=` says, less the operations for which the other conditions cannot hold.
    pub(super) ops: Ops,
    /// What `path=` says, the leading slash left out.
    pub(super) path: Option<Vec<Token>>,
    /// What `name=` says.
    pub(super) name: Option<Vec<Token>>,
    /// What `type=` says.
    pub(super) kinds: Option<KindSet>,
    /// The control group that `cgroup=` names.
    pub(super) cgroup: Option<Vec<u8>>,
    /// The other conditions that only a call can tell.
    pub(super) conditions: Conditions,
    /// What follows the arrow.
    pub(super) said: Said,
}

/// What a rule says shall happen.
#[derive(Debug)]
pub(super) enum Said {
    /// A verdict that needs no list.
    Plain(Verdict),
    /// The first of these in which the object exists.
    First(Vec<BranchId>),
}

impl Said {
    /// The verdict of the rule at the place `number`.
    pub(super) fn verdict(&self, number: u16) -> Verdict {
        match self {
            Said::Plain(verdict) => *verdict,
            Said::First(_) => Verdict::First(Alternatives(number)),
        }
    }

    /// The branches among which the object is looked for.
    pub(super) fn alternatives(&self) -> &[BranchId] {
        match self {
            Said::Plain(_) => &[],
            Said::First(branches) => branches,
        }
    }
}

/// The operations of a rule.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ops {
    /// All to which it applies.
    pub(super) all: OpSet,
    /// Those that `op=` names by their own word. A class does not: it lets the data of an open
    /// file go where the file was opened.
    pub(super) named: OpSet,
    /// The classes that `op=` names, by their place.
    pub(super) classes: [bool; CLASSES.len()],
}

impl Ops {
    /// What a rule without `op=` applies to.
    pub(super) const ALL: Ops = Ops {
        all: OpSet::ALL,
        named: OpSet::EMPTY,
        classes: [false; CLASSES.len()],
    };

    /// Nothing, to which words are added.
    pub(super) const NONE: Ops = Ops {
        all: OpSet::EMPTY,
        ..Ops::ALL
    };

    /// Leaves out what is not in `possible`.
    pub(super) fn limit(&mut self, possible: OpSet) {
        self.all = self.all.and(possible);
        self.named = self.named.and(possible);
    }

    /// Adds what `word` names, if it names something.
    pub(super) fn add(&mut self, word: &[u8]) -> Option<()> {
        for (class, named) in CLASSES.iter().zip(&mut self.classes) {
            if class.name.as_bytes() == word {
                *named = true;
                self.all = self.all.or(class.ops());
                return Some(());
            }
        }
        let op = Op::ALL
            .into_iter()
            .find(|op| op.name().as_bytes() == word)?;
        self.named = self.named.with(op);
        self.all = self.all.with(op);
        Some(())
    }

    /// Appends the canonical form of the value of `op=`.
    pub(super) fn spell(&self, text: &mut Vec<u8>) -> Result<(), NoMem> {
        let classes = CLASSES.iter().zip(self.classes);
        let classes = classes.filter_map(|(class, named)| named.then_some(class.name));
        let ops = Op::ALL.into_iter().filter(|op| self.named.has(*op));
        let mut separator: &[u8] = b"";
        for word in classes.chain(ops.map(Op::name)) {
            text.extend_from_slice(separator)?;
            text.extend_from_slice(word.as_bytes())?;
            separator = b"+";
        }
        Ok(())
    }
}

impl Rule {
    /// The canonical text, from which the same rule can be made again.
    ///
    /// It has neither control bytes nor commas nor quotes, and spaces only between its words.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }
}
