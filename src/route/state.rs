// SPDX-License-Identifier: GPL-2.0-only

//! States: what is decided for a path, and which rules are still open below it.

use super::{
    hash::Hash,
    mem::{
        NoMem,
        Vec, //
    },
    op::{
        Op,
        OpSet, //
    },
    program::{
        Asks,
        BY_PROGRAM, //
    },
    verdict::{
        Alternatives,
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

impl Decision {
    /// No rule speaks of it.
    pub(crate) const UNSPOKEN: Decision = Decision {
        verdict: Verdict::Home,
        rule: None,
    };

    /// A program says so.
    pub(super) fn by_program(verdict: Verdict) -> Decision {
        Decision {
            verdict,
            rule: Some(BY_PROGRAM),
        }
    }
}

/// The branch that a name belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    /// The branch.
    pub(crate) branch: BranchId,
    /// The number of the rule that says so, as in [`Decision::rule`].
    pub(crate) rule: Option<u16>,
}

/// What looking a name up depends on, beside the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing: both the decision and the home are known.
    Nothing,
    /// The caller, as to the decision; the home is known. To decide calls no branch.
    Caller,
    /// Branches: to be asked whether the name exists there, or for permission.
    Branches,
}

/// The state of a path under a policy: what is decided for the object there and what depends on
/// the call, and where its rules stand, so that the states of the names in it follow.
///
/// States of one policy are equal if and only if they decide alike; those of different policies
/// must not be compared, nor given to another policy.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// The decision for each operation, or its chain.
    pub(super) decisions: [Packed; Op::COUNT],
    /// The decision for lookup if no rule could deny or hide, or its chain.
    pub(super) home: Packed,
    /// The operations for which a deciding rule may name them by their own word.
    pub(super) named: OpSet,
    /// What lookup needs.
    pub(super) needs: Needs,
    /// What a program has to be asked.
    pub(super) asks: Asks,
    /// The operations for which the decision is a program's.
    pub(super) said: OpSet,
    /// The chains: rules in ascending order whose other conditions hold, up to the first one that
    /// has no condition on the call, or [`DEFAULT`].
    pub(super) links: Vec<u16>,
    /// The places of the policy's tree that names below may go on from, in ascending order.
    pub(super) live: Vec<u32>,
}

impl State {
    /// The home, unless it depends on branches; see [`Policy::home`](super::Policy::home).
    ///
    /// # Context
    ///
    /// Any, as for all of these.
    pub(crate) fn home(&self) -> Option<Home> {
        if self.asks.home {
            return None;
        }
        self.home_by_rules()
    }

    /// The same without asking a program.
    pub(super) fn home_by_rules(&self) -> Option<Home> {
        let decision = self.home.decision()?;
        match decision.verdict {
            Verdict::Branch(branch) => Some(Home {
                branch,
                rule: decision.rule,
            }),
            _ => None,
        }
    }

    /// The home, if every caller may look the name up and only this branch has to be asked for it.
    pub(crate) fn plain_home(&self) -> Option<BranchId> {
        let home = self.home()?;
        let lookup = self.decision(Op::Lookup)?;
        matches!(lookup.verdict, Verdict::Home | Verdict::Branch(_)).then_some(home.branch)
    }

    /// Whether the branch `home`, if an object is at home there, serves every operation on it,
    /// whoever calls.
    pub(crate) fn is_all_at(&self, home: BranchId) -> bool {
        self.ops_at(Some(home)) == OpSet::ON_OBJECT.bits()
    }

    /// The operations on an object, by their numbers, that its home is known to serve, whoever calls;
    /// opening a file among them if that holds for all its data. The home is `home`, or any branch.
    pub(crate) fn ops_at(&self, home: Option<BranchId>) -> u32 {
        let mut ops = OpSet::EMPTY;
        for op in Op::ALL.into_iter().filter(|op| op.is_on_object()) {
            let verdict = self.decision(op).map(|decision| decision.verdict);
            let at_home = match verdict {
                Some(Verdict::Home) => true,
                Some(Verdict::Branch(branch)) => home == Some(branch),
                _ => false,
            };
            if at_home && (op != Op::Open || !self.splits_data()) {
                ops = ops.with(op);
            }
        }
        ops.bits()
    }

