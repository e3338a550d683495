// SPDX-License-Identifier: GPL-2.0-only

//! Renaming: native within a branch, EXDEV across.

use crate::{
    mirror,
    namei::number,
    policy::{
        self,
        decide,
        Decision,
        Policy, //
    },
    route::{
        BranchId,
        Op,
        State, //
    },
    sb::Info,
    vfs::{
        Entry,
        FileType,
        Rename,
        RenameEnd,
        RenameFlags,
        SwitchInode,
        Tag, //
    },
};
use kernel::prelude::*;

/// `rename` of the inode operations. The VFS holds both directories' locks.
pub(crate) fn rename(old: Entry<'_>, new: Entry<'_>, flags: RenameFlags) -> Result {
    let info = old.dir().sb().info();
    let policy = info.policy.get();
    let inode = old.dentry().inode().ok_or(ENOENT)?;
    let target = new.dentry().inode();

    let (_, old_state) = policy.entry(old)?;
    let (_, new_state) = policy.entry(new)?;
    for state in [old_state, new_state] {
        if let Decision::Elsewhere(_) = decide(state, Op::Rename)? {
            return Err(EXDEV);
        }
    }
    let id = policy::home(old_state)?;
    let same_branch = policy::home(new_state)? == id
        && inode.branch() == number(id)
        && target.is_none_or(|t| t.branch() == number(id));
    if !same_branch {
        return Err(EXDEV);
    }
    let moves_dir = is_dir(inode) || target.is_some_and(is_dir);
    if moves_dir && !policy.is_trivial() {
        check_dir(info, &policy, id, (old, old_state), (new, new_state))?;
    }

    let branch = info.branches.get(id)?;
    let old_dir = mirror::make_dir_of(info, old, id)?;
    let new_dir = mirror::make_dir_of(info, new, id)?;
    {
        let _write = branch.mount.want_write()?;
        let _creds = info.assume();
        Rename {
            mount: &branch.mount,
            old: RenameEnd {
                dir: &old_dir,
                name: old.name(),
                object: Some(inode.real_id()),
            },
            new: RenameEnd {
                dir: &new_dir,
                name: new.name(),
                object: target.map(SwitchInode::real_id),
            },
            flags,
        }
        .apply()?;
    }

    old.dentry().moved_to(new.dentry(), flags.exchange());
    // Only after the move: whoever computed a tag before it saw the old name.
    old.dentry().set_tag(Tag::NONE);
    new.dentry().set_tag(Tag::NONE);
    if moves_dir {
        // Of the policy in force, which may be another one than this rename began under.
        info.policy.with(|policy| policy.forget_paths());
    }
    let changed = [Some(inode), target, Some(old.dir()), Some(new.dir())];
    for changed in changed.into_iter().flatten() {
        info.refresh_changed(changed);
    }
    Ok(())
}

/// Whether the inode is a directory.
fn is_dir(inode: &SwitchInode) -> bool {
    inode.file_type() == FileType::Dir
}

/// Refuses to rename a directory when something below would have another home afterwards, or when
/// another branch holds a directory of either path, which would stay behind.
fn check_dir(
    info: &Info,
    policy: &Policy,
    id: BranchId,
    old: (Entry<'_>, &State),
    new: (Entry<'_>, &State),
) -> Result {
    if !policy.same_below(old.1, new.1) {
        return Err(EXDEV);
    }
    for (entry, state) in [old, new] {
        for other in policy.branches_below(state).iter().filter(|b| *b != id) {
            let parent = mirror::find_dir(info, entry.parent(), other)?;
            let Some(parent) = parent else {
                continue;
            };
            if mirror::holds_dir(info, other, &parent, entry.name())? {
                return Err(EXDEV);
            }
        }
    }
    Ok(())
}
