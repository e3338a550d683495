// SPDX-License-Identifier: GPL-2.0-only

//! Objects of any type: permission, attributes, link targets.

use crate::{
    branch::Branch,
    call::Decision,
    ino,
    route::Op,
    sb::Info,
    vfs::{
        Access,
        DelayedCall,
        Dentry,
        FileType,
        IAttr,
        Identity,
        Idmap,
        Inode,
        LinkTarget,
        NodeOps,
        Stat,
        StatQuery,
        SwitchDentry,
        SwitchInode, //
    },
};
use kernel::prelude::*;

/// How the inode of `real`, an object of the branch with the number `id`, is to look.
///
/// ELOOP when it is stacked too deep.
#[inline(always)]
pub(crate) fn identity<'a>(
    branch: &'a Branch,
    id: u8,
    real: &'a Dentry,
    inode: &Inode,
) -> Result<Identity<'a>> {
    Ok(Identity {
        real,
        branch: id,
        depth: branch.check_depth(inode)?,
        ino: ino::map(branch.place, None, inode.ino()),
        idmap: branch.mount.idmap(),
        mode_mask: branch.mode_mask(),
    })
}

/// Gives `stat`, filled with the attributes of the home's object of `inode`, the identity that it has in
/// the mount.
#[inline]
fn identify(inode: &SwitchInode, branch: &Branch, stat: &mut Stat) {
    let dev = branch.mount.dev();
    let foreign = (stat.dev() != dev).then(|| stat.dev());
    let ino = ino::map(branch.place, foreign, stat.ino());
    stat.set_identity(inode.sb().dev(), ino);
}

/// Fills `stat` with the attributes of the object that the decision names, and the identity of the
/// home's.
#[inline(never)]
fn getattr_elsewhere(
    info: &Info,
    dentry: &SwitchDentry,
    inode: &SwitchInode,
    decision: Decision,
    query: StatQuery,
    stat: &mut Stat,
) -> Result {
    let served = info.served(dentry, inode, decision, |gate| {
        gate.path()
            .getattr(info.io_creds(), query, &mut Stat::new())
    })?;
    served.path().getattr(info.io_creds(), query, stat)?;
    let (home, real) = inode.object();
    let mut own = Stat::new();
    home.at(real)
        .getattr(info.io_creds(), query.identity(), &mut own)?;
    identify(inode, home, &mut own);
    stat.set_identity(own.dev(), own.ino());
    Ok(())
}

/// Fills `stat` where the home serves, and takes over the attributes if they have changed.
#[inline(always)]
fn getattr_at_home(info: &Info, inode: &SwitchInode, query: StatQuery, stat: &mut Stat) -> Result {
    let (branch, real) = inode.object();
    branch.at(real).fill(info.io_creds(), query, stat)?;
    identify(inode, branch, stat);
    // What permission checks look at they refresh by themselves.
    match real.inode() {
        Some(real) if inode.differs_in_size(real) => info.refresh_from(inode, branch, real),
        _ => {}
    }
    Ok(())
}

/// Fills `stat` as rules and a program say.
#[inline(never)]
fn getattr_by_rules(
    info: &Info,
    dentry: &SwitchDentry,
    inode: &SwitchInode,
    query: StatQuery,
    stat: &mut Stat,
) -> Result {
    info.watch(dentry, Op::Getattr);
    info.settled(|_| {
        match info.decide_away(dentry, Op::Getattr)? {
            decision if decision != Decision::Home && dentry.is_hashed() => {
                getattr_elsewhere(info, dentry, inode, decision, query, stat)?;
            }
            _ => getattr_at_home(info, inode, query, stat)?,
        }
        if !info.policy.is_programmed() {
            return Ok(());
        }
        info.shape(dentry, stat)
    })
}

/// Refuses what the branch's own mount would refuse, whatever this mount's flags are.
#[inline]
fn check_mount(branch: &Branch, inode: &SwitchInode, access: Access) -> Result {
    let mount = &branch.mount;
    if !mount.restricts() {
        return Ok(());
    }
    if access.opens() && mount.nodev() && inode.file_type() == FileType::Device {
        return Err(EACCES);
    }
    if access.executes() && mount.noexec() && inode.file_type() == FileType::Regular {
        return Err(EACCES);
    }
    Ok(())
}

