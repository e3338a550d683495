// SPDX-License-Identifier: GPL-2.0-only

//! The program of a BPF chooser: asked before the rules, and believed only where a rule could say the
//! same.

mod asking;

use self::asking::Asking;
use crate::{
    call::{
        At,
        Call, //
    },
    error,
    policy::Policy,
    route::{
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
        word,
        About,
        Attachment,
        Caller,
        Members,
        Question,
        Stat,
        SwitchDentry,
        Who, //
    },
};
use kernel::{
    prelude::*,
    str::BStr,
    sync::Arc, //
};

/// How often it is decided anew because programs are swapped.
const TRIES: usize = 64;

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

    /// What is said about an operation, or about the name, without a program; none while it decides.
    #[cold]
    fn without_program(&self, about: Option<Op>) -> Option<Lesson> {
        let said = match self.0.says().0 {
            Who::Program => return None,
            Who::Rules => Said::Rules,
            Who::Nobody => Said::Verdict(Verdict::Deny(Errno::EACCES)),
        };
        Some(Lesson {
            about,
            said,
            for_all: true,
        })
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
        let lesson = self.teach(&Asking { call, state, about })?;
        if may_sleep {
            call.learn(lesson)?;
        }
        Ok(lesson.said)
    }

    /// What it says of the name of `call`, of which nothing is known yet. May sleep.
    pub(crate) fn ask_about_name(&self, call: &Call<'_>) -> Result<Lesson> {
        let asking = Asking {
            call,
            state: None,
            about: None,
        };
        self.teach(&asking)
    }

    /// What it says of what `asking` asks.
    fn teach(&self, asking: &Asking<'_>) -> Result<Lesson> {
        let lesson = match self.0.says().0 {
            Who::Program => self.run(asking)?,
            Who::Rules | Who::Nobody => None,
        };
        if let Some(lesson) = lesson.or_else(|| self.without_program(asking.about)) {
            return Ok(lesson);
        }
        // It was let go meanwhile, or another one is in force that has no such program, and there is no
        // such state any more: what is to be asked has to be found out again.
        if !asking.call.may_sleep() {
            return Err(ECHILD);
        }
        self.0.settle();
        Err(error::swapped())
    }

    /// Runs it, and a second time if it needs to know more.
    fn run(&self, asking: &Asking<'_>) -> Result<Option<Lesson>> {
        let Some(word) = asking.with_name(|about| self.word(asking, &about))? else {
            return Ok(None);
        };
        let lesson = read(word, asking.about, asking.call.policy.branches());
        if lesson.is_none() {
            self.complain(word, asking.about.map_or("the name", Op::name));
        }
        lesson.map(Some).ok_or(EIO)
    }

    /// The word that it says of `about`, the name of `asking`.
    fn word(&self, asking: &Asking<'_>, about: &About<'_>) -> Result<Option<u64>> {
        let link = self.0.link(asking);
        let mut question = asking.question(&link, about);
        let run = |question: &mut Question<'_>| match asking.about {
            Some(_) => self.0.route(question),
            None => self.0.keeps(question),
        };
        match run(&mut question)? {
            Some(word::NEED) if !question.may_sleep() => Err(ECHILD),
            Some(word::NEED) => {
                asking.find_out(&mut question)?;
                run(&mut question)
            }
            word => Ok(word),
        }
    }

    /// Lets it change what the caller of getattr on `call` is shown. May sleep.
    pub(crate) fn shape(&self, call: &Call<'_>, stat: &mut Stat) -> Result {
        let asking = Asking {
            call,
            state: None,
            about: Some(Op::Getattr),
        };
        let link = self.0.link(&asking);
        let said = asking.with_name(|about| {
            let mut question = asking.question(&link, &about);
            self.0.getattr(&mut question, stat)
        });
        match said?.unwrap_or(0) {
            0 => Ok(()),
            errno => Err(self.errno(errno, "getattr")),
        }
    }

    /// What it makes of the error `e` of `op` on `call`. May sleep.
    fn replace(&self, call: &Call<'_>, op: Op, e: Error) -> Result<Error> {
        let asking = Asking {
            call,
            state: None,
            about: Some(op),
        };
        let link = self.0.link(&asking);
        let said = asking.with_name(|about| {
            let mut question = asking.question(&link, &about);
            self.0.error(&mut question, e.to_errno().wrapping_neg())
        });
        Ok(match said? {
            Some(0) | None => e,
            Some(errno) => self.errno(errno, "an error"),
        })
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
        let said = self.settled(|policy| {
            // Looked at each time: it may have been let go.
            let Some(program) = policy.program().filter(|p| p.members().error) else {
                return Ok(e);
            };
            Caller::with_current(|caller| {
                program.replace(&Call::new(self, policy, caller, at), op, e)
            })
        });
        said.unwrap_or_else(|e| e)
    }

    /// Calls `f` with the policy in force, to decide by states and by what a program says: again if the
    /// program was swapped meanwhile, so that all that it heeds is of one. May sleep.
    #[inline]
    pub(crate) fn settled<R>(&self, mut f: impl FnMut(&Arc<Policy>) -> Result<R>) -> Result<R> {
        for _ in 0..TRIES {
            let policy = self.policy.get();
            if let Some(result) = policy.unless_swapped(|| f(&policy)) {
                return result;
            }
        }
        hastily(f(&self.policy.get()))
    }
}

/// The result of what is decided while programs are swapped faster than that.
#[cold]
fn hastily<R>(result: Result<R>) -> Result<R> {
    match result {
        Err(e) if e == error::swapped() => Err(error::estale()),
        result => result,
    }
}

impl Policy {
    /// What tells that the program was swapped between two looks at it; 0 without one. Any context.
    #[inline]
    fn program_word(&self) -> u64 {
        self.program().map_or(0, |program| program.0.word())
    }

    /// Calls `f`, to decide under this policy; none if the program was swapped meanwhile.
    #[inline]
    fn unless_swapped<R>(&self, f: impl FnOnce() -> Result<R>) -> Option<Result<R>> {
        let before = self.program_word();
        let result = f();
        let swapped = matches!(&result, Err(e) if *e == error::swapped());
        (!swapped && self.program_word() == before).then_some(result)
    }

    /// As [`Info::settled`], under this policy.
    pub(crate) fn settled<R>(&self, mut f: impl FnMut() -> Result<R>) -> Result<R> {
        for _ in 0..TRIES {
            if let Some(result) = self.unless_swapped(&mut f) {
                return result;
            }
        }
        hastily(f())
    }

    /// The same where nothing may sleep: ECHILD if the program was swapped.
    #[inline]
    pub(crate) fn settled_in_place<R>(&self, f: impl FnOnce() -> Result<R>) -> Result<R> {
        self.unless_swapped(f).unwrap_or(Err(ECHILD))
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

/// What `word` says about an operation, or about the name, on a mount with `branches`. None if no rule
/// could say it.
fn read(word: u64, about: Option<Op>, branches: &[BranchId]) -> Option<Lesson> {
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
    fits.then_some(Lesson {
        about,
        said,
        for_all,
    })
}
