// SPDX-License-Identifier: GPL-2.0-only

//! The program of a BPF chooser: asked before the rules, and believed only where a rule could say the
//! same.

use crate::{
    call::{
        At,
        Call, //
    },
    error,
    policy::Policy,
    route::{
        self,
        Asks,
        BranchId,
        Errno,
        Lesson,
        List,
        Op,
        Said,
        State,
        Verdict, //
    },
    sb::Info,
    vfs::{
        flag,
        word,
        About,
        Asker,
        Attachment,
        Caller,
        Members,
        Name,
        ProgramFacts,
        ProgramObject,
        Question,
        Stat,
        SwitchDentry,
        Who, //
    },
};
use kernel::{
    prelude::*,
    str::BStr,
    sync::{
        rcu,
        Arc, //
    },
};

/// Where the kind of a verdict ends, and what it needs begins.
const PAYLOAD: u32 = 8;

/// The program that a mount is attached to.
#[derive(Clone)]
pub(crate) struct Program(Arc<Attachment>);

impl Program {
    /// The program of `attachment`.
    pub(crate) fn new(attachment: Arc<Attachment>) -> Self {
        Self(attachment)
    }

    /// The attachment.
    pub(crate) fn attachment(&self) -> &Arc<Attachment> {
        &self.0
    }

    /// Which members it has; none while it does not decide. Any context.
    #[inline]
    pub(crate) fn members(&self) -> Members {
        self.0.says().1
    }

    /// What it has to be asked about a new name. Any context.
    #[inline]
    pub(crate) fn asks(&self) -> Asks {
        match self.0.says() {
            (Who::Nobody, _) => Asks::of(false, u32::MAX),
            (_, members) => Asks::of(members.name, members.ops),
        }
    }

    /// What is said without a program, and that it holds for every caller; none while it decides.
    fn without_program(&self) -> Option<(Said, bool)> {
        match self.0.says().0 {
            Who::Program => None,
            Who::Rules => Some((Said::Rules, true)),
            Who::Nobody => Some((Said::Verdict(Verdict::Deny(Errno::EACCES)), true)),
        }
    }

    /// What it says of `call` about an operation, or about the name, in the state `state` if that is
    /// known. ECHILD where the answer is to be kept, or needs a branch, and the call must not sleep.
    pub(crate) fn ask(
        &self,
        call: &Call<'_>,
        state: Option<&State>,
        about: Option<Op>,
        is_new: bool,
    ) -> Result<Said> {
        if let Some(said) = call.said(about) {
            return Ok(said);
        }
        let may_sleep = call.may_sleep();
        if is_new && !may_sleep {
            return Err(ECHILD);
        }
        let answer = match self.without_program() {
            None => self.run(call, state, about, may_sleep)?,
            answer => answer,
        };
        // It was let go meanwhile, or another one is in force that has no such program, and there is no
        // such state any more: what is to be asked has to be found out again.
        let Some((said, for_all)) = answer.or_else(|| self.without_program()) else {
            return Err(if may_sleep { error::estale() } else { ECHILD });
        };
        if may_sleep {
            call.learn(Lesson {
                about,
                said,
                for_all,
            })?;
        }
        Ok(said)
    }

    /// Calls `f` with the question about `asking`.
    fn question<R>(
        &self,
        asking: &Asking<'_>,
        may_sleep: bool,
        f: impl FnOnce(Question<'_>) -> Result<R>,
    ) -> Result<R> {
        let link = self.0.link(asking);
        asking.with_name(|name| f(Question::new(&link, &name, &asking.facts(), may_sleep)))
    }

    /// Runs it, and a second time if it needs to know more.
    fn run(
        &self,
        call: &Call<'_>,
        state: Option<&State>,
        about: Option<Op>,
        may_sleep: bool,
    ) -> Result<Option<(Said, bool)>> {
        let asking = Asking { call, state, about };
        self.question(&asking, may_sleep, |mut question| {
            let run = |question: &mut Question<'_>| match about {
                Some(_) => self.0.route(question),
                None => self.0.keeps(question),
            };
            let Some(mut word) = run(&mut question)? else {
                return Ok(None);
            };
            if word == word::NEED {
                if !may_sleep {
                    return Err(ECHILD);
                }
                asking.find_out(&mut question)?;
                let Some(second) = run(&mut question)? else {
                    return Ok(None);
                };
                word = second;
            }
            match read(word, about, call.policy.branches()) {
                Some(answer) => Ok(Some(answer)),
                None => {
                    self.complain(word, about.map_or("the name", Op::name));
                    Err(EIO)
                }
            }
        })
    }

