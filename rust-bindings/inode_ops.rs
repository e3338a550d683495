// SPDX-License-Identifier: GPL-2.0-only

//! `struct inode_operations` of objects of any type.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h)

use super::{
    acl,
    file_type::{
        FileSystem,
        Fs, //
    },
    fileattr,
    sys,
    xattr,
    Dentry,
    IAttr,
    Idmap,
    Stat,
    StatQuery,
    SwitchDentry,
    SwitchInode, //
};
use core::marker::PhantomData;
use kernel::{
    error::{
        from_err_ptr,
        from_result, //
    },
    prelude::*, //
};

/// The target of a symbolic link, to be read by the VFS until the delayed call it came with.
pub(crate) struct LinkTarget<'a>(*const c_char, PhantomData<&'a ()>);

/// Where a branch leaves what is to be done when a link's target has been read.
pub(crate) struct DelayedCall<'a>(*mut sys::delayed_call, PhantomData<&'a ()>);

impl<'a> DelayedCall<'a> {
    /// `vfs_get_link`: the target of a branch's link. May sleep.
    pub(crate) fn get_link(self, real: &Dentry) -> Result<LinkTarget<'a>> {
        // SAFETY: The dentry is valid, the call is the VFS's own.
        let target = unsafe { sys::vfs_get_link(real.as_raw(), self.0) };
        from_err_ptr(target.cast_mut()).map(|t| LinkTarget(t, PhantomData))
    }
}

impl Dentry {
    /// Reads the target of a branch's link for the sake of reading it. May sleep.
    pub(crate) fn read_link(&self) -> Result {
        let mut done = sys::delayed_call::default();
        DelayedCall(&raw mut done, PhantomData).get_link(self)?;
        if let Some(call) = done.fn_ {
            // SAFETY: As `do_delayed_call`: the branch left it for the end of the use.
            unsafe { call(done.arg) };
        }
        Ok(())
    }
}

/// What a caller wants to do with an object (`MAY_*`).
#[derive(Clone, Copy)]
pub(crate) struct Access(pub(super) i32);

impl Access {
    /// To use it as a directory in a path, or to execute it.
    pub(crate) const EXEC: Access = Access(sys::MAY_EXEC as i32);

    /// To change it, asked for by itself, so that also a server is asked.
    pub(crate) const CHANGE: Access = Access((sys::MAY_WRITE | sys::MAY_ACCESS) as i32);
    /// To change the names in a directory, asked for in the same way.
    pub(crate) const CHANGE_NAMES: Access =
        Access((sys::MAY_WRITE | sys::MAY_EXEC | sys::MAY_ACCESS) as i32);

    /// Whether it is one of `bits`.
    fn has(self, bits: u32) -> bool {
        // CAST: Bits of a mask.
        self.0 & bits as i32 != 0
    }

    /// Whether the walk is under RCU: nothing may sleep, ECHILD leaves it.
    pub(crate) fn in_rcu(self) -> bool {
        self.has(sys::MAY_NOT_BLOCK)
    }

    /// Whether the object is to be changed.
    pub(crate) fn writes(self) -> bool {
        self.has(sys::MAY_WRITE)
    }

    /// The same without changing the object.
    pub(crate) fn without_write(self) -> Self {
        // CAST: Bits of a mask.
        Access(self.0 & !(sys::MAY_WRITE | sys::MAY_APPEND) as i32)
    }

    /// Whether it is anything that could be refused, by itself or by a server that is asked.
    pub(crate) fn wants_any(self) -> bool {
        const ANY: u32 = sys::MAY_READ
            | sys::MAY_WRITE
            | sys::MAY_EXEC
            | sys::MAY_APPEND
            | sys::MAY_ACCESS
            | sys::MAY_CHDIR;
        self.has(ANY)
    }

    /// Whether the caller only wants to know (`access(2)`), so that nothing else asks after it.
    pub(crate) fn only_asks(self) -> bool {
        self.has(sys::MAY_ACCESS)
    }

    /// Whether the object is being opened.
    pub(crate) fn opens(self) -> bool {
        self.has(sys::MAY_OPEN)
    }

    /// Whether it is to be executed, or is a directory that is passed through.
    pub(crate) fn executes(self) -> bool {
        self.has(sys::MAY_EXEC)
    }
}

