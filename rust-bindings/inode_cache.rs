// SPDX-License-Identifier: GPL-2.0-only

//! Where the memory of switchfs inodes comes from.
//!
//! C header: [`include/linux/slab.h`](srctree/include/linux/slab.h)

use super::{
    kept_file,
    switch_inode::{
        Container,
        SwitchInode, //
    },
    sys, //
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
use kernel::prelude::*;

/// The slab cache of inodes.
///
/// # Invariants
///
/// The pointer is valid until the cache is dropped.
pub(crate) struct InodeCache(NonNull<sys::kmem_cache>);

// SAFETY: Slab caches are made to be used by many threads.
unsafe impl Send for InodeCache {}
// SAFETY: As for `Send`.
unsafe impl Sync for InodeCache {}

/// The cache that `alloc_inode` takes from: there is one for the module.
static CACHE: AtomicPtr<sys::kmem_cache> = AtomicPtr::new(core::ptr::null_mut());

impl InodeCache {
    /// Creates the module's cache; there must be only one at a time.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: The name is a static string; the constructor fits the size.
        let cache = unsafe {
            sys::switchfs_helper_inode_cache(
                c"switchfs_inode".as_char_ptr(),
                size_of::<Container>() as u32,
                Some(init_once_callback),
            )
        };
        let cache = NonNull::new(cache).ok_or(ENOMEM)?;
        CACHE.store(cache.as_ptr(), Ordering::Release);
        // INVARIANT: Just created.
        Ok(Self(cache))
    }
}

impl Drop for InodeCache {
    fn drop(&mut self) {
        // SAFETY: May sleep; waits for the inodes that RCU frees.
        unsafe { sys::rcu_barrier() };
        CACHE.store(core::ptr::null_mut(), Ordering::Release);
        // SAFETY: No superblock is left, so no inode is.
        unsafe { sys::kmem_cache_destroy(self.0.as_ptr()) };
    }
}

/// Prepares a slab object.
///
/// # Safety
///
/// Called by the slab allocator with memory for a [`Container`].
unsafe extern "C" fn init_once_callback(object: *mut c_void) {
    let container = object.cast::<Container>();
    // SAFETY: By the contract.
    let inode = unsafe { &raw mut (*container).inode };
    // SAFETY: By the contract.
    unsafe { sys::inode_init_once(inode) };
}

/// `alloc_inode` of the superblock operations.
///
/// # Safety
///
/// Called by the VFS with a superblock of switchfs.
pub(super) unsafe extern "C" fn alloc_inode_callback(sb: *mut sys::super_block) -> *mut sys::inode {
    // SAFETY: The cache lives as long as the filesystem type is registered or a superblock lives.
    let object = unsafe { sys::switchfs_helper_alloc_inode(sb, CACHE.load(Ordering::Acquire)) };
    let container = object.cast::<Container>();
    if container.is_null() {
        return core::ptr::null_mut();
    }
    // SAFETY: The object is new and ours alone.
    let real = unsafe { &raw mut (*container).real };
    // SAFETY: As above.
    unsafe { real.write(AtomicPtr::new(core::ptr::null_mut())) };
    // SAFETY: As above.
    let no_setid = unsafe { &raw mut (*container).no_setid };
    // SAFETY: As above.
    unsafe { no_setid.write(AtomicBool::new(false)) };
    // SAFETY: As above.
    let seen = unsafe { &raw mut (*container).seen };
    // SAFETY: As above.
    unsafe { seen.write(AtomicPtr::new(core::ptr::null_mut())) };
    // SAFETY: As above.
    let seeing = unsafe { &raw mut (*container).seeing };
    // SAFETY: As above.
    unsafe { seeing.write(AtomicBool::new(false)) };
    // SAFETY: As above.
    let seen_seq = unsafe { &raw mut (*container).seen_seq };
    // SAFETY: As above.
    unsafe { seen_seq.write(AtomicU32::new(0)) };
    // SAFETY: As above.
    unsafe { &raw mut (*container).inode }
}

/// `destroy_inode`: the last use of the inode but by those in RCU walk.
///
/// # Safety
///
/// Called by the VFS with an inode of switchfs, once.
pub(super) unsafe extern "C" fn destroy_inode_callback(inode: *mut sys::inode) {
    // SAFETY: By the contract.
    let inode = unsafe { SwitchInode::from_raw(inode) };
    kept_file::forget(inode);
    // SAFETY: By the contract.
    unsafe { inode.release_real() };
}

/// `free_inode`: an RCU grace period after `destroy_inode`.
///
/// # Safety
///
/// Called by the VFS with an inode of switchfs, once.
pub(super) unsafe extern "C" fn free_inode_callback(inode: *mut sys::inode) {
    // SAFETY: By the contract.
    let container = unsafe { SwitchInode::from_raw(inode) }.container();
    // SAFETY: Allocated from this cache, which `rcu_barrier` keeps until now.
    unsafe { sys::kmem_cache_free(CACHE.load(Ordering::Acquire), container.cast()) };
}
