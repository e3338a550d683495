// SPDX-License-Identifier: GPL-2.0-only

//! Case folding, as filesystems do it that the kernel knows to fold.
//!
//! C header: [`include/linux/unicode.h`](srctree/include/linux/unicode.h)

use super::{
    sys,
    Inode,
    Mount, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::prelude::*;

/// Room for any folded name.
const ROOM: usize = 1024;

/// How a filesystem folds names (`s_encoding`).
#[derive(Clone, Copy)]
pub(crate) struct Encoding<'a> {
    /// The tables.
    map: NonNull<sys::unicode_map>,
    /// They belong to a superblock.
    _life: PhantomData<&'a sys::unicode_map>,
}

impl<'a> Encoding<'a> {
    /// Wraps what a helper returned.
    ///
    /// # Safety
    ///
    /// `map` is null or valid for `'a`.
    unsafe fn from_raw(map: *mut sys::unicode_map) -> Option<Self> {
        NonNull::new(map).map(|map| Self {
            map,
            _life: PhantomData,
        })
    }

    /// `utf8_casefold`: the folded form of a name; `None` for one that is not well-formed, which is
    /// compared by its bytes. May sleep.
    pub(crate) fn fold(self, name: &[u8]) -> Result<Option<KVec<u8>>> {
        let mut folded = KVec::from_elem(0, ROOM, GFP_KERNEL)?;
        // SAFETY: The tables are valid, the name and the room have the lengths that are given.
        let len = unsafe {
            sys::switchfs_helper_casefold(
                self.map.as_ptr(),
                name.as_ptr(),
                // CAST: Names are shorter than 4 GiB.
                name.len() as u32,
                folded.as_mut_ptr(),
                ROOM,
            )
        };
        match usize::try_from(len) {
            Ok(len) if len > 0 => {
                folded.truncate(len);
                Ok(Some(folded))
            }
            _ => Ok(None),
        }
    }
}

impl Inode {
    /// How names in this directory are folded, if they are.
    pub(crate) fn encoding(&self) -> Option<Encoding<'_>> {
        // SAFETY: The inode is valid.
        let map = unsafe { sys::switchfs_helper_dir_encoding(self.as_raw()) };
        // SAFETY: The inode pins its superblock, whose tables they are.
        unsafe { Encoding::from_raw(map) }
    }
}

impl Mount {
    /// How directories of the filesystem fold names that do.
    pub(crate) fn encoding(&self) -> Option<Encoding<'_>> {
        // SAFETY: The mount is valid.
        let map = unsafe { sys::switchfs_helper_mnt_encoding(self.as_raw()) };
        // SAFETY: The mount pins its superblock, whose tables they are.
        unsafe { Encoding::from_raw(map) }
    }
}
