// SPDX-License-Identifier: GPL-2.0-only

//! Remounting: rules, default and branches replaced in one step while the mount is in use.
//!
//! A branch that is moved gets a number of its own, and the rules are compiled anew for the numbers
//! that are then in force. What an operation decided under one policy so names the branches of that
//! policy, whatever is put in force meanwhile, and names found in a branch that was moved are not at
//! home in it any more. Old branches stay with those who use them, and are kept for the life of the
//! mount.

use crate::{
    attach::{
        self,
        name_of, //
    },
    branch::Branch,
    chooser,
    options::BranchSpec,
    params::{
        compile,
        Table,
        Wanted, //
    },
    policy::Policy,
    route::BranchId,
    sb::Info,
    sources::RuleList,
    vfs::{
        Context,
        Forget,
        Mount,
        SuperBlock, //
    },
};
use kernel::{
    prelude::*,
    str::CString,
    sync::Arc, //
};

/// A branch of the mount as it is to be.
enum Seat<'a> {
    /// One that is attached.
    Attached(&'a Branch),
    /// One that will be.
    New(Arc<Branch>),
}

impl Seat<'_> {
    /// The branch.
    fn branch(&self) -> &Branch {
        match self {
            Self::Attached(branch) => branch,
            Self::New(branch) => branch,
        }
    }
}

/// Refuses the names of branches that the mount does not have, and returns for each place the last
/// that was asked for: mount(8) may send the options in force ahead of the new ones.
fn last_asked<'w>(
    context: &Context<'_>,
    old: &[&Branch],
    wanted: &'w mut [BranchSpec],
) -> Result<KVec<Option<&'w mut BranchSpec>>> {
    let mut asked = KVec::new();
    for _ in old {
        asked.push(None, GFP_KERNEL)?;
    }
    for (number, spec) in wanted.iter_mut().enumerate() {
        let name = name_of(spec, number)?;
        let place = old
            .iter()
            .position(|branch| branch.name.to_bytes() == name.to_bytes());
        let Some(slot) = place.and_then(|place| asked.get_mut(place)) else {
            return Err(context.refuse(
                EINVAL,
                fmt!("branches: `{}` cannot be added by a remount", &*name),
            ));
        };
        *slot = Some(spec);
    }
    Ok(asked)
}

/// Refuses to attach again what the mount does not have.
fn check_reattach(context: &Context<'_>, old: &[&Branch], names: &[CString]) -> Result {
    let known = |name: &CString| old.iter().any(|b| b.name.to_bytes() == name.to_bytes());
    match names.iter().find(|name| !known(name)) {
        Some(name) => Err(context.refuse(EINVAL, fmt!("reattach: unknown branch `{}`", &**name))),
        None => Ok(()),
    }
}

/// What `old` is to become, when it is to be at `path`, or is opened as `mount`, and the next branch
/// gets the number `free`.
fn seat<'a>(
    context: &Context<'_>,
    sb: &'a SuperBlock,
    old: &'a Branch,
    path: CString,
    mount: Option<Mount>,
    free: Option<BranchId>,
) -> Result<Seat<'a>> {
    let info = sb.info();
    let place = BranchId::new(old.place.into()).ok_or(EIO)?;
    let name = CString::try_from(&*old.name)?;
    let new = attach::open(context, free.unwrap_or(place), place, name, path, mount)?;
    if sb.is_of(new.root()) {
        return Err(context.refuse(
            EINVAL,
            fmt!(
                "branches: `{}` at {} is this very mount",
                &*new.name,
                &*new.path
            ),
        ));
    }
    // What was attached before in the same way is that branch again.
    if let Some(known) = info.branches.attached().find(|b| b.is_same(&new)) {
        return Ok(Seat::Attached(known));
    }
    let published = sb.depth();
    if attach::depth_below(context, &new, &info.mounter)? >= published {
        return Err(context.refuse(
            crate::error::eloop(),
            fmt!(
                "branches: `{}` at {} is stacked too deep for a mount of depth {}",
                &*new.name,
                &*new.path,
                published
            ),
        ));
    }
    if free.is_none() {
        return Err(context.refuse(
            ENOSPC,
            fmt!(
                "branches: `{}` at {}: {} branches were attached already, unmount first",
                &*new.name,
                &*new.path,
                BranchId::MAX
            ),
        ));
    }
    // CAST: At most `FILESYSTEM_MAX_STACK_DEPTH`.
    let new = Arc::new(new.within(published as u8), GFP_KERNEL)?;
    Ok(Seat::New(new))
}

