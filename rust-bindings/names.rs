// SPDX-License-Identifier: GPL-2.0-only

//! Names in a branch's directories: looking up and removing.
//!
//! C header: [`include/linux/namei.h`](srctree/include/linux/namei.h)

use super::{
    delegation::ask_back,
    sys,
    Dentry,
    Id,
    Name,
    RealPath, //
};
use kernel::{
    prelude::*,
    sync::aref::ARef, //
};

/// Finds `name` in the directory `dir` under the current credentials (`lookup_one_unlocked`): a
/// positive or a negative dentry. The branch's lock must not be held. May sleep.
pub(crate) fn lookup_one(dir: RealPath<'_>, name: Name<'_>) -> Result<ARef<Dentry>> {
    let mut qstr = name.to_qstr();
    // SAFETY: Mapping, name and directory are valid.
    let dentry = sys::from_err_ptr(unsafe {
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

/// `start_removing`: locks the directory and looks the name up.
fn start(dir: RealPath<'_>, name: Name<'_>) -> Result<*mut sys::dentry> {
    let mut qstr = name.to_qstr();
    // SAFETY: Mapping, name and directory are valid.
    sys::from_err_ptr(unsafe {
        sys::start_removing(
            dir.mount().idmap().as_raw(),
            dir.dentry().as_raw(),
            &raw mut qstr,
        )
    })
}

/// `start_creating_dentry` or `start_removing_dentry`: locks the directory `dir` if `known` still is
/// `name` in it, and it is not for a server to confirm. May sleep.
pub(super) fn start_known(
    start: unsafe extern "C" fn(*mut sys::dentry, *mut sys::dentry) -> *mut sys::dentry,
    dir: RealPath<'_>,
    name: Name<'_>,
    known: &Dentry,
) -> Option<*mut sys::dentry> {
    if known.needs_revalidate() {
        return None;
    }
    // SAFETY: Both are valid; the function checks that the one is in the other.
    let dentry = unsafe { start(dir.dentry().as_raw(), known.as_raw()) };
    let dentry = sys::from_err_ptr(dentry).ok()?;
    // Of the directory, which is locked, no name changes.
    if known.is_at(dir.dentry(), name) {
        return Some(dentry);
    }
    // SAFETY: Began above; unlocks the directory and drops the dentry.
    unsafe { sys::end_dirop(dentry) };
    None
}

/// Removes `name` from the directory `dir` under the current credentials; the caller has write
/// access to the mount; `known` is what the name was found as. ESTALE when the name is not the object
/// `expected`. May sleep.
pub(crate) fn remove(
    dir: RealPath<'_>,
    name: Name<'_>,
    known: Option<&Dentry>,
    kind: RemoveKind,
    expected: Option<Id>,
) -> Result {
    ask_back(|delegated| try_remove(dir, name, known, kind, expected, delegated))
}

/// The same if no delegation is in its way.
#[inline]
fn try_remove(
    dir: RealPath<'_>,
    name: Name<'_>,
    known: Option<&Dentry>,
    kind: RemoveKind,
    expected: Option<Id>,
    delegated: *mut sys::delegated_inode,
) -> Result {
    let idmap = dir.mount().idmap().as_raw();
    let parent = dir.inode()?.as_raw();
    let known = known.and_then(|known| start_known(sys::start_removing_dentry, dir, name, known));
    let dentry = match known {
        Some(dentry) => dentry,
        None => start(dir, name)?,
    };
    // SAFETY: The functions return a positive dentry, the directory locked.
    let victim = unsafe { Dentry::from_raw(dentry) };
    let found = victim.inode().map(super::Inode::id);
    let result = if expected.is_some() && found != expected {
        Err(crate::error::estale())
    } else {
        sys::to_result(match kind {
            // SAFETY: The directory is locked, the dentry is in it; the delegated inode is the caller's.
            RemoveKind::File => unsafe { sys::vfs_unlink(idmap, parent, dentry, delegated) },
            // SAFETY: As above.
            RemoveKind::Dir => unsafe { sys::vfs_rmdir(idmap, parent, dentry, delegated) },
        })
    };
    // SAFETY: Began above; unlocks the directory and drops the dentry.
    unsafe { sys::end_dirop(dentry) };
    result
}
