// SPDX-License-Identifier: GPL-2.0-only

//! Facts: what is known only when an operation is done, and the conditions on it.

use super::{
    op::Op,
    program::Said,
    state::State,
    verdict::BranchId, //
};

/// Who calls. For an open file it is the opener who counts.
pub(crate) trait Who {
    /// The caller's fsuid, as a kernel id.
    fn uid(&self) -> u32;

    /// Whether the caller's fsgid or one of the supplementary groups is in `ids`.
    fn in_groups(&self, ids: IdRange) -> bool;

    /// Whether the caller is in the control group or below it.
    fn in_cgroup(&self, group: CgroupId) -> bool;
}

/// What is known of a call: of who calls, and of the path that is called upon.
///
/// What a rule does not ask for is not asked here.
pub(crate) trait Facts: Who {
    /// Why a branch could not be asked.
    type Error;

    /// How the file is opened; [`Access::NONE`] where nothing is opened.
    fn access(&self) -> Access;

    /// The size of the home object; none if there is no object.
    fn size(&self) -> Result<Option<u64>, Self::Error>;

    /// Whether the path exists in `branch`.
    fn exists(&self, branch: BranchId) -> Result<bool, Self::Error>;

    /// What the program says about an operation; about the name itself if it is none. It `is_new`
    /// when nothing was asked about it yet. The state is that of the name, if it has one.
    fn ask(
        &self,
        state: Option<&State>,
        about: Option<Op>,
        is_new: bool,
    ) -> Result<Said, Self::Error> {
        let _ = (state, about, is_new);
        Ok(Said::Rules)
    }

    /// The program gave the name another home than it gave to others.
    fn contradicted(&self) {}
}

/// The facts `facts`, but that the path exists in the branch `made_in`.
pub(super) struct Made<'a, F> {
    /// The facts before the object was made.
    pub(super) facts: &'a F,
    /// Where it was made.
    pub(super) made_in: BranchId,
}

impl<F: Who> Who for Made<'_, F> {
    fn uid(&self) -> u32 {
        self.facts.uid()
    }

    fn in_groups(&self, ids: IdRange) -> bool {
        self.facts.in_groups(ids)
    }

    fn in_cgroup(&self, group: CgroupId) -> bool {
        self.facts.in_cgroup(group)
    }
}

impl<F: Facts> Facts for Made<'_, F> {
    type Error = F::Error;

    fn access(&self) -> Access {
        self.facts.access()
    }

    fn size(&self) -> Result<Option<u64>, F::Error> {
        self.facts.size()
    }

    fn exists(&self, branch: BranchId) -> Result<bool, F::Error> {
        if branch == self.made_in {
            return Ok(true);
        }
        self.facts.exists(branch)
    }

    fn ask(
        &self,
        state: Option<&State>,
        about: Option<Op>,
        is_new: bool,
    ) -> Result<Said, F::Error> {
        self.facts.ask(state, about, is_new)
    }

    fn contradicted(&self) {
        self.facts.contradicted();
    }
}

/// A range of user or group ids, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IdRange {
    /// The lowest.
    pub(crate) first: u32,
    /// The highest.
    pub(crate) last: u32,
}

impl IdRange {
    /// The highest id; the next one says that there is none.
    pub(super) const MAX: u32 = u32::MAX - 1;

    /// Whether `id` is in it.
    pub(crate) fn has(self, id: u32) -> bool {
        (self.first..=self.last).contains(&id)
    }
}

/// A control group that rules name, by its place in [`Policy::cgroups`](super::Policy::cgroups).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CgroupId(pub(super) u16);

impl CgroupId {
    /// Its place.
    pub(crate) fn index(self) -> usize {
        self.0.into()
    }
}

/// A way, or several, of opening a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access(u8);

impl Access {
    /// Not at all.
    pub(crate) const NONE: Access = Access(0);
    /// For reading.
    pub(crate) const READ: Access = Access(1);
    /// For writing.
    pub(crate) const WRITE: Access = Access(2);
    /// To be executed.
    pub(crate) const EXEC: Access = Access(4);

    /// The ways that have a letter, by it.
    pub(super) const ALL: [(u8, Access); 3] = [
        (b'r', Access::READ),
        (b'w', Access::WRITE),
        (b'x', Access::EXEC),
    ];

    /// The ways, a bit each: 1 for reading, 2 for writing, 4 for execution.
    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    /// The ways that are in either.
    pub(crate) const fn or(self, other: Access) -> Access {
        Access(self.0 | other.0)
    }

    /// Whether some way is in both.
    pub(crate) const fn meets(self, other: Access) -> bool {
        self.0 & other.0 != 0
    }
}

/// What `size=` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// Fewer bytes than this.
    Below(u64),
    /// More bytes than this.
    Above(u64),
}

/// The conditions of a rule that only a call can tell, all of which must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Conditions {
    /// What `uid=` says.
    pub(super) uid: Option<IdRange>,
    /// What `gid=` says.
    pub(super) gid: Option<IdRange>,
    /// What `cgroup=` says; put in when the rule is compiled.
    pub(super) cgroup: Option<CgroupId>,
    /// What `access=` says.
    pub(super) access: Option<Access>,
    /// What `size=` says.
    pub(super) size: Option<Size>,
    /// What `exists=` says.
    pub(super) exists: Option<BranchId>,
    /// What `missing=` says.
    pub(super) missing: Option<BranchId>,
}

impl Conditions {
    /// No conditions.
    pub(super) const NONE: Conditions = Conditions {
        uid: None,
        gid: None,
        cgroup: None,
        access: None,
        size: None,
        exists: None,
        missing: None,
    };

    /// Whether there are none.
    pub(super) fn is_none(&self) -> bool {
        *self == Conditions::NONE
    }

    /// Whether one of them is on the object, which only branches know.
    pub(super) fn asks_branches(&self) -> bool {
        self.size.is_some() || self.exists.is_some() || self.missing.is_some()
    }

    /// Whether there are none but on who calls.
    pub(super) fn ask_caller_alone(&self) -> bool {
        self.access.is_none() && !self.asks_branches()
    }

    /// Whether those on who calls hold.
    #[inline]
    pub(super) fn hold_for<W: Who>(&self, who: &W) -> bool {
        self.uid.is_none_or(|ids| ids.has(who.uid()))
            && self.gid.is_none_or(|ids| who.in_groups(ids))
            && self.cgroup.is_none_or(|group| who.in_cgroup(group))
    }

    /// Whether all of them hold. What costs a call into a branch is asked last.
    pub(super) fn hold<F: Facts>(&self, facts: &F) -> Result<bool, F::Error> {
        if !self.hold_for(facts) || !self.access.is_none_or(|ways| ways.meets(facts.access())) {
            return Ok(false);
        }
        if let Some(size) = self.size {
            let holds = match (facts.size()?, size) {
                (None, _) => false,
                (Some(bytes), Size::Below(limit)) => bytes < limit,
                (Some(bytes), Size::Above(limit)) => bytes > limit,
            };
            if !holds {
                return Ok(false);
            }
        }
        if let Some(branch) = self.exists {
            if !facts.exists(branch)? {
                return Ok(false);
            }
        }
        match self.missing {
            Some(branch) => Ok(!facts.exists(branch)?),
            None => Ok(true),
        }
    }
}
