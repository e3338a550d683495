// SPDX-License-Identifier: GPL-2.0-only

//! Tags: what a policy leaves with the names that are met, and finds its states by.

use super::{
    kind_of,
    Policy,
    ROOT, //
};
use crate::{
    lessons::Lessons,
    path,
    program::Program,
    route::{
        self,
        Kind,
        Places,
        State, //
    },
    stamp,
    vfs::{
        Entry,
        Name,
        SwitchDentry,
        SwitchInode,
        Tag, //
    },
};
use core::sync::atomic::Ordering;
use kernel::prelude::*;

/// How often a tag is looked for while others replace those on the way.
const TRIES: usize = 64;

/// What a name was before a program was asked about it.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    /// The sequence number.
    seq: u32,
    /// The generation of tags.
    generation: u64,
}

/// A name that is being looked up.
pub(crate) struct Lookup {
    /// The tag of its directory.
    dir: Tag,
    /// Where it stands among the rules, if that is known.
    places: Option<Places>,
    /// Its tag while its type is not known.
    pub(crate) tag: Tag,
}

impl Policy {
    /// The generation of tags made now; none when another policy is in force. May be called in RCU
    /// walk.
    pub(crate) fn generation(&self) -> u64 {
        // In this order: the next policy's generation begins after this one is superseded.
        let generation = self.stamp.generation();
        if self.superseded.load(Ordering::Acquire) {
            return stamp::NONE;
        }
        generation
    }

    /// Whether `tag` was made in the generation `generation`.
    pub(super) fn is_of(tag: Tag, generation: u64) -> bool {
        generation != stamp::NONE && tag.generation() == generation
    }

    /// The state that `tag` stands for, if it is of this generation. May be called in RCU walk.
    pub(crate) fn state_of_tag(&self, tag: Tag) -> Option<&State> {
        if !Self::is_of(tag, self.generation()) {
            return None;
        }
        self.states.get(tag.state())
    }

    /// The tag of the state with the number `number` in the generation `generation`.
    fn tag_of(&self, generation: u64, number: u32) -> Result<Tag> {
        let tag = self.states.tag(generation, number).ok_or(EIO)?;
        match &self.program {
            // What changes results is called for every operation.
            Some(program) if program.members().getattr => Ok(tag.without_service()),
            _ => Ok(tag),
        }
    }

    /// The program, if there are no rules and it is asked about names alone.
    pub(crate) fn asked_about_names(&self) -> Option<&Program> {
        let program = self.program.as_ref().filter(|_| self.rules().is_empty())?;
        let members = program.members();
        (members.ops == 0 && members.name).then_some(program)
    }

    /// The state of any name without a program, if there are no rules. May be called in RCU walk.
    pub(crate) fn bare_state(&self) -> Option<&State> {
        if !self.rules().is_empty() {
            return None;
        }
        self.states.get(ROOT)
    }

    /// The tag in the generation `generation` of a name of which neither a rule nor a program speaks.
    pub(crate) fn bare_tag(&self, generation: u64) -> Result<Tag> {
        self.tag_of(generation, ROOT)
    }

    /// The tag in the place of `tag` after `lessons`. May sleep.
    pub(crate) fn learned(&self, tag: Tag, lessons: &Lessons) -> Result<Tag> {
        if lessons.is_empty() {
            return Ok(tag);
        }
        let mut number = tag.state();
        lessons.each(|lesson| {
            number = self.known.after(number, lesson, |number| {
                let state = self.states.get(number).ok_or(EIO)?;
                self.states.intern(&self.rules, state.learn(lesson)?)
            })?;
            Ok(())
        })?;
        self.tag_of(tag.generation(), number)
    }

    /// The number of the state `number` with everything to be asked that a program is asked about a new
    /// name. May sleep.
    fn asking(&self, number: u32) -> Result<u32> {
        let asks = self.asks();
        if asks.is_nothing() {
            return Ok(number);
        }
        self.known.asking(asks, number, || {
            let state = self.states.get(number).ok_or(EIO)?;
            self.states.intern(&self.rules, state.asking(asks)?)
        })
    }

    /// `dentry` before a program is asked about it. May be called in RCU walk.
    pub(crate) fn seen(&self, dentry: &SwitchDentry) -> Seen {
        Seen {
            seq: dentry.seq(),
            generation: self.generation(),
        }
    }

    /// Lets `dentry`, which was `seen` before a program was asked, remember `lessons`. May sleep.
    pub(crate) fn remember(&self, dentry: &SwitchDentry, seen: Seen, lessons: &Lessons) {
        let tag = dentry.tag();
        // What another program said is not taken for an answer of this generation's.
        if lessons.is_empty()
            || tag.generation() != seen.generation
            || !Self::is_of(tag, self.generation())
        {
            return;
        }
        // Without memory it is asked again.
        let Ok(new) = self.learned(tag, lessons) else {
            return;
        };
        dentry.set_tag(new);
        if dentry.seq() != seen.seq {
            dentry.set_tag(Tag::NONE);
        }
    }

    /// The state of a name of the mount. May sleep.
    pub(crate) fn state(&self, dentry: &SwitchDentry) -> Result<&State> {
        let tag = self.tag(dentry)?;
        self.states.get(tag.state()).ok_or(EIO)
    }

    /// The tag of a name of the mount, left with it. May sleep.
    pub(crate) fn tag(&self, dentry: &SwitchDentry) -> Result<Tag> {
        let known = dentry.tag();
        if Self::is_of(known, self.generation()) {
            return Ok(known);
        }
        for _ in 0..TRIES {
            match self.try_tag(dentry) {
                Err(e) if e == EAGAIN => {}
                result => return result,
            }
        }
        Err(crate::error::estale())
    }

