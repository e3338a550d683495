// SPDX-License-Identifier: GPL-2.0-only

//! Positions in a directory that is listed from several branches, and whether one is empty.

use crate::{
    sb::Info,
    vfs::{
        open_dir,
        DirEntry,
        DirSink,
        DirStream,
        Hints,
        RealPath, //
    },
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::Mutex, //
};

/// Bits of a position within one branch's directory.
const BITS: u32 = 56;
/// Set when the lower bits are a place in the table of positions.
const IN_TABLE: i64 = 1 << (BITS - 1);

/// Which directory of a partitioned listing is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The one of the listed directory's own home, with which every listing begins.
    Home,
    /// That of another branch.
    Branch(u8),
    /// None is left.
    End,
}

impl Part {
    /// The number that stands for it in a position.
    fn key(self) -> i64 {
        match self {
            Self::Home => 0,
            Self::Branch(branch) => i64::from(branch).saturating_add(1),
            Self::End => 127,
        }
    }

    /// What a position's upper bits stand for.
    fn of_key(key: i64) -> Self {
        match key {
            0 => Self::Home,
            1..=64 => u8::try_from(key.saturating_sub(1)).map_or(Self::End, Self::Branch),
            _ => Self::End,
        }
    }
}

/// The positions of one open directory that have no room for the number of their branch.
#[pin_data]
pub(crate) struct Positions {
    /// The branch's own positions; their place stands for them.
    #[pin]
    table: Mutex<KVVec<i64>>,
}

impl Positions {
    /// No positions yet.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            table <- new_mutex!(KVVec::new()),
        })
    }

    /// The position that user space sees for `pos` of `part`. `None` without memory.
    ///
    /// # Context
    ///
    /// May be called with the branch directory's lock held; may sleep.
    pub(crate) fn encode(&self, part: Part, pos: i64) -> Option<i64> {
        let inner = if (0..IN_TABLE).contains(&pos) {
            pos
        } else {
            let mut table = self.table.lock();
            // Resumed at an entry that was refused, its position is the last one.
            let place = if table.last() == Some(&pos) {
                table.len().checked_sub(1)?
            } else {
                table.push(pos, GFP_KERNEL).ok()?;
                table.len().checked_sub(1)?
            };
            i64::try_from(place).ok()? | IN_TABLE
        };
        Some((part.key() << BITS) | inner)
    }

    /// What `pos`, seen by user space, stands for. EINVAL for one that was never given out.
    pub(crate) fn decode(&self, pos: i64) -> Result<(Part, i64)> {
        let part = Part::of_key(pos >> BITS);
        let inner = pos & ((1 << BITS) - 1);
        if inner & IN_TABLE == 0 {
            return Ok((part, inner));
        }
        let place = usize::try_from(inner & !IN_TABLE).map_err(|_| EINVAL)?;
        let known = self.table.lock().get(place).copied();
        known.map(|pos| (part, pos)).ok_or(EINVAL)
    }

    /// Forgets the table: the listing begins anew.
    pub(crate) fn clear(&self) {
        self.table.lock().clear();
    }
}

/// Stops at the first entry that is not the directory or its parent.
struct Probe {
    /// Entries passed, these two counted.
    seen: bool,
    /// Whether there was another one.
    found: bool,
}

impl DirSink for Probe {
    fn entry(&mut self, entry: &DirEntry<'_>) -> bool {
        self.seen = true;
        if !is_dot(entry) {
            self.found = true;
        }
        !self.found
    }
}

/// Whether an entry is the directory itself or its parent.
pub(crate) fn is_dot(entry: &DirEntry<'_>) -> bool {
    matches!(entry.name.bytes(), b"." | b"..")
}

/// Whether a branch's directory holds nothing. Under the mounter's credentials; may sleep.
pub(crate) fn is_empty(info: &Info, path: RealPath<'_>) -> Result<bool> {
    let _creds = info.mounter.assume();
    let file = open_dir(path, true, true)?;
    let stream = DirStream(&file);
    loop {
        let mut probe = Probe {
            seen: false,
            found: false,
        };
        stream.read(Hints::UNLIMITED, &mut probe)?;
        if probe.found {
            return Ok(false);
        }
        if !probe.seen {
            return Ok(true);
        }
    }
}
