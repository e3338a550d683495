// SPDX-License-Identifier: GPL-2.0-only

//! Compiling: from rules to a policy.

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
    policy::{
        place,
        Policy,
        Salt, //
    },
    rule::Rule,
    state::{
        Effect,
        DEFAULT, //
    },
    tree::{
        Edge,
        Node,
        Pattern,
        Span,
        NONE, //
    },
    verdict::BranchId, //
};

/// How many rules a policy can have.
pub(crate) const MAX_RULES: usize = 65_534;

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

    /// The node at the place `id`, to change it.
    fn node_mut(&mut self, id: u32) -> Option<&mut Node> {
        self.nodes.get_mut(usize::try_from(id).ok()?)
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
