// SPDX-License-Identifier: GPL-2.0-only

//! Open regular files: data goes to and comes from the branch's own page cache.

use crate::{
    branch::Branch,
    call::{
        At,
        Call,
        Decision, //
    },
    error,
    fdinfo,
    namei::id,
    policy::Policy,
    route::{
        self,
        BranchId,
        Op,
        State, //
    },
    sb::{
        Info,
        Served, //
    },
    vfs::{
        open_asked,
        open_backing,
        Access,
        BackingFile,
        Caller,
        IAttr,
        Inode,
        Iocb,
        Nosec,
        OpenFile,
        Owner,
        RegularFile,
        RegularFileOps,
        SpliceRead,
        SpliceWrite,
        SplitFiles,
        SwitchInode,
        Use,
        Vma, //
    },
    watch, //
};
use kernel::{
    prelude::*,
    sync::aref::ARef, //
};

/// The file operations of regular files.
pub(crate) struct File;

/// What the policy says of using an open file in the way `which`, in the state `state` of its name.
fn decide(call: &Call<'_>, state: &State, which: Use, home: BranchId) -> Result<Decision> {
    let rules = call.policy.compiled();
    let of = |op| rules.decide(state, op, call);
    let data = |op, leader| rules.decide_data(state, op, leader, call);
    let decision = match which {
        Use::Open => of(Op::Open),
        Use::Read => of(Op::Read),
        Use::Write => of(Op::Write),
        Use::Mmap => of(Op::Mmap),
        Use::SpliceRead => data(Op::Splice, Op::Read),
        Use::SpliceWrite => data(Op::Splice, Op::Write),
        Use::Lseek => of(Op::Lseek),
        Use::CopyFrom => data(Op::Copy, Op::Read),
        Use::CopyTo => data(Op::Copy, Op::Write),
        Use::RemapFrom => data(Op::Remap, Op::Read),
        Use::RemapTo => data(Op::Remap, Op::Write),
    };
    call.resolve(decision?, home)
}

/// How `file` is being opened, as rules look at it.
pub(crate) fn ways(file: &RegularFile) -> route::Access {
    if file.is_exec() {
        return route::Access::EXEC;
    }
    let mut ways = route::Access::NONE;
    if file.readable() {
        ways = ways.or(route::Access::READ);
    }
    if file.writable() {
        ways = ways.or(route::Access::WRITE);
    }
    ways
}

/// Opens the home's object, which `permission` has just been asked about; what this open made is its
/// maker's whatever its mode.
#[inline(always)]
fn open_home(info: &Info, file: &RegularFile) -> Result<ARef<BackingFile>> {
    let inode = file.inode();
    let (branch, real) = inode.object();
    let real_inode = real.inode().ok_or(ENOENT)?;
    branch.check_depth(real_inode)?;
    if branch.mount.nosuid() {
        inode.hide_setid();
    }
    let kept = info.keeps_files && !file.is_made();
    let backing = open_asked(file, branch.at(real), info.io_creds(), kept)?;
    if file.is_exec() && backing.is_noexec() {
        return Err(EACCES);
    }
    info.refresh_changed_from(inode, branch, real_inode);
    Ok(backing)
}

/// The same when it is not plain that the home serves all uses of `file`.
#[inline(never)]
fn open_not_plain(info: &Info, file: &RegularFile) -> Result<OpenFile> {
    // What was opened by a handle may have no name for the rules to speak of.
    if file.dentry().is_root() || is_home(info, file) {
        return open_home(info, file).map(OpenFile::One);
    }
    let open = info.settled(|policy| open_by_rules(info, policy, file))?;
    info.refresh_changed(file.inode());
    Ok(open)
}

