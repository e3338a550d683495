// SPDX-License-Identifier: GPL-2.0-only

//! What a program said in the course of one call.

use crate::route::{
    Lesson,
    Op,
    Said, //
};
use core::cell::Cell;
use kernel::prelude::*;

/// How many are kept without memory of their own.
const FEW: usize = 3;

/// What a program said.
pub(crate) struct Lessons {
    /// The first ones.
    few: [Cell<Option<Lesson>>; FEW],
    /// Those that follow.
    more: Cell<Option<KVec<Lesson>>>,
}

impl Lessons {
    /// Nothing.
    pub(crate) fn new() -> Self {
        Self {
            few: [const { Cell::new(None) }; FEW],
            more: Cell::new(None),
        }
    }

    /// This one.
    pub(crate) fn of(lesson: Lesson) -> Self {
        let lessons = Self::new();
        let [first, ..] = &lessons.few;
        first.set(Some(lesson));
        lessons
    }

    /// What it said about an operation, or about the name.
    pub(crate) fn said(&self, about: Option<Op>) -> Option<Said> {
        for slot in &self.few {
            // Nothing follows a place that is free.
            let lesson = slot.get()?;
            if lesson.about == about {
                return Some(lesson.said);
            }
        }
        let more = self.more.take();
        let mut lessons = more.iter().flatten();
        let said = lessons.find(|lesson| lesson.about == about).map(|l| l.said);
        self.more.set(more);
        said
    }

    /// Adds one. May sleep.
    pub(crate) fn add(&self, lesson: Lesson) -> Result {
        if let Some(slot) = self.few.iter().find(|slot| slot.get().is_none()) {
            slot.set(Some(lesson));
            return Ok(());
        }
        let mut more = self.more.take().unwrap_or_default();
        let added = more.push(lesson, GFP_KERNEL);
        self.more.set(Some(more));
        Ok(added?)
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.few.first().is_none_or(|slot| slot.get().is_none())
    }

    /// Calls `f` with each, in their order, until it fails.
    pub(crate) fn each(&self, mut f: impl FnMut(&Lesson) -> Result) -> Result {
        for slot in &self.few {
            match slot.get() {
                Some(lesson) => f(&lesson)?,
                None => return Ok(()),
            }
        }
        let more = self.more.take();
        let result = more.iter().flatten().try_for_each(f);
        self.more.set(more);
        result
    }
}
