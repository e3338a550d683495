// SPDX-License-Identifier: GPL-2.0-only

//! Whether cached names still hold.

use crate::{
    call::{
        At,
        Call, //
    },
    creation,
    mirror,
    namei::{
        admit,
        home_of_call,
        number, //
    },
    route::{
        BranchId,
        Needs, //
    },
    sb::Info,
    vfs::{
        Caller,
        Dentry,
        DentryOps,
        Inode,
        LookupFlags,
        Name,
        Revalidate,
        SwitchDentry,
        SwitchInode, //
    },
    watch, //
};
use kernel::{
    prelude::*,
    sync::rcu, //
};

/// The home of a cached name of which it is not plain, or `None` if it is no longer that of the object
/// found. An error when the caller may not use the name; ECHILD in RCU walk when paths or branches have to
/// be looked at.
#[inline(never)]
fn home_by_rules(info: &Info, dentry: &SwitchDentry, flags: LookupFlags) -> Result<Option<u8>> {
    Caller::with_current(|caller| {
        let known = info.policy.with(|policy| {
            policy.settled_in_place(|| {
                let state = policy.state_of_tag(dentry.tag()).ok_or(ECHILD)?;
                if state.lookup_needs() == Needs::Branches {
                    return Err(ECHILD);
                }
                let call = Call::finding(info, policy, caller, At::InPlace(dentry), flags);
                home_of_call(&call, state, flags)
            })
        });
        match known {
            Err(e) if e == ECHILD && !flags.in_rcu() => {}
            known => return Ok(known?.map(number)),
        }
        // The policy changed, or a directory above was renamed, or a branch has to be asked.
        info.settled(|policy| {
            let inode = dentry.inode();
            if inode.is_none() && policy.state_of_tag(dentry.tag()).is_none() {
                // Of a name that does not exist it is not known where it does not.
                return Ok(None);
            }
            let seen = policy.seen(dentry);
            let state = policy.state(dentry)?;
            let call = Call::finding(info, policy, caller, At::Dentry(dentry), flags);
            let home = home_of_call(&call, state, flags);
            policy.remember(dentry, seen, &call.into_lessons());
            Ok(home?
                .map(number)
                .filter(|home| inode.is_none_or(|inode| *home == inode.branch())))
        })
    })
}

/// Whether `real` is where the cached name says: in the directory of the same path in its branch.
#[inline]
fn is_in_place(info: &Info, name: Revalidate<'_>, real: &Dentry, home: u8) -> Result<bool> {
    let Some(dir) = name.dir.real_in(home) else {
        return is_in_place_elsewhere(info, name.dentry, name.name, real, home, name.in_rcu());
    };
    let _guard = (!name.in_rcu()).then(rcu::read_lock);
    Ok(real.is_at(dir, name.name))
}

/// The same for a name whose home is not its directory's.
#[inline(never)]
fn is_in_place_elsewhere(
    info: &Info,
    dentry: &SwitchDentry,
    name: Name<'_>,
    real: &Dentry,
    home: u8,
    in_rcu: bool,
) -> Result<bool> {
    let root = info.branches.of(home)?.root();
    let (in_place, sure) = {
        let _guard = rcu::read_lock();
        climb(dentry, name, real, home, root)
    };
    if !in_place || sure {
        return Ok(in_place);
    }
    if in_rcu {
        return Err(ECHILD);
    }
    // Directories on the way are a server's to confirm.
    let id = BranchId::new(usize::from(home)).ok_or(EIO)?;
    let dir = mirror::find_dir(info, &dentry.parent(), id)?;
    let _guard = rcu::read_lock();
    // Borrowed: to give it back may sleep.
    Ok(dir.as_ref().is_some_and(|dir| real.is_at(dir, name)))
}

/// Climbs from a name and from `real` side by side until the path of the branch is known; whether
/// the names agree, and whether the branch has nothing more to say. Within an RCU read-side critical
/// section.
fn climb(
    dentry: &SwitchDentry,
    name: Name<'_>,
    real: &Dentry,
    home: u8,
    root: &Dentry,
) -> (bool, bool) {
    let mut sure = true;
    let mut at = dentry.parent_rcu();
    let Some(mut dir) = real.parent_rcu() else {
        return (false, true);
    };
    if !real.is_at(dir, name) {
        return (false, true);
    }
    loop {
        let known = if at.is_root() {
            Some(root)
        } else {
            at.inode().and_then(|i| i.real_in(home))
        };
        if let Some(known) = known {
            return (known.id() == dir.id(), sure);
        }
        sure &= !dir.needs_revalidate();
        let Some(above) = dir.parent_rcu() else {
            return (false, true);
        };
        if !at.with_name(|n: Name<'_>| dir.is_at(above, n)) {
            return (false, true);
        }
        dir = above;
        at = at.parent_rcu();
    }
}

/// Asks the branch whether `real` still holds.
#[inline(never)]
fn confirm(info: &Info, flags: LookupFlags, real: &Dentry) -> Result<bool> {
    let _creds = info.mounter.assume();
    real.revalidate(flags)
}

