// SPDX-License-Identifier: GPL-2.0-only

//! Places: where a name stands in the tree of rules. All that stand at the same places have the same
//! state, so that it need not be made for each of them.

use super::{
    kind::Kind,
    mem::{
        NoMem,
        Vec, //
    },
    name::Name,
    policy::Policy,
    state::{
        State,
        DEFAULT, //
    },
    table::{
        push_sorted,
        Table, //
    },
    tree::{
        Edge,
        Node, //
    },
};

/// How many places are kept.
const MOST: usize = 11;

/// The nodes of the tree at which a name stands, as far as they have a say in its state.
#[derive(Clone, Copy)]
pub(crate) struct Places {
    /// The nodes.
    nodes: [u32; MOST],
    /// How many.
    len: u32,
}

impl Places {
    /// None.
    pub(crate) const NONE: Places = Places {
        nodes: [0; MOST],
        len: 0,
    };

    /// Adds a node, if it has a say; an error when there is no room for it.
    fn add(&mut self, id: u32, node: &Node) -> Result<(), Full> {
        let lives = node.is_live() && !matches!(node.edge, Edge::Name(_));
        if node.first == DEFAULT && !lives {
            return Ok(());
        }
        // CAST: At most `MOST`.
        let place = self.nodes.get_mut(self.len as usize).ok_or(Full)?;
        *place = id;
        self.len = self.len.saturating_add(1);
        Ok(())
    }

    /// The nodes.
    fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        // CAST: At most `MOST`.
        self.nodes.iter().copied().take(self.len as usize)
    }

    /// A number for tables: equal places have equal ones.
    pub(crate) fn hash(&self) -> u32 {
        self.iter().fold(self.len, |hash, id| {
            (hash ^ id).wrapping_mul(0x9e37_79b1).rotate_left(13)
        })
    }
}

impl PartialEq for Places {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}

/// A name stands at more places than are kept.
struct Full;

impl Policy {
    /// Where `name` stands in the directory of the state `dir`; none if that is at too many places.
    ///
    /// # Context
    ///
    /// Any.
    pub(crate) fn places(&self, dir: &State, name: &Name<'_>) -> Option<Places> {
        let mut places = Places::NONE;
        let found = self.step(dir, name, &mut |id, node| {
            places.add(id, node)?;
            self.each_name(id, node, name, &mut |id, node| places.add(id, node))
        });
        found.ok().map(|()| places)
    }

    /// The state of a name that stands at `places`, as [`Policy::child`] gives it.
    pub(crate) fn state_at(&self, places: &Places, kind: Option<Kind>) -> Result<State, NoMem> {
        let mut table = Table::new(kind);
        let mut live = Vec::new();
        let is_dir = kind.is_none_or(|kind| kind == Kind::Dir);
        for id in places.iter() {
            let Some(node) = self.node(id) else {
                continue;
            };
            self.take(node, &mut table)?;
            if is_dir && node.is_live() && !matches!(node.edge, Edge::Name(_)) {
                push_sorted(&mut live, id)?;
            }
        }
        table.finish(self, live)
    }
}