/// Opens the object that a decision on `file` names; a gate agrees when `ask` does.
fn open_as(
    info: &Info,
    file: &RegularFile,
    decision: Decision,
    read_only: bool,
    ask: impl FnOnce(&Served<'_>) -> Result,
) -> Result<ARef<BackingFile>> {
    let inode = file.inode();
    let served = info.served(file.dentry(), inode, decision, ask)?;
    served.branch.check_depth(served.path().inode()?)?;
    if served.branch.mount.nosuid() {
        inode.hide_setid();
    }
    // Of the home, `permission` has just asked the same; and what this open made is its maker's
    // whatever its mode.
    let asked = decision == Decision::Home && (file.is_made() || !read_only);
    let backing = open_backing(file, served.path(), info.io_creds(), read_only, asked)?;
    if file.is_exec() && backing.is_noexec() {
        return Err(EACCES);
    }
    Ok(backing)
}

/// Opens a file as rules say: one backing file for each use that they tell apart, those of one branch
/// shared, and the files of gates.
fn open_by_rules(info: &Info, policy: &Policy, file: &RegularFile) -> Result<OpenFile> {
    let seen = policy.seen(file.dentry());
    let state = policy.state(file.dentry())?;
    let home = id(file.inode().branch());
    Caller::with_current(|caller| {
        let mut call = Call::new(info, policy, caller, At::Dentry(file.dentry()));
        call.access = ways(file);
        call.open_flags = file.flags();
        let open = match decide(&call, state, Use::Open, home) {
            Ok(open) => open,
            Err(e) => {
                policy.remember(file.dentry(), seen, &call.into_lessons());
                return Err(e);
            }
        };
        let mut opening = Opening {
            info,
            file,
            changes: file.makes_or_truncates(),
            opened: KVec::new(),
            gates: KVec::new(),
        };
        let first = opening.open(open, false)?;
        if !state.splits_data() && opening.gates.is_empty() {
            policy.remember(file.dentry(), seen, &call.into_lessons());
            return Ok(OpenFile::One(first));
        }
        let mut uses = [const { Err(EIO) }; Use::ALL.len()];
        for (slot, which) in uses.iter_mut().zip(Use::ALL) {
            let read_only = matches!(
                which,
                Use::Read | Use::SpliceRead | Use::Lseek | Use::CopyFrom | Use::RemapFrom
            );
            *slot = decide(&call, state, which, home)
                .and_then(|decision| opening.open(decision, read_only));
        }
        policy.remember(file.dentry(), seen, &call.into_lessons());
        let is_one = opening.opened.len() == 1 && opening.gates.is_empty();
        if is_one && uses.iter().all(Result::is_ok) {
            return Ok(OpenFile::One(first));
        }
        let mut all = KVec::new();
        for (_, _, file) in opening.opened {
            all.push(file, GFP_KERNEL)?;
        }
        for gate in opening.gates {
            all.push(gate, GFP_KERNEL)?;
        }
        let files = SplitFiles { uses, all };
        Ok(OpenFile::Split(KBox::new(files, GFP_KERNEL)?))
    })
}

/// Whether the home serves all uses of `file` for the one who opens it, as far as that can be told
/// without calling branches.
fn is_home(info: &Info, file: &RegularFile) -> bool {
    let decision = info.policy.with(|policy| {
        policy.settled_in_place(|| {
            let state = policy.state_of_tag(file.dentry().tag());
            let state = state.filter(|state| !state.splits_data()).ok_or(ECHILD)?;
            Caller::with_current(|caller| {
                let mut call = Call::new(info, policy, caller, At::InPlace(file.dentry()));
                call.access = ways(file);
                decide(&call, state, Use::Open, id(file.inode().branch()))
            })
        })
    });
    decision == Ok(Decision::Home)
}

/// What is open so far of a file that is being opened.
struct Opening<'a> {
    /// The mount.
    info: &'a Info,
    /// The file.
    file: &'a RegularFile,
    /// Whether it is being made or cut, too.
    changes: bool,
    /// The decisions that were opened, whether for reading only, and what by.
    opened: KVec<(Decision, bool, ARef<BackingFile>)>,
    /// The files of gates that agreed, kept until release.
    gates: KVec<ARef<BackingFile>>,
}

