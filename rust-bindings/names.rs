// SPDX-License-Identifier: GPL-2.0-only

//! Names in a branch's directories: looking up and removing.
//!
//! C header: [`include/linux/namei.h`](srctree/include/linux/namei.h)

use super::{
    sys,
    Dentry,
    Id,
    Name,
    RealPath, //
};
use kernel::{
    error::from_err_ptr,
    prelude::*,
    sync::aref::ARef, //
};

/// Finds `name` in the directory `dir` under the current credentials (`lookup_one_unlocked`): a
/// positive or a negative dentry. The branch's lock must not be held. May sleep.
pub(crate) fn lookup_one(dir: RealPath<'_>, name: Name<'_>) -> Result<ARef<Dentry>> {
    let mut qstr = name.to_qstr();
    // SAFETY: Mapping, name and directory are valid.
    let dentry = from_err_ptr(unsafe {
        sys::lookup_one_unlocked(
            dir.mount().idmap().as_raw(),
            &raw mut qstr,
            dir.dentry().as_raw(),
        )
    })?;
    // SAFETY: The function returns a reference.
    Ok(unsafe { Dentry::from_owned(dentry) })
}

/// What is removed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RemoveKind {
    /// Anything but a directory.
    File,
    /// An empty directory.
    Dir,
}

/// Removes `name` from the directory `dir` under the current credentials; the caller has write
/// access to the mount. ESTALE when the name is not the object `expected`. May sleep.
pub(crate) fn remove(
    dir: RealPath<'_>,
    name: Name<'_>,
    kind: RemoveKind,
    expected: Option<Id>,
) -> Result {
    let idmap = dir.mount().idmap().as_raw();
    let parent = dir.inode()?.as_raw();
    let mut qstr = name.to_qstr();
    let base = dir.dentry().as_raw();
    // SAFETY: Mapping, name and directory are valid.
    let dentry = from_err_ptr(unsafe { sys::start_removing(idmap, base, &raw mut qstr) })?;
    // SAFETY: The function returns a positive dentry, the directory locked.
    let victim = unsafe { Dentry::from_raw(dentry) };
    let found = victim.inode().map(super::Inode::id);
    let result = if expected.is_some() && found != expected {
        Err(crate::error::estale())
    } else {
        let none = core::ptr::null_mut();
        sys::to_result(match kind {
            // SAFETY: The directory is locked, the dentry is in it; no delegated inode is wanted.
            RemoveKind::File => unsafe { sys::vfs_unlink(idmap, parent, dentry, none) },
            // SAFETY: As above.
            RemoveKind::Dir => unsafe { sys::vfs_rmdir(idmap, parent, dentry, none) },
        })
    };
    // SAFETY: Began above; unlocks the directory and drops the dentry.
    unsafe { sys::end_dirop(dentry) };
    result
}
