// SPDX-License-Identifier: GPL-2.0-only

//! The object of the same path in another branch than its home, and directories made on the way.

use crate::{
    branch::Branch,
    call::{
        At,
        Call, //
    },
    error,
    namei::{
        self,
        number, //
    },
    path,
    route::BranchId,
    sb::Info,
    vfs::{
        create_in,
        lookup_one,
        remove,
        AclKind,
        Caller,
        CreateKind,
        Dentry,
        Entry,
        FileType,
        IAttr,
        Name,
        Object,
        RealPath,
        RemoveKind,
        SwitchDentry,
        SwitchInode, //
    },
};
use kernel::{
    prelude::*,
    sync::aref::ARef, //
};

/// Whether `dentry` is a directory whose home is the branch `id`, or the root, so that its path
/// there is known.
fn is_known(dentry: &SwitchDentry, id: BranchId) -> bool {
    dentry
        .inode()
        .is_some_and(|inode| usize::from(inode.branch()) == id.index())
}

/// The directory that a path in the branch begins with, for a dentry at which the walk stopped.
fn begin(info: &Info, top: &SwitchDentry, id: BranchId) -> Result<ARef<Dentry>> {
    if top.is_root() {
        return Ok(info.branch_root(id)?.into());
    }
    let inode = top.inode().ok_or_else(error::estale)?;
    Ok(inode.real().ok_or_else(error::estale)?.into())
}

/// The dentry of the same path as `dentry` in the branch `id`, positive or negative; `None` when a
/// directory on the way is missing, or the branch can serve nothing. Under the mounter's credentials; may sleep.
pub(crate) fn find(
    info: &Info,
    dentry: &SwitchDentry,
    id: BranchId,
) -> Result<Option<ARef<Dentry>>> {
    let branch = info.branches.get(id)?;
    if !branch.is_usable() {
        return Ok(None);
    }
    let _creds = info.mounter.assume();
    path::fold(
        dentry,
        |d| is_known(d, id) && !core::ptr::eq(d, dentry),
        |top| begin(info, top, id).map(Some),
        |at, on| match at {
            Some(dir) => step(branch, &dir, on.name),
            None => Ok(None),
        },
    )
}

/// One name further down; `None` when `dir` is no directory.
fn step(branch: &Branch, dir: &Dentry, name: Name<'_>) -> Result<Option<ARef<Dentry>>> {
    match dir.inode().map(|inode| inode.file_type()) {
        Some(FileType::Dir) => lookup_one(branch.at(dir), name).map(Some),
        _ => Ok(None),
    }
}

/// The directory of the same path as the directory `dentry` in the branch `id`, if it is one there.
/// May sleep.
pub(crate) fn find_dir(
    info: &Info,
    dentry: &SwitchDentry,
    id: BranchId,
) -> Result<Option<ARef<Dentry>>> {
    if !info.branches.get(id)?.is_usable() {
        return Ok(None);
    }
    if is_known(dentry, id) || dentry.is_root() {
        return begin(info, dentry, id).map(Some);
    }
    let found = find(info, dentry, id)?;
    Ok(found.filter(|d| {
        d.inode()
            .is_some_and(|inode| inode.file_type() == FileType::Dir)
    }))
}

/// Refuses with ESTALE the directory `dir`, which a caller holds, when a remount gave it another home
/// and there is none of its path: what is not there any more is not made again. May sleep.
pub(crate) fn check_held(info: &Info, dir: &SwitchDentry) -> Result {
    if dir.is_root() {
        return Ok(());
    }
    let policy = info.policy.get();
    let state = policy.state(dir)?;
    let inode = dir.inode().ok_or_else(error::estale)?;
    if policy.may_be_home(state, namei::id(inode.branch())) {
        return Ok(());
    }
    let home = Caller::with_current(|caller| {
        Call::new(info, &policy, caller, At::Dentry(dir)).home(state)
    })?;
    match find_dir(info, dir, home)? {
        Some(_) => Ok(()),
        None => Err(error::estale()),
    }
}

