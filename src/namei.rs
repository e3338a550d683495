// SPDX-License-Identifier: GPL-2.0-only

//! Finding names in their homes.

use crate::{
    call::{
        At,
        Call, //
    },
    creation,
    error,
    inode,
    lessons::Lessons,
    mirror,
    policy::Policy,
    route::{
        BranchId,
        Kind,
        Op,
        State,
        Verdict, //
    },
    sb::Info,
    vfs::{
        lookup_one,
        Caller,
        Dentry,
        Entry,
        LookupFlags,
        Object,
        StandIn,
        SwitchDentry,
        SwitchInode,
        Tag, //
    }, //
};
use kernel::{
    prelude::*,
    sync::aref::ARef, //
};

/// The number that inodes have for the branch `id`.
pub(crate) fn number(id: BranchId) -> u8 {
    // CAST: Branches are numbered from 0 to 63.
    id.index() as u8
}

/// The directory of `entry` in the branch `id`, if it is one there. May sleep.
pub(crate) fn dir_in<'a>(
    info: &Info,
    entry: Entry<'a>,
    id: BranchId,
) -> Result<Option<Object<'a>>> {
    if let Some(real) = entry.dir().real_in(number(id)) {
        return Ok(Some(Object::Pinned(real)));
    }
    Ok(mirror::find_dir(info, entry.parent(), id)?.map(Object::Found))
}

/// The branch that has the number `number`.
pub(crate) fn id(number: u8) -> BranchId {
    BranchId::from_bits(number.into())
}

/// `lookup`: finds the name in its home. The directory is locked by the VFS; may sleep.
pub(crate) fn lookup(entry: Entry<'_>, flags: LookupFlags) -> Result<Option<ARef<SwitchDentry>>> {
    let info = entry.dir().sb().info();
    info.watch_entry(entry, Op::Lookup, || None);
    let (tag, home) = match info.policy.plain() {
        Some(plain) => plain,
        None => match info.settled(|policy| find_by_rules(info, policy, entry, flags))? {
            ByRules::Plain(tag, home) => (tag, home),
            ByRules::Found(tag, found) => return connect(info, entry, tag, found),
        },
    };
    let found = find(info, entry, home)?;
    connect(info, entry, tag, found)
}

/// What is found out about a name when there are rules or a program.
enum ByRules {
    /// It is none of theirs: it is in this branch, the default, and gets this tag.
    Plain(Tag, BranchId),
    /// What it is, and its tag.
    Found(Tag, Found),
}

/// What `entry` is when there are rules or a program.
fn find_by_rules(
    info: &Info,
    policy: &Policy,
    entry: Entry<'_>,
    flags: LookupFlags,
) -> Result<ByRules> {
    // Read first: what is said from here on is not taken for a later generation's.
    let generation = policy.generation();
    let known = match policy.asked_about_names() {
        Some(program) => {
            let lesson = Caller::with_current(|caller| {
                let call = Call::finding(info, policy, caller, At::Entry(entry), flags);
                program.ask_about_name(&call)
            })?;
            if lesson.keeps_for_all() {
                return Ok(ByRules::Plain(
                    policy.bare_tag(generation)?,
                    policy.default(),
                ));
            }
            Lessons::of(lesson)
        }
        None => Lessons::new(),
    };
    let (lookup, state) = policy.lookup(entry)?;
    let (home, lessons) = Caller::with_current(|caller| {
        let mut call = Call::finding(info, policy, caller, At::Entry(entry), flags);
        call.lessons = known;
        let home = home_of_call(&call, state, flags)?;
        Ok::<_, Error>((home, call.into_lessons()))
    })?;
    let Some(home) = home else {
        let tag = policy.learned(lookup.tag, &lessons)?;
        return Ok(ByRules::Found(tag, (None, None)));
    };
    let (real, inode) = find(info, entry, home)?;
    if inode.is_none() && flags.makes_to_open() {
        creation::check(info, policy, entry)?;
    }
    let kind = inode.as_ref().and_then(|inode| Kind::of_mode(inode.mode()));
    let tag = policy.found(entry, lookup, kind)?;
    let tag = policy.learned(tag, &lessons)?;
    Ok(ByRules::Found(tag, (real, inode)))
}

/// Whether the name of a call, whose state is `state`, is to be looked for: not if a gate has no
/// such name. An error when the caller is refused.
pub(crate) fn admit(call: &Call<'_>, state: &State, flags: LookupFlags) -> Result<bool> {
    let decision = call.policy.compiled().decide(state, Op::Lookup, call)?;
    match decision.verdict {
        Verdict::Deny(errno) => Err(errno.into()),
        // Whether it exists must make no difference.
        Verdict::Hide if flags.makes() => Err(EACCES),
        Verdict::Hide => Err(ENOENT),
        Verdict::Gate { gate, .. } => Ok(call.find(gate)?.is_some()),
        Verdict::Home | Verdict::Branch(_) | Verdict::First(_) => Ok(true),
    }
}

/// The home of the name of a call, whose state is `state`; `None` if a gate does not have it.
pub(crate) fn home_of_call(
    call: &Call<'_>,
    state: &State,
    flags: LookupFlags,
) -> Result<Option<BranchId>> {
    if !admit(call, state, flags)? {
        return Ok(None);
    }
    call.home(state).map(Some)
}

/// What a lookup found in a branch, and what stands for it in the mount.
type Found = (Option<ARef<Dentry>>, Option<ARef<SwitchInode>>);

/// What `entry` is in the branch `home`.
#[inline]
fn find(info: &Info, entry: Entry<'_>, home: BranchId) -> Result<Found> {
    let branch = info.branches.get(home)?;
    if !branch.is_usable() {
        branch.check_depth(branch.root().inode().ok_or(ENOENT)?)?;
    }
    let Some(dir) = dir_in(info, entry, home)? else {
        mirror::check_held(info, entry.parent())?;
        return Ok((None, None));
    };
    let real = {
        let _creds = info.mounter.assume();
        lookup_one(branch.at(&dir), entry.name())?
    };
    if real.is_managed() {
        return Err(error::eremote());
    }
    let inode = match real.inode() {
        Some(real_inode) => {
            let identity = inode::identity(branch, number(home), &real, real_inode)?;
            let StandIn { inode, is_new } = entry.dir().sb().iget(&identity)?;
            if !is_new {
                info.refresh_changed(&inode);
            }
            Some(inode)
        }
        None => None,
    };
    Ok((Some(real), inode))
}

/// Gives a name what was found for it.
#[inline]
fn connect(
    info: &Info,
    entry: Entry<'_>,
    tag: Tag,
    (real, inode): Found,
) -> Result<Option<ARef<SwitchDentry>>> {
    let dentry = entry.dentry();
    dentry.set_tag(tag);
    dentry.set_real(real);
    let alias = dentry.splice(inode)?;
    if let Some(alias) = &alias {
        // A directory that was renamed in its branch: what is below it has other paths.
        info.policy.forget_paths();
        alias.set_tag(Tag::NONE);
        let real = dentry.real();
        if alias.real().map(|d| d.id()) != real.as_ref().map(|d| d.id()) {
            alias.set_real(real);
        }
    }
    Ok(alias)
}
