// SPDX-License-Identifier: GPL-2.0-only

//! Compiling: from rules to a policy.

use super::{
    below::Reach,
    ends::EndsMask,
    error::{
        CompileError,
        Twice, //
    },
    facts::{
        CgroupId,
        Conditions, //
    },
    fold::{
        self,
        Fold, //
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
    name,
    policy::{
        place,
        Policy,
        Salt, //
    },
    rule::Rule,
    state::DEFAULT,
    table::Effect,
    tree::{
        Edge,
        Node,
        Pattern,
        Span,
        NONE, //
    },
    verdict::{
        BranchId,
        Verdict, //
    },
};

/// How many rules a policy can have.
pub(crate) const MAX_RULES: usize = 65_534;

impl Policy {
    /// Compiles `rules`, whose first match decides, and `default` for when there is none. With
    /// `fold`, names can be looked for in directories that fold case.
    pub(crate) fn compile(
        rules: Vec<Rule>,
        default: BranchId,
        fold: Option<Fold<'_>>,
    ) -> Result<Policy, CompileError> {
        if rules.len() > MAX_RULES {
            return Err(CompileError::TooMany);
        }
        find_twins(&rules)?;
        let separators = |path: &Vec<Token>| path.iter().filter(|t| **t == Token::Slash).count();
        let edges = rules.iter().fold(0usize, |sum, rule| {
            sum.saturating_add(rule.path.as_ref().map_or(0, separators))
                .saturating_add(2)
        });
        // A glob is found by what it is and by what it ends with, a literal by each form.
        let places = 2;
        let mut policy = Policy {
            rules: Vec::new(),
            effects: Vec::new(),
            conditions: Vec::new(),
            cgroups: Vec::new(),
            default,
            nodes: Vec::new(),
            index: Index::with_capacity(edges.saturating_mul(places))?,
            literals: Vec::new(),
            globs: Vec::new(),
            folds: fold.is_some(),
            types: rules.iter().any(|rule| rule.kinds.is_some()),
        };
        policy.nodes.push(Node::new(NONE, Edge::Root))?;
        let mut groups = Index::with_capacity(rules.iter().filter(|r| r.cgroup.is_some()).count())?;
        for (number, rule) in (0..DEFAULT).zip(rules.iter()) {
            let conditions = policy.add_conditions(rule, &mut groups)?;
            policy.add(number, rule, conditions, fold)?;
        }
        policy.rules = rules;
        policy.reach()?;
        Ok(policy)
    }

    /// Adds the conditions on the call that `rule` has; their place, if it has any. `groups` finds
    /// control groups by their paths.
    fn add_conditions(&mut self, rule: &Rule, groups: &mut Index) -> Result<u16, NoMem> {
        let mut cgroup = None;
        if let Some(path) = &rule.cgroup {
            let hash = name::hash(path).finish();
            let is_same = |id: &u16| self.cgroups.get(usize::from(*id)) == Some(path);
            let ids = groups.find(hash).filter_map(|id| u16::try_from(id).ok());
            let known = ids.into_iter().find(is_same);
            cgroup = Some(CgroupId(match known {
                Some(id) => id,
                None => {
                    let id = u16::try_from(self.cgroups.len()).map_err(|_| NoMem)?;
                    self.cgroups.push(path.try_clone()?)?;
                    groups.insert(hash, id.into());
                    id
                }
            }));
        }
        let conditions = Conditions {
            cgroup,
            ..rule.conditions
        };
        if conditions.is_none() {
            return Ok(DEFAULT);
        }
        let place = u16::try_from(self.conditions.len()).map_err(|_| NoMem)?;
        self.conditions.push(conditions)?;
        Ok(place)
    }

    /// The node at the place `id`, to change it.
    pub(super) fn node_mut(&mut self, id: u32) -> Option<&mut Node> {
        self.nodes.get_mut(usize::try_from(id).ok()?)
    }

    /// Puts `rule`, the last one so far, into the tree, if it can ever decide.
    fn add(
        &mut self,
        number: u16,
        rule: &Rule,
        conditions: u16,
        fold: Option<Fold<'_>>,
    ) -> Result<(), NoMem> {
        let effect = Effect {
            ops: rule.ops.all,
            named: rule.ops.named,
            kinds: rule.kinds,
            conditions,
            verdict: rule.said.verdict(number),
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
                _ => self.grow(at, false, component, fold)?,
            };
        }
        if self.is_shadowed(at, &effect) {
            return Ok(());
        }
        if let Some(tokens) = &rule.name {
            if self.node(at).is_some_and(|node| node.shadows(&effect)) {
                return Ok(());
            }
            at = self.grow(at, true, tokens, fold)?;
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
        // What would hide the root does not, so later rules may decide there.
        let spares_root = effect.verdict == Verdict::Hide
            && (node.edge == Edge::Root || node.edge == Edge::Deep && node.parent == 0);
        if effect.is_certain() && !spares_root {
            node.covered = node.covered.or(effect.ops);
            node.homed |= effect.gives_home();
        }
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

    /// The node that the component `tokens`, or the condition on the last one if it `is_name`, leads
    /// to from the node `parent`.
    fn grow(
        &mut self,
        parent: u32,
        is_name: bool,
        tokens: &[Token],
        fold: Option<Fold<'_>>,
    ) -> Result<u32, NoMem> {
        let literal = glob::is_literal(tokens);
        let hash = if literal {
            Hash::START.add_bytes(glob::bytes(tokens))
        } else {
            Hash::START.add_bytes(glob::digest(tokens))
        };
        let each = glob::is_universal(tokens);
        let is_same = |node: &Node| {
            let pattern = match node.edge {
                Edge::Component(pattern) if !is_name => pattern,
                Edge::Name(pattern) if is_name => pattern,
                _ => return false,
            };
            match pattern {
                Pattern::Each => each,
                Pattern::Literal(s) => {
                    literal && glob::bytes(tokens).eq(s.of(&self.literals).iter().copied())
                }
                Pattern::Glob(s) => s.of(&self.globs) == tokens,
            }
        };
        let [salt, folded_salt] = if is_name {
            [Salt::Name, Salt::FoldedName]
        } else {
            [Salt::Component, Salt::FoldedComponent]
        };
        let known = self.find(parent, salt, hash, is_same).next();
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
        let edge = if is_name {
            Edge::Name(pattern)
        } else {
            Edge::Component(pattern)
        };
        let id = self.new_node(parent, edge)?;
        if let Some(node) = self.node_mut(id) {
            node.ends = EndsMask::of(tokens);
        }
        if !literal {
            self.add_glob(id, is_name);
        } else if let Some(node) = self.node_mut(parent) {
            let list = if is_name {
                &mut node.literal_names
            } else {
                &mut node.literals
            };
            let next = core::mem::replace(list, id);
            if let Some(node) = self.node_mut(id) {
                node.next = next;
            }
        }
        let mut folded = None;
        if let Some(fold) = fold {
            folded = self.fold(pattern, fold)?;
            if let Pattern::Literal(span) = folded.unwrap_or(pattern) {
                let hash = name::hash(span.of(&self.literals));
                self.index.insert(place(parent, folded_salt, hash), id);
            }
        }
        if let Some(node) = self.node_mut(id) {
            node.folded = folded;
        }
        self.index.insert(place(parent, salt, hash), id);
        Ok(id)
    }

    /// The folded form of `pattern`, if it is another.
    fn fold(&mut self, pattern: Pattern, fold: Fold<'_>) -> Result<Option<Pattern>, NoMem> {
        Ok(match pattern {
            Pattern::Each => None,
            Pattern::Literal(span) => {
                let mut folded = Vec::new();
                let exact = span.of(&self.literals);
                fold::literal(exact, fold, &mut folded)?;
                if *folded == *exact {
                    return Ok(None);
                }
                let start = self.literals.len();
                self.literals.extend_from_slice(&folded)?;
                let end = self.literals.len();
                Some(Pattern::Literal(Span { start, end }))
            }
            Pattern::Glob(span) => {
                let mut folded = Vec::new();
                let exact = span.of(&self.globs);
                fold::glob(exact, fold, &mut folded)?;
                if *folded == *exact {
                    return Ok(None);
                }
                let start = self.globs.len();
                self.globs.extend_from_slice(&folded)?;
                let end = self.globs.len();
                Some(Pattern::Glob(Span { start, end }))
            }
        })
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
            trees.push(self.reach_of(node))?;
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
    for ((number, rule), place) in (0u32..).zip(rules).zip(0usize..) {
        let hash = Hash::START.add_bytes(rule.text.iter().copied()).finish();
        let same = |other: u32| {
            let other = usize::try_from(other).ok().and_then(|at| rules.get(at));
            other.is_some_and(|other| other.text == rule.text)
        };
        if index.find(hash).any(same) {
            let text = rule.text.try_clone()?;
            return Err(CompileError::Twice(Twice { text, place }));
        }
        index.insert(hash, number);
    }
    Ok(())
}
