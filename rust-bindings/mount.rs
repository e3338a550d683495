// SPDX-License-Identifier: GPL-2.0-only

//! A branch's mount, and paths in it.
//!
//! C header: [`include/linux/mount.h`](srctree/include/linux/mount.h)

use super::{
    errseq::Seen,
    sys,
    Access,
    Creds,
    Dentry,
    Idmap,
    Inode,
    Stat,
    StatFs,
    StatQuery,
    SuperBlock, //
};
use core::ptr::NonNull;
use kernel::{
    error::from_err_ptr,
    prelude::*,
    str::CStr,
    types::NotThreadSafe, //
};

/// A private clone of a branch's mount: what is mounted below it later is not seen through it. In no
/// namespace, it keeps its flags and its mapping.
///
/// # Invariants
///
/// `mnt` is valid and owns the mount, `idmap` is its mapping.
pub(crate) struct Mount {
    /// The mount.
    mnt: NonNull<sys::vfsmount>,
    /// Whether ids are mapped.
    idmapped: bool,
    /// Its id mapping.
    idmap: *mut sys::mnt_idmap,
    /// What it refuses.
    limits: Limits,
    /// How far the errors of writeback in its superblock were passed on.
    errors: Seen,
}

/// What a mount refuses whatever an object's mode says.
#[derive(Clone, Copy)]
struct Limits {
    /// Set-id bits and file capabilities have no effect.
    nosuid: bool,
    /// Device nodes cannot be opened.
    nodev: bool,
    /// Nothing can be executed.
    noexec: bool,
    /// One of the last two.
    restricts: bool,
}

impl Limits {
    /// Those of `mnt` and of its superblock.
    ///
    /// # Safety
    ///
    /// `mnt` is valid.
    unsafe fn of(mnt: *const sys::vfsmount) -> Self {
        // SAFETY: By the contract.
        let flags = unsafe { (*mnt).mnt_flags };
        // SAFETY: By the contract; a mount pins its superblock.
        let sb = unsafe { (*mnt).mnt_sb };
        // SAFETY: As above.
        let iflags = unsafe { (*sb).s_iflags };
        // SAFETY: As above; `s_user_ns` never changes.
        let foreign = !unsafe { sys::switchfs_helper_in_init_user_ns(sb.cast()) };
        // CAST: Bits of masks.
        let mount = |bit: u32| flags & bit as i32 != 0;
        let sb = |bit: u32| iflags & bit as usize != 0;
        let nodev = mount(sys::mount_flags_MNT_NODEV) || sb(sys::SB_I_NODEV) || foreign;
        let noexec = mount(sys::mount_flags_MNT_NOEXEC) || sb(sys::SB_I_NOEXEC);
        Self {
            nosuid: mount(sys::mount_flags_MNT_NOSUID) || foreign,
            nodev,
            noexec,
            restricts: nodev || noexec,
        }
    }
}

// SAFETY: A `struct vfsmount` is made to be used by many threads.
unsafe impl Send for Mount {}
// SAFETY: As for `Send`.
unsafe impl Sync for Mount {}

impl Mount {
    /// Resolves the absolute `path` for the current task and clones the mount it is on, with the
    /// named directory as its root. May sleep.
    ///
    /// ENOTDIR when it is no directory; EINVAL when mounts below it are locked, or it is not in the
    /// caller's mount namespace.
    pub(crate) fn open(path: &CStr) -> Result<Self> {
        let mut found = sys::path::default();
        // SAFETY: The string is NUL-terminated; `found` is filled on success.
        sys::to_result(unsafe {
            sys::kern_path(
                path.as_char_ptr(),
                sys::LOOKUP_FOLLOW | sys::LOOKUP_DIRECTORY,
                &raw mut found,
            )
        })?;
        // SAFETY: `found` is a valid path.
        let clone = unsafe { Self::clone_of(&raw const found) };
        // SAFETY: The reference that `kern_path` returned is given up.
        unsafe { sys::path_put(&raw const found) };
        clone
    }

    /// A private clone of the mount that `path` is on, with `path` as its root.
    ///
    /// # Safety
    ///
    /// `path` is a valid path.
    pub(super) unsafe fn clone_of(path: *const sys::path) -> Result<Self> {
        // SAFETY: By the contract.
        let clone = from_err_ptr(unsafe { sys::clone_private_mount(path) })?;
        // `clone_private_mount` has no such result.
        let mnt = NonNull::new(clone).ok_or(EINVAL)?;
        // SAFETY: The mount is valid.
        let idmap = unsafe { sys::switchfs_helper_mnt_idmap(clone) };
        // SAFETY: The mount is valid and pins its superblock.
        let sb = unsafe { (*clone).mnt_sb };
        // SAFETY: As above.
        let errors = unsafe { &raw mut (*sb).s_wb_err };
        // INVARIANT: The clone is owned.
        Ok(Self {
            mnt,
            idmapped: idmap != &raw mut sys::nop_mnt_idmap,
            idmap,
            // SAFETY: The mount is valid.
            limits: unsafe { Limits::of(clone) },
            // SAFETY: The superblock is valid.
            errors: unsafe { Seen::of(errors) },
        })
    }

