// SPDX-License-Identifier: GPL-2.0-only

//! What can happen below a directory, without knowing the names in it.
//!
//! A rule with conditions on the call, or on the type, may hold or not: what it can do counts, and
//! what later ones can do counts as well.

use super::{
    name::Name,
    op::{
        Op,
        OpSet, //
    },
    policy::Policy,
    state::{
        State,
        DEFAULT, //
    },
    table::{
        Effect,
        Firsts, //
    },
    tree::{
        Edge,
        Node, //
    },
    verdict::{
        BranchId,
        BranchSet,
        Verdict, //
    },
};
use core::convert::Infallible;

/// What a number of rules can do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// The branches that they let serve.
    branches: BranchSet,
    /// The branches that they ask whether a name exists, before they give it a home.
    asked: BranchSet,
    /// The place of the first of them, or [`DEFAULT`].
    first: u16,
    /// The place of the first of them that applies to lookup.
    lookup: u16,
}

impl Reach {
    /// What no rule can do.
    pub(super) const NOTHING: Reach = Reach {
        branches: BranchSet::EMPTY,
        asked: BranchSet::EMPTY,
        first: DEFAULT,
        lookup: DEFAULT,
    };

    /// Takes in what others can do.
    pub(super) fn join(&mut self, other: &Reach) {
        self.branches = self.branches.or(other.branches);
        self.asked = self.asked.or(other.asked);
        self.first = self.first.min(other.first);
        self.lookup = self.lookup.min(other.lookup);
    }
}

impl Policy {
    /// What the rules that end at `node` can do.
    pub(super) fn reach_of(&self, node: &Node) -> Reach {
        let mut reach = Reach::NOTHING;
        for (number, effect) in self.ending(node) {
            let mut asked = BranchSet::EMPTY;
            let lookup = effect.ops.has(Op::Lookup);
            if let Some(conditions) = self.conditions_of(effect).filter(|_| lookup) {
                for branch in [conditions.exists, conditions.missing] {
                    asked = asked.or(branch.map_or(BranchSet::EMPTY, BranchSet::of));
                }
            }
            reach.join(&Reach {
                branches: self.served_by(effect.verdict),
                asked,
                first: number,
                lookup: if lookup { number } else { DEFAULT },
            });
        }
        reach
    }

    /// The branches that can serve what the verdict is said of; those that are only asked are not
    /// among them.
    fn served_by(&self, verdict: Verdict) -> BranchSet {
        match verdict {
            Verdict::Branch(branch) | Verdict::Gate { branch, .. } => BranchSet::of(branch),
            Verdict::First(list) => self
                .alternatives(list)
                .iter()
                .fold(BranchSet::EMPTY, |set, branch| {
                    set.or(BranchSet::of(*branch))
                }),
            Verdict::Home | Verdict::Deny(_) | Verdict::Hide => BranchSet::EMPTY,
        }
    }

    /// The homes that the rule at the place `rule`, or the lack of one, can give.
    fn homes_by(&self, rule: u16) -> BranchSet {
        match self.effect(rule) {
            Some(effect) => self.served_by(effect.verdict),
            None => BranchSet::of(self.default),
        }
    }

    /// The branches that can be the home of a name in the directory of the state `dir`, which folds
    /// case if it `folds`.
    ///
    /// It may have too many where globs meet or rules have conditions on the call, never too few.
    pub(crate) fn names_homes(&self, dir: &State, folds: bool) -> BranchSet {
        // Every name matches this rule, so later ones do not count, but for literals, which are
        // looked up.
        let every = self.every(dir, |firsts| firsts.home);
        let mut homes = self.homes_by(every);
        self.each_end(dir, |step, end, name| {
            // A home is given by some rule: those that give none that is not known are not followed.
            let mut own = homes;
            self.add_homes(end, DEFAULT, &mut own);
            if own == homes {
                return;
            }
            match self.literal(step).or(name.and_then(|n| self.literal(n))) {
                Some((exact, folded)) => {
                    homes = homes.or(self.possible_homes(dir, &Name::new(exact)));
                    if folds {
                        let name = Name::folded(folded, folded);
                        homes = homes.or(self.possible_homes(dir, &name));
                    }
                }
                None => self.add_homes(end, every, &mut homes),
            }
        });
        homes
    }

