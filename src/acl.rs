// SPDX-License-Identifier: GPL-2.0-only

//! POSIX access control lists: the branch's, with the ids that this mount shows.

use crate::{
    error,
    route::Op,
    vfs::{
        Acl,
        AclKind,
        AclOps,
        CachedAcl,
        IAttr,
        Idmap,
        NewAcl,
        SwitchDentry,
        SwitchInode, //
    },
};
use kernel::prelude::*;

/// The inode operations on lists.
pub(crate) struct Acls;

#[vtable]
impl AclOps for Acls {
    fn get_inode(inode: &SwitchInode, kind: AclKind) -> Result<Option<Acl>> {
        let info = inode.sb().info();
        let (branch, real) = inode.object();
        let _creds = info.assume();
        branch.at(real).inode_acl(kind)
    }

    fn get_inode_rcu(inode: &SwitchInode, kind: AclKind) -> Result<CachedAcl<'_>> {
        // A list whose ids have to be mapped is a new one.
        let (branch, real) = inode.object();
        if branch.mount.is_idmapped() {
            return Err(ECHILD);
        }
        CachedAcl::of(real.inode().ok_or(ECHILD)?, kind)
    }

    fn get(dentry: &SwitchDentry, kind: AclKind) -> Result<Option<Acl>> {
        dentry.trying(Op::Getacl, || {
            let info = dentry.sb().info();
            let inode = dentry.inode().ok_or(ENOENT)?;
            let served = info.serve(dentry, inode, Op::Getacl)?;
            let _creds = info.assume();
            served.path().get_acl(kind)
        })
    }

    fn set(
        idmap: Idmap<'_>,
        dentry: &SwitchDentry,
        acl: Option<NewAcl<'_>>,
        kind: AclKind,
    ) -> Result {
        dentry.trying(Op::Setacl, || {
            let info = dentry.sb().info();
            let inode = dentry.inode().ok_or(ENOENT)?;
            let served = info.serve(dentry, inode, Op::Setacl)?;
            let path = served.path();
            if !path.takes_acls()? {
                return Err(error::eopnotsupp());
            }
            // What the VFS checked may have been out of date.
            info.refresh(inode);
            inode.check_owner(idmap)?;
            let result = {
                let _write = served.branch.mount.want_write()?;
                let clears =
                    acl.is_some() && kind == AclKind::Access && inode.acl_clears_setgid(idmap);
                let _creds = info.assume();
                if clears {
                    // The branch would not: the mounter may keep the bit.
                    IAttr::kill_setgid().apply(path)?;
                }
                match acl {
                    Some(acl) => path.set_acl(kind, acl),
                    None => path.remove_acl(kind),
                }
            };
            info.refresh(inode);
            result
        })
    }
}
