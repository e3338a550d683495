// SPDX-License-Identifier: GPL-2.0-only

//! Listing directories: a directory lists exactly the names that lookup would find in it.
//!
//! As long as no rule sends some of its names elsewhere, it is read from one branch, with that
//! branch's positions. Else each branch is read in turn, and a name is listed from its home.

use crate::{
    ino,
    listing::{
        is_dot,
        Part,
        Positions, //
    },
    mirror,
    namei::number,
    policy::{
        decide,
        Policy, //
    },
    route::{
        BranchId,
        BranchSet,
        Op,
        State, //
    },
    sb::Info,
    vfs::{
        open_dir,
        BackingFile,
        DirContext,
        DirEntry,
        DirFile,
        DirFileOps,
        DirSink,
        DirStream,
        RealPath,
        Stat,
        StatQuery, //
    },
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        aref::ARef,
        Arc,
        Mutex, //
    },
};

/// What is kept with an open directory.
#[pin_data]
pub(crate) struct OpenDir {
    /// The home's directory.
    home: Stream,
    /// Those of other branches, opened when they are read.
    #[pin]
    others: Mutex<KVec<(u8, Arc<Stream>)>>,
    /// Positions that branches give.
    #[pin]
    positions: Positions,
}

/// An open directory of a branch.
struct Stream {
    /// The file.
    file: ARef<BackingFile>,
    /// The device, when it is not the branch's root's.
    foreign: Option<u32>,
}

impl Stream {
    /// Opens a branch's directory under the credentials in force.
    fn open(path: RealPath<'_>, partitioned: bool, noatime: bool) -> Result<Self> {
        let mut stat = Stat::new();
        path.getattr(None, StatQuery::cached_identity(), &mut stat)?;
        let foreign = (stat.dev() != path.mount().dev()).then(|| stat.dev());
        Ok(Self {
            file: open_dir(path, partitioned, noatime)?,
            foreign,
        })
    }
}

/// How a directory is listed.
struct Plan {
    /// The policy by which.
    policy: Arc<Policy>,
    /// The branches that are the home of some name in it.
    homes: BranchSet,
}

impl Plan {
    /// How `file` is listed under the policy in force. An error when the rules refuse it.
    fn of(info: &Info, file: &DirFile) -> Result<Self> {
        let policy = info.policy.get();
        let state = policy.state(file.dentry())?;
        // No rule denies the root.
        if !file.dentry().is_root() {
            decide(state, Op::Readdir)?;
        }
        let homes = policy.names_homes(state);
        Ok(Self { policy, homes })
    }

    /// The one branch that it is listed from, if it is only one.
    fn single(&self) -> Option<BranchId> {
        let mut homes = self.homes.iter();
        homes.next().filter(|_| homes.next().is_none())
    }

    /// What is read after `part`, for a directory whose own home is `home`.
    fn after(&self, part: Part, home: u8) -> Part {
        let from = match part {
            Part::Home => None,
            Part::Branch(branch) => Some(branch),
            Part::End => return Part::End,
        };
        self.homes
            .iter()
            .map(number)
            .find(|id| *id != home && from.is_none_or(|from| *id > from))
            .map_or(Part::End, Part::Branch)
    }
}

impl OpenDir {
    /// Calls `f` with the directory of `branch` for the path of `file`, and returns what it returns;
    /// `None` when there is no such directory.
    fn with_stream<R>(
        &self,
        info: &Info,
        file: &DirFile,
        branch: u8,
        f: impl FnOnce(&Stream) -> Result<R>,
    ) -> Result<Option<R>> {
        if branch == file.inode().branch() {
            return f(&self.home).map(Some);
        }
        let known = {
            let others = self.others.lock();
            others
                .iter()
                .find(|(b, _)| *b == branch)
                .map(|(_, stream)| stream.clone())
        };
        if let Some(stream) = known {
            return f(&stream).map(Some);
        }
        // No lock is held while a branch is called; a second caller opens a second file.
        let id = BranchId::new(usize::from(branch)).ok_or(EIO)?;
        let Some(dir) = mirror::find_dir(info, file.dentry(), id)? else {
            return Ok(None);
        };
        let stream = {
            let _creds = info.mounter.assume();
            Stream::open(info.branches.get(id)?.at(&dir), true, file.is_noatime())?
        };
        let stream = Arc::new(stream, GFP_KERNEL)?;
        self.others
            .lock()
            .push((branch, stream.clone()), GFP_KERNEL)?;
        f(&stream).map(Some)
    }
}

/// Hands a single branch's entries on, with inode numbers of this mount.
struct Whole<'a> {
    /// Where entries go.
    context: &'a mut DirContext,
    /// The branch.
    branch: u8,
    /// The device, when it is not the branch's root's.
    foreign: Option<u32>,
}

impl DirSink for Whole<'_> {
    fn entry(&mut self, entry: &DirEntry<'_>) -> bool {
        self.context.emit(&DirEntry {
            ino: ino::map(self.branch, self.foreign, entry.ino),
            ..*entry
        })
    }
}

