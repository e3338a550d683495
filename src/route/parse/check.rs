// SPDX-License-Identifier: GPL-2.0-only

//! What a rule cannot say: conditions that do not go with each other, or with the verdict.

use super::{
    super::{
        error::Fault,
        op::OpSet,
        rule::Said,
        verdict::Verdict, //
    },
    Draft, Key,
};

impl Draft {
    /// The operations for which the conditions can hold.
    pub(super) fn possible(&self) -> OpSet {
        let mut possible = OpSet::ALL;
        if self.kinds.is_some() {
            possible = possible.without(OpSet::FINDING);
        }
        if self.conditions.size.is_some() {
            possible = possible.without(OpSet::FINDING).without(OpSet::MAKING);
        }
        if self.conditions.access.is_some() {
            possible = possible.and(OpSet::DATA);
        }
        possible
    }

    /// The first condition that does not go with the rest of the rule, and why.
    pub(super) fn contradiction(&self, said: &Said) -> Option<(Key, Fault)> {
        let verdict = said.verdict(0);
        let given = |keys: &[Key]| keys.iter().copied().find(|key| self.has(*key));
        if verdict == Verdict::Hide {
            let unknown = given(&[Key::Type, Key::Access, Key::Size]);
            let tells = given(&[Key::Exists, Key::Missing]);
            return given(&[Key::Op])
                .map(|key| (key, Fault::HideOp))
                .or(unknown.map(|key| (key, Fault::HideUnknown)))
                .or(tells.map(|key| (key, Fault::HideTells)));
        }
        if self.ops.all.and(self.possible()).is_empty() {
            return given(&[Key::Access])
                .map(|key| (key, Fault::NeverOpened))
                .or(given(&[Key::Type, Key::Size]).map(|key| (key, Fault::NeverKnown)));
        }
        if self.conditions.exists.is_some() && self.conditions.exists == self.conditions.missing {
            return Some((Key::Missing, Fault::Contradiction));
        }
        let named = !self
            .ops
            .all
            .and(self.possible())
            .and(OpSet::NAME)
            .is_empty();
        if verdict.serves() && named {
            return given(&[Key::Uid, Key::Gid, Key::Cgroup]).map(|key| (key, Fault::CallerMoves));
        }
        None
    }
}
