// SPDX-License-Identifier: GPL-2.0-only

//! An inode of switchfs itself: the stand-in for one object of a branch.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h)

use super::{
    dentry_ops,
    dir_file,
    dir_ops,
    file_ops,
    file_type::{
        Branch,
        FileSystem,
        Fs, //
    },
    inode_ops,
    sys,
    Access,
    Dentry,
    FileType,
    Id,
    Idmap,
    Inode,
    InodeLock,
    SuperBlock, //
};
use core::{
    ptr::NonNull,
    sync::atomic::{
        AtomicBool,
        AtomicPtr,
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

/// What the slab cache holds: the kernel's inode and what switchfs adds to it.
#[repr(C)]
pub(super) struct Container {
    /// The name that was last seen to hold, only to be compared; see `seen.rs`.
    pub(super) seen: AtomicPtr<sys::dentry>,
    /// The branch's dentry, owned from `fill` to `destroy_inode`; the pointer stays readable in RCU
    /// walk until the inode is freed. Null when the inode is the root and follows the policy.
    pub(super) real: AtomicPtr<sys::dentry>,
    /// The branch that the inode was made for, kept by the mount longer than its inodes; set in `fill`.
    pub(super) home: *const Branch,
    /// The number of the branch that the inode was made for.
    pub(super) branch: u8,
    /// How many filesystems are stacked here, this one counted.
    pub(super) depth: u8,
    /// Set when data comes from a branch on which set-id bits have no effect.
    pub(super) no_setid: AtomicBool,
    /// Whether somebody is changing `seen` and `seen_seq`.
    pub(super) seeing: AtomicBool,
    /// `d_seq` of `real` when it was seen.
    pub(super) seen_seq: AtomicU32,
    /// The kernel's part.
    pub(super) inode: sys::inode,
}

/// Wraps a `struct inode` of a switchfs superblock.
///
/// # Invariants
///
/// As [`Inode`]; and it is the `inode` field of a [`Container`].
#[repr(transparent)]
pub(crate) struct SwitchInode(Opaque<sys::inode>);

// SAFETY: As for `Inode`.
unsafe impl Send for SwitchInode {}
// SAFETY: As for `Inode`.
unsafe impl Sync for SwitchInode {}

// SAFETY: `ihold` and `iput` count references on `i_count`.
unsafe impl AlwaysRefCounted for SwitchInode {
    fn inc_ref(&self) {
        // SAFETY: By the type invariant the count is positive.
        unsafe { sys::ihold(self.as_raw()) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller gives up one reference.
        unsafe { sys::iput(obj.as_ptr().cast()) };
    }
}

/// Which object of which branch an inode stands for, and how it is to look.
pub(crate) struct Identity<'a> {
    /// The object.
    pub(crate) real: &'a Dentry,
    /// The number of the branch.
    pub(crate) branch: u8,
    /// The depth of the inode.
    pub(crate) depth: u8,
    /// The inode number.
    pub(crate) ino: u64,
    /// The mapping of the branch's mount.
    pub(crate) idmap: Idmap<'a>,
    /// Permission bits that are taken over from files.
    pub(crate) mode_mask: u16,
}

impl SwitchInode {
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

    /// The kernel's part.
    fn as_inode(&self) -> &Inode {
        // SAFETY: An inode of switchfs is one, and is valid as long as `self`.
        unsafe { Inode::from_raw(self.as_raw()) }
    }

    /// The structure around the inode.
    pub(super) fn container(&self) -> *mut Container {
        let offset = core::mem::offset_of!(Container, inode);
        // SAFETY: By the type invariant the inode is the field of a container.
        unsafe { self.as_raw().byte_sub(offset) }.cast()
    }

    /// Gives the inode another number.
    pub(super) fn set_ino(&self, ino: u64) {
        // SAFETY: The inode is valid; the field is read and written whole.
        let field = unsafe { &raw mut (*self.as_raw()).i_ino };
        // SAFETY: As above.
        unsafe { field.write_volatile(ino) };
    }

    /// What tells the branch's inode from others; of the root, the one that it was made for.
    pub(crate) fn real_id(&self) -> Id {
        // SAFETY: The inode is valid; `i_private` is set before it is published.
        Id::of(unsafe { (*self.as_raw()).i_private }.cast::<sys::inode>())
    }

    /// The inode number (`i_ino`).
    pub(crate) fn ino(&self) -> u64 {
        self.as_inode().ino()
    }

    /// Lets no set-id bit be taken over from now on.
    pub(crate) fn hide_setid(&self) {
        // SAFETY: The container is as valid as the inode.
        let hidden = unsafe { &(*self.container()).no_setid };
        hidden.store(true, Ordering::Relaxed);
    }

    /// Whether no set-id bit is taken over, whatever the home says. May be called in RCU walk.
    pub(crate) fn hides_setid(&self) -> bool {
        // SAFETY: The container is as valid as the inode.
        let hidden = unsafe { &(*self.container()).no_setid };
        hidden.load(Ordering::Relaxed)
    }

    /// The superblock.
    pub(crate) fn sb(&self) -> &SuperBlock {
        // SAFETY: The inode is valid, `i_sb` never changes.
        let sb = unsafe { (*self.as_raw()).i_sb };
        // SAFETY: By the type invariant; an inode keeps its superblock.
        unsafe { SuperBlock::from_raw(sb) }
    }

    /// The type of the object; it never changes.
    pub(crate) fn file_type(&self) -> FileType {
        FileType::of_mode(self.mode())
    }

    /// The mode as of the last refresh.
    pub(crate) fn mode(&self) -> u16 {
        self.as_inode().mode()
    }

    /// Takes over the attributes of the branch's inode `real`. May be called in atomic context.
    pub(crate) fn refresh_from(&self, real: &Inode, idmap: Idmap<'_>, mode_mask: u16) {
        // SAFETY: All are valid; the helper takes `i_lock`.
        unsafe {
            sys::switchfs_helper_copyattr(self.as_raw(), real.as_raw(), idmap.as_raw(), mode_mask)
        };
    }

    /// Whether the size differs from `real`'s.
    #[inline]
    pub(crate) fn differs_in_size(&self, real: &Inode) -> bool {
        self.as_inode().size() != real.size()
    }

    /// Whether the size or the number of names differs from `real`'s.
    #[inline]
    pub(crate) fn differs_in_extent(&self, real: &Inode) -> bool {
        self.differs_in_size(real) || self.as_inode().nlink() != real.nlink()
    }

    /// Whether what permission checks look at is plainly as `real` has it. May be called in RCU walk.
    #[inline]
    pub(crate) fn equals(&self, real: &Inode) -> bool {
        let own = self.as_inode().attributes();
        own.plainly_equal(real.attributes())
    }

    /// Whether what permission checks look at differs from `real`'s. May be called in RCU walk.
    pub(crate) fn differs_from(&self, real: &Inode, idmap: Idmap<'_>, mode_mask: u16) -> bool {
        // SAFETY: All are valid; a torn comparison only makes the caller look again.
        unsafe {
            sys::switchfs_helper_attr_differs(
                self.as_raw(),
                real.as_raw(),
                idmap.as_raw(),
                mode_mask,
            )
        }
    }

    /// Whether owner, group and everybody else have `access` by the mode, and `real`, the branch's
    /// inode, has no list that says otherwise: then it does not matter who asks. May be called in RCU
    /// walk.
    #[inline]
    pub(crate) fn grants_everyone(&self, real: &Inode, access: Access) -> bool {
        // CAST: Bits of masks, here those for reading, writing and executing.
        let bits = (access.0 as u32 & 7) * 0o111;
        bits & !u32::from(self.mode()) == 0 && real.has_no_acl()
    }

    /// Whether the caller has `access` by the inode's own attributes and ACL.
    ///
    /// May be called in RCU walk with [`Access::in_rcu`].
    pub(crate) fn generic_permission(&self, idmap: Idmap<'_>, access: Access) -> Result {
        // SAFETY: Mapping and inode are valid.
        sys::to_result(unsafe { sys::generic_permission(idmap.as_raw(), self.as_raw(), access.0) })
    }

    /// Takes `i_rwsem` for writing; before any lock of the branch. May sleep.
    pub(crate) fn lock(&self) -> InodeLock<'_> {
        self.as_inode().lock()
    }

    /// As [`SwitchInode::lock`], but only if nobody has it.
    pub(crate) fn try_lock(&self) -> Option<InodeLock<'_>> {
        self.as_inode().try_lock()
    }

    /// Spares a write the search for set-id bits and capabilities when the branch's inode `real` is
    /// known to have none. The caller holds the lock until the guard is dropped.
    pub(crate) fn follow_nosec(&self, real: &Inode) -> Nosec<'_> {
        // SAFETY: Both are valid; the caller holds this inode's lock.
        let known = unsafe { sys::switchfs_helper_set_nosec(self.as_raw(), real.as_raw()) };
        Nosec(self, known)
    }

    /// Completes a new inode.
    ///
    /// # Safety
    ///
    /// The inode is `I_NEW`, and nobody else uses it.
    unsafe fn fill(&self, identity: &Identity<'_>, real_inode: &Inode, home: &Branch) {
        let inode = self.as_raw();
        let container = self.container();
        let real = ARef::from(identity.real);

        // SAFETY: The inode is the caller's alone.
        unsafe { (*container).depth = identity.depth };
        // SAFETY: As above.
        unsafe { (*container).home = home };
        // SAFETY: As above.
        unsafe {
            (*container)
                .real
                .store(ARef::into_raw(real).as_ptr().cast(), Ordering::Release)
        };

        let mode = real_inode.mode();
        // SAFETY: As above.
        let node = unsafe { &mut *inode };
        node.i_ino = identity.ino;
        node.i_mode = mode;
        // Times are the branch's: the VFS must not change them on this inode. Reading a link goes
        // through `update_time`, since the branch is not told by which mount it is read.
        node.i_flags |= sys::S_NOCMTIME;
        if FileType::of_mode(mode) != FileType::Symlink {
            node.i_flags |= sys::S_NOATIME;
        }
        node.i_acl = dentry_ops::ACL_DONT_CACHE;
        node.i_default_acl = dentry_ops::ACL_DONT_CACHE;

        match FileType::of_mode(mode) {
            FileType::Regular => {
                node.i_op = inode_ops::file_inode_operations();
                node.__bindgen_anon_3.i_fop = file_ops::file_operations();
            }
            FileType::Dir => {
                node.i_op = dir_ops::dir_inode_operations();
                node.__bindgen_anon_3.i_fop = dir_file::dir_operations();
            }
            FileType::Symlink => {
                node.i_op = inode_ops::symlink_inode_operations();
            }
            FileType::Device | FileType::Other => {
                node.i_op = inode_ops::file_inode_operations();
                // SAFETY: The inode is the caller's alone.
                let rdev = unsafe { (*real_inode.as_raw()).i_rdev };
                // SAFETY: As above.
                unsafe { sys::init_special_inode(inode, mode, rdev) };
            }
        }
        // SAFETY: Nobody has taken the lock yet.
        unsafe { sys::switchfs_helper_lockdep_inode(inode, i32::from(identity.depth)) };
        self.refresh_from(real_inode, identity.idmap, identity.mode_mask);
    }
}

