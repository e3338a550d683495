// SPDX-License-Identifier: GPL-2.0-only

//! Objects of any type: permission, attributes, link targets.

use crate::{
    branch::Branch,
    error, ino,
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
        ino: ino::map(id, None, inode.ino()),
        idmap: branch.mount.idmap(),
        mode_mask: branch.mode_mask(),
    })
}

/// Puts the identity of the home's object into `stat`, which was filled from it.
fn set_identity(
    info: &Info,
    dentry: &SwitchDentry,
    inode: &SwitchInode,
    stat: &mut Stat,
) -> Result {
    let branch = info.home(inode)?;
    let foreign = (stat.dev() != branch.mount.dev()).then(|| stat.dev());
    let ino = ino::map(inode.branch(), foreign, stat.ino());
    stat.set_identity(dentry.sb().dev(), ino);
    Ok(())
}

/// Refuses what the branch's own mount would refuse, whatever this mount's flags are.
fn check_mount(branch: &Branch, inode: &SwitchInode, access: Access) -> Result {
    match inode.file_type() {
        FileType::Device if access.opens() && branch.mount.nodev() => Err(EACCES),
        FileType::Regular if access.executes() && branch.mount.noexec() => Err(EACCES),
        _ => Ok(()),
    }
}

/// The inode operations of every object.
pub(crate) struct Node;

#[vtable]
impl NodeOps for Node {
    /// The branch is asked first: that makes attributes fresh which the caller is then checked by.
    fn permission(idmap: Idmap<'_>, inode: &SwitchInode, access: Access) -> Result {
        let info = inode.sb().info();
        let branch = info.home(inode)?;
        let real = inode.real().ok_or(ECHILD)?;
        check_mount(branch, inode, access)?;
        {
            // What a directory's change goes to, the branch of the new name, is asked by the change.
            let spread = inode.file_type() == FileType::Dir && !info.policy.is_plain();
            let asked = if spread {
                access.without_write()
            } else {
                access
            };
            let _creds = info.assume();
            branch.at(real).permission(asked)?;
        }
        let real = real.inode().ok_or(ECHILD)?;
        if inode.differs_from(real, branch.mount.idmap(), branch.mode_mask_of(inode)) {
            if access.in_rcu() {
                return Err(ECHILD);
            }
            info.refresh_from(inode, branch, real);
        }
        inode.generic_permission(idmap, access)
    }

    fn getattr(dentry: &SwitchDentry, stat: &mut Stat, query: StatQuery) -> Result {
        let info = dentry.sb().info();
        let inode = dentry.inode().ok_or(ENOENT)?;
        let served = info.serve(dentry, inode, Op::Getattr)?;
        {
            let _creds = info.assume();
            served.path().getattr(query, stat)?;
        }
        if served.is_home() {
            set_identity(info, dentry, inode, stat)?;
            info.refresh_changed(inode);
        } else {
            let home = info.home(inode)?;
            let real = inode.real().ok_or_else(error::estale)?;
            let mut own = Stat::new();
            {
                let _creds = info.assume();
                home.at(real).getattr(query.identity(), &mut own)?;
            }
            set_identity(info, dentry, inode, &mut own)?;
            stat.set_identity(own.dev(), own.ino());
        }
        Ok(())
    }

    fn setattr(idmap: Idmap<'_>, dentry: &SwitchDentry, attr: &mut IAttr) -> Result {
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
        let _hold = if attr.changes_size() {
            Some(real.write_hold()?)
        } else {
            None
        };
        attr.for_branch();
        let _write = served.branch.mount.want_write()?;
        let result = {
            let _lock = real.lock();
            let _creds = info.assume();
            attr.apply(path)
        };
        info.refresh(inode);
        result
    }

    fn get_link<'a>(
        dentry: Option<&SwitchDentry>,
        inode: &SwitchInode,
        done: DelayedCall<'a>,
    ) -> Result<LinkTarget<'a>> {
        let dentry = dentry.ok_or(ECHILD)?;
        let info = dentry.sb().info();
        let served = info.serve(dentry, inode, Op::Readlink)?;
        let _creds = info.assume();
        done.get_link(served.path().dentry())
    }

    fn accessed(inode: &SwitchInode) -> Result {
        let info = inode.sb().info();
        let branch = info.home(inode)?;
        let real = inode.real().ok_or_else(error::estale)?;
        branch.at(real).touch_atime();
        info.refresh(inode);
        Ok(())
    }
}
