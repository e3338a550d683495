// SPDX-License-Identifier: GPL-2.0-only

//! Tails: globs that stand side by side are found by what they end with (`*.iso`), so that a name is
//! tried with those alone that can match it.

use super::{
    ends::Tail,
    hash::Hash,
    name::Name,
    policy::{
        place,
        Policy,
        Salt, //
    },
    tree::{
        Edge,
        Globs,
        Node,
        NONE, //
    },
};

/// So many different ends are looked through faster than found.
const FEW: u32 = 2;

/// Where the index has the globs of the node `parent` that end with `tail`.
fn place_of(parent: u32, is_name: bool, tail: Tail) -> u64 {
    let salt = if is_name { Salt::NameTail } else { Salt::Tail };
    let hash = Hash::START.add(tail.bytes.into()).add(tail.mask.into());
    place(parent, salt, hash)
}

impl Policy {
    /// The nodes of `globs`.
    pub(super) fn all(&self, globs: &Globs) -> impl Iterator<Item = (u32, &Node)> + '_ {
        self.list(globs.open).chain(self.list(globs.tailed))
    }

    /// Calls `visit` for those globs of the node `parent`, conditions on the last component if they are
    /// to be names, that stand for `name`.
    #[inline]
    pub(super) fn each_matching<E>(
        &self,
        (parent, node): (u32, &Node),
        is_name: bool,
        name: &Name<'_>,
        visit: &mut impl FnMut(u32, &Node) -> Result<(), E>,
    ) -> Result<(), E> {
        let globs = if is_name {
            &node.glob_names
        } else {
            &node.globs
        };
        // A folded pattern may have other ends.
        let folds = self.folds && name.folded.is_some();
        let may_match = |node: &Node| folds || node.ends.allows(name.ends);
        for (id, node) in self.list(globs.open) {
            if may_match(node) && self.matches(node, name) {
                visit(id, node)?;
            }
        }
        if globs.tails <= FEW || folds {
            for (id, node) in self.list(globs.tailed) {
                if may_match(node) && self.matches(node, name) {
                    visit(id, node)?;
                }
            }
            return Ok(());
        }
        for length in (1..=4).filter(|length| globs.lengths & 1 << length != 0) {
            let tail = name.ends.tail(length);
            let first = self.leader(parent, is_name, tail).unwrap_or(NONE);
            let group = self
                .list(first)
                .take_while(|(_, node)| node.ends.tail() == tail);
            for (id, node) in group {
                if may_match(node) && self.matches(node, name) {
                    visit(id, node)?;
                }
            }
        }
        Ok(())
    }

    /// The first of the globs of the node `parent` that end with `tail`.
    fn leader(&self, parent: u32, is_name: bool, tail: Tail) -> Option<u32> {
        let mut known = self.index.find(place_of(parent, is_name, tail));
        known.find(|id| {
            self.node(*id).is_some_and(|node| {
                node.leads
                    && node.parent == parent
                    && node.ends.tail() == tail
                    && matches!(node.edge, Edge::Name(_)) == is_name
            })
        })
    }

    /// Puts the glob `id` among those of its parent, a condition on the last component if it `is_name`.
    pub(super) fn add_glob(&mut self, id: u32, is_name: bool) {
        let Some((parent, tail)) = self.node(id).map(|node| (node.parent, node.ends.tail())) else {
            return;
        };
        let leader = match tail.len() {
            0 => None,
            _ => self.leader(parent, is_name, tail),
        };
        if let Some(leader) = leader.and_then(|leader| self.node_mut(leader)) {
            let next = core::mem::replace(&mut leader.next, id);
            if let Some(node) = self.node_mut(id) {
                node.next = next;
            }
            return;
        }
        let Some(node) = self.node_mut(parent) else {
            return;
        };
        let globs = if is_name {
            &mut node.glob_names
        } else {
            &mut node.globs
        };
        let leads = tail.len() != 0;
        let first = if leads {
            globs.tails = globs.tails.saturating_add(1);
            globs.lengths |= 1 << tail.len();
            &mut globs.tailed
        } else {
            &mut globs.open
        };
        let next = core::mem::replace(first, id);
        if let Some(node) = self.node_mut(id) {
            node.next = next;
            node.leads = leads;
        }
        if leads {
            self.index.insert(place_of(parent, is_name, tail), id);
        }
    }
}