/// As [`find_dir`], but what is missing is made, each directory with the label, lists, owner and
/// mode of the one that it mirrors. The caller has no lock of the branch. May sleep.
fn make_dir(info: &Info, dentry: &SwitchDentry, id: BranchId) -> Result<ARef<Dentry>> {
    let branch = info.branches.get(id)?;
    branch.check_depth(branch.root().inode().ok_or(ENOENT)?)?;
    check_held(info, dentry)?;
    let _creds = info.mounter.assume();
    path::fold(
        dentry,
        |d| is_known(d, id),
        |top| begin(info, top, id),
        |dir, on| {
            let found = step(branch, &dir, on.name)?.ok_or(ENOTDIR)?;
            match found.inode().map(|inode| inode.file_type()) {
                Some(FileType::Dir) => Ok(found),
                Some(_) => Err(ENOTDIR),
                None => make_one(branch, &dir, on.dentry, on.name),
            }
        },
    )
}

/// Whether `name` is a directory in the directory `dir` of the branch `id`. May sleep.
pub(crate) fn holds_dir(info: &Info, id: BranchId, dir: &Dentry, name: Name<'_>) -> Result<bool> {
    let branch = info.branches.get(id)?;
    let _creds = info.mounter.assume();
    let found = step(branch, dir, name)?;
    Ok(found
        .and_then(|d| d.inode().map(|inode| inode.file_type()))
        .is_some_and(|kind| kind == FileType::Dir))
}

/// The directory of `entry` in the branch `id`, made if it is missing. May sleep.
#[inline(always)]
pub(crate) fn make_dir_of<'a>(info: &Info, entry: Entry<'a>, id: BranchId) -> Result<Object<'a>> {
    match entry.dir().real_in(number(id)) {
        Some(real) => Ok(Object::Pinned(real)),
        None => make_dir(info, entry.parent(), id).map(Object::Found),
    }
}

/// Makes `name` in `dir` a mirror of the directory `mirrored`.
fn make_one(
    branch: &Branch,
    dir: &Dentry,
    mirrored: &SwitchDentry,
    name: Name<'_>,
) -> Result<ARef<Dentry>> {
    let model = mirrored.inode().ok_or_else(error::estale)?;
    let _write = branch.mount.want_write()?;
    // Nobody but the mounter gets in before the owner is set.
    let made = match create_in(branch.at(dir), name, None, CreateKind::Dir, 0o700) {
        Ok(made) => made,
        // Another caller was faster.
        Err(e) if e == error::estale() => {
            let found = lookup_one(branch.at(dir), name)?;
            let is_dir = found
                .inode()
                .is_some_and(|inode| inode.file_type() == FileType::Dir);
            return if is_dir { Ok(found) } else { Err(ENOTDIR) };
        }
        Err(e) => return Err(e),
    };
    if let Err(e) = take_after(model, branch.at(&made)) {
        let id = made.inode().map(|inode| inode.id());
        // What cannot be finished is not left behind; if it cannot be removed, it is the mounter's.
        let _ = remove(branch.at(dir), name, None, RemoveKind::Dir, id);
        return Err(e);
    }
    Ok(made.into_owned())
}

/// Gives the new directory `to` the label, lists, owner and mode of the directory `model`.
fn take_after(model: &SwitchInode, to: RealPath<'_>) -> Result {
    let (branch, real) = model.object();
    let from = branch.at(real);
    to.copy_label(from.inode()?)?;
    if to.takes_acls()? {
        for kind in [AclKind::Access, AclKind::Default] {
            if let Some(acl) = from.inode_acl(kind)? {
                to.set_acl(kind, acl.copy()?.for_setting())?;
            } else if to.inode_acl(kind)?.is_some() {
                // Inherited from what it was made in.
                to.remove_acl(kind)?;
            }
        }
    }
    IAttr::owner_and_mode(model).apply(to)
}
