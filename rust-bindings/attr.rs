// SPDX-License-Identifier: GPL-2.0-only

//! Attributes: what `stat`, `statfs` return, and what `setattr` is asked for.
//!
//! C headers: [`include/linux/stat.h`](srctree/include/linux/stat.h),
//! [`include/linux/statfs.h`](srctree/include/linux/statfs.h)

use super::{
    delegation::ask_back,
    sys,
    Idmap,
    RealPath,
    SwitchDentry,
    SwitchInode, //
};
use kernel::{
    prelude::*,
    types::Opaque, //
};

/// What a caller of `statx` wants to know, and how fresh.
#[derive(Clone, Copy)]
pub(crate) struct StatQuery {
    /// `STATX_*`.
    pub(super) mask: u32,
    /// `AT_STATX_*`.
    pub(super) flags: u32,
}

impl StatQuery {
    /// Type and inode number alone.
    pub(crate) fn identity(self) -> Self {
        Self {
            mask: sys::STATX_INO | sys::STATX_TYPE,
            flags: self.flags,
        }
    }

    /// The size alone.
    pub(crate) fn size() -> Self {
        Self {
            mask: sys::STATX_SIZE,
            flags: 0,
        }
    }

    /// The inode number, of whatever age.
    pub(crate) fn cached_identity() -> Self {
        Self {
            mask: sys::STATX_INO,
            flags: sys::AT_STATX_DONT_SYNC,
        }
    }
}

/// Wraps the kernel's `struct kstat`.
#[repr(transparent)]
pub(crate) struct Stat(sys::kstat);

impl Stat {
    /// An empty one, to be filled by [`RealPath::getattr`].
    pub(crate) fn new() -> Self {
        Self(sys::kstat::default())
    }

    /// Borrows what the VFS wants filled.
    ///
    /// # Safety
    ///
    /// `ptr` is valid for writing for `'a`, and nobody else uses it.
    pub(super) unsafe fn from_raw<'a>(ptr: *mut sys::kstat) -> &'a mut Self {
        // SAFETY: By the contract; the type is transparent over `struct kstat`.
        unsafe { &mut *ptr.cast() }
    }

    /// The C pointer.
    pub(super) fn as_raw(&mut self) -> *mut sys::kstat {
        &raw mut self.0
    }

    /// The inode number.
    pub(crate) fn ino(&self) -> u64 {
        self.0.ino
    }

    /// The size.
    pub(crate) fn size(&self) -> u64 {
        // CAST: Sizes are not negative.
        self.0.size as u64
    }

    /// The attributes that a program may change.
    #[cfg(switchfs_bpf)]
    pub(super) fn to_program(&self) -> sys::switchfs_attr {
        let nanoseconds = |time: &sys::timespec64| {
            time.tv_sec
                .saturating_mul(1_000_000_000)
                // CAST: Below a billion.
                .saturating_add(time.tv_nsec as i64)
        };
        sys::switchfs_attr {
            size: self.size(),
            mode: u32::from(self.0.mode & 0o7777),
            uid: self.0.uid.val,
            gid: self.0.gid.val,
            nlink: self.0.nlink,
            times: [
                nanoseconds(&self.0.atime),
                nanoseconds(&self.0.mtime),
                nanoseconds(&self.0.ctime),
            ],
        }
    }

    /// Takes over what the program made of the attributes, which bpf.c checked.
    #[cfg(switchfs_bpf)]
    pub(super) fn follow_program(&mut self, attr: &sys::switchfs_attr) {
        let time = |nanoseconds: i64| sys::timespec64 {
            tv_sec: nanoseconds.div_euclid(1_000_000_000),
            // CAST: Below a billion.
            tv_nsec: nanoseconds.rem_euclid(1_000_000_000) as isize,
        };
        // CAST: No size is above `S64_MAX`.
        self.0.size = attr.size as i64;
        // CAST: Permission bits alone.
        self.0.mode = (self.0.mode & !0o7777) | (attr.mode & 0o7777) as u16;
        self.0.uid.val = attr.uid;
        self.0.gid.val = attr.gid;
        self.0.nlink = attr.nlink;
        let [atime, mtime, ctime] = attr.times;
        self.0.atime = time(atime);
        self.0.mtime = time(mtime);
        self.0.ctime = time(ctime);
    }

    /// The device number, in the kernel's form.
    pub(crate) fn dev(&self) -> u32 {
        self.0.dev
    }

    /// Shows the owner as a mount with the mapping `idmap` does.
    #[inline]
    pub(super) fn map(&mut self, idmap: Idmap<'_>) {
        if !idmap.is_nop() {
            // SAFETY: Both are valid.
            unsafe { sys::switchfs_helper_stat_map(self.as_raw(), idmap.as_raw()) };
        }
    }

    /// Sets the identity that user space sees.
    pub(crate) fn set_identity(&mut self, dev: u32, ino: u64) {
        self.0.dev = dev;
        self.0.ino = ino;
    }
}

/// Wraps the kernel's `struct kstatfs`.
#[repr(transparent)]
pub(crate) struct StatFs(sys::kstatfs);

impl StatFs {
    /// An empty one, to be filled by [`RealPath::statfs`].
    pub(crate) fn new() -> Self {
        Self(sys::kstatfs::default())
    }

