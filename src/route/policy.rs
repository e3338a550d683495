// SPDX-License-Identifier: GPL-2.0-only

//! Policies: rules compiled into a tree of path components.
//!
//! Rules whose paths begin alike share the beginning. A path stands at the places of the tree that
//! its components lead to, mostly at one or none, however many rules there are: literal components
//! are found by hash, and only globs that stand side by side are tried one by one.

use super::{
    glob::{
        self,
        Token, //
    },
    hash::{
        Hash,
        Index, //
    },
    mem::Vec,
    rule::Rule,
    state::Effect,
    tree::{
        Edge,
        Node,
        Pattern, //
    },
    verdict::BranchId, //
};

/// The rules of a mount, compiled.
#[derive(Debug)]
pub(crate) struct Policy {
    /// The rules as they were given.
    pub(super) rules: Vec<Rule>,
    /// What each does.
    pub(super) effects: Vec<Effect>,
    /// The branch when none matches.
    pub(super) default: BranchId,
    /// The tree; children stand after their parents, the root first.
    pub(super) nodes: Vec<Node>,
    /// The nodes by what leads to them.
    pub(super) index: Index,
    /// The bytes of the literals in the tree.
    pub(super) literals: Vec<u8>,
    /// The tokens of the globs in the tree.
    pub(super) globs: Vec<Token>,
}

/// What tells the edges from a node apart by hash.
#[derive(Clone, Copy)]
pub(super) enum Salt {
    /// A component.
    Component = 1,
    /// A condition on the last component.
    Name = 2,
}

impl Policy {
    /// The rules, in their order.
    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The node at the place `id`.
    pub(super) fn node(&self, id: u32) -> Option<&Node> {
        self.nodes.get(usize::try_from(id).ok()?)
    }

    /// The nodes of a list that starts at `first`.
    pub(super) fn list(&self, first: u32) -> impl Iterator<Item = (u32, &Node)> + '_ {
        let mut id = first;
        core::iter::from_fn(move || {
            let node = self.node(id)?;
            Some((core::mem::replace(&mut id, node.next), node))
        })
    }

    /// The rules that end at `node`.
    pub(super) fn ending(&self, node: &Node) -> impl Iterator<Item = (u16, &Effect)> + '_ {
        let mut number = node.first;
        core::iter::from_fn(move || {
            let effect = self.effects.get(usize::from(number))?;
            Some((core::mem::replace(&mut number, effect.next), effect))
        })
    }

    /// Whether `name` is one that `pattern` stands for.
    pub(super) fn matches(&self, pattern: Pattern, name: &[u8]) -> bool {
        match pattern {
            Pattern::Each => true,
            Pattern::Literal(span) => span.of(&self.literals) == name,
            Pattern::Glob(span) => glob::matches(span.of(&self.globs), name),
        }
    }

    /// The name that `edge` stands for, if it is only one.
    pub(super) fn literal(&self, edge: Edge) -> Option<&[u8]> {
        match edge {
            Edge::Component(Pattern::Literal(span)) | Edge::Name(Pattern::Literal(span)) => {
                Some(span.of(&self.literals))
            }
            _ => None,
        }
    }

    /// The child of the node `parent` by the literal component `name`.
    pub(super) fn component(&self, parent: u32, name: &Name<'_>) -> Option<(u32, &Node)> {
        self.find(parent, Salt::Component, name.hash, |edge| {
            matches!(edge, Edge::Component(Pattern::Literal(s)) if s.of(&self.literals) == name.bytes)
        })
    }

    /// The child of the node `parent` by the literal condition `name` on the last component.
    pub(super) fn name(&self, parent: u32, name: &Name<'_>) -> Option<(u32, &Node)> {
        self.find(parent, Salt::Name, name.hash, |edge| {
            matches!(edge, Edge::Name(Pattern::Literal(s)) if s.of(&self.literals) == name.bytes)
        })
    }

    /// The child of the node `parent` whose pattern has the hash `hash` and whose edge is `same`.
    pub(super) fn find(
        &self,
        parent: u32,
        salt: Salt,
        hash: Hash,
        same: impl Fn(Edge) -> bool,
    ) -> Option<(u32, &Node)> {
        self.index
            .find(place(parent, salt, hash))
            .filter_map(|id| Some((id, self.node(id)?)))
            .find(|(_, node)| node.parent == parent && same(node.edge))
    }
}

/// A name with its hash.
pub(super) struct Name<'a> {
    /// The name.
    pub(super) bytes: &'a [u8],
    /// Its hash.
    hash: Hash,
}

impl<'a> Name<'a> {
    /// The name `bytes`.
    pub(super) fn new(bytes: &'a [u8]) -> Name<'a> {
        let hash = Hash::START.add_bytes(bytes.iter().copied());
        Name { bytes, hash }
    }
}

/// Where the index has the child of `parent` whose pattern has the hash `hash`.
pub(super) fn place(parent: u32, salt: Salt, hash: Hash) -> u64 {
    // CAST: The salts are the numbers given to them.
    hash.add(parent.into()).add(salt as u64).finish()
}
