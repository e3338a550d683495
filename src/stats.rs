// SPDX-License-Identifier: GPL-2.0-only

//! What is counted of a mount while it is watched, and the list of its open backing files.
//!
//! Nothing is counted, listed or looked at as long as nobody wrote 1 to `enable`.

use crate::{
    route::{
        BranchId,
        Op,
        Verdict, //
    },
    vfs::{
        BackingFile,
        Dentry,
        Id,
        Opener,
        Watch, //
    },
};
use core::sync::atomic::{
    AtomicBool,
    AtomicU64,
    Ordering, //
};
use kernel::{
    new_mutex,
    prelude::*,
    rbtree::RBTree,
    sync::{
        aref::ARef,
        Mutex, //
    },
};

/// Why an operation was refused.
#[derive(Clone, Copy)]
pub(crate) enum Reason {
    /// A rule says `deny`.
    Deny,
    /// A rule says `hide`.
    Hide,
    /// The object is stacked too deep.
    Deep,
    /// It would go from one branch to another: EXDEV.
    Cross,
    /// What it makes would not be found again: EINVAL.
    Lost,
    /// The branch that serves it does not have the object: ENOENT.
    Missing,
}

impl Reason {
    /// All of them, in the order of their numbers.
    pub(crate) const ALL: [Reason; 6] = [
        Reason::Deny,
        Reason::Hide,
        Reason::Deep,
        Reason::Cross,
        Reason::Lost,
        Reason::Missing,
    ];

    /// The word for it.
    pub(crate) const fn name(self) -> &'static CStr {
        match self {
            Reason::Deny => c"deny",
            Reason::Hide => c"hide",
            Reason::Deep => c"deep",
            Reason::Cross => c"cross",
            Reason::Lost => c"lost",
            Reason::Missing => c"missing",
        }
    }
}

/// The words for the kinds of verdicts, in the order of [`place_of`].
pub(crate) const VERDICTS: [&str; 6] = ["default", "branch", "first", "deny", "hide", "gate"];

/// The place of the kind of `verdict` in [`VERDICTS`].
fn place_of(verdict: Verdict) -> usize {
    match verdict {
        Verdict::Home => 0,
        Verdict::Branch(_) => 1,
        Verdict::First(_) => 2,
        Verdict::Deny(_) => 3,
        Verdict::Hide => 4,
        Verdict::Gate { .. } => 5,
    }
}

/// Counters that anybody may advance, in any context.
pub(crate) struct Counts(KVVec<AtomicU64>);

impl Counts {
    /// `len` counters. ENOMEM.
    pub(crate) fn new(len: usize) -> Result<Self> {
        let mut counts = KVVec::with_capacity(len, GFP_KERNEL)?;
        for _ in 0..len {
            counts.push(AtomicU64::new(0), GFP_KERNEL)?;
        }
        Ok(Self(counts))
    }

    /// Advances the counter at `place`, if there is one.
    pub(crate) fn add(&self, place: usize) {
        if let Some(count) = self.0.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The counter at `place`.
    pub(crate) fn get(&self, place: usize) -> u64 {
        self.0
            .get(place)
            .map_or(0, |count| count.load(Ordering::Relaxed))
    }
}

/// An open backing file.
pub(crate) struct Opened {
    /// The number of the branch; none if it was moved by a remount meanwhile.
    pub(crate) branch: Option<BranchId>,
    /// The object.
    pub(crate) object: ARef<Dentry>,
    /// Who opened it.
    pub(crate) opener: Opener,
}

/// What is there only while it is watched.
struct Watching {
    /// Keeps the hooks on.
    key: Option<Watch>,
    /// The backing files that were opened since.
    files: RBTree<Id, Opened>,
}

/// The counters of a mount.
pub(crate) struct Stats {
    /// Whether they count.
    enabled: AtomicBool,
    /// Calls that a branch served, by branch and operation.
    calls: Counts,
    /// Decisions, by the kind of their verdict.
    verdicts: Counts,
    /// Refusals, by reason.
    refusals: Counts,
    /// The rest.
    watching: Pin<KBox<Mutex<Watching>>>,
}

impl Stats {
    /// Those of a mount of `branches` branches.
    pub(crate) fn new(branches: usize) -> Result<Self> {
        Ok(Self {
            enabled: AtomicBool::new(false),
            calls: Counts::new(branches.saturating_mul(Op::COUNT))?,
            verdicts: Counts::new(VERDICTS.len())?,
            refusals: Counts::new(Reason::ALL.len())?,
            watching: KBox::pin_init(
                new_mutex!(Watching {
                    key: None,
                    files: RBTree::new(),
                }),
                GFP_KERNEL,
            )?,
        })
    }