/// The branches as they are to be.
fn seats<'a>(
    context: &Context<'_>,
    sb: &'a SuperBlock,
    old: &[&'a Branch],
    wanted: &mut Wanted,
) -> Result<KVec<Seat<'a>>> {
    check_reattach(context, old, &wanted.reattach)?;
    let mut next = sb.info().branches.attached().count();
    let asked = last_asked(context, old, &mut wanted.branches)?;
    let mut seats = KVec::new();
    for (branch, spec) in old.iter().zip(asked) {
        let name = branch.name.to_bytes();
        let again = wanted.reattach.iter().any(|n| n.to_bytes() == name);
        let moved = spec
            .as_ref()
            .is_some_and(|s| s.mount.is_some() || s.path.to_bytes() != branch.path.to_bytes());
        // One that stays is not looked at: its server may be dead.
        let seat = if moved || again {
            let (path, mount) = match spec {
                Some(spec) => (CString::try_from(&*spec.path)?, spec.mount.take()),
                None => (CString::try_from(&*branch.path)?, None),
            };
            seat(context, sb, branch, path, mount, BranchId::new(next))?
        } else {
            Seat::Attached(branch)
        };
        if let Seat::New(_) = seat {
            next = next.saturating_add(1);
        }
        seats.push(seat, GFP_KERNEL)?;
    }
    Ok(seats)
}

/// The number of the branch in `branches` that is at the place of `id`.
fn at_place_of(info: &Info, branches: &[&Branch], id: BranchId) -> Option<BranchId> {
    let place = info.branches.get(id).ok()?.place;
    let mut branches = branches.iter();
    branches.find(|b| b.place == place).map(|b| b.id)
}

/// The default branch of the new policy. ELOOP when it cannot be the home of the root.
fn default(
    context: &Context<'_>,
    info: &Info,
    table: &Table<'_>,
    wanted: &Wanted,
    old: BranchId,
) -> Result<BranchId> {
    let other = at_place_of(info, table.0, old);
    let default = table.default(context, wanted.default.as_ref(), other)?;
    table.check_root(context, default)?;
    Ok(default)
}

/// Puts what the options ask for in force. When it fails, nothing has changed; what was begun before
/// is not waited for. The caller holds `s_umount`; may sleep.
pub(crate) fn reconfigure(wanted: &mut Wanted, context: &Context<'_>, sb: &SuperBlock) -> Result {
    let info = sb.info();
    if wanted.creds.is_some_and(|creds| creds != info.creds) {
        return Err(context.refuse(EINVAL, fmt!("creds: cannot be changed by a remount")));
    }
    if wanted
        .max_depth
        .is_some_and(|depth| depth != info.max_depth)
    {
        return Err(context.refuse(EINVAL, fmt!("max_depth: cannot be changed by a remount")));
    }
    let policy = info.policy.get();
    let mut old = KVec::new();
    for branch in info.branches_of(&policy) {
        old.push(branch, GFP_KERNEL)?;
    }
    let seats = seats(context, sb, &old, wanted)?;
    let mut new = KVec::new();
    for seat in seats.iter() {
        new.push(seat.branch(), GFP_KERNEL)?;
    }
    let moved = new.iter().zip(&old).any(|(new, old)| new.id != old.id);
    if moved {
        attach::check_overlap(context, &new)?;
    }
    let table = Table(&new);
    let default = default(context, info, &table, wanted, policy.default())?;
    let stamp = info.policy.stamp();
    let (program, changes) =
        chooser::attach_next(context, wanted, &policy, sb.dev(), new.len(), stamp)?;
    chooser::check_on_detach(context, wanted, program.as_ref())?;
    let same = !moved && !changes && default == policy.default();
    if same && !wanted.rules.are_asked() {
        chooser::change_on_detach(wanted, program.as_ref());
        return Ok(());
    }
    let list = RuleList::read(context, &table, &wanted.rules, Some(&policy))?;
    if same && list.is_of(&policy) {
        chooser::change_on_detach(wanted, program.as_ref());
        if wanted.rules.reload {
            // A program is asked anew, too.
            stamp.forget();
        }
        return Ok(());
    }
    let new_policy = compile(context, &table, list, default, stamp.clone(), program)?;
    // Nothing fails from here on.
    chooser::change_on_detach(wanted, new_policy.program());
    for seat in seats.iter() {
        if let Seat::New(branch) = seat {
            info.branches.attach(branch.clone());
        }
    }
    put_in_force(sb, new_policy, default != policy.default());
    Ok(())
}

/// Replaces the policy, with the home of the root if the default branch is another one.
fn put_in_force(sb: &SuperBlock, policy: Arc<Policy>, moves_root: bool) {
    let info = sb.info();
    if !moves_root {
        info.policy.replace(policy);
        return;
    }
    sb.change_default(|| info.policy.replace(policy));
    if let Some(root) = sb.root().inode() {
        info.refresh(root);
    }
}
