// SPDX-License-Identifier: GPL-2.0-only

//! Changing names: new objects, further names, removal.

use crate::{
    call::{
        At,
        Call,
        Decision, //
    },
    error, inode, listing, mirror,
    namei::{
        self,
        dir_in,
        number, //
    },
    policy::{
        kind_of,
        Policy, //
    },
    rename,
    route::{
        self,
        BranchId,
        Kind,
        Op,
        State,
        Verdict, //
    },
    sb::{
        CredsMode,
        Info, //
    },
    stats::Reason,
    vfs::{
        create_in,
        remove,
        Access,
        Caller,
        CreateKind,
        DirOps,
        Entry,
        Id,
        Idmap,
        LookupFlags,
        Object,
        RealPath,
        RemoveKind,
        RenameFlags,
        StandIn,
        SwitchDentry,
        SwitchInode,
        Tag, //
    },
};
use kernel::{fmt, prelude::*, str::BStr, sync::aref::ARef};

/// The inode operations of directories.
pub(crate) struct Dir;

/// Where a new name goes.
pub(crate) struct Target {
    /// The branch.
    pub(crate) id: BranchId,
    /// What to remember with the name.
    pub(crate) tag: Tag,
}

/// The branch in which `op` makes `entry`, an object with the mode `mode`.
///
/// EINVAL, with a line in the log, when the name would not be looked up there afterwards.
#[inline(always)]
pub(crate) fn target(info: &Info, entry: Entry<'_>, op: Op, mode: u16) -> Result<Target> {
    info.watch_entry(entry, op, || Kind::of_mode(mode));
    if let Some((tag, id)) = info.policy.plain() {
        return Ok(Target { id, tag });
    }
    let kind = Kind::of_mode(mode);
    info.settled(|policy| target_by_rules(info, policy, entry, op, kind))
}

/// The same when there are rules.
#[inline(never)]
fn target_by_rules(
    info: &Info,
    policy: &Policy,
    entry: Entry<'_>,
    op: Op,
    kind: Option<Kind>,
) -> Result<Target> {
    let (tag, state) = policy.entry(entry, kind)?;
    Caller::with_current(|caller| {
        let mut call = Call::new(info, policy, caller, At::Entry(entry));
        call.kind = kind;
        call.makes = true;
        let rules = policy.compiled();
        let decision = rules.decide(state, op, &call)?;
        match decision.verdict {
            Verdict::Gate { gate, .. } => ask_names(info, entry.parent(), gate)?,
            Verdict::Deny(errno) => return Err(errno.into()),
            Verdict::Hide => return Err(EACCES),
            Verdict::Home | Verdict::Branch(_) | Verdict::First(_) => {}
        }
        let id = match rules.makes_in(decision.verdict) {
            Some(id) => id,
            None => call.home(state)?,
        };
        let home = rules.home_after(state, &call, id)?;
        if home.branch != id {
            let found = (home.rule, home.branch, "looks the name up");
            log_disagreement(info, op, (decision.rule, id), found);
            return Err(info.refusal(entry, op, Reason::Lost, EINVAL));
        }
        let tag = policy.learned(tag, &call.into_lessons())?;
        Ok(Target { id, tag })
    })
}

/// Asks the gate `gate` whether the names in the directory `dir` may be changed.
pub(crate) fn ask_names(info: &Info, dir: &SwitchDentry, gate: BranchId) -> Result {
    let dir = mirror::find_dir(info, dir, gate)?.ok_or(ENOENT)?;
    let branch = info.branches.get(gate)?;
    branch
        .at(&dir)
        .permission(info.io_creds(), Access::CHANGE_NAMES)
}

/// Writes to the log which two rules disagree about a new name: the one that makes the object, and
/// the one that does something else with it, each with its branch.
pub(crate) fn log_disagreement(
    info: &Info,
    op: Op,
    made: (Option<u16>, BranchId),
    found: (Option<u16>, BranchId, &str),
) {
    let Ok(branch) = info.branches.get(made.1) else {
        return;
    };
    if !branch.log.allows() {
        return;
    }
    let name = info
        .branches
        .get(found.1)
        .map(|branch| branch.name.to_bytes());
    pr_warn!(
        "{} refused: rule {} makes the object in branch {}, but rule {} {} in {}\n",
        op.name(),
        Number(made.0),
        BStr::from_bytes(branch.name.to_bytes()),
        Number(found.0),
        found.2,
        BStr::from_bytes(name.unwrap_or(b"?")),
    );
}

/// The number of a rule, or that there is none.
struct Number(Option<u16>);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(route::BY_PROGRAM) => f.write_str("bpf"),
            Some(number) => write!(f, "{number}"),
            None => f.write_str("default"),
        }
    }
}

