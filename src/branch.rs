// SPDX-License-Identifier: GPL-2.0-only

//! Branches: the directories that a mount is made of.

use crate::{
    error,
    route::BranchId,
    vfs::{
        random,
        BackingFile,
        BranchOps,
        Dentry,
        Inode,
        LogLimit,
        Mount,
        RealPath,
        SwitchInode, //
    },
    watch, //
};
use core::{
    ops::Deref,
    sync::atomic::{
        AtomicU64,
        Ordering, //
    },
};
use kernel::{
    prelude::*,
    str::CString,
    sync::{
        Arc,
        SetOnce, //
    },
};

/// How deep filesystems may be stacked (`FILESYSTEM_MAX_STACK_DEPTH`).
pub(crate) const MAX_DEPTH: u32 = 2;

/// All bits of a mode but set-user-id and set-group-id.
const NO_SETID: u16 = !0o6000;

/// One branch of a mount, as it was attached; it never changes. A branch that is moved by a remount
/// is another one, with a number of its own.
pub(crate) struct Branch {
    /// Its number.
    pub(crate) id: BranchId,
    /// Its place in the mount's list, which it has in common with what it was before it was moved.
    pub(crate) place: u8,
    /// Its name in rules.
    pub(crate) name: CString,
    /// Its path as it was given.
    pub(crate) path: CString,
    /// A private clone of its mount, with the branch's directory as the root.
    pub(crate) mount: Mount,
    /// New at every attach: a handle made before is stale.
    pub(crate) generation: u64,
    /// How often refusals that have to do with it are written to the log.
    pub(crate) log: LogLimit,
    /// Objects that were refused for their depth.
    deep: AtomicU64,
    /// The stack depth that the mount published, which none of its objects may exceed.
    limit: u32,
}

impl Branch {
    /// A branch at the place `place`, with the number `id`, of a mount that has not published its
    /// depth yet.
    pub(crate) fn new(
        id: BranchId,
        place: BranchId,
        name: CString,
        path: CString,
        mount: Mount,
    ) -> Result<Self> {
        Ok(Self {
            id,
            place: crate::namei::number(place),
            name,
            path,
            mount,
            generation: random(),
            log: LogLimit::new()?,
            deep: AtomicU64::new(0),
            limit: MAX_DEPTH,
        })
    }

    /// The branch with the depth that its mount published.
    pub(crate) fn within(mut self, depth: u8) -> Self {
        self.limit = depth.into();
        self
    }

    /// Whether `other` is what this one would be if it were attached again.
    pub(crate) fn is_same(&self, other: &Branch) -> bool {
        self.place == other.place
            && self.path.to_bytes() == other.path.to_bytes()
            && self.mount.is_same(&other.mount)
    }

    /// A path in the branch.
    pub(crate) fn at<'a>(&'a self, dentry: &'a Dentry) -> RealPath<'a> {
        self.mount.at(dentry)
    }

    /// The branch's root directory.
    pub(crate) fn root(&self) -> &Dentry {
        self.mount.root()
    }

    /// The permission bits that are taken over from the branch's files: without those that would
    /// give rights which the branch's mount does not.
    pub(crate) fn mode_mask(&self) -> u16 {
        if self.mount.nosuid() {
            NO_SETID
        } else {
            !0
        }
    }

    /// The same for the object of `inode`, whose data may come from another branch.
    pub(crate) fn mode_mask_of(&self, inode: &SwitchInode) -> u16 {
        if inode.hides_setid() {
            NO_SETID
        } else {
            self.mode_mask()
        }
    }

    /// Whether what permission checks look at in `inode` is not as `real`, its object, has it. May be
    /// called in RCU walk.
    #[inline]
    pub(crate) fn differs(&self, inode: &SwitchInode, real: &Inode) -> bool {
        (self.mount.is_idmapped() || !inode.equals(real)) && self.surely_differs(inode, real)
    }

    /// The same, with ids mapped and bits masked.
    #[inline(never)]
    fn surely_differs(&self, inode: &SwitchInode, real: &Inode) -> bool {
        inode.differs_from(real, self.mount.idmap(), self.mode_mask_of(inode))
    }

