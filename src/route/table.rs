// SPDX-License-Identifier: GPL-2.0-only

//! Tables: the rules that match a path, from which its state is made.

use super::{
    kind::{
        Kind,
        KindSet, //
    },
    mem::{
        NoMem,
        Vec, //
    },
    op::{
        Op,
        OpSet, //
    },
    policy::Policy,
    program::Asks,
    state::{
        Needs,
        Packed,
        State,
        DEFAULT, //
    },
    verdict::Verdict,
};

/// What deciding needs to know of a rule.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effect {
    /// The operations to which it applies.
    pub(super) ops: OpSet,
    /// Those that it names by their own word.
    pub(super) named: OpSet,
    /// The types of objects to which it applies, if not to all.
    pub(super) kinds: Option<KindSet>,
    /// The place of its conditions on the call, or [`DEFAULT`].
    pub(super) conditions: u16,
    /// Its verdict.
    pub(super) verdict: Verdict,
    /// The place of the next rule of the same place in the tree, or [`DEFAULT`].
    pub(super) next: u16,
}

impl Effect {
    /// Whether it can be what gives a name its home.
    pub(super) fn gives_home(&self) -> bool {
        self.ops.has(Op::Lookup) && self.verdict.serves()
    }

    /// Whether it applies wherever its path and name match.
    pub(super) fn is_certain(&self) -> bool {
        self.kinds.is_none() && self.conditions == DEFAULT
    }
}

/// The rules that are certain to apply, for each operation the first one.
#[derive(Clone, Copy)]
pub(super) struct Firsts {
    /// The place of the rule for each operation, or [`DEFAULT`].
    pub(super) rules: [u16; Op::COUNT],
    /// The same for lookup among the rules that neither deny nor hide.
    pub(super) home: u16,
}

impl Firsts {
    /// No rules.
    pub(super) const NONE: Firsts = Firsts {
        rules: [DEFAULT; Op::COUNT],
        home: DEFAULT,
    };

    /// Takes in the rule at the place `number`, of whose effect only the operations in `ops` count.
    pub(super) fn add(&mut self, number: u16, effect: &Effect, ops: OpSet) {
        let mut bits = effect.ops.and(ops).bits();
        for rule in &mut self.rules {
            if bits & 1 != 0 {
                *rule = number.min(*rule);
            }
            bits >>= 1;
        }
        if effect.gives_home() && ops.has(Op::Lookup) {
            self.home = number.min(self.home);
        }
    }

    /// The rule for lookup.
    pub(super) fn lookup(&self) -> u16 {
        self.rules.first().copied().unwrap_or(DEFAULT)
    }
}

/// The rules that match a path, while they are being found.
pub(super) struct Table {
    /// Those that are certain to apply.
    firsts: Firsts,
    /// Those that depend on the call, in ascending order.
    uncertain: Vec<u16>,
    /// The operations that rules can decide.
    ops: OpSet,
    /// The type of the object.
    kind: Option<Kind>,
}

impl Table {
    /// The table of no rules, for the object of the type `kind`.
    pub(super) fn new(kind: Option<Kind>) -> Table {
        Table {
            firsts: Firsts::NONE,
            uncertain: Vec::new(),
            ops: OpSet::ALL,
            kind,
        }
    }

    /// The table of no rules for the mount's root, of which lookup is not theirs to decide.
    pub(super) fn root() -> Table {
        Table {
            ops: OpSet::ALL.without(OpSet::of(Op::Lookup)),
            ..Table::new(Some(Kind::Dir))
        }
    }

    /// Whether it is that of the root.
    fn is_root(&self) -> bool {
        !self.ops.has(Op::Lookup)
    }

    /// Takes in the rule at the place `number`, whose path and name match.
    pub(super) fn add(&mut self, number: u16, effect: &Effect) -> Result<(), NoMem> {
        if let Some(kinds) = effect.kinds {
            if !self.kind.is_some_and(|kind| kinds.has(kind)) {
                return Ok(());
            }
        }
        if effect.verdict == Verdict::Hide && self.is_root() {
            return Ok(());
        }
        if effect.conditions != DEFAULT {
            return push_sorted(&mut self.uncertain, number);
        }
        self.firsts.add(number, effect, self.ops);
        Ok(())
    }

