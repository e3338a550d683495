// SPDX-License-Identifier: GPL-2.0-only

//! The states of a policy, each kept once, under a number that a name can remember.
//!
//! Reading is free of locks, so it may happen in RCU walk; states are only ever added.

use crate::{
    namei::number,
    route::{
        Exceptions,
        Kind,
        Op,
        Places,
        Policy,
        State, //
    },
    vfs::{
        Plain,
        Tag,
        TagCell, //
    },
};
use core::sync::atomic::{
    AtomicU64,
    Ordering, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Mutex,
        SetOnce, //
    },
};

/// States of the first level; each further level has twice as many as the one before.
const FIRST: u32 = 64;
/// Levels, enough for the numbers that a tag has room for.
const LEVELS: usize = 14;

/// How many states are also found by where the rules stand.
const KNOWN: usize = 256;

/// Which number the state has of what is of a type and stands at some places.
#[derive(Clone)]
struct Known {
    /// The places.
    places: Places,
    /// The type.
    kind: Option<Kind>,
    /// The number.
    number: u32,
}

/// So many states are told in a few words.
const QUICK: usize = 256;

/// What is asked most of a state.
struct Quick {
    /// What its home is known to serve, an [`AtHome`].
    at_home: AtomicU64,
    /// Its tag.
    tag: TagCell,
}

impl Quick {
    /// Of a state that there is not yet.
    const fn new() -> Self {
        Self {
            at_home: AtomicU64::new(AtHome::NOTHING.0),
            tag: TagCell::new(),
        }
    }
}

/// Numbered states.
#[pin_data]
pub(crate) struct States {
    /// The first states.
    quick: [Quick; QUICK],
    /// The states, by level.
    levels: [SetOnce<KVVec<SetOnce<Kept>>>; LEVELS],
    /// Which number a state has.
    #[pin]
    index: Mutex<Index>,
}

/// In place of a home: whichever it is.
const ANY: u8 = u8::MAX;

/// A state that is kept.
struct Kept {
    /// The state.
    state: State,
    /// Its tag, in no generation.
    tag: Tag,
    /// The rules on the caller, if it is plain but for those.
    exceptions: Option<Exceptions>,
    /// What its home is known to serve.
    at_home: AtHome,
}

/// What is plain about `state`, which has these exceptions.
fn plain(state: &State, exceptions: Option<&Exceptions>) -> Plain {
    match state.plain_home() {
        Some(home) if state.is_all_at(home) => Plain::AllAtHome(number(home)),
        Some(home) if state.ops_at(Some(home)) & (1 << Op::Getattr as u32) != 0 => {
            Plain::GetattrAtHome(number(home))
        }
        Some(home) => Plain::Home(number(home)),
        None => exceptions.map_or(Plain::Nothing, |e| Plain::Mostly(number(e.home()))),
    }
}

/// That the home, which is a certain branch or [`ANY`], serves some operations: the home above a bit for
/// each.
#[derive(Clone, Copy)]
pub(crate) struct AtHome(u64);

impl AtHome {
    /// That none is known to be served there.
    const NOTHING: Self = Self(0);

    /// That the branch with the number `home` serves `ops`, a bit for each.
    #[inline]
    fn new(home: u8, ops: u32) -> Self {
        Self(u64::from(home) << 32 | u64::from(ops))
    }

    /// That it serves `op`.
    #[inline]
    pub(crate) fn of(op: Op, home: u8) -> Self {
        Self::new(home, 1 << op as u32)
    }

    /// What is known of `state`.
    fn of_state(state: &State) -> Self {
        let home = state.home().map(|home| home.branch);
        Self::new(home.map_or(ANY, number), state.ops_at(home))
    }

    /// The number of the home.
    #[inline]
    pub(crate) fn home(self) -> u8 {
        // CAST: The upper half.
        (self.0 >> 32) as u8
    }

    /// Whether it is about `op`.
    #[inline]
    pub(crate) fn is_about(self, op: Op) -> bool {
        self.0 & (1 << op as u32) != 0
    }

