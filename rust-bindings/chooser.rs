// SPDX-License-Identifier: GPL-2.0-only

//! A mount's use of a BPF chooser, and calls of its programs.
//!
//! A program is called under RCU or, if it may sleep, with a reference.
//!
//! C header: `bpf.h`

use super::{
    attachment::{
        Epoch,
        Forget,
        Members,
        OnDetach,
        Who, //
    },
    file_type::Stamp,
    programs::Loaded,
    question::{
        Asker,
        Link,
        Question, //
    },
    registry::{
        Chooser,
        KNOWN, //
    },
    sys,
    Stat, //
};
use core::sync::atomic::{
    AtomicBool,
    AtomicU64,
    AtomicU8,
    Ordering, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};

pub(super) use super::registry::init;

/// The place that a mount has at a chooser.
pub(super) struct Seat {
    /// The mount's device.
    dev: u32,
    /// How many branches it has.
    branches: u32,
    /// An [`OnDetach`].
    on_detach: AtomicU8,
    /// What ends the verdicts that were kept.
    pub(super) stamp: Arc<Stamp>,
    /// Who decides, and by which members: what `say` stored.
    says: AtomicU64,
    /// The counters of programs.
    counters: [AtomicU64; sys::SWITCHFS_COUNTERS as usize],
    /// How often a program said what it must not.
    invalid: AtomicU64,
    /// Whether the program was told of the end, since it was unregistered.
    pub(super) ended: AtomicBool,
}

impl Seat {
    /// The mount as programs see it.
    pub(super) fn mount(&self) -> sys::switchfs_mount {
        sys::switchfs_mount {
            mount: self.dev & MINOR,
            branches: self.branches,
        }
    }

    /// Adds to a counter of programs. EINVAL when there is none.
    pub(super) fn count(&self, which: usize, add: u64) -> Result {
        let counter = self.counters.get(which).ok_or(EINVAL)?;
        counter.fetch_add(add, Ordering::Relaxed);
        Ok(())
    }

    /// Lets `who` decide from now on, by `members` of the programs of the epoch `epoch`, and ends what was
    /// kept.
    pub(super) fn say(&self, who: Who, members: Members, epoch: Epoch) {
        self.says.store(members.pack(who, epoch), Ordering::Release);
        self.stamp.forget();
    }

    /// Lets no verdict count that was kept.
    pub(super) fn forget(&self) {
        self.stamp.forget();
    }

    /// What happens when the program is unregistered.
    pub(super) fn on_detach(&self) -> OnDetach {
        let known = OnDetach::ALL.get(usize::from(self.on_detach.load(Ordering::Relaxed)));
        known.map_or(OnDetach::Deny, |(_, on_detach)| *on_detach)
    }
}

/// The bits of a device number that tell mounts apart (`MINORBITS`).
const MINOR: u32 = (1 << 20) - 1;

/// A mount's use of a chooser, which ends when this is dropped; that may sleep.
pub(crate) struct Attachment {
    /// The chooser.
    chooser: Arc<Chooser>,
    /// The mount's place.
    seat: Arc<Seat>,
}

impl Attachment {
    /// Attaches the mount with the device `dev` and so many branches to the programs registered as
    /// `name`. ENOENT when there are none; EOPNOTSUPP when there can be none; else what the program
    /// says. May sleep.
    pub(crate) fn new(
        name: &[u8],
        dev: u32,
        branches: usize,
        on_detach: OnDetach,
        stamp: Arc<Stamp>,
    ) -> Result<Self> {
        let seat = Seat {
            dev,
            branches: u32::try_from(branches).map_err(|_| EINVAL)?,
            on_detach: AtomicU8::new(number(on_detach)),
            stamp,
            says: AtomicU64::new(0),
            counters: [const { AtomicU64::new(0) }; sys::SWITCHFS_COUNTERS as usize],
            invalid: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        };
        let seat = Arc::new(seat, GFP_KERNEL)?;
        let chooser = Chooser::attach(name, &seat)?;
        Ok(Self { chooser, seat })
    }

    /// The name of the chooser.
    pub(crate) fn name(&self) -> &[u8] {
        self.chooser.name()
    }

    /// Whether its programs were unregistered.
    pub(crate) fn is_detached(&self) -> bool {
        self.chooser.detached.load(Ordering::Acquire)
    }

    /// What happens when they are unregistered.
    pub(crate) fn on_detach(&self) -> OnDetach {
        self.seat.on_detach()
    }

    /// Whether `on_detach` can follow what happens then: programs that are unregistered are kept or
    /// are not.
    pub(crate) fn may_follow(&self, on_detach: OnDetach) -> bool {
        let keeps = |on_detach| on_detach == OnDetach::Keep;
        !self.is_detached() || keeps(self.on_detach()) == keeps(on_detach)
    }

    /// Changes what happens then, if it can be. May sleep.
    pub(crate) fn set_on_detach(&self, on_detach: OnDetach) {
        let _known = KNOWN.lock();
        if self.may_follow(on_detach) {
            self.seat
                .on_detach
                .store(number(on_detach), Ordering::Relaxed);
            if self.is_detached() && on_detach != OnDetach::Keep {
                self.seat
                    .say(on_detach.who(), Members::default(), Epoch::new());
            }
        }
    }

