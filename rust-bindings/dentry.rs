// SPDX-License-Identifier: GPL-2.0-only

//! A dentry of a branch.
//!
//! C header: [`include/linux/dcache.h`](srctree/include/linux/dcache.h)

use super::{
    dentry_ops::LookupFlags,
    sys,
    Id,
    Inode,
    Name, //
};
use core::{
    ops::Deref,
    ptr::NonNull,
    sync::atomic::{
        AtomicU32,
        Ordering, //
    },
};
use kernel::{
    prelude::*,
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
    types::Opaque, //
};

/// Wraps the kernel's `struct dentry`.
///
/// # Invariants
///
/// Instances have a positive reference count, or are read within an RCU read-side critical section
/// that began while they had one.
#[repr(transparent)]
pub(crate) struct Dentry(Opaque<sys::dentry>);

// SAFETY: `struct dentry` is made to be used by many threads; its fields are read by this type with
// the rules that each method states.
unsafe impl Send for Dentry {}
// SAFETY: As for `Send`.
unsafe impl Sync for Dentry {}

// SAFETY: `dget` and `dput` count references on `d_lockref`.
unsafe impl AlwaysRefCounted for Dentry {
    fn inc_ref(&self) {
        // SAFETY: By the type invariant the count is positive (never called in RCU walk).
        unsafe { sys::switchfs_helper_dget(self.as_raw()) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller gives up one reference.
        unsafe { sys::dput(obj.as_ptr().cast()) };
    }
}

/// An object of a branch, borrowed from what pins it or found for one operation.
pub(crate) enum Object<'a> {
    /// What an inode of the mount stands for, or a name of it was found as.
    Pinned(&'a Dentry),
    /// What a lookup found.
    Found(ARef<Dentry>),
}

impl Object<'_> {
    /// A reference of its own.
    pub(crate) fn into_owned(self) -> ARef<Dentry> {
        match self {
            Self::Pinned(dentry) => ARef::from(dentry),
            Self::Found(dentry) => dentry,
        }
    }
}

impl Deref for Object<'_> {
    type Target = Dentry;

    fn deref(&self) -> &Dentry {
        match self {
            Self::Pinned(dentry) => dentry,
            Self::Found(dentry) => dentry,
        }
    }
}

impl Dentry {
    /// Borrows a C dentry.
    ///
    /// # Safety
    ///
    /// `ptr` upholds the type invariant for `'a`.
    pub(super) unsafe fn from_raw<'a>(ptr: *const sys::dentry) -> &'a Self {
        // SAFETY: By the contract; the type is transparent over `struct dentry`.
        unsafe { &*ptr.cast() }
    }

    /// Takes over a reference that a C function returned.
    ///
    /// # Safety
    ///
    /// `ptr` is valid, and the caller owns a reference, which it gives up.
    pub(super) unsafe fn from_owned(ptr: *mut sys::dentry) -> ARef<Self> {
        // SAFETY: By the contract; a valid pointer is not null.
        let ptr = unsafe { NonNull::new_unchecked(ptr) };
        // SAFETY: By the contract.
        unsafe { ARef::from_raw(ptr.cast()) }
    }

    /// The C pointer.
    pub(super) fn as_raw(&self) -> *mut sys::dentry {
        self.0.get()
    }

    /// What tells this dentry from every other one as long as a reference is held.
    pub(crate) fn id(&self) -> Id {
        Id::of(self.as_raw())
    }

    /// The inode, or `None` for a negative dentry.
    ///
    /// A positive dentry stays positive while a reference is held; a negative one may turn positive
    /// at any time. May be called in RCU walk.
    pub(crate) fn inode(&self) -> Option<&Inode> {
        // SAFETY: The dentry is valid; `d_inode_rcu` reads the field in this way too.
        let inode = unsafe { &raw const (*self.as_raw()).d_inode };
        // SAFETY: As above.
        let inode = unsafe { inode.read_volatile() };
        if inode.is_null() {
            return None;
        }
        // SAFETY: A dentry pins its inode, and inodes are freed after an RCU grace period.
        Some(unsafe { Inode::from_raw(inode) })
    }

    /// `d_flags`, read once.
    fn flags(&self) -> u32 {
        // SAFETY: The dentry is valid (`READ_ONCE`).
        let field = unsafe { &raw const (*self.as_raw()).d_flags };
        // SAFETY: As above.
        unsafe { field.read_volatile() }
    }

    /// Whether the branch wants to be asked before a cached dentry is used (network, FUSE).
    pub(crate) fn needs_revalidate(&self) -> bool {
        self.flags() & sys::dentry_flags_DCACHE_OP_REVALIDATE != 0
    }

    /// Whether something is mounted here by itself or by a daemon; such a place is not entered.
    pub(crate) fn is_managed(&self) -> bool {
        self.flags()
            & (sys::dentry_flags_DCACHE_NEED_AUTOMOUNT | sys::dentry_flags_DCACHE_MANAGE_TRANSIT)
            != 0
    }

    /// Whether `self` is now to be found as `name` in `parent`. Within an RCU read-side critical
    /// section, such as RCU walk, or with `parent` locked.
    #[inline]
    pub(crate) fn is_at(&self, parent: &Dentry, name: Name<'_>) -> bool {
        let bytes = name.bytes();
        // CAST: Names are shorter than 256 bytes, or match no dentry.
        let len = bytes.len() as u32;
        // SAFETY: Both dentries are valid, the name has `len` bytes.
        unsafe { sys::switchfs_helper_d_at(self.as_raw(), parent.as_raw(), bytes.as_ptr(), len) }
    }

