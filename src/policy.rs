// SPDX-License-Identifier: GPL-2.0-only

//! The policy in force: compiled rules, and what they say of names that were met.

use crate::{
    path,
    route::{
        self,
        BranchId,
        BranchSet,
        Op,
        Rule,
        State,
        Verdict, //
    },
    states::States,
    vfs::{
        Entry,
        Name,
        RcuArc,
        SwitchDentry,
        Tag, //
    },
};
use core::{
    convert::Infallible,
    sync::atomic::{
        AtomicU64,
        Ordering, //
    },
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// The number of the root's state.
const ROOT: u32 = 0;

/// The next generation of any mount. Never 0, which marks a name without a tag.
static NEXT_GENERATION: AtomicU64 = AtomicU64::new(1);

/// Bits of [`LivePolicy::plain`] that hold the default branch.
const BRANCH_BITS: u32 = 6;

/// The default branch in a value of [`LivePolicy::plain`].
#[inline]
fn default_of(plain: u64) -> BranchId {
    BranchId::from_bits(plain)
}

/// A generation that no tag has yet.
fn new_generation() -> u64 {
    NEXT_GENERATION.fetch_add(1, Ordering::Relaxed)
}

/// A policy with the states of the names that were met under it.
#[pin_data]
pub(crate) struct Policy {
    /// The compiled rules.
    rules: route::Policy,
    /// Tags of other generations say nothing. Advanced when the paths below a directory change.
    generation: AtomicU64,
    /// What tags stand for.
    #[pin]
    states: States,
}

/// The policy of a mount, replaced as a whole.
pub(crate) struct LivePolicy {
    /// The policy.
    policy: RcuArc<Policy>,
    /// Its generation and default branch when it is trivial, else 0: what needs no more is told by
    /// one load.
    plain: AtomicU64,
}

impl LivePolicy {
    /// Puts the first policy of a mount in force.
    pub(crate) fn new(policy: Arc<Policy>) -> Self {
        Self {
            plain: AtomicU64::new(policy.plain()),
            policy: RcuArc::new(policy),
        }
    }

    /// Puts `policy` in force; what began before ends under the old one. May sleep.
    pub(crate) fn replace(&self, policy: Arc<Policy>) {
        let plain = policy.plain();
        // The grace period in between lets nobody go on with the old generation.
        self.plain.store(0, Ordering::Release);
        self.policy.replace(policy);
        self.plain.store(plain, Ordering::Release);
    }

    /// Whether there are no rules. May be called in RCU walk.
    pub(crate) fn is_plain(&self) -> bool {
        self.plain.load(Ordering::Acquire) != 0
    }

    /// The tag of every name and the default branch, if there are no rules: all belong to it, and it
    /// serves everything.
    pub(crate) fn plain(&self) -> Option<(Tag, BranchId)> {
        let plain = self.plain.load(Ordering::Acquire);
        (plain != 0).then(|| (Tag::new(plain >> BRANCH_BITS, ROOT), default_of(plain)))
    }

    /// The default branch, if there are no rules and `tag` was made since. May be called in RCU walk.
    #[inline]
    pub(crate) fn plain_since(&self, tag: Tag) -> Option<BranchId> {
        let plain = self.plain.load(Ordering::Acquire);
        (plain != 0 && plain >> BRANCH_BITS == tag.generation()).then(|| default_of(plain))
    }

    /// Reads the policy in place. `f` must not sleep; may be called in RCU walk.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&Policy) -> R) -> R {
        self.policy.with(f)
    }

    /// Reads the state of a name of the mount, in place if it is known. `f` must not sleep; the call
    /// may.
    pub(crate) fn with_state<R>(
        &self,
        dentry: &SwitchDentry,
        f: impl Fn(&State) -> R,
    ) -> Result<R> {
        match self.with(|policy| policy.state_of_tag(dentry.tag()).map(&f)) {
            Some(known) => Ok(known),
            None => self.get().state(dentry).map(f),
        }
    }

    /// A reference to keep.
    pub(crate) fn get(&self) -> Arc<Policy> {
        self.policy.get()
    }
}

/// What the policy says of an operation on a name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The name's home serves it.
    Home,
    /// This other branch serves it.
    Elsewhere(BranchId),
}

impl Policy {
    /// Puts compiled rules in force.
    pub(crate) fn new(rules: route::Policy) -> Result<Arc<Self>> {
        let policy = Arc::pin_init(
            pin_init!(Self {
                rules,
                generation: AtomicU64::new(new_generation()),
                states <- States::new(),
            }),
            GFP_KERNEL,
        )?;
        policy.states.intern(policy.rules.root()?)?;
        Ok(policy)
    }

    /// The rules, in their order.
    pub(crate) fn rules(&self) -> &[Rule] {
        self.rules.rules()
    }

    /// Whether there are no rules: every name's home is the default branch, and serves everything.
    pub(crate) fn is_trivial(&self) -> bool {
        self.rules().is_empty()
    }

    /// The default branch, of names that no rule speaks of.
    pub(crate) fn default(&self) -> BranchId {
        self.rules.default()
    }

    /// The generation, if it is trivial, and then never changes, with the default branch; else 0.
    fn plain(&self) -> u64 {
        if self.is_trivial() {
            // CAST: A mount has at most 64 branches.
            (self.generation() << BRANCH_BITS) | self.default().index() as u64
        } else {
            0
        }
    }