    /// Lets it change what the caller of getattr on `call` is shown. May sleep.
    pub(crate) fn shape(&self, call: &Call<'_>, stat: &mut Stat) -> Result {
        let asking = Asking {
            call,
            state: None,
            about: Some(Op::Getattr),
        };
        self.question(&asking, true, |mut question| {
            match self.0.getattr(&mut question, stat)?.unwrap_or(0) {
                0 => Ok(()),
                errno => Err(self.errno(errno, "getattr")),
            }
        })
    }

    /// What it makes of the error `e` of `op` on `call`. May sleep.
    pub(crate) fn replace(&self, call: &Call<'_>, op: Op, e: Error) -> Error {
        let asking = Asking {
            call,
            state: None,
            about: Some(op),
        };
        let said = self.question(&asking, true, |mut question| {
            self.0.error(&mut question, e.to_errno().wrapping_neg())
        });
        match said {
            Ok(Some(0) | None) => e,
            Ok(Some(errno)) => self.errno(errno, "an error"),
            Err(e) => e,
        }
    }

    /// The error with the number `errno`, negative or not, if a rule could name it.
    fn errno(&self, errno: i32, what: &str) -> Error {
        let number = u16::try_from(errno.unsigned_abs()).ok();
        match number.and_then(Errno::new) {
            Some(errno) => errno.into(),
            None => {
                // CAST: As it is logged.
                self.complain(errno as u64, what);
                EIO
            }
        }
    }

    /// Counts, and once for each program logs, that it said `word` of `what`.
    #[cold]
    pub(crate) fn complain(&self, word: u64, what: &str) {
        if self.0.complain() {
            pr_warn!(
                "chooser bpf:{}: {:#x} is no verdict for {}\n",
                BStr::from_bytes(self.0.name()),
                word,
                what
            );
        }
    }
}

impl Info {
    /// Lets a program change what the caller of getattr on `dentry` is shown. May sleep.
    #[inline(never)]
    pub(crate) fn shape(&self, dentry: &SwitchDentry, stat: &mut Stat) -> Result {
        let policy = self.policy.get();
        let Some(program) = policy.program().filter(|p| p.members().getattr) else {
            return Ok(());
        };
        Caller::with_current(|caller| {
            let call = Call::new(self, &policy, caller, At::Dentry(dentry));
            program.shape(&call, stat)
        })
    }

    /// The error in place of `e`, by which `op` on what is at `at` failed and changed nothing: a program
    /// may have another. May sleep.
    #[cold]
    pub(crate) fn failed(&self, at: At<'_>, op: Op, e: Error) -> Error {
        let known = u16::try_from(e.to_errno().unsigned_abs()).ok();
        // What is taken for a wish to be called again is none of a program's.
        let again = e == EAGAIN || e == ECHILD || e == error::estale();
        // The kernel asks for some by itself, and knows what it means that there is none.
        let absent = (e == error::enodata() || e == error::eopnotsupp())
            && matches!(op, Op::Getxattr | Op::Getacl);
        if self.policy.is_plain() || again || absent || known.and_then(Errno::new).is_none() {
            return e;
        }
        let policy = self.policy.get();
        let Some(program) = policy.program().filter(|p| p.members().error) else {
            return e;
        };
        Caller::with_current(|caller| program.replace(&Call::new(self, &policy, caller, at), op, e))
    }
}

impl SwitchDentry {
    /// Does `op` on this name by `f`; a program may replace the error by which that fails.
    #[inline(always)]
    pub(crate) fn trying<R>(&self, op: Op, f: impl FnOnce() -> Result<R>) -> Result<R> {
        match f() {
            Ok(done) => Ok(done),
            Err(e) => Err(self.sb().info().failed(At::Dentry(self), op, e)),
        }
    }
}

