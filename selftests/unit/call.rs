// SPDX-License-Identifier: GPL-2.0-only

//! The facts of a call that the tests make up.

use super::{
    naive::{is_below, Call},
    src::route::{Access, BranchId, CgroupId, Facts, IdRange, Policy, Who},
    BRANCHES,
};

/// What a call that is made up is asked under a policy.
pub(crate) struct Asked<'a> {
    /// The call.
    pub(crate) call: &'a Call,
    /// The policy, which knows the control groups.
    pub(crate) policy: &'a Policy,
}

/// The facts that fail where they are asked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreachable;

impl Who for Asked<'_> {
    fn uid(&self) -> u32 {
        self.call.uid
    }

    fn in_groups(&self, ids: IdRange) -> bool {
        self.call.groups.iter().any(|group| ids.has(*group))
    }

    fn in_cgroup(&self, group: CgroupId) -> bool {
        let group = self.policy.cgroups().nth(group.index());
        let group = std::str::from_utf8(group.expect("a group")).expect("text");
        is_below(self.call.cgroup, group)
    }
}

impl Facts for Asked<'_> {
    type Error = Unreachable;

    fn access(&self) -> Access {
        let ways = [
            ('r', Access::READ),
            ('w', Access::WRITE),
            ('x', Access::EXEC),
        ];
        let ways = ways
            .iter()
            .filter(|(way, _)| self.call.access.contains(*way));
        ways.fold(Access::NONE, |all, (_, way)| all.or(*way))
    }

    fn size(&self) -> Result<Option<u64>, Unreachable> {
        Ok(self.call.size)
    }

    fn exists(&self, branch: BranchId) -> Result<bool, Unreachable> {
        let name = BRANCHES[branch.index()];
        Ok(self.call.exists.contains(&name))
    }
}

/// Facts of which only the caller is known.
pub(crate) struct CallerOnly<'a>(pub(crate) Asked<'a>);

impl Who for CallerOnly<'_> {
    fn uid(&self) -> u32 {
        self.0.uid()
    }

    fn in_groups(&self, ids: IdRange) -> bool {
        self.0.in_groups(ids)
    }

    fn in_cgroup(&self, group: CgroupId) -> bool {
        self.0.in_cgroup(group)
    }
}

impl Facts for CallerOnly<'_> {
    type Error = Unreachable;

    fn access(&self) -> Access {
        self.0.access()
    }

    fn size(&self) -> Result<Option<u64>, Unreachable> {
        Err(Unreachable)
    }

    fn exists(&self, _: BranchId) -> Result<bool, Unreachable> {
        Err(Unreachable)
    }
}