    /// The C pointer.
    pub(super) fn as_raw(&self) -> *mut sys::vfsmount {
        self.mnt.as_ptr()
    }

    /// The superblock, as a C pointer.
    fn sb(&self) -> *mut sys::super_block {
        // SAFETY: By the invariant the mount is valid.
        unsafe { (*self.as_raw()).mnt_sb.cast() }
    }

    /// The branch's root directory.
    pub(crate) fn root(&self) -> &Dentry {
        // SAFETY: A mount's root never changes.
        let root = unsafe { (*self.as_raw()).mnt_root };
        // SAFETY: The mount pins its root.
        unsafe { Dentry::from_raw(root) }
    }

    /// Set-id bits and file capabilities of its objects have no effect.
    pub(crate) fn nosuid(&self) -> bool {
        self.limits.nosuid
    }

    /// Device nodes cannot be opened.
    pub(crate) fn nodev(&self) -> bool {
        self.limits.nodev
    }

    /// Nothing can be executed.
    pub(crate) fn noexec(&self) -> bool {
        self.limits.noexec
    }

    /// Whether device nodes cannot be opened, or nothing can be executed.
    pub(crate) fn restricts(&self) -> bool {
        self.limits.restricts
    }

    /// The id mapping of the mount.
    pub(crate) fn idmap(&self) -> Idmap<'_> {
        // SAFETY: By the invariant; a mapping lives as long as its mount.
        unsafe { Idmap::from_raw(self.idmap) }
    }

    /// Whether ids are mapped.
    pub(crate) fn is_idmapped(&self) -> bool {
        self.idmapped
    }

    /// Whether `other` shows the same directory with the same flags and the same mapping.
    pub(crate) fn is_same(&self, other: &Mount) -> bool {
        let flags = |mount: &Mount| {
            // SAFETY: The mount is valid; nobody changes the flags of a private clone.
            unsafe { (*mount.as_raw()).mnt_flags }
        };
        self.root().id() == other.root().id()
            && core::ptr::eq(self.idmap, other.idmap)
            && flags(self) == flags(other)
    }

    /// The device number of the superblock.
    pub(crate) fn dev(&self) -> u32 {
        // SAFETY: The mount pins its superblock.
        unsafe { (*self.sb()).s_dev }
    }

    /// A path in this mount.
    pub(crate) fn at<'a>(&'a self, dentry: &'a Dentry) -> RealPath<'a> {
        RealPath {
            mount: self,
            dentry,
        }
    }

    /// `inode_permission`: asks the branch for permission on its object `inode`, under `creds` or the
    /// current ones.
    ///
    /// May be called in RCU walk with [`Access::in_rcu`].
    #[inline]
    pub(crate) fn permission(
        &self,
        inode: &Inode,
        creds: Option<&Creds>,
        access: Access,
    ) -> Result {
        // SAFETY: The mapping and the inode are valid, the credentials outlive the call.
        sys::to_result(unsafe {
            sys::switchfs_helper_inode_permission(
                self.idmap,
                inode.as_raw(),
                access.0,
                Creds::raw_or_null(creds),
            )
        })
    }

    /// Write access to the branch: EROFS when it is read-only, waits while it is frozen.
    pub(crate) fn want_write(&self) -> Result<WriteAccess<'_>> {
        // SAFETY: The mount is valid; the guard gives the access back.
        sys::to_result(unsafe { sys::mnt_want_write(self.as_raw()) })?;
        Ok(WriteAccess(self, NotThreadSafe))
    }

    /// Writes the superblock's dirty data, as `syncfs` does, for `sb`, which is stacked on it. May sleep.
    ///
    /// An error that writeback met since the last call is recorded in `sb`, for the VFS to tell each of
    /// its open files that `syncfs` is called for.
    pub(crate) fn sync(&self, sb: &SuperBlock) -> Result {
        // CAST: Depths are at most `FILESYSTEM_MAX_STACK_DEPTH`.
        let depth = sb.depth() as i32;
        // SAFETY: The mount keeps the superblock active.
        let ret = unsafe { sys::switchfs_helper_sync_branch(self.sb(), depth) };
        // SAFETY: The mount pins its superblock.
        let from = unsafe { &raw mut (*self.sb()).s_wb_err };
        // SAFETY: The superblock is valid.
        let to = unsafe { &raw mut (*sb.as_raw()).s_wb_err };
        // SAFETY: Both are parts of superblocks that are valid.
        unsafe { self.errors.pass_on(from, to) };
        sys::to_result(ret)
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // SAFETY: A private clone is released in this way, and nobody uses it any more.
        unsafe { sys::kern_unmount(self.as_raw()) };
    }
}

