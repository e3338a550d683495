// SPDX-License-Identifier: GPL-2.0-only

//! The mount: what it is made of, which branch serves an operation, statfs and sync.

use crate::{
    branch::{
        Branch,
        Branches, //
    },
    call::{
        At,
        Call,
        Decision, //
    },
    mirror,
    namei::id,
    options,
    policy::{
        LivePolicy,
        Policy, //
    },
    route::{
        BranchId,
        Kind,
        Op, //
    },
    stats::Stats,
    vfs::{
        Access,
        Caller,
        Creators,
        CredGuard,
        Creds,
        Dentry,
        FileSystem,
        FileType,
        Inode,
        Object,
        RealPath,
        StatFs,
        SuperBlock,
        SuperOps,
        SwitchDentry,
        SwitchInode, //
    },
};
use kernel::{
    prelude::*,
    seq_file::SeqFile, //
};

/// Whose credentials branch calls run under.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CredsMode {
    /// The mounter's, less CAP_SYS_RESOURCE.
    Mounter,
    /// The caller's; for an open file its opener's.
    Caller,
}

/// What is kept for a mount.
pub(crate) struct Info {
    /// The branches, also those that a remount moved away.
    pub(crate) branches: Branches,
    /// The mounter's credentials.
    pub(crate) mounter: Creds,
    /// Those under which objects are made for callers.
    pub(crate) creators: Creators,
    /// Whose credentials branch calls run under.
    pub(crate) creds: CredsMode,
    /// Whether a branch's file is kept for the next open when it is closed.
    pub(crate) keeps_files: bool,
    /// The depth that was asked for to be published, 0 for none.
    pub(crate) max_depth: u8,
    /// The rules, the default and the branches in force.
    pub(crate) policy: LivePolicy,
    /// What is counted.
    pub(crate) stats: Stats,
}

/// An object of a branch that serves an operation.
pub(crate) struct Served<'a> {
    /// The branch.
    pub(crate) branch: &'a Branch,
    /// The object.
    object: Object<'a>,
}

impl Served<'_> {
    /// The object's path in its branch.
    pub(crate) fn path(&self) -> RealPath<'_> {
        self.branch.at(&self.object)
    }

    /// Whether this is the home's object.
    pub(crate) fn is_home(&self) -> bool {
        matches!(self.object, Object::Pinned(_))
    }
}

