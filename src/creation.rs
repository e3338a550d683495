// SPDX-License-Identifier: GPL-2.0-only

//! Files that open(2) is about to make: refused before that if they could not be opened then, so that
//! nothing empty is left behind.

use crate::{
    call::{
        At,
        Call, //
    },
    dir::log_disagreement,
    policy::Policy,
    route::{
        self,
        BranchId,
        Kind,
        Op,
        State,
        Verdict, //
    },
    sb::Info,
    vfs::{
        Caller,
        Entry,
        FileType,
        SwitchDentry, //
    },
};
use kernel::prelude::*;

/// The ways in which the file may be opened: which of them it is to be, a lookup does not know.
const WAYS: [route::Access; 3] = [
    route::Access::READ,
    route::Access::WRITE,
    route::Access::READ.or(route::Access::WRITE),
];

/// Refuses a file of the name `entry`, which is being looked up to make and open it and does not
/// exist, if no way of opening it would succeed: with the errno of a rule that denies it, or EINVAL,
/// and a line in the log, if it would be opened in a branch that does not have it. May sleep.
///
/// A program is told that nothing happens yet.
pub(crate) fn check(info: &Info, policy: &Policy, entry: Entry<'_>) -> Result {
    let (_, state) = policy.entry(entry, Some(Kind::File))?;
    if state.makes_files_at_home() {
        return Ok(());
    }
    Caller::with_current(|caller| {
        let make = || Call::new(info, policy, caller, At::Entry(entry));
        check_call(make, state, entry.dentry())
    })
}

/// The same for `dentry`, a cached name that is known not to exist. May sleep.
pub(crate) fn check_cached(info: &Info, dentry: &SwitchDentry) -> Result {
    if info.policy.is_plain() {
        return Ok(());
    }
    info.settled(|policy| {
        let dir = dentry.parent();
        let state = dentry.with_name(|name| policy.child(&dir, name, Some(Kind::File)))?;
        if state.makes_files_at_home() {
            return Ok(());
        }
        Caller::with_current(|caller| {
            let make = || Call::new(info, policy, caller, At::Dentry(dentry));
            check_call(make, &state, dentry)
        })
    })
}

/// The same for calls that `make` makes, in the state `state` of a file, whose name is that of `dentry`.
fn check_call<'a>(make: impl Fn() -> Call<'a>, state: &State, dentry: &SwitchDentry) -> Result {
    let ahead = |access| {
        let mut call = make();
        call.access = access;
        call.kind = Some(Kind::File);
        call.ahead = true;
        call
    };
    let call = ahead(route::Access::NONE);
    let Some((rule, made_in)) = place(&call, state)? else {
        return Ok(());
    };
    let mut refused = None;
    for way in WAYS {
        match check_way(&ahead(way), state, made_in)? {
            None => return Ok(()),
            Some(refusal) => refused = refused.or(Some(refusal)),
        }
    }
    match refused {
        Some(Refusal::Denied(e)) => Err(e),
        Some(Refusal::Elsewhere(opens, branch)) => {
            let found = (opens, branch, "opens it");
            log_disagreement(call.info, Op::Create, (rule, made_in), found);
            Err(call.info.lost(dentry, Op::Create))
        }
        None => Ok(()),
    }
}

/// The branch in which the file is to be made, and the rule that says so; none if it is refused when it
/// is to be made.
fn place(call: &Call<'_>, state: &State) -> Result<Option<(Option<u16>, BranchId)>> {
    let rules = call.policy.compiled();
    let said = rules.decide(state, Op::Create, call)?;
    if let Verdict::Deny(_) | Verdict::Hide = said.verdict {
        return Ok(None);
    }
    let id = match rules.makes_in(said.verdict) {
        Some(id) => id,
        None => call.home(state)?,
    };
    let home = rules.home_after(state, call, id)?;
    Ok((home.branch == id).then_some((said.rule, id)))
}

/// Why a new file cannot be opened.
enum Refusal {
    /// A rule denies it.
    Denied(Error),
    /// The rule of this number opens it in this branch, which does not have it.
    Elsewhere(Option<u16>, BranchId),
}

/// Why the file, made in the branch `made_in`, cannot be opened in the way of the call; none if it can.
fn check_way(call: &Call<'_>, state: &State, made_in: BranchId) -> Result<Option<Refusal>> {
    let rules = call.policy.compiled();
    let said = rules.decide_after(state, Op::Open, call, made_in)?;
    let branch = match said.verdict {
        Verdict::Home | Verdict::Hide => made_in,
        Verdict::Branch(branch) | Verdict::Gate { branch, .. } => branch,
        Verdict::First(list) => rules.first_existing_after(list, call, made_in)?,
        Verdict::Deny(errno) => return Ok(Some(Refusal::Denied(errno.into()))),
    };
    if branch == made_in {
        return Ok(None);
    }
    let found = call.find(branch)?;
    let is_file = found
        .as_ref()
        .and_then(|found| found.inode())
        .is_some_and(|inode| inode.file_type() == FileType::Regular);
    Ok((!is_file).then_some(Refusal::Elsewhere(said.rule, branch)))
}
