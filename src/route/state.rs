// SPDX-License-Identifier: GPL-2.0-only

//! States: what is decided for a path, and which rules are still open below it.

use super::{
    hash::Hash,
    mem::Vec,
    op::{
        Op,
        OpSet, //
    },
    verdict::{
        BranchId,
        Errno,
        Verdict, //
    },
};

/// What a policy decides for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// What happens.
    pub(crate) verdict: Verdict,
    /// The number of the rule that says so, counted from 1; none if no rule speaks of it, so that
    /// the home serves.
    pub(crate) rule: Option<u16>,
}

/// The state of a path under a policy: every decision for the object there, and where its rules
/// stand, so that those of the names in it follow.
///
/// States of one policy are equal if and only if they decide alike; those of different policies
/// must not be compared, nor given to another policy.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// The decision for each operation.
    decisions: [Packed; Op::COUNT],
    /// The verdict for lookup if no rule could deny.
    home: Packed,
    /// The operations whose deciding rule names them by their own word.
    named: OpSet,
    /// The places of the policy's tree that names below may go on from, in ascending order.
    pub(super) live: Vec<u32>,
}

impl State {
    /// The branch that the name belongs to, whether looking it up is denied or not.
    pub(crate) fn home(&self) -> BranchId {
        match self.home.unpack().verdict {
            Verdict::Branch(branch) => branch,
            // No home is made of a rule that denies.
            Verdict::Deny(_) => BranchId::FIRST,
        }
    }

    /// The number of the rule that gives the name its home, as in [`Decision::rule`].
    pub(crate) fn home_rule(&self) -> Option<u16> {
        self.home.unpack().rule
    }

    /// What is decided for `op`.
    ///
    /// An open file's data goes where the file was opened: for read, write and mmap this is the
    /// decision for open, unless the rule that decides names the operation by its own word. The
    /// other data operations follow read so; see [`State::data`] for those that follow write.
    pub(crate) fn verdict(&self, op: Op) -> Decision {
        match op {
            Op::Read | Op::Write | Op::Mmap => self.data(op, Op::Open),
            Op::Splice | Op::Lseek | Op::Copy | Op::Remap => self.data(op, Op::Read),
            _ => self.decided(op),
        }
    }

    /// What is decided for the data operation `op` that moves data as `leader` does: the decision
    /// for `leader`, unless the rule that decides names `op` by its own word.
    ///
    /// Splice, copy and remap have two ends, one that is read and one that is written.
    pub(crate) fn data(&self, op: Op, leader: Op) -> Decision {
        if self.named.has(op) {
            return self.decided(op);
        }
        match leader {
            Op::Read | Op::Write => self.data(leader, Op::Open),
            _ => self.decided(leader),
        }
    }

    /// Whether some data operation of an open file has another verdict than opening it, so that
    /// each must be asked for by itself.
    pub(crate) fn splits_data(&self) -> bool {
        let open = self.verdict(Op::Open).verdict;
        let data = [
            Op::Read,
            Op::Write,
            Op::Mmap,
            Op::Splice,
            Op::Lseek,
            Op::Copy,
            Op::Remap,
        ];
        data.iter().any(|op| self.verdict(*op).verdict != open)
    }

    /// A hash for tables of states: equal states have equal ones.
    pub(crate) fn hash(&self) -> u64 {
        let decisions = self.decisions.iter().chain([&self.home]);
        let hash = decisions.fold(Hash::START, |hash, packed| hash.add(packed.rule.into()));
        let live = self.live.iter();
        live.fold(hash, |hash, place| hash.add((*place).into()))
            .finish()
    }

    /// The deciding rule's verdict for `op`.
    fn decided(&self, op: Op) -> Decision {
        // CAST: Operations are numbered from 0, and there is a decision for each.
        let packed = self.decisions.get(op as usize).unwrap_or(&self.home);
        packed.unpack()
    }
}

/// A decision in 4 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Packed {
    /// The place of the rule in the list, or [`DEFAULT`].
    rule: u16,
    /// A branch, or an errno and [`Packed::DENY`].
    verdict: u16,
}

/// In place of a rule: there is none.
pub(super) const DEFAULT: u16 = u16::MAX;

impl Packed {
    /// Set if the verdict denies.
    const DENY: u16 = 1 << 15;

    /// Packs the verdict of the rule at the place `rule`.
    fn new(rule: u16, verdict: Verdict) -> Packed {
        let verdict = match verdict {
            Verdict::Branch(branch) => branch.raw().into(),
            Verdict::Deny(errno) => errno.raw() | Self::DENY,
        };
        Packed { rule, verdict }
    }

    /// The decision that was packed.
    fn unpack(self) -> Decision {
        let verdict = if self.verdict & Self::DENY != 0 {
            Verdict::Deny(Errno::from_raw(self.verdict & !Self::DENY))
        } else {
            Verdict::Branch(BranchId::from_raw(self.verdict.to_le_bytes()[0]))
        };
        let rule = (self.rule != DEFAULT).then_some(self.rule.saturating_add(1));
        Decision { verdict, rule }
    }
}

/// The rules that decide, while they are being found: for each operation the first one.
pub(super) struct Table {
    /// The place of the deciding rule for each operation, or [`DEFAULT`].
    pub(super) rules: [u16; Op::COUNT],
    /// The same for lookup among the rules that do not deny.
    pub(super) home: u16,
}

/// What deciding needs to know of a rule.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effect {
    /// The operations to which it applies.
    pub(super) ops: OpSet,
    /// Those that it names by their own word.
    pub(super) named: OpSet,
    /// Its verdict.
    pub(super) verdict: Verdict,
    /// The place of the next rule of the same place in the tree, or [`DEFAULT`].
    pub(super) next: u16,
}

impl Effect {
    /// Whether it can be what gives a name its home.
    pub(super) fn gives_home(&self) -> bool {
        self.ops.has(Op::Lookup) && matches!(self.verdict, Verdict::Branch(_))
    }
}

impl Table {
    /// The table of no rules.
    pub(super) fn new() -> Table {
        Table {
            rules: [DEFAULT; Op::COUNT],
            home: DEFAULT,
        }
    }

    /// Takes in the rule at the place `number`, which matches.
    pub(super) fn add(&mut self, number: u16, effect: &Effect) {
        let mut bits = effect.ops.bits();
        for rule in &mut self.rules {
            if bits & 1 != 0 {
                *rule = number.min(*rule);
            }
            bits >>= 1;
        }
        if effect.gives_home() {
            self.home = number.min(self.home);
        }
    }

    /// The state that these rules make, with `live` for below.
    ///
    /// What no rule speaks of is served by the home, and that is the default branch if no rule
    /// says otherwise.
    pub(super) fn finish(self, effects: &[Effect], default: BranchId, live: Vec<u32>) -> State {
        let pack = |rule: u16, otherwise: Packed| {
            let effect = effects.get(usize::from(rule));
            effect.map_or(otherwise, |effect| Packed::new(rule, effect.verdict))
        };
        let default = Packed::new(DEFAULT, Verdict::Branch(default));
        let home = pack(self.home, default);
        let unspoken = Packed {
            rule: DEFAULT,
            ..home
        };
        let mut named = OpSet::EMPTY;
        for (op, rule) in Op::ALL.into_iter().zip(self.rules) {
            let effect = effects.get(usize::from(rule));
            if effect.is_some_and(|effect| effect.named.has(op)) {
                named = named.with(op);
            }
        }
        State {
            decisions: self.rules.map(|rule| pack(rule, unspoken)),
            home,
            named,
            live,
        }
    }
}