    /// Whether a file made at the name, by whomever and however, is made and opened at home.
    pub(crate) fn makes_files_at_home(&self) -> bool {
        let at_home = |home, op| {
            let verdict = self.decision(op).map(|decision| decision.verdict);
            verdict == Some(Verdict::Home) || verdict == Some(Verdict::Branch(home))
        };
        self.home()
            .is_some_and(|home| at_home(home.branch, Op::Create) && at_home(home.branch, Op::Open))
    }

    /// What looking the name up needs to know of the call.
    pub(crate) fn lookup_needs(&self) -> Needs {
        self.needs
    }

    /// What is decided for `op`, unless it depends on the call; see
    /// [`Policy::decide`](super::Policy::decide), also about the data of open files.
    pub(crate) fn decision(&self, op: Op) -> Option<Decision> {
        match leader(op) {
            Some(leader) => self.data_decision(op, leader),
            None => self.own_decision(op),
        }
    }

    /// What is decided for `op` by itself.
    fn own_decision(&self, op: Op) -> Option<Decision> {
        if self.asks.delays(op) {
            return None;
        }
        self.packed(op).decision()
    }

    /// The same for the data operation `op` that moves data as `leader` does; see
    /// [`Policy::decide_data`](super::Policy::decide_data).
    pub(crate) fn data_decision(&self, op: Op, leader: Op) -> Option<Decision> {
        if self.asks.delays(op) {
            return None;
        }
        if self.named.or(self.said).has(op) {
            return self.packed(op).decision();
        }
        match leader {
            Op::Read | Op::Write => self.data_decision(leader, Op::Open),
            _ => self.own_decision(leader),
        }
    }

    /// Whether some data operation of an open file may have another verdict than opening it, so
    /// that each must be asked for by itself.
    pub(crate) fn splits_data(&self) -> bool {
        let open = self.decision(Op::Open).map(|decision| decision.verdict);
        let named = self.named.or(self.said);
        let differs = |op: &Op| {
            let own = self.decision(*op).map(|decision| decision.verdict);
            self.asks.has(*op) || (named.has(*op) && (own.is_none() || own != open))
        };
        Op::ALL
            .iter()
            .any(|op| leader(*op).is_some() && differs(op))
    }

    /// A hash for tables of states: equal states have equal ones.
    pub(crate) fn hash(&self) -> u64 {
        let decisions = self.decisions.iter().chain([&self.home]);
        let hash = decisions.fold(Hash::START, |hash, packed| {
            hash.add(packed.rule.into()).add(packed.verdict.into())
        });
        let hash = hash.add(self.asks.bits()).add(self.said.bits().into());
        let links = self.links.iter().map(|link| u64::from(*link));
        let live = self.live.iter().map(|place| u64::from(*place));
        links.chain(live).fold(hash, Hash::add).finish()
    }

    /// A copy.
    pub(super) fn try_clone(&self) -> Result<State, NoMem> {
        Ok(State {
            decisions: self.decisions,
            home: self.home,
            named: self.named,
            needs: self.needs,
            asks: self.asks,
            said: self.said,
            links: self.links.try_clone()?,
            live: self.live.try_clone()?,
        })
    }

    /// The deciding rule's verdict for `op`, or the chain.
    pub(super) fn packed(&self, op: Op) -> Packed {
        // CAST: Operations are numbered from 0, and there is a decision for each.
        let packed = self.decisions.get(op as usize).copied();
        packed.unwrap_or(Packed::HOME)
    }

    /// The rules of the chain that `packed` stands for, and those of later ones.
    pub(super) fn chain(&self, packed: Packed) -> &[u16] {
        self.links.get(packed.place()..).unwrap_or_default()
    }
}

/// The operation whose decision holds for the data operation `op`, unless the rule that decides
/// names `op` by its own word.
pub(super) fn leader(op: Op) -> Option<Op> {
    match op {
        Op::Read | Op::Write | Op::Mmap => Some(Op::Open),
        Op::Splice | Op::Lseek | Op::Copy | Op::Remap => Some(Op::Read),
        _ => None,
    }
}