    /// The generation of tags made now. May be called in RCU walk.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Lets no tag made so far count: a directory got another path.
    pub(crate) fn forget_paths(&self) {
        if !self.is_trivial() {
            self.generation.store(new_generation(), Ordering::Release);
        }
    }

    /// The state that `tag` stands for, if it is of this generation. May be called in RCU walk.
    pub(crate) fn state_of_tag(&self, tag: Tag) -> Option<&State> {
        if tag.generation() != self.generation() {
            return None;
        }
        self.states.get(tag.state())
    }

    /// The state of a name of the mount. May sleep.
    pub(crate) fn state(&self, dentry: &SwitchDentry) -> Result<&State> {
        let tag = self.tag(dentry)?;
        self.states.get(tag.state()).ok_or(EIO)
    }

    /// The tag of a name of the mount, left with it. May sleep.
    pub(crate) fn tag(&self, dentry: &SwitchDentry) -> Result<Tag> {
        // Read first: what is computed from here on is not taken for a later generation's.
        let generation = self.generation();
        let current = |d: &SwitchDentry| d.tag().generation() == generation;
        path::fold(
            dentry,
            current,
            |top| {
                Ok(if top.is_root() {
                    Tag::new(generation, ROOT)
                } else {
                    top.tag()
                })
            },
            |tag, step| {
                let tag = self.child_tag(tag, step.name)?;
                step.dentry.set_tag(tag);
                // Renamed meanwhile, the name may have lost its old tag before it got this one.
                if step.dentry.seq() != step.seq {
                    step.dentry.set_tag(Tag::NONE);
                }
                Ok(tag)
            },
        )
    }

    /// The tag of `name` in the directory with the tag `dir`, of the same generation. May sleep.
    fn child_tag(&self, dir: Tag, name: Name<'_>) -> Result<Tag> {
        if self.is_trivial() {
            return Ok(Tag::new(dir.generation(), ROOT));
        }
        let dir_state = self.states.get(dir.state()).ok_or(EIO)?;
        let state = self
            .rules
            .child(dir_state, &route::Name::new(name.bytes()), None)?;
        Ok(Tag::new(dir.generation(), self.states.intern(state)?))
    }

    /// The tag and the state of a name whose directory is locked. May sleep.
    pub(crate) fn entry(&self, entry: Entry<'_>) -> Result<(Tag, &State)> {
        if self.is_trivial() {
            let tag = Tag::new(self.generation(), ROOT);
            return Ok((tag, self.states.get(ROOT).ok_or(EIO)?));
        }
        let tag = self.child_tag(self.tag(entry.parent())?, entry.name())?;
        Ok((tag, self.states.get(tag.state()).ok_or(EIO)?))
    }

    /// The branch of `name` in the directory of the state `dir`.
    ///
    /// # Context
    ///
    /// Any.
    pub(crate) fn home_of(&self, dir: &State, name: Name<'_>) -> BranchId {
        let Ok(peek) = self
            .rules
            .peek(dir, &route::Name::new(name.bytes()), &NoFacts);
        peek.home.branch
    }

    /// The branches that can be the home of a name in the directory of the state `dir`.
    pub(crate) fn names_homes(&self, dir: &State) -> BranchSet {
        self.rules.names_homes(dir, false)
    }

    /// The branches that rules can name for anything below the directory of the state `dir`.
    pub(crate) fn branches_below(&self, dir: &State) -> BranchSet {
        self.rules.branches_below(dir)
    }

    /// Whether no name below has another home under the state `b` than under `a`.
    pub(crate) fn same_below(&self, a: &State, b: &State) -> bool {
        self.rules.same_below(a, b)
    }
}

/// What `state` says of `op`: a branch, relative to the home, or the errno of a refusal.
pub(crate) fn decide(state: &State, op: Op) -> Result<Decision> {
    relative(state, state.decision(op))
}

/// What the rules decide in `state`, relative to its home, which serves what no rule speaks of.
pub(crate) fn relative(state: &State, decision: Option<route::Decision>) -> Result<Decision> {
    match decision.ok_or(EIO)?.verdict {
        Verdict::Home => Ok(Decision::Home),
        Verdict::Branch(branch) if branch == home(state)? => Ok(Decision::Home),
        Verdict::Branch(branch) => Ok(Decision::Elsewhere(branch)),
        Verdict::Deny(errno) => Err(errno.into()),
        Verdict::First(_) | Verdict::Hide | Verdict::Gate { .. } => Err(EIO),
    }
}

/// The home in `state`.
pub(crate) fn home(state: &State) -> Result<BranchId> {
    state.home().map(|home| home.branch).ok_or(EIO)
}

/// Facts that no rule asks for: those that do are refused at mount.
struct NoFacts;

impl route::Facts for NoFacts {
    type Error = Infallible;

    fn uid(&self) -> u32 {
        u32::MAX
    }

    fn in_groups(&self, _: route::IdRange) -> bool {
        false
    }

    fn in_cgroup(&self, _: route::CgroupId) -> bool {
        false
    }

    fn access(&self) -> route::Access {
        route::Access::NONE
    }

    fn size(&self) -> Result<Option<u64>, Infallible> {
        Ok(None)
    }

    fn exists(&self, _: BranchId) -> Result<bool, Infallible> {
        Ok(false)
    }
}