    /// The same once; EAGAIN when a tag on the way was replaced by one of another generation, by
    /// somebody who works under another policy.
    fn try_tag(&self, dentry: &SwitchDentry) -> Result<Tag> {
        // Read first: what is computed from here on is not taken for a later generation's.
        let generation = self.generation();
        let current = |d: &SwitchDentry| Self::is_of(d.tag(), generation);
        path::fold(
            dentry,
            current,
            |top| {
                if top.is_root() {
                    return self.tag_of(generation, ROOT);
                }
                let tag = top.tag();
                if Self::is_of(tag, generation) {
                    Ok(tag)
                } else {
                    Err(EAGAIN)
                }
            },
            |tag, step| {
                let tag = {
                    let parent = self.folds.then(|| step.dentry.parent());
                    let dir = parent.as_ref().and_then(|parent| parent.inode());
                    self.child_tag(tag, dir, step.name, kind_of(step.dentry))?
                };
                step.dentry.set_tag(tag);
                // Renamed meanwhile, the name may have lost its old tag before it got this one.
                if step.dentry.seq() != step.seq {
                    step.dentry.set_tag(Tag::NONE);
                }
                Ok(tag)
            },
        )
    }

    /// The tag of `name`, an object of the type `kind`, in the directory `inode` with the tag `dir`, of
    /// the same generation. May sleep.
    fn child_tag(
        &self,
        dir: Tag,
        inode: Option<&SwitchInode>,
        name: Name<'_>,
        kind: Option<Kind>,
    ) -> Result<Tag> {
        if self.rules().is_empty() {
            return self.tag_of(dir.generation(), self.asking(ROOT)?);
        }
        let places = self.places(dir, inode, name)?;
        self.tag_at(dir, places, inode, name, kind)
    }

    /// Where `name` stands among the rules, in the directory `inode` with the tag `dir`; none if that
    /// is at too many places. May sleep.
    fn places(
        &self,
        dir: Tag,
        inode: Option<&SwitchInode>,
        name: Name<'_>,
    ) -> Result<Option<Places>> {
        let state = self.states.get(dir.state()).ok_or(EIO)?;
        self.with_name(inode, name, |name| self.rules.places(state, name))
    }

    /// As [`Policy::child_tag`], for a name that is known to stand at `places`. May sleep.
    fn tag_at(
        &self,
        dir: Tag,
        places: Option<Places>,
        inode: Option<&SwitchInode>,
        name: Name<'_>,
        kind: Option<Kind>,
    ) -> Result<Tag> {
        let number = match places {
            Some(places) => {
                let make = || Ok(self.rules.state_at(&places, kind)?);
                self.states.at(&self.rules, places, kind, make)?
            }
            None => {
                let dir = self.states.get(dir.state()).ok_or(EIO)?;
                let child = |name: &route::Name<'_>| self.rules.child(dir, name, kind);
                self.states
                    .intern(&self.rules, self.with_name(inode, name, child)??)?
            }
        };
        self.tag_of(dir.generation(), self.asking(number)?)
    }

    /// The state of `name` in the directory `dir`, for an object of the type `kind`, by itself. May
    /// sleep.
    pub(crate) fn child(
        &self,
        dir: &SwitchDentry,
        name: Name<'_>,
        kind: Option<Kind>,
    ) -> Result<State> {
        let state = self.state(dir)?;
        let child = self.with_name(dir.inode(), name, |name| {
            self.rules.child(state, name, kind)
        })??;
        Ok(child.asking(self.asks())?)
    }

    /// The tag and the state of a name whose directory is locked, for an object of the type `kind`.
    /// May sleep.
    pub(crate) fn entry(&self, entry: Entry<'_>, kind: Option<Kind>) -> Result<(Tag, &State)> {
        if self.rules().is_empty() {
            let generation = self.generation();
            let number = self.asking(ROOT)?;
            let tag = self.tag_of(generation, number)?;
            return Ok((tag, self.states.get(number).ok_or(EIO)?));
        }
        let tag = self.tag(entry.parent())?;
        let tag = self.child_tag(tag, Some(entry.dir()), entry.name(), kind)?;
        Ok((tag, self.states.get(tag.state()).ok_or(EIO)?))
    }

    /// The same for a name that is looked up, so that its type is not known yet. May sleep.
    pub(crate) fn lookup(&self, entry: Entry<'_>) -> Result<(Lookup, &State)> {
        if self.rules().is_empty() {
            let (tag, state) = self.entry(entry, None)?;
            let lookup = Lookup {
                dir: tag,
                places: None,
                tag,
            };
            return Ok((lookup, state));
        }
        let dir = self.tag(entry.parent())?;
        let places = self.places(dir, Some(entry.dir()), entry.name())?;
        let tag = self.tag_at(dir, places, Some(entry.dir()), entry.name(), None)?;
        let state = self.states.get(tag.state()).ok_or(EIO)?;
        Ok((Lookup { dir, places, tag }, state))
    }

    /// The tag of a name that was looked up, for an object of the type `kind`. May sleep.
    pub(crate) fn found(
        &self,
        entry: Entry<'_>,
        lookup: Lookup,
        kind: Option<Kind>,
    ) -> Result<Tag> {
        if kind.is_none() || !self.asks_types() {
            return Ok(lookup.tag);
        }
        let Lookup { dir, places, .. } = lookup;
        self.tag_at(dir, places, Some(entry.dir()), entry.name(), kind)
    }
}
