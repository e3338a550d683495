// SPDX-License-Identifier: GPL-2.0-only

//! File handles, and what the NFS server asks for.
//!
//! A handle of three words and the branch's own handle: which branch it is of, and as it was
//! attached. It never leads out of the branch's directory, nor, with rules, to a name that the
//! caller would not find. As long as there are none and the branch is a whole filesystem it is the
//! same under any name of the object; else the directory is part of it.

use crate::{
    branch::Branch,
    error, inode, mirror,
    namei::number,
    route::{
        BranchId,
        Op, //
    },
    sb::Info,
    vfs::{
        Dentry,
        Encoded,
        ExportOps,
        FileType,
        Handle,
        Inode,
        Purpose,
        SuperBlock,
        SwitchDentry,
        SwitchInode,
        MAX_WORDS, //
    },
};
use kernel::{
    prelude::*,
    sync::aref::ARef, //
};

/// The type of handles; the one of the branch's handle is within.
const KIND: u8 = 0xf5;
/// The version of what follows, beside it in a byte the object's type.
const LAYOUT: u8 = 1;
/// Spreads inode numbers over the upper half (the golden ratio).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
/// Words before the branch's handle.
const HEAD: usize = 3;
/// How often a path is followed again because it was renamed meanwhile.
const TRIES: usize = 64;

/// What a handle tells of the object itself: its type, and on FUSE its inode number, since a server
/// may give the number of the node, which is all that the branch's handle holds, to another object.
fn mark(branch: &Branch, inode: &Inode) -> Mark {
    let ino = if branch.mount.is_fuse() {
        inode.ino()
    } else {
        0
    };
    Mark {
        // CAST: The type has 4 bits.
        tag: LAYOUT | ((inode.mode() >> 12) as u8) << 4,
        // CAST: The upper half.
        check: ((branch.generation ^ ino.wrapping_mul(SPREAD)) >> 32) as u32,
    }
}

/// What is compared when the object of a handle is found.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mark {
    /// The first byte of the handle.
    tag: u8,
    /// Its last word before the branch's handle.
    check: u32,
}

/// The words before a branch's handle of the type `kind` and `len` words.
fn head(branch: &Branch, mark: Mark, kind: u8, len: u8) -> [u32; HEAD] {
    [
        u32::from_le_bytes([mark.tag, number(branch.id), kind, len]),
        // CAST: The lower half.
        branch.generation as u32,
        mark.check,
    ]
}

/// What a handle is of.
struct Opened<'a, 'i> {
    /// The number of the branch.
    id: BranchId,
    /// The branch.
    branch: &'i Branch,
    /// What its object has to have.
    mark: Mark,
    /// The branch's own handle.
    inner: Handle<'a>,
}

/// Takes a handle apart. ESTALE for what this mount has not made.
fn open<'a, 'i>(info: &'i Info, handle: Handle<'a>) -> Result<Opened<'a, 'i>> {
    let parts = || {
        let (head, words) = handle.words.split_at_checked(HEAD)?;
        let [first, generation, check] = *head else {
            return None;
        };
        let [tag, place, kind, len] = first.to_le_bytes();
        let id = BranchId::new(usize::from(place))?;
        let branch = info.branches.get(id).ok()?;
        let known = info.policy.with(|policy| policy.branches().contains(&id))
            && handle.kind == KIND
            && tag & 0xf == LAYOUT
            && usize::from(len) == words.len()
            // CAST: The lower half.
            && generation == branch.generation as u32
            && branch.is_usable();
        known.then_some(Opened {
            id,
            branch,
            mark: Mark { tag, check },
            inner: Handle { kind, words },
        })
    };
    parts().ok_or_else(error::estale)
}

/// The directory that goes into the handle of `inode`, whose object is `real`: the one that was asked
/// for, or the one that the object is to be found by again.
fn directory(
    info: &Info,
    branch: &Branch,
    inode: &SwitchInode,
    real: &Dentry,
    asked: Option<&SwitchInode>,
) -> Option<ARef<Dentry>> {
    if inode.file_type() == FileType::Dir {
        return None;
    }
    match asked {
        Some(dir) if dir.real_in(number(branch.id)).is_some() => {
            dir.real_in(number(branch.id)).map(ARef::from)
        }
        None if info.policy.is_plain() && branch.mount.is_whole() => None,
        _ => real.parent(),
    }
}