    /// Who decides now, and by which members. May be called in RCU walk, as all that follows.
    #[inline]
    pub(crate) fn says(&self) -> (Who, Members) {
        Members::unpack(self.seat.says.load(Ordering::Acquire))
    }

    /// What tells that programs were swapped, or let go, between two looks at it; never 0. May be called in
    /// RCU walk.
    pub(crate) fn word(&self) -> u64 {
        self.seat.says.load(Ordering::Acquire) | 1 << 63
    }

    /// Waits until no programs are being swapped. May sleep.
    #[cold]
    pub(crate) fn settle(&self) {
        drop(KNOWN.lock());
    }

    /// Calls the program of a member that `call` picks, if there is one. ECHILD when it may sleep, and
    /// the caller must not. While programs are being swapped that is so, too, and who may sleep is told
    /// afterwards that they were.
    fn call<R>(
        &self,
        member: sys::switchfs_member,
        may_sleep: bool,
        call: impl FnOnce(&sys::switchfs_ops) -> R,
    ) -> Result<Option<R>> {
        let epoch = Members::epoch(self.seat.says.load(Ordering::Acquire));
        let mut call = Some(call);
        // Those that were asked for their members, or none.
        let mut run = |loaded: &Loaded| match loaded.ops() {
            _ if loaded.epoch != epoch => Err(crate::error::swapped()),
            Some(ops) => Ok(call.take().map(|call| call(ops))),
            None => Ok(None),
        };
        let done = self
            .chooser
            .loaded
            .with(|loaded| (loaded.sleepers & member == 0).then(|| run(loaded)));
        let done = match done {
            Some(done) => done,
            None if !may_sleep => return Err(ECHILD),
            // With a reference it does not matter whether they sleep.
            None => run(&self.chooser.loaded.get()),
        };
        done.map_err(|swapped| {
            if !may_sleep {
                return ECHILD;
            }
            self.settle();
            swapped
        })
    }

    /// What `route` says; none if there is no such program.
    pub(crate) fn route(&self, question: &mut Question<'_>) -> Result<Option<u64>> {
        let ctx = question.ctx();
        self.call(
            sys::switchfs_member_SWITCHFS_MEMBER_ROUTE,
            question.may_sleep(),
            // SAFETY: A program that was verified for a context; RCU or a reference keeps it.
            |ops| ops.route.map(|route| unsafe { route(ctx) }),
        )
        .map(Option::flatten)
    }

    /// What `name` says; none if there is no such program.
    pub(crate) fn keeps(&self, question: &mut Question<'_>) -> Result<Option<u64>> {
        let ctx = question.ctx();
        self.call(
            sys::switchfs_member_SWITCHFS_MEMBER_NAME,
            question.may_sleep(),
            // SAFETY: As in `route`.
            |ops| ops.name.map(|name| unsafe { name(ctx) }),
        )
        .map(Option::flatten)
    }

    /// Lets `getattr` change `stat` if it returns 0; what it returns.
    pub(crate) fn getattr(
        &self,
        question: &mut Question<'_>,
        stat: &mut Stat,
    ) -> Result<Option<i32>> {
        let ctx = question.ctx();
        let mut attr = stat.to_program();
        let arg = &raw mut attr;
        let said = self.call(
            sys::switchfs_member_SWITCHFS_MEMBER_GETATTR,
            question.may_sleep(),
            // SAFETY: As in `route`, for attributes, too.
            |ops| ops.getattr.map(|getattr| unsafe { getattr(ctx, arg) }),
        )?;
        if said == Some(Some(0)) {
            stat.follow_program(&attr);
        }
        Ok(said.flatten())
    }

    /// What `error` makes of the positive number `errno`.
    pub(crate) fn error(&self, question: &mut Question<'_>, errno: i32) -> Result<Option<i32>> {
        let ctx = question.ctx();
        self.call(
            sys::switchfs_member_SWITCHFS_MEMBER_ERROR,
            question.may_sleep(),
            // SAFETY: As in `route`.
            |ops| ops.error.map(|error| unsafe { error(ctx, errno) }),
        )
        .map(Option::flatten)
    }

    /// Counts that a program said what it must not; whether that is to be logged: once for each
    /// program.
    pub(crate) fn complain(&self) -> bool {
        self.seat.invalid.fetch_add(1, Ordering::Relaxed);
        !self.chooser.logged.swap(true, Ordering::Relaxed)
    }

    /// How often programs said what they must not.
    pub(crate) fn complaints(&self) -> u64 {
        self.seat.invalid.load(Ordering::Relaxed)
    }

    /// The counters of programs.
    pub(crate) fn counters(&self) -> impl Iterator<Item = u64> + '_ {
        let counters = self.seat.counters.iter();
        counters.map(|counter| counter.load(Ordering::Relaxed))
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.chooser.detach(&self.seat);
    }
}

impl Attachment {
    /// What kfuncs reach while `asker` is asked about.
    pub(crate) fn link<'a>(&'a self, asker: &'a dyn Asker) -> Link<'a> {
        Link::new(asker, &self.seat)
    }
}

/// The number of `on_detach`.
fn number(on_detach: OnDetach) -> u8 {
    on_detach as u8
}
