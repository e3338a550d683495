// SPDX-License-Identifier: GPL-2.0-only

//! POSIX access control lists.
//!
//! C header: [`include/linux/posix_acl.h`](srctree/include/linux/posix_acl.h)

use super::{
    file_type::{
        FileSystem,
        Fs, //
    },
    sys,
    Idmap,
    Inode,
    RealPath,
    SwitchDentry,
    SwitchInode, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    error::{
        from_err_ptr,
        from_result, //
    },
    prelude::*,
    str::CStr, //
};

/// Which of an object's lists.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum AclKind {
    /// The one that permission checks use.
    Access,
    /// The one that new objects in a directory inherit.
    Default,
}

impl AclKind {
    /// From `ACL_TYPE_*`.
    fn from_raw(kind: c_int) -> Self {
        if kind == sys::ACL_TYPE_DEFAULT as c_int {
            Self::Default
        } else {
            Self::Access
        }
    }

    /// `ACL_TYPE_*`.
    fn as_raw(self) -> c_int {
        match self {
            Self::Access => sys::ACL_TYPE_ACCESS as c_int,
            Self::Default => sys::ACL_TYPE_DEFAULT as c_int,
        }
    }

    /// The name of the extended attribute that holds it.
    fn name(self) -> &'static CStr {
        match self {
            Self::Access => c"system.posix_acl_access",
            Self::Default => c"system.posix_acl_default",
        }
    }
}

/// A list that nobody changes.
///
/// # Invariants
///
/// The pointer is valid and owns one reference.
pub(crate) struct Acl(NonNull<sys::posix_acl>);

impl Acl {
    /// Takes over what a C function returned.
    ///
    /// # Safety
    ///
    /// `acl` is null, an errno, or a list with a reference, which the caller gives up.
    unsafe fn from_raw(acl: *mut sys::posix_acl) -> Result<Option<Self>> {
        // INVARIANT: By the contract.
        from_err_ptr(acl).map(|acl| NonNull::new(acl).map(Self))
    }

    /// Takes over the list `acl` of `path`, with the ids that this mount shows.
    ///
    /// # Safety
    ///
    /// As for [`Acl::from_raw`].
    unsafe fn of_branch(acl: *mut sys::posix_acl, path: &RealPath<'_>) -> Result<Option<Self>> {
        let real = path.inode()?.as_raw();
        let idmap = path.mount().idmap().as_raw();
        // SAFETY: By the contract; inode and mapping are valid.
        let acl = unsafe { sys::switchfs_helper_acl_map(acl, real, idmap) };
        // SAFETY: The helper returns such a pointer.
        unsafe { Self::from_raw(acl) }
    }

    /// A copy that may be changed while it is set somewhere.
    pub(crate) fn copy(&self) -> Result<Self> {
        // SAFETY: By the type invariant.
        let copy = unsafe { sys::switchfs_helper_acl_copy(self.0.as_ptr()) };
        // INVARIANT: The clone has a reference of its own.
        NonNull::new(copy).map(Self).ok_or(ENOMEM)
    }

    /// The list to be set. No one else may use it, since ids may be mapped in place: see
    /// [`Acl::copy`].
    pub(crate) fn for_setting(&mut self) -> NewAcl<'_> {
        NewAcl(self.0, PhantomData)
    }

    /// Gives the reference to the VFS.
    fn into_raw(this: Option<Self>) -> *mut sys::posix_acl {
        this.map_or(core::ptr::null_mut(), |acl| {
            core::mem::ManuallyDrop::new(acl).0.as_ptr()
        })
    }
}

impl Drop for Acl {
    fn drop(&mut self) {
        // SAFETY: By the type invariant one reference is owned.
        unsafe { sys::switchfs_helper_acl_release(self.0.as_ptr()) };
    }
}

/// A list to be set, which the callee may change.
pub(crate) struct NewAcl<'a>(NonNull<sys::posix_acl>, PhantomData<&'a mut ()>);

/// A cached list, or that there is none, within an RCU read-side critical section.
pub(crate) struct CachedAcl<'a>(*mut sys::posix_acl, PhantomData<&'a ()>);

impl<'a> CachedAcl<'a> {
    /// The list that a branch's inode has cached; ECHILD when it has to be read. In RCU walk.
    pub(crate) fn of(real: &'a Inode, kind: AclKind) -> Result<Self> {
        // SAFETY: The inode is valid within the RCU read-side critical section of the walk.
        let acl = unsafe { sys::get_cached_acl_rcu(real.as_raw(), kind.as_raw()) };
        // What is not cached looks like an errno.
        let acl = from_err_ptr(acl).map_err(|_| ECHILD)?;
        Ok(Self(acl, PhantomData))
    }
}

/// The operations on lists, of everything but symbolic links.
#[vtable]
pub(crate) trait AclOps {
    /// `get_inode_acl`, as permission checks call it. May sleep.
    fn get_inode(inode: &SwitchInode, kind: AclKind) -> Result<Option<Acl>>;

    /// `get_inode_acl` in RCU walk.
    fn get_inode_rcu(inode: &SwitchInode, kind: AclKind) -> Result<CachedAcl<'_>>;

    /// `get_acl`, for a caller who wants to see the list. May sleep.
    fn get(dentry: &SwitchDentry, kind: AclKind) -> Result<Option<Acl>>;

    /// `set_acl`: sets or removes a list; the VFS holds the inode's lock. May sleep.
    fn set(
        idmap: Idmap<'_>,
        dentry: &SwitchDentry,
        acl: Option<NewAcl<'_>>,
        kind: AclKind,
    ) -> Result;
}

