// SPDX-License-Identifier: GPL-2.0-only

//! Attaching branches: opened, checked against each other and against the depth of the mount.

use crate::{
    branch::{
        Branch,
        MAX_DEPTH, //
    },
    options::BranchSpec,
    route::BranchId,
    vfs::{
        Access,
        Context,
        Creds,
        Mount,
        StatFs, //
    },
};
use kernel::{
    prelude::*,
    str::CString, //
};

/// The name that the branch at `place` is called by.
pub(crate) fn name_of(spec: &BranchSpec, place: usize) -> Result<CString> {
    match &spec.name {
        Some(name) => Ok(CString::try_from(&**name)?),
        None => CString::try_from_fmt(fmt!("{}", place)),
    }
}

/// Refuses two branches of one name.
pub(crate) fn check_names(context: &Context<'_>, branches: &[Branch]) -> Result {
    for (place, branch) in branches.iter().enumerate() {
        let twin = branches
            .iter()
            .take(place)
            .any(|b| b.name.to_bytes() == branch.name.to_bytes());
        if twin {
            return Err(context.refuse(
                EINVAL,
                fmt!("branches: the name `{}` is given twice", &*branch.name),
            ));
        }
    }
    Ok(())
}

/// Refuses branches of which one is inside another.
pub(crate) fn check_overlap(context: &Context<'_>, branches: &[&Branch]) -> Result {
    for (place, a) in branches.iter().enumerate() {
        for b in branches.iter().take(place) {
            if !a.root().same_sb(b.root()) {
                continue;
            }
            let (inner, outer) = if a.root().is_within(b.root()) {
                (a, b)
            } else if b.root().is_within(a.root()) {
                (b, a)
            } else {
                continue;
            };
            return Err(context.refuse(
                EINVAL,
                fmt!(
                    "branches: `{}` at {} is inside `{}` at {}",
                    &*inner.name,
                    &*inner.path,
                    &*outer.name,
                    &*outer.path
                ),
            ));
        }
    }
    Ok(())
}

/// The reason in words why a branch cannot be used.
pub(crate) fn reason(e: Error) -> &'static str {
    if e == ENOENT {
        "no such directory"
    } else if e == ENOTDIR {
        "not a directory"
    } else if e == EACCES || e == EPERM {
        "permission denied"
    } else if e == EINVAL {
        "not in this mount namespace, or with locked mounts below it"
    } else if e == crate::error::eloop() {
        "too many symbolic links"
    } else {
        "the branch cannot be used"
    }
}

/// Opens the branch `name` at `path`, unless it is opened as `mount`, to be at the place `place` and
/// to have the number `id`.
pub(crate) fn open(
    context: &Context<'_>,
    id: BranchId,
    place: BranchId,
    name: CString,
    path: CString,
    mount: Option<Mount>,
) -> Result<Branch> {
    match mount.map_or_else(|| Mount::open(&path), Ok) {
        Ok(mount) => Branch::new(id, place, name, path, mount),
        Err(e) => Err(context.refuse(
            e,
            fmt!(
                "branches: `{}` at {}: {} ({:?})",
                &*name,
                &*path,
                reason(e),
                e
            ),
        )),
    }
}

/// How deep filesystems are stacked below the root of `branch`.
///
/// A FUSE server says in its first reply how deep it is: a request has to be answered before the
/// depth is read, and it is only sent when the mounter may use the branch.
pub(crate) fn depth_below(context: &Context<'_>, branch: &Branch, mounter: &Creds) -> Result<u32> {
    let root = branch.at(branch.root());
    let asked = root.permission(Some(mounter), Access::EXEC).and_then(|()| {
        let _creds = mounter.assume();
        root.statfs(&mut StatFs::new())
    });
    asked.map_err(|e| {
        context.refuse(
            e,
            fmt!(
                "branches: `{}` at {}: it does not answer the mounter ({:?})",
                &*branch.name,
                &*branch.path,
                e
            ),
        )
    })?;
    Ok(root.inode()?.stack_depth())
}

/// The depth to publish: `asked`, or else that of the deepest branch that can serve anything, and this
/// filesystem. ELOOP when no branch can.
pub(crate) fn depth(
    context: &Context<'_>,
    branches: &[Branch],
    mounter: &Creds,
    asked: u8,
) -> Result<u8> {
    let limit = if asked == 0 { MAX_DEPTH } else { asked.into() };
    let mut deepest = None;
    for branch in branches {
        let depth = depth_below(context, branch, mounter)?.saturating_add(1);
        if depth <= limit {
            deepest = deepest.max(Some(depth));
        }
    }
    let deepest = deepest.and_then(|depth| u8::try_from(depth).ok());
    let Some(deepest) = deepest else {
        return Err(context.refuse(
            crate::error::eloop(),
            fmt!(
                "branches: none can serve anything, all are stacked {} deep already",
                limit
            ),
        ));
    };
    Ok(if asked == 0 { deepest } else { asked })
}
