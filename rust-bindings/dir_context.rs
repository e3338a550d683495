// SPDX-License-Identifier: GPL-2.0-only

//! Listing directories: `struct dir_context`, ours and the branch's.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h)

use super::{
    sys,
    BackingFile,
    Name, //
};
use kernel::{
    prelude::*,
    types::Opaque, //
};

/// One entry of a listing.
pub(crate) struct DirEntry<'a> {
    /// Its name.
    pub(crate) name: Name<'a>,
    /// Its position.
    pub(crate) pos: i64,
    /// Its inode number.
    pub(crate) ino: u64,
    /// `DT_*`, with flags above it.
    pub(crate) kind: u32,
}

/// Where the VFS wants a directory of switchfs listed to: the kernel's `struct dir_context`.
#[repr(transparent)]
pub(crate) struct DirContext(Opaque<sys::dir_context>);

impl DirContext {
    /// Borrows what the VFS passes.
    ///
    /// # Safety
    ///
    /// `ptr` is valid for `'a`, and used by this task alone.
    pub(super) unsafe fn from_raw<'a>(ptr: *mut sys::dir_context) -> &'a mut Self {
        // SAFETY: By the contract; the type is transparent over the C structure.
        unsafe { &mut *ptr.cast() }
    }

    /// The position to list from.
    pub(crate) fn pos(&self) -> i64 {
        // SAFETY: The context is this task's.
        unsafe { (*self.0.get()).pos }
    }

    /// Sets the position to go on from.
    pub(crate) fn set_pos(&mut self, pos: i64) {
        // SAFETY: The context is this task's.
        unsafe { (*self.0.get()).pos = pos };
    }

    /// Hands one entry to the VFS; `false` when it wants no more.
    pub(crate) fn emit(&mut self, entry: &DirEntry<'_>) -> bool {
        let context = self.0.get();
        let name = entry.name.bytes();
        // SAFETY: The context is this task's.
        match unsafe { (*context).actor } {
            // CAST: Names have at most 255 bytes.
            // SAFETY: The actor belongs to this context; the name is valid for the call.
            Some(actor) => unsafe {
                actor(
                    context,
                    name.as_ptr().cast(),
                    name.len() as c_int,
                    entry.pos,
                    entry.ino,
                    entry.kind,
                )
            },
            None => false,
        }
    }

    /// What the VFS says about its buffer, to be handed on to the branch.
    pub(crate) fn hints(&self) -> Hints {
        // SAFETY: The context is this task's.
        let context = unsafe { &*self.0.get() };
        Hints {
            count: context.count,
            dt_flags_mask: context.dt_flags_mask,
        }
    }
}

/// The room in a caller's buffer, and the flags it understands in types.
#[derive(Clone, Copy)]
pub(crate) struct Hints {
    /// Bytes of room; 0 when unknown.
    count: c_int,
    /// Flags that may come with `DT_*`.
    dt_flags_mask: c_uint,
}

impl Hints {
    /// Everything is wanted.
    pub(crate) const UNLIMITED: Hints = Hints {
        count: c_int::MAX,
        dt_flags_mask: 0,
    };
}

/// What takes the entries of a branch's directory.
pub(crate) trait DirSink {
    /// Takes one entry; `false` to stop before it.
    ///
    /// # Context
    ///
    /// The branch holds the directory's lock: no branch may be called.
    fn entry(&mut self, entry: &DirEntry<'_>) -> bool;
}

/// A sink behind the C structure that the branch knows.
#[repr(C)]
struct Inner<'a, S> {
    /// What the branch sees.
    context: sys::dir_context,
    /// Where entries go.
    sink: &'a mut S,
}

/// Hands an entry of a branch to the sink.
///
/// # Safety
///
/// Called by the branch with the context of an [`Inner<S>`].
unsafe extern "C" fn actor_callback<S: DirSink>(
    context: *mut sys::dir_context,
    name: *const c_char,
    len: c_int,
    pos: i64,
    ino: u64,
    kind: c_uint,
) -> bool {
    // SAFETY: By the contract; `context` is the first field.
    let inner = unsafe { &mut *context.cast::<Inner<'_, S>>() };
    let len = usize::try_from(len).unwrap_or(0);
    // SAFETY: The branch passes a name of `len` bytes.
    let name = unsafe { core::slice::from_raw_parts(name.cast(), len) };
    inner.sink.entry(&DirEntry {
        name: Name::new(name),
        pos,
        ino,
        kind,
    })
}

/// The listing of one directory of a branch, from an open file.
pub(crate) struct DirStream<'a>(pub(crate) &'a BackingFile);

impl DirStream<'_> {
    /// Where the next entry is read from.
    pub(crate) fn pos(&self) -> i64 {
        // SAFETY: The file is valid, and its position used under the lock of the user's file.
        unsafe { (*self.0.as_raw()).f_pos }
    }

    /// Moves to a position that an entry had. May sleep.
    pub(crate) fn seek(&self, pos: i64) -> Result {
        if self.pos() == pos {
            return Ok(());
        }
        // CAST: `SEEK_SET` is 0.
        // SAFETY: The file is valid.
        let ret = unsafe { sys::vfs_llseek(self.0.as_raw(), pos, 0) };
        if ret < 0 {
            // CAST: Errnos fit.
            return Err(Error::from_errno(ret as c_int));
        }
        Ok(())
    }

    /// Feeds entries to `sink` until it stops or the directory ends (`iterate_dir`). May sleep.
    pub(crate) fn read<S: DirSink>(&self, hints: Hints, sink: &mut S) -> Result {
        let mut inner = Inner {
            context: sys::dir_context {
                actor: Some(actor_callback::<S>),
                pos: 0,
                count: hints.count,
                dt_flags_mask: hints.dt_flags_mask,
            },
            sink,
        };
        // SAFETY: The file is an open directory; the context is the one the actor expects.
        sys::to_result(unsafe { sys::iterate_dir(self.0.as_raw(), &raw mut inner.context) })
    }
}
