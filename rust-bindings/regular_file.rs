// SPDX-License-Identifier: GPL-2.0-only

//! An open regular file of switchfs, and the backing files behind it.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h)

use super::{
    kept_file,
    sys,
    BackingFile,
    SwitchDentry,
    SwitchInode, //
};
use kernel::{
    prelude::*,
    sync::aref::ARef,
    types::Opaque, //
};

/// Which backing file of an open file an operation uses.
#[derive(Clone, Copy)]
pub(crate) enum Use {
    /// Whatever is not one of the others.
    Open,
    /// Reading.
    Read,
    /// Writing, truncation, allocation.
    Write,
    /// Mapping.
    Mmap,
    /// Splicing out of the file.
    SpliceRead,
    /// Splicing into the file.
    SpliceWrite,
    /// Seeking.
    Lseek,
    /// Copying out of the file.
    CopyFrom,
    /// Copying into the file.
    CopyTo,
    /// Sharing the file's blocks with another.
    RemapFrom,
    /// Sharing another file's blocks.
    RemapTo,
}

impl Use {
    /// All of them, in their order.
    pub(crate) const ALL: [Use; 11] = [
        Use::Open,
        Use::Read,
        Use::Write,
        Use::Mmap,
        Use::SpliceRead,
        Use::SpliceWrite,
        Use::Lseek,
        Use::CopyFrom,
        Use::CopyTo,
        Use::RemapFrom,
        Use::RemapTo,
    ];
}

/// The files behind an open file when rules name operations on open files by themselves, or a gate
/// was asked.
pub(crate) struct SplitFiles {
    /// The backing files by [`Use`], or why there is none.
    pub(crate) uses: [Result<ARef<BackingFile>>; Use::ALL.len()],
    /// All of them once, and those that are only kept open.
    pub(crate) all: KVec<ARef<BackingFile>>,
}

/// What is behind an open file; `private_data` holds it without an allocation in the common case.
pub(crate) enum OpenFile {
    /// One backing file for all.
    One(ARef<BackingFile>),
    /// One for each use.
    Split(KBox<SplitFiles>),
}

/// Set in `private_data` when it points at [`SplitFiles`]; files and boxes are aligned to 8 bytes.
const SPLIT: usize = 1;

impl OpenFile {
    /// Whether a file behind it wants to know when a descriptor is closed (`f_op->flush`).
    pub(super) fn is_flushed(&self) -> bool {
        match self {
            Self::One(file) => file.has_flush(),
            Self::Split(files) => files.all.iter().any(|file| file.has_flush()),
        }
    }

    /// The form in `private_data`.
    pub(super) fn into_raw(self) -> *mut c_void {
        match self {
            Self::One(file) => ARef::into_raw(file).as_ptr().cast(),
            Self::Split(files) => KBox::into_raw(files)
                .cast::<c_void>()
                .map_addr(|a| a | SPLIT),
        }
    }

    /// Closes the backing files, in `release`, where no task work is needed for it. May sleep.
    ///
    /// What is behind a file of `keeper` may be kept for the next one.
    #[inline]
    pub(super) fn close(self, keeper: Option<&SwitchInode>) {
        match self {
            Self::One(file) => {
                let closed = match keeper {
                    Some(inode) => kept_file::keep(inode, file),
                    None => Err(file),
                };
                if let Err(file) = closed {
                    BackingFile::close(file);
                }
            }
            Self::Split(files) => drop(files),
        }
    }

    /// Takes the form in `private_data` back.
    ///
    /// # Safety
    ///
    /// `raw` came from `into_raw`, and is not used any more.
    pub(super) unsafe fn from_raw(raw: *mut c_void) -> Option<Self> {
        if raw.addr() & SPLIT != 0 {
            let files = raw.map_addr(|a| a & !SPLIT).cast();
            // SAFETY: By the contract.
            Some(Self::Split(unsafe { KBox::from_raw(files) }))
        } else {
            let file = core::ptr::NonNull::new(raw)?;
            // SAFETY: By the contract.
            Some(Self::One(unsafe { ARef::from_raw(file.cast()) }))
        }
    }
}

/// Wraps the kernel's `struct file` of a regular file of switchfs.
///
/// # Invariants
///
/// The file is open, its inode is a regular file of switchfs, and from the end of `open` on
/// `private_data` came from [`OpenFile::into_raw`].
#[repr(transparent)]
pub(crate) struct RegularFile(Opaque<sys::file>);

impl RegularFile {
    /// Borrows a C file.
    ///
    /// # Safety
    ///
    /// `ptr` upholds the type invariant for `'a`.
    pub(super) unsafe fn from_raw<'a>(ptr: *const sys::file) -> &'a Self {
        // SAFETY: By the contract; the type is transparent over `struct file`.
        unsafe { &*ptr.cast() }
    }

    /// The C pointer.
    pub(super) fn as_raw(&self) -> *mut sys::file {
        self.0.get()
    }

