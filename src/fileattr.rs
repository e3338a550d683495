// SPDX-License-Identifier: GPL-2.0-only

//! The flags that `chattr` shows, and extents: the branch's.

use crate::{
    error,
    route::Op,
    vfs::{
        Fiemap,
        FileAttr,
        FileAttrOps,
        Idmap,
        SwitchDentry,
        SwitchInode, //
    },
};
use kernel::prelude::*;

/// The inode operations on flags and extents.
pub(crate) struct FileAttrs;

#[vtable]
impl FileAttrOps for FileAttrs {
    fn get(dentry: &SwitchDentry, attr: &mut FileAttr) -> Result {
        dentry.trying(Op::Fileattr, || {
            let info = dentry.sb().info();
            let inode = dentry.inode().ok_or(ENOENT)?;
            let served = info.serve(dentry, inode, Op::Fileattr)?;
            let _creds = info.assume();
            served.path().fileattr_get(attr)
        })
    }

    fn set(idmap: Idmap<'_>, dentry: &SwitchDentry, attr: &mut FileAttr) -> Result {
        dentry.trying(Op::Fileattr, || {
            let info = dentry.sb().info();
            let inode = dentry.inode().ok_or(ENOENT)?;
            let served = info.serve(dentry, inode, Op::Fileattr)?;
            // What the VFS checked may have been out of date.
            info.refresh(inode);
            inode.check_owner(idmap)?;
            let result = {
                let _write = served.branch.mount.want_write()?;
                let _creds = info.assume();
                served.path().fileattr_set(attr)
            };
            info.refresh(inode);
            result
        })
    }

    fn fiemap(inode: &SwitchInode, request: Fiemap<'_>) -> Result {
        let info = inode.sb().info();
        let real = inode.real_inode().ok_or_else(error::estale)?;
        let _creds = info.assume();
        real.fiemap(request)
    }
}