/// A decision in 4 bytes, or where the chain is that leads to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packed {
    /// The place of the rule in the list, or [`DEFAULT`]; of a chain the lower bits of its place.
    rule: u16,
    /// A kind and what belongs to it.
    verdict: u16,
}

/// In place of a rule: there is none.
pub(super) const DEFAULT: u16 = u16::MAX;

impl Packed {
    /// The bits of [`Packed::verdict`] below its kind.
    const BITS: u32 = 13;
    /// No rule speaks of it.
    const KIND_HOME: u16 = 0;
    /// A branch.
    const KIND_BRANCH: u16 = 1;
    /// An errno.
    const KIND_DENY: u16 = 2;
    /// Hidden.
    const KIND_HIDE: u16 = 3;
    /// A gate in the upper of 12 bits, a branch in the lower ones.
    const KIND_GATE: u16 = 4;
    /// Several branches, which the rule lists.
    const KIND_FIRST: u16 = 5;
    /// The upper bits of the place of a chain.
    const KIND_CHAIN: u16 = 6;

    /// No rule speaks of it.
    pub(super) const HOME: Packed = Packed {
        rule: DEFAULT,
        verdict: Self::KIND_HOME << Self::BITS,
    };

    /// Packs the verdict of the rule at the place `rule`.
    pub(super) fn new(rule: u16, verdict: Verdict) -> Packed {
        let raw = |branch: BranchId| u16::from(branch.raw());
        let (kind, value) = match verdict {
            Verdict::Home => (Self::KIND_HOME, 0),
            Verdict::Branch(branch) => (Self::KIND_BRANCH, raw(branch)),
            Verdict::Deny(errno) => (Self::KIND_DENY, errno.raw()),
            Verdict::Hide => (Self::KIND_HIDE, 0),
            Verdict::Gate { gate, branch } => (Self::KIND_GATE, raw(gate) << 6 | raw(branch)),
            Verdict::First(_) => (Self::KIND_FIRST, 0),
        };
        Packed {
            rule,
            verdict: kind << Self::BITS | value,
        }
    }

    /// Packs the place of a chain, if it can be.
    pub(super) fn new_chain(place: usize) -> Option<Packed> {
        let place = u32::try_from(place).ok()?;
        let upper = u16::try_from(place >> 16).ok()?;
        if upper >> Self::BITS != 0 {
            return None;
        }
        Some(Packed {
            // CAST: The upper bits are kept apart.
            rule: place as u16,
            verdict: Self::KIND_CHAIN << Self::BITS | upper,
        })
    }

    /// The decision that was packed, unless it is a chain.
    pub(super) fn decision(self) -> Option<Decision> {
        let value = self.verdict & ((1 << Self::BITS) - 1);
        // CAST: Branches have 6 bits.
        let branch = |value: u16| BranchId::from_raw((value & 63) as u8);
        let verdict = match self.verdict >> Self::BITS {
            Self::KIND_BRANCH => Verdict::Branch(branch(value)),
            Self::KIND_DENY => Verdict::Deny(Errno::from_raw(value)),
            Self::KIND_HIDE => Verdict::Hide,
            Self::KIND_GATE => Verdict::Gate {
                gate: branch(value >> 6),
                branch: branch(value),
            },
            Self::KIND_FIRST => Verdict::First(Alternatives(self.rule)),
            Self::KIND_CHAIN => return None,
            _ => Verdict::Home,
        };
        Some(Decision {
            verdict,
            rule: number(self.rule),
        })
    }

    /// What is said, without the rule.
    pub(super) fn word(self) -> u16 {
        self.verdict
    }

    /// The place of the chain.
    fn place(self) -> usize {
        let upper = usize::from(self.verdict & ((1 << Self::BITS) - 1));
        upper << 16 | usize::from(self.rule)
    }
}

/// The number of the rule at the place `rule`, as callers see it.
pub(super) fn number(rule: u16) -> Option<u16> {
    (rule != DEFAULT).then_some(rule.saturating_add(1))
}
