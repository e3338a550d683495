// SPDX-License-Identifier: GPL-2.0-only

//! BPF choosers: programs known under their names, the mounts that they are attached to, and calls of
//! them.
//!
//! The kernel calls [`reg`], [`unreg`] and [`update`] one after the other, under a lock of all users
//! of struct_ops; nothing here waits for a branch. A program is called under RCU or, if it may sleep,
//! with a reference.
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
    question::{
        Asker,
        Link,
        Question, //
    },
    sys,
    RcuArc,
    Stat, //
};
use core::{
    ptr::NonNull,
    sync::atomic::{
        AtomicBool,
        AtomicU64,
        AtomicU8,
        Ordering, //
    },
};
use kernel::{
    error::from_result,
    prelude::*,
    sync::Arc, //
};

kernel::sync::global_lock! {
    // SAFETY: Initialised in `init`, before the filesystem or the struct_ops type is known to anybody.
    unsafe(uninit) static KNOWN: Mutex<KVec<Arc<Chooser>>> = KVec::new();
}

/// Whether the struct_ops type is there.
static AVAILABLE: AtomicBool = AtomicBool::new(false);

/// The programs of one `struct switchfs_ops`.
///
/// # Invariants
///
/// `ops`, if there is one, is the kernel's copy of a registered map's value, and a reference to the map
/// is owned.
struct Loaded {
    /// The programs; none when they were let go.
    ops: Option<NonNull<sys::switchfs_ops>>,
    /// `SWITCHFS_MEMBER_*` of those that may sleep.
    sleepers: u32,
    /// Theirs.
    epoch: Epoch,
}

// SAFETY: The structure is not changed any more, and programs may be called by many tasks at once.
unsafe impl Send for Loaded {}
// SAFETY: As for `Send`.
unsafe impl Sync for Loaded {}

impl Loaded {
    /// Takes a reference to `ops`.
    ///
    /// # Safety
    ///
    /// `ops` is what `reg` or `update` was called with.
    unsafe fn new(ops: NonNull<sys::switchfs_ops>) -> Result<Arc<Self>> {
        // SAFETY: By the contract.
        if !unsafe { sys::bpf_struct_ops_get(ops.as_ptr().cast()) } {
            return Err(ENOENT);
        }
        // INVARIANT: The reference was just taken.
        let loaded = Self {
            ops: Some(ops),
            // SAFETY: By the contract.
            sleepers: unsafe { sys::switchfs_bpf_sleepers(ops.as_ptr()) },
            epoch: Epoch::new(),
        };
        Ok(Arc::new(loaded, GFP_KERNEL)?)
    }

    /// The structure.
    fn ops(&self) -> Option<&sys::switchfs_ops> {
        // SAFETY: By the type invariant.
        self.ops.map(|ops| unsafe { &*ops.as_ptr() })
    }

    /// Whether the programs `ops` are these.
    fn is(&self, ops: *const sys::switchfs_ops) -> bool {
        self.ops.is_some_and(|own| core::ptr::eq(own.as_ptr(), ops))
    }

    /// Which members they have.
    fn members(&self) -> Members {
        let Some(ops) = self.ops() else {
            return Members::default();
        };
        // CAST: Checked to have no more bits than there are operations.
        let asked = if ops.ops == 0 {
            ALL_OPS
        } else {
            ops.ops as u32
        };
        Members {
            ops: if ops.route.is_some() { asked } else { 0 },
            name: ops.name.is_some(),
            getattr: ops.getattr.is_some(),
            error: ops.error.is_some(),
        }
    }

    /// Tells the program that a mount begins to use it. The errno of a refusal.
    fn begin(&self, seat: &Seat) -> Result {
        let Some(init) = self.ops().and_then(|ops| ops.init) else {
            return Ok(());
        };
        let mut mount = seat.mount();
        // SAFETY: A program that was verified for this argument; a reference is held.
        match unsafe { init(&raw mut mount) } {
            0 => Ok(()),
            errno @ -133..=-1 => Err(Error::from_errno(errno)),
            _ => Err(EIO),
        }
    }

    /// Tells the program that a mount does not use it any more.
    fn end(&self, seat: &Seat) {
        if let Some(exit) = self.ops().and_then(|ops| ops.exit) {
            let mut mount = seat.mount();
            // SAFETY: A program that was verified for this argument; a reference is held.
            unsafe { exit(&raw mut mount) };
        }
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        if let Some(ops) = self.ops {
            // SAFETY: By the type invariant one reference is owned.
            unsafe { sys::bpf_struct_ops_put(ops.as_ptr().cast()) };
        }
    }
}

