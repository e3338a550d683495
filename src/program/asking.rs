// SPDX-License-Identifier: GPL-2.0-only

//! What a program is asked about: the name and the facts of a call, and what it finds out by kfuncs.

use super::PAYLOAD;
use crate::{
    call::{
        At,
        Call, //
    },
    error,
    namei::id,
    policy::Policy,
    route::{
        self,
        BranchId,
        List,
        Op,
        State,
        Verdict, //
    },
    vfs::{
        flag,
        word,
        About,
        Asker,
        Name,
        ProgramFacts,
        ProgramLink,
        ProgramObject,
        Question, //
    },
};
use kernel::{
    prelude::*,
    sync::rcu, //
};

/// The number that programs have for the branch `id`.
fn place_of(policy: &Policy, id: BranchId) -> Option<u32> {
    let place = policy.branches().iter().position(|branch| *branch == id)?;
    u32::try_from(place).ok()
}

/// A call that a program is asked about.
pub(super) struct Asking<'a> {
    /// The call.
    pub(super) call: &'a Call<'a>,
    /// The state of the name, if it is known and not that of all names.
    pub(super) state: Option<&'a State>,
    /// The operation; none for the name itself.
    pub(super) about: Option<Op>,
}

impl Asking<'_> {
    /// Calls `f` with the name as it is spelled.
    fn with_spelling<R>(&self, f: impl FnOnce(About<'_>) -> R) -> R {
        match &self.call.at {
            At::Dentry(dentry) | At::InPlace(dentry) => {
                dentry.with_name(|name| {
                    // What has no name is called so.
                    let is_bare = name.bytes() == b"/";
                    let name = if is_bare { Name::new(b"") } else { name };
                    f(About::Dentry(dentry, name))
                })
            }
            At::Entry(entry) => f(About::Dentry(entry.dentry(), entry.name())),
            At::Listed(dir, name) | At::Passing(dir, name) => f(About::Listed(dir, *name)),
        }
    }

    /// Calls `f` with the name, which is folded where its directory folds names: programs see the same
    /// of all its spellings. ECHILD where that is one, and nothing may sleep.
    pub(super) fn with_name<R>(&self, f: impl FnOnce(About<'_>) -> Result<R>) -> Result<R> {
        let policy = self.call.policy;
        if !policy.folds() {
            return self.with_spelling(f);
        }
        self.with_spelling(|about| {
            let (About::Dentry(dentry, name) | About::Listed(dentry, name)) = &about;
            let folded = match &self.call.at {
                At::Dentry(dentry) => policy.fold(dentry.parent().inode(), *name)?,
                At::Entry(entry) => policy.fold(Some(entry.dir()), *name)?,
                At::Listed(dir, _) => policy.fold(dir.inode(), *name)?,
                At::InPlace(dentry) => {
                    let _guard = rcu::read_lock();
                    policy.check_unfolded(dentry.parent_rcu().inode())?;
                    None
                }
                At::Passing(dir, _) => {
                    policy.check_unfolded(dir.inode())?;
                    None
                }
            };
            f(match (&folded, &about) {
                (None, _) => about,
                (Some(name), About::Dentry(..)) => About::Dentry(dentry, Name::new(name)),
                (Some(name), About::Listed(..)) => About::Listed(dentry, Name::new(name)),
            })
        })
    }

    /// The question about `about`, which has its name.
    #[inline]
    pub(super) fn question<'q>(
        &self,
        link: &'q ProgramLink<'q>,
        about: &About<'q>,
    ) -> Question<'q> {
        Question::new(link, about, &self.facts(), self.call.may_sleep())
    }

    /// What the call knows.
    #[inline(always)]
    fn facts(&self) -> ProgramFacts {
        let op = self.about.unwrap_or(Op::Lookup);
        let call = self.call;
        // As for rules: what a name is found as must not depend on what is found.
        let inode = call.inode().filter(|_| !op.finds());
        let object = inode.map(|inode| {
            let home = place_of(call.policy, id(inode.branch()));
            ProgramObject::of(inode, home.unwrap_or(u32::MAX))
        });
        let kind = match (inode, call.kind) {
            (Some(inode), _) => inode.mode() & 0o170_000,
            (None, Some(kind)) if !op.finds() => kind.mode(),
            _ => 0,
        };
        let mut flags = if call.makes { flag::MAKES } else { 0 };
        if call.ahead {
            flags |= flag::AHEAD;
        }
        if let At::Listed(..) | At::Passing(..) = call.at {
            flags |= flag::LISTS;
        }
        ProgramFacts {
            // CAST: Operations have the numbers that the header gives them.
            op: op as u32,
            flags,
            kind,
            access: call.access.bits().into(),
            open_flags: call.open_flags,
            caller: (call.caller.uid(), call.caller.gid()),
            object,
        }
    }

    /// Finds out what the program needs to know. May sleep.
    pub(super) fn find_out(&self, question: &mut Question<'_>) -> Result {
        let call = self.call;
        for place in question.asked() {
            let id = usize::try_from(place).ok();
            let id = id.and_then(|place| call.policy.branches().get(place));
            let exists = route::Facts::exists(call, *id.ok_or(EIO)?)?;
            question.set_exists(place, exists);
        }
        question.with_xattr(|name, value| {
            let inode = call.inode().ok_or_else(error::enodata)?;
            let (branch, real) = inode.object();
            let creds = Some(&call.info.mounter);
            match branch.at(real).getxattr(creds, name, value) {
                Err(e) if e == ERANGE => Err(E2BIG),
                Err(e) if e == error::eopnotsupp() => Err(error::enodata()),
                result => result,
            }
        });
        question.again();
        Ok(())
    }

    /// What the rules say of it, without asking a branch.
    fn by_rules(&self) -> Result<route::Decision> {
        let op = self.about.unwrap_or(Op::Lookup);
        let call = self.call;
        let rules = call.policy.compiled();
        let at = match call.at {
            At::Dentry(dentry) | At::InPlace(dentry) => At::InPlace(dentry),
            At::Entry(entry) => At::InPlace(entry.dentry()),
            At::Listed(dir, name) | At::Passing(dir, name) => {
                let state = call.policy.state_of_tag(dir.tag()).ok_or(ECHILD)?;
                let passing =
                    Call::new(call.info, call.policy, call.caller, At::Passing(dir, name));
                let name = route::Name::new(name.bytes());
                return Ok(rules.peek(state, &name, &passing)?.lookup);
            }
        };
        let mut in_place = Call::new(call.info, call.policy, call.caller, at);
        in_place.access = call.access;
        let state = self.state.or_else(|| call.policy.bare_state());
        rules.by_rules(state.ok_or(ECHILD)?, op, &in_place)
    }

    /// The word for a verdict; word::NEED for one that has none.
    fn word(&self, verdict: Verdict) -> u64 {
        let policy = self.call.policy;
        let place = |id: BranchId| place_of(policy, id).map_or(u64::MAX, u64::from);
        let word = match verdict {
            Verdict::Home => word::RULES,
            Verdict::Branch(branch) => word::BRANCH | place(branch) << PAYLOAD,
            Verdict::Deny(errno) => {
                word::DENY | u64::from(errno.number().unsigned_abs()) << PAYLOAD
            }
            Verdict::Hide => word::HIDE,
            Verdict::Gate { gate, branch } => {
                word::GATE | (place(gate) | place(branch) << 8) << PAYLOAD
            }
            Verdict::First(list) => {
                let branches = policy.compiled().alternatives(list);
                if branches.len() > List::MAX {
                    return word::NEED;
                }
                branches.iter().rev().fold(0, |word, branch| {
                    word << 8 | place(*branch).saturating_add(1)
                }) << PAYLOAD
                    | word::FIRST
            }
        };
        word
    }
}

impl Asker for Asking<'_> {
    fn rules(&self) -> u64 {
        self.by_rules()
            .map_or(word::NEED, |said| self.word(said.verdict))
    }

    fn branch(&self, name: &[u8]) -> Option<u32> {
        let branches = self.call.info.branches_of(self.call.policy);
        let mut places = (0..).zip(branches);
        places
            .find(|(_, branch)| branch.name.to_bytes() == name)
            .map(|(place, _)| place)
    }
}