impl RealPath<'_> {
    /// The list that permission checks use (`get_inode_acl`). May sleep.
    pub(crate) fn inode_acl(&self, kind: AclKind) -> Result<Option<Acl>> {
        // SAFETY: The inode is valid.
        let acl = unsafe { sys::get_inode_acl(self.inode()?.as_raw(), kind.as_raw()) };
        // SAFETY: The function returns a reference, null or an errno.
        unsafe { Acl::of_branch(acl, self) }
    }

    /// `vfs_get_acl`: ENODATA when there is no list, EOPNOTSUPP when there can be none. May sleep.
    pub(crate) fn get_acl(&self, kind: AclKind) -> Result<Option<Acl>> {
        // SAFETY: Mapping, dentry and name are valid.
        let acl = unsafe {
            sys::vfs_get_acl(
                self.mount().idmap().as_raw(),
                self.dentry().as_raw(),
                kind.name().as_char_ptr(),
            )
        };
        // SAFETY: The function returns a reference, null or an errno.
        unsafe { Acl::of_branch(acl, self) }
    }

    /// Whether the object can have lists.
    pub(crate) fn takes_acls(&self) -> Result<bool> {
        // SAFETY: The inode is valid.
        Ok(unsafe { sys::switchfs_helper_takes_acls(self.inode()?.as_raw()) })
    }

    /// `vfs_set_acl`. The caller has write access to the mount, and the branch's lock is not held.
    /// May sleep.
    pub(crate) fn set_acl(&self, kind: AclKind, acl: NewAcl<'_>) -> Result {
        // SAFETY: Mapping, dentry and name are valid, and the list is the caller's alone.
        sys::to_result(unsafe {
            sys::vfs_set_acl(
                self.mount().idmap().as_raw(),
                self.dentry().as_raw(),
                kind.name().as_char_ptr(),
                acl.0.as_ptr(),
            )
        })
    }

    /// `vfs_remove_acl`, as [`RealPath::set_acl`].
    pub(crate) fn remove_acl(&self, kind: AclKind) -> Result {
        // SAFETY: Mapping, dentry and name are valid.
        sys::to_result(unsafe {
            sys::vfs_remove_acl(
                self.mount().idmap().as_raw(),
                self.dentry().as_raw(),
                kind.name().as_char_ptr(),
            )
        })
    }
}

impl SwitchInode {
    /// EPERM unless the caller owns the object or may act as its owner.
    pub(crate) fn check_owner(&self, idmap: Idmap<'_>) -> Result {
        // SAFETY: Mapping and inode are valid.
        if unsafe { sys::inode_owner_or_capable(idmap.as_raw(), self.as_raw()) } {
            Ok(())
        } else {
            Err(EPERM)
        }
    }

    /// Whether a new access list takes the set-group-ID bit away, as `posix_acl_update_mode` has it.
    pub(crate) fn acl_clears_setgid(&self, idmap: Idmap<'_>) -> bool {
        // SAFETY: Mapping and inode are valid.
        unsafe { sys::switchfs_helper_acl_clears_setgid(idmap.as_raw(), self.as_raw()) }
    }
}

/// The filesystem's implementation.
type Ops = <Fs as FileSystem>::Acl;

/// `get_inode_acl`.
///
/// # Safety
///
/// Called by the VFS with an inode of switchfs.
pub(super) unsafe extern "C" fn get_inode_acl_callback(
    inode: *mut sys::inode,
    kind: c_int,
    rcu: bool,
) -> *mut sys::posix_acl {
    // SAFETY: By the contract.
    let inode = unsafe { SwitchInode::from_raw(inode) };
    let kind = AclKind::from_raw(kind);
    let acl = if rcu {
        Ops::get_inode_rcu(inode, kind).map(|acl| acl.0)
    } else {
        Ops::get_inode(inode, kind).map(Acl::into_raw)
    };
    acl.unwrap_or_else(|e| e.to_ptr())
}

/// `get_acl`.
///
/// # Safety
///
/// Called by the VFS with a positive dentry of switchfs.
pub(super) unsafe extern "C" fn get_acl_callback(
    _idmap: *mut sys::mnt_idmap,
    dentry: *mut sys::dentry,
    kind: c_int,
) -> *mut sys::posix_acl {
    // SAFETY: By the contract.
    let dentry = unsafe { SwitchDentry::from_raw(dentry) };
    let acl = Ops::get(dentry, AclKind::from_raw(kind));
    acl.map(Acl::into_raw).unwrap_or_else(|e| e.to_ptr())
}

/// `set_acl`.
///
/// # Safety
///
/// Called by the VFS with a positive dentry of switchfs, its inode locked, and a list of its own or
/// none.
pub(super) unsafe extern "C" fn set_acl_callback(
    idmap: *mut sys::mnt_idmap,
    dentry: *mut sys::dentry,
    acl: *mut sys::posix_acl,
    kind: c_int,
) -> c_int {
    // SAFETY: By the contract.
    let idmap = unsafe { Idmap::from_raw(idmap) };
    // SAFETY: By the contract.
    let dentry = unsafe { SwitchDentry::from_raw(dentry) };
    let acl = NonNull::new(acl).map(|acl| NewAcl(acl, PhantomData));
    from_result(|| Ops::set(idmap, dentry, acl, AclKind::from_raw(kind)).map(|()| 0))
}