/// The branch's handle of `real` in `words`, with `dir` if the branch has such handles.
fn encode_real(real: &Inode, dir: Option<&Inode>, purpose: Purpose, words: &mut [u32]) -> Encoded {
    if dir.is_some() {
        match real.encode_handle(dir, purpose, words) {
            Encoded::Nothing => {}
            Encoded::TooLong(len) if len.saturating_add(HEAD) > MAX_WORDS => {}
            made => return made,
        }
    }
    real.encode_handle(None, purpose, words)
}

/// Where the names of an object begin below the root of a branch, innermost first.
struct Chain(KVec<(ARef<Dentry>, u32)>);

impl Chain {
    /// Climbs from `real` to the directory `root`. ESTALE when it is not below it.
    fn climb(real: &Dentry, root: &Dentry) -> Result<Self> {
        let mut steps = KVec::new();
        let mut at = ARef::from(real);
        while at.id() != root.id() {
            let seq = at.seq();
            let parent = at.parent().ok_or_else(error::estale)?;
            steps.push((core::mem::replace(&mut at, parent), seq), GFP_KERNEL)?;
        }
        Ok(Self(steps))
    }

    /// What the mount has at these names, for the current caller.
    fn descend(&self, sb: &SuperBlock) -> Result<ARef<SwitchDentry>> {
        let mut at = ARef::from(sb.root());
        for (dentry, _) in self.0.iter().rev() {
            at = dentry.with_name(|name| at.lookup(name))?;
        }
        Ok(at)
    }

    /// Whether nothing was renamed since it was climbed.
    fn holds(&self) -> bool {
        self.0.iter().all(|(dentry, seq)| dentry.seq() == *seq)
    }
}

/// The name under which the mount has the object `real` of the branch `id`, at the same path as the
/// branch; ESTALE when something else is there. Under the caller's credentials; may sleep.
fn follow(
    sb: &SuperBlock,
    branch: &Branch,
    id: BranchId,
    real: &Dentry,
) -> Result<ARef<SwitchDentry>> {
    let object = real.inode().ok_or_else(error::estale)?.id();
    for _ in 0..TRIES {
        let chain = Chain::climb(real, branch.root())?;
        let found = chain.descend(sb);
        let same = found.as_ref().is_ok_and(|dentry| {
            dentry
                .inode()
                .and_then(|i| i.real_in(number(id)))
                .and_then(|d| d.inode())
                .is_some_and(|i| i.id() == object)
        });
        if same {
            return found;
        }
        if chain.holds() {
            return found.and(Err(error::estale()));
        }
    }
    Err(error::estale())
}

/// As [`follow`] when there are no rules: any name of a file will do, or none.
fn take(
    sb: &SuperBlock,
    branch: &Branch,
    id: BranchId,
    real: &Dentry,
) -> Result<ARef<SwitchDentry>> {
    let info = sb.info();
    let real_inode = real.inode().ok_or_else(error::estale)?;
    let is_dir = real_inode.file_type() == FileType::Dir;
    let within = (!is_dir && branch.mount.is_whole()) || real.is_within(branch.root());
    if id != info.policy.get().default() || !within {
        return Err(error::estale());
    }
    if is_dir && real.id() == branch.root().id() {
        return Ok(sb.root().into());
    }
    let inode = sb
        .iget(&inode::identity(branch, number(id), real, real_inode)?)?
        .inode;
    if !is_dir {
        info.refresh(&inode);
        return SwitchInode::obtain_alias(inode);
    }
    match inode.alias() {
        Some(alias) if alias.is_hashed() && real.is_hashed() => Ok(alias),
        _ => follow(sb, branch, id, real),
    }
}