    /// The same of whichever branch the home is.
    pub(crate) fn of_any(self) -> Self {
        // CAST: The lower half.
        Self::new(ANY, self.0 as u32)
    }

    /// Whether `what` is a part of it.
    #[inline]
    fn says(self, what: Self) -> bool {
        const HOME: u64 = (ANY as u64) << 32;
        self.0 & (HOME | what.0) == what.0
    }
}

/// Finds a state's number by its hash; open addressing, a power of two of slots, at most half full.
struct Index {
    /// A number plus one, or zero.
    slots: KVVec<u32>,
    /// Numbers given away.
    len: u32,
    /// Those that were asked for last, by the hash of their places; none, or `KNOWN`.
    known: KVVec<Option<Known>>,
}

impl States {
    /// No states.
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            quick: [const { Quick::new() }; QUICK],
            levels: [const { SetOnce::new() }; LEVELS],
            index <- new_mutex!(Index {
                slots: KVVec::new(),
                len: 0,
                known: KVVec::new(),
            }),
        })
    }

    /// The state with the number `number`.
    ///
    /// # Context
    ///
    /// Any.
    pub(crate) fn get(&self, number: u32) -> Option<&State> {
        self.kept(number).map(|kept| &kept.state)
    }

    /// The tag of the state with the number `number` in the generation `generation`.
    ///
    /// # Context
    ///
    /// Any.
    #[inline]
    pub(crate) fn tag(&self, generation: u64, number: u32) -> Option<Tag> {
        // CAST: `usize` has 64 bits.
        let quick = self.quick.get(number as usize).map(|quick| quick.tag.get());
        let timeless = match quick {
            Some(tag) if tag != Tag::NONE => tag,
            // The tag of nothing plain about the first state is none, too.
            _ => self.kept(number)?.tag,
        };
        Some(timeless.of(generation))
    }

    /// Whether it is known of a name of the state `number` that `what` is so, whoever calls.
    ///
    /// # Context
    ///
    /// Any.
    #[inline]
    pub(crate) fn is_at_home(&self, number: u32, what: AtHome) -> bool {
        // CAST: `usize` has 64 bits.
        let at_home = match self.quick.get(number as usize) {
            Some(quick) => AtHome(quick.at_home.load(Ordering::Relaxed)),
            None => self.kept_at_home(number),
        };
        at_home.says(what)
    }

    /// Which operations are known to be served at home, and which that is, of a state with a number
    /// beyond the quick ones.
    #[cold]
    fn kept_at_home(&self, number: u32) -> AtHome {
        self.kept(number)
            .map_or(AtHome::NOTHING, |kept| kept.at_home)
    }

    /// The exceptions of the state with the number `number`, if it is plain but for those.
    ///
    /// # Context
    ///
    /// Any.
    pub(crate) fn exceptions(&self, number: u32) -> Option<&Exceptions> {
        self.kept(number)?.exceptions.as_ref()
    }

    /// What is kept under the number `number`.
    fn kept(&self, number: u32) -> Option<&Kept> {
        let (level, place) = place(number)?;
        self.levels.get(level)?.as_ref()?.get(place)?.as_ref()
    }

    /// The number of `state`, one of `rules`, a new one if it is new. ENOMEM also when the numbers are
    /// used up. May sleep.
    pub(crate) fn intern(&self, rules: &Policy, state: State) -> Result<u32> {
        let mut index = self.index.lock();
        index.grow(self)?;
        let slot = index.slot(state.hash(), |number| self.get(number) == Some(&state));
        let slot = slot.ok_or(ENOMEM)?;
        if let Some(known) = index
            .slots
            .get(slot)
            .copied()
            .and_then(|n| n.checked_sub(1))
        {
            return Ok(known);
        }
        let number = index.len;
        if number >= Tag::STATES {
            return Err(ENOMEM);
        }
        self.store(number, rules, state)?;
        index.len = number.saturating_add(1);
        let len = index.len;
        if let Some(slot) = index.slots.get_mut(slot) {
            *slot = len;
        }
        Ok(number)
    }

    /// The number of the state of what stands at `places` and is of the type `kind`, which `make` makes
    /// when it is not remembered. May sleep.
    pub(crate) fn at(
        &self,
        rules: &Policy,
        places: Places,
        kind: Option<Kind>,
        make: impl FnOnce() -> Result<State>,
    ) -> Result<u32> {
        // CAST: Only the low bits count; types are numbered from 0.
        let slot = places.hash() as usize ^ kind.map_or(0, |kind| kind as usize + 1);
        let slot = slot & (KNOWN - 1);
        {
            let index = self.index.lock();
            if let Some(Some(known)) = index.known.get(slot) {
                if known.kind == kind && known.places == places {
                    return Ok(known.number);
                }
            }
        }
        let number = self.intern(rules, make()?)?;
        let mut index = self.index.lock();
        if index.known.is_empty() {
            index.known = KVVec::from_elem(None, KNOWN, GFP_KERNEL)?;
        }
        if let Some(known) = index.known.get_mut(slot) {
            *known = Some(Known {
                places,
                kind,
                number,
            });
        }
        Ok(number)
    }

    /// Keeps `state` under the unused number `number`. The caller holds the lock of `index`.
    fn store(&self, number: u32, rules: &Policy, state: State) -> Result {
        let (level, place) = place(number).ok_or(ENOMEM)?;
        let slots = self.levels.get(level).ok_or(ENOMEM)?;
        if slots.as_ref().is_none() {
            // CAST: There are `LEVELS` levels.
            let size = (FIRST as usize) << level;
            let mut new = KVVec::with_capacity(size, GFP_KERNEL)?;
            for _ in 0..size {
                new.push(SetOnce::new(), GFP_KERNEL)?;
            }
            slots.populate(new);
        }
        let slot = slots.as_ref().and_then(|s| s.get(place)).ok_or(ENOMEM)?;
        let at_home = AtHome::of_state(&state);
        let exceptions = rules.exceptions(&state);
        let tag = Tag::timeless(plain(&state, exceptions.as_ref()), number);
        slot.populate(Kept {
            tag,
            exceptions,
            at_home,
            state,
        });
        // CAST: `usize` has 64 bits.
        if let Some(quick) = self.quick.get(number as usize) {
            quick.at_home.store(at_home.0, Ordering::Relaxed);
            quick.tag.set(tag);
        }
        Ok(())
    }
}

