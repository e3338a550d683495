// SPDX-License-Identifier: GPL-2.0-only

//! Policies: rules compiled into a tree of path components.
//!
//! Rules whose paths begin alike share the beginning. A path stands at the places of the tree that
//! its components lead to, mostly at one or none, however many rules there are: literal components
//! are found by hash, and only globs that stand side by side are tried one by one.

use super::{
    below::Reach,
    error::{
        CompileError,
        Twice, //
    },
    glob::{
        self,
        Token, //
    },
    hash::{
        Hash,
        Index, //
    },
    mem::{
        NoMem,
        Vec, //
    },
    op::{
        Op,
        OpSet, //
    },
    rule::Rule,
    state::{
        Effect,
        DEFAULT, //
    },
    verdict::BranchId, //
};

/// How many rules a policy can have.
pub(crate) const MAX_RULES: usize = 65_534;

/// The rules of a mount, compiled.
#[derive(Debug)]
pub(crate) struct Policy {
    /// The rules as they were given.
    rules: Vec<Rule>,
    /// What each does.
    pub(super) effects: Vec<Effect>,
    /// The branch when none matches.
    pub(super) default: BranchId,
    /// The tree; children stand after their parents, the root first.
    pub(super) nodes: Vec<Node>,
    /// The nodes by what leads to them.
    index: Index,
    /// The bytes of the literals in the tree.
    literals: Vec<u8>,
    /// The tokens of the globs in the tree.
    globs: Vec<Token>,
}

/// A place in the tree.
#[derive(Debug)]
pub(super) struct Node {
    /// The node above.
    parent: u32,
    /// What leads here from there.
    pub(super) edge: Edge,
    /// The first of the literal components that lead on.
    pub(super) literals: u32,
    /// The first of the other components that lead on, but `**`.
    pub(super) globs: u32,
    /// The literal conditions on the last component, for rules whose path ends here.
    pub(super) literal_names: u32,
    /// The other ones.
    pub(super) glob_names: u32,
    /// Where `**` leads.
    pub(super) deep: u32,
    /// The next node of the same list of the parent.
    pub(super) next: u32,
    /// The first of the rules that end here, in ascending order.
    pub(super) first: u16,
    /// The last one.
    last: u16,
    /// The operations to which these rules apply; a later rule for no other has no effect.
    covered: OpSet,
    /// Whether one of them gives a home.
    homed: bool,
    /// What the rules further down can do.
    pub(super) below: Reach,
}

/// No node.
pub(super) const NONE: u32 = u32::MAX;

/// What leads from a node to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// Nothing: the root.
    Root,
    /// `**`, which also leads from the node to itself.
    Deep,
    /// A component of the path.
    Component(Pattern),
    /// A condition on the last component.
    Name(Pattern),
}

/// What a component must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// Anything.
    Each,
    /// The bytes at this place of [`Policy::literals`].
    Literal(Span),
    /// What matches the tokens at this place of [`Policy::globs`].
    Glob(Span),
}

/// A place in an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Where it starts.
    start: usize,
    /// Where it ends.
    end: usize,
}

impl Span {
    /// The elements of `array` there.
    fn of<T>(self, array: &[T]) -> &[T] {
        array.get(self.start..self.end).unwrap_or_default()
    }
}

/// What tells the edges from a node apart by hash.
#[derive(Clone, Copy)]
enum Salt {
    /// A component.
    Component = 1,
    /// A condition on the last component.
    Name = 2,
}

impl Policy {
    /// Compiles `rules`, whose first match decides, and `default` for when there is none.
    pub(crate) fn compile(rules: Vec<Rule>, default: BranchId) -> Result<Policy, CompileError> {
        if rules.len() > MAX_RULES {
            return Err(CompileError::TooMany);
        }
        find_twins(&rules)?;
        let separators = |path: &Vec<Token>| path.iter().filter(|t| **t == Token::Slash).count();
        let edges = rules.iter().fold(0usize, |sum, rule| {
            sum.saturating_add(rule.path.as_ref().map_or(0, separators))
                .saturating_add(2)
        });
        let mut policy = Policy {
            rules,
            effects: Vec::new(),
            default,
            nodes: Vec::new(),
            index: Index::with_capacity(edges)?,
            literals: Vec::new(),
            globs: Vec::new(),
        };
        policy.nodes.push(Node::new(NONE, Edge::Root))?;
        let rules = core::mem::replace(&mut policy.rules, Vec::new());
        for (number, rule) in (0..DEFAULT).zip(rules.iter()) {
            policy.add(number, rule)?;
        }
        policy.rules = rules;
        policy.reach()?;
        Ok(policy)
    }