impl Info {
    /// The credentials of a branch call that does what the caller asked for.
    pub(crate) fn assume(&self) -> Option<CredGuard<'_>> {
        self.io_creds().map(Creds::assume)
    }

    /// The credentials for `backing_file_*`; `None` means the opener's.
    pub(crate) fn io_creds(&self) -> Option<&Creds> {
        (self.creds == CredsMode::Mounter).then_some(&self.mounter)
    }

    /// What the policy says of `op` on `dentry`; no rule moves or denies the root. May sleep.
    #[inline]
    pub(crate) fn decide(&self, dentry: &SwitchDentry, op: Op) -> Result<Decision> {
        self.watch(dentry, op);
        if self.policy.is_at_home(dentry, op) {
            return Ok(Decision::Home);
        }
        self.decide_away(dentry, op)
    }

    /// The same when it is not known that the home serves.
    #[inline]
    pub(crate) fn decide_away(&self, dentry: &SwitchDentry, op: Op) -> Result<Decision> {
        if dentry.is_root() {
            return Ok(Decision::Home);
        }
        self.decide_by_rules(dentry, op)
    }

    /// The same when there are rules, for what is not the root.
    #[inline(never)]
    fn decide_by_rules(&self, dentry: &SwitchDentry, op: Op) -> Result<Decision> {
        let home = dentry
            .inode()
            .map_or(BranchId::FIRST, |inode| id(inode.branch()));
        Caller::with_current(|caller| {
            // In place, unless the state is not known yet, or a branch has to be asked.
            let known = self.policy.with(|policy| {
                policy.settled_in_place(|| {
                    let state = policy.state_of_tag(dentry.tag()).ok_or(ECHILD)?;
                    let call = Call::of(self, policy, caller, At::InPlace(dentry), op);
                    call.decide(state, op, home)
                })
            });
            match known {
                Err(e) if e == ECHILD => {}
                known => return known,
            }
            self.settled(|policy| {
                let seen = policy.seen(dentry);
                let state = policy.state(dentry)?;
                let call = Call::of(self, policy, caller, At::Dentry(dentry), op);
                let decision = call.decide(state, op, home);
                policy.remember(dentry, seen, &call.into_lessons());
                decision
            })
        })
    }

    /// The object that serves `op` on `dentry`, whose inode is `inode`; a gate is asked for
    /// permission to change it. May sleep.
    pub(crate) fn serve<'a>(
        &'a self,
        dentry: &SwitchDentry,
        inode: &'a SwitchInode,
        op: Op,
    ) -> Result<Served<'a>> {
        self.serve_by(dentry, inode, op, |gate| {
            gate.path().permission(self.io_creds(), Access::CHANGE)
        })
    }

    /// As [`Info::serve`], but a gate agrees when `ask` does.
    #[inline]
    pub(crate) fn serve_by<'a>(
        &'a self,
        dentry: &SwitchDentry,
        inode: &'a SwitchInode,
        op: Op,
        ask: impl FnOnce(&Served<'_>) -> Result,
    ) -> Result<Served<'a>> {
        let decision = self.decide(dentry, op)?;
        self.served(dentry, inode, decision, ask)
    }

    /// The object that a decision on `dentry` names; a gate agrees when `ask` does. ENOENT when
    /// another branch does not have it.
    #[inline]
    pub(crate) fn served<'a>(
        &'a self,
        dentry: &SwitchDentry,
        inode: &'a SwitchInode,
        decision: Decision,
        ask: impl FnOnce(&Served<'_>) -> Result,
    ) -> Result<Served<'a>> {
        match decision {
            // What has no name has no other objects of its path: its home serves it.
            Decision::Elsewhere(id) if dentry.is_hashed() => self.found(dentry, inode, id),
            Decision::Gated { gate, branch } if dentry.is_hashed() => {
                ask(&self.found(dentry, inode, gate)?)?;
                self.found(dentry, inode, branch)
            }
            _ => {
                let (branch, real) = inode.object();
                Ok(Served {
                    branch,
                    object: Object::Pinned(real),
                })
            }
        }
    }

    /// The object of the path of `dentry` in the branch `id`, of the same type as `inode`.
    #[inline(never)]
    pub(crate) fn found(
        &self,
        dentry: &SwitchDentry,
        inode: &SwitchInode,
        id: BranchId,
    ) -> Result<Served<'_>> {
        let branch = self.branches.get(id)?;
        let found = mirror::find(self, dentry, id)?.ok_or_else(|| self.missing(dentry))?;
        let real = found.inode().ok_or_else(|| self.missing(dentry))?;
        if Kind::of_mode(real.mode()) != Kind::of_mode(inode.mode()) {
            return Err(self.missing(dentry));
        }
        branch.check_depth(real)?;
        Ok(Served {
            branch,
            object: Object::Found(found),
        })
    }

    /// Takes over the attributes of the home's object.
    pub(crate) fn refresh(&self, inode: &SwitchInode) {
        let (branch, real) = inode.object();
        if let Some(real) = real.inode() {
            self.refresh_from(inode, branch, real);
        }
    }

    /// As [`Info::refresh`], but only when something differs that the VFS looks at by itself.
    pub(crate) fn refresh_changed(&self, inode: &SwitchInode) {
        let (branch, real) = inode.object();
        if let Some(real) = real.inode() {
            self.refresh_changed_from(inode, branch, real);
        }
    }

    /// As [`Info::refresh_changed`], for `real`, the object of `inode` in `branch`.
    #[inline]
    pub(crate) fn refresh_changed_from(&self, inode: &SwitchInode, branch: &Branch, real: &Inode) {
        // Of links alone the VFS looks at the times: whether one that is read is to get a new one.
        if inode.differs_in_extent(real)
            || branch.differs(inode, real)
            || inode.file_type() == FileType::Symlink
        {
            self.refresh_from(inode, branch, real);
        }
    }

    /// Takes over the attributes of `real`, the object of `inode` in `branch`.
    #[inline(never)]
    pub(crate) fn refresh_from(&self, inode: &SwitchInode, branch: &Branch, real: &Inode) {
        inode.refresh_from(real, branch.mount.idmap(), branch.mode_mask_of(inode));
    }

    /// The branches that are in force under `policy`, in their order.
    pub(crate) fn branches_of<'a>(
        &'a self,
        policy: &'a Policy,
    ) -> impl Iterator<Item = &'a Branch> {
        let ids = policy.branches().iter();
        ids.filter_map(|id| self.branches.get(*id).ok())
    }

    /// The root directory of branch `id`.
    pub(crate) fn branch_root(&self, id: BranchId) -> Result<&Dentry> {
        Ok(self.branches.get(id)?.root())
    }
}

/// The superblock operations.
pub(crate) struct Super;

#[vtable]
impl SuperOps for Super {
    fn statfs(dentry: &SwitchDentry, buf: &mut StatFs) -> Result {
        dentry.trying(Op::Statfs, || {
            let sb = dentry.sb();
            let info = sb.info();
            let inode = dentry.inode().ok_or(ENOENT)?;
            let served = info.serve_by(dentry, inode, Op::Statfs, |gate| {
                let _creds = info.assume();
                gate.path().statfs(&mut StatFs::new())
            })?;
            {
                let _creds = info.assume();
                served.path().statfs(buf)?;
            }
            buf.set_identity(crate::Switchfs::MAGIC, sb.dev());
            Ok(())
        })
    }

    fn sync_fs(sb: &SuperBlock) -> Result {
        let info = sb.info();
        let policy = info.policy.get();
        // A branch that fails does not keep the others from being written. What was moved away may
        // hang; it must not hold up a remount.
        let mut result = Ok(());
        // Nothing was written to one that is stacked too deep.
        for branch in info.branches_of(&policy).filter(|b| b.is_usable()) {
            result = result.and(branch.mount.sync(sb));
        }
        result
    }

    fn show_options(sb: &SuperBlock, m: &SeqFile) -> Result {
        options::show(sb.info(), m);
        Ok(())
    }
}
