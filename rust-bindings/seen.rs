// SPDX-License-Identifier: GPL-2.0-only

//! What an inode remembers of the name by which it was last found to be in its place in the branch.
//!
//! `d_seq` of the branch's dentry changes whenever that is moved, renamed or dropped, or its inode goes.
//! So a name that was found to hold does so as long as `d_seq` is the same: the branch's directory is that
//! of the name's directory, which never changes, and this mount's own renames are the branch's, too.
//! It only grows, and would be the same again after 2^31 moves between two uses of a name. One name is
//! remembered, and only one that was found as the dentry that the inode has itself.

use super::{
    sys,
    Dentry,
    Inode,
    SwitchDentry,
    SwitchInode, //
};
use core::sync::atomic::{
    AtomicBool,
    AtomicPtr,
    AtomicU32,
    Ordering, //
};

impl SwitchInode {
    /// The branch's inode, if `dentry`, a name of this one that is to be found in the branch `home`,
    /// surely holds since it was last seen to.
    ///
    /// # Context
    ///
    /// RCU walk.
    #[inline(always)]
    pub(crate) fn real_of_seen<'a>(&self, dentry: &'a SwitchDentry, home: u8) -> Option<&'a Inode> {
        let (seen, seen_seq, _) = self.seen();
        // The number is read first, so that the name is the one that it was written for, or one that was
        // seen later; then, as the number never falls, at the same one. Pairs with the release in `see`.
        let seq = seen_seq.load(Ordering::Acquire);
        if seen.load(Ordering::Relaxed) != dentry.as_raw() {
            return None;
        }
        let real = dentry.real_rcu()?;
        if !self.is_made_for(real, home) || real.raw_seq() != seq {
            return None;
        }
        real.inode()
    }

    /// Remembers that `dentry`, a name of this one, was seen to hold while `d_seq` of `real`, the
    /// dentry of the branch `home` that it was found as, was `seq`. May be called in RCU walk.
    pub(crate) fn see(&self, dentry: &SwitchDentry, home: u8, real: &Dentry, seq: u32) {
        let (seen, seen_seq, seeing) = self.seen();
        if seq & 1 != 0 || !self.is_made_for(real, home) {
            return;
        }
        // In RCU walk nobody waits: who comes second does without.
        if seeing.swap(true, Ordering::Acquire) {
            return;
        }
        // What is written holds at this moment, also if it was found out before.
        if real.raw_seq() == seq {
            seen.store(core::ptr::null_mut(), Ordering::Relaxed);
            seen_seq.store(seq, Ordering::Release);
            seen.store(dentry.as_raw(), Ordering::Release);
        }
        seeing.store(false, Ordering::Release);
    }

    /// The name, `d_seq`, and the lock of both.
    #[inline(always)]
    fn seen(&self) -> (&AtomicPtr<sys::dentry>, &AtomicU32, &AtomicBool) {
        let container = self.container();
        // SAFETY: The container is as valid as the inode.
        let seen = unsafe { &(*container).seen };
        // SAFETY: As above.
        let seen_seq = unsafe { &(*container).seen_seq };
        // SAFETY: As above.
        let seeing = unsafe { &(*container).seeing };
        (seen, seen_seq, seeing)
    }
}