    /// Whether the branch can serve anything. One that is stacked too deep is not even called: its
    /// locks come before those of this mount.
    pub(crate) fn is_usable(&self) -> bool {
        self.root()
            .inode()
            .is_some_and(|root| root.stack_depth() < self.limit)
    }

    /// Refuses an object on which no further filesystem may be stacked within the published depth:
    /// ELOOP, and a line in the log. The depth of its stand-in otherwise.
    #[inline(always)]
    pub(crate) fn check_depth(&self, real: &Inode) -> Result<u8> {
        let depth = real.stack_depth().saturating_add(1);
        match u8::try_from(depth) {
            Ok(fits) if depth <= self.limit => Ok(fits),
            _ => Err(self.too_deep(depth)),
        }
    }

    /// How often an object was refused for its depth.
    pub(crate) fn refused_deep(&self) -> u64 {
        self.deep.load(Ordering::Relaxed)
    }

    /// Tells of an object that is stacked too deep.
    #[cold]
    #[inline(never)]
    fn too_deep(&self, depth: u32) -> Error {
        self.deep.fetch_add(1, Ordering::Relaxed);
        watch::too_deep(self.mount.dev(), self.path.to_bytes(), error::eloop());
        if self.log.allows() {
            pr_warn!(
                "branch {} at {}: an object is stacked {} deep, the mount allows {}\n",
                &*self.name,
                &*self.path,
                depth,
                self.limit
            );
        }
        error::eloop()
    }
}

impl BranchOps for Branch {
    fn top(&self) -> &Dentry {
        self.mount.root()
    }

    fn number(&self) -> u8 {
        crate::namei::number(self.id)
    }

    fn depth(&self) -> u8 {
        let below = self.root().inode().map_or(0, Inode::stack_depth);
        u8::try_from(below.saturating_add(1)).unwrap_or(u8::MAX)
    }
}

/// All branches that were ever attached to a mount, by their number. There is at least one, and none
/// goes before the mount does: inodes and operations go on with those that a remount moved away.
///
/// Which of them are in force is the policy's to say, so that they change in one step with the rules.
pub(crate) struct Branches {
    /// The one with the number 0.
    first: Arc<Branch>,
    /// All of them.
    all: [SetOnce<Arc<Branch>>; BranchId::MAX],
}

impl Branches {
    /// The branches of a new mount that publishes the stack depth `depth`, in their order.
    pub(crate) fn new(branches: KVec<Branch>, depth: u8) -> Result<Self> {
        let all = [const { SetOnce::new() }; BranchId::MAX];
        let mut first = None;
        for (slot, branch) in all.iter().zip(branches) {
            let branch = Arc::new(branch.within(depth), GFP_KERNEL)?;
            first.get_or_insert_with(|| branch.clone());
            slot.populate(branch);
        }
        let first = first.ok_or(EINVAL)?;
        Ok(Self { first, all })
    }

    /// The branch `id`. EIO if there is no such branch, which no rule can name.
    pub(crate) fn get(&self, id: BranchId) -> Result<&Branch> {
        let slot = self.all.get(id.index()).and_then(SetOnce::as_ref);
        slot.map(Deref::deref).ok_or(EIO)
    }

    /// The branch of the inode that has the number `branch`.
    pub(crate) fn of(&self, branch: u8) -> Result<&Branch> {
        self.get(BranchId::new(branch.into()).ok_or(EIO)?)
    }

    /// The number of the branch that an open file is of.
    pub(crate) fn of_file(&self, file: &BackingFile) -> Option<BranchId> {
        let mut branches = self.attached();
        branches.find(|b| file.is_of(&b.mount)).map(|b| b.id)
    }

    /// The branch `id`, which is in force.
    pub(crate) fn known(&self, id: BranchId) -> &Branch {
        self.get(id).unwrap_or(&self.first)
    }

    /// All that were ever attached.
    pub(crate) fn attached(&self) -> impl Iterator<Item = &Branch> {
        self.all
            .iter()
            .map_while(|slot| slot.as_ref().map(Deref::deref))
    }

    /// Keeps `branch` under its number, the first that is free. Called by one remount at a time.
    pub(crate) fn attach(&self, branch: Arc<Branch>) {
        if let Some(slot) = self.all.get(branch.id.index()) {
            slot.populate(branch);
        }
    }
}
