// SPDX-License-Identifier: GPL-2.0-only

//! An inode of any filesystem, most often a branch's.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h)

use super::{
    super_ops,
    sys,
    Id,
    SwitchInode, //
};
use core::{
    mem::offset_of,
    ptr::NonNull, //
};
use kernel::{
    prelude::*,
    sync::aref::AlwaysRefCounted,
    types::{
        NotThreadSafe,
        Opaque, //
    },
};

/// The type bits of a mode.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileType {
    /// `S_IFREG`.
    Regular,
    /// `S_IFDIR`.
    Dir,
    /// `S_IFLNK`.
    Symlink,
    /// `S_IFCHR` and `S_IFBLK`.
    Device,
    /// `S_IFIFO` and `S_IFSOCK`, and what is none of the others.
    Other,
}

impl FileType {
    /// The type in `mode`.
    pub(crate) fn of_mode(mode: u16) -> Self {
        match u32::from(mode) & sys::S_IFMT {
            sys::S_IFREG => Self::Regular,
            sys::S_IFDIR => Self::Dir,
            sys::S_IFLNK => Self::Symlink,
            sys::S_IFCHR | sys::S_IFBLK => Self::Device,
            _ => Self::Other,
        }
    }
}

/// What decides about permission, apart from lists, as it lies in the inode: mode (with `i_opflags`)
/// and flags, owner and group.
#[derive(Clone, Copy)]
pub(super) struct Attributes {
    /// `i_mode`, `i_opflags`, `i_flags`.
    mode_flags: u64,
    /// `i_uid`, `i_gid`.
    owner: u64,
}

// Compared on each walk, they are read as two words.
const _: () = {
    let mode = offset_of!(sys::inode, i_mode);
    let uid = offset_of!(sys::inode, i_uid);
    assert!(mode % align_of::<u64>() == 0 && uid % align_of::<u64>() == 0);
    assert!(offset_of!(sys::inode, i_flags) == mode + 4);
    assert!(offset_of!(sys::inode, i_gid) == uid + 4);
};

/// `S_ISUID` and `S_ISGID`.
const SETID: u64 = (sys::S_ISUID | sys::S_ISGID) as u64;

impl Attributes {
    /// Type and permission bits, and the flags that are taken over.
    const MODE_FLAGS: u64 = 0xffff | ((sys::COPY_FLAGS as u64) << 32);

    /// Whether both are the same, and without set-id bits, which a mount may hide.
    #[inline]
    pub(super) fn plainly_equal(self, other: Self) -> bool {
        let differ = (self.mode_flags ^ other.mode_flags) & Self::MODE_FLAGS;
        differ | (self.mode_flags & SETID) == 0 && self.owner == other.owner
    }
}

/// Wraps the kernel's `struct inode`.
///
/// # Invariants
///
/// Instances have a positive `i_count`, or are read within an RCU read-side critical section that
/// began while they had one.
#[repr(transparent)]
pub(crate) struct Inode(Opaque<sys::inode>);

// SAFETY: `struct inode` is made to be used by many threads; its fields are read by this type with
// the rules that each method states.
unsafe impl Send for Inode {}
// SAFETY: As for `Send`.
unsafe impl Sync for Inode {}

// SAFETY: `ihold` and `iput` count references on `i_count`.
unsafe impl AlwaysRefCounted for Inode {
    fn inc_ref(&self) {
        // SAFETY: By the type invariant the count is positive.
        unsafe { sys::ihold(self.as_raw()) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller gives up one reference.
        unsafe { sys::iput(obj.as_ptr().cast()) };
    }
}

impl Inode {
    /// Borrows a C inode.
    ///
    /// # Safety
    ///
    /// `ptr` upholds the type invariant for `'a`.
    pub(super) unsafe fn from_raw<'a>(ptr: *const sys::inode) -> &'a Self {
        // SAFETY: By the contract; the type is transparent over `struct inode`.
        unsafe { &*ptr.cast() }
    }

    /// The C pointer.
    pub(super) fn as_raw(&self) -> *mut sys::inode {
        self.0.get()
    }

    /// What tells this inode from every other one as long as a reference is held.
    pub(crate) fn id(&self) -> Id {
        Id::of(self.as_raw())
    }

    /// The mode: type and permission bits.
    pub(crate) fn mode(&self) -> u16 {
        // SAFETY: The inode is valid; a racing `chmod` gives the old or the new bits (`READ_ONCE`).
        let field = unsafe { &raw const (*self.as_raw()).i_mode };
        // SAFETY: As above.
        unsafe { field.read_volatile() }
    }

    /// The type of the object.
    pub(crate) fn file_type(&self) -> FileType {
        FileType::of_mode(self.mode())
    }

    /// Whether its filesystem decides about permission by itself (`i_op->permission`).
    pub(crate) fn has_permission_op(&self) -> bool {
        // SAFETY: The inode is valid; its operations are set before it is published.
        let ops = unsafe { (*self.as_raw()).i_op };
        // SAFETY: Every inode has a table, which lives as long as its filesystem.
        unsafe { (*ops).permission.is_some() }
    }

    /// The number within its filesystem (`i_ino`).
    pub(crate) fn ino(&self) -> u64 {
        // SAFETY: The inode is valid, and `i_ino` is set before it is published.
        unsafe { (*self.as_raw()).i_ino }
    }

