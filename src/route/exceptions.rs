// SPDX-License-Identifier: GPL-2.0-only

//! Names of which only rules on the caller say something out of the ordinary: to whom none of these
//! applies, the name is as plain as one without rules.

use super::{
    facts::Who,
    op::Op,
    policy::Policy,
    state::{
        Packed,
        State,
        DEFAULT, //
    },
    verdict::{
        BranchId,
        Verdict, //
    },
};

/// How many rules are kept.
const MOST: usize = 6;

/// The rules on the caller alone that may apply to a name. Who is met by none of them finds it in its
/// home, which serves every operation.
#[derive(Clone, Copy)]
pub(crate) struct Exceptions {
    /// The home.
    home: BranchId,
    /// The places of the rules, and [`DEFAULT`] behind them.
    rules: [u16; MOST],
}

impl Exceptions {
    /// The home.
    pub(crate) fn home(&self) -> BranchId {
        self.home
    }

    /// Adds the rule at the place `rule`; none if there is no room.
    fn add(&mut self, rule: u16) -> Option<()> {
        let mut slots = self.rules.iter_mut();
        let slot = slots.find(|slot| **slot == DEFAULT || **slot == rule)?;
        *slot = rule;
        Some(())
    }

    /// Takes in what `state` has for an operation: none if it can be served elsewhere than at home, or
    /// refused, but by a rule on the caller alone.
    fn take(&mut self, policy: &Policy, state: &State, packed: Packed) -> Option<()> {
        let home = Verdict::Branch(self.home);
        let is_home = |verdict| verdict == Verdict::Home || verdict == home;
        if let Some(decision) = packed.decision() {
            return is_home(decision.verdict).then_some(());
        }
        for rule in state.chain(packed) {
            // No rule at the end of the chain: nothing out of the ordinary.
            let Some(effect) = policy.effect(*rule) else {
                return Some(());
            };
            match policy.conditions_of(effect) {
                None => return is_home(effect.verdict).then_some(()),
                Some(conditions) if conditions.ask_caller_alone() => self.add(*rule)?,
                Some(_) => return None,
            }
        }
        None
    }
}

impl Policy {
    /// The exceptions from what is plain in `state`; none if there are others, or more than are kept.
    pub(crate) fn exceptions(&self, state: &State) -> Option<Exceptions> {
        if !state.asks.is_nothing() {
            return None;
        }
        let mut exceptions = Exceptions {
            home: state.home()?.branch,
            rules: [DEFAULT; MOST],
        };
        for op in Op::ALL {
            if op == Op::Lookup || op.is_on_object() {
                exceptions.take(self, state, state.packed(op))?;
            }
        }
        Some(exceptions)
    }

    /// Whether one of the `exceptions` applies to `who`.
    ///
    /// # Context
    ///
    /// That of `who`: it neither sleeps nor allocates by itself.
    #[inline]
    pub(crate) fn excepts<W: Who>(&self, exceptions: &Exceptions, who: &W) -> bool {
        let mut rules = exceptions.rules.iter().take_while(|rule| **rule != DEFAULT);
        rules.any(|rule| {
            let conditions = self.effect(*rule).and_then(|e| self.conditions_of(e));
            conditions.is_none_or(|conditions| conditions.hold_for(who))
        })
    }
}
