// SPDX-License-Identifier: GPL-2.0-only

//! The policy in force of a mount: replaced as a whole, and asked first for what is plain.

use super::{
    Policy,
    ROOT, //
};
use crate::{
    call::By,
    namei::number,
    route::{
        BranchId,
        Op, //
    },
    stamp::{
        self,
        Stamp, //
    },
    states::AtHome,
    vfs::{
        Caller,
        Forget,
        Plain,
        RcuArc,
        SwitchDentry,
        SwitchInode,
        Tag, //
    },
};
use core::sync::atomic::{
    AtomicBool,
    AtomicU64,
    Ordering, //
};
use kernel::sync::Arc;

/// Bits of [`LivePolicy::plain`] that hold the default branch.
const BRANCH_BITS: u32 = 6;

/// The default branch in a value of [`LivePolicy::plain`].
#[inline]
fn default_of(plain: u64) -> BranchId {
    BranchId::from_bits(plain)
}

/// What is plain where there are no rules: everything belongs to `default`, and is served by it.
fn all_at(default: BranchId) -> Plain {
    Plain::AllAtHome(number(default))
}

/// The policy of a mount, replaced as a whole.
pub(crate) struct LivePolicy {
    /// The policy.
    policy: RcuArc<Policy>,
    /// Its generation and default branch when it is trivial, else 0: what needs no more is told by
    /// one load.
    plain: AtomicU64,
    /// The generation of tags that count.
    stamp: Arc<Stamp>,
    /// Whether there may be a program above the rules.
    programmed: AtomicBool,
}

impl LivePolicy {
    /// Puts the first policy of a mount in force.
    pub(crate) fn new(policy: Arc<Policy>) -> Self {
        Self {
            plain: AtomicU64::new(policy.plain()),
            stamp: policy.stamp.clone(),
            programmed: AtomicBool::new(policy.program.is_some()),
            policy: RcuArc::new(policy),
        }
    }

    /// The generation that a policy must have to be put in force.
    pub(crate) fn stamp(&self) -> &Arc<Stamp> {
        &self.stamp
    }

    /// Puts `policy` in force; what began before ends under the old one. May sleep.
    pub(crate) fn replace(&self, policy: Arc<Policy>) {
        // Whoever goes on under the old policy takes no generation for its own any more.
        self.with(|old| old.superseded.store(true, Ordering::Release));
        self.plain.store(0, Ordering::Release);
        self.stamp.end();
        if policy.program.is_some() {
            self.programmed.store(true, Ordering::Release);
        }
        // The grace period in between lets nobody go on with the old generation.
        self.policy.replace(policy.clone());
        self.programmed
            .store(policy.program.is_some(), Ordering::Release);
        self.stamp.begin();
        self.plain.store(policy.plain(), Ordering::Release);
    }

    /// Whether there may be a program above the rules. May be called in RCU walk.
    #[inline]
    pub(crate) fn is_programmed(&self) -> bool {
        self.programmed.load(Ordering::Acquire)
    }

    /// Lets no tag made so far count: a directory got another path. May sleep.
    pub(crate) fn forget_paths(&self) {
        if self.is_plain() {
            return;
        }
        self.stamp.forget();
    }

    /// Whether there are no rules. May be called in RCU walk.
    pub(crate) fn is_plain(&self) -> bool {
        self.plain.load(Ordering::Acquire) != 0
    }

    /// The tag of every name and the default branch, if there are no rules: all belong to it, and it
    /// serves everything.
    pub(crate) fn plain(&self) -> Option<(Tag, BranchId)> {
        let plain = self.plain.load(Ordering::Acquire);
        (plain != 0).then(|| {
            let default = default_of(plain);
            let generation = plain >> BRANCH_BITS;
            (Tag::timeless(all_at(default), ROOT).of(generation), default)
        })
    }

    /// The default branch. May be called in RCU walk.
    pub(crate) fn default(&self) -> BranchId {
        match self.plain.load(Ordering::Acquire) {
            0 => self.with(Policy::default),
            plain => default_of(plain),
        }
    }

