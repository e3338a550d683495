// SPDX-License-Identifier: GPL-2.0-only

//! Walking: from the state of a directory to that of a name in it.

use super::{
    kind::Kind,
    mem::{
        NoMem,
        Vec, //
    },
    name::Name,
    policy::Policy,
    state::State,
    table::{
        push_sorted,
        Table, //
    },
    tree::{
        Edge,
        Node,
        NONE, //
    },
};

impl Policy {
    /// The state of the mount's root directory.
    ///
    /// Its home is the default branch, and looking it up is never refused, whatever the rules say;
    /// they do decide its other operations, but do not hide it.
    pub(crate) fn root(&self) -> Result<State, NoMem> {
        let mut table = Table::root();
        let mut live = Vec::new();
        let root = self.node(0).into_iter().map(|node| (0, node));
        let deep = self.list(self.node(0).map_or(NONE, |node| node.deep));
        for (id, node) in root.chain(deep) {
            self.take(node, &mut table)?;
            if node.is_live() {
                live.push(id)?;
            }
        }
        table.finish(self, live)
    }

    /// The state of `name` in the directory of the state `dir`, for an object of the type `kind`.
    ///
    /// For an operation that makes an object it is the type of that. Where the type is not known,
    /// rules that ask for one do not count, as for lookup and readdir they never do: how a name is
    /// looked up is the same for all types.
    pub(crate) fn child(
        &self,
        dir: &State,
        name: &Name<'_>,
        kind: Option<Kind>,
    ) -> Result<State, NoMem> {
        let mut table = Table::new(kind);
        let mut live = Vec::new();
        let is_dir = kind.is_none_or(|kind| kind == Kind::Dir);
        self.step(dir, name, &mut |id, node| {
            self.each_ending(id, node, name, &mut |node| self.take(node, &mut table))?;
            if is_dir && node.is_live() {
                push_sorted(&mut live, id)?;
            }
            Ok(())
        })?;
        table.finish(self, live)
    }

    /// Takes the rules into `table` that end at `node`.
    pub(super) fn take(&self, node: &Node, table: &mut Table) -> Result<(), NoMem> {
        for (number, effect) in self.ending(node) {
            table.add(number, effect)?;
        }
        Ok(())
    }

    /// Calls `visit` for each node at which rules end whose path and name match `name` in `dir`.
    pub(super) fn each_match<E>(
        &self,
        dir: &State,
        name: &Name<'_>,
        visit: &mut impl FnMut(&Node) -> Result<(), E>,
    ) -> Result<(), E> {
        self.step(dir, name, &mut |id, node| {
            self.each_ending(id, node, name, visit)
        })
    }

    /// Calls `visit` for each node that `name` leads to from those of `dir`, once.
    pub(super) fn step<E>(
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
                for (child, node) in self.components(id, name) {
                    self.enter(dir, child, node, visit)?;
                }
            }
            self.each_matching((id, node), false, name, &mut |child, node| {
                self.enter(dir, child, node, visit)
            })?;
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

    /// Calls `visit` for `node`, and for what a condition on the last component leads to from it.
    fn each_ending<E>(
        &self,
        id: u32,
        node: &Node,
        name: &Name<'_>,
        visit: &mut impl FnMut(&Node) -> Result<(), E>,
    ) -> Result<(), E> {
        visit(node)?;
        self.each_name(id, node, name, &mut |_, node| visit(node))
    }

    /// Calls `visit` for what a condition on the last component leads to from `node`.
    #[inline]
    pub(super) fn each_name<E>(
        &self,
        id: u32,
        node: &Node,
        name: &Name<'_>,
        visit: &mut impl FnMut(u32, &Node) -> Result<(), E>,
    ) -> Result<(), E> {
        if node.literal_names != NONE {
            for (id, node) in self.names(id, name) {
                visit(id, node)?;
            }
        }
        self.each_matching((id, node), true, name, visit)
    }
}
