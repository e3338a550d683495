// SPDX-License-Identifier: GPL-2.0-only

//! Renaming within a branch.
//!
//! C header: [`include/linux/namei.h`](srctree/include/linux/namei.h)

use super::{
    delegation::ask_back,
    sys,
    Dentry,
    Id,
    Mount,
    Name,
    RenameFlags, //
};
use kernel::{
    prelude::*, //
};

/// One end of a rename.
pub(crate) struct RenameEnd<'a> {
    /// The branch's directory.
    pub(crate) dir: &'a Dentry,
    /// The name in it.
    pub(crate) name: Name<'a>,
    /// The object that the caller knows under this name; `None` when there is none.
    pub(crate) object: Option<Id>,
}

/// A rename within the branch `mount`.
pub(crate) struct Rename<'a> {
    /// The branch.
    pub(crate) mount: &'a Mount,
    /// What is renamed.
    pub(crate) old: RenameEnd<'a>,
    /// Where to.
    pub(crate) new: RenameEnd<'a>,
    /// How.
    pub(crate) flags: RenameFlags,
}

impl Rename<'_> {
    /// Does it under the current credentials; the caller has write access to the mount, and no lock
    /// of the branch. ESTALE when a name is not what the caller knows. May sleep.
    pub(crate) fn apply(&self) -> Result {
        ask_back(|delegated| self.try_apply(delegated))
    }

    /// The same if no delegation is in its way.
    #[inline]
    fn try_apply(&self, delegated: *mut sys::delegated_inode) -> Result {
        let mut rd = sys::renamedata {
            mnt_idmap: self.mount.idmap().as_raw(),
            old_parent: self.old.dir.as_raw(),
            new_parent: self.new.dir.as_raw(),
            delegated_inode: delegated.cast(),
            flags: self.flags.0,
            ..Default::default()
        };
        let mut old = self.old.name.to_qstr();
        let mut new = self.new.name.to_qstr();
        // SAFETY: Mapping, directories and names are valid.
        sys::to_result(unsafe { sys::start_renaming(&raw mut rd, 0, &raw mut old, &raw mut new) })?;
        let result = if Self::holds(rd.old_dentry, self.old.object)
            && Self::holds(rd.new_dentry, self.new.object)
        {
            // SAFETY: Both names are locked.
            sys::to_result(unsafe { sys::vfs_rename(&raw mut rd) })
        } else {
            Err(crate::error::estale())
        };
        // SAFETY: Began above; unlocks and drops everything.
        unsafe { sys::end_renaming(&raw mut rd) };
        result
    }

    /// Whether `dentry` is still the object that the caller knows.
    fn holds(dentry: *mut sys::dentry, object: Option<Id>) -> bool {
        // SAFETY: `start_renaming` filled the structure with valid dentries.
        let dentry = unsafe { Dentry::from_raw(dentry) };
        dentry.inode().map(super::Inode::id) == object
    }
}