/// The operations on an object of any type.
#[vtable]
pub(crate) trait NodeOps {
    /// `permission`: whether the caller has `access`.
    ///
    /// # Context
    ///
    /// RCU walk when [`Access::in_rcu`]; else may sleep.
    fn permission(idmap: Idmap<'_>, inode: &SwitchInode, access: Access) -> Result;

    /// `getattr`: with the owner as switchfs itself has it. May sleep.
    fn getattr(dentry: &SwitchDentry, stat: &mut Stat, query: StatQuery) -> Result;

    /// `setattr`; the VFS holds the inode's lock. May sleep.
    fn setattr(idmap: Idmap<'_>, dentry: &SwitchDentry, attr: &mut IAttr) -> Result;

    /// `get_link` of a symbolic link; without a dentry in RCU walk.
    fn get_link<'a>(
        dentry: Option<&SwitchDentry>,
        inode: &SwitchInode,
        done: DelayedCall<'a>,
    ) -> Result<LinkTarget<'a>>;

    /// `update_time` of a link that was read. May sleep.
    fn accessed(inode: &SwitchInode) -> Result;
}

/// The operations of everything.
type Node = <Fs as FileSystem>::Node;

/// `permission`.
///
/// # Safety
///
/// Called by the VFS with an inode of switchfs.
unsafe extern "C" fn permission_callback(
    idmap: *mut sys::mnt_idmap,
    inode: *mut sys::inode,
    mask: c_int,
) -> c_int {
    // SAFETY: By the contract.
    let idmap = unsafe { Idmap::from_raw(idmap) };
    // SAFETY: By the contract.
    let inode = unsafe { SwitchInode::from_raw(inode) };
    from_result(|| Node::permission(idmap, inode, Access(mask)).map(|()| 0))
}

/// `getattr`.
///
/// # Safety
///
/// Called by the VFS with a path of switchfs and a structure to fill.
unsafe extern "C" fn getattr_callback(
    idmap: *mut sys::mnt_idmap,
    path: *const sys::path,
    stat: *mut sys::kstat,
    mask: u32,
    flags: c_uint,
) -> c_int {
    // SAFETY: By the contract.
    let dentry = unsafe { (*path).dentry };
    // SAFETY: By the contract.
    let dentry = unsafe { SwitchDentry::from_raw(dentry) };
    // SAFETY: By the contract.
    let stat = unsafe { Stat::from_raw(stat) };
    // SAFETY: By the contract.
    let idmap = unsafe { Idmap::from_raw(idmap) };
    from_result(|| {
        Node::getattr(dentry, stat, StatQuery { mask, flags })?;
        stat.map(idmap);
        Ok(0)
    })
}

/// `setattr`.
///
/// # Safety
///
/// Called by the VFS with a dentry of switchfs, its inode locked, and a request of its own.
unsafe extern "C" fn setattr_callback(
    idmap: *mut sys::mnt_idmap,
    dentry: *mut sys::dentry,
    attr: *mut sys::iattr,
) -> c_int {
    // SAFETY: By the contract.
    let idmap = unsafe { Idmap::from_raw(idmap) };
    // SAFETY: By the contract.
    let dentry = unsafe { SwitchDentry::from_raw(dentry) };
    // SAFETY: By the contract.
    let attr = unsafe { IAttr::from_raw(attr) };
    from_result(|| Node::setattr(idmap, dentry, attr).map(|()| 0))
}

/// `get_link`.
///
/// # Safety
///
/// Called by the VFS with a symbolic link of switchfs.
unsafe extern "C" fn get_link_callback(
    dentry: *mut sys::dentry,
    inode: *mut sys::inode,
    done: *mut sys::delayed_call,
) -> *const c_char {
    // SAFETY: By the contract.
    let dentry = (!dentry.is_null()).then(|| unsafe { SwitchDentry::from_raw(dentry) });
    // SAFETY: By the contract.
    let inode = unsafe { SwitchInode::from_raw(inode) };
    match Node::get_link(dentry, inode, DelayedCall(done, PhantomData)) {
        Ok(target) => target.0,
        Err(e) => e.to_ptr(),
    }
}

/// `update_time` of a symbolic link: only access times get here (`S_NOCMTIME`).
///
/// # Safety
///
/// Called by the VFS with a symbolic link of switchfs.
unsafe extern "C" fn update_time_callback(
    inode: *mut sys::inode,
    _kind: sys::fs_update_time,
    _flags: c_uint,
) -> c_int {
    // SAFETY: By the contract.
    let inode = unsafe { SwitchInode::from_raw(inode) };
    from_result(|| Node::accessed(inode).map(|()| 0))
}

/// What every object has.
pub(super) const NODE: sys::inode_operations = sys::inode_operations {
    permission: Some(permission_callback),
    getattr: Some(getattr_callback),
    setattr: Some(setattr_callback),
    get_inode_acl: Some(acl::get_inode_acl_callback),
    get_acl: Some(acl::get_acl_callback),
    set_acl: Some(acl::set_acl_callback),
    listxattr: Some(xattr::listxattr_callback),
    fileattr_get: Some(fileattr::fileattr_get_callback),
    fileattr_set: Some(fileattr::fileattr_set_callback),
    fiemap: Some(fileattr::fiemap_callback),
    // No `update_time`: times are the branch's, and its files tell it. No `atomic_open`: the VFS calls lookup, create and
    // open in turn. No `readlink`: the VFS uses `get_link`.
    ..pin_init::zeroed()
};

/// Symbolic links.
const SYMLINK: sys::inode_operations = sys::inode_operations {
    get_link: Some(get_link_callback),
    update_time: Some(update_time_callback),
    get_inode_acl: None,
    get_acl: None,
    set_acl: None,
    ..NODE
};

/// The table of symbolic links.
pub(super) fn symlink_inode_operations() -> *const sys::inode_operations {
    const { &SYMLINK }
}

/// The table of regular files, devices, FIFOs and sockets.
pub(super) fn file_inode_operations() -> *const sys::inode_operations {
    const { &NODE }
}