/// A name under which programs are registered, or were when they were kept.
struct Chooser {
    /// The name, with its NUL.
    name: [u8; sys::SWITCHFS_CHOOSER_LEN as usize],
    /// The programs in force.
    loaded: RcuArc<Loaded>,
    /// Whether they were unregistered.
    detached: AtomicBool,
    /// Whether the programs in force were complained about.
    logged: AtomicBool,
    /// The mounts that use it. Locked by [`static@KNOWN`].
    seats: kernel::sync::GlobalLockedBy<KVec<Arc<Seat>>, KNOWN>,
}

/// The place that a mount has at a chooser.
pub(super) struct Seat {
    /// The mount's device.
    dev: u32,
    /// How many branches it has.
    branches: u32,
    /// An [`OnDetach`].
    on_detach: AtomicU8,
    /// What ends the verdicts that were kept.
    stamp: Arc<Stamp>,
    /// Who decides, and by which members: what `say` stored.
    says: AtomicU64,
    /// The counters of programs.
    counters: [AtomicU64; sys::SWITCHFS_COUNTERS as usize],
    /// How often a program said what it must not.
    invalid: AtomicU64,
    /// Whether the program was told of the end, since it was unregistered.
    ended: AtomicBool,
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
    fn say(&self, who: Who, members: Members, epoch: Epoch) {
        self.says.store(members.pack(who, epoch), Ordering::Release);
        self.stamp.forget();
    }

    /// Lets no verdict count that was kept.
    pub(super) fn forget(&self) {
        self.stamp.forget();
    }

    /// What happens when the program is unregistered.
    fn on_detach(&self) -> OnDetach {
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
        if !AVAILABLE.load(Ordering::Relaxed) {
            return Err(crate::error::eopnotsupp());
        }
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
        let mut known = KNOWN.lock();
        let chooser = known.iter().find(|chooser| chooser.is_called(name));
        let chooser = chooser.ok_or(ENOENT)?.clone();
        chooser.seats.as_mut(&mut known).reserve(1, GFP_KERNEL)?;
        let loaded = chooser.loaded.get();
        loaded.begin(&seat)?;
        seat.say(Who::Program, loaded.members(), loaded.epoch);
        chooser
            .seats
            .as_mut(&mut known)
            .push(seat.clone(), GFP_KERNEL)?;
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
        let mut known = KNOWN.lock();
        let seats = self.chooser.seats.as_mut(&mut known);
        if let Some(at) = seats.iter().position(|seat| Arc::ptr_eq(seat, &self.seat)) {
            let _ = seats.remove(at);
        }
        if !self.seat.ended.load(Ordering::Relaxed) {
            self.chooser.loaded.get().end(&self.seat);
        }
    }
}

impl Attachment {
    /// What kfuncs reach while `asker` is asked about.
    pub(crate) fn link<'a>(&'a self, asker: &'a dyn Asker) -> Link<'a> {
        Link::new(asker, &self.seat)
    }
}

/// All operations, a bit each by their numbers.
const ALL_OPS: u32 = (1 << (sys::switchfs_op_SWITCHFS_OP_REMAP + 1)) - 1;

/// The number of `on_detach`.
fn number(on_detach: OnDetach) -> u8 {
    on_detach as u8
}

impl Chooser {
    /// The name.
    fn name(&self) -> &[u8] {
        let len = self.name.iter().position(|b| *b == 0);
        self.name.get(..len.unwrap_or(0)).unwrap_or_default()
    }

    /// Whether it is the one to be found under `name`.
    fn is_called(&self, name: &[u8]) -> bool {
        self.name() == name
    }
}

/// The bytes of a name in C.
fn name_of(ops: &sys::switchfs_ops) -> [u8; sys::SWITCHFS_CHOOSER_LEN as usize] {
    ops.chooser
}

/// Makes programs known.
fn reg(ops: NonNull<sys::switchfs_ops>) -> Result {
    // SAFETY: The kernel's copy, which is complete.
    let name = name_of(unsafe { ops.as_ref() });
    // SAFETY: Called by `reg`.
    let loaded = unsafe { Loaded::new(ops) }?;
    let chooser = Arc::new(
        Chooser {
            name,
            loaded: RcuArc::new(loaded),
            detached: AtomicBool::new(false),
            logged: AtomicBool::new(false),
            seats: kernel::sync::GlobalLockedBy::new(KVec::new()),
        },
        GFP_KERNEL,
    )?;
    let mut known = KNOWN.lock();
    if known.iter().any(|other| other.is_called(chooser.name())) {
        return Err(EEXIST);
    }
    known.push(chooser, GFP_KERNEL)?;
    Ok(())
}

