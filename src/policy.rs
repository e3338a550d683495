// SPDX-License-Identifier: GPL-2.0-only

//! A policy: compiled rules, the program above them, and what they say of names that were met.

mod live;
mod tags;

pub(crate) use self::live::LivePolicy;

use crate::{
    known::Known,
    program::Program,
    route::{
        self,
        Asks,
        BranchId,
        BranchSet,
        CgroupId,
        Kind,
        Rule,
        State, //
    },
    sources::{
        self,
        Part,
        RulesFile, //
    },
    stamp::Stamp,
    states::States,
    vfs::{
        CgroupPath,
        Encoding,
        Name,
        SwitchDentry,
        SwitchInode, //
    },
    watch::Hits, //
};
use core::sync::atomic::AtomicBool;
use kernel::{
    prelude::*,
    sync::Arc, //
};

/// The number of the root's state.
const ROOT: u32 = 0;
/// The type of the object that a name stands for, if there is one.
pub(crate) fn kind_of(dentry: &SwitchDentry) -> Option<Kind> {
    dentry.inode().and_then(|inode| Kind::of_mode(inode.mode()))
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
        policy.states.intern(&policy.rules, policy.rules.root()?)?;
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

    /// Whether a program changes what getattr gives.
    #[inline(never)]
    fn shapes_getattr(&self) -> bool {
        self.program
            .as_ref()
            .is_some_and(|program| program.members().getattr)
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