    /// How many filesystems are stacked at this inode: its own depth when it is of a switchfs, else
    /// its superblock's `s_stack_depth`.
    ///
    /// Read at each use, since a FUSE connection sets it when it is initialised.
    #[inline(always)]
    pub(crate) fn stack_depth(&self) -> u32 {
        // SAFETY: The inode is valid, and pins its superblock.
        let sb = unsafe { (*self.as_raw()).i_sb };
        // SAFETY: As above; `s_op` is set before there is an inode.
        if unsafe { (*sb).s_op } == super_ops::super_operations() {
            // SAFETY: The table is this module's, so the inode is a switchfs inode.
            return unsafe { SwitchInode::from_raw(self.as_raw()) }
                .depth()
                .into();
        }
        // SAFETY: As above; written at most once after the superblock is published (`READ_ONCE`).
        let depth = unsafe { &raw const (*sb).s_stack_depth };
        // SAFETY: As above.
        let depth = unsafe { depth.read_volatile() };
        depth.unsigned_abs()
    }

    /// Refuses what backing-file.c of 7.2 does not check: EPERM for a write through a file with
    /// `flags` (`O_*`) when the inode is immutable, or append-only and not opened so.
    #[inline]
    pub(crate) fn check_write(&self, flags: u32) -> Result {
        // SAFETY: The inode is valid (`READ_ONCE`).
        let field = unsafe { &raw const (*self.as_raw()).i_flags };
        // SAFETY: As above.
        let own = unsafe { field.read_volatile() };
        let refused = if flags & sys::O_APPEND == 0 {
            sys::S_IMMUTABLE | sys::S_APPEND
        } else {
            sys::S_IMMUTABLE
        };
        if own & refused != 0 {
            return Err(EPERM);
        }
        Ok(())
    }

    /// The size.
    pub(crate) fn size(&self) -> i64 {
        // SAFETY: The inode is valid (`i_size_read` of 64-bit kernels).
        let field = unsafe { &raw const (*self.as_raw()).i_size };
        // SAFETY: As above.
        unsafe { field.read_volatile() }
    }

    /// The number of names.
    pub(crate) fn nlink(&self) -> u32 {
        // SAFETY: The inode is valid.
        let field = unsafe { &raw const (*self.as_raw()).__bindgen_anon_1 };
        // SAFETY: As above (`READ_ONCE`); both fields of the union are the number.
        unsafe { field.cast::<u32>().read_volatile() }
    }

    /// Whether it is known to have no access list.
    #[inline]
    pub(super) fn has_no_acl(&self) -> bool {
        // SAFETY: The inode is valid (`READ_ONCE`).
        let field = unsafe { &raw const (*self.as_raw()).i_acl };
        // SAFETY: As above.
        unsafe { field.read_volatile() }.is_null()
    }

    /// What decides about permission, apart from lists. May be called in RCU walk, where it may be
    /// torn.
    #[inline]
    pub(super) fn attributes(&self) -> Attributes {
        // SAFETY: The inode is valid.
        let mode = unsafe { &raw const (*self.as_raw()).i_mode };
        // SAFETY: As above.
        let uid = unsafe { &raw const (*self.as_raw()).i_uid };
        Attributes {
            // SAFETY: As above; the fields are asserted to be where they are (`READ_ONCE`).
            mode_flags: unsafe { mode.cast::<u64>().read_volatile() },
            // SAFETY: As above.
            owner: unsafe { uid.cast::<u64>().read_volatile() },
        }
    }

    /// Takes `i_rwsem` for writing. May sleep.
    pub(crate) fn lock(&self) -> InodeLock<'_> {
        // SAFETY: The inode is valid; the guard unlocks.
        unsafe { sys::switchfs_helper_inode_lock(self.as_raw()) };
        InodeLock(self, NotThreadSafe)
    }

    /// Takes `i_rwsem` for writing if nobody has it.
    pub(crate) fn try_lock(&self) -> Option<InodeLock<'_>> {
        // SAFETY: The inode is valid; the guard unlocks.
        let locked = unsafe { sys::switchfs_helper_inode_trylock(self.as_raw()) };
        // Not `then_some`: a guard that is made and dropped unlocks.
        locked.then(|| InodeLock(self, NotThreadSafe))
    }

    /// Breaks leases on the file that a change of its data conflicts with. May wait for their
    /// holders; no lock is held.
    pub(crate) fn break_leases(&self) -> Result {
        // SAFETY: The inode is valid.
        sys::to_result(unsafe { sys::switchfs_helper_break_lease(self.as_raw()) })
    }

    /// Keeps the file from being executed while it is truncated (`get_write_access`).
    ///
    /// ETXTBSY when it is being executed.
    pub(crate) fn write_hold(&self) -> Result<WriteHold<'_>> {
        // SAFETY: The inode is valid; the guard gives the access back.
        sys::to_result(unsafe { sys::switchfs_helper_get_write_access(self.as_raw()) })?;
        Ok(WriteHold(self))
    }
}

/// The inode's `i_rwsem` held for writing; released when dropped.
#[must_use]
pub(crate) struct InodeLock<'a>(&'a Inode, NotThreadSafe);

impl Drop for InodeLock<'_> {
    fn drop(&mut self) {
        // SAFETY: The lock was taken by this task when the guard was made.
        unsafe { sys::switchfs_helper_inode_unlock(self.0.as_raw()) };
    }
}

/// Write access to an inode; given back when dropped.
#[must_use]
pub(crate) struct WriteHold<'a>(&'a Inode);

impl Drop for WriteHold<'_> {
    fn drop(&mut self) {
        // SAFETY: The access was taken when the guard was made.
        unsafe { sys::switchfs_helper_put_write_access(self.0.as_raw()) };
    }
}
