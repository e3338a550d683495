// SPDX-License-Identifier: GPL-2.0-only

//! Entries on their way from branches to who lists: all of a single branch, or of each branch those
//! whose home it is.

use super::{
    opener,
    Plan, //
};
use crate::{
    batch::Batch,
    call::{
        At,
        Call, //
    },
    ino,
    listing::{
        is_dot,
        Part,
        Positions, //
    },
    namei::number,
    policy::Policy,
    route::{
        BranchSet,
        State,
        Verdict, //
    },
    sb::Info,
    vfs::{
        Caller,
        DirContext,
        DirEntry,
        DirFile,
        DirSink,
        DirStream,
        Hints,
        Name,
        SwitchDentry,
        SwitchInode, //
    },
};
use kernel::prelude::*;

/// Hands a single branch's entries on, with inode numbers of this mount.
struct Whole<'a> {
    /// Where entries go.
    context: &'a mut DirContext,
    /// The place of the branch.
    place: u8,
    /// The device, when it is not the branch's root's.
    foreign: Option<u32>,
}

impl DirSink for Whole<'_> {
    fn entry(&mut self, entry: &DirEntry<'_>) -> bool {
        self.context.emit(&DirEntry {
            ino: ino::map(self.place, self.foreign, entry.ino),
            ..*entry
        })
    }
}

/// Whether `name` is listed from the branch with the number `branch`, in the directory `dir` of the
/// state `state`: that is its home, the caller may see it, and a gate has it.
fn lists(
    call: &Call<'_>,
    dir: &SwitchInode,
    state: &State,
    name: Name<'_>,
    branch: u8,
) -> Result<bool> {
    let rules = call.policy.compiled();
    let peek = call.policy.with_name(Some(dir), name, |name| {
        rules.peek_asking(state, name, call.policy.asks(), call)
    })??;
    if peek.is_hidden() || number(peek.home.branch) != branch {
        return Ok(false);
    }
    match peek.lookup.verdict {
        Verdict::Gate { gate, .. } => Ok(call.find(gate)?.is_some()),
        _ => Ok(true),
    }
}

/// Hands on those of a branch's entries whose home it is.
struct Filter<'a> {
    /// Where entries go, with their inode numbers.
    whole: Whole<'a>,
    /// Which directory is read.
    part: Part,
    /// The number of its branch.
    branch: u8,
    /// The mount.
    info: &'a Info,
    /// The policy by which it is listed.
    policy: &'a Policy,
    /// Who lists.
    caller: Caller<'a>,
    /// The directory.
    dir: &'a SwitchDentry,
    /// Its inode.
    inode: &'a SwitchInode,
    /// Its state.
    state: &'a State,
    /// Positions for user space.
    positions: &'a Positions,
    /// How the reading ends.
    end: End,
}

/// How a reading ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// There was nothing.
    Empty,
    /// The branch gave what it had ready.
    Read,
    /// The caller wants no more.
    Full,
    /// A branch has to be asked about the next name.
    Asks,
}

impl DirSink for Filter<'_> {
    fn entry(&mut self, entry: &DirEntry<'_>) -> bool {
        self.end = End::Read;
        let listed = if is_dot(entry) {
            Ok(self.part == Part::Home)
        } else {
            // Here no branch can be asked.
            let at = At::Passing(self.dir, entry.name);
            let call = Call::new(self.info, self.policy, self.caller, at);
            self.policy
                .settled_in_place(|| lists(&call, self.inode, self.state, entry.name, self.branch))
        };
        match listed {
            Ok(true) => {}
            Ok(false) => return true,
            Err(_) => {
                self.end = End::Asks;
                return false;
            }
        }
        let taken = self
            .positions
            .encode(self.part, entry.pos)
            .is_some_and(|pos| self.whole.entry(&DirEntry { pos, ..*entry }));
        if !taken {
            self.end = End::Full;
        }
        taken
    }
}

