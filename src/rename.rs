// SPDX-License-Identifier: GPL-2.0-only

//! Renaming: native within a branch, EXDEV across.

use crate::{
    call::{
        At,
        Call,
        Decision, //
    },
    dir::ask_names,
    mirror,
    namei::id,
    policy::Policy,
    route::{
        BranchId,
        Kind,
        Op,
        State, //
    },
    sb::Info,
    stats::Reason,
    vfs::{
        Caller,
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
    let inode = old.dentry().inode().ok_or(ENOENT)?;
    let target = new.dentry().inode();

    // Each name is to be that of what it gets.
    let kind = Kind::of_mode(inode.mode());
    let back = target.filter(|_| flags.exchange());
    let back = back.map_or(kind, |target| Kind::of_mode(target.mode()));
    info.watch_entry(old, Op::Rename, || back);
    info.watch_entry(new, Op::Rename, || kind);
    let id = id(inode.branch());
    if target.is_some_and(|target| target.branch() != inode.branch()) {
        return Err(info.refusal(new, Op::Rename, Reason::Cross, EXDEV));
    }
    let moves_dir = is_dir(inode) || target.is_some_and(is_dir);
    info.settled(|policy| {
        if policy.is_trivial() {
            return Ok(());
        }
        let (_, old_state) = policy.entry(old, back)?;
        let (_, new_state) = policy.entry(new, kind)?;
        allow(info, policy, old, old_state, id, flags.exchange())?;
        allow(info, policy, new, new_state, id, true)?;
        if !moves_dir {
            return Ok(());
        }
        let dir = Some(Kind::Dir);
        let (_, old_state) = policy.entry(old, dir)?;
        let (_, new_state) = policy.entry(new, dir)?;
        check_dir(info, policy, id, (old, old_state), (new, new_state))
    })?;

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
    let tag = info.policy.plain().map_or(Tag::NONE, |(tag, _)| tag);
    old.dentry().set_tag(tag);
    new.dentry().set_tag(tag);
    if moves_dir {
        // Of the policy in force, which may be another one than this rename began under.
        info.policy.forget_paths();
    }
    for changed in [Some(inode), target].into_iter().flatten() {
        info.refresh_changed(changed);
    }
    Ok(())
}

/// Whether a rename within the branch `id` may change `entry`, whose state is `state`; afterwards it
/// has something of that branch if it is `kept`. EXDEV when rules say otherwise.
fn allow(
    info: &Info,
    policy: &Policy,
    entry: Entry<'_>,
    state: &State,
    id: BranchId,
    kept: bool,
) -> Result {
    Caller::with_current(|caller| {
        let call = Call::new(info, policy, caller, At::Entry(entry));
        match call.decide(state, Op::Rename, id)? {
            Decision::Home => {}
            Decision::Gated { gate, branch } if branch == id => {
                ask_names(info, entry.parent(), gate)?
            }
            Decision::Elsewhere(_) | Decision::Gated { .. } => {
                return Err(info.refusal(entry, Op::Rename, Reason::Cross, EXDEV));
            }
        }
        if kept && policy.compiled().home_after(state, &call, id)?.branch != id {
            return Err(info.refusal(entry, Op::Rename, Reason::Cross, EXDEV));
        }
        Ok(())
    })
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
        return Err(info.refusal(new.0, Op::Rename, Reason::Cross, EXDEV));
    }
    for (entry, state) in [old, new] {
        let others = policy.branches_below(state).or(policy.asked_below(state));
        for other in others.iter().filter(|b| *b != id) {
            let parent = mirror::find_dir(info, entry.parent(), other)?;
            let Some(parent) = parent else {
                continue;
            };
            if mirror::holds_dir(info, other, &parent, entry.name())? {
                return Err(info.refusal(entry, Op::Rename, Reason::Cross, EXDEV));
            }
        }
    }
    Ok(())
}
