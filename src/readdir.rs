// SPDX-License-Identifier: GPL-2.0-only

//! Listing directories: a directory lists exactly the names that lookup would find in it.
//!
//! As long as no rule sends some of its names elsewhere, it is read from one branch, with that
//! branch's positions. Else each branch is read in turn, and a name is listed from its home.

mod entries;

use self::entries::{
    list_parts,
    list_whole, //
};
use crate::{
    batch::Ignored,
    branch::Branch,
    call::{
        At,
        Call,
        Decision, //
    },
    explain, fdinfo,
    listing::{
        Part,
        Positions, //
    },
    mirror,
    namei::{
        id,
        number, //
    },
    policy::Policy,
    route::{
        BranchId,
        BranchSet,
        Op, //
    },
    sb::Info,
    vfs::{
        open_dir,
        BackingFile,
        Caller,
        Cgroup,
        Dentry,
        DirContext,
        DirFile,
        DirFileOps,
        DirStream,
        Hints,
        Name,
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
    /// The number of the home.
    own: u8,
    /// Those of other branches, opened when they are read.
    #[pin]
    others: Mutex<KVec<(u8, Arc<Stream>)>>,
    /// Positions that branches give.
    #[pin]
    positions: Positions,
    /// The opener's control group, if rules asked for it.
    cgroup: Option<Cgroup>,
    /// The directory of the gate that agreed to opening this one.
    _gate: Option<ARef<BackingFile>>,
}

/// An open directory of a branch.
struct Stream {
    /// The file.
    file: ARef<BackingFile>,
    /// The place of its branch.
    place: u8,
    /// The device, when it is not the branch's root's.
    foreign: Option<u32>,
}

impl Stream {
    /// Opens the directory `dir` of `branch` under the credentials in force.
    fn open(branch: &Branch, dir: &Dentry, partitioned: bool, noatime: bool) -> Result<Self> {
        let path = branch.at(dir);
        let mut stat = Stat::new();
        path.getattr(None, StatQuery::cached_identity(), &mut stat)?;
        let foreign = (stat.dev() != path.mount().dev()).then(|| stat.dev());
        Ok(Self {
            file: open_dir(path, partitioned, noatime)?,
            place: branch.place,
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
    /// Whether each name has to be asked about: it may be hidden, or its home depends on branches.
    varies: bool,
    /// The branch that has to agree.
    gate: Option<BranchId>,
}

impl Plan {
    /// How `file` is listed for `caller` under the policy in force. An error when the rules refuse
    /// it.
    fn of(info: &Info, file: &DirFile, caller: Caller<'_>) -> Result<Self> {
        let policy = info.policy.get();
        if policy.is_trivial() {
            return Ok(Self {
                homes: BranchSet::of(policy.default()),
                policy,
                varies: false,
                gate: None,
            });
        }
        info.settled(|policy| Self::by_rules(info, policy, file, caller))
    }

    /// The same when there are rules.
    fn by_rules(
        info: &Info,
        policy: &Arc<Policy>,
        file: &DirFile,
        caller: Caller<'_>,
    ) -> Result<Self> {
        let state = policy.state(file.dentry())?;
        let mut gate = None;
        // No rule denies the root.
        if !file.dentry().is_root() {
            let call = Call::new(info, policy, caller, At::Dentry(file.dentry()));
            let home = id(file.inode().branch());
            if let Decision::Gated { gate: asked, .. } = call.decide(state, Op::Readdir, home)? {
                gate = Some(asked);
            }
        }
        Ok(Self {
            homes: policy.names_homes(state, Some(file.inode())),
            varies: policy.names_vary(state),
            policy: policy.clone(),
            gate,
        })
    }

    /// Lets the gate list the directory, when the listing begins.
    fn ask_gate(&self, info: &Info, file: &DirFile, pos: i64) -> Result {
        let Some(gate) = self.gate.filter(|_| pos == 0) else {
            return Ok(());
        };
        let opened = open_gate(info, file, gate)?;
        let _creds = info.assume();
        DirStream(&opened).read(Hints::UNLIMITED, &mut Ignored)
    }

    /// The one branch that it is listed from, if it is only one.
    fn single(&self) -> Option<BranchId> {
        let mut homes = self.homes.iter();
        let first = homes.next();
        first.filter(|_| !self.varies && homes.next().is_none())
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
    /// Calls `f` with each open directory of a branch, the home's first. May sleep.
    pub(crate) fn each_file(&self, mut f: impl FnMut(&BackingFile) -> Result) -> Result {
        f(&self.home.file)?;
        let others = self.others.lock();
        others.iter().try_for_each(|(_, stream)| f(&stream.file))
    }

    /// Calls `f` with the directory of `branch` for the path of `file`, and returns what it returns;
    /// `None` when there is no such directory.
    fn with_stream<R>(
        &self,
        info: &Info,
        file: &DirFile,
        branch: u8,
        f: impl FnOnce(&Stream) -> Result<R>,
    ) -> Result<Option<R>> {
        if branch == self.own {
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
            Stream::open(info.branches.get(id)?, &dir, true, file.is_noatime())?
        };
        let stream = Arc::new(stream, GFP_KERNEL)?;
        self.others
            .lock()
            .push((branch, stream.clone()), GFP_KERNEL)?;
        info.watch_opened(file.dentry().sb().dev(), &stream.file);
        f(&stream).map(Some)
    }
}

/// Opens the directory of the path of `file` in the branch `gate`, which so agrees.
fn open_gate(info: &Info, file: &DirFile, gate: BranchId) -> Result<ARef<BackingFile>> {
    let dir = mirror::find_dir(info, file.dentry(), gate)?.ok_or(ENOENT)?;
    let branch = info.branches.get(gate)?;
    let _creds = info.assume();
    open_dir(branch.at(&dir), false, true)
}

/// Who opened `file`.
fn opener(file: &DirFile) -> Caller<'_> {
    Caller::opener_of_dir(file, file.data().cgroup.as_ref())
}

/// The file operations of directories.
pub(crate) struct DirFiles;

#[vtable]
impl DirFileOps for DirFiles {
    type Data = OpenDir;

    fn open(file: &DirFile) -> Result<Pin<KBox<OpenDir>>> {
        file.dentry().trying(Op::Open, || {
            let info = file.dentry().sb().info();
            let inode = file.inode();
            // Rules decide whether a directory may be opened; it is listed from its names' homes.
            let gate = match info.decide(file.dentry(), Op::Open)? {
                Decision::Gated { gate, .. } => Some(open_gate(info, file, gate)?),
                Decision::Home | Decision::Elsewhere(_) => None,
            };
            let (branch, real) = inode.object();
            let (partitioned, cgroup) = if info.policy.is_plain() {
                (false, None)
            } else {
                let plan = Caller::with_current(|caller| Plan::of(info, file, caller));
                let asks = info.policy.get().asks_cgroups();
                (
                    plan.is_ok_and(|plan| plan.single().is_none()),
                    asks.then(Cgroup::current).flatten(),
                )
            };
            let home = {
                let _creds = info.assume();
                Stream::open(branch, real, partitioned, file.is_noatime())?
            };
            let own = number(branch.id);
            let open = KBox::pin_init(
                pin_init!(OpenDir {
                    home,
                    own,
                    others <- new_mutex!(KVec::new()),
                    positions <- Positions::new(),
                    cgroup,
                    _gate: gate,
                }),
                GFP_KERNEL,
            )?;
            info.watch_opened(file.dentry().sb().dev(), &open.home.file);
            Ok(open)
        })
    }

    fn llseek(file: &DirFile, offset: i64, whence: i32) -> Result<i64> {
        let info = file.dentry().sb().info();
        let plan = Plan::of(info, file, opener(file))?;
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
        file.dentry().trying(Op::Readdir, || {
            let info = file.dentry().sb().info();
            info.watch(file.dentry(), Op::Readdir);
            let plan = Plan::of(info, file, opener(file))?;
            plan.ask_gate(info, file, context.pos())?;
            match plan.single() {
                Some(id) => list_whole(info, file, number(id), context),
                None => list_parts(info, file, &plan, context),
            }
        })
    }

    fn fsync(file: &DirFile, start: i64, end: i64, datasync: bool) -> Result {
        let info = file.dentry().sb().info();
        let _creds = info.assume();
        file.data().home.file.fsync(start, end, datasync)
    }

    fn route(file: &DirFile, name: Name<'_>, kind: u32) -> Result<KVVec<u8>> {
        let info = file.dentry().sb().info();
        info.settled(|_| explain::absent(file, name, kind))
    }

    fn show(file: &DirFile) -> Result<KVVec<u8>> {
        fdinfo::of_dir(file.dentry().sb().info(), file.data())
    }

    fn closing(file: &DirFile) {
        let stats = &file.dentry().sb().info().stats;
        let _ = file.data().each_file(|file| {
            stats.closing(file);
            Ok(())
        });
    }
}
