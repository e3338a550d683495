// SPDX-License-Identifier: GPL-2.0-only

//! The policy in force: compiled rules, and what they say of names that were met.

use crate::{
    known::Known,
    lessons::Lessons,
    namei::number,
    path,
    program::Program,
    route::{
        self,
        Asks,
        BranchId,
        BranchSet,
        CgroupId,
        Kind,
        Op,
        Places,
        Rule,
        State, //
    },
    sources::{
        self,
        Part,
        RulesFile, //
    },
    stamp::{
        self,
        Stamp, //
    },
    states::States,
    vfs::{
        CgroupPath,
        Encoding,
        Entry,
        Forget,
        Name,
        Plain,
        RcuArc,
        SwitchDentry,
        SwitchInode,
        Tag, //
    },
    watch::Hits, //
};
use core::sync::atomic::{
    AtomicBool,
    AtomicU64,
    Ordering, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// The number of the root's state.
const ROOT: u32 = 0;
/// How often a tag is looked for while others replace those on the way.
const TRIES: usize = 64;

/// Bits of [`LivePolicy::plain`] that hold the default branch.
const BRANCH_BITS: u32 = 6;

/// The default branch in a value of [`LivePolicy::plain`].
#[inline]
fn default_of(plain: u64) -> BranchId {
    BranchId::from_bits(plain)
}

/// The type of the object that a name stands for, if there is one.
pub(crate) fn kind_of(dentry: &SwitchDentry) -> Option<Kind> {
    dentry.inode().and_then(|inode| Kind::of_mode(inode.mode()))
}

/// What is plain where there are no rules: everything belongs to `default`, and is served by it.
fn all_at(default: BranchId) -> Plain {
    Plain::AllAtHome(number(default))
}

/// What a name was before a program was asked about it.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    /// The sequence number.
    seq: u32,
    /// The generation of tags.
    generation: u64,
}

/// A policy with the states of the names that were met under it.
#[pin_data]
pub(crate) struct Policy {
    /// The compiled rules.
    rules: route::Policy,
    /// The program above them.
    program: Option<Program>,
    /// The files that some of them are from.
    files: KVVec<RulesFile>,
    /// The control groups that they name.
    cgroups: KVec<CgroupPath>,
    /// Whether some branch has directories that fold names; patterns then have folded forms.
    folds: bool,
    /// The branches in force, in their order.
    branches: KVec<BranchId>,
    /// The generation of tags. Advanced when the paths below a directory change.
    stamp: Arc<Stamp>,
    /// Whether the generation is another policy's by now.
    superseded: AtomicBool,
    /// What tags stand for.
    #[pin]
    states: States,
    /// What follows from what a program says.
    known: Known,
    /// How often each rule decided while somebody watched.
    hits: Hits,
}

/// A name that is being looked up.
pub(crate) struct Lookup {
    /// The tag of its directory.
    dir: Tag,
    /// Where it stands among the rules, if that is known.
    places: Option<Places>,
    /// Its tag while its type is not known.
    pub(crate) tag: Tag,
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
            (Tag::new(generation, all_at(default), ROOT), default)
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

    /// Whether it is known that the home of `dentry` serves `op`, whoever calls. May be called in RCU
    /// walk.
    #[inline]
    pub(crate) fn is_at_home(&self, dentry: &SwitchDentry, op: Op) -> bool {
        // What rules say of a call is decided in place at once.
        self.is_plain()
            || self.is_marked_at_home(dentry, op)
            || (self.is_programmed() && self.is_known_at_home(dentry, op))
    }

    /// The same if its tag tells.
    #[inline(always)]
    fn is_marked_at_home(&self, dentry: &SwitchDentry, op: Op) -> bool {
        let marks = self.stamp.marks();
        let home = match op {
            Op::Getattr => dentry.tag().getattr_at_home_in(marks),
            _ => dentry.tag().all_at_home_in(marks),
        };
        // What was found elsewhere before a remount stays there for those who hold it.
        home.is_some() && home == dentry.inode().map(SwitchInode::branch)
    }

