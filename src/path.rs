// SPDX-License-Identifier: GPL-2.0-only

//! Walking from a name of the mount up to an ancestor, and the same path down again elsewhere.

use crate::vfs::{
    Name,
    SwitchDentry, //
};
use kernel::{
    prelude::*,
    sync::aref::ARef, //
};

/// How often a walk is begun again because something on the path was renamed meanwhile.
const TRIES: usize = 64;

/// The names from below an ancestor down to a dentry, outermost first.
pub(crate) struct Chain {
    /// Each name, with the sequence number it had before its parent was read.
    steps: KVec<(ARef<SwitchDentry>, u32)>,
    /// Where the chain begins.
    top: ARef<SwitchDentry>,
}

impl Chain {
    /// Climbs from `dentry` to the nearest dentry, itself counted, for which `stop` holds, or to
    /// the root.
    fn climb(dentry: &SwitchDentry, stop: &impl Fn(&SwitchDentry) -> bool) -> Result<Self> {
        let mut steps = KVec::new();
        let mut at = ARef::from(dentry);
        while !at.is_root() && !stop(&at) {
            let seq = at.seq();
            let parent = at.parent();
            steps.push((core::mem::replace(&mut at, parent), seq), GFP_KERNEL)?;
        }
        steps.reverse();
        Ok(Self { steps, top: at })
    }

    /// Whether no name of the chain was moved since it was climbed.
    fn holds(&self) -> bool {
        self.steps.iter().all(|(dentry, seq)| dentry.seq() == *seq)
    }
}

/// One name on the way down, with the sequence number that its dentry had before its parent and its
/// name were read.
pub(crate) struct Step<'a> {
    /// The name's dentry.
    pub(crate) dentry: &'a SwitchDentry,
    /// The sequence number.
    pub(crate) seq: u32,
    /// The name.
    pub(crate) name: Name<'a>,
}

/// Folds over the path of `dentry`: `begin` with the nearest dentry for which `stop` holds (or the
/// root), then `step` with each name below it down to `dentry`.
///
/// The result is of a path that the dentry had at one moment; ESTALE when it never holds still. May
/// sleep.
pub(crate) fn fold<T>(
    dentry: &SwitchDentry,
    stop: impl Fn(&SwitchDentry) -> bool,
    begin: impl Fn(&SwitchDentry) -> Result<T>,
    step: impl Fn(T, Step<'_>) -> Result<T>,
) -> Result<T> {
    for _ in 0..TRIES {
        let chain = Chain::climb(dentry, &stop)?;
        let mut result = begin(&chain.top);
        for (dentry, seq) in chain.steps.iter() {
            let Ok(value) = result else {
                break;
            };
            result = dentry.with_name(|name| {
                let seq = *seq;
                step(value, Step { dentry, seq, name })
            });
        }
        if chain.holds() {
            return result;
        }
    }
    Err(crate::error::estale())
}