impl Opening<'_> {
    /// The backing file of a decision. A file for more than reading will do for reading, too, and a
    /// gate is asked once.
    fn open(&mut self, decision: Decision, read_only: bool) -> Result<ARef<BackingFile>> {
        let known = self
            .opened
            .iter()
            .find(|(d, ro, _)| *d == decision && (read_only || !*ro));
        if let Some((_, _, file)) = known {
            return Ok(file.clone());
        }
        let (info, file, changes, gates) = (self.info, self.file, self.changes, &mut self.gates);
        let new = open_as(info, file, decision, read_only, |gate| {
            if changes {
                // The gate is not to do it.
                return gate.path().permission(info.io_creds(), Access::CHANGE);
            }
            gate.branch.check_depth(gate.path().inode()?)?;
            let gate = open_backing(file, gate.path(), info.io_creds(), false, false)?;
            gates.push(gate, GFP_KERNEL)?;
            Ok(())
        })?;
        self.opened
            .push((decision, read_only, new.clone()), GFP_KERNEL)?;
        Ok(new)
    }
}

/// What a write does before the branch is called: takes over the attributes that decide about
/// set-id bits, and refuses what the branch's flags refuse. The inode is locked, also while the result
/// is kept.
pub(crate) fn before_write<'a>(
    info: &Info,
    file: &'a RegularFile,
    backing: &BackingFile,
) -> Result<Nosec<'a>> {
    let inode = file.inode();
    let branch = inode.home();
    let real = inode.real_inode().ok_or_else(error::estale)?;
    info.refresh_changed_from(inode, branch, real);
    backing.inode().check_write(file.flags())?;
    if hides_setid(branch, inode, real) {
        kill_hidden_setid(info, branch, inode)?;
    }
    Ok(inode.follow_nosec(real))
}

/// Whether `real`, the home's object of `inode`, has set-id bits that this mount does not show.
fn hides_setid(branch: &Branch, inode: &SwitchInode, real: &Inode) -> bool {
    real.mode() & !branch.mode_mask_of(inode) != 0
}

/// Removes the set-id bits that this mount does not show, and the VFS so does not remove.
fn kill_hidden_setid(info: &Info, branch: &Branch, inode: &SwitchInode) -> Result {
    let path = branch.at(inode.real().ok_or_else(error::estale)?);
    let _write = branch.mount.want_write()?;
    let _creds = info.mounter.assume();
    IAttr::kill_setid().apply(path)
}

#[vtable]
impl RegularFileOps for File {
    #[inline(always)]
    fn keeps(file: &RegularFile) -> bool {
        // EVM has what was just made as new until it is closed (`security_file_release`).
        !file.is_made() && file.inode().sb().info().keeps_files
    }

    #[inline(always)]
    fn open(file: &RegularFile) -> Result<OpenFile> {
        file.dentry().trying(Op::Open, || {
            let info = file.dentry().sb().info();
            if info.policy.is_at_home(file.dentry(), Op::Open) {
                open_home(info, file).map(OpenFile::One)
            } else {
                open_not_plain(info, file)
            }
        })
    }

    fn opened(file: &RegularFile, result: Result) {
        watch::opened(file, result);
    }

    fn llseek(file: &RegularFile, offset: i64, whence: i32) -> Result<i64> {
        // The position is this file's; only the branch knows its limits, holes and end.
        let from = file.pos();
        if offset == 0 && whence == 1 {
            return Ok(from);
        }
        watch::used(file, Use::Lseek);
        let backing = file.backing(Use::Lseek)?;
        let info = file.dentry().sb().info();
        let _creds = info.assume();
        let pos = backing.seek(from, offset, whence)?;
        file.set_pos(pos);
        Ok(pos)
    }

    fn read(io: &Iocb<'_>) -> Result<usize> {
        io.file().dentry().trying(Op::Read, || {
            if io.is_empty() {
                return Ok(0);
            }
            let file = io.file();
            watch::used(file, Use::Read);
            let backing = file.backing(Use::Read)?;
            backing.follow_flags(file)?;
            backing.read(io, file.dentry().sb().info().io_creds())
        })
    }

