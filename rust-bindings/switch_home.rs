// SPDX-License-Identifier: GPL-2.0-only

//! The home of an inode of switchfs: its branch, and its object there.
//!
//! Both are set when the inode is made and never change; when a remount moves a branch, its objects
//! get other inodes. The root alone stays: from the first change of its home on it has none of its
//! own, and follows the policy in force. One load, of the object, tells which of the two holds.

use super::{
    file_type::{
        Branch,
        BranchOps,
        FileSystem,
        Fs, //
    },
    Dentry,
    Inode,
    SwitchInode, //
};
use core::sync::atomic::Ordering;

impl SwitchInode {
    /// The branch's object; of the root the one of the policy in force.
    #[inline]
    pub(crate) fn real(&self) -> Option<&Dentry> {
        match self.own_real() {
            None => Some(self.default_branch().top()),
            real => real,
        }
    }

    /// The object that the inode was made for, unless it follows the policy.
    #[inline]
    fn own_real(&self) -> Option<&Dentry> {
        // SAFETY: The container is as valid as the inode.
        let real = unsafe { (*self.container()).real.load(Ordering::Acquire) };
        // SAFETY: The inode, or for the root the mount, owns a reference until it is destroyed, and
        // dentries are freed after an RCU grace period.
        (!real.is_null()).then(|| unsafe { Dentry::from_raw(real) })
    }

    /// Whether `real`, of the branch `home`, is the very object that the inode was made for, and keeps.
    /// May be called in RCU walk.
    #[inline]
    pub(super) fn is_made_for(&self, real: &Dentry, home: u8) -> bool {
        // SAFETY: The container is as valid as the inode.
        let own = unsafe { (*self.container()).real.load(Ordering::Relaxed) };
        // SAFETY: As above; set before the inode is published.
        own == real.as_raw() && unsafe { (*self.container()).branch } == home
    }

    /// The branch that the inode was made for: the home of all but the root. May be called in RCU
    /// walk.
    #[inline]
    pub(crate) fn made_for(&self) -> &Branch {
        // SAFETY: The container is as valid as the inode; set before the inode is published.
        let home = unsafe { (*self.container()).home };
        // SAFETY: The mount keeps its branches until an RCU grace period after its last inode.
        unsafe { &*home }
    }

    /// The home of the root, which follows the policy: its default branch.
    #[cold]
    #[inline(never)]
    fn default_branch(&self) -> &Branch {
        Fs::default_branch(self.sb().info())
    }

    /// The home and its object, which belong together whatever a remount does meanwhile: one load
    /// tells. May be called in RCU walk.
    #[inline]
    pub(crate) fn object(&self) -> (&Branch, &Dentry) {
        match self.own_real() {
            Some(real) => (self.made_for(), real),
            None => {
                let home = self.default_branch();
                (home, home.top())
            }
        }
    }

    /// The object, if its home is the branch `number`. May be called in RCU walk.
    #[inline]
    pub(crate) fn real_in(&self, number: u8) -> Option<&Dentry> {
        match self.own_real() {
            // SAFETY: The container is as valid as the inode; set before the inode is published.
            Some(real) => (unsafe { (*self.container()).branch } == number).then_some(real),
            None => {
                let home = self.default_branch();
                (home.number() == number).then(|| home.top())
            }
        }
    }

    /// Lets the root's home be the default branch of the policy in force from now on, by one load for
    /// each who asks, instead of the branch that it was made for.
    ///
    /// Called for the root only, whose object the branch keeps.
    pub(super) fn follow_default(&self) {
        // SAFETY: The container is as valid as the inode.
        let real = unsafe { &(*self.container()).real };
        let real = real.swap(core::ptr::null_mut(), Ordering::AcqRel);
        if !real.is_null() {
            // SAFETY: The inode owned one reference, which ends here. It was not the last one: the
            // branch's mount pins its root.
            drop(unsafe { Dentry::from_owned(real) });
        }
    }

    /// The branch's inode.
    pub(crate) fn real_inode(&self) -> Option<&Inode> {
        self.real()?.inode()
    }

    /// The number of the branch that is the object's home.
    pub(crate) fn branch(&self) -> u8 {
        match self.own_real() {
            // SAFETY: The container is as valid as the inode; set before the inode is published.
            Some(_) => unsafe { (*self.container()).branch },
            None => self.default_branch().number(),
        }
    }

    /// The branch that is the object's home. May be called in RCU walk.
    #[inline]
    pub(crate) fn home(&self) -> &Branch {
        match self.own_real() {
            Some(_) => self.made_for(),
            None => self.default_branch(),
        }
    }

    /// How many filesystems are stacked here, this one counted.
    pub(crate) fn depth(&self) -> u8 {
        match self.own_real() {
            // SAFETY: The container is as valid as the inode; set before the inode is published.
            Some(_) => unsafe { (*self.container()).depth },
            None => self.default_branch().depth(),
        }
    }

    /// Gives up the branch's dentry, but leaves the pointer to those in RCU walk.
    ///
    /// # Safety
    ///
    /// Called once, from `destroy_inode`.
    pub(super) unsafe fn release_real(&self) {
        if let Some(real) = self.own_real() {
            // SAFETY: The inode owns one reference, which ends here.
            drop(unsafe { Dentry::from_owned(real.as_raw()) });
        }
    }
}
