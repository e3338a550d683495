// SPDX-License-Identifier: GPL-2.0-only

//! What rules ask of a call: who calls, and what branches have at the path.

use crate::{
    lessons::Lessons,
    mirror,
    namei::{
        dir_in,
        number, //
    },
    policy::Policy,
    route::{
        self,
        BranchId,
        CgroupId,
        IdRange,
        Kind,
        Lesson,
        Op,
        Said,
        State,
        Verdict, //
    },
    sb::Info,
    vfs::{
        lookup_one,
        Caller,
        Dentry,
        Entry,
        LookupFlags,
        Name,
        Stat,
        StatQuery,
        SwitchDentry,
        SwitchInode, //
    },
};
use kernel::{
    prelude::*,
    sync::aref::ARef, //
};

/// What the policy says of an operation on an object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The object's home serves it.
    Home,
    /// This other branch serves it.
    Elsewhere(BranchId),
    /// The branch `gate` must agree, then `branch` serves it, where the object is looked up afresh.
    Gated {
        /// Which is asked.
        gate: BranchId,
        /// Which serves.
        branch: BranchId,
    },
}

/// The path that is called upon.
#[derive(Clone, Copy)]
pub(crate) enum At<'a> {
    /// A name of the mount.
    Dentry(&'a SwitchDentry),
    /// A name whose directory is locked.
    Entry(Entry<'a>),
    /// A name in a directory, as a listing has it.
    Listed(&'a SwitchDentry, Name<'a>),
    /// A name of the mount in place: no branch can be asked, since nothing may sleep. ECHILD.
    InPlace(&'a SwitchDentry),
    /// A name in a directory while that is listed, in the same way.
    Passing(&'a SwitchDentry, Name<'a>),
}

/// One call.
pub(crate) struct Call<'a> {
    /// The mount.
    pub(crate) info: &'a Info,
    /// The policy that decides.
    pub(crate) policy: &'a Policy,
    /// Who calls.
    pub(crate) caller: Caller<'a>,
    /// Upon what.
    pub(crate) at: At<'a>,
    /// How a file is being opened.
    pub(crate) access: route::Access,
    /// The flags of that open.
    pub(crate) open_flags: u32,
    /// The type of what is being made.
    pub(crate) kind: Option<Kind>,
    /// Whether the name is looked up to be made.
    pub(crate) makes: bool,
    /// Whether it is only asked what would happen.
    pub(crate) ahead: bool,
    /// What a program said so far.
    pub(crate) lessons: Lessons,
}

/// How `op` uses what it is called upon, when there is no open file.
pub(crate) fn access_of(op: Op) -> route::Access {
    match op {
        // As truncate(2), which is as good as opening the file for it.
        Op::Write => route::Access::WRITE,
        // A directory, which can only be read.
        Op::Open => route::Access::READ,
        _ => route::Access::NONE,
    }
}

impl<'a> Call<'a> {
    /// A call of `op` that has no open file.
    pub(crate) fn of(
        info: &'a Info,
        policy: &'a Policy,
        caller: Caller<'a>,
        at: At<'a>,
        op: Op,
    ) -> Self {
        let mut call = Self::new(info, policy, caller, at);
        call.access = access_of(op);
        call
    }

    /// A call that looks a name up.
    pub(crate) fn finding(
        info: &'a Info,
        policy: &'a Policy,
        caller: Caller<'a>,
        at: At<'a>,
        flags: LookupFlags,
    ) -> Self {
        let mut call = Self::new(info, policy, caller, at);
        call.makes = flags.makes();
        call
    }

    /// A call that opens nothing.
    pub(crate) fn new(info: &'a Info, policy: &'a Policy, caller: Caller<'a>, at: At<'a>) -> Self {
        Self {
            info,
            policy,
            caller,
            at,
            access: route::Access::NONE,
            open_flags: 0,
            kind: None,
            makes: false,
            ahead: false,
            lessons: Lessons::new(),
        }
    }

    /// Who calls.
    fn by(&self) -> By<'_> {
        By {
            policy: self.policy,
            caller: self.caller,
        }
    }

    /// Whether branches can be asked.
    pub(crate) fn may_sleep(&self) -> bool {
        !matches!(self.at, At::InPlace(_) | At::Passing(..))
    }

    /// What a program said already about an operation, or about the name.
    pub(crate) fn said(&self, about: Option<Op>) -> Option<Said> {
        self.lessons.said(about)
    }

    /// Keeps what a program said. May sleep.
    pub(crate) fn learn(&self, lesson: Lesson) -> Result {
        self.lessons.add(lesson)
    }

    /// What a program said.
    pub(crate) fn into_lessons(self) -> Lessons {
        self.lessons
    }

    /// What the policy says of `op` in the state `state` of the path; of an object whose home is
    /// `home`.
    pub(crate) fn decide(&self, state: &State, op: Op, home: BranchId) -> Result<Decision> {
        let decision = self.policy.compiled().decide(state, op, self)?;
        self.resolve(decision, home)
    }

    /// What a rule's verdict means for an object whose home is `home`; the errno of a refusal.
    pub(crate) fn resolve(&self, decision: route::Decision, home: BranchId) -> Result<Decision> {
        let branch = match decision.verdict {
            Verdict::Home => return Ok(Decision::Home),
            Verdict::Branch(branch) => branch,
            Verdict::First(list) => self.policy.compiled().first_existing(list, self)?,
            Verdict::Deny(errno) => return Err(errno.into()),
            Verdict::Hide => return Err(ENOENT),
            Verdict::Gate { gate, branch } => return Ok(Decision::Gated { gate, branch }),
        };
        Ok(if branch == home {
            Decision::Home
        } else {
            Decision::Elsewhere(branch)
        })
    }

    /// The home of the path, whose state is `state`.
    pub(crate) fn home(&self, state: &State) -> Result<BranchId> {
        self.policy
            .compiled()
            .home(state, self)
            .map(|home| home.branch)
    }

    /// The object of the path in the branch `id`, if there is one.
    pub(crate) fn find(&self, id: BranchId) -> Result<Option<ARef<Dentry>>> {
        let found = match &self.at {
            At::Dentry(dentry) => mirror::find(self.info, dentry, id)?,
            At::Entry(entry) => match dir_in(self.info, *entry, id)? {
                Some(dir) => self.find_in(&dir, entry.name(), id)?,
                None => None,
            },
            At::Listed(dir, name) => match mirror::find_dir(self.info, dir, id)? {
                Some(dir) => self.find_in(&dir, *name, id)?,
                None => None,
            },
            At::InPlace(_) | At::Passing(..) => return Err(ECHILD),
        };
        Ok(found.filter(|found| found.inode().is_some()))
    }

    /// What is called `name` in the directory `dir` of the branch `id`.
    fn find_in(&self, dir: &Dentry, name: Name<'_>, id: BranchId) -> Result<Option<ARef<Dentry>>> {
        let branch = self.info.branches.get(id)?;
        if !branch.is_usable() {
            return Ok(None);
        }
        let _creds = self.info.mounter.assume();
        lookup_one(branch.at(dir), name).map(Some)
    }

    /// The inode of the path, if it is known.
    pub(crate) fn inode(&self) -> Option<&SwitchInode> {
        match &self.at {
            At::Dentry(dentry) | At::InPlace(dentry) => dentry.inode(),
            At::Entry(entry) => entry.dentry().inode(),
            At::Listed(..) | At::Passing(..) => None,
        }
    }
}

