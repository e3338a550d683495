// SPDX-License-Identifier: GPL-2.0-only

//! New objects in a branch's directories.
//!
//! C header: [`include/linux/namei.h`](srctree/include/linux/namei.h)

use super::{
    delegation::ask_back,
    names::start_known,
    sys,
    Dentry,
    Name,
    Object,
    RealPath, //
};
use kernel::{
    prelude::*,
    str::CStr,
    sync::aref::ARef, //
};

/// What is made.
#[derive(Clone, Copy)]
pub(crate) enum CreateKind<'a> {
    /// A regular file.
    Regular,
    /// A directory.
    Dir,
    /// A device, FIFO or socket, as the mode says, with its device number.
    Node(u32),
    /// A symbolic link to this target.
    Symlink(&'a CStr),
    /// One more name of this object of the same branch.
    Link(&'a Dentry),
}

impl CreateKind<'_> {
    /// `mode` with the type of the object, by which security modules tell.
    pub(crate) fn mode(self, mode: u16) -> u16 {
        // CAST: Types are the upper bits of 16.
        match self {
            Self::Dir => mode | sys::S_IFDIR as u16,
            Self::Symlink(_) => mode | sys::S_IFLNK as u16,
            Self::Regular => mode | sys::S_IFREG as u16,
            Self::Node(_) | Self::Link(_) => mode,
        }
    }
}

/// Makes `name` in the directory `dir` under the current credentials; the caller has write access
/// to the mount, and the branch's lock is not held. The new object's dentry is hashed and positive.
///
/// `known` is what the name was found as; it is returned if it is the new object's dentry. ESTALE when
/// the name exists, though the caller found that it does not. May sleep.
pub(crate) fn create_in<'a>(
    dir: RealPath<'_>,
    name: Name<'_>,
    known: Option<&'a Dentry>,
    kind: CreateKind<'_>,
    mode: u16,
) -> Result<Object<'a>> {
    let dentry = ask_back(|delegated| {
        let started =
            known.and_then(|known| start_known(sys::start_creating_dentry, dir, name, known));
        let dentry = match started {
            Some(dentry) => dentry,
            None => start(dir, name)?,
        };
        // SAFETY: `start` returns a valid dentry.
        if unsafe { Dentry::from_raw(dentry) }.inode().is_some() {
            end(dentry);
            return Err(crate::error::estale());
        }
        make(dir, dentry, kind, mode, delegated)
    })?;
    // SAFETY: `make` returns the dentry that the directory is locked for.
    let made = unsafe { Dentry::from_raw(dentry) };
    let Some(inode) = made.inode() else {
        end(dentry);
        return Err(EIO);
    };
    if made.is_hashed() {
        return Ok(match known {
            Some(known) if core::ptr::eq(known, made) => {
                end(dentry);
                Object::Pinned(known)
            }
            _ => Object::Found(end_keep(dentry)),
        });
    }

    // Some filesystems leave the dentry unhashed: find the object by its name.
    let id = inode.id();
    let unhashed = end_keep(dentry);
    let dentry = start(dir, name)?;
    // SAFETY: As above.
    let found = unsafe { Dentry::from_raw(dentry) };
    let same = found.inode().map(super::Inode::id) == Some(id);
    drop(unhashed);
    if same {
        Ok(Object::Found(end_keep(dentry)))
    } else {
        end(dentry);
        Err(EIO)
    }
}

/// `start_creating`: locks the directory and looks the name up.
fn start(dir: RealPath<'_>, name: Name<'_>) -> Result<*mut sys::dentry> {
    let mut qstr = name.to_qstr();
    // SAFETY: Mapping, name and directory are valid.
    sys::from_err_ptr(unsafe {
        sys::start_creating(
            dir.mount().idmap().as_raw(),
            dir.dentry().as_raw(),
            &raw mut qstr,
        )
    })
}

/// `end_creating`: unlocks the directory and drops the dentry.
fn end(dentry: *mut sys::dentry) {
    // SAFETY: Called with what `start` or `make` returned.
    unsafe { sys::end_dirop(dentry) };
}

/// `end_creating_keep`: unlocks the directory and keeps the dentry.
fn end_keep(dentry: *mut sys::dentry) -> ARef<Dentry> {
    // SAFETY: Called with what `start` or `make` returned.
    let dentry = unsafe { sys::switchfs_helper_end_creating_keep(dentry) };
    // SAFETY: The function returns a reference.
    unsafe { Dentry::from_owned(dentry) }
}

/// Makes the object at the negative `dentry`. When it fails, the directory is unlocked.
fn make(
    dir: RealPath<'_>,
    dentry: *mut sys::dentry,
    kind: CreateKind<'_>,
    mode: u16,
    delegated: *mut sys::delegated_inode,
) -> Result<*mut sys::dentry> {
    let idmap = dir.mount().idmap().as_raw();
    let parent = match dir.inode() {
        Ok(inode) => inode.as_raw(),
        Err(e) => {
            end(dentry);
            return Err(e);
        }
    };
    if let CreateKind::Dir = kind {
        // On error it unlocks the directory by itself; on success it may return another dentry.
        // SAFETY: The directory is locked, the dentry is a negative one in it.
        return sys::from_err_ptr(unsafe {
            sys::vfs_mkdir(idmap, parent, dentry, mode, delegated)
        });
    }
    let ret = match kind {
        CreateKind::Regular | CreateKind::Dir => {
            // SAFETY: The directory is locked, the dentry is a negative one in it.
            unsafe { sys::vfs_create(idmap, dentry, mode, delegated) }
        }
        CreateKind::Node(dev) => {
            // SAFETY: As above.
            unsafe { sys::vfs_mknod(idmap, parent, dentry, mode, dev, delegated) }
        }
        CreateKind::Symlink(target) => {
            // SAFETY: As above; the target is NUL-terminated.
            unsafe { sys::vfs_symlink(idmap, parent, dentry, target.as_char_ptr(), delegated) }
        }
        CreateKind::Link(old) => {
            // SAFETY: As above; `old` is valid.
            unsafe { sys::vfs_link(old.as_raw(), idmap, parent, dentry, delegated) }
        }
    };
    match sys::to_result(ret) {
        Ok(()) => Ok(dentry),
        Err(e) => {
            end(dentry);
            Err(e)
        }
    }
}
