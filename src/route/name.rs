// SPDX-License-Identifier: GPL-2.0-only

//! Names, as they are and as directories that fold case compare them.

use super::{
    ends::Ends,
    hash::Hash, //
};

/// A name with its hash, to be looked for among patterns.
#[derive(Clone, Copy)]
pub(crate) struct Name<'a> {
    /// The name.
    pub(super) bytes: &'a [u8],
    /// Its hash.
    pub(super) hash: Hash,
    /// Its ends.
    pub(super) ends: Ends,
    /// The folded name and its hash, where case is folded.
    pub(super) folded: Option<(&'a [u8], Hash)>,
}

impl<'a> Name<'a> {
    /// The name `bytes` in a directory that compares bytes, or that cannot fold this name.
    pub(crate) fn new(bytes: &'a [u8]) -> Name<'a> {
        Name {
            bytes,
            hash: hash(bytes),
            ends: Ends::of(bytes),
            folded: None,
        }
    }

    /// The name `bytes` in a directory that folds case, and folded it is `folded`.
    ///
    /// It is compared with folded patterns, if the policy was compiled with a way to fold.
    pub(crate) fn folded(bytes: &'a [u8], folded: &'a [u8]) -> Name<'a> {
        Name {
            folded: Some((folded, hash(folded))),
            ..Name::new(bytes)
        }
    }
}

/// The hash of a name or of a pattern without wildcards.
pub(super) fn hash(bytes: &[u8]) -> Hash {
    Hash::START.add_bytes(bytes.iter().copied())
}