/// Whether the name still is `real`, which was found for it in the branch `home`.
#[inline(always)]
fn holds(info: &Info, name: Revalidate<'_>, real: &Dentry, home: u8) -> Result<bool> {
    if real.needs_revalidate() && !confirm(info, name.flags, real)? {
        return Ok(false);
    }
    let seq = real.raw_seq();
    let inode = name.dentry.inode();
    let found = real.inode();
    if found.map(Inode::id) != inode.map(SwitchInode::real_id)
        || !is_in_place(info, name, real, home)?
    {
        return Ok(false);
    }
    if let (Some(inode), Some(found)) = (inode, found) {
        // The VFS checks some of them before it asks.
        let branch = inode.made_for();
        // Also when it is the same object, of a branch that was attached anew.
        if number(branch.id) != home {
            return Ok(false);
        }
        if branch.differs(inode, found) {
            if name.in_rcu() {
                return Err(ECHILD);
            }
            info.refresh_from(inode, branch, found);
        }
        remember(name.dir, name.dentry, home, real, seq);
    }
    Ok(true)
}

/// Makes the next time plainer for `dentry`, a name in `dir`, which was found to hold as `real`, of the
/// branch `home`, with this `d_seq` since.
#[inline(never)]
fn remember(dir: &SwitchInode, dentry: &SwitchDentry, home: u8, real: &Dentry, seq: u32) {
    let Some(inode) = dentry.inode() else {
        return;
    };
    // What a server has to confirm is never plain, nor what lies below directories that may be moved.
    let confirmed = real.needs_revalidate() || inode.made_for().mount.is_idmapped();
    if !confirmed && dir.real_in(home).is_some() {
        inode.see(dentry, home, real, seq);
    }
}

/// Whether `dentry`, which has the home `home`, surely holds as the object `inode`. In RCU walk.
#[inline(always)]
fn is_as_seen(dentry: &SwitchDentry, inode: &SwitchInode, home: u8) -> bool {
    inode
        .real_of_seen(dentry, home)
        .is_some_and(|real| inode.equals(real))
}

/// The dentry operations.
pub(crate) struct Names;

/// As `holds` for the object that the name was found as, outside of RCU walk.
#[inline(never)]
fn still_holds(
    info: &Info,
    home: u8,
    dir: &SwitchInode,
    name: Name<'_>,
    dentry: &SwitchDentry,
    flags: LookupFlags,
) -> Result<bool> {
    let name = Revalidate::new(dir, name, dentry, flags);
    let known = {
        let _guard = rcu::read_lock();
        let real = name.dentry.real_rcu();
        real.filter(|real| !real.needs_revalidate())
            .map(|real| holds(info, name.rcu(), real, home))
    };
    let holds = match known {
        Some(Ok(true)) => true,
        _ => match name.dentry.real() {
            Some(real) => holds(info, name, &real, home)?,
            None => false,
        },
    };
    if holds && flags.makes_to_open() && name.dentry.inode().is_none() {
        creation::check_cached(info, name.dentry)?;
    }
    Ok(holds)
}

#[vtable]
impl DentryOps for Names {
    #[inline(always)]
    fn is_plain(dentry: &SwitchDentry) -> bool {
        let Some(inode) = dentry.inode() else {
            return false;
        };
        let policy = &dentry.sb().info().policy;
        policy
            .plain_home(dentry.tag())
            .is_some_and(|home| is_as_seen(dentry, inode, home))
    }

    #[inline(always)]
    fn revalidate(name: Revalidate<'_>) -> Result<bool> {
        let info = name.dentry.sb().info();
        let tag = name.dentry.tag();
        let home = if let Some(home) = info.policy.plain_home(tag) {
            home
        } else if let Some(home) = info.policy.home_for_caller(tag) {
            // To this caller it is as plain.
            let inode = name.dentry.inode().filter(|_| name.in_rcu());
            if inode.is_some_and(|inode| is_as_seen(name.dentry, inode, home)) {
                return Ok(true);
            }
            home
        } else {
            let Some(home) = home_by_rules(info, name.dentry, name.flags)? else {
                return Ok(false);
            };
            home
        };
        if !name.in_rcu() {
            return still_holds(info, home, name.dir, name.name, name.dentry, name.flags);
        }
        match name.dentry.real_rcu() {
            Some(real) => holds(info, name, real, home),
            // Nothing tells when a directory that is missing in the home appears.
            None => Ok(false),
        }
    }

    fn revalidate_watched(name: Revalidate<'_>) -> Result<bool> {
        watch::revalidated(name, Self::revalidate(name))
    }

    fn check(dentry: &SwitchDentry) -> Result {
        let info = dentry.sb().info();
        // What has no name has no path that rules could speak of.
        if info.policy.is_plain() || dentry.is_root() || !dentry.is_hashed() {
            return Ok(());
        }
        let tag = dentry.tag();
        if info.policy.plain_home(tag).is_some() || info.policy.home_for_caller(tag).is_some() {
            return Ok(());
        }
        let admitted = info.settled(|policy| {
            let state = policy.state(dentry)?;
            Caller::with_current(|caller| {
                let call = Call::new(info, policy, caller, At::Dentry(dentry));
                admit(&call, state, LookupFlags::NONE)
            })
        })?;
        if admitted {
            Ok(())
        } else {
            Err(ENOENT)
        }
    }
}