/// Write access to a branch; given back when dropped.
#[must_use]
pub(crate) struct WriteAccess<'a>(&'a Mount, NotThreadSafe);

impl Drop for WriteAccess<'_> {
    fn drop(&mut self) {
        // SAFETY: The access was taken when the guard was made.
        unsafe { sys::mnt_drop_write(self.0.as_raw()) };
    }
}

/// Calls `f` with the path that `write` writes into a buffer, of which it is given start and size.
pub(super) fn with_path_text<R>(
    write: impl FnOnce(*mut c_char, c_int) -> *mut c_char,
    f: impl FnOnce(&[u8]) -> R,
) -> Result<R> {
    let mut buf = KVec::from_elem(0u8, sys::PATH_MAX as usize, GFP_KERNEL)?;
    // CAST: `PATH_MAX`.
    let text = from_err_ptr(write(buf.as_mut_ptr().cast(), sys::PATH_MAX as c_int))?;
    // SAFETY: `d_path` and its like return a NUL-terminated string in the buffer.
    Ok(f(unsafe { CStr::from_char_ptr(text) }.to_bytes()))
}

/// An object of a branch with the mount through which it is reached.
#[derive(Clone, Copy)]
pub(crate) struct RealPath<'a> {
    /// The branch's mount.
    mount: &'a Mount,
    /// The object.
    dentry: &'a Dentry,
}

impl<'a> RealPath<'a> {
    /// The branch's mount.
    pub(crate) fn mount(&self) -> &'a Mount {
        self.mount
    }

    /// The object's dentry.
    pub(crate) fn dentry(&self) -> &'a Dentry {
        self.dentry
    }

    /// The object's inode, or ENOENT.
    pub(crate) fn inode(&self) -> Result<&'a Inode> {
        self.dentry.inode().ok_or(ENOENT)
    }

    /// A `struct path` that is borrowed from `self`.
    pub(super) fn as_path(&self) -> sys::path {
        sys::path {
            mnt: self.mount.as_raw().cast(),
            dentry: self.dentry.as_raw(),
        }
    }

    /// `vfs_getattr_nosec`: the attributes, without asking the security module (the VFS did for the
    /// switchfs object), under `creds` or the current ones. May sleep.
    pub(crate) fn getattr(
        &self,
        creds: Option<&Creds>,
        query: StatQuery,
        stat: &mut Stat,
    ) -> Result {
        let path = self.as_path();
        // SAFETY: The path is valid, `stat` is writable, the credentials outlive the call.
        sys::to_result(unsafe {
            sys::switchfs_helper_getattr(
                &raw const path,
                stat.as_raw(),
                query.mask,
                query.flags,
                Creds::raw_or_null(creds),
            )
        })
    }

    /// The same within `getattr` of the inode operations, for the `stat` and the query that it is called
    /// with: less is left to do. May sleep.
    pub(crate) fn fill(&self, creds: Option<&Creds>, query: StatQuery, stat: &mut Stat) -> Result {
        let path = self.as_path();
        // SAFETY: As above.
        sys::to_result(unsafe {
            sys::switchfs_helper_fill_attr(
                &raw const path,
                stat.as_raw(),
                query.mask,
                query.flags,
                Creds::raw_or_null(creds),
            )
        })
    }

    /// `vfs_statfs`. May sleep.
    pub(crate) fn statfs(&self, buf: &mut StatFs) -> Result {
        let path = self.as_path();
        // SAFETY: The path is valid, `buf` is writable.
        sys::to_result(unsafe { sys::vfs_statfs(&raw const path, buf.as_raw()) })
    }

    /// As [`Mount::permission`], for the object.
    pub(crate) fn permission(&self, creds: Option<&Creds>, access: Access) -> Result {
        self.mount.permission(self.inode()?, creds, access)
    }

    /// Gives the object the security label of `model`; nothing happens where there are none. The
    /// caller has write access to the mount, and the branch's lock is not held. May sleep.
    pub(crate) fn copy_label(&self, model: &Inode) -> Result {
        self.inode()?;
        // SAFETY: Both are valid, and the dentry is positive.
        sys::to_result(unsafe {
            sys::switchfs_helper_copy_label(model.as_raw(), self.dentry.as_raw())
        })
    }

    /// Calls `f` with the path within the mount, or with that at which the object was removed and
    /// ` (deleted)`. ENAMETOOLONG when it is too long; may sleep.
    pub(crate) fn with_text<R>(&self, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
        let path = self.as_path();
        // The mount is in no namespace, so that its root is where the path begins.
        with_path_text(
            |buf, size| {
                // SAFETY: The path is valid, the buffer has the size.
                unsafe { sys::d_path(&raw const path, buf, size) }
            },
            f,
        )
    }

    /// Updates the access time as a read through the branch's own mount would.
    pub(crate) fn touch_atime(&self) {
        let path = self.as_path();
        // SAFETY: The path is valid.
        unsafe { sys::touch_atime(&raw const path) };
    }
}