    /// The number of the branch that every caller finds the name with the tag `tag` in, if that is
    /// plain. May be called in RCU walk.
    #[inline]
    pub(crate) fn plain_home(&self, tag: Tag) -> Option<u8> {
        tag.home_in(self.stamp.marks())
    }

    /// The number of the branch that the current task finds the name with the tag `tag` in, and that then
    /// serves everything for it, if that is plain but for some callers. May be called in RCU walk.
    #[inline]
    pub(crate) fn home_for_caller(&self, tag: Tag) -> Option<u8> {
        tag.mostly_in(self.stamp.marks())?;
        self.home_for_most(tag)
    }

    /// The same for a tag that says so.
    #[inline(never)]
    fn home_for_most(&self, tag: Tag) -> Option<u8> {
        // In this order: of a tag that still counts then, it was the policy in force that was read.
        self.with(|policy| {
            tag.is_in(self.stamp.marks())
                .then(|| policy.home_for_caller(tag))?
        })
    }

    /// Whether it is known that the home of `dentry` serves `op` for the current task. May be called in
    /// RCU walk.
    #[inline]
    pub(crate) fn is_at_home(&self, dentry: &SwitchDentry, op: Op) -> bool {
        if self.is_plain() {
            return true;
        }
        // What was found elsewhere before a remount stays there for those who hold it.
        let Some(home) = dentry.inode().map(SwitchInode::branch) else {
            return false;
        };
        let (tag, marks) = (dentry.tag(), self.stamp.marks());
        let marked = match op {
            Op::Getattr => tag.getattr_at_home_in(marks),
            _ => tag.all_at_home_in(marks),
        };
        marked == Some(home) || self.is_known_at_home(tag, AtHome::of(op, home))
    }

    /// The same of the name with the tag `tag`, which was found in that home, from its state: for
    /// everybody, or but for some callers.
    #[inline(never)]
    fn is_known_at_home(&self, tag: Tag, what: AtHome) -> bool {
        // In this order: of a tag that still counts then, it was the policy in force that was read.
        self.with(|policy| tag.is_in(self.stamp.marks()) && policy.is_known_at_home(tag, what))
    }

    /// Reads the policy in place. `f` must not sleep; may be called in RCU walk.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&Policy) -> R) -> R {
        self.policy.with(f)
    }

    /// A reference to keep.
    pub(crate) fn get(&self) -> Arc<Policy> {
        self.policy.get()
    }
}

impl Policy {
    /// The number of the branch that the current task finds the name with the tag `tag`, of this policy's
    /// generation, in, and that then serves everything for it, if only rules on the caller could say
    /// otherwise. May be called in RCU walk.
    #[inline]
    fn home_for_caller(&self, tag: Tag) -> Option<u8> {
        let exceptions = self.states.exceptions(tag.state())?;
        let policy = self;
        let excepts = |caller: Caller<'_>| self.rules.excepts(exceptions, &By { policy, caller });
        (!Caller::with_current(excepts)).then(|| number(exceptions.home()))
    }

    /// Whether `what` is known of the name with the tag `tag`, of this policy's generation, for the
    /// current task. May be called in RCU walk.
    #[inline]
    fn is_known_at_home(&self, tag: Tag, what: AtHome) -> bool {
        let known = self.states.is_at_home(tag.state(), what) || self.is_known_otherwise(tag, what);
        known && !(what.is_about(Op::Getattr) && self.shapes_getattr())
    }

    /// The same if the state names no home, or is plain but for some callers.
    #[inline(never)]
    fn is_known_otherwise(&self, tag: Tag, what: AtHome) -> bool {
        self.states.is_at_home(tag.state(), what.of_any())
            || self.home_for_caller(tag) == Some(what.home())
    }

    /// The generation, if it is trivial, and then that never changes, with the default branch; else 0.
    fn plain(&self) -> u64 {
        let generation = self.generation();
        if self.is_trivial() && generation != stamp::NONE {
            // CAST: A mount has at most 64 branches.
            (generation << BRANCH_BITS) | self.default().index() as u64
        } else {
            0
        }
    }
}
