// SPDX-License-Identifier: GPL-2.0-only

//! `struct dentry_operations`.
//!
//! C header: [`include/linux/dcache.h`](srctree/include/linux/dcache.h)

use super::{
    file_type::{
        FileSystem,
        Fs, //
    },
    sys,
    watched,
    FileType,
    Name,
    SwitchDentry,
    SwitchInode,
    Tag, //
};
use kernel::{
    error::from_result,
    prelude::*, //
};

/// Nothing is cached of ACLs above the branch (`ACL_DONT_CACHE`).
pub(super) const ACL_DONT_CACHE: *mut sys::posix_acl =
    core::ptr::without_provenance_mut(usize::MAX - 2);

/// What a name is looked up for (`LOOKUP_*`).
#[derive(Clone, Copy)]
pub(crate) struct LookupFlags(pub(super) u32);

impl LookupFlags {
    /// Nothing in particular.
    pub(crate) const NONE: LookupFlags = LookupFlags(0);

    /// Whether the walk is under RCU: nothing may sleep, ECHILD leaves it.
    pub(crate) fn in_rcu(self) -> bool {
        self.0 & sys::LOOKUP_RCU != 0
    }

    /// Whether something is to be made at the name, or moved to it.
    pub(crate) fn makes(self) -> bool {
        self.0 & (sys::LOOKUP_CREATE | sys::LOOKUP_RENAME_TARGET) != 0
    }

    /// Whether a file is to be made at the name, and opened.
    pub(crate) fn makes_to_open(self) -> bool {
        let both = sys::LOOKUP_CREATE | sys::LOOKUP_OPEN;
        self.0 & both == both
    }

    /// The same as in RCU walk.
    fn rcu(self) -> Self {
        Self(self.0 | sys::LOOKUP_RCU)
    }
}

/// A cached name that the VFS is about to use. Passed on by value, so that on the warm path it stays in
/// registers.
#[derive(Clone, Copy)]
pub(crate) struct Revalidate<'a> {
    /// The directory as it was when the name was found in it.
    pub(crate) dir: &'a SwitchInode,
    /// The name, stable for the call.
    pub(crate) name: Name<'a>,
    /// The cached dentry.
    pub(crate) dentry: &'a SwitchDentry,
    /// What for.
    pub(crate) flags: LookupFlags,
}

impl<'a> Revalidate<'a> {
    /// Put together from its parts, which fit into registers where the whole would not.
    pub(crate) fn new(
        dir: &'a SwitchInode,
        name: Name<'a>,
        dentry: &'a SwitchDentry,
        flags: LookupFlags,
    ) -> Self {
        Self {
            dir,
            name,
            dentry,
            flags,
        }
    }

    /// The same as in RCU walk.
    pub(crate) fn rcu(self) -> Self {
        Self {
            flags: self.flags.rcu(),
            ..self
        }
    }

    /// Whether the walk is under RCU: nothing may sleep, ECHILD leaves it.
    pub(crate) fn in_rcu(&self) -> bool {
        self.flags.in_rcu()
    }
}

/// The operations on a name.
#[vtable]
pub(crate) trait DentryOps {
    /// Whether it is plain that `dentry` still holds, for everybody; what it is not is asked of
    /// [`DentryOps::revalidate`]. In RCU walk.
    fn is_plain(dentry: &SwitchDentry) -> bool;