/// Who calls, under a policy.
pub(crate) struct By<'a> {
    /// The policy, which knows the control groups.
    pub(crate) policy: &'a Policy,
    /// Who.
    pub(crate) caller: Caller<'a>,
}

impl route::Who for By<'_> {
    #[inline]
    fn uid(&self) -> u32 {
        self.caller.uid()
    }

    fn in_groups(&self, ids: IdRange) -> bool {
        self.caller.in_groups(ids.first, ids.last)
    }

    fn in_cgroup(&self, group: CgroupId) -> bool {
        self.policy
            .cgroup(group)
            .is_some_and(|path| self.caller.in_cgroup(path))
    }
}

impl route::Who for Call<'_> {
    fn uid(&self) -> u32 {
        self.by().uid()
    }

    fn in_groups(&self, ids: IdRange) -> bool {
        self.by().in_groups(ids)
    }

    fn in_cgroup(&self, group: CgroupId) -> bool {
        self.by().in_cgroup(group)
    }
}

impl route::Facts for Call<'_> {
    type Error = Error;

    fn access(&self) -> route::Access {
        self.access
    }

    fn size(&self) -> Result<Option<u64>> {
        if !self.may_sleep() {
            return Err(ECHILD);
        }
        let Some(inode) = self.inode() else {
            return Ok(None);
        };
        let (branch, real) = inode.object();
        let mut stat = Stat::new();
        branch
            .at(real)
            .getattr(Some(&self.info.mounter), StatQuery::size(), &mut stat)?;
        Ok(Some(stat.size()))
    }

    fn exists(&self, branch: BranchId) -> Result<bool> {
        if let At::Dentry(dentry) = self.at {
            // What has no name any more is nowhere but in its home.
            if !dentry.is_hashed() {
                let home = dentry.inode().map(SwitchInode::branch);
                return Ok(home == Some(number(branch)));
            }
        }
        Ok(self.find(branch)?.is_some())
    }

    fn ask(&self, state: Option<&State>, about: Option<Op>, is_new: bool) -> Result<Said> {
        match self.policy.program() {
            Some(program) => program.ask(self, state, about, is_new),
            None => Ok(Said::Rules),
        }
    }

    fn contradicted(&self) {
        if let Some(program) = self.policy.program() {
            program.complain(0, "a name that has another home");
        }
    }
}