/// What the home's branch is asked when the caller wants `access` to the object `real`; `None` when it
/// is not asked.
///
/// What a directory's change goes to, the branch of the new name, is asked by the change. Where only
/// the attributes decide, asking them twice tells nothing.
#[inline]
fn asked_of_home(info: &Info, inode: &SwitchInode, real: &Inode, access: Access) -> Option<Access> {
    if !access.writes() || inode.file_type() != FileType::Dir {
        // What this open made is opened whatever its mode: nothing is asked for.
        access.wants_any().then_some(access)
    } else if !access.only_asks() && !real.has_permission_op() {
        None
    } else if info.policy.is_plain() {
        Some(access)
    } else {
        Some(access.without_write())
    }
}

/// The inode operations of every object.
pub(crate) struct Node;

#[vtable]
impl NodeOps for Node {
    /// The branch is asked first: that makes attributes fresh which the caller is then checked by.
    #[inline]
    fn permission(idmap: Idmap<'_>, inode: &SwitchInode, access: Access) -> Result {
        let info = inode.sb().info();
        let (branch, real) = inode.object();
        let real = real.inode().ok_or(ECHILD)?;
        check_mount(branch, inode, access)?;
        if let Some(asked) = asked_of_home(info, inode, real, access) {
            branch.mount.permission(real, info.io_creds(), asked)?;
        }
        if branch.differs(inode, real) {
            if access.in_rcu() {
                return Err(ECHILD);
            }
            info.refresh_from(inode, branch, real);
        }
        if inode.grants_everyone(real, access) {
            return Ok(());
        }
        inode.generic_permission(idmap, access)
    }

    #[inline]
    fn getattr(dentry: &SwitchDentry, stat: &mut Stat, query: StatQuery) -> Result {
        dentry.trying(Op::Getattr, || {
            let info = dentry.sb().info();
            let inode = dentry.inode().ok_or(ENOENT)?;
            if info.policy.is_at_home(dentry, Op::Getattr) {
                info.watch(dentry, Op::Getattr);
                getattr_at_home(info, inode, query, stat)
            } else {
                getattr_by_rules(info, dentry, inode, query, stat)
            }
        })
    }

    fn setattr(idmap: Idmap<'_>, dentry: &SwitchDentry, attr: &mut IAttr) -> Result {
        dentry.trying(Op::Setattr, || {
            let info = dentry.sb().info();
            let inode = dentry.inode().ok_or(ENOENT)?;
            info.refresh(inode);
            attr.prepare(idmap, dentry)?;
            // A new size is a matter of the data.
            let op = if attr.changes_size() {
                Op::Write
            } else {
                Op::Setattr
            };
            let served = info.serve(dentry, inode, op)?;
            let path = served.path();
            let real = path.inode()?;
            // As `vfs_truncate`.
            let _hold = if attr.changes_size() {
                let hold = real.write_hold()?;
                real.break_leases()?;
                Some(hold)
            } else {
                None
            };
            attr.for_branch(idmap);
            let _write = served.branch.mount.want_write()?;
            let result = {
                let _creds = info.assume();
                attr.apply(path)
            };
            info.refresh(inode);
            result
        })
    }

    fn get_link<'a>(
        dentry: Option<&SwitchDentry>,
        inode: &SwitchInode,
        done: DelayedCall<'a>,
    ) -> Result<LinkTarget<'a>> {
        let dentry = dentry.ok_or(ECHILD)?;
        let info = dentry.sb().info();
        let served = info.serve_by(dentry, inode, Op::Readlink, |gate| {
            let _creds = info.assume();
            gate.path().dentry().read_link()
        })?;
        let _creds = info.assume();
        done.get_link(served.path().dentry())
    }

    fn accessed(inode: &SwitchInode) -> Result {
        let info = inode.sb().info();
        let (branch, real) = inode.object();
        branch.at(real).touch_atime();
        info.refresh(inode);
        Ok(())
    }
}