    /// The same from the state of the name.
    #[inline(never)]
    fn is_known_at_home(&self, dentry: &SwitchDentry, op: Op) -> bool {
        let tag = dentry.tag();
        let home = dentry.inode().map(SwitchInode::branch);
        self.with(|policy| {
            Policy::is_of(tag, policy.generation())
                && home.is_some_and(|home| policy.states.is_at_home(tag.state(), op, home))
                && !policy.shapes(op)
        })
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
    /// Puts compiled rules, some of which are from `files`, in force for `branches`, which they name by
    /// their numbers; their patterns have folded forms if it `folds`.
    pub(crate) fn new(
        rules: route::Policy,
        files: KVVec<RulesFile>,
        branches: KVec<BranchId>,
        folds: bool,
        stamp: Arc<Stamp>,
        program: Option<Program>,
    ) -> Result<Arc<Self>> {
        let mut cgroups = KVec::new();
        for path in rules.cgroups() {
            cgroups.push(CgroupPath::new(path)?, GFP_KERNEL)?;
        }
        let hits = Hits::new(rules.rules().len())?;
        let policy = Arc::pin_init(
            pin_init!(Self {
                rules,
                program,
                files,
                branches,
                cgroups,
                folds,
                hits,
                stamp,
                superseded: AtomicBool::new(false),
                states <- States::new(),
                known: Known::new(),
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

    /// The files that some of them are from, in their order.
    pub(crate) fn files(&self) -> &[RulesFile] {
        &self.files
    }

    /// The rules by where they are from, in their order.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        sources::parts(self.rules(), &self.files)
    }

    /// The compiled rules.
    pub(crate) fn compiled(&self) -> &route::Policy {
        &self.rules
    }

    /// The program above the rules.
    pub(crate) fn program(&self) -> Option<&Program> {
        self.program.as_ref()
    }

    /// Whether a program changes what `op` gives.
    fn shapes(&self, op: Op) -> bool {
        let program = self.program.as_ref().filter(|_| op == Op::Getattr);
        program.is_some_and(|program| program.members().getattr)
    }

    /// What a program has to be asked about a new name.
    pub(crate) fn asks(&self) -> Asks {
        self.program
            .as_ref()
            .map_or(Asks::NOTHING, |program| program.asks())
    }

    /// A control group that rules name.
    pub(crate) fn cgroup(&self, id: CgroupId) -> Option<&CgroupPath> {
        self.cgroups.get(id.index())
    }

    /// Whether some rule asks for the caller's control group.
    pub(crate) fn asks_cgroups(&self) -> bool {
        !self.cgroups.is_empty()
    }

    /// Whether some rule asks for the type of an object.
    pub(crate) fn asks_types(&self) -> bool {
        self.rules.asks_types()
    }

    /// The branches in force, in their order: of those ever attached, these.
    pub(crate) fn branches(&self) -> &[BranchId] {
        &self.branches
    }

    /// Whether what was found in `branch`, and has the state `state`, can still be at home there: not
    /// when a remount gave it another home.
    pub(crate) fn may_be_home(&self, state: &State, branch: BranchId) -> bool {
        match state.home() {
            Some(home) => home.branch == branch,
            None => self.branches.contains(&branch),
        }
    }

    /// How often each rule decided while somebody watched.
    pub(crate) fn hits(&self) -> &Hits {
        &self.hits
    }

    /// Whether there are neither rules nor a program: every name's home is the default branch, and serves everything.
    pub(crate) fn is_trivial(&self) -> bool {
        self.rules().is_empty() && self.program.is_none()
    }

    /// The default branch, of names that no rule speaks of.
    pub(crate) fn default(&self) -> BranchId {
        self.rules.default()
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

    /// The generation of tags made now; none when another policy is in force. May be called in RCU
    /// walk.
    pub(crate) fn generation(&self) -> u64 {
        // In this order: the next policy's generation begins after this one is superseded.
        let generation = self.stamp.generation();
        if self.superseded.load(Ordering::Acquire) {
            return stamp::NONE;
        }
        generation
    }

    /// Whether `tag` was made in the generation `generation`.
    fn is_of(tag: Tag, generation: u64) -> bool {
        generation != stamp::NONE && tag.generation() == generation
    }

    /// The state that `tag` stands for, if it is of this generation. May be called in RCU walk.
    pub(crate) fn state_of_tag(&self, tag: Tag) -> Option<&State> {
        if !Self::is_of(tag, self.generation()) {
            return None;
        }
        self.states.get(tag.state())
    }

    /// The tag of the state with the number `number` in the generation `generation`.
    fn tag_of(&self, generation: u64, number: u32) -> Result<Tag> {
        let tag = self.states.tag(generation, number).ok_or(EIO)?;
        match &self.program {
            // What changes results is called for every operation.
            Some(program) if program.members().getattr => Ok(tag.without_service()),
            _ => Ok(tag),
        }
    }

    /// The program and the state of any name without it, if there are no rules and it is asked about names
    /// alone.
    pub(crate) fn asked_about_names(&self) -> Option<(&Program, &State)> {
        let program = self.program.as_ref().filter(|_| self.rules().is_empty())?;
        let members = program.members();
        if members.ops != 0 || !members.name {
            return None;
        }
        Some((program, self.states.get(ROOT)?))
    }

    /// The tag in the generation `generation` of a name of which neither a rule nor a program speaks.
    pub(crate) fn bare_tag(&self, generation: u64) -> Result<Tag> {
        self.tag_of(generation, ROOT)
    }

    /// The tag in the place of `tag` after `lessons`. May sleep.
    pub(crate) fn learned(&self, tag: Tag, lessons: &Lessons) -> Result<Tag> {
        if lessons.is_empty() {
            return Ok(tag);
        }
        let mut number = tag.state();
        lessons.each(|lesson| {
            number = self.known.after(number, lesson, |number| {
                let state = self.states.get(number).ok_or(EIO)?;
                self.states.intern(state.learn(lesson)?)
            })?;
            Ok(())
        })?;
        self.tag_of(tag.generation(), number)
    }

    /// The number of the state `number` with everything to be asked that a program is asked about a new
    /// name. May sleep.
    fn asking(&self, number: u32) -> Result<u32> {
        let asks = self.asks();
        if asks.is_nothing() {
            return Ok(number);
        }
        self.known.asking(asks, number, || {
            let state = self.states.get(number).ok_or(EIO)?;
            self.states.intern(state.asking(asks)?)
        })
    }

    /// `dentry` before a program is asked about it. May be called in RCU walk.
    pub(crate) fn seen(&self, dentry: &SwitchDentry) -> Seen {
        Seen {
            seq: dentry.seq(),
            generation: self.generation(),
        }
    }

    /// Lets `dentry`, which was `seen` before a program was asked, remember `lessons`. May sleep.
    pub(crate) fn remember(&self, dentry: &SwitchDentry, seen: Seen, lessons: &Lessons) {
        let tag = dentry.tag();
        // What another program said is not taken for an answer of this generation's.
        if lessons.is_empty()
            || tag.generation() != seen.generation
            || !Self::is_of(tag, self.generation())
        {
            return;
        }
        // Without memory it is asked again.
        let Ok(new) = self.learned(tag, lessons) else {
            return;
        };
        dentry.set_tag(new);
        if dentry.seq() != seen.seq {
            dentry.set_tag(Tag::NONE);
        }
    }

    /// The state of a name of the mount. May sleep.
    pub(crate) fn state(&self, dentry: &SwitchDentry) -> Result<&State> {
        let tag = self.tag(dentry)?;
        self.states.get(tag.state()).ok_or(EIO)
    }

    /// The tag of a name of the mount, left with it. May sleep.
    pub(crate) fn tag(&self, dentry: &SwitchDentry) -> Result<Tag> {
        let known = dentry.tag();
        if Self::is_of(known, self.generation()) {
            return Ok(known);
        }
        for _ in 0..TRIES {
            match self.try_tag(dentry) {
                Err(e) if e == EAGAIN => {}
                result => return result,
            }
        }
        Err(crate::error::estale())
    }

    /// The same once; EAGAIN when a tag on the way was replaced by one of another generation, by
    /// somebody who works under another policy.
    fn try_tag(&self, dentry: &SwitchDentry) -> Result<Tag> {
        // Read first: what is computed from here on is not taken for a later generation's.
        let generation = self.generation();
        let current = |d: &SwitchDentry| Self::is_of(d.tag(), generation);
        path::fold(
            dentry,
            current,
            |top| {
                if top.is_root() {
                    return self.tag_of(generation, ROOT);
                }
                let tag = top.tag();
                if Self::is_of(tag, generation) {
                    Ok(tag)
                } else {
                    Err(EAGAIN)
                }
            },
            |tag, step| {
                let tag = {
                    let parent = self.folds.then(|| step.dentry.parent());
                    let dir = parent.as_ref().and_then(|parent| parent.inode());
                    self.child_tag(tag, dir, step.name, kind_of(step.dentry))?
                };
                step.dentry.set_tag(tag);
                // Renamed meanwhile, the name may have lost its old tag before it got this one.
                if step.dentry.seq() != step.seq {
                    step.dentry.set_tag(Tag::NONE);
                }
                Ok(tag)
            },
        )
    }

    /// The tag of `name`, an object of the type `kind`, in the directory `inode` with the tag `dir`, of
    /// the same generation. May sleep.
    fn child_tag(
        &self,
        dir: Tag,
        inode: Option<&SwitchInode>,
        name: Name<'_>,
        kind: Option<Kind>,
    ) -> Result<Tag> {
        if self.rules().is_empty() {
            return self.tag_of(dir.generation(), self.asking(ROOT)?);
        }
        let places = self.places(dir, inode, name)?;
        self.tag_at(dir, places, inode, name, kind)
    }

    /// Where `name` stands among the rules, in the directory `inode` with the tag `dir`; none if that
    /// is at too many places. May sleep.
    fn places(
        &self,
        dir: Tag,
        inode: Option<&SwitchInode>,
        name: Name<'_>,
    ) -> Result<Option<Places>> {
        let state = self.states.get(dir.state()).ok_or(EIO)?;
        self.with_name(inode, name, |name| self.rules.places(state, name))
    }

    /// As [`Policy::child_tag`], for a name that is known to stand at `places`. May sleep.
    fn tag_at(
        &self,
        dir: Tag,
        places: Option<Places>,
        inode: Option<&SwitchInode>,
        name: Name<'_>,
        kind: Option<Kind>,
    ) -> Result<Tag> {
        let number = match places {
            Some(places) => {
                let make = || Ok(self.rules.state_at(&places, kind)?);
                self.states.at(places, kind, make)?
            }
            None => {
                let dir = self.states.get(dir.state()).ok_or(EIO)?;
                let child = |name: &route::Name<'_>| self.rules.child(dir, name, kind);
                self.states.intern(self.with_name(inode, name, child)??)?
            }
        };
        self.tag_of(dir.generation(), self.asking(number)?)
    }

    /// How names in the directory `inode` are folded, if that makes a difference.
    fn encoding<'a>(&self, inode: Option<&'a SwitchInode>) -> Option<Encoding<'a>> {
        let inode = inode.filter(|_| self.folds)?;
        inode.real_inode()?.encoding()
    }

    /// Whether there are directories that fold names.
    pub(crate) fn folds(&self) -> bool {
        self.folds
    }

    /// The folded form of `name` in the directory `inode`, if that folds names. May sleep.
    pub(crate) fn fold(
        &self,
        inode: Option<&SwitchInode>,
        name: Name<'_>,
    ) -> Result<Option<KVec<u8>>> {
        match self.encoding(inode) {
            Some(encoding) => encoding.fold(name.bytes()),
            None => Ok(None),
        }
    }

    /// ECHILD if the directory `inode` folds names. Any context.
    pub(crate) fn check_unfolded(&self, inode: Option<&SwitchInode>) -> Result {
        self.encoding(inode).map_or(Ok(()), |_| Err(ECHILD))
    }

    /// Calls `f` with `name` as rules look at a name in the directory `inode`. May sleep.
    pub(crate) fn with_name<R>(
        &self,
        inode: Option<&SwitchInode>,
        name: Name<'_>,
        f: impl FnOnce(&route::Name<'_>) -> R,
    ) -> Result<R> {
        Ok(match self.fold(inode, name)? {
            Some(folded) => f(&route::Name::folded(name.bytes(), &folded)),
            None => f(&route::Name::new(name.bytes())),
        })
    }

    /// The state of `name` in the directory `dir`, for an object of the type `kind`, by itself. May
    /// sleep.
    pub(crate) fn child(
        &self,
        dir: &SwitchDentry,
        name: Name<'_>,
        kind: Option<Kind>,
    ) -> Result<State> {
        let state = self.state(dir)?;
        let child = self.with_name(dir.inode(), name, |name| {
            self.rules.child(state, name, kind)
        })??;
        Ok(child.asking(self.asks())?)
    }

    /// The tag and the state of a name whose directory is locked, for an object of the type `kind`.
    /// May sleep.
    pub(crate) fn entry(&self, entry: Entry<'_>, kind: Option<Kind>) -> Result<(Tag, &State)> {
        if self.rules().is_empty() {
            let generation = self.generation();
            let number = self.asking(ROOT)?;
            let tag = self.tag_of(generation, number)?;
            return Ok((tag, self.states.get(number).ok_or(EIO)?));
        }
        let tag = self.tag(entry.parent())?;
        let tag = self.child_tag(tag, Some(entry.dir()), entry.name(), kind)?;
        Ok((tag, self.states.get(tag.state()).ok_or(EIO)?))
    }

    /// The same for a name that is looked up, so that its type is not known yet. May sleep.
    pub(crate) fn lookup(&self, entry: Entry<'_>) -> Result<(Lookup, &State)> {
        if self.rules().is_empty() {
            let (tag, state) = self.entry(entry, None)?;
            let lookup = Lookup {
                dir: tag,
                places: None,
                tag,
            };
            return Ok((lookup, state));
        }
        let dir = self.tag(entry.parent())?;
        let places = self.places(dir, Some(entry.dir()), entry.name())?;
        let tag = self.tag_at(dir, places, Some(entry.dir()), entry.name(), None)?;
        let state = self.states.get(tag.state()).ok_or(EIO)?;
        Ok((Lookup { dir, places, tag }, state))
    }

    /// The tag of a name that was looked up, for an object of the type `kind`. May sleep.
    pub(crate) fn found(
        &self,
        entry: Entry<'_>,
        lookup: Lookup,
        kind: Option<Kind>,
    ) -> Result<Tag> {
        if kind.is_none() || !self.asks_types() {
            return Ok(lookup.tag);
        }
        let Lookup { dir, places, .. } = lookup;
        self.tag_at(dir, places, Some(entry.dir()), entry.name(), kind)
    }

    /// The branches that can be the home of a name in the directory `inode` of the state `dir`.
    pub(crate) fn names_homes(&self, dir: &State, inode: Option<&SwitchInode>) -> BranchSet {
        if self.asks().gives_homes() {
            return self.all_branches();
        }
        self.rules.names_homes(dir, self.encoding(inode).is_some())
    }

    /// The branches in force.
    fn all_branches(&self) -> BranchSet {
        let add = |set: BranchSet, branch: &BranchId| set.or(BranchSet::of(*branch));
        self.branches.iter().fold(BranchSet::EMPTY, add)
    }

    /// Whether names in the directory of the state `dir` have to be asked about to list them.
    pub(crate) fn names_vary(&self, dir: &State) -> bool {
        self.asks().decides_names() || self.rules.names_vary(dir)
    }

    /// The branches that rules can name for anything below the directory of the state `dir`.
    pub(crate) fn branches_below(&self, dir: &State) -> BranchSet {
        if self.asks().is_nothing() {
            self.rules.branches_below(dir)
        } else {
            self.all_branches()
        }
    }

    /// The branches that rules ask whether names below the directory of the state `dir` exist there.
    pub(crate) fn asked_below(&self, dir: &State) -> BranchSet {
        self.rules.asked_below(dir)
    }

    /// Whether no name below has another home under the state `b` than under `a`.
    pub(crate) fn same_below(&self, a: &State, b: &State) -> bool {
        // What a program would say of the names there is not known.
        !self.asks().gives_homes() && self.rules.same_below(a, b)
    }
}