    /// As [`Dentry::seq`], which also changes when its inode comes or goes, but without waiting: odd while
    /// it changes. May be called in RCU walk.
    #[inline]
    pub(crate) fn raw_seq(&self) -> u32 {
        // SAFETY: The dentry is valid (`raw_read_seqcount`).
        let field = unsafe { &raw const (*self.as_raw()).d_seq.seqcount.sequence };
        // SAFETY: As above; an acquire, as of what it guards nothing is read before.
        unsafe { AtomicU32::from_ptr(field.cast_mut()) }.load(Ordering::Acquire)
    }

    /// The parent as it is now; only its identity may be used. May be called in RCU walk.
    pub(crate) fn parent_rcu(&self) -> Option<&Dentry> {
        // SAFETY: The dentry is valid; the parent is freed after an RCU grace period, and the
        // reference is only compared and passed to `is_at`.
        let parent = unsafe { &raw const (*self.as_raw()).d_parent };
        // SAFETY: As above.
        let parent = unsafe { parent.read_volatile() };
        // SAFETY: As above.
        (parent != self.as_raw()).then(|| unsafe { Dentry::from_raw(parent) })
    }

    /// Asks the branch whether this cached dentry still holds (`d_op->d_revalidate`).
    ///
    /// `Ok(false)` when not; outside of RCU walk (`flags` without `LOOKUP_RCU`) the dentry is then
    /// invalidated. ECHILD when it cannot be told in RCU walk.
    pub(crate) fn revalidate(&self, flags: LookupFlags) -> Result<bool> {
        let flags = flags.0;
        if !self.needs_revalidate() {
            return Ok(true);
        }
        let d = self.as_raw();
        // SAFETY: The dentry is valid; `d_op` never changes once the dentry is published.
        let op = unsafe { (*d).d_op };
        // SAFETY: `DCACHE_OP_REVALIDATE` is set only with this operation.
        let Some(revalidate) = (unsafe { (*op).d_revalidate }) else {
            return Ok(true);
        };

        let rcu = flags & sys::LOOKUP_RCU != 0;
        let owned;
        let dir: *mut sys::inode;
        if rcu {
            // SAFETY: The dentry is valid.
            let parent = unsafe { &raw const (*d).d_parent };
            // SAFETY: As above.
            let parent = unsafe { parent.read_volatile() };
            // SAFETY: Dentries are freed after an RCU grace period.
            let inode = unsafe { &raw const (*parent).d_inode };
            // SAFETY: As above.
            dir = unsafe { inode.read_volatile() };
            if dir.is_null() {
                return Err(ECHILD);
            }
            owned = None;
        } else {
            // SAFETY: The dentry is valid and referenced; `dget_parent` returns a reference.
            let parent = unsafe { sys::dget_parent(d) };
            // SAFETY: As above.
            let parent = unsafe { Dentry::from_owned(parent) };
            let Some(inode) = parent.inode() else {
                return Ok(false);
            };
            dir = inode.as_raw();
            owned = Some(parent);
        }

        let mut snapshot = Opaque::<sys::name_snapshot>::uninit();
        let snap = snapshot.get();
        // SAFETY: The dentry is valid, the snapshot is released below.
        unsafe { sys::take_dentry_name_snapshot(snap, d) };
        // SAFETY: The snapshot was just taken.
        let name = unsafe { &raw const (*snap).name };
        // SAFETY: The arguments are those that `d_revalidate` of fs/namei.c passes: the parent's
        // inode, a stable name, the dentry, the flags of the walk.
        let ret = unsafe { revalidate(dir, name, d, flags) };
        // SAFETY: Taken above.
        unsafe { sys::release_dentry_name_snapshot(snap) };
        let _ = &mut snapshot;
        drop(owned);

        match ret {
            0 => {
                if !rcu {
                    // SAFETY: The dentry is valid and referenced; no lock is held.
                    unsafe { sys::d_invalidate(d) };
                }
                Ok(false)
            }
            n if n > 0 => Ok(true),
            n => Err(Error::from_errno(n)),
        }
    }

    /// Whether the dentry is in the cache.
    pub(crate) fn is_hashed(&self) -> bool {
        // SAFETY: The dentry is valid (`d_unhashed`).
        let pprev = unsafe { &raw const (*self.as_raw()).d_hash.pprev };
        // SAFETY: As above.
        let pprev = unsafe { pprev.read_volatile() };
        !pprev.is_null()
    }

    /// Whether `self` is `ancestor` or below it.
    pub(crate) fn is_within(&self, ancestor: &Dentry) -> bool {
        // SAFETY: Both dentries are valid and referenced; the function takes its own locks.
        unsafe { sys::is_subdir(self.as_raw(), ancestor.as_raw()) }
    }

    /// Whether both dentries are of one superblock.
    pub(crate) fn same_sb(&self, other: &Dentry) -> bool {
        // SAFETY: The dentry is valid, `d_sb` never changes.
        let a = unsafe { (*self.as_raw()).d_sb };
        // SAFETY: As above.
        let b = unsafe { (*other.as_raw()).d_sb };
        a == b
    }
}
