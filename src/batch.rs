// SPDX-License-Identifier: GPL-2.0-only

//! Entries taken from a branch's listing, to be asked about when its directory is not locked any
//! more.

use crate::vfs::{
    DirEntry,
    DirSink,
    Name, //
};
use kernel::prelude::*;

/// How many entries are taken at a time.
const ENTRIES: usize = 64;

/// Some entries of a listing.
pub(crate) struct Batch {
    /// The names, one after the other.
    names: KVec<u8>,
    /// The entries.
    entries: KVec<Taken>,
    /// Whether there was no memory for one more.
    failed: bool,
}

/// An entry.
struct Taken {
    /// Where its name ends; it begins where the one before ends.
    end: usize,
    /// Its position.
    pos: i64,
    /// Its inode number.
    ino: u64,
    /// `DT_*`, with flags above it.
    kind: u32,
}

impl Batch {
    /// No entries yet.
    pub(crate) fn new() -> Self {
        Self {
            names: KVec::new(),
            entries: KVec::new(),
            failed: false,
        }
    }

    /// Takes an entry.
    fn take(&mut self, entry: &DirEntry<'_>) -> Result {
        self.names
            .extend_from_slice(entry.name.bytes(), GFP_KERNEL)?;
        self.entries.push(
            Taken {
                end: self.names.len(),
                pos: entry.pos,
                ino: entry.ino,
                kind: entry.kind,
            },
            GFP_KERNEL,
        )?;
        Ok(())
    }

    /// The entries, in their order. ENOMEM when not even one could be taken.
    pub(crate) fn entries(&self) -> Result<impl Iterator<Item = DirEntry<'_>>> {
        if self.failed && self.entries.is_empty() {
            return Err(ENOMEM);
        }
        let mut start = 0;
        Ok(self.entries.iter().map(move |taken| {
            let start = core::mem::replace(&mut start, taken.end);
            DirEntry {
                name: Name::new(self.names.get(start..taken.end).unwrap_or_default()),
                pos: taken.pos,
                ino: taken.ino,
                kind: taken.kind,
            }
        }))
    }
}

impl DirSink for Batch {
    fn entry(&mut self, entry: &DirEntry<'_>) -> bool {
        if self.failed || self.entries.len() >= ENTRIES {
            return false;
        }
        self.failed = self.take(entry).is_err();
        !self.failed
    }
}

/// Lets a listing go by.
pub(crate) struct Ignored;

impl DirSink for Ignored {
    fn entry(&mut self, _: &DirEntry<'_>) -> bool {
        true
    }
}
