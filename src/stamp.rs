// SPDX-License-Identifier: GPL-2.0-only

//! Which tags of names count: those of the mount's generation.

use crate::vfs::{
    Forget,
    Tag, //
};
use core::sync::atomic::{
    AtomicU64,
    Ordering, //
};
use kernel::{
    new_spinlock,
    prelude::*,
    sync::{
        Arc,
        SpinLock, //
    },
};

/// No generation: no tag counts.
pub(crate) const NONE: u64 = 0;

/// The next generation of any mount.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// A generation that no tag has yet; none when they are used up.
fn new_generation() -> u64 {
    let next = |g: u64| (g < Tag::GENERATIONS).then(|| g.saturating_add(1));
    let last = NEXT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    last.ok().filter(|g| *g < Tag::GENERATIONS).unwrap_or(NONE)
}

/// The generation of a mount.
#[pin_data]
pub(crate) struct Stamp {
    /// Held while it changes.
    #[pin]
    change: SpinLock<()>,
    /// The generation, or none while another policy is put in force.
    generation: AtomicU64,
    /// What tags of the generation are compared with.
    marks: AtomicU64,
}

impl Stamp {
    /// A new generation.
    pub(crate) fn new() -> Result<Arc<Self>> {
        let stamp = Arc::pin_init(
            pin_init!(Self {
                change <- new_spinlock!(()),
                generation: AtomicU64::new(NONE),
                marks: AtomicU64::new(Tag::NO_MARKS),
            }),
            GFP_KERNEL,
        )?;
        stamp.begin();
        Ok(stamp)
    }

    /// The generation, of which tags are made now. Any context, as for all of these.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// What tags of the generation are compared with.
    #[inline]
    pub(crate) fn marks(&self) -> u64 {
        self.marks.load(Ordering::Acquire)
    }

    /// Puts a generation in force. The caller holds the lock.
    fn set(&self, generation: u64) {
        let marks = if generation == NONE {
            Tag::NO_MARKS
        } else {
            Tag::marks(generation)
        };
        self.marks.store(marks, Ordering::Release);
        self.generation.store(generation, Ordering::Release);
    }
}

impl Forget for Stamp {
    fn forget(&self) {
        let _change = self.change.lock();
        // Between an end and a beginning no tag counts.
        if self.generation() != NONE {
            self.set(new_generation());
        }
    }

    fn end(&self) {
        let _change = self.change.lock();
        self.set(NONE);
    }

    fn begin(&self) {
        let _change = self.change.lock();
        self.set(new_generation());
    }
}
