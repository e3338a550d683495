// SPDX-License-Identifier: GPL-2.0-only

//! Extended attributes: the branch's, but for those that its mount or this one withholds.

use crate::{
    call::Decision,
    error, explain,
    route::Op,
    sb::Info,
    vfs::{
        sees_trusted,
        Mount,
        RealPath,
        SwitchDentry,
        SwitchInode,
        ValueBuffer,
        XattrBuffer,
        XattrName,
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
/// The longest value that user space can read (`XATTR_SIZE_MAX`).
const SIZE_MAX: usize = 65536;
/// The capabilities of a program.
const CAPABILITY: &[u8] = b"security.capability";

/// Whether the mount of the branch, or of the one whose data is executed, takes capabilities their
/// effect, so that they must not be seen.
fn takes_capability(mount: &Mount, inode: &SwitchInode) -> bool {
    mount.nosuid() || inode.hides_setid()
}

/// Whether `name` is that of a program's capabilities.
#[inline(never)]
fn is_capability(name: XattrName<'_>) -> bool {
    name.to_bytes() == CAPABILITY
}

/// Reads an attribute of `path`, which serves `inode`.
#[inline]
fn get_from(
    info: &Info,
    inode: &SwitchInode,
    path: RealPath<'_>,
    name: XattrName<'_>,
    buffer: ValueBuffer<'_>,
) -> Result<usize> {
    if takes_capability(path.mount(), inode) && is_capability(name) {
        return Err(error::enodata());
    }
    path.getxattr(info.io_creds(), name, buffer)
}

/// Reads an attribute of the object that the decision names.
#[inline(never)]
fn get_elsewhere(
    info: &Info,
    dentry: &SwitchDentry,
    inode: &SwitchInode,
    decision: Decision,
    name: XattrName<'_>,
    buffer: ValueBuffer<'_>,
) -> Result<usize> {
    let served = info.served(dentry, inode, decision, |gate| {
        let length = ValueBuffer::none();
        match gate.path().getxattr(info.io_creds(), name, length) {
            // That it has no such attribute is no refusal.
            Err(e) if e != error::enodata() && e != error::eopnotsupp() => Err(e),
            _ => Ok(()),
        }
    })?;
    get_from(info, inode, served.path(), name, buffer)
}

/// Reads an attribute of switchfs itself.
#[cold]
fn get_own(dentry: &SwitchDentry, name: XattrName<'_>, buffer: ValueBuffer<'_>) -> Result<usize> {
    // The VFS asks for the right to any `trusted.` only where user space asks.
    if name.to_bytes() != explain::ROUTE || !sees_trusted() {
        return Err(error::enodata());
    }
    let info = dentry.sb().info();
    let text = info.settled(|_| explain::existing(dentry))?;
    if text.len() > SIZE_MAX {
        return Err(E2BIG);
    }
    buffer.fill(&text)
}

/// The handler of extended attributes.
pub(crate) struct Xattrs;

#[vtable]
impl XattrOps for Xattrs {
    #[inline]
    fn get(
        dentry: &SwitchDentry,
        inode: &SwitchInode,
        name: XattrName<'_>,
        buffer: ValueBuffer<'_>,
    ) -> Result<usize> {
        if name.starts_with(OWN) {
            return get_own(dentry, name, buffer);
        }
        dentry.trying(Op::Getxattr, || {
            let info = inode.sb().info();
            match info.decide(dentry, Op::Getxattr)? {
                decision if decision != Decision::Home && dentry.is_hashed() => {
                    get_elsewhere(info, dentry, inode, decision, name, buffer)
                }
                _ => {
                    let (branch, real) = inode.object();
                    get_from(info, inode, branch.at(real), name, buffer)
                }
            }
        })
    }

    fn set(
        dentry: &SwitchDentry,
        inode: &SwitchInode,
        name: XattrName<'_>,
        value: &XattrValue<'_>,
    ) -> Result {
        if name.starts_with(OWN) {
            return Err(EPERM);
        }
        dentry.trying(Op::Setxattr, || {
            let info = inode.sb().info();
            let served = info.serve(dentry, inode, Op::Setxattr)?;
            let result = {
                let _write = served.branch.mount.want_write()?;
                let _creds = info.assume();
                served.path().setxattr(name, value)
            };
            info.refresh(inode);
            result
        })
    }

    fn remove(dentry: &SwitchDentry, inode: &SwitchInode, name: XattrName<'_>) -> Result {
        if name.starts_with(OWN) {
            return Err(EPERM);
        }
        dentry.trying(Op::Removexattr, || {
            let info = inode.sb().info();
            let served = info.serve(dentry, inode, Op::Removexattr)?;
            let result = {
                let _write = served.branch.mount.want_write()?;
                let _creds = info.assume();
                served.path().removexattr(name)
            };
            info.refresh(inode);
            result
        })
    }

    fn list(dentry: &SwitchDentry, buffer: &mut XattrBuffer<'_>) -> Result {
        dentry.trying(Op::Listxattr, || {
            let info = dentry.sb().info();
            let inode = dentry.inode().ok_or(ENOENT)?;
            let served = info.serve_by(dentry, inode, Op::Listxattr, |gate| {
                let _creds = info.assume();
                gate.path().listxattr().map(|_| ())
            })?;
            let names = {
                let _creds = info.assume();
                served.path().listxattr()?
            };
            if names.is_empty() {
                return Ok(());
            }
            // The branch was asked under other credentials than the caller's.
            let trusted = sees_trusted();
            let void = takes_capability(&served.branch.mount, inode);
            for name in names.split_inclusive(|byte| *byte == 0) {
                let bare = name.strip_suffix(b"\0").unwrap_or(name);
                let hidden = bare.starts_with(OWN)
                    || (bare.starts_with(TRUSTED) && !trusted)
                    || (void && bare == CAPABILITY);
                if !hidden {
                    buffer.push(name)?;
                }
            }
            Ok(())
        })
    }
}
