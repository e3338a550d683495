// SPDX-License-Identifier: GPL-2.0-only

//! Extended attributes: the branch's, but for those that its mount or this one withholds.

use crate::{
    error,
    route::Op,
    vfs::{
        sees_trusted,
        Mount,
        SwitchDentry,
        SwitchInode,
        XattrBuffer,
        XattrOps,
        XattrValue, //
    },
};
use kernel::prelude::*;

/// Attributes of switchfs itself: a branch's of these names are neither shown nor changed, also
/// when the branch is a switchfs.
const OWN: &[u8] = b"trusted.switchfs.";
/// Attributes for callers with CAP_SYS_ADMIN in the initial user namespace.
const TRUSTED: &[u8] = b"trusted.";
/// The capabilities of a program.
const CAPABILITY: &[u8] = b"security.capability";

/// Whether the mount of the branch, or of the one whose data is executed, takes the attribute its
/// effect, so that it must not be seen.
fn is_void(mount: &Mount, inode: &SwitchInode, name: &[u8]) -> bool {
    name == CAPABILITY && (mount.nosuid() || inode.hides_setid())
}

/// The handler of extended attributes.
pub(crate) struct Xattrs;

#[vtable]
impl XattrOps for Xattrs {
    fn get(
        dentry: &SwitchDentry,
        inode: &SwitchInode,
        name: &CStr,
        buffer: &mut XattrBuffer<'_>,
    ) -> Result<usize> {
        if name.to_bytes().starts_with(OWN) {
            return Err(error::enodata());
        }
        let info = inode.sb().info();
        let served = info.serve(dentry, inode, Op::Getxattr)?;
        if is_void(&served.branch.mount, inode, name.to_bytes()) {
            return Err(error::enodata());
        }
        let _creds = info.assume();
        served.path().getxattr(name, buffer)
    }

    fn set(
        dentry: &SwitchDentry,
        inode: &SwitchInode,
        name: &CStr,
        value: &XattrValue<'_>,
    ) -> Result {
        if name.to_bytes().starts_with(OWN) {
            return Err(EPERM);
        }
        let info = inode.sb().info();
        let served = info.serve(dentry, inode, Op::Setxattr)?;
        let result = {
            let _write = served.branch.mount.want_write()?;
            let _creds = info.assume();
            served.path().setxattr(name, value)
        };
        info.refresh(inode);
        result
    }

    fn remove(dentry: &SwitchDentry, inode: &SwitchInode, name: &CStr) -> Result {
        if name.to_bytes().starts_with(OWN) {
            return Err(EPERM);
        }
        let info = inode.sb().info();
        let served = info.serve(dentry, inode, Op::Removexattr)?;
        let result = {
            let _write = served.branch.mount.want_write()?;
            let _creds = info.assume();
            served.path().removexattr(name)
        };
        info.refresh(inode);
        result
    }

    fn list(dentry: &SwitchDentry, buffer: &mut XattrBuffer<'_>) -> Result {
        let info = dentry.sb().info();
        let inode = dentry.inode().ok_or(ENOENT)?;
        let served = info.serve(dentry, inode, Op::Listxattr)?;
        let names = {
            let _creds = info.assume();
            served.path().listxattr()?
        };
        if names.is_empty() {
            return Ok(());
        }
        // The branch was asked under other credentials than the caller's.
        let trusted = sees_trusted();
        for name in names.split_inclusive(|byte| *byte == 0) {
            let bare = name.strip_suffix(b"\0").unwrap_or(name);
            let hidden = bare.starts_with(OWN)
                || (bare.starts_with(TRUSTED) && !trusted)
                || is_void(&served.branch.mount, inode, bare);
            if !hidden {
                buffer.push(name)?;
            }
        }
        Ok(())
    }
}