    /// The rules, in their order.
    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The node at the place `id`.
    pub(super) fn node(&self, id: u32) -> Option<&Node> {
        self.nodes.get(usize::try_from(id).ok()?)
    }

    /// The node at the place `id`, to change it.
    fn node_mut(&mut self, id: u32) -> Option<&mut Node> {
        self.nodes.get_mut(usize::try_from(id).ok()?)
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
    fn find(
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

    /// Puts `rule`, the last one so far, into the tree, if it can ever decide.
    fn add(&mut self, number: u16, rule: &Rule) -> Result<(), NoMem> {
        let effect = Effect {
            ops: rule.ops.all,
            named: rule.ops.named,
            verdict: rule.verdict,
            next: DEFAULT,
        };
        self.effects.push(effect)?;
        let components = rule
            .path
            .as_ref()
            .map_or(&[Token::Deep][..], |tokens| tokens);
        let mut at = 0;
        // There is nothing to split in the path of the root.
        for component in components.split(|token| *token == Token::Slash) {
            if self.is_shadowed(at, &effect) {
                return Ok(());
            }
            at = match component {
                [] => at,
                [Token::Deep] => self.deep(at)?,
                _ => self.grow(at, Salt::Component, component)?,
            };
        }
        if self.is_shadowed(at, &effect) {
            return Ok(());
        }
        if let Some(tokens) = &rule.name {
            if self.node(at).is_some_and(|node| node.shadows(&effect)) {
                return Ok(());
            }
            at = self.grow(at, Salt::Name, tokens)?;
        }
        self.end(at, number, &effect);
        Ok(())
    }

    /// Whether rules that match at the node `at` and everywhere below leave nothing to decide
    /// there for a later one that does `effect`.
    fn is_shadowed(&self, at: u32, effect: &Effect) -> bool {
        let deep = self.node(at).and_then(|node| self.node(node.deep));
        deep.is_some_and(|deep| deep.shadows(effect))
    }

    /// Lets the rule at the place `number` end at the node `at`, if it can ever decide there.
    fn end(&mut self, at: u32, number: u16, effect: &Effect) {
        let Some(node) = self.node_mut(at) else {
            return;
        };
        if node.shadows(effect) {
            return;
        }
        node.covered = node.covered.or(effect.ops);
        node.homed |= effect.gives_home();
        let last = core::mem::replace(&mut node.last, number);
        if node.first == DEFAULT {
            node.first = number;
        }
        if let Some(last) = self.effects.get_mut(usize::from(last)) {
            last.next = number;
        }
    }

    /// The node that `**` leads to from the node `parent`.
    fn deep(&mut self, parent: u32) -> Result<u32, NoMem> {
        match self.node(parent) {
            Some(node) if node.deep != NONE => return Ok(node.deep),
            _ => {}
        }
        let id = self.new_node(parent, Edge::Deep)?;
        if let Some(node) = self.node_mut(parent) {
            node.deep = id;
        }
        Ok(id)
    }

    /// The node that the component or condition `tokens` leads to from the node `parent`.
    fn grow(&mut self, parent: u32, salt: Salt, tokens: &[Token]) -> Result<u32, NoMem> {
        let literal = glob::is_literal(tokens);
        let hash = if literal {
            Hash::START.add_bytes(glob::bytes(tokens))
        } else {
            Hash::START.add_bytes(glob::digest(tokens))
        };
        let each = glob::is_universal(tokens);
        let equal = |pattern| match pattern {
            Pattern::Each => each,
            Pattern::Literal(s) => {
                literal && glob::bytes(tokens).eq(s.of(&self.literals).iter().copied())
            }
            Pattern::Glob(s) => s.of(&self.globs) == tokens,
        };
        let known = self.find(parent, salt, hash, |edge| match (salt, edge) {
            (Salt::Component, Edge::Component(pattern)) => equal(pattern),
            (Salt::Name, Edge::Name(pattern)) => equal(pattern),
            _ => false,
        });
        if let Some((id, _)) = known {
            return Ok(id);
        }
        let pattern = if each {
            Pattern::Each
        } else if literal {
            let start = self.literals.len();
            for byte in glob::bytes(tokens) {
                self.literals.push(byte)?;
            }
            let end = self.literals.len();
            Pattern::Literal(Span { start, end })
        } else {
            let start = self.globs.len();
            self.globs.extend_from_slice(tokens)?;
            let end = self.globs.len();
            Pattern::Glob(Span { start, end })
        };
        let edge = match salt {
            Salt::Component => Edge::Component(pattern),
            Salt::Name => Edge::Name(pattern),
        };
        let id = self.new_node(parent, edge)?;
        let mut next = NONE;
        if let Some(node) = self.node_mut(parent) {
            let list = match (salt, literal) {
                (Salt::Component, true) => &mut node.literals,
                (Salt::Component, false) => &mut node.globs,
                (Salt::Name, true) => &mut node.literal_names,
                (Salt::Name, false) => &mut node.glob_names,
            };
            next = core::mem::replace(list, id);
        }
        if let Some(node) = self.node_mut(id) {
            node.next = next;
        }
        self.index.insert(place(parent, salt, hash), id);
        Ok(id)
    }

    /// A node below `parent` that is in none of its lists yet.
    fn new_node(&mut self, parent: u32, edge: Edge) -> Result<u32, NoMem> {
        let id = u32::try_from(self.nodes.len()).map_err(|_| NoMem)?;
        self.nodes.push(Node::new(parent, edge))?;
        Ok(id)
    }

    /// Fills in what the rules below each node can do.
    fn reach(&mut self) -> Result<(), NoMem> {
        let mut trees: Vec<Reach> = Vec::new();
        for node in self.nodes.iter() {
            let mut own = Reach::NOTHING;
            for (number, effect) in self.ending(node) {
                own.add(number, effect);
            }
            trees.push(own)?;
        }
        for at in (0..self.nodes.len()).rev() {
            let Some(node) = self.nodes.get(at) else {
                continue;
            };
            let (Some(tree), Ok(parent)) = (trees.get(at).copied(), usize::try_from(node.parent))
            else {
                continue;
            };
            let edge = node.edge;
            if let Some(above) = trees.get_mut(parent) {
                above.join(&tree);
            }
            if let Some(above) = self.nodes.get_mut(parent) {
                // Where the parent is live, what its `**` leads to is live as well and speaks for
                // itself; a condition on the last component holds further down only below `**`.
                let counts = match edge {
                    Edge::Root | Edge::Deep => false,
                    Edge::Component(_) => true,
                    Edge::Name(_) => above.edge == Edge::Deep,
                };
                if counts {
                    above.below.join(&tree);
                }
            }
        }
        Ok(())
    }
}

impl Node {
    /// A node with nothing below.
    fn new(parent: u32, edge: Edge) -> Node {
        Node {
            parent,
            edge,
            literals: NONE,
            globs: NONE,
            literal_names: NONE,
            glob_names: NONE,
            deep: NONE,
            next: NONE,
            first: DEFAULT,
            last: DEFAULT,
            covered: OpSet::EMPTY,
            homed: false,
            below: Reach::NOTHING,
        }
    }

    /// Whether one of the rules that end here applies to `op`.
    pub(super) fn covers(&self, op: Op) -> bool {
        self.covered.has(op)
    }

    /// Whether the rules that end here leave nothing to decide for a later one that does `effect`.
    fn shadows(&self, effect: &Effect) -> bool {
        effect.ops.without(self.covered).is_empty() && (self.homed || !effect.gives_home())
    }

    /// Whether names further down may go on from here. (Where `**` leads speaks for itself.)
    pub(super) fn is_live(&self) -> bool {
        self.edge == Edge::Deep || self.literals != NONE || self.globs != NONE
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
fn place(parent: u32, salt: Salt, hash: Hash) -> u64 {
    // CAST: The salts are the numbers given to them.
    hash.add(parent.into()).add(salt as u64).finish()
}

/// Fails if two rules are the same.
fn find_twins(rules: &[Rule]) -> Result<(), CompileError> {
    let mut index = Index::with_capacity(rules.len())?;
    for (number, rule) in (0u32..).zip(rules) {
        let hash = Hash::START.add_bytes(rule.text.iter().copied()).finish();
        let same = |other: u32| {
            let other = usize::try_from(other).ok().and_then(|at| rules.get(at));
            other.is_some_and(|other| other.text == rule.text)
        };
        if index.find(hash).any(same) {
            let text = rule.text.try_clone()?;
            return Err(CompileError::Twice(Twice { text }));
        }
        index.insert(hash, number);
    }
    Ok(())
}