    /// Adds the homes that the rules which end at `node`, and come before the rule `end`, can give.
    fn add_homes(&self, node: &Node, end: u16, homes: &mut BranchSet) {
        let before = self.ending(node).take_while(|(number, _)| *number < end);
        for (number, effect) in before.filter(|(_, effect)| effect.gives_home()) {
            *homes = homes.or(self.homes_by(number));
            if effect.is_certain() {
                break;
            }
        }
    }

    /// The branches that can be the home of `name` in the directory of the state `dir`.
    fn possible_homes(&self, dir: &State, name: &Name<'_>) -> BranchSet {
        let mut last = DEFAULT;
        let Ok(()) = self.each_match(dir, name, &mut |node| -> Result<(), Infallible> {
            let certain = |effect: &Effect| effect.is_certain() && effect.gives_home();
            let first = self.ending(node).find(|(_, effect)| certain(effect));
            last = last.min(first.map_or(DEFAULT, |(number, _)| number));
            Ok(())
        });
        let mut homes = self.homes_by(last);
        let Ok(()) = self.each_match(dir, name, &mut |node| -> Result<(), Infallible> {
            self.add_homes(node, last, &mut homes);
            Ok(())
        });
        homes
    }

    /// Whether some name in the directory of the state `dir` may be hidden, have a gate, or have a home
    /// that depends on branches, so that it cannot be listed from its home without asking.
    ///
    /// It may say yes where there is none, never no where there is one.
    pub(crate) fn names_vary(&self, dir: &State) -> bool {
        let every_lookup = self.every(dir, Firsts::lookup);
        let every_home = self.every(dir, |firsts| firsts.home);
        let hides = |number: u16, effect: &Effect| {
            effect.verdict == Verdict::Hide && number <= every_lookup
        };
        let moves = |number: u16, effect: &Effect| {
            let asks = matches!(effect.verdict, Verdict::First(_) | Verdict::Gate { .. });
            effect.gives_home() && (asks || !effect.is_certain()) && number <= every_home
        };
        let mut vary = false;
        self.each_end(dir, |_, end, _| {
            vary |= self.ending(end).any(|(n, e)| hides(n, e) || moves(n, e));
        });
        vary
    }

    /// The branches that serve any operation on anything strictly below the directory of the state
    /// `dir`, homes included. Those that are only asked, by `gate:`, `exists=` or `missing=`, are
    /// not among them; see [`Policy::asked_below`].
    ///
    /// It may have too many, never too few.
    pub(crate) fn branches_below(&self, dir: &State) -> BranchSet {
        let firsts = self.everywhere(dir);
        let last = firsts
            .rules
            .iter()
            .fold(firsts.home, |l, rule| l.max(*rule));
        // What no rule speaks of is served by the home.
        let mut branches = self.homes_by(firsts.home);
        for rule in firsts.rules {
            branches = branches.or(self
                .effect(rule)
                .map_or(BranchSet::EMPTY, |effect| self.served_by(effect.verdict)));
        }
        for node in self.live(dir) {
            if node.below.first < last {
                branches = branches.or(node.below.branches);
            }
        }
        self.each_everywhere(dir, |number, effect| {
            if !effect.is_certain() && number < last {
                branches = branches.or(self.served_by(effect.verdict));
            }
        });
        branches
    }

    /// The branches that rules ask by `exists=` or `missing=` for the homes of names strictly below
    /// the directory of the state `dir`.
    ///
    /// Where one of them holds a directory of either path, renaming gives such names other homes,
    /// whatever [`Policy::same_below`] says. It may have too many, never too few.
    pub(crate) fn asked_below(&self, dir: &State) -> BranchSet {
        self.live(dir).fold(BranchSet::EMPTY, |asked, node| {
            let mut asked = asked.or(node.below.asked);
            if node.edge == Edge::Deep {
                asked = asked.or(self.reach_of(node).asked);
            }
            asked
        })
    }

