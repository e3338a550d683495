// SPDX-License-Identifier: GPL-2.0-only

//! Deciding: what a state and the facts of a call give.

use super::{
    facts::{
        Facts,
        Made, //
    },
    op::{
        Op,
        OpSet, //
    },
    policy::Policy,
    program::{
        Asked,
        List,
        Said,
        BY_PROGRAM, //
    },
    state::{
        leader,
        number,
        Decision,
        Home,
        State,
        DEFAULT, //
    },
    verdict::{
        Alternatives,
        BranchId,
        Errno,
        Verdict, //
    },
};

impl Policy {
    /// What is decided for `op`, in the state `state`, by `facts`.
    ///
    /// An open file's data goes where the file was opened: for read, write and mmap this is the
    /// decision for open, unless the rule that decides names the operation by its own word. The
    /// other data operations follow read so; see [`Policy::decide_data`] for those that follow
    /// write.
    ///
    /// # Context
    ///
    /// That of `facts`: it neither sleeps nor allocates by itself.
    #[inline]
    pub(crate) fn decide<F: Facts>(
        &self,
        state: &State,
        op: Op,
        facts: &F,
    ) -> Result<Decision, F::Error> {
        match state.decision(op) {
            Some(decision) => Ok(decision),
            None => self.decide_for_call(state, op, facts),
        }
    }

    /// The same where it depends on the call.
    #[inline(never)]
    fn decide_for_call<F: Facts>(
        &self,
        state: &State,
        op: Op,
        facts: &F,
    ) -> Result<Decision, F::Error> {
        if state.asks.is_nothing() && leader(op).is_none() {
            return self.decide_by_rules(state, op, facts);
        }
        if let Some(hidden) = self.hidden(state, facts)? {
            return Ok(hidden);
        }
        match leader(op) {
            Some(leader) => self.data(state, op, leader, facts),
            None => self.decide_alone(state, op, facts),
        }
    }

    /// The decision on every operation if a program hides the name.
    fn hidden<F: Facts>(&self, state: &State, facts: &F) -> Result<Option<Decision>, F::Error> {
        if state.asks.name == Asked::No {
            return Ok(None);
        }
        let said = facts.ask(Some(state), None, state.asks.name == Asked::New)?;
        Ok((said != Said::Rules).then_some(Decision::by_program(Verdict::Hide)))
    }

    /// What a program says of `op`, if it has to be asked and does say something.
    fn said<F: Facts>(
        &self,
        state: &State,
        op: Op,
        facts: &F,
    ) -> Result<Option<Verdict>, F::Error> {
        if !state.asks.has(op) {
            return Ok(None);
        }
        let said = facts.ask(Some(state), Some(op), state.asks.new.has(op))?;
        let verdict = match said {
            Said::Rules => None,
            Said::Verdict(verdict) => Some(verdict),
            // What is made is in none of them yet.
            Said::First(list) if OpSet::MAKING.has(op) || op == Op::Link => {
                Some(Verdict::Branch(list.first()))
            }
            Said::First(list) => Some(Verdict::Branch(self.first_of(&list, facts)?)),
        };
        if op != Op::Lookup || matches!(said, Said::First(_)) {
            return Ok(verdict);
        }
        if let Some(Verdict::Branch(branch) | Verdict::Gate { branch, .. }) = verdict {
            // The home is the same for every caller.
            if state.home().is_some_and(|home| home.branch != branch) {
                facts.contradicted();
                return Ok(Some(Verdict::Deny(Errno::EIO)));
            }
        }
        Ok(verdict)
    }

    /// The first of `list` in which the object exists; if there is none, the first one.
    pub(super) fn first_of<F: Facts>(&self, list: &List, facts: &F) -> Result<BranchId, F::Error> {
        for branch in list.branches() {
            if facts.exists(branch)? {
                return Ok(branch);
            }
        }
        Ok(list.first())
    }

    /// What is decided for the data operation `op` that moves data as `leader` does: the decision
    /// for `leader`, unless the rule that decides names `op` by its own word, or a program says
    /// something of `op`.
    ///
    /// Splice, copy and remap have two ends, one that is read and one that is written.
    pub(crate) fn decide_data<F: Facts>(
        &self,
        state: &State,
        op: Op,
        leader: Op,
        facts: &F,
    ) -> Result<Decision, F::Error> {
        match self.hidden(state, facts)? {
            Some(hidden) => Ok(hidden),
            None => self.data(state, op, leader, facts),
        }
    }

    /// The same of a name that is not hidden.
    fn data<F: Facts>(
        &self,
        state: &State,
        op: Op,
        leader: Op,
        facts: &F,
    ) -> Result<Decision, F::Error> {
        if let Some(verdict) = self.said(state, op, facts)? {
            return Ok(Decision::by_program(verdict));
        }
        if state.said.has(op) {
            return self.decide_by_rules(state, op, facts);
        }
        if state.named.has(op) {
            let decision = self.decide_by_rules(state, op, facts)?;
            let rule = decision.rule.and_then(|rule| rule.checked_sub(1));
            let effect = rule.and_then(|rule| self.effect(rule));
            if effect.is_some_and(|effect| effect.named.has(op)) {
                return Ok(decision);
            }
        }
        match leader {
            Op::Read | Op::Write => self.data(state, leader, Op::Open, facts),
            _ => self.decide_alone(state, leader, facts),
        }
    }

    /// What is decided for `op` whatever is decided for others.
    fn decide_alone<F: Facts>(
        &self,
        state: &State,
        op: Op,
        facts: &F,
    ) -> Result<Decision, F::Error> {
        match self.said(state, op, facts)? {
            Some(verdict) => Ok(Decision::by_program(verdict)),
            None => self.decide_by_rules(state, op, facts),
        }
    }