    /// Borrows what the VFS wants filled.
    ///
    /// # Safety
    ///
    /// `ptr` is valid for writing for `'a`, and nobody else uses it.
    pub(super) unsafe fn from_raw<'a>(ptr: *mut sys::kstatfs) -> &'a mut Self {
        // SAFETY: By the contract; the type is transparent over `struct kstatfs`.
        unsafe { &mut *ptr.cast() }
    }

    /// The C pointer.
    pub(super) fn as_raw(&mut self) -> *mut sys::kstatfs {
        &raw mut self.0
    }

    /// Sets the filesystem's type and id.
    pub(crate) fn set_identity(&mut self, magic: u32, dev: u32) {
        // CAST: `long` is 64 bits wide.
        self.0.f_type = magic as c_long;
        // CAST: Both halves of an id are plain bits (`u64_to_fsid`).
        self.0.f_fsid.val = [dev as i32, 0];
    }
}

/// A change of attributes that a caller asks for: the kernel's `struct iattr`.
#[repr(transparent)]
pub(crate) struct IAttr(Opaque<sys::iattr>);

impl IAttr {
    /// Borrows what the VFS passes.
    ///
    /// # Safety
    ///
    /// `ptr` is valid for `'a`, and nobody else uses it.
    pub(super) unsafe fn from_raw<'a>(ptr: *mut sys::iattr) -> &'a mut Self {
        // SAFETY: By the contract; the type is transparent over `struct iattr`.
        unsafe { &mut *ptr.cast() }
    }

    /// Removal of set-id bits, as a write by another user does it.
    pub(crate) fn kill_setid() -> Self {
        Self(Opaque::new(sys::iattr {
            ia_valid: sys::ATTR_KILL_SUID | sys::ATTR_KILL_SGID | sys::ATTR_FORCE,
            ..Default::default()
        }))
    }

    /// Removal of the set-group-ID bit.
    pub(crate) fn kill_setgid() -> Self {
        Self(Opaque::new(sys::iattr {
            ia_valid: sys::ATTR_KILL_SGID,
            ..Default::default()
        }))
    }

    /// The owner, group and mode of `model`, for a directory that mirrors it.
    pub(crate) fn owner_and_mode(model: &SwitchInode) -> Self {
        // SAFETY: The inode is valid; a racing change gives the old or the new owner.
        let inode = unsafe { &*model.as_raw() };
        Self(Opaque::new(sys::iattr {
            ia_valid: sys::ATTR_UID | sys::ATTR_GID | sys::ATTR_MODE,
            ia_mode: model.mode(),
            __bindgen_anon_1: sys::iattr__bindgen_ty_1 {
                ia_uid: inode.i_uid,
            },
            __bindgen_anon_2: sys::iattr__bindgen_ty_2 {
                ia_gid: inode.i_gid,
            },
            ..Default::default()
        }))
    }

    /// What is to be changed (`ATTR_*`).
    fn valid(&self) -> u32 {
        // SAFETY: The structure is valid and used by this task alone.
        unsafe { (*self.0.get()).ia_valid }
    }

    /// Whether the size changes.
    pub(crate) fn changes_size(&self) -> bool {
        self.valid() & sys::ATTR_SIZE != 0
    }

    /// Checks whether the caller may make this change to the switchfs object (`setattr_prepare`).
    pub(crate) fn prepare(&mut self, idmap: Idmap<'_>, dentry: &SwitchDentry) -> Result {
        // SAFETY: All are valid; the VFS holds the inode's lock.
        sys::to_result(unsafe {
            sys::setattr_prepare(idmap.as_raw(), dentry.as_raw(), self.0.get())
        })
    }

    /// Turns the request, which came by a mount with the mapping `idmap`, into one for a branch's object.
    ///
    /// Set-id bits to be removed are the branch's to compute. The file is not the branch's, and
    /// `O_TRUNC` was not passed down with open, so a server has to be asked for the new size.
    pub(crate) fn for_branch(&mut self, idmap: Idmap<'_>) {
        let attr = self.0.get();
        if !idmap.is_nop() {
            // SAFETY: Both are valid; the structure is used by this task alone.
            unsafe { sys::switchfs_helper_iattr_unmap(attr, idmap.as_raw()) };
        }
        let mut valid = self.valid();
        if valid & (sys::ATTR_KILL_SUID | sys::ATTR_KILL_SGID) != 0 {
            valid &= !sys::ATTR_MODE;
        }
        valid &= !(sys::ATTR_FILE | sys::ATTR_OPEN);
        // SAFETY: The structure is valid and used by this task alone.
        unsafe { (*attr).ia_valid = valid };
    }

    /// Makes the change to a branch's object (`notify_change`), for which it takes its lock. The caller
    /// has write access to its mount. May sleep.
    pub(crate) fn apply(&self, path: RealPath<'_>) -> Result {
        ask_back(|delegated| {
            // The function changes what it is given, and wants it as it was when it is called again.
            // SAFETY: The structure is valid, and plain data.
            let mut attr = unsafe { self.0.get().read() };
            let _lock = path.inode()?.lock();
            // SAFETY: The mapping and the dentry are valid and positive; the structures are this
            // task's.
            sys::to_result(unsafe {
                sys::notify_change(
                    path.mount().idmap().as_raw(),
                    path.dentry().as_raw(),
                    &raw mut attr,
                    delegated,
                )
            })
        })
    }
}