    /// `d_revalidate`: whether a cached name still holds. An error refuses the name to this caller.
    ///
    /// # Context
    ///
    /// RCU walk when [`Revalidate::in_rcu`]; else may sleep.
    fn revalidate(name: Revalidate<'_>) -> Result<bool>;

    /// `d_weak_revalidate`: whether the caller may use a name to which no lookup led. May sleep.
    fn check(dentry: &SwitchDentry) -> Result;

    /// The same while somebody watches.
    fn revalidate_watched(name: Revalidate<'_>) -> Result<bool>;
}

/// The filesystem's implementation.
type Ops = <Fs as FileSystem>::Dentry;

/// `d_revalidate`.
///
/// # Safety
///
/// Called by the VFS with a directory and a dentry of switchfs.
unsafe extern "C" fn revalidate_callback(
    dir: *mut sys::inode,
    name: *const sys::qstr,
    dentry: *mut sys::dentry,
    flags: c_uint,
) -> c_int {
    if watched() {
        // First of all, so that it is a jump.
        // SAFETY: By the contract.
        return unsafe { watched_revalidate(dir, name, dentry, flags) };
    }
    // SAFETY: By the contract.
    if LookupFlags(flags).in_rcu() && Ops::is_plain(unsafe { SwitchDentry::from_raw(dentry) }) {
        return 1;
    }
    // SAFETY: By the contract.
    unsafe { full_revalidate(dir, name, dentry, flags) }
}

/// The same when it is not plain; by itself, so that nothing has to be saved before that is known.
///
/// # Safety
///
/// As for [`revalidate_callback`].
#[inline(never)]
unsafe extern "C" fn full_revalidate(
    dir: *mut sys::inode,
    name: *const sys::qstr,
    dentry: *mut sys::dentry,
    flags: c_uint,
) -> c_int {
    // SAFETY: By the contract.
    let revalidate = unsafe { revalidate_of(dir, name, dentry, flags) };
    from_result(|| Ops::revalidate(revalidate).map(c_int::from))
}

/// The same while somebody watches.
///
/// # Safety
///
/// As for [`revalidate_callback`].
#[cold]
#[inline(never)]
unsafe extern "C" fn watched_revalidate(
    dir: *mut sys::inode,
    name: *const sys::qstr,
    dentry: *mut sys::dentry,
    flags: c_uint,
) -> c_int {
    // SAFETY: By the contract.
    let revalidate = unsafe { revalidate_of(dir, name, dentry, flags) };
    from_result(|| Ops::revalidate_watched(revalidate).map(c_int::from))
}

/// What `d_revalidate` is called with.
///
/// # Safety
///
/// As for [`revalidate_callback`], for `'a`.
#[inline(always)]
unsafe fn revalidate_of<'a>(
    dir: *mut sys::inode,
    name: *const sys::qstr,
    dentry: *mut sys::dentry,
    flags: c_uint,
) -> Revalidate<'a> {
    // SAFETY: By the contract; the VFS passes a stable name.
    let name = unsafe { Name::from_qstr(name) };
    Revalidate {
        // SAFETY: By the contract.
        dir: unsafe { SwitchInode::from_raw(dir) },
        name,
        // SAFETY: By the contract.
        dentry: unsafe { SwitchDentry::from_raw(dentry) },
        flags: LookupFlags(flags),
    }
}

/// `d_weak_revalidate`.
///
/// # Safety
///
/// Called by the VFS with a positive dentry of switchfs.
unsafe extern "C" fn weak_revalidate_callback(dentry: *mut sys::dentry, _flags: c_uint) -> c_int {
    // SAFETY: By the contract.
    let dentry = unsafe { SwitchDentry::from_raw(dentry) };
    from_result(|| <Fs as FileSystem>::Dentry::check(dentry).map(|()| 1))
}

/// `d_init`: a name has no tag before it is looked up or made, and a root, or what is found by its
/// handle, never is. The VFS leaves `d_time` as the memory was, which may have held another tag.
///
/// # Safety
///
/// Called by the VFS with a new dentry of switchfs, which nobody else has.
unsafe extern "C" fn init_callback(dentry: *mut sys::dentry) -> c_int {
    // SAFETY: By the contract; what tells a name from others is set.
    unsafe { SwitchDentry::from_raw(dentry) }.set_tag(Tag::NONE);
    0
}

/// `d_release`.
///
/// # Safety
///
/// Called by the VFS once, with a dentry of switchfs.
unsafe extern "C" fn release_callback(dentry: *mut sys::dentry) {
    // SAFETY: By the contract.
    let dentry = unsafe { SwitchDentry::from_raw(dentry) };
    // SAFETY: By the contract.
    unsafe { dentry.release_real() };
}

/// `d_real`: the branch's dentry of a regular file, also below further stacked filesystems. That
/// there is such an operation makes overlayfs refuse switchfs as its upper layer.
///
/// # Safety
///
/// Called by the VFS with a positive dentry of switchfs.
unsafe extern "C" fn real_callback(
    dentry: *mut sys::dentry,
    kind: sys::d_real_type,
) -> *mut sys::dentry {
    // SAFETY: By the contract.
    let switch = unsafe { SwitchDentry::from_raw(dentry) };
    let Some(inode) = switch.inode() else {
        return dentry;
    };
    match (inode.file_type(), inode.real()) {
        (FileType::Regular, Some(real)) => {
            let real = real.as_raw();
            // SAFETY: The inode pins the branch's dentry.
            let op = unsafe { (*real).d_op };
            if op.is_null() {
                return real;
            }
            // SAFETY: Not null, and never changes once the dentry is published.
            match unsafe { (*op).d_real } {
                // SAFETY: As `d_real` of the VFS calls it.
                Some(d_real) => unsafe { d_real(real, kind) },
                None => real,
            }
        }
        _ => dentry,
    }
}

/// The table of names.
const OPERATIONS: sys::dentry_operations = sys::dentry_operations {
    d_init: Some(init_callback),
    d_revalidate: Some(revalidate_callback),
    d_weak_revalidate: Some(weak_revalidate_callback),
    d_release: Some(release_callback),
    d_real: Some(real_callback),
    // Names hash and compare by bytes, and nothing is mounted by a lookup.
    ..pin_init::zeroed()
};

/// The table of names.
pub(super) fn dentry_operations() -> *const sys::dentry_operations {
    const { &OPERATIONS }
}