/// The time in which an inode may have `S_NOSEC`.
#[must_use]
pub(crate) struct Nosec<'a>(&'a SwitchInode, bool);

impl Nosec<'_> {
    /// Whether there is nothing to take away.
    pub(crate) fn is_known(&self) -> bool {
        self.1
    }
}

impl Drop for Nosec<'_> {
    fn drop(&mut self) {
        if self.1 {
            // SAFETY: The inode is valid; the one who made the guard still holds its lock.
            unsafe { sys::switchfs_helper_clear_nosec(self.0.as_raw()) };
        }
    }
}

/// What `iget5_locked` compares.
struct Key {
    /// The branch's inode.
    real: *mut sys::inode,
    /// The number of the branch.
    branch: u8,
}

/// An inode that stands for an object of a branch.
pub(crate) struct StandIn {
    /// The inode.
    pub(crate) inode: ARef<SwitchInode>,
    /// Whether it was just made, so that its attributes are the branch's of now.
    pub(crate) is_new: bool,
}

impl SuperBlock {
    /// The inode that stands for an object of a branch; hard links share one. May sleep.
    pub(crate) fn iget(&self, identity: &Identity<'_>) -> Result<StandIn> {
        self.stand_in(identity, |hash, key| {
            // SAFETY: The callbacks get `key`, which lives until the call returns.
            unsafe {
                sys::iget5_locked(
                    self.as_raw(),
                    hash,
                    Some(test_callback),
                    Some(set_callback),
                    key,
                )
            }
        })
    }