    /// The inode.
    pub(crate) fn inode(&self) -> &SwitchInode {
        // SAFETY: The file is valid; `f_inode` never changes.
        let inode = unsafe { (*self.as_raw()).f_inode };
        // SAFETY: By the type invariant; a file pins its inode.
        unsafe { SwitchInode::from_raw(inode) }
    }

    /// The name by which it was opened.
    pub(crate) fn dentry(&self) -> &SwitchDentry {
        // SAFETY: The file is valid; `f_path` never changes.
        let path = unsafe { &(*self.as_raw()).__bindgen_anon_1 };
        // SAFETY: Both fields of the union are the path.
        let dentry = unsafe { path.f_path.dentry };
        // SAFETY: By the type invariant; a file pins its path.
        unsafe { SwitchDentry::from_raw(dentry) }
    }

    /// `O_*`.
    pub(crate) fn flags(&self) -> u32 {
        // SAFETY: The file is valid (`READ_ONCE`).
        let field = unsafe { &raw const (*self.as_raw()).f_flags };
        // SAFETY: As above.
        unsafe { field.read_volatile() }
    }

    /// Replaces the flags while the file is being opened.
    pub(super) fn set_flags(&self, flags: u32) {
        // SAFETY: The file is valid; it is not in a file table before `open` returns.
        let field = unsafe { &raw mut (*self.as_raw()).f_flags };
        // SAFETY: As above.
        unsafe { field.write_volatile(flags) };
    }

    /// Whether this open made the file.
    pub(crate) fn is_made(&self) -> bool {
        // SAFETY: The file is valid; the VFS sets the bit before `open`.
        unsafe { (*self.as_raw()).f_mode & sys::FMODE_CREATED != 0 }
    }

    /// Whether it is opened to be executed.
    pub(crate) fn is_exec(&self) -> bool {
        self.flags() & sys::FMODE_EXEC != 0
    }

    /// Whether reading it through this mount does not count as an access.
    pub(super) fn is_noatime(&self) -> bool {
        // SAFETY: The file is valid and has its path.
        unsafe { sys::switchfs_helper_file_noatime(self.as_raw()) }
    }

    /// Whether opening it makes it, if it is missing, or cuts it.
    pub(crate) fn makes_or_truncates(&self) -> bool {
        self.flags() & (sys::O_CREAT | sys::O_TRUNC) != 0
    }

    /// Whether it is opened for reading.
    pub(crate) fn readable(&self) -> bool {
        // SAFETY: The file is valid; `f_mode` bits of access never change.
        unsafe { (*self.as_raw()).f_mode & sys::FMODE_READ != 0 }
    }

    /// Whether it is opened for writing.
    pub(crate) fn writable(&self) -> bool {
        // SAFETY: The file is valid; `f_mode` bits of access never change.
        unsafe { (*self.as_raw()).f_mode & sys::FMODE_WRITE != 0 }
    }

    /// The position.
    pub(crate) fn pos(&self) -> i64 {
        // SAFETY: The file is valid; the VFS locks the position where it is changed.
        unsafe { (*self.as_raw()).f_pos }
    }

    /// Sets the position.
    pub(crate) fn set_pos(&self, pos: i64) {
        // SAFETY: As for `pos`.
        unsafe { (*self.as_raw()).f_pos = pos };
    }

    /// Removes set-id bits and capabilities before data changes (`file_remove_privs`). The inode is
    /// locked; may sleep.
    pub(crate) fn remove_privileges(&self) -> Result {
        // SAFETY: The file is valid.
        sys::to_result(unsafe { sys::file_remove_privs(self.as_raw()) })
    }

    /// The backing file for `which`, or the errno with which the rules refuse it.
    pub(crate) fn backing(&self, which: Use) -> Result<&BackingFile> {
        // SAFETY: The file is valid; set in `open`, taken in `release`.
        let raw = unsafe { (*self.as_raw()).private_data };
        if raw.addr() & SPLIT == 0 {
            // SAFETY: By the type invariant.
            return Ok(unsafe { BackingFile::from_raw(raw.cast()) });
        }
        let files = raw.map_addr(|a| a & !SPLIT).cast::<SplitFiles>();
        // SAFETY: By the type invariant.
        let files = unsafe { &*files };
        // CAST: Uses are numbered from 0.
        match files.uses.get(which as usize) {
            Some(Ok(file)) => Ok(file),
            Some(Err(e)) => Err(*e),
            None => Err(EIO),
        }
    }

    /// Calls `f` for every backing file, also those of gates; the first error counts.
    pub(crate) fn each_backing(&self, mut f: impl FnMut(&BackingFile) -> Result) -> Result {
        // SAFETY: As in `backing`.
        let raw = unsafe { (*self.as_raw()).private_data };
        if raw.addr() & SPLIT == 0 {
            return f(self.backing(Use::Open)?);
        }
        // SAFETY: By the type invariant.
        let files = unsafe { &*raw.map_addr(|a| a & !SPLIT).cast::<SplitFiles>() };
        let mut result = Ok(());
        for file in files.all.iter() {
            result = result.and(f(file));
        }
        result
    }
}
