// SPDX-License-Identifier: GPL-2.0-only

//! The superblock of a switchfs mount.
//!
//! C header: [`include/linux/fs/super_types.h`](srctree/include/linux/fs/super_types.h)

use super::{
    file_type::Info,
    sys,
    Dentry, //
};
use kernel::types::{
    ForeignOwnable,
    Opaque, //
};

/// The identity of a kernel object: its address, never used to reach it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id(usize);

impl Id {
    /// The identity of what is at `ptr`.
    pub(super) fn of<T>(ptr: *const T) -> Self {
        Self(ptr as usize)
    }
}

/// Wraps the kernel's `struct super_block` of a switchfs mount.
///
/// # Invariants
///
/// The superblock is valid, and `s_fs_info` holds the mount's [`Info`].
#[repr(transparent)]
pub(crate) struct SuperBlock(Opaque<sys::super_block>);

// SAFETY: A superblock is made to be used by many threads.
unsafe impl Send for SuperBlock {}
// SAFETY: As for `Send`.
unsafe impl Sync for SuperBlock {}

impl SuperBlock {
    /// Borrows a C superblock.
    ///
    /// # Safety
    ///
    /// `ptr` upholds the type invariant for `'a`.
    pub(super) unsafe fn from_raw<'a>(ptr: *const sys::super_block) -> &'a Self {
        // SAFETY: By the contract; the type is transparent over `struct super_block`.
        unsafe { &*ptr.cast() }
    }

    /// The C pointer.
    pub(super) fn as_raw(&self) -> *mut sys::super_block {
        self.0.get()
    }

    /// What the filesystem keeps for this mount. May be used in RCU walk.
    pub(crate) fn info(&self) -> &Info {
        // SAFETY: The superblock is valid; `s_fs_info` is set before the root is published.
        let info = unsafe { (*self.as_raw()).s_fs_info };
        // SAFETY: By the type invariant; freed in `put_super` when no inode is left.
        unsafe { <kernel::alloc::KBox<Info> as ForeignOwnable>::borrow(info) }
    }

    /// Whether `dentry` is of this very superblock, and not of a branch.
    pub(crate) fn is_of(&self, dentry: &Dentry) -> bool {
        // SAFETY: The dentry is valid, `d_sb` never changes.
        let sb = unsafe { (*dentry.as_raw()).d_sb };
        core::ptr::eq(sb, self.as_raw())
    }

    /// The device number that user space sees.
    pub(crate) fn dev(&self) -> u32 {
        // SAFETY: The superblock is valid; `s_dev` never changes.
        unsafe { (*self.as_raw()).s_dev }
    }

    /// The published stack depth.
    pub(crate) fn depth(&self) -> u32 {
        // SAFETY: The superblock is valid; set before the root is published.
        unsafe { (*self.as_raw()).s_stack_depth }.unsigned_abs()
    }
}
