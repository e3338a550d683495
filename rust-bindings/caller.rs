// SPDX-License-Identifier: GPL-2.0-only

//! Who calls: the current task, or the one that opened a file.
//!
//! C headers: [`include/linux/cred.h`](srctree/include/linux/cred.h),
//! [`include/linux/cgroup.h`](srctree/include/linux/cgroup.h)

use super::{
    dir_file::DirFile,
    sys, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull,
    sync::atomic::AtomicU64, //
};
use kernel::{
    prelude::*,
    types::NotThreadSafe, //
};

/// The task that calls, as rules look at it. May be used in RCU walk.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    /// Its credentials.
    cred: *const sys::cred,
    /// Its control group, if that was kept; else the current task's counts.
    cgroup: Option<&'a Cgroup>,
    /// The credentials outlive the value.
    _life: PhantomData<&'a ()>,
    /// They may be the current task's.
    _task: NotThreadSafe,
}

impl<'a> Caller<'a> {
    /// Calls `f` with the current task under the credentials that it has now.
    pub(crate) fn with_current<R>(f: impl FnOnce(Caller<'_>) -> R) -> R {
        f(Caller {
            // SAFETY: Only reads a field of the current task; whoever overrides the credentials
            // meanwhile keeps these.
            cred: unsafe { sys::switchfs_helper_current_cred() },
            cgroup: None,
            _life: PhantomData,
            _task: NotThreadSafe,
        })
    }

    /// The task that opened `file`, if it was in `cgroup`.
    pub(crate) fn opener_of_dir(file: &'a DirFile, cgroup: Option<&'a Cgroup>) -> Self {
        Self {
            // SAFETY: The file is valid; `f_cred` never changes.
            cred: unsafe { (*file.as_raw()).f_cred },
            cgroup,
            _life: PhantomData,
            _task: NotThreadSafe,
        }
    }

    /// The fsuid, as the initial user namespace has it.
    pub(crate) fn uid(&self) -> u32 {
        // SAFETY: The credentials are valid.
        unsafe { (*self.cred).fsuid.val }
    }

    /// The fsgid, in the same way.
    pub(crate) fn gid(&self) -> u32 {
        // SAFETY: The credentials are valid.
        unsafe { (*self.cred).fsgid.val }
    }

    /// Whether the fsgid or a supplementary group is one of `first` to `last`, in the same way.
    pub(crate) fn in_groups(&self, first: u32, last: u32) -> bool {
        // SAFETY: The credentials are valid.
        unsafe { sys::switchfs_helper_in_groups(self.cred, first, last) }
    }

    /// Whether the control group is the one at `path` or below it.
    pub(crate) fn in_cgroup(&self, path: &CgroupPath) -> bool {
        let cgroup = self
            .cgroup
            .map_or(core::ptr::null_mut(), |cgroup| cgroup.0.as_ptr());
        // SAFETY: The group is null or referenced; the path has the length that is given, and the
        // numbers are only used by this function.
        unsafe {
            sys::switchfs_helper_in_cgroup(
                cgroup,
                path.path.as_ptr().cast(),
                path.path.len(),
                path.level,
                path.known.as_ptr(),
                path.other.as_ptr(),
            )
        }
    }
}

/// A place in the hierarchy of control groups (version 2), by its path from the initial root. There
/// need not be a group now.
pub(crate) struct CgroupPath {
    /// The names, each led by a slash.
    path: KVec<u8>,
    /// How many there are.
    level: i32,
    /// The number of the group that was there last; groups never get a number again.
    known: AtomicU64,
    /// The number of the last one at this depth that was not there.
    other: AtomicU64,
}

impl CgroupPath {
    /// The place `path`, which is absolute and has no slash at its end but for the root's.
    pub(crate) fn new(path: &[u8]) -> Result<Self> {
        let path = path.strip_suffix(b"/").unwrap_or(path);
        let level = path.iter().filter(|byte| **byte == b'/').count();
        let mut own = KVec::new();
        own.extend_from_slice(path, GFP_KERNEL)?;
        Ok(Self {
            path: own,
            level: i32::try_from(level).map_err(|_| EINVAL)?,
            known: AtomicU64::new(0),
            other: AtomicU64::new(0),
        })
    }
}

/// A control group.
///
/// # Invariants
///
/// The pointer owns one reference.
pub(crate) struct Cgroup(NonNull<sys::cgroup>);

// SAFETY: References are counted atomically.
unsafe impl Send for Cgroup {}
// SAFETY: As for `Send`.
unsafe impl Sync for Cgroup {}

impl Cgroup {
    /// The current task's; none where the kernel has no control groups.
    pub(crate) fn current() -> Option<Self> {
        // SAFETY: Only looks at the current task.
        let cgroup = unsafe { sys::switchfs_helper_cgroup_get() };
        // INVARIANT: The helper returns a new reference.
        NonNull::new(cgroup).map(Self)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // SAFETY: By the invariant one reference is owned.
        unsafe { sys::switchfs_helper_cgroup_put(self.0.as_ptr()) };
    }
}
