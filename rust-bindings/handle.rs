// SPDX-License-Identifier: GPL-2.0-only

//! File handles of a branch: making them, and finding their objects again.
//!
//! C header: [`include/linux/exportfs.h`](srctree/include/linux/exportfs.h)

use super::{
    sys,
    Dentry,
    Inode,
    Mount,
    Name, //
};
use kernel::{prelude::*, sync::aref::ARef};

/// The longest handle, in words of 32 bits (`MAX_HANDLE_SZ`).
pub(crate) const MAX_WORDS: usize = (sys::MAX_HANDLE_SZ / 4) as usize;

/// What a handle is made for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To find the object again.
    Decode,
    /// To tell it from others only (`EXPORT_FH_FID`).
    Identify,
}

/// What making a handle came to.
pub(crate) enum Encoded {
    /// A handle.
    Handle {
        /// Its type, 1 to 254.
        kind: u8,
        /// Its length in words.
        len: usize,
    },
    /// There is no room; this is its length.
    TooLong(usize),
    /// There is none for this object.
    Nothing,
}

/// A file handle as it came from outside.
#[derive(Clone, Copy)]
pub(crate) struct Handle<'a> {
    /// Its type.
    pub(crate) kind: u8,
    /// The handle itself, at most [`MAX_WORDS`].
    pub(crate) words: &'a [u32],
}

impl Inode {
    /// `exportfs_encode_inode_fh`: makes a handle in `words`, with that of `parent` in it so that the
    /// object can be found again by its directory. May be called wherever `encode_fh` may.
    pub(crate) fn encode_handle(
        &self,
        parent: Option<&Inode>,
        purpose: Purpose,
        words: &mut [u32],
    ) -> Encoded {
        let flags = match (purpose, parent) {
            (Purpose::Identify, _) => sys::EXPORT_FH_FID,
            (Purpose::Decode, Some(_)) => sys::EXPORT_FH_CONNECTABLE,
            (Purpose::Decode, None) => 0,
        };
        let parent = parent.map_or(core::ptr::null_mut(), Inode::as_raw);
        // CAST: At most `MAX_WORDS`.
        let mut len = words.len().min(MAX_WORDS) as c_int;
        // CAST: Bits of a mask.
        // SAFETY: The inodes are valid; the buffer has `len` words.
        let kind = unsafe {
            sys::exportfs_encode_inode_fh(
                self.as_raw(),
                words.as_mut_ptr().cast(),
                &raw mut len,
                parent,
                flags as c_int,
            )
        };
        let len = usize::try_from(len).unwrap_or(0);
        match u8::try_from(kind) {
            Ok(kind @ 1..0xff) if len <= words.len() => Encoded::Handle { kind, len },
            // What does not fit and what cannot be are told apart by the length alone.
            Ok(0xff) if len > words.len() => Encoded::TooLong(len),
            _ => Encoded::Nothing,
        }
    }

    /// Writes what was changed of the object's metadata to stable storage, as the NFS server asks
    /// for. May sleep.
    pub(crate) fn commit_metadata(&self) -> Result {
        // SAFETY: The inode is valid, and pins its superblock.
        let sb = unsafe { (*self.as_raw()).i_sb };
        // SAFETY: As above.
        let commit = unsafe { export_operations(sb) }.and_then(|ops| ops.commit_metadata);
        kernel::error::to_result(match commit {
            // SAFETY: The inode is of the filesystem that the operation belongs to.
            Some(commit) => unsafe { commit(self.as_raw()) },
            // SAFETY: The inode is valid.
            None => unsafe { sys::sync_inode_metadata(self.as_raw(), 1) },
        })
    }
}

/// The operations for handles of `sb`, if there are any.
///
/// # Safety
///
/// `sb` is a valid superblock.
unsafe fn export_operations<'a>(sb: *mut sys::super_block) -> Option<&'a sys::export_operations> {
    // SAFETY: By the contract; FUSE sets it when its connection is initialised (`READ_ONCE`).
    let field = unsafe { &raw const (*sb).s_export_op };
    // SAFETY: As above.
    let ops = unsafe { field.read_volatile() };
    // SAFETY: The table is static; the delta's type is the complete one of the same C structure.
    unsafe { ops.cast::<sys::export_operations>().as_ref() }
}