    /// The state that these rules of `policy` make, with `live` for below.
    pub(super) fn finish(self, policy: &Policy, live: Vec<u32>) -> Result<State, NoMem> {
        let default = Packed::new(DEFAULT, Verdict::Branch(policy.default));
        let mut state = State {
            decisions: [Packed::HOME; Op::COUNT],
            home: default,
            named: OpSet::EMPTY,
            needs: Needs::Nothing,
            asks: Asks::NOTHING,
            said: OpSet::EMPTY,
            links: Vec::new(),
            live,
        };
        let mut chains = Chains::NONE;
        let rules = Op::ALL.into_iter().zip(self.firsts.rules);
        for ((op, last), decision) in rules.zip(&mut state.decisions) {
            let effect = policy.effect(last);
            if let Some(effect) = effect {
                *decision = Packed::new(last, effect.verdict);
            }
            if effect.is_some_and(|effect| effect.named.has(op)) {
                state.named = state.named.with(op);
            }
            if self.uncertain.is_empty() || !self.ops.has(op) {
                continue;
            }
            let applies = |effect: &Effect| effect.ops.has(op);
            let chain = chains.add(policy, &mut state.links, &self.uncertain, last, applies)?;
            if chain.rules > 1 {
                *decision = Packed::new_chain(chain.place).ok_or(NoMem)?;
                let mut effects = chain
                    .of(&state.links)
                    .filter_map(|rule| policy.effect(rule));
                if effects.any(|effect| effect.named.has(op)) {
                    state.named = state.named.with(op);
                }
            }
        }
        let last = self.firsts.home;
        let home = policy.effect(last).map(|effect| effect.verdict);
        let uncertain = if self.is_root() {
            &[]
        } else {
            &*self.uncertain
        };
        let chain = chains.add(
            policy,
            &mut state.links,
            uncertain,
            last,
            Effect::gives_home,
        )?;
        state.home = match home {
            _ if chain.rules > 1 => Packed::new_chain(chain.place).ok_or(NoMem)?,
            Some(Verdict::First(_)) => chains.keep(&mut state.links, last)?,
            Some(Verdict::Branch(branch) | Verdict::Gate { branch, .. }) => {
                Packed::new(last, Verdict::Branch(branch))
            }
            _ => default,
        };
        state.needs = needs(policy, &state);
        Ok(state)
    }
}

/// What looking up the name of `state` needs.
fn needs(policy: &Policy, state: &State) -> Needs {
    let calls = |verdict| matches!(verdict, Verdict::First(_) | Verdict::Gate { .. });
    if state.home.decision().is_none() {
        return Needs::Branches;
    }
    let packed = state.packed(Op::Lookup);
    if let Some(decision) = packed.decision() {
        return if calls(decision.verdict) {
            Needs::Branches
        } else {
            Needs::Nothing
        };
    }
    for rule in state.chain(packed) {
        let Some(effect) = policy.effect(*rule) else {
            break;
        };
        let conditions = policy.conditions_of(effect);
        if calls(effect.verdict) || conditions.is_some_and(|c| c.asks_branches()) {
            return Needs::Branches;
        }
        if conditions.is_none() {
            break;
        }
    }
    Needs::Caller
}

/// The chains of a state that is being made, each kept once.
struct Chains {
    /// Where they start.
    starts: [Option<u32>; Op::COUNT + 1],
}

/// A chain among the links of a state.
struct Chain {
    /// Where it starts.
    place: usize,
    /// How many rules it has; one that does not depend on the call is none.
    rules: usize,
}

impl Chain {
    /// The rules.
    fn of<'a>(&self, links: &'a [u16]) -> impl Iterator<Item = u16> + 'a {
        links.iter().copied().skip(self.place).take(self.rules)
    }
}

impl Chains {
    /// None yet.
    const NONE: Chains = Chains {
        starts: [None; Op::COUNT + 1],
    };

    /// Adds the chain of those of `uncertain` to which `applies` says yes and that come before the
    /// rule `last`, and of that one; it is in `links` only if it is more than `last`.
    fn add(
        &mut self,
        policy: &Policy,
        links: &mut Vec<u16>,
        uncertain: &[u16],
        last: u16,
        applies: impl Fn(&Effect) -> bool,
    ) -> Result<Chain, NoMem> {
        let start = links.len();
        for rule in uncertain.iter().copied().take_while(|rule| *rule < last) {
            if policy.effect(rule).is_some_and(&applies) {
                links.push(rule)?;
            }
        }
        if links.len() == start {
            return Ok(Chain {
                place: start,
                rules: 1,
            });
        }
        links.push(last)?;
        Ok(self.fold(links, start))
    }

    /// Adds the chain of nothing but the rule `last`.
    fn keep(&mut self, links: &mut Vec<u16>, last: u16) -> Result<Packed, NoMem> {
        let start = links.len();
        links.push(last)?;
        Packed::new_chain(self.fold(links, start).place).ok_or(NoMem)
    }

    /// Takes the chain that starts at `start` off again if there is an equal one.
    fn fold(&mut self, links: &mut Vec<u16>, start: usize) -> Chain {
        let rules = links.len().saturating_sub(start);
        for known in &mut self.starts {
            let place = known.and_then(|place| usize::try_from(place).ok());
            let Some(place) = place else {
                *known = u32::try_from(start).ok();
                break;
            };
            let new = links.get(start..).unwrap_or_default();
            if links.get(place..).is_some_and(|old| old.starts_with(new)) {
                links.truncate(start);
                return Chain { place, rules };
            }
        }
        Chain {
            place: start,
            rules,
        }
    }
}

/// Adds `value` to `list`, which is in ascending order; it mostly belongs at the end.
pub(super) fn push_sorted<T: Ord>(list: &mut Vec<T>, value: T) -> Result<(), NoMem> {
    list.push(value)?;
    let mut end = list.len();
    while let Some([.., before, last]) = list.get_mut(..end) {
        if *before <= *last {
            break;
        }
        core::mem::swap(before, last);
        end = end.saturating_sub(1);
    }
    Ok(())
}