/// What `word` says about an operation, or about the name, on a mount with `branches`; and whether it
/// holds for every caller. None if no rule could say it.
fn read(word: u64, about: Option<Op>, branches: &[BranchId]) -> Option<(Said, bool)> {
    let for_all = word & word::FOR_ALL != 0;
    let kind = word & !word::FOR_ALL & 0xff;
    let payload = word >> PAYLOAD;
    let byte =
        |place: u32| usize::try_from(payload.checked_shr(place.saturating_mul(8))? & 0xff).ok();
    let branch = |place: u32| branches.get(byte(place)?).copied();
    let said = match kind {
        word::RULES if payload == 0 => Said::Rules,
        word::HIDE if payload == 0 => Said::Verdict(Verdict::Hide),
        word::BRANCH if payload >> 8 == 0 => Said::Verdict(Verdict::Branch(branch(0)?)),
        word::GATE if payload >> 16 == 0 => Said::Verdict(Verdict::Gate {
            gate: branch(0)?,
            branch: branch(1)?,
        }),
        word::DENY => Said::Verdict(Verdict::Deny(Errno::new(u16::try_from(payload).ok()?)?)),
        word::FIRST => {
            let mut list = [None; List::MAX];
            let mut ended = false;
            for (place, slot) in (0..).zip(&mut list) {
                match byte(place)?.checked_sub(1) {
                    None => ended = true,
                    Some(_) if ended => return None,
                    Some(number) => *slot = Some(*branches.get(number)?),
                }
            }
            Said::First(List::new(list)?)
        }
        _ => return None,
    };
    let fits = match (about, said) {
        // What keeps a name cannot send it somewhere.
        (None, said) => matches!(said, Said::Rules | Said::Verdict(Verdict::Hide)),
        (Some(_), Said::Rules | Said::Verdict(Verdict::Deny(_) | Verdict::Hide)) => true,
        // As for rules with a condition on the caller; that the home is the same for all is seen to
        // where it is known.
        (Some(op), _) => for_all || op == Op::Lookup || !op.is_name(),
    };
    fits.then_some((said, for_all))
}

/// The number that programs have for the branch `id`.
fn place_of(policy: &Policy, id: BranchId) -> Option<u32> {
    let place = policy.branches().iter().position(|branch| *branch == id)?;
    u32::try_from(place).ok()
}

/// A call that a program is asked about.
struct Asking<'a> {
    /// The call.
    call: &'a Call<'a>,
    /// The state of the name, if it is known.
    state: Option<&'a State>,
    /// The operation; none for the name itself.
    about: Option<Op>,
}

impl Asking<'_> {
    /// Calls `f` with the name as it is spelled.
    fn with_spelling<R>(&self, f: impl FnOnce(About<'_>) -> R) -> R {
        match &self.call.at {
            At::Dentry(dentry) | At::InPlace(dentry) => {
                // What has no name is called so.
                let bare = |name: Name<'_>| name.bytes() == b"/";
                dentry.with_name(|name| match bare(name) {
                    true => f(About::Dentry(dentry, Name::new(b""))),
                    false => f(About::Dentry(dentry, name)),
                })
            }
            At::Entry(entry) => f(About::Dentry(entry.dentry(), entry.name())),
            At::Listed(dir, name) | At::Passing(dir, name) => f(About::Listed(dir, *name)),
        }
    }

    /// Calls `f` with the name, which is folded where its directory folds names: programs see the same
    /// of all its spellings. ECHILD where that is one, and nothing may sleep.
    fn with_name<R>(&self, f: impl FnOnce(About<'_>) -> Result<R>) -> Result<R> {
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
            match (&folded, &about) {
                (None, _) => f(about),
                (Some(name), About::Dentry(..)) => f(About::Dentry(dentry, Name::new(name))),
                (Some(name), About::Listed(..)) => f(About::Listed(dentry, Name::new(name))),
            }
        })
    }

    /// What the call knows.
    fn facts(&self) -> ProgramFacts {
        let op = self.about.unwrap_or(Op::Lookup);
        let call = self.call;
        // As for rules: what a name is found as must not depend on what is found.
        let inode = call.inode().filter(|_| !op.finds());
        let object = inode.map(|inode| {
            let home = place_of(call.policy, crate::namei::id(inode.branch()));
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
    fn find_out(&self, question: &mut Question<'_>) -> Result {
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
        rules.by_rules(self.state.ok_or(ECHILD)?, op, &in_place)
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