impl Mount {
    /// Whether handles of the branch can be made and found again.
    pub(crate) fn decodes_handles(&self) -> bool {
        // SAFETY: The mount pins its superblock.
        let sb = unsafe { (*self.as_raw()).mnt_sb };
        // SAFETY: As above.
        unsafe { export_operations(sb.cast()) }.is_some_and(|ops| ops.fh_to_dentry.is_some())
    }

    /// Whether the branch's directory is the root of its filesystem.
    pub(crate) fn is_whole(&self) -> bool {
        // SAFETY: The mount pins its superblock.
        let sb: *mut sys::super_block = unsafe { (*self.as_raw()).mnt_sb }.cast();
        // SAFETY: As above; the root is set while there are mounts.
        self.root().as_raw() == unsafe { (*sb).s_root }
    }

    /// Whether a FUSE server serves the branch.
    pub(crate) fn is_fuse(&self) -> bool {
        // SAFETY: The mount pins its superblock.
        let sb: *mut sys::super_block = unsafe { (*self.as_raw()).mnt_sb }.cast();
        // SAFETY: As above; set before there is a mount.
        unsafe { (*sb).s_magic == sys::FUSE_SUPER_MAGIC as usize }
    }

    /// `exportfs_decode_fh`: the object of a handle, by that of its names for which `accept` holds;
    /// they are asked in turn, a directory only when it is connected. Under the current credentials;
    /// may sleep, and so may `accept`.
    ///
    /// ENOMEM, or ESTALE for all else.
    pub(crate) fn decode_handle(
        &self,
        handle: Handle<'_>,
        mut accept: &mut dyn FnMut(&Dentry) -> bool,
    ) -> Result<ARef<Dentry>> {
        // The branch may look at more of it than it is long.
        let mut words = [0u32; MAX_WORDS];
        let len = handle.words.len();
        words
            .get_mut(..len)
            .ok_or_else(crate::error::estale)?
            .copy_from_slice(handle.words);
        // CAST: At most `MAX_WORDS`.
        // SAFETY: The mount is valid, the buffer has the size; the callback gets `accept`, which lives
        // until the call returns.
        let found = kernel::error::from_err_ptr(unsafe {
            sys::exportfs_decode_fh(
                self.as_raw().cast(),
                words.as_mut_ptr().cast(),
                len as c_int,
                c_int::from(handle.kind),
                Some(acceptable_callback),
                (&raw mut accept).cast(),
            )
        })?;
        // SAFETY: A reference to a positive dentry is returned, never null.
        Ok(unsafe { Dentry::from_owned(found) })
    }
}

/// Whether a name of the object will do.
///
/// # Safety
///
/// Called by `exportfs_decode_fh` with the `accept` of [`Mount::decode_handle`] and a dentry that it
/// has a reference to.
unsafe extern "C" fn acceptable_callback(context: *mut c_void, dentry: *mut sys::dentry) -> c_int {
    // SAFETY: By the contract.
    let accept = unsafe { &mut *context.cast::<&mut dyn FnMut(&Dentry) -> bool>() };
    // SAFETY: By the contract.
    c_int::from(accept(unsafe { Dentry::from_raw(dentry) }))
}

impl Dentry {
    /// The parent as it is now; `None` for a root, and for what is not connected.
    pub(crate) fn parent(&self) -> Option<ARef<Dentry>> {
        // SAFETY: The dentry is valid and referenced; a reference is returned.
        let parent = unsafe { sys::dget_parent(self.as_raw()) };
        // SAFETY: Never null; the reference is ours.
        let parent = unsafe { Dentry::from_owned(parent) };
        (parent.as_raw() != self.as_raw()).then_some(parent)
    }

    /// Changes whenever the dentry is renamed, moved or dropped.
    pub(crate) fn seq(&self) -> u32 {
        // SAFETY: The dentry is valid.
        unsafe { sys::switchfs_helper_d_seq(self.as_raw()) }
    }

    /// Calls `f` with the name as it is now. May sleep as far as `f` does.
    pub(crate) fn with_name<R>(&self, f: impl FnOnce(Name<'_>) -> R) -> R {
        // SAFETY: The dentry is valid.
        unsafe { Name::of_dentry(self.as_raw(), f) }
    }
}

/// A number that nobody can guess.
pub(crate) fn random() -> u64 {
    // SAFETY: May be called anywhere.
    unsafe { sys::get_random_u64() }
}
