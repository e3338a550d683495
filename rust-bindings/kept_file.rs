// SPDX-License-Identifier: GPL-2.0-only

//! Backing files that are kept, closed, for the next open of the same object.
//!
//! Most files that are opened were opened before, and most of what a backing file costs is not the
//! filesystem's. nfsd keeps files, too, but open.
//!
//! C source: `rust-bindings/kept_file.c`

use super::{
    regular_file::RegularFile,
    sys,
    BackingFile,
    Creds,
    RealPath,
    SwitchInode, //
};
use core::{
    ptr::{
        null_mut,
        NonNull, //
    },
    sync::atomic::{
        AtomicPtr,
        Ordering, //
    },
};
use kernel::{
    prelude::*,
    sync::aref::ARef, //
};

/// How many bits of a hash choose a slot.
const SLOT_BITS: u32 = 8;

/// Where one file is kept, in a cache line of its own: files that have nothing to do with each other
/// are opened at the same time.
///
/// # Invariants
///
/// Null, or a kept file whose only reference is the slot's.
#[repr(align(64))]
struct Slot(AtomicPtr<sys::file>);

impl Slot {
    /// Whether nothing is kept.
    #[inline]
    fn is_empty(&self) -> bool {
        self.0.load(Ordering::Relaxed).is_null()
    }

    /// Puts a kept file, or none, here, and takes what was here.
    #[inline]
    fn swap(&self, file: Option<ARef<BackingFile>>) -> Option<ARef<BackingFile>> {
        let file = file.map_or(null_mut(), |file| ARef::into_raw(file).as_ptr().cast());
        let old = NonNull::new(self.0.swap(file, Ordering::AcqRel))?;
        // SAFETY: By the invariant; the reference is the caller's now.
        Some(unsafe { ARef::from_raw(old.cast()) })
    }
}

/// The files that are kept for all mounts. An inode has one slot, and shares it with others: who comes
/// later takes it.
static SLOTS: [Slot; 1 << SLOT_BITS] = [const { Slot(AtomicPtr::new(null_mut())) }; 1 << SLOT_BITS];

/// The slot of `inode`.
#[inline]
fn slot(inode: &SwitchInode) -> Option<&'static Slot> {
    // 2^64 over the golden ratio (`GOLDEN_RATIO_64`).
    let hash = (inode.as_raw().addr() as u64).wrapping_mul(0x61C8_8646_80B5_83EB);
    // CAST: As many bits as there are slots.
    SLOTS.get((hash >> (u64::BITS - SLOT_BITS)) as usize)
}

/// Closes `file`, which was open for a file of `inode`, and keeps it, or gives it back as it is. May
/// sleep.
#[inline]
pub(super) fn keep(inode: &SwitchInode, file: ARef<BackingFile>) -> Result<(), ARef<BackingFile>> {
    // SAFETY: The file is valid; if there is no other reference, none can be made.
    if !unsafe { sys::switchfs_helper_keep_file(file.as_raw()) } {
        return Err(file);
    }
    if let Some(old) = slot(inode).and_then(|slot| slot.swap(Some(file))) {
        BackingFile::close(old);
    }
    Ok(())
}

/// Opens what is kept for `user`'s inode, if it is the object `path` and was opened under `creds`. The
/// errors are those of the branch's open. May sleep.
#[inline]
pub(super) fn reuse(
    user: &RegularFile,
    path: RealPath<'_>,
    creds: &Creds,
    flags: u32,
) -> Option<Result<ARef<BackingFile>>> {
    let slot = slot(user.inode())?;
    if slot.is_empty() {
        return None;
    }
    let file = slot.swap(None)?;
    let path = path.as_path();
    // SAFETY: All are valid; the file is this task's.
    if !unsafe {
        sys::switchfs_helper_file_fits(
            file.as_raw(),
            user.as_raw(),
            &raw const path,
            flags,
            creds.as_raw(),
        )
    } {
        // It is another inode's, which shares the slot, or of an object that was this one's.
        return None;
    }
    let noatime = if user.is_noatime() { sys::O_NOATIME } else { 0 };
    // SAFETY: As above, and it fits.
    let ret = unsafe {
        sys::switchfs_helper_reuse_file(
            file.as_raw(),
            user.as_raw(),
            flags | noatime,
            creds.as_raw(),
        )
    };
    Some(sys::to_result(ret).map(|()| file))
}

/// Lets what is kept for `inode`, or in its place, go. Nobody has the inode open, nor will. Any context.
#[inline]
pub(super) fn forget(inode: &SwitchInode) {
    if let Some(slot) = slot(inode) {
        // What was kept by others is seen: they had the inode open before.
        if !slot.is_empty() {
            // Closed later, as in memory reclaim nothing of the branch's may be let go.
            drop(slot.swap(None));
        }
    }
}

/// Whether files can be kept at all: not under a security module that tells backing files from each
/// other by who opened them.
pub(crate) fn can_keep_files() -> bool {
    // SAFETY: Only looks at the current credentials.
    !unsafe { sys::switchfs_helper_security_ties_files() }
}