/// Makes an object for `entry` in its home, and returns it.
fn make<'a>(
    idmap: Idmap<'_>,
    entry: Entry<'a>,
    op: Op,
    kind: CreateKind<'_>,
    mode: u16,
) -> Result<Made<'a>> {
    let info = entry.dir().sb().info();
    let target = target(info, entry, op, kind.mode(mode))?;
    let branch = info.branches.get(target.id)?;
    let dir = mirror::make_dir_of(info, entry, target.id)?;
    let real = {
        let _write = branch.mount.want_write()?;
        create_as_caller(info, idmap, branch.at(&dir), entry, kind, mode)?
    };
    let real_inode = real.inode().ok_or(EIO)?;
    let stand_in = inode::identity(branch, number(target.id), &real, real_inode)
        .and_then(|identity| entry.dir().sb().iget_made(&identity));
    let StandIn { inode, is_new } = match stand_in {
        Ok(stand_in) => stand_in,
        Err(e) => {
            undo(info, branch.at(&dir), entry, kind, real_inode.id());
            return Err(e);
        }
    };
    if !is_new {
        info.refresh_changed(&inode);
    }
    Ok(Made {
        target,
        real,
        inode,
    })
}

/// Removes the object `made`, which cannot be shown to the caller that made it; if the branch fails
/// too, it stays, as after a crash.
fn undo(info: &Info, dir: RealPath<'_>, entry: Entry<'_>, kind: CreateKind<'_>, made: Id) {
    let kind = match kind {
        CreateKind::Dir => RemoveKind::Dir,
        _ => RemoveKind::File,
    };
    if let Ok(_write) = dir.mount().want_write() {
        let _creds = info.mounter.assume();
        let _ = remove(dir, entry.name(), None, kind, Some(made));
    }
}

/// What was made.
struct Made<'a> {
    /// Where.
    target: Target,
    /// The branch's object.
    real: Object<'a>,
    /// What stands for it.
    inode: ARef<SwitchInode>,
}

/// Makes an object that belongs to the caller, under the credentials that the mount says.
fn create_as_caller<'a>(
    info: &Info,
    idmap: Idmap<'_>,
    at: RealPath<'_>,
    entry: Entry<'a>,
    kind: CreateKind<'_>,
    mode: u16,
) -> Result<Object<'a>> {
    let known = entry.known();
    if info.creds == CredsMode::Caller {
        return create_in(at, entry.name(), known, kind, mode);
    }
    let mode_of_kind = kind.mode(mode);
    let creator = info
        .creators
        .for_current(&info.mounter, idmap, entry.dentry(), mode_of_kind)?;
    let _creds = creator.assume();
    create_in(at, entry.name(), known, kind, mode)
}

/// Which branch `entry`, whose home is `home`, is removed in, and whether that is the object that was
/// found; of a directory, what stands for it in other branches is removed.
fn remove_by_rules(
    info: &Info,
    entry: Entry<'_>,
    op: Op,
    kind: RemoveKind,
    home: BranchId,
) -> Result<(BranchId, bool)> {
    if let Some((_, default)) = info.policy.plain() {
        // Found in a branch that is not its home since a remount: it is looked up again.
        return if default == home {
            Ok((home, true))
        } else {
            Err(error::estale())
        };
    }
    let decision = info.settled(|policy| {
        let (_, state) = policy.entry(entry, kind_of(entry.dentry()))?;
        if !policy.may_be_home(state, home) {
            return Err(error::estale());
        }
        Caller::with_current(|caller| {
            Call::new(info, policy, caller, At::Entry(entry)).decide(state, op, home)
        })
    })?;
    let id = match decision {
        Decision::Home => home,
        Decision::Elsewhere(id) => id,
        Decision::Gated { gate, branch } => {
            ask_names(info, entry.parent(), gate)?;
            branch
        }
    };
    if kind == RemoveKind::Dir {
        let policy = info.policy.get();
        let (_, state) = policy.entry(entry, Some(Kind::Dir))?;
        clear_mirrors(info, &policy, state, entry, id)?;
    }
    Ok((id, decision == Decision::Home))
}

/// Removes `entry` where the verdict for `op` says. Whether that is its home.
fn remove_entry(entry: Entry<'_>, op: Op, kind: RemoveKind) -> Result {
    let info = entry.dir().sb().info();
    let inode = entry.dentry().inode().ok_or(ENOENT)?;
    let home = BranchId::new(usize::from(inode.branch())).ok_or(EIO)?;
    info.watch_entry(entry, op, || kind_of(entry.dentry()));
    let (id, is_found) = remove_by_rules(info, entry, op, kind, home)?;
    let expected = is_found.then(|| inode.real_id());
    let branch = info.branches.get(id)?;
    let dir = dir_in(info, entry, id)?.ok_or(ENOENT)?;
    {
        let _write = branch.mount.want_write()?;
        let _creds = info.assume();
        let known = entry.known();
        remove(branch.at(&dir), entry.name(), known, kind, expected)?;
    }
    info.refresh_changed(inode);
    // The name is looked up again: after a removal elsewhere it still exists.
    entry.dentry().unhash();
    Ok(())
}