/// The object of a handle, under a name that leads to it from the root if `connected`.
fn decode(sb: &SuperBlock, handle: Handle<'_>, connected: bool) -> Result<ARef<SwitchDentry>> {
    let info = sb.info();
    let handle = open(info, handle)?;
    let (branch, id) = (handle.branch, handle.id);
    let any_name = info.policy.is_plain() && !connected;
    let mut result = Err(error::estale());
    let creds = info.mounter.assume();
    let found = branch.mount.decode_handle(handle.inner, &mut |real| {
        let same = |inode| mark(branch, inode) == handle.mark;
        if !real.inode().is_some_and(same) {
            return false;
        }
        result = creds.lifted(|| {
            if any_name {
                take(sb, branch, id, real)
            } else {
                follow(sb, branch, id, real)
            }
        });
        result.is_ok()
    });
    match found {
        Err(e) if e == ENOMEM => Err(e),
        _ => result,
    }
}

/// File handles.
pub(crate) struct Handles;

#[vtable]
impl ExportOps for Handles {
    fn decodes(info: &Info) -> bool {
        info.branches
            .attached()
            .any(|branch| branch.is_usable() && branch.mount.decodes_handles())
    }

    fn encode(
        inode: &SwitchInode,
        parent: Option<&SwitchInode>,
        purpose: Purpose,
        words: &mut [u32],
    ) -> Encoded {
        let info = inode.sb().info();
        let (branch, real) = inode.object();
        let Some(real_inode) = real.inode() else {
            return Encoded::Nothing;
        };
        if purpose == Purpose::Decode && !branch.mount.decodes_handles() {
            return Encoded::Nothing;
        }
        let dir = directory(info, branch, inode, real, parent);
        let dir = dir.as_ref().and_then(|dir| dir.inode());
        let (start, rest) = words.split_at_mut_checked(HEAD).unwrap_or_default();
        match encode_real(real_inode, dir, purpose, rest) {
            Encoded::Handle { kind, len } => {
                let total = len.saturating_add(HEAD);
                let Ok(len) = u8::try_from(len) else {
                    return Encoded::Nothing;
                };
                let mark = mark(branch, real_inode);
                let head = head(branch, mark, kind, len);
                if start.len() != head.len() {
                    return Encoded::TooLong(total);
                }
                start.copy_from_slice(&head);
                Encoded::Handle {
                    kind: KIND,
                    len: total,
                }
            }
            Encoded::TooLong(len) => Encoded::TooLong(len.saturating_add(HEAD)),
            Encoded::Nothing => Encoded::Nothing,
        }
    }

    fn decode(sb: &SuperBlock, handle: Handle<'_>) -> Result<ARef<SwitchDentry>> {
        decode(sb, handle, false)
    }

    fn decode_parent(sb: &SuperBlock, handle: Handle<'_>) -> Result<ARef<SwitchDentry>> {
        Ok(decode(sb, handle, true)?.parent())
    }

    fn commit_metadata(inode: &SwitchInode) -> Result {
        let info = inode.sb().info();
        {
            let _creds = info.mounter.assume();
            inode
                .real_inode()
                .ok_or_else(error::estale)?
                .commit_metadata()?;
        }
        // With rules another branch may have been changed.
        match inode.alias() {
            Some(dentry) if !info.policy.is_plain() => commit_others(info, inode, &dentry),
            _ => Ok(()),
        }
    }
}

/// Writes the metadata of what other branches than the home have at the path of `dentry`: of a
/// directory where names were made, of another object where its attributes were changed.
fn commit_others(info: &Info, inode: &SwitchInode, dentry: &SwitchDentry) -> Result {
    if inode.file_type() == FileType::Dir {
        let policy = info.policy.get();
        for id in policy
            .names_homes(policy.state(dentry)?, Some(inode))
            .iter()
        {
            if number(id) != inode.branch() {
                if let Some(dir) = mirror::find_dir(info, dentry, id)? {
                    let _creds = info.mounter.assume();
                    dir.inode().ok_or_else(error::estale)?.commit_metadata()?;
                }
            }
        }
        return Ok(());
    }
    for op in [Op::Setattr, Op::Write] {
        // What is refused was not changed.
        match info.serve(dentry, inode, op) {
            Ok(served) if !served.is_home() => {
                let _creds = info.mounter.assume();
                served.path().inode()?.commit_metadata()?;
            }
            _ => {}
        }
    }
    Ok(())
}
