// SPDX-License-Identifier: GPL-2.0-only

//! The tree of path components that rules are compiled into.

use super::{below::Reach, ends::EndsMask, op::OpSet, state::DEFAULT, table::Effect};

/// A place in the tree.
#[derive(Debug)]
pub(super) struct Node {
    /// The node above.
    pub(super) parent: u32,
    /// What leads here from there.
    pub(super) edge: Edge,
    /// The folded form of what leads here, if it is another.
    pub(super) folded: Option<Pattern>,
    /// What the ends are of names that it stands for, unless case is folded.
    pub(super) ends: EndsMask,
    /// The first of the literal components that lead on.
    pub(super) literals: u32,
    /// The other components that lead on, but `**`.
    pub(super) globs: Globs,
    /// The literal conditions on the last component, for rules whose path ends here.
    pub(super) literal_names: u32,
    /// The other ones.
    pub(super) glob_names: Globs,
    /// Whether it is the first of the globs of the parent that end as it does.
    pub(super) leads: bool,
    /// Where `**` leads.
    pub(super) deep: u32,
    /// The next node of the same list of the parent.
    pub(super) next: u32,
    /// The first of the rules that end here, in ascending order.
    pub(super) first: u16,
    /// The last one.
    pub(super) last: u16,
    /// The operations to which some of these rules are certain to apply; a later rule for no other
    /// has no effect.
    pub(super) covered: OpSet,
    /// Whether one of them is certain to give a home.
    pub(super) homed: bool,
    /// What the rules further down can do.
    pub(super) below: Reach,
}

/// The globs that lead on from a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Globs {
    /// The first of those that leave open how a name ends.
    pub(super) open: u32,
    /// The first of those that say how; those that say the same stand together.
    pub(super) tailed: u32,
    /// How many different ends these say.
    pub(super) tails: u32,
    /// How many bytes of them are known, up to four: a bit for each of these numbers.
    pub(super) lengths: u8,
}

impl Globs {
    /// None.
    const NONE: Globs = Globs {
        open: NONE,
        tailed: NONE,
        tails: 0,
        lengths: 0,
    };

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.open == NONE && self.tailed == NONE
    }
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

impl Edge {
    /// What a name must be to lead on.
    pub(super) fn pattern(self) -> Option<Pattern> {
        match self {
            Edge::Root | Edge::Deep => None,
            Edge::Component(pattern) | Edge::Name(pattern) => Some(pattern),
        }
    }

    /// Whether any name does.
    pub(super) fn is_each(self) -> bool {
        self == Edge::Deep || self.pattern() == Some(Pattern::Each)
    }
}

/// What a component must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// Anything.
    Each,
    /// The bytes at this place of the policy's literals.
    Literal(Span),
    /// What matches the tokens at this place of the policy's globs.
    Glob(Span),
}

/// A place in an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Where it starts.
    pub(super) start: usize,
    /// Where it ends.
    pub(super) end: usize,
}

impl Span {
    /// The elements of `array` there.
    pub(super) fn of<T>(self, array: &[T]) -> &[T] {
        array.get(self.start..self.end).unwrap_or_default()
    }
}

impl Node {
    /// A node with nothing below.
    pub(super) fn new(parent: u32, edge: Edge) -> Node {
        Node {
            parent,
            edge,
            folded: None,
            ends: EndsMask::ANY,
            literals: NONE,
            globs: Globs::NONE,
            literal_names: NONE,
            glob_names: Globs::NONE,
            leads: false,
            deep: NONE,
            next: NONE,
            first: DEFAULT,
            last: DEFAULT,
            covered: OpSet::EMPTY,
            homed: false,
            below: Reach::NOTHING,
        }
    }

    /// The folded form of what leads here.
    pub(super) fn folded(&self) -> Option<Pattern> {
        self.folded.or(self.edge.pattern())
    }

    /// Whether the rules that end here leave nothing to decide for a later one that does `effect`.
    pub(super) fn shadows(&self, effect: &Effect) -> bool {
        effect.ops.without(self.covered).is_empty() && (self.homed || !effect.gives_home())
    }

    /// Whether names further down may go on from here. (Where `**` leads speaks for itself.)
    pub(super) fn is_live(&self) -> bool {
        self.edge == Edge::Deep || self.literals != NONE || !self.globs.is_empty()
    }
}