    /// The same for an object that was just made, for which hardly anybody made an inode before. May
    /// sleep.
    pub(crate) fn iget_made(&self, identity: &Identity<'_>) -> Result<StandIn> {
        self.stand_in(identity, |hash, key| {
            // SAFETY: The superblock is valid.
            let new = unsafe { sys::new_inode(self.as_raw()) };
            if new.is_null() {
                return new;
            }
            // SAFETY: The inode is new; the callbacks get `key`, which lives until the call returns.
            let inode = unsafe {
                sys::inode_insert5(new, hash, Some(test_callback), Some(set_callback), key)
            };
            if inode != new {
                // SAFETY: Nobody else has seen it.
                unsafe { sys::iput(new) };
            }
            inode
        })
    }

    /// The inode for `identity`, as `get` finds or makes it by its hash and key.
    #[inline]
    fn stand_in(
        &self,
        identity: &Identity<'_>,
        get: impl FnOnce(u64, *mut c_void) -> *mut sys::inode,
    ) -> Result<StandIn> {
        let real_inode = identity.real.inode().ok_or_else(crate::error::estale)?;
        let home = Fs::branch(self.info(), identity.branch).ok_or(EIO)?;
        let mut key = Key {
            real: real_inode.as_raw(),
            branch: identity.branch,
        };
        let inode = get(key.real as u64, (&raw mut key).cast());
        let Some(ptr) = NonNull::new(inode) else {
            return Err(ENOMEM);
        };
        // SAFETY: An inode of this superblock, with a reference for the caller.
        let inode: ARef<SwitchInode> = unsafe { ARef::from_raw(ptr.cast()) };
        // SAFETY: The inode is valid.
        let is_new = unsafe { sys::switchfs_helper_inode_is_new(inode.as_raw()) };
        if is_new {
            // SAFETY: New, hence ours alone.
            unsafe { inode.fill(identity, real_inode, home) };
            // SAFETY: New and complete.
            unsafe { sys::unlock_new_inode(inode.as_raw()) };
        } else if inode.file_type() != real_inode.file_type() {
            // A server gave the number of a live object to another one of a new type.
            return Err(crate::error::estale());
        }
        Ok(StandIn { inode, is_new })
    }
}

