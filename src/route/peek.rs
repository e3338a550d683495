// SPDX-License-Identifier: GPL-2.0-only

//! Peeking: how a name is looked up, without a state for it.

use super::{
    facts::Facts,
    name::Name,
    op::Op,
    policy::Policy,
    program::{
        Asked,
        Asks,
        Said,
        BY_PROGRAM, //
    },
    state::{
        Decision,
        Home,
        State,
        DEFAULT, //
    },
    verdict::Verdict,
};
use core::convert::Infallible;

/// How a name is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peek {
    /// The branch that it belongs to.
    pub(crate) home: Home,
    /// What is decided for looking it up.
    pub(crate) lookup: Decision,
}

impl Peek {
    /// Whether the name does not exist for the caller.
    pub(crate) fn is_hidden(&self) -> bool {
        self.lookup.verdict == Verdict::Hide
    }
}

/// How many rules are found at a time.
const ROUND: usize = 16;

/// The lowest numbers out of many, in ascending order, [`DEFAULT`] where there are no more.
struct Lowest {
    /// The numbers.
    numbers: [u16; ROUND],
}

impl Lowest {
    /// Takes in `number`.
    fn add(&mut self, mut number: u16) {
        for known in &mut self.numbers {
            if number < *known {
                core::mem::swap(known, &mut number);
            }
        }
    }

    /// The highest one, if there may be more.
    fn last(&self) -> u16 {
        self.numbers.last().copied().unwrap_or(DEFAULT)
    }
}

impl Policy {
    /// The home of `name` in the directory of the state `dir`, and what `facts` decide for looking
    /// it up: as for the state of the name, but without making one.
    ///
    /// An error of the facts is that of the first one that has to be known.
    ///
    /// # Context
    ///
    /// That of `facts`: it neither sleeps nor allocates by itself.
    pub(crate) fn peek<F: Facts>(
        &self,
        dir: &State,
        name: &Name<'_>,
        facts: &F,
    ) -> Result<Peek, F::Error> {
        let mut lookup = None;
        let mut from = 0;
        loop {
            let round = self.lowest_lookups(dir, name, from);
            for rule in round.numbers.into_iter().take_while(|r| *r != DEFAULT) {
                let gives_home = self.effect(rule).is_some_and(|e| e.gives_home());
                if (lookup.is_some() && !gives_home) || !self.holds(rule, facts)? {
                    continue;
                }
                let decision = *lookup.get_or_insert(self.decision_of(rule));
                if gives_home {
                    return Ok(Peek {
                        home: self.home_of_rule(rule, facts)?,
                        lookup: decision,
                    });
                }
            }
            if round.last() == DEFAULT {
                return Ok(Peek {
                    home: self.home_of_rule(DEFAULT, facts)?,
                    lookup: lookup.unwrap_or(self.decision_of(DEFAULT)),
                });
            }
            from = round.last().saturating_add(1);
        }
    }

    /// The same when a program has to be asked what is in `asks`, too.
    pub(crate) fn peek_asking<F: Facts>(
        &self,
        dir: &State,
        name: &Name<'_>,
        asks: Asks,
        facts: &F,
    ) -> Result<Peek, F::Error> {
        let by_program = |branch, verdict| Peek {
            home: Home {
                branch,
                rule: Some(BY_PROGRAM),
            },
            lookup: Decision::by_program(verdict),
        };
        if asks.name != Asked::No && facts.ask(None, None, false)? != Said::Rules {
            return Ok(by_program(self.default(), Verdict::Hide));
        }
        if asks.has(Op::Lookup) {
            match facts.ask(None, Some(Op::Lookup), false)? {
                Said::Rules => {}
                Said::First(list) => {
                    let branch = self.first_of(&list, facts)?;
                    return Ok(by_program(branch, Verdict::Branch(branch)));
                }
                Said::Verdict(Verdict::Hide) => {
                    return Ok(by_program(self.default(), Verdict::Hide));
                }
                Said::Verdict(verdict) => {
                    if let Verdict::Branch(branch) | Verdict::Gate { branch, .. } = verdict {
                        return Ok(by_program(branch, verdict));
                    }
                    let peek = self.peek(dir, name, facts)?;
                    return Ok(by_program(peek.home.branch, verdict));
                }
            }
        }
        self.peek(dir, name, facts)
    }

    /// The first rules from the place `from` on that may decide the lookup of `name` in `dir`, or
    /// its home.
    fn lowest_lookups(&self, dir: &State, name: &Name<'_>, from: u16) -> Lowest {
        let mut lowest = Lowest {
            numbers: [DEFAULT; ROUND],
        };
        // The first rule that certainly gives a home ends the search.
        let mut end = DEFAULT;
        let Ok(()) = self.each_match(dir, name, &mut |node| -> Result<(), Infallible> {
            for (number, effect) in self.ending(node).skip_while(|(n, _)| *n < from) {
                if number > end || number > lowest.last() {
                    break;
                }
                if !effect.ops.has(Op::Lookup) {
                    continue;
                }
                lowest.add(number);
                if effect.is_certain() && effect.gives_home() {
                    end = number;
                    break;
                }
            }
            Ok(())
        });
        lowest
    }
}
