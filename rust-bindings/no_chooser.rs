// SPDX-License-Identifier: GPL-2.0-only

//! In place of `chooser.rs` where the module is built without BPF: there is no chooser to attach to.

use super::{
    attachment::{
        Members,
        OnDetach,
        Who, //
    },
    file_type::Stamp,
    question::{
        Asker,
        Link,
        Question, //
    },
    sys,
    Stat, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// The place that a mount has at a chooser.
pub(super) enum Seat {}

impl Seat {
    /// The mount as programs see it.
    pub(super) fn mount(&self) -> sys::switchfs_mount {
        match *self {}
    }

    /// Adds to a counter of programs.
    pub(super) fn count(&self, _: usize, _: u64) -> Result {
        match *self {}
    }

    /// Lets no verdict count that was kept.
    pub(super) fn forget(&self) {
        match *self {}
    }
}

/// A mount's use of a chooser.
pub(crate) enum Attachment {}

impl Attachment {
    /// EOPNOTSUPP.
    pub(crate) fn new(_: &[u8], _: u32, _: usize, _: OnDetach, _: Arc<Stamp>) -> Result<Self> {
        Err(crate::error::eopnotsupp())
    }

    /// The name of the chooser.
    pub(crate) fn name(&self) -> &[u8] {
        match *self {}
    }

    /// Whether its programs were unregistered.
    pub(crate) fn is_detached(&self) -> bool {
        match *self {}
    }

    /// What happens when they are unregistered.
    pub(crate) fn on_detach(&self) -> OnDetach {
        match *self {}
    }

    /// Whether that can be changed to another.
    pub(crate) fn may_follow(&self, _: OnDetach) -> bool {
        match *self {}
    }

    /// Changes what happens then.
    pub(crate) fn set_on_detach(&self, _: OnDetach) {
        match *self {}
    }

    /// Who decides now, and by which members.
    pub(crate) fn says(&self) -> (Who, Members) {
        match *self {}
    }

    /// What tells that programs were swapped.
    pub(crate) fn word(&self) -> u64 {
        match *self {}
    }

    /// Waits until no programs are being swapped.
    pub(crate) fn settle(&self) {
        match *self {}
    }

    /// What `route` says.
    pub(crate) fn route(&self, _: &mut Question<'_>) -> Result<Option<u64>> {
        match *self {}
    }

    /// What `name` says.
    pub(crate) fn keeps(&self, _: &mut Question<'_>) -> Result<Option<u64>> {
        match *self {}
    }

    /// Lets `getattr` change attributes.
    pub(crate) fn getattr(&self, _: &mut Question<'_>, _: &mut Stat) -> Result<Option<i32>> {
        match *self {}
    }

    /// What `error` makes of an errno.
    pub(crate) fn error(&self, _: &mut Question<'_>, _: i32) -> Result<Option<i32>> {
        match *self {}
    }

    /// Whether to log that a program said what it must not.
    pub(crate) fn complain(&self) -> bool {
        match *self {}
    }

    /// How often programs said what they must not.
    pub(crate) fn complaints(&self) -> u64 {
        match *self {}
    }

    /// The counters of programs.
    pub(crate) fn counters(&self) -> impl Iterator<Item = u64> + '_ {
        match *self {}
        #[allow(unreachable_code)]
        core::iter::empty()
    }

    /// What kfuncs reach.
    pub(crate) fn link<'a>(&'a self, _: &'a dyn Asker) -> Link<'a> {
        match *self {}
    }
}

/// Nothing is made known.
pub(super) fn init() {}