/// Lets programs go, but on mounts that keep them.
fn unreg(ops: *const sys::switchfs_ops) {
    let mut known = KNOWN.lock();
    let is = |chooser: &Arc<Chooser>| chooser.loaded.with(|loaded| loaded.is(ops));
    let Some(at) = known.iter().position(is) else {
        return;
    };
    let Ok(chooser) = known.remove(at) else {
        return;
    };
    if known.is_empty() {
        // The module may go next, and nothing drops what is static in it.
        *known = KVec::new();
    }
    chooser.detached.store(true, Ordering::Release);
    let seats = chooser.seats.as_ref(&known);
    let loaded = chooser.loaded.get();
    for seat in seats.iter().filter(|s| s.on_detach() != OnDetach::Keep) {
        seat.ended.store(true, Ordering::Relaxed);
        seat.say(seat.on_detach().who(), Members::default(), Epoch::new());
        loaded.end(seat);
    }
    if seats.iter().any(|seat| seat.on_detach() == OnDetach::Keep) {
        return;
    }
    let nothing = Loaded {
        ops: None,
        sleepers: 0,
        epoch: Epoch::new(),
    };
    // Without memory they are let go with the last mount.
    if let Ok(nothing) = Arc::new(nothing, GFP_KERNEL) {
        chooser.loaded.replace(nothing);
    }
}

/// Puts programs in the place of others of the same name.
fn update(new: NonNull<sys::switchfs_ops>, old: *const sys::switchfs_ops) -> Result {
    // SAFETY: The kernel's copy, which is complete.
    let name = name_of(unsafe { new.as_ref() });
    // SAFETY: Called by `update`.
    let loaded = unsafe { Loaded::new(new) }?;
    let known = KNOWN.lock();
    let is = |chooser: &&Arc<Chooser>| chooser.loaded.with(|loaded| loaded.is(old));
    let chooser = known.iter().find(is).ok_or(ENOENT)?;
    if chooser.name != name {
        return Err(EINVAL);
    }
    let seats = chooser.seats.as_ref(&known);
    for (begun, seat) in seats.iter().enumerate() {
        if let Err(e) = loaded.begin(seat) {
            seats.iter().take(begun).for_each(|seat| loaded.end(seat));
            return Err(e);
        }
    }
    let before = chooser.loaded.get();
    let (members, epoch) = (loaded.members(), loaded.epoch);
    chooser.logged.store(false, Ordering::Relaxed);
    // From here on nothing is kept until there is one of them again: the old programs' answers would
    // be taken for the new ones', and what only the old ones have would be asked of the new ones.
    for seat in seats.iter() {
        seat.stamp.end();
        seat.say(Who::Program, members, epoch);
    }
    chooser.loaded.replace(loaded);
    for seat in seats.iter() {
        seat.stamp.begin();
        before.end(seat);
    }
    Ok(())
}

/// `reg` of the struct_ops type.
///
/// # Safety
///
/// Called by the kernel with the value of a map.
#[no_mangle]
unsafe extern "C" fn switchfs_chooser_reg(ops: *mut sys::switchfs_ops) -> c_int {
    from_result(|| reg(NonNull::new(ops).ok_or(EINVAL)?).map(|()| 0))
}

/// `unreg` of the struct_ops type.
#[no_mangle]
extern "C" fn switchfs_chooser_unreg(ops: *const sys::switchfs_ops) {
    unreg(ops);
}

/// `update` of the struct_ops type.
///
/// # Safety
///
/// Called by the kernel with the values of two maps.
#[no_mangle]
unsafe extern "C" fn switchfs_chooser_update(
    new: *mut sys::switchfs_ops,
    old: *const sys::switchfs_ops,
) -> c_int {
    from_result(|| update(NonNull::new(new).ok_or(EINVAL)?, old).map(|()| 0))
}

/// Makes the struct_ops type known; without it there are no choosers. Called once, while the module is
/// loaded.
pub(super) fn init() {
    // SAFETY: Called once, before anybody can use it.
    unsafe { KNOWN.init() };
    // SAFETY: Called while the module is loaded.
    match sys::to_result(unsafe { sys::switchfs_bpf_init() }) {
        Ok(()) => AVAILABLE.store(true, Ordering::Relaxed),
        Err(e) => pr_info!("no BPF choosers: {:?}\n", e),
    }
}
