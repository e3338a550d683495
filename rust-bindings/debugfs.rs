// SPDX-License-Identifier: GPL-2.0-only

//! The files of a mount in debugfs, `/sys/kernel/debug/switchfs/MAJOR:MINOR/`.
//!
//! What a file shows is put together when it is opened, so reading it looks at nothing that may be
//! gone. debugfs does not remove a file in which an `open` or `write` runs, and a mount's are removed
//! before anything of the mount is; an open file keeps the module.
//!
//! C header: [`include/linux/debugfs.h`](srctree/include/linux/debugfs.h)

use super::{
    file_type::{
        FileSystem,
        Fs,
        Info, //
    },
    sys, //
};
use core::{
    fmt::Write as _,
    sync::atomic::{
        AtomicPtr,
        Ordering, //
    },
};
use kernel::{
    error::from_result,
    prelude::*,
    str::CStr,
    types::ForeignOwnable, //
};

/// The files of a mount.
pub(crate) trait MountFiles {
    /// Their names, and whether each can be written.
    const FILES: [(&'static CStr, bool); COUNT];

    /// What the file at the place `file` shows. May sleep; takes no lock that is held at unmount.
    fn text(info: &Info, file: usize) -> Result<KVVec<u8>>;

    /// A 1 or a 0 is written to a file that can be written. As for `text`.
    fn switch(info: &Info, on: bool) -> Result;
}

/// How many files a mount has.
const COUNT: usize = 5;

/// The filesystem's implementation.
type Files = <Fs as FileSystem>::Debug;

/// The folder of all mounts while the module is there; null or an error pointer when there is no
/// debugfs.
static FOLDER: AtomicPtr<sys::dentry> = AtomicPtr::new(core::ptr::null_mut());
/// The tables of the files while the module is there.
static TABLES: AtomicPtr<[sys::file_operations; COUNT]> = AtomicPtr::new(core::ptr::null_mut());

/// The folder of all mounts; there is one for the module.
///
/// # Invariants
///
/// `tables` lives and stays in place until the folder is dropped.
pub(super) struct Folder {
    /// What [`TABLES`] points to.
    tables: KBox<[sys::file_operations; COUNT]>,
}

// SAFETY: The tables are only read.
unsafe impl Send for Folder {}
// SAFETY: As for `Send`.
unsafe impl Sync for Folder {}

impl Folder {
    /// Makes it for `module`. Without debugfs there is nothing to be seen, which is no error.
    pub(super) fn new(module: &'static ThisModule) -> Result<Self> {
        let owner = module.as_ptr();
        let tables = KBox::new(
            [
                table::<0>(owner),
                table::<1>(owner),
                table::<2>(owner),
                table::<3>(owner),
                table::<4>(owner),
            ],
            GFP_KERNEL,
        )?;
        TABLES.store((&raw const *tables).cast_mut(), Ordering::Release);
        // SAFETY: The name is static.
        let dir = unsafe {
            sys::switchfs_helper_debugfs_dir(Fs::NAME.as_char_ptr(), core::ptr::null_mut())
        };
        FOLDER.store(dir, Ordering::Release);
        Ok(Self { tables })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let dir = FOLDER.swap(core::ptr::null_mut(), Ordering::AcqRel);
        // SAFETY: Made in `new`; error pointers are let pass. No mount is left, so it is empty.
        unsafe { sys::switchfs_helper_debugfs_remove(dir) };
        TABLES.store(core::ptr::null_mut(), Ordering::Release);
        let _ = &self.tables;
    }
}

/// The name of a mount's folder: its device, `MAJOR:MINOR`, and a NUL.
struct DirName {
    /// The text.
    bytes: [u8; 24],
    /// Bytes used.
    len: usize,
}

impl DirName {
    /// That of the mount with the device `dev`.
    fn new(dev: u32) -> Self {
        let mut name = Self {
            bytes: [0; 24],
            len: 0,
        };
        // Two numbers of 32 bits fit, and leave a NUL.
        let _ = write!(name, "{}:{}", dev >> 20, dev & 0xf_ffff);
        name
    }

    /// As a C string.
    fn as_char_ptr(&self) -> *const c_char {
        self.bytes.as_ptr().cast()
    }
}

impl core::fmt::Write for DirName {
    fn write_str(&mut self, s: &str) -> core::fmt::Result {
        let end = self.len.saturating_add(s.len());
        // The last byte stays a NUL.
        if end >= self.bytes.len() {
            return Err(core::fmt::Error);
        }
        let to = self.bytes.get_mut(self.len..end).ok_or(core::fmt::Error)?;
        to.copy_from_slice(s.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// Makes the files of a new mount. What fails leaves files out. May sleep.
///
/// # Safety
///
/// `info` points to the mount's [`Info`], as `into_foreign` gave it, until [`remove_mount`] is called with
/// the same `dev`.
pub(super) unsafe fn add_mount(dev: u32, info: *mut c_void) {
    let folder = FOLDER.load(Ordering::Acquire);
    let tables = TABLES.load(Ordering::Acquire);
    if folder.is_null() || tables.is_null() {
        return;
    }
    // SAFETY: The folder is there as long as the module is; the name ends with a NUL.
    let dir = unsafe { sys::switchfs_helper_debugfs_dir(DirName::new(dev).as_char_ptr(), folder) };
    // SAFETY: As long as there are mounts, the tables are there.
    let tables = unsafe { &*tables };
    for ((name, writable), fops) in Files::FILES.iter().zip(tables) {
        let mode = if *writable { 0o600 } else { 0o400 };
        // SAFETY: The name and the table are static or live as long as the module; `info` by the
        // contract.
        unsafe { sys::switchfs_helper_debugfs_file(name.as_char_ptr(), mode, dir, info, fops) };
    }
}

/// Removes the files of the mount with the device `dev`, and waits for those who use them. May sleep.
pub(super) fn remove_mount(dev: u32) {
    let folder = FOLDER.load(Ordering::Acquire);
    // SAFETY: As in `add_mount`.
    unsafe { sys::switchfs_helper_debugfs_remove_name(DirName::new(dev).as_char_ptr(), folder) };
}

/// The table of the file at the place `FILE`.
fn table<const FILE: usize>(owner: *mut sys::module) -> sys::file_operations {
    sys::file_operations {
        owner,
        open: Some(open_callback::<FILE>),
        release: Some(release_callback),
        read: Some(read_callback),
        write: if Files::FILES.get(FILE).is_some_and(|file| file.1) {
            Some(write_callback)
        } else {
            None
        },
        llseek: Some(sys::default_llseek),
        ..pin_init::zeroed()
    }
}

/// `open` of the file at the place `FILE`.
///
/// # Safety
///
/// Called by debugfs with a file that [`add_mount`] made, which it does not remove meanwhile.
unsafe extern "C" fn open_callback<const FILE: usize>(
    inode: *mut sys::inode,
    file: *mut sys::file,
) -> c_int {
    // SAFETY: By the contract.
    let info = unsafe { (*inode).i_private };
    // SAFETY: By the contract of `add_mount`.
    let info = unsafe { <KBox<Info> as ForeignOwnable>::borrow(info) };
    from_result(|| {
        let text = KBox::new(Files::text(info, FILE)?, GFP_KERNEL)?;
        // SAFETY: The file is being opened.
        unsafe { (*file).private_data = KBox::into_raw(text).cast() };
        Ok(0)
    })
}

/// `release`.
///
/// # Safety
///
/// Called by the VFS once, with a file that was opened by [`open_callback`].
unsafe extern "C" fn release_callback(_inode: *mut sys::inode, file: *mut sys::file) -> c_int {
    // SAFETY: By the contract.
    let text = unsafe { (*file).private_data };
    // SAFETY: Came from `KBox::into_raw`.
    drop(unsafe { KBox::from_raw(text.cast::<KVVec<u8>>()) });
    0
}

/// `read`: from the text that was made when the file was opened.
///
/// # Safety
///
/// Called by debugfs with a file that was opened by [`open_callback`], and memory of user space.
unsafe extern "C" fn read_callback(
    file: *mut sys::file,
    buf: *mut c_char,
    count: usize,
    pos: *mut i64,
) -> isize {
    // SAFETY: By the contract; only replaced by `release`.
    let text = unsafe { (*file).private_data }.cast::<KVVec<u8>>();
    // SAFETY: Came from `KBox::into_raw`.
    let text = unsafe { &*text };
    // SAFETY: The text has the length, the position is valid; user memory is checked.
    unsafe {
        sys::simple_read_from_buffer(buf.cast(), count, pos, text.as_ptr().cast(), text.len())
    }
}

/// `write`: switches on or off.
///
/// # Safety
///
/// As for [`open_callback`], and memory of user space.
unsafe extern "C" fn write_callback(
    file: *mut sys::file,
    buf: *const c_char,
    count: usize,
    _pos: *mut i64,
) -> isize {
    let mut on = false;
    // SAFETY: User memory is checked.
    let ret = unsafe { sys::kstrtobool_from_user(buf.cast(), count, &raw mut on) };
    if ret < 0 {
        return ret as isize;
    }
    // SAFETY: The file is valid.
    let inode = unsafe { (*file).f_inode };
    // SAFETY: A file pins its inode.
    let info = unsafe { (*inode).i_private };
    // SAFETY: By the contract of `add_mount`; debugfs does not remove the file meanwhile.
    let info = unsafe { <KBox<Info> as ForeignOwnable>::borrow(info) };
    match Files::switch(info, on) {
        // CAST: At most `MAX_RW_COUNT`.
        Ok(()) => count as isize,
        Err(e) => e.to_errno() as isize,
    }
}
