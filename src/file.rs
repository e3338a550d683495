// SPDX-License-Identifier: GPL-2.0-only

//! Open regular files: data goes to and comes from the branch's own page cache.

use crate::{
    branch::Branch,
    error,
    policy::{
        relative,
        Decision, //
    },
    route::{
        Op,
        State, //
    },
    sb::Info,
    vfs::{
        open_backing,
        BackingFile,
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
        SwitchInode,
        Use,
        Vma, //
    },
};
use kernel::{
    prelude::*,
    sync::aref::ARef, //
};

/// The file operations of regular files.
pub(crate) struct File;

/// What the policy says of using an open file in the way `which`.
fn decide(state: &State, which: Use) -> Result<Decision> {
    relative(
        state,
        match which {
            Use::Open => state.decision(Op::Open),
            Use::Read => state.decision(Op::Read),
            Use::Write => state.decision(Op::Write),
            Use::Mmap => state.decision(Op::Mmap),
            Use::SpliceRead => state.data_decision(Op::Splice, Op::Read),
            Use::SpliceWrite => state.data_decision(Op::Splice, Op::Write),
            Use::Lseek => state.decision(Op::Lseek),
            Use::CopyFrom => state.data_decision(Op::Copy, Op::Read),
            Use::CopyTo => state.data_decision(Op::Copy, Op::Write),
            Use::RemapFrom => state.data_decision(Op::Remap, Op::Read),
            Use::RemapTo => state.data_decision(Op::Remap, Op::Write),
        },
    )
}

/// Opens the object that a decision on `file` names.
fn open_as(
    info: &Info,
    file: &RegularFile,
    decision: Decision,
    read_only: bool,
) -> Result<ARef<BackingFile>> {
    let inode = file.inode();
    let served = info.served(file.dentry(), inode, decision)?;
    served.branch.check_depth(served.path().inode()?)?;
    if served.branch.mount.nosuid() {
        inode.hide_setid();
    }
    let backing = {
        let _creds = info.assume();
        // Of the home, `permission` has just asked the same; and what this open made is its maker's
        // whatever its mode.
        let asked = decision == Decision::Home && (file.is_made() || !read_only);
        open_backing(file, served.path(), read_only, asked)?
    };
    if file.is_exec() && backing.is_noexec() {
        return Err(EACCES);
    }
    Ok(backing)
}

/// Opens a backing file for each use that the rules tell apart; those of one branch share one.
fn open_split(info: &Info, file: &RegularFile) -> Result<OpenFile> {
    let policy = info.policy.get();
    let state = policy.state(file.dentry())?;
    let open = decide(state, Use::Open)?;
    let first = open_as(info, file, open, false)?;
    let mut opened = KVec::new();
    opened.push((open, false, first), GFP_KERNEL)?;

    let mut files = [const { Err(EIO) }; Use::ALL.len()];
    for (slot, which) in files.iter_mut().zip(Use::ALL) {
        let read_only = matches!(
            which,
            Use::Read | Use::SpliceRead | Use::Lseek | Use::CopyFrom | Use::RemapFrom
        );
        *slot = decide(state, which).and_then(|decision| {
            let known = opened
                .iter()
                .find(|(d, ro, _)| *d == decision && (read_only || !*ro));
            if let Some((_, _, file)) = known {
                return Ok(file.clone());
            }
            let new = open_as(info, file, decision, read_only)?;
            opened.push((decision, read_only, new.clone()), GFP_KERNEL)?;
            Ok(new)
        });
    }
    Ok(OpenFile::Split(KBox::new(files, GFP_KERNEL)?))
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
    let _lock = path.inode()?.lock();
    let _creds = info.mounter.assume();
    IAttr::kill_setid().apply(path)
}

#[vtable]
impl RegularFileOps for File {
    fn open(file: &RegularFile) -> Result<OpenFile> {
        let info = file.dentry().sb().info();
        // What was opened by a handle may have no name for the rules to speak of.
        let (split, decision) = if info.policy.is_plain() || file.dentry().is_root() {
            (false, Ok(Decision::Home))
        } else {
            info.policy.with_state(file.dentry(), |state| {
                (state.splits_data(), decide(state, Use::Open))
            })?
        };
        let open = if split {
            open_split(info, file)?
        } else {
            OpenFile::One(open_as(info, file, decision?, false)?)
        };
        info.refresh_changed(file.inode());
        Ok(open)
    }

    fn llseek(file: &RegularFile, offset: i64, whence: i32) -> Result<i64> {
        // The position is this file's; only the branch knows its limits, holes and end.
        let from = file.pos();
        if offset == 0 && whence == 1 {
            return Ok(from);
        }
        let backing = file.backing(Use::Lseek)?;
        let info = file.dentry().sb().info();
        let _creds = info.assume();
        let pos = backing.seek(from, offset, whence)?;
        file.set_pos(pos);
        Ok(pos)
    }

    fn read(io: &Iocb<'_>) -> Result<usize> {
        if io.is_empty() {
            return Ok(0);
        }
        let file = io.file();
        let backing = file.backing(Use::Read)?;
        backing.follow_flags(file)?;
        backing.read(io, file.dentry().sb().info().io_creds())
    }

    fn write(io: &Iocb<'_>) -> Result<usize> {
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
    }

    fn wrote(file: &RegularFile) {
        file.dentry().sb().info().refresh_changed(file.inode());
    }

    fn splice_read(splice: &SpliceRead<'_>) -> Result<usize> {
        let file = splice.file;
        let backing = file.backing(Use::SpliceRead)?;
        backing.follow_flags(file)?;
        backing.splice_read(splice, file.dentry().sb().info().io_creds())
    }

    fn splice_write(splice: &SpliceWrite<'_>) -> Result<usize> {
        let file = splice.file();
        let info = file.dentry().sb().info();
        let _lock = file.inode().lock();
        let backing = file.backing(Use::SpliceWrite)?;
        let _nosec = before_write(info, file, backing)?;
        backing.follow_flags(file)?;
        backing.splice_write(splice, info.io_creds())
    }

    fn mmap(file: &RegularFile, vma: &mut Vma) -> Result {
        let info = file.dentry().sb().info();
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
        let info = file.dentry().sb().info();
        let _lock = file.inode().lock();
        let backing = file.backing(Use::Write)?;
        let _nosec = before_write(info, file, backing)?;
        file.remove_privileges()?;
        let result = {
            let _creds = info.assume();
            backing.fallocate(mode, offset, len)
        };
        info.refresh(file.inode());
        result
    }
}
