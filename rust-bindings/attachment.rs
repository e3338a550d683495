// SPDX-License-Identifier: GPL-2.0-only

//! What is said of a mount's use of a BPF chooser, on kernels with BPF and without.

/// What happens on a mount when its program is unregistered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnDetach {
    /// The last program stays.
    Keep,
    /// The static rules decide.
    Rules,
    /// Everything is refused.
    Deny,
}

impl OnDetach {
    /// All of them, by their numbers, and the words for them.
    pub(crate) const ALL: [(&'static str, OnDetach); 3] = [
        ("keep", OnDetach::Keep),
        ("rules", OnDetach::Rules),
        ("deny", OnDetach::Deny),
    ];
}

/// What ends the verdicts that a mount kept.
pub(crate) trait Forget: Send + Sync {
    /// Lets none of them count. Any context.
    fn forget(&self);
}

/// Who decides on a mount with a chooser.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// The program.
    Program,
    /// The static rules.
    Rules,
    /// All is refused.
    Nobody,
}

/// Which members the programs of a chooser have.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Members {
    /// The operations that `route` is asked about, by their numbers.
    pub(crate) ops: u32,
    /// `name`.
    pub(crate) name: bool,
    /// `getattr`.
    pub(crate) getattr: bool,
    /// `error`.
    pub(crate) error: bool,
}
