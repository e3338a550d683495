// SPDX-License-Identifier: GPL-2.0-only

//! The BPF choosers that are registered, under their names, and the mounts that are attached to them.
//!
//! The kernel calls [`reg`], [`unreg`] and [`update`] one after the other, under a lock of all users
//! of struct_ops; nothing here waits for a branch.
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
    chooser::Seat,
    programs::Loaded,
    sys,
    RcuArc, //
};
use core::{
    ptr::NonNull,
    sync::atomic::{
        AtomicBool,
        Ordering, //
    },
};
use kernel::{
    error::from_result,
    prelude::*,
    sync::Arc, //
};

kernel::sync::global_lock! {
    /// What is registered; while it is locked nothing is registered, swapped or let go.
    // SAFETY: Initialised in `init`, before the filesystem or the struct_ops type is known to anybody.
    pub(super) unsafe(uninit) static KNOWN: Mutex<KVec<Arc<Chooser>>> = KVec::new();
}

/// Whether the struct_ops type is there.
static AVAILABLE: AtomicBool = AtomicBool::new(false);

/// A name under which programs are registered, or were when they were kept.
pub(super) struct Chooser {
    /// The name, with its NUL.
    name: [u8; sys::SWITCHFS_CHOOSER_LEN as usize],
    /// The programs in force.
    pub(super) loaded: RcuArc<Loaded>,
    /// Whether they were unregistered.
    pub(super) detached: AtomicBool,
    /// Whether the programs in force were complained about.
    pub(super) logged: AtomicBool,
    /// The mounts that use it. Locked by [`static@KNOWN`].
    seats: kernel::sync::GlobalLockedBy<KVec<Arc<Seat>>, KNOWN>,
}

impl Chooser {
    /// The name.
    pub(super) fn name(&self) -> &[u8] {
        let len = self.name.iter().position(|b| *b == 0);
        self.name.get(..len.unwrap_or(0)).unwrap_or_default()
    }

    /// Whether it is the one to be found under `name`.
    fn is_called(&self, name: &[u8]) -> bool {
        self.name() == name
    }

    /// Attaches the mount of `seat` to the programs registered as `name`. ENOENT when there are none;
    /// EOPNOTSUPP when there can be none; else what the program says. May sleep.
    pub(super) fn attach(name: &[u8], seat: &Arc<Seat>) -> Result<Arc<Self>> {
        if !AVAILABLE.load(Ordering::Relaxed) {
            return Err(crate::error::eopnotsupp());
        }
        let mut known = KNOWN.lock();
        let chooser = known.iter().find(|chooser| chooser.is_called(name));
        let chooser = chooser.ok_or(ENOENT)?.clone();
        chooser.seats.as_mut(&mut known).reserve(1, GFP_KERNEL)?;
        let loaded = chooser.loaded.get();
        loaded.begin(seat)?;
        seat.say(Who::Program, loaded.members(), loaded.epoch);
        chooser
            .seats
            .as_mut(&mut known)
            .push(seat.clone(), GFP_KERNEL)?;
        Ok(chooser)
    }

    /// Ends that. May sleep.
    pub(super) fn detach(&self, seat: &Arc<Seat>) {
        let mut known = KNOWN.lock();
        let seats = self.seats.as_mut(&mut known);
        if let Some(at) = seats.iter().position(|other| Arc::ptr_eq(other, seat)) {
            let _ = seats.remove(at);
        }
        if !seat.ended.load(Ordering::Relaxed) {
            self.loaded.get().end(seat);
        }
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
    // Without memory they are let go with the last mount.
    if let Ok(nothing) = Loaded::nothing() {
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