    /// Whether they count. Any context, as for all that count.
    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled.load(Ordering::Relaxed)
    }

    /// Switches counting on or off; off, the list of files is empty. Counters stay as they are. May
    /// sleep.
    pub(crate) fn enable(&self, on: bool) {
        let mut watching = self.watching.lock();
        if on == watching.key.is_some() {
            return;
        }
        if on {
            // The hooks are on before anything is put on the list, and off when nothing is.
            watching.key = Some(Watch::new());
            self.enabled.store(true, Ordering::Relaxed);
            return;
        }
        self.enabled.store(false, Ordering::Relaxed);
        let files = core::mem::replace(&mut watching.files, RBTree::new());
        let key = watching.key.take();
        // Giving objects back calls into branches.
        drop(watching);
        drop(files);
        drop(key);
    }

    /// A call for `op` that `branch` serves.
    pub(crate) fn served(&self, branch: BranchId, op: Op) {
        // CAST: Operations are numbered from 0.
        let place = branch.index().saturating_mul(Op::COUNT);
        self.calls.add(place.saturating_add(op as usize));
    }

    /// How many calls for `op` there were that `branch` serves.
    pub(crate) fn calls(&self, branch: BranchId, op: Op) -> u64 {
        // CAST: As in `served`.
        let place = branch.index().saturating_mul(Op::COUNT);
        self.calls.get(place.saturating_add(op as usize))
    }

    /// A decision.
    pub(crate) fn decided(&self, verdict: Verdict) {
        self.verdicts.add(place_of(verdict));
    }

    /// How many decisions there were of the kind at `place` in [`VERDICTS`].
    pub(crate) fn decisions(&self, place: usize) -> u64 {
        self.verdicts.get(place)
    }

    /// A refusal.
    pub(crate) fn refused(&self, reason: Reason) {
        // CAST: Reasons are numbered from 0.
        self.refusals.add(reason as usize);
    }

    /// How many refusals there were.
    pub(crate) fn refusals(&self, reason: Reason) -> u64 {
        // CAST: As in `refused`.
        self.refusals.get(reason as usize)
    }

    /// Puts an open file on the list; without memory it is left out. May sleep.
    pub(crate) fn opened(&self, file: &BackingFile, branch: Option<BranchId>) {
        let opened = Opened {
            branch,
            object: file.dentry().into(),
            opener: Opener::current(),
        };
        let mut watching = self.watching.lock();
        if watching.key.is_some() {
            let _ = watching
                .files
                .try_create_and_insert(file.id(), opened, GFP_KERNEL);
        }
    }

    /// Takes a file that is about to be closed off the list. May sleep.
    pub(crate) fn closing(&self, file: &BackingFile) {
        let gone = self.watching.lock().files.remove(&file.id());
        // It may be the last reference: no lock is held.
        drop(gone);
    }

    /// Calls `f` for each file on the list, under its lock. May sleep.
    pub(crate) fn each_file(&self, mut f: impl FnMut(&Opened) -> Result) -> Result {
        let watching = self.watching.lock();
        let mut files = watching.files.values();
        files.try_for_each(&mut f)
    }
}