/// Before the directory `entry` is removed in the branch `served`: refuses when it, or a directory of
/// its path in a branch that rules can name below it, holds anything; and removes those others.
fn clear_mirrors(
    info: &Info,
    policy: &Policy,
    state: &State,
    entry: Entry<'_>,
    served: BranchId,
) -> Result {
    let mut mirrors = KVec::new();
    for id in policy
        .branches_below(state)
        .iter()
        .filter(|id| *id != served)
    {
        if let Some(dir) = mirror::find_dir(info, entry.dentry(), id)? {
            let branch = info.branches.get(id)?;
            if !listing::is_empty(info, branch.at(&dir))? {
                return Err(error::enotempty());
            }
            mirrors.push((id, dir), GFP_KERNEL)?;
        }
    }
    if mirrors.is_empty() {
        return Ok(());
    }
    // This one goes last; when it is missing or not empty, the others are to stay.
    let dir = mirror::find_dir(info, entry.dentry(), served)?.ok_or(ENOENT)?;
    if !listing::is_empty(info, info.branches.get(served)?.at(&dir))? {
        return Err(error::enotempty());
    }
    for (id, dir) in mirrors {
        let branch = info.branches.get(id)?;
        let Some(parent) = dir_in(info, entry, id)? else {
            continue;
        };
        let expected = dir.inode().map(|inode| inode.id());
        let _write = branch.mount.want_write()?;
        let _creds = info.mounter.assume();
        remove(
            branch.at(&parent),
            entry.name(),
            None,
            RemoveKind::Dir,
            expected,
        )?;
    }
    Ok(())
}

/// The error of `op` on `entry`, which failed by `e`.
fn failed(entry: Entry<'_>, op: Op, e: Error) -> Error {
    entry.dir().sb().info().failed(At::Entry(entry), op, e)
}

/// Gives the object of `old` the name `entry`, too.
fn link(old: &SwitchDentry, entry: Entry<'_>) -> Result {
    let info = entry.dir().sb().info();
    let inode = old.inode().ok_or(ENOENT)?;
    let target = target(info, entry, Op::Link, inode.mode())?;
    if number(target.id) != inode.branch() {
        return Err(info.refusal(entry, Op::Link, Reason::Cross, EXDEV));
    }
    let branch = info.branches.get(target.id)?;
    let object = inode.real().ok_or_else(error::estale)?;
    let dir = mirror::make_dir_of(info, entry, target.id)?;
    let real = {
        let _write = branch.mount.want_write()?;
        let _creds = info.assume();
        let known = entry.known();
        create_in(
            branch.at(&dir),
            entry.name(),
            known,
            CreateKind::Link(object),
            0,
        )?
    };
    if real.inode().map(|i| i.id()) != Some(inode.real_id()) {
        return Err(error::estale());
    }
    info.refresh_changed(inode);
    entry.dentry().set_tag(target.tag);
    entry.dentry().set_made(real);
    entry.dentry().instantiate(ARef::from(inode));
    Ok(())
}

#[vtable]
impl DirOps for Dir {
    fn lookup(entry: Entry<'_>, flags: LookupFlags) -> Result<Option<ARef<SwitchDentry>>> {
        namei::lookup(entry, flags).map_err(|e| failed(entry, Op::Lookup, e))
    }

    fn create(idmap: Idmap<'_>, entry: Entry<'_>, mode: u16, kind: CreateKind<'_>) -> Result {
        let op = match kind {
            CreateKind::Node(_) => Op::Mknod,
            CreateKind::Symlink(_) => Op::Symlink,
            _ => Op::Create,
        };
        let made = make(idmap, entry, op, kind, mode).map_err(|e| failed(entry, op, e))?;
        entry.dentry().set_tag(made.target.tag);
        entry.dentry().set_made(made.real);
        entry.dentry().instantiate(made.inode);
        Ok(())
    }

    fn mkdir(idmap: Idmap<'_>, entry: Entry<'_>, mode: u16) -> Result<Option<ARef<SwitchDentry>>> {
        let made = make(idmap, entry, Op::Mkdir, CreateKind::Dir, mode)
            .map_err(|e| failed(entry, Op::Mkdir, e))?;
        let dentry = entry.dentry();
        // The branch may have moved the new directory, and it may have been found there already.
        dentry.unhash();
        dentry.set_tag(made.target.tag);
        dentry.set_made(made.real);
        let alias = dentry.splice(Some(made.inode))?;
        if let Some(alias) = &alias {
            entry.dir().sb().info().policy.forget_paths();
            alias.set_tag(Tag::NONE);
        }
        Ok(alias)
    }

    fn link(old: &SwitchDentry, entry: Entry<'_>) -> Result {
        link(old, entry).map_err(|e| failed(entry, Op::Link, e))
    }

    fn unlink(entry: Entry<'_>) -> Result {
        remove_entry(entry, Op::Unlink, RemoveKind::File).map_err(|e| failed(entry, Op::Unlink, e))
    }

    fn rmdir(entry: Entry<'_>) -> Result {
        remove_entry(entry, Op::Rmdir, RemoveKind::Dir).map_err(|e| failed(entry, Op::Rmdir, e))
    }

    fn rename(old: Entry<'_>, new: Entry<'_>, flags: RenameFlags) -> Result {
        rename::rename(old, new, flags).map_err(|e| failed(old, Op::Rename, e))
    }
}