/// Whether a cached inode stands for the object of the key.
///
/// # Safety
///
/// Called by `iget5_locked` with an inode of switchfs and a [`Key`].
unsafe extern "C" fn test_callback(inode: *mut sys::inode, data: *mut c_void) -> c_int {
    // SAFETY: By the contract.
    let key = unsafe { &*data.cast::<Key>() };
    // SAFETY: By the contract.
    let inode = unsafe { SwitchInode::from_raw(inode) };
    // What the root was made for stays its key.
    // SAFETY: The container is as valid as the inode; set before the inode is hashed.
    let branch = unsafe { (*inode.container()).branch };
    c_int::from(inode.real_id() == Id::of(key.real) && branch == key.branch)
}

/// Makes a new inode stand for the object of the key. Runs under `inode_hash_lock`.
///
/// # Safety
///
/// Called by `iget5_locked` with a new inode of switchfs and a [`Key`].
unsafe extern "C" fn set_callback(inode: *mut sys::inode, data: *mut c_void) -> c_int {
    // SAFETY: By the contract.
    let key = unsafe { &*data.cast::<Key>() };
    // SAFETY: By the contract.
    let container = unsafe { SwitchInode::from_raw(inode) }.container();
    // SAFETY: The inode is new and not yet hashed.
    unsafe { (*container).branch = key.branch };
    // SAFETY: As above.
    unsafe { (*inode).i_private = key.real.cast() };
    0
}