    /// The same without asking a program.
    fn decide_by_rules<F: Facts>(
        &self,
        state: &State,
        op: Op,
        facts: &F,
    ) -> Result<Decision, F::Error> {
        let packed = state.packed(op);
        match packed.decision() {
            Some(decision) => Ok(decision),
            None => Ok(self.decision_of(self.run(state.chain(packed), facts)?)),
        }
    }

    /// What the rules alone decide for `op`, for a program that asks.
    pub(crate) fn by_rules<F: Facts>(
        &self,
        state: &State,
        op: Op,
        facts: &F,
    ) -> Result<Decision, F::Error> {
        let mut leaders = [Some(op), leader(op), None];
        if matches!(leaders, [_, Some(Op::Read | Op::Write), _]) {
            leaders = [Some(op), leader(op), Some(Op::Open)];
        }
        for op in leaders.into_iter().flatten() {
            let decision = self.decide_by_rules(state, op, facts)?;
            let rule = decision.rule.and_then(|rule| rule.checked_sub(1));
            let named = rule.and_then(|rule| self.effect(rule)).map(|e| e.named);
            if leader(op).is_none() || named.is_some_and(|named| named.has(op)) {
                return Ok(decision);
            }
        }
        Ok(Decision::UNSPOKEN)
    }

    /// The home of the name whose state is `state`.
    ///
    /// # Context
    ///
    /// That of `facts`, as for all of these.
    #[inline]
    pub(crate) fn home<F: Facts>(&self, state: &State, facts: &F) -> Result<Home, F::Error> {
        match state.home() {
            Some(home) => Ok(home),
            None => self.find_home(state, facts),
        }
    }

    /// The same where it depends on more than the name.
    #[inline(never)]
    fn find_home<F: Facts>(&self, state: &State, facts: &F) -> Result<Home, F::Error> {
        if state.asks.home {
            let said = self.said(state, Op::Lookup, facts)?;
            // To those who are refused it does not say where it is.
            if let Some(Verdict::Branch(branch) | Verdict::Gate { branch, .. }) = said {
                return Ok(Home {
                    branch,
                    rule: Some(BY_PROGRAM),
                });
            }
        }
        match state.home_by_rules() {
            Some(home) => Ok(home),
            None => self.home_of_rule(self.run(state.chain(state.home), facts)?, facts),
        }
    }

    /// What is decided for `op` when the object has been made in the branch `made_in`.
    pub(crate) fn decide_after<F: Facts>(
        &self,
        state: &State,
        op: Op,
        facts: &F,
        made_in: BranchId,
    ) -> Result<Decision, F::Error> {
        self.decide(state, op, &Made { facts, made_in })
    }

    /// What the home will be when the object has been made in the branch `made_in`.
    pub(crate) fn home_after<F: Facts>(
        &self,
        state: &State,
        facts: &F,
        made_in: BranchId,
    ) -> Result<Home, F::Error> {
        self.home(state, &Made { facts, made_in })
    }

    /// The first of `list` in which the object exists; if there is none, the first one, in which a
    /// new object is made.
    pub(crate) fn first_existing<F: Facts>(
        &self,
        list: Alternatives,
        facts: &F,
    ) -> Result<BranchId, F::Error> {
        let branches = self.alternatives(list);
        for branch in branches {
            if facts.exists(*branch)? {
                return Ok(*branch);
            }
        }
        Ok(branches.first().copied().unwrap_or(self.default))
    }

    /// The same when the object has been made in the branch `made_in`.
    pub(crate) fn first_existing_after<F: Facts>(
        &self,
        list: Alternatives,
        facts: &F,
        made_in: BranchId,
    ) -> Result<BranchId, F::Error> {
        self.first_existing(list, &Made { facts, made_in })
    }

    /// The branch in which `verdict` makes a new object; none if that is its home, or it is refused.
    pub(crate) fn makes_in(&self, verdict: Verdict) -> Option<BranchId> {
        match verdict {
            Verdict::Branch(branch) | Verdict::Gate { branch, .. } => Some(branch),
            // The object is in none of them yet.
            Verdict::First(list) => self.alternatives(list).first().copied(),
            Verdict::Home | Verdict::Deny(_) | Verdict::Hide => None,
        }
    }

    /// The first of the rules `links` that holds.
    fn run<F: Facts>(&self, links: &[u16], facts: &F) -> Result<u16, F::Error> {
        for rule in links {
            if self.holds(*rule, facts)? {
                return Ok(*rule);
            }
        }
        Ok(DEFAULT)
    }

    /// Whether the conditions on the call hold that the rule at the place `rule` has.
    pub(super) fn holds<F: Facts>(&self, rule: u16, facts: &F) -> Result<bool, F::Error> {
        let conditions = self.effect(rule).and_then(|e| self.conditions_of(e));
        conditions.map_or(Ok(true), |conditions| conditions.hold(facts))
    }

    /// The decision of the rule at the place `rule`.
    pub(super) fn decision_of(&self, rule: u16) -> Decision {
        Decision {
            verdict: self.effect(rule).map_or(Verdict::Home, |e| e.verdict),
            rule: self.effect(rule).and_then(|_| number(rule)),
        }
    }

    /// The home that the rule at the place `rule` gives, or the default one.
    pub(super) fn home_of_rule<F: Facts>(&self, rule: u16, facts: &F) -> Result<Home, F::Error> {
        let decision = self.decision_of(rule);
        let branch = match decision.verdict {
            Verdict::Branch(branch) | Verdict::Gate { branch, .. } => branch,
            Verdict::First(list) => self.first_existing(list, facts)?,
            Verdict::Home | Verdict::Deny(_) | Verdict::Hide => self.default,
        };
        Ok(Home {
            branch,
            rule: decision.rule,
        })
    }
}
