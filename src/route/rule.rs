// SPDX-License-Identifier: GPL-2.0-only

//! Rules: what one says, and its canonical text.

use super::{
    glob::Token,
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
        Errno,
        Verdict, //
    },
};

/// A rule: conditions, all of which must hold, and a verdict.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The canonical text; equal rules have equal texts.
    pub(super) text: Vec<u8>,
    /// What `op=` says.
    pub(super) ops: Ops,
    /// What `path=` says, the leading slash left out.
    pub(super) path: Option<Vec<Token>>,
    /// What `name=` says.
    pub(super) name: Option<Vec<Token>>,
    /// What follows the arrow.
    pub(super) verdict: Verdict,
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

impl Verdict {
    /// Appends the canonical form of a verdict whose branch is written `branch`.
    pub(super) fn spell(self, branch: &[u8], text: &mut Vec<u8>) -> Result<(), NoMem> {
        match self {
            Verdict::Branch(_) => text.extend_from_slice(branch),
            Verdict::Deny(Errno::EACCES) => text.extend_from_slice(b"deny"),
            Verdict::Deny(errno) => {
                text.extend_from_slice(b"deny:")?;
                text.extend_from_slice(errno.name().as_bytes())
            }
        }
    }
}