/// Lists `file` from the one branch `branch`.
pub(super) fn list_whole(
    info: &Info,
    file: &DirFile,
    branch: u8,
    context: &mut DirContext,
) -> Result {
    let listed = file.data().with_stream(info, file, branch, |stream| {
        let source = DirStream(&stream.file);
        source.seek(context.pos())?;
        let hints = context.hints();
        let result = {
            let _creds = info.assume();
            source.read(
                hints,
                &mut Whole {
                    context: &mut *context,
                    place: stream.place,
                    foreign: stream.foreign,
                },
            )
        };
        context.set_pos(source.pos());
        result
    })?;
    if listed.is_none() {
        list_dots(info, file, context)?;
    }
    Ok(())
}

/// Lists nothing but the directory and its parent: what all names belong to has no such directory.
fn list_dots(info: &Info, file: &DirFile, context: &mut DirContext) -> Result {
    let plan = Plan {
        policy: info.policy.get(),
        homes: BranchSet::EMPTY,
        varies: false,
        gate: None,
    };
    list_parts(info, file, &plan, context)
}

/// Lists `file` from each branch that `plan` names.
pub(super) fn list_parts(
    info: &Info,
    file: &DirFile,
    plan: &Plan,
    context: &mut DirContext,
) -> Result {
    let caller = opener(file);
    let state = plan.policy.state(file.dentry())?;
    let positions = &file.data().positions;
    let own = file.data().own;
    let mut asks = false;
    loop {
        let (part, pos) = positions.decode(context.pos())?;
        let branch = match part {
            Part::Home => own,
            Part::Branch(branch) => branch,
            Part::End => return Ok(()),
        };
        let read = file.data().with_stream(info, file, branch, |stream| {
            let source = DirStream(&stream.file);
            source.seek(pos)?;
            let hints = context.hints();
            let mut filter = Filter {
                whole: Whole {
                    context: &mut *context,
                    place: stream.place,
                    foreign: stream.foreign,
                },
                part,
                branch,
                info,
                policy: &plan.policy,
                caller,
                dir: file.dentry(),
                inode: file.inode(),
                state,
                positions,
                end: End::Empty,
            };
            if asks {
                list_asking(&source, file, &mut filter)
            } else {
                let _creds = info.assume();
                source.read(hints, &mut filter)?;
                Ok((filter.end, source.pos()))
            }
        })?;
        let (next, end) = match read {
            // A branch whose directory is missing, or at its end.
            None | Some((End::Empty, _)) => (positions.encode(plan.after(part, own), 0), End::Read),
            Some((end, pos)) => (positions.encode(part, pos), end),
        };
        context.set_pos(next.ok_or(ENOMEM)?);
        match end {
            End::Full => return Ok(()),
            End::Asks => asks = true,
            End::Read | End::Empty => {}
        }
    }
}

/// Reads some entries of `source` for `to`, each with branches asked about it: how that ends, and the
/// position to go on from.
fn list_asking(source: &DirStream<'_>, file: &DirFile, to: &mut Filter<'_>) -> Result<(End, i64)> {
    let mut batch = Batch::new();
    {
        let _creds = to.info.assume();
        source.read(Hints::UNLIMITED, &mut batch)?;
    }
    let mut end = End::Empty;
    for entry in batch.entries()? {
        end = End::Read;
        let listed = is_dot(&entry) || {
            to.policy.settled(|| {
                let at = At::Listed(file.dentry(), entry.name);
                let call = Call::new(to.info, to.policy, to.caller, at);
                lists(&call, to.inode, to.state, entry.name, to.branch)
            })?
        };
        if !listed || (is_dot(&entry) && to.part != Part::Home) {
            continue;
        }
        let pos = to.positions.encode(to.part, entry.pos).ok_or(ENOMEM)?;
        if !to.whole.entry(&DirEntry { pos, ..entry }) {
            return Ok((End::Full, entry.pos));
        }
    }
    Ok((end, source.pos()))
}
