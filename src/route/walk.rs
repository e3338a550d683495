// SPDX-License-Identifier: GPL-2.0-only

//! Walking: from the state of a directory to that of a name in it.

use super::{
    mem::{
        NoMem,
        Vec, //
    },
    op::Op,
    policy::{
        Name,
        Policy, //
    },
    state::{
        State,
        Table,
        DEFAULT, //
    },
    tree::{
        Edge,
        Node,
        NONE, //
    },
    verdict::{
        BranchId,
        Verdict, //
    },
};
use core::convert::Infallible;

impl Policy {
    /// The state of the mount's root directory.
    ///
    /// Its home is the default branch, and looking it up is never denied, whatever the rules say;
    /// they do decide its other operations.
    pub(crate) fn root(&self) -> Result<State, NoMem> {
        let mut table = Table::new();
        let mut live = Vec::new();
        let root = self.node(0).into_iter().map(|node| (0, node));
        let deep = self.list(self.node(0).map_or(NONE, |node| node.deep));
        for (id, node) in root.chain(deep) {
            for (number, effect) in self.ending(node) {
                table.add(number, effect);
            }
            if node.is_live() {
                live.push(id)?;
            }
        }
        table.forget_lookup();
        Ok(table.finish(&self.effects, self.default, live))
    }

    /// The state of `name` in the directory of the state `dir`.
    pub(crate) fn child(&self, dir: &State, name: &[u8]) -> Result<State, NoMem> {
        let name = Name::new(name);
        let mut table = Table::new();
        let mut live = Vec::new();
        self.step(dir, &name, &mut |id, node| {
            self.decide(id, node, &name, &mut table);
            if node.is_live() {
                push_sorted(&mut live, id)?;
            }
            Ok(())
        })?;
        Ok(table.finish(&self.effects, self.default, live))
    }

    /// The home of `name` in the directory of the state `dir`: that of its state.
    ///
    /// # Context
    ///
    /// Any: it neither sleeps nor allocates.
    pub(crate) fn home_of(&self, dir: &State, name: &[u8]) -> BranchId {
        self.home_branch(self.home_rule(dir, name))
    }

    /// The place of the rule that gives `name` in `dir` its home.
    pub(super) fn home_rule(&self, dir: &State, name: &[u8]) -> u16 {
        let name = Name::new(name);
        let mut home = DEFAULT;
        let Ok(()) = self.step(dir, &name, &mut |id, node| -> Result<(), Infallible> {
            self.each_ending(id, node, &name, |node| {
                home = home.min(self.first_home(node))
            });
            Ok(())
        });
        home
    }

    /// The branch of a home that the rule at the place `rule` gives.
    pub(super) fn home_branch(&self, rule: u16) -> BranchId {
        match self
            .effects
            .get(usize::from(rule))
            .map(|effect| effect.verdict)
        {
            Some(Verdict::Branch(branch)) => branch,
            _ => self.default,
        }
    }

    /// The place of the first rule that ends at `node` and gives a home.
    pub(super) fn first_home(&self, node: &Node) -> u16 {
        let mut homes = self.ending(node).filter(|(_, effect)| effect.gives_home());
        homes.next().map_or(DEFAULT, |(number, _)| number)
    }

    /// Calls `visit` for each node that `name` leads to from those of `dir`, once.
    fn step<E>(
        &self,
        dir: &State,
        name: &Name<'_>,
        visit: &mut impl FnMut(u32, &Node) -> Result<(), E>,
    ) -> Result<(), E> {
        for id in dir.live.iter().copied() {
            let Some(node) = self.node(id) else {
                continue;
            };
            if node.edge == Edge::Deep {
                visit(id, node)?;
            }
            if node.literals != NONE {
                if let Some((child, node)) = self.component(id, name) {
                    self.enter(dir, child, node, visit)?;
                }
            }
            for (child, node) in self.list(node.globs) {
                if matches!(node.edge, Edge::Component(glob) if self.matches(glob, name.bytes)) {
                    self.enter(dir, child, node, visit)?;
                }
            }
        }
        Ok(())
    }

    /// Calls `visit` for the node `id`, and for where `**` leads from there unless that is live in
    /// `dir` and so visited anyway.
    fn enter<E>(
        &self,
        dir: &State,
        id: u32,
        node: &Node,
        visit: &mut impl FnMut(u32, &Node) -> Result<(), E>,
    ) -> Result<(), E> {
        visit(id, node)?;
        match self.node(node.deep) {
            Some(deep) if dir.live.binary_search(&node.deep).is_err() => visit(node.deep, deep),
            _ => Ok(()),
        }
    }

    /// Takes the rules into `table` whose path ends at `node` and whose condition on the last
    /// component, if any, holds for `name`.
    fn decide(&self, id: u32, node: &Node, name: &Name<'_>, table: &mut Table) {
        self.each_ending(id, node, name, |node| {
            for (number, effect) in self.ending(node) {
                table.add(number, effect);
            }
        });
    }

    /// Calls `visit` for `node`, and for what a condition on the last component leads to from it.
    fn each_ending(&self, id: u32, node: &Node, name: &Name<'_>, mut visit: impl FnMut(&Node)) {
        visit(node);
        if node.literal_names != NONE {
            if let Some((_, node)) = self.name(id, name) {
                visit(node);
            }
        }
        for (_, node) in self.list(node.glob_names) {
            if matches!(node.edge, Edge::Name(glob) if self.matches(glob, name.bytes)) {
                visit(node);
            }
        }
    }
}

impl Table {
    /// Lets the default branch decide lookup.
    fn forget_lookup(&mut self) {
        if let Some(rule) = self.rules.get_mut(Op::Lookup as usize) {
            *rule = DEFAULT;
        }
        self.home = DEFAULT;
    }
}

/// Adds `id` to `live`, which is in ascending order; it mostly belongs at the end.
fn push_sorted(live: &mut Vec<u32>, id: u32) -> Result<(), NoMem> {
    live.push(id)?;
    let mut end = live.len();
    while let Some([.., before, last]) = live.get_mut(..end) {
        if *before <= *last {
            break;
        }
        core::mem::swap(before, last);
        end = end.saturating_sub(1);
    }
    Ok(())
}
