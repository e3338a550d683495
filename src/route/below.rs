// SPDX-License-Identifier: GPL-2.0-only

//! What can happen below a directory, without knowing the names in it.

use super::{
    op::Op,
    policy::Policy,
    state::{
        Effect,
        State,
        Table,
        DEFAULT, //
    },
    tree::{
        Edge,
        Node,
        Pattern, //
    },
    verdict::{
        BranchId,
        BranchSet,
        Verdict, //
    },
};

/// What a number of rules can do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// The branches that they name.
    branches: BranchSet,
    /// The place of the first of them, or [`DEFAULT`].
    first: u16,
    /// The place of the first of them that applies to lookup.
    lookup: u16,
}

impl Reach {
    /// What no rule can do.
    pub(super) const NOTHING: Reach = Reach {
        branches: BranchSet::EMPTY,
        first: DEFAULT,
        lookup: DEFAULT,
    };

    /// Takes in the rule at the place `number`.
    pub(super) fn add(&mut self, number: u16, effect: &Effect) {
        let mut branches = BranchSet::EMPTY;
        if let Verdict::Branch(branch) = effect.verdict {
            branches = BranchSet::of(branch);
        }
        let lookup = effect.ops.has(Op::Lookup);
        self.join(&Reach {
            branches,
            first: number,
            lookup: if lookup { number } else { DEFAULT },
        });
    }

    /// Takes in what others can do.
    pub(super) fn join(&mut self, other: &Reach) {
        self.branches = self.branches.or(other.branches);
        self.first = self.first.min(other.first);
        self.lookup = self.lookup.min(other.lookup);
    }
}

impl Policy {
    /// The branches that can be the home of a name in the directory of the state `dir`.
    ///
    /// It may have too many where globs meet, never too few.
    pub(crate) fn names_homes(&self, dir: &State) -> BranchSet {
        // Every name matches this rule, so later ones do not count, but for literals, which are
        // looked up.
        let mut every = DEFAULT;
        self.each_end(dir, |step, end, name| {
            if is_each(step) && is_each(name) {
                every = every.min(self.first_home(end));
            }
        });
        let mut homes = BranchSet::of(self.home_branch(every));
        self.each_end(dir, |step, end, name| {
            let rule = match self.literal(step).or(self.literal(name)) {
                Some(literal) => self.home_rule(dir, literal),
                None => self.first_home(end).min(every),
            };
            homes = homes.or(BranchSet::of(self.home_branch(rule)));
        });
        homes
    }

    /// The branches that serve any operation on anything strictly below the directory of the state
    /// `dir`, homes included.
    ///
    /// It may have too many, never too few.
    pub(crate) fn branches_below(&self, dir: &State) -> BranchSet {
        let table = self.everywhere(dir);
        let last = table
            .rules
            .iter()
            .fold(table.home, |last, rule| last.max(*rule));
        // What no rule speaks of is served by the home.
        let mut branches = BranchSet::of(self.home_branch(table.home));
        for rule in table.rules {
            let effect = self.effects.get(usize::from(rule));
            if let Some(Verdict::Branch(branch)) = effect.map(|effect| effect.verdict) {
                branches = branches.or(BranchSet::of(branch));
            }
        }
        for node in self.live(dir) {
            if node.below.first < last {
                branches = branches.or(node.below.branches);
            }
        }
        branches
    }

    /// Whether every path below has the same home under the directory of the state `b` as under
    /// that of `a`, and looking it up is denied alike.
    ///
    /// It may say no where they are the same, never yes where they are not.
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
                let own = node.edge == Edge::Deep && node.covers(Op::Lookup);
                own || node.below.lookup != DEFAULT
            })
        })
    }

    /// The home of everything below `dir` and the verdict for looking it up, if there is only one.
    fn uniform(&self, dir: &State) -> Option<(BranchId, Verdict)> {
        let table = self.everywhere(dir);
        if self.live(dir).any(|node| node.below.lookup < table.home) {
            return None;
        }
        let home = self.home_branch(table.home);
        let rule = table.rules.first().copied().unwrap_or(DEFAULT);
        let verdict = match self.effects.get(usize::from(rule)) {
            Some(effect) => effect.verdict,
            None => Verdict::Branch(self.default),
        };
        Some((home, verdict))
    }

    /// The rules that match everything below `dir`.
    fn everywhere(&self, dir: &State) -> Table {
        let mut table = Table::new();
        for node in self.live(dir).filter(|node| node.edge == Edge::Deep) {
            let names = self.list(node.glob_names).map(|(_, name)| name);
            for end in core::iter::once(node).chain(names.filter(|name| is_each(name.edge))) {
                for (number, effect) in self.ending(end) {
                    table.add(number, effect);
                }
            }
        }
        table
    }

    /// Calls `visit` for every node whose rules can match a name in `dir`, after the edges that
    /// say which names those are.
    fn each_end(&self, dir: &State, mut visit: impl FnMut(Edge, &Node, Edge)) {
        let mut ends = |step: Edge, end: &Node| {
            visit(step, end, Edge::Deep);
            let literals = self.list(end.literal_names);
            for (_, name) in literals.chain(self.list(end.glob_names)) {
                visit(step, name, name.edge);
            }
        };
        for node in self.live(dir) {
            if node.edge == Edge::Deep {
                ends(Edge::Deep, node);
            }
            let literals = self.list(node.literals);
            for (_, child) in literals.chain(self.list(node.globs)) {
                ends(child.edge, child);
                if let Some(deep) = self.node(child.deep) {
                    ends(child.edge, deep);
                }
            }
        }
    }
}

/// Whether any name will do for `edge`.
fn is_each(edge: Edge) -> bool {
    use Edge::{
        Component,
        Deep,
        Name, //
    };
    matches!(edge, Deep | Component(Pattern::Each) | Name(Pattern::Each))
}