    /// Whether the same rules give every path below its home under the directory of the state `b` as
    /// under that of `a`, and looking it up is refused alike, to every caller.
    ///
    /// Where homes depend on branches, these have to be the same as well; see
    /// [`Policy::asked_below`] and [`Policy::branches_below`]. It may say no where all is the same,
    /// never yes where it is not.
    pub(crate) fn same_below(&self, a: &State, b: &State) -> bool {
        if self.lookups(a).eq(self.lookups(b)) {
            return true;
        }
        match (self.uniform(a), self.uniform(b)) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        }
    }

    /// The nodes that `dir` is at.
    fn live<'a>(&'a self, dir: &'a State) -> impl Iterator<Item = &'a Node> {
        dir.live.iter().filter_map(|id| self.node(*id))
    }

    /// The nodes that `dir` is at and that have to do with lookup.
    fn lookups<'a>(&'a self, dir: &'a State) -> impl Iterator<Item = u32> + 'a {
        dir.live.iter().copied().filter(|id| {
            self.node(*id).is_some_and(|node| {
                let mut own = self.ending(node).map(|(_, effect)| effect.ops);
                let own = node.edge == Edge::Deep && own.any(|ops| ops.has(Op::Lookup));
                own || node.below.lookup != DEFAULT
            })
        })
    }

    /// The home of everything below `dir` and the verdict for looking it up, if there is only one
    /// for all names, callers and contents of branches.
    fn uniform(&self, dir: &State) -> Option<(BranchId, Verdict)> {
        let firsts = self.everywhere(dir);
        if self.live(dir).any(|node| node.below.lookup < firsts.home) {
            return None;
        }
        let mut certain = true;
        self.each_everywhere(dir, |number, effect| {
            certain &= effect.is_certain() || number > firsts.home || !effect.ops.has(Op::Lookup);
        });
        let home = match self.effect(firsts.home).map(|effect| effect.verdict) {
            Some(Verdict::Branch(branch) | Verdict::Gate { branch, .. }) => branch,
            Some(_) => return None,
            None => self.default,
        };
        let lookup = self.effect(firsts.lookup()).map(|effect| effect.verdict);
        certain.then_some((home, lookup.unwrap_or(Verdict::Branch(self.default))))
    }

    /// The rules that match everything below `dir`, of which those that are certain to apply.
    fn everywhere(&self, dir: &State) -> Firsts {
        let mut firsts = Firsts::NONE;
        self.each_everywhere(dir, |number, effect| {
            if effect.is_certain() {
                firsts.add(number, effect, OpSet::ALL);
            }
        });
        firsts
    }

    /// Calls `visit` for the rules that match everything below `dir`.
    fn each_everywhere(&self, dir: &State, mut visit: impl FnMut(u16, &Effect)) {
        for node in self.live(dir).filter(|node| node.edge == Edge::Deep) {
            let names = self.all(&node.glob_names).map(|(_, name)| name);
            for end in core::iter::once(node).chain(names.filter(|name| name.edge.is_each())) {
                for (number, effect) in self.ending(end) {
                    visit(number, effect);
                }
            }
        }
    }

    /// The place of the rule that `which` picks out of those that match every name in `dir` and are
    /// certain to apply.
    fn every(&self, dir: &State, which: impl Fn(&Firsts) -> u16) -> u16 {
        let mut firsts = Firsts::NONE;
        self.each_end(dir, |step, end, name| {
            if step.edge.is_each() && name.is_none_or(|name| name.edge.is_each()) {
                for (number, effect) in self.ending(end).filter(|(_, e)| e.is_certain()) {
                    firsts.add(number, effect, OpSet::ALL);
                }
            }
        });
        which(&firsts)
    }

    /// Calls `visit` for every node whose rules can match a name in `dir`, between the node that the
    /// name leads to and the one of the condition on the last component, if there is one.
    fn each_end(&self, dir: &State, mut visit: impl FnMut(&Node, &Node, Option<&Node>)) {
        let mut ends = |step: &Node, end: &Node| {
            visit(step, end, None);
            let literals = self.list(end.literal_names);
            for (_, name) in literals.chain(self.all(&end.glob_names)) {
                visit(step, name, Some(name));
            }
        };
        for node in self.live(dir) {
            if node.edge == Edge::Deep {
                ends(node, node);
            }
            let literals = self.list(node.literals);
            for (_, child) in literals.chain(self.all(&node.globs)) {
                ends(child, child);
                if let Some(deep) = self.node(child.deep) {
                    ends(child, deep);
                }
            }
        }
    }
}