    fn write(io: &Iocb<'_>) -> Result<usize> {
        io.file().dentry().trying(Op::Write, || {
            if io.is_empty() {
                return Ok(0);
            }
            let file = io.file();
            let info = file.dentry().sb().info();
            let _lock = if io.nowait() {
                file.inode().try_lock().ok_or(EAGAIN)?
            } else {
                file.inode().lock()
            };
            watch::used(file, Use::Write);
            let backing = file.backing(Use::Write)?;
            if io.nowait() {
                let inode = file.inode();
                let real = inode.real_inode().ok_or_else(error::estale)?;
                if hides_setid(inode.home(), inode, real) {
                    return Err(EAGAIN);
                }
            }
            let nosec = before_write(info, file, backing)?;
            if io.nowait() && !nosec.is_known() {
                // Taking bits away waits for the branch.
                return Err(EAGAIN);
            }
            backing.follow_flags(file)?;
            backing.write(io, info.io_creds())
        })
    }

    fn wrote(file: &RegularFile) {
        file.dentry().sb().info().refresh_changed(file.inode());
    }

    fn splice_read(splice: &SpliceRead<'_>) -> Result<usize> {
        let file = splice.file;
        watch::used(file, Use::SpliceRead);
        let backing = file.backing(Use::SpliceRead)?;
        backing.follow_flags(file)?;
        backing.splice_read(splice, file.dentry().sb().info().io_creds())
    }

    fn splice_write(splice: &SpliceWrite<'_>) -> Result<usize> {
        let file = splice.file();
        let info = file.dentry().sb().info();
        let _lock = file.inode().lock();
        watch::used(file, Use::SpliceWrite);
        let backing = file.backing(Use::SpliceWrite)?;
        let _nosec = before_write(info, file, backing)?;
        backing.follow_flags(file)?;
        backing.splice_write(splice, info.io_creds())
    }

    #[inline]
    fn mmap(file: &RegularFile, vma: &mut Vma) -> Result {
        let info = file.dentry().sb().info();
        watch::used(file, Use::Mmap);
        let backing = file.backing(Use::Mmap)?;
        let home = &file.inode().home().mount;
        if home.noexec() || (!backing.is_of(home) && backing.is_noexec()) {
            if vma.is_exec() {
                return Err(EACCES);
            }
            vma.deny_exec();
        }
        if vma.is_shared_write() && file.writable() {
            backing.inode().check_write(file.flags())?;
        }
        backing.mmap(vma, info.io_creds())
    }

    fn flush(file: &RegularFile, id: Owner) -> Result {
        let info = file.dentry().sb().info();
        let _creds = info.assume();
        file.each_backing(|backing| backing.flush(id))
    }

    fn fsync(file: &RegularFile, start: i64, end: i64, datasync: bool) -> Result {
        let info = file.dentry().sb().info();
        let _creds = info.assume();
        file.each_backing(|backing| backing.fsync(start, end, datasync))
    }

    fn fallocate(file: &RegularFile, mode: i32, offset: i64, len: i64) -> Result {
        file.dentry().trying(Op::Write, || {
            let info = file.dentry().sb().info();
            let _lock = file.inode().lock();
            watch::used(file, Use::Write);
            let backing = file.backing(Use::Write)?;
            let _nosec = before_write(info, file, backing)?;
            file.remove_privileges()?;
            let result = {
                let _creds = info.assume();
                backing.fallocate(mode, offset, len)
            };
            info.refresh(file.inode());
            result
        })
    }

    fn show(file: &RegularFile) -> Result<KVVec<u8>> {
        fdinfo::of_regular(file)
    }

    fn closing(file: &RegularFile) {
        let stats = &file.dentry().sb().info().stats;
        let _ = file.each_backing(|backing| {
            stats.closing(backing);
            Ok(())
        });
    }
}