/// Hands on those of a branch's entries whose home it is.
struct Filter<'a> {
    /// Where entries go, with their inode numbers.
    whole: Whole<'a>,
    /// Which directory is read.
    part: Part,
    /// What decides the homes of names.
    policy: &'a Policy,
    /// Of the directory.
    state: &'a State,
    /// Positions for user space.
    positions: &'a Positions,
    /// Whether the branch gave any entry.
    seen: bool,
    /// Whether the caller wants no more.
    full: bool,
}

impl DirSink for Filter<'_> {
    fn entry(&mut self, entry: &DirEntry<'_>) -> bool {
        self.seen = true;
        let listed = if is_dot(entry) {
            self.part == Part::Home
        } else {
            number(self.policy.home_of(self.state, entry.name)) == self.whole.branch
        };
        if !listed {
            return true;
        }
        let taken = self
            .positions
            .encode(self.part, entry.pos)
            .is_some_and(|pos| self.whole.entry(&DirEntry { pos, ..*entry }));
        self.full = !taken;
        taken
    }
}

/// Lists `file` from the one branch `branch`.
fn list_whole(info: &Info, file: &DirFile, branch: u8, context: &mut DirContext) -> Result {
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
                    branch,
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
    };
    list_parts(info, file, &plan, context)
}

/// Lists `file` from each branch that `plan` names.
fn list_parts(info: &Info, file: &DirFile, plan: &Plan, context: &mut DirContext) -> Result {
    let state = plan.policy.state(file.dentry())?;
    let positions = &file.data().positions;
    let own = file.inode().branch();
    loop {
        let (part, pos) = positions.decode(context.pos())?;
        let branch = match part {
            Part::Home => own,
            Part::Branch(branch) => branch,
            Part::End => return Ok(()),
        };
        let hints = context.hints();
        let read = file.data().with_stream(info, file, branch, |stream| {
            let source = DirStream(&stream.file);
            source.seek(pos)?;
            let mut filter = Filter {
                whole: Whole {
                    context: &mut *context,
                    branch,
                    foreign: stream.foreign,
                },
                part,
                policy: &plan.policy,
                state,
                positions,
                seen: false,
                full: false,
            };
            {
                let _creds = info.assume();
                source.read(hints, &mut filter)?;
            }
            Ok((filter.seen, filter.full, source.pos()))
        })?;
        let (next, full) = match read {
            Some((true, full, pos)) => (positions.encode(part, pos), full),
            // A branch whose directory is missing, or at its end.
            _ => (positions.encode(plan.after(part, own), 0), false),
        };
        context.set_pos(next.ok_or(ENOMEM)?);
        if full {
            return Ok(());
        }
    }
}

/// The file operations of directories.
pub(crate) struct DirFiles;

#[vtable]
impl DirFileOps for DirFiles {
    type Data = OpenDir;

    fn open(file: &DirFile) -> Result<Pin<KBox<OpenDir>>> {
        let info = file.dentry().sb().info();
        let inode = file.inode();
        // Rules decide whether a directory may be opened; it is listed from its names' homes.
        info.decide(file.dentry(), Op::Open)?;
        let branch = inode.home();
        let real = inode.real().ok_or_else(crate::error::estale)?;
        let partitioned = Plan::of(info, file).is_ok_and(|plan| plan.single().is_none());
        let home = {
            let _creds = info.assume();
            Stream::open(branch.at(real), partitioned, file.is_noatime())?
        };
        KBox::pin_init(
            pin_init!(OpenDir {
                home,
                others <- new_mutex!(KVec::new()),
                positions <- Positions::new(),
            }),
            GFP_KERNEL,
        )
    }

    fn llseek(file: &DirFile, offset: i64, whence: i32) -> Result<i64> {
        let info = file.dentry().sb().info();
        let plan = Plan::of(info, file)?;
        if let Some(id) = plan.single() {
            let moved = file.data().with_stream(info, file, number(id), |stream| {
                stream.file.seek(file.pos(), offset, whence)
            })?;
            if let Some(pos) = moved {
                file.set_pos(pos);
                return Ok(pos);
            }
        }
        // Positions of several branches can be gone back to, but not reckoned with.
        let pos = match whence {
            0 => offset,
            1 if offset == 0 => file.pos(),
            _ => return Err(EINVAL),
        };
        if pos == 0 {
            file.data().positions.clear();
        }
        file.data().positions.decode(pos)?;
        file.set_pos(pos);
        Ok(pos)
    }

    fn iterate(file: &DirFile, context: &mut DirContext) -> Result {
        let info = file.dentry().sb().info();
        let plan = Plan::of(info, file)?;
        match plan.single() {
            Some(id) => list_whole(info, file, number(id), context),
            None => list_parts(info, file, &plan, context),
        }
    }

    fn fsync(file: &DirFile, start: i64, end: i64, datasync: bool) -> Result {
        let info = file.dentry().sb().info();
        let _creds = info.assume();
        file.data().home.file.fsync(start, end, datasync)
    }
}
