// SPDX-License-Identifier: GPL-2.0-only

//! Policies: rules compiled into a tree of path components.
//!
//! Rules whose paths begin alike share the beginning. A path stands at the places of the tree that
//! its components lead to, mostly at one or none, however many rules there are: literal components
//! are found by hash, globs by what they end with, and only those that stand side by side and leave that
//! open are tried one by one.

use super::{
    facts::Conditions,
    glob::{
        self,
        Token, //
    },
    hash::{
        Hash,
        Index, //
    },
    mem::Vec,
    name::Name,
    rule::Rule,
    table::Effect,
    tree::{
        Edge,
        Node,
        Pattern, //
    },
    verdict::{
        Alternatives,
        BranchId, //
    },
};

/// The rules of a mount, compiled.
#[derive(Debug)]
pub(crate) struct Policy {
    /// The rules as they were given.
    pub(super) rules: Vec<Rule>,
    /// What each does.
    pub(super) effects: Vec<Effect>,
    /// The conditions on the call that rules have, by their places.
    pub(super) conditions: Vec<Conditions>,
    /// The paths of the control groups that rules name.
    pub(super) cgroups: Vec<Vec<u8>>,
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
    /// Whether patterns have folded forms.
    pub(super) folds: bool,
    /// Whether some rule has a condition on the type.
    pub(super) types: bool,
}

/// What tells the edges from a node apart by hash.
#[derive(Clone, Copy)]
pub(super) enum Salt {
    /// A component.
    Component = 1,
    /// A condition on the last component.
    Name = 2,
    /// The folded form of a component.
    FoldedComponent = 3,
    /// The folded form of a condition on the last component.
    FoldedName = 4,
    /// What names end with that match a component.
    Tail = 5,
    /// The same for a condition on the last component.
    NameTail = 6,
}

impl Policy {
    /// The rules, in their order.
    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The branch of names that no rule gives a home.
    pub(crate) fn default(&self) -> BranchId {
        self.default
    }

    /// The branches of a verdict `A|B|...`, in their order.
    ///
    /// # Context
    ///
    /// Any.
    pub(crate) fn alternatives(&self, list: Alternatives) -> &[BranchId] {
        let rule = self.rules.get(usize::from(list.0));
        rule.map_or(&[], |rule| rule.said.alternatives())
    }

    /// Whether some rule asks for the type of an object. If none does, the states of a name are alike
    /// for all types, but for what they let stand below it.
    ///
    /// # Context
    ///
    /// Any.
    pub(crate) fn asks_types(&self) -> bool {
        self.types
    }

    /// The paths of the control groups that rules name, by the places that
    /// [`CgroupId::index`](super::CgroupId::index) gives: absolute, without a slash at the end but
    /// for the root's.
    pub(crate) fn cgroups(&self) -> impl Iterator<Item = &[u8]> {
        self.cgroups.iter().map(|path| &**path)
    }

    /// What the rule at the place `rule` does.
    pub(super) fn effect(&self, rule: u16) -> Option<&Effect> {
        self.effects.get(usize::from(rule))
    }

    /// The conditions on the call of a rule that does `effect`, if it has any.
    pub(super) fn conditions_of(&self, effect: &Effect) -> Option<&Conditions> {
        self.conditions.get(usize::from(effect.conditions))
    }

    /// The node at the place `id`.
    #[inline]
    pub(super) fn node(&self, id: u32) -> Option<&Node> {
        self.nodes.get(usize::try_from(id).ok()?)
    }

    /// The nodes of a list that starts at `first`.
    #[inline]
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

    /// Whether `name` is one that the pattern of the edge to `node` stands for.
    #[inline(never)]
    pub(super) fn matches(&self, node: &Node, name: &Name<'_>) -> bool {
        let (pattern, bytes) = match name.folded {
            Some((folded, _)) if self.folds => (node.folded(), folded),
            _ => (node.edge.pattern(), name.bytes),
        };
        match pattern {
            None => false,
            Some(Pattern::Each) => true,
            Some(Pattern::Literal(span)) => span.of(&self.literals) == bytes,
            Some(Pattern::Glob(span)) => glob::matches(span.of(&self.globs), bytes),
        }
    }

    /// The only name that the pattern of the edge to `node` stands for, and its folded form; none
    /// if there are others.
    pub(super) fn literal(&self, node: &Node) -> Option<(&[u8], &[u8])> {
        match (node.edge.pattern()?, node.folded()?) {
            (Pattern::Literal(exact), Pattern::Literal(folded)) => {
                Some((exact.of(&self.literals), folded.of(&self.literals)))
            }
            _ => None,
        }
    }

    /// The children of the node `parent` by the literal component `name`: one, or those that are
    /// spelled so in some case.
    pub(super) fn components<'a>(
        &'a self,
        parent: u32,
        name: &'a Name<'_>,
    ) -> impl Iterator<Item = (u32, &'a Node)> {
        self.literals_of(parent, name, [Salt::Component, Salt::FoldedComponent])
    }

    /// The children of the node `parent` by the literal condition `name` on the last component.
    pub(super) fn names<'a>(
        &'a self,
        parent: u32,
        name: &'a Name<'_>,
    ) -> impl Iterator<Item = (u32, &'a Node)> {
        self.literals_of(parent, name, [Salt::Name, Salt::FoldedName])
    }

    /// The children of the node `parent` by the literal `name`, which the index has under the first
    /// salt as it is and under the second one folded.
    fn literals_of<'a>(
        &'a self,
        parent: u32,
        name: &'a Name<'_>,
        salts: [Salt; 2],
    ) -> impl Iterator<Item = (u32, &'a Node)> {
        let [exact, folded] = salts;
        let (salt, hash, most) = match name.folded {
            Some((_, hash)) if self.folds => (folded, hash, usize::MAX),
            _ => (exact, name.hash, 1),
        };
        let is_component = matches!(exact, Salt::Component);
        self.find(parent, salt, hash, move |node| {
            matches!(node.edge, Edge::Component(_)) == is_component
                && matches!(node.edge.pattern(), Some(Pattern::Literal(_)))
                && self.matches(node, name)
        })
        .take(most)
    }

    /// The children of the node `parent` whose patterns have the hash `hash` and that are `wanted`.
    pub(super) fn find<'a>(
        &'a self,
        parent: u32,
        salt: Salt,
        hash: Hash,
        wanted: impl Fn(&Node) -> bool + 'a,
    ) -> impl Iterator<Item = (u32, &'a Node)> + 'a {
        self.index
            .find(place(parent, salt, hash))
            .filter_map(|id| Some((id, self.node(id)?)))
            .filter(move |(_, node)| node.parent == parent && wanted(node))
    }
}

/// Where the index has the child of `parent` whose pattern has the hash `hash`.
pub(super) fn place(parent: u32, salt: Salt, hash: Hash) -> u64 {
    // CAST: The salts are the numbers given to them.
    hash.add(parent.into()).add(salt as u64).finish()
}