/// The level and the place in it of a number.
fn place(number: u32) -> Option<(usize, usize)> {
    let shifted = number.checked_add(FIRST)?;
    let level = shifted.ilog2().checked_sub(FIRST.ilog2())?;
    let first = FIRST.checked_shl(level)?;
    let place = shifted.checked_sub(first)?;
    Some((usize::try_from(level).ok()?, usize::try_from(place).ok()?))
}

impl Index {
    /// Makes room for one more of `states`.
    fn grow(&mut self, states: &States) -> Result {
        let len = usize::try_from(self.len).map_err(|_| ENOMEM)?;
        if len.saturating_mul(2) < self.slots.len() {
            return Ok(());
        }
        let size = self.slots.len().max(64).saturating_mul(2);
        self.slots = KVVec::from_elem(0, size, GFP_KERNEL)?;
        for number in 0..self.len {
            let hash = states.get(number).map_or(0, State::hash);
            if let Some(free) = self.slot(hash, |_| false) {
                if let Some(slot) = self.slots.get_mut(free) {
                    *slot = number.saturating_add(1);
                }
            }
        }
        Ok(())
    }

    /// The slot of the state with the hash `hash` for which `same` holds, or the free one for it.
    fn slot(&self, hash: u64, same: impl Fn(u32) -> bool) -> Option<usize> {
        let mask = self.slots.len().checked_sub(1)?;
        // CAST: Only the low bits count.
        let mut slot = hash as usize & mask;
        for _ in 0..self.slots.len() {
            match self.slots.get(slot)?.checked_sub(1) {
                None => return Some(slot),
                Some(number) if same(number) => return Some(slot),
                Some(_) => slot = slot.wrapping_add(1) & mask,
            }
        }
        None
    }
}
