// SPDX-License-Identifier: GPL-2.0-only

//! Extended attributes: `struct xattr_handler`, and calls into a branch.
//!
//! C header: [`include/linux/xattr.h`](srctree/include/linux/xattr.h)

use super::{
    file_type::{
        FileSystem,
        Fs, //
    },
    sys,
    Creds,
    RealPath,
    SwitchDentry,
    SwitchInode, //
};
use core::marker::PhantomData;
use kernel::{
    error::from_result,
    prelude::*,
    str::CStr, //
};

/// The full name of an extended attribute. Most are only passed on, so their length is not known.
#[derive(Clone, Copy)]
pub(crate) struct XattrName<'a> {
    /// A string that a NUL ends.
    name: *const c_char,
    /// The memory is the caller's for the call.
    _life: PhantomData<&'a c_char>,
}

impl<'a> XattrName<'a> {
    /// Borrows a C string.
    ///
    /// # Safety
    ///
    /// `name` is a string for `'a`, which a NUL ends.
    pub(super) unsafe fn from_raw(name: *const c_char) -> Self {
        Self {
            name,
            _life: PhantomData,
        }
    }

    /// Whether it begins with `prefix`, in which there is no NUL.
    pub(crate) fn starts_with(self, prefix: &[u8]) -> bool {
        (0..).zip(prefix).all(|(at, byte)| {
            // SAFETY: The bytes before were those of `prefix`, and so not the NUL.
            let ours = unsafe { self.name.add(at) };
            // SAFETY: As above.
            let ours = unsafe { ours.read() };
            ours == *byte
        })
    }

    /// The bytes.
    pub(crate) fn to_bytes(self) -> &'a [u8] {
        // SAFETY: By the type's contract.
        unsafe { CStr::from_char_ptr(self.name) }.to_bytes()
    }
}

/// Where the VFS wants a value: nowhere if only the length is asked for.
pub(crate) struct ValueBuffer<'a> {
    /// The memory, which need not be initialised.
    to: *mut c_void,
    /// How much there is.
    size: usize,
    /// The memory is the caller's for the call.
    _life: PhantomData<&'a mut ()>,
}

impl<'a> ValueBuffer<'a> {
    /// The memory `to`.
    pub(super) fn over(to: &'a mut [c_char]) -> Self {
        Self {
            to: to.as_mut_ptr().cast(),
            size: to.len(),
            _life: PhantomData,
        }
    }

    /// Nowhere.
    pub(crate) fn none() -> Self {
        Self {
            to: core::ptr::null_mut(),
            size: 0,
            _life: PhantomData,
        }
    }

    /// Stores `value`, unless only its length is asked for, which is returned. ERANGE when there is no
    /// room.
    pub(crate) fn fill(self, value: &[u8]) -> Result<usize> {
        if self.size != 0 {
            if value.len() > self.size {
                return Err(ERANGE);
            }
            // SAFETY: The buffer has room for the bytes; it is another object.
            unsafe { core::ptr::copy_nonoverlapping(value.as_ptr(), self.to.cast(), value.len()) };
        }
        Ok(value.len())
    }
}

/// Where the VFS wants a list of names: nowhere if only the length is asked for.
pub(crate) struct XattrBuffer<'a> {
    /// The memory, which need not be initialised.
    to: *mut c_void,
    /// How much there is; 0 asks for the length.
    size: usize,
    /// How much was stored or counted.
    used: usize,
    /// The memory is the caller's for the call.
    _life: PhantomData<&'a mut ()>,
}

impl XattrBuffer<'_> {
    /// Appends `bytes` to what is stored. ERANGE when there is no room.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result {
        let end = self.used.checked_add(bytes.len()).ok_or(ERANGE)?;
        if self.size != 0 {
            if end > self.size {
                return Err(ERANGE);
            }
            // SAFETY: `used` is less than `size`.
            let to = unsafe { self.to.byte_add(self.used) };
            // SAFETY: The rest of the buffer has room for the bytes; it is another object.
            unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), to.cast(), bytes.len()) };
        }
        self.used = end;
        Ok(())
    }

    /// How many bytes were stored or counted.
    pub(crate) fn used(&self) -> usize {
        self.used
    }
}

/// A value to be set.
pub(crate) struct XattrValue<'a> {
    /// Its bytes.
    bytes: *const c_void,
    /// How many.
    size: usize,
    /// `XATTR_CREATE`, `XATTR_REPLACE`.
    flags: i32,
    /// The memory is the caller's for the call.
    _life: PhantomData<&'a ()>,
}

/// The operations on extended attributes but ACLs. All may sleep.
#[vtable]
pub(crate) trait XattrOps {
    /// `get` of the handler: the length of the value of `name`. The dentry may be one that gets the
    /// inode only after the call.
    fn get(
        dentry: &SwitchDentry,
        inode: &SwitchInode,
        name: XattrName<'_>,
        buffer: ValueBuffer<'_>,
    ) -> Result<usize>;

    /// `set` of the handler with a value; the VFS holds the inode's lock.
    fn set(
        dentry: &SwitchDentry,
        inode: &SwitchInode,
        name: XattrName<'_>,
        value: &XattrValue<'_>,
    ) -> Result;

    /// `set` of the handler without a value; the VFS holds the inode's lock.
    fn remove(dentry: &SwitchDentry, inode: &SwitchInode, name: XattrName<'_>) -> Result;

    /// `listxattr`: stores the names, each with its NUL.
    fn list(dentry: &SwitchDentry, buffer: &mut XattrBuffer<'_>) -> Result;
}

/// A length or an errno.
fn length(ret: isize) -> Result<usize> {
    usize::try_from(ret).map_err(|_| {
        // CAST: Errnos fit.
        Error::from_errno(ret as c_int)
    })
}

impl RealPath<'_> {
    /// `vfs_getxattr` under `creds`, or the current ones: the length of the value. May sleep.
    #[inline]
    pub(crate) fn getxattr(
        &self,
        creds: Option<&Creds>,
        name: XattrName<'_>,
        buffer: ValueBuffer<'_>,
    ) -> Result<usize> {
        // SAFETY: Mapping, dentry and name are valid, the buffer has the size it says, and the
        // credentials outlive the call.
        length(unsafe {
            sys::switchfs_helper_getxattr(
                self.mount().idmap().as_raw(),
                self.dentry().as_raw(),
                name.name,
                buffer.to,
                buffer.size,
                Creds::raw_or_null(creds),
            )
        })
    }

    /// `vfs_setxattr`. The caller has write access to the mount, and the branch's lock is not held.
    /// May sleep.
    pub(crate) fn setxattr(&self, name: XattrName<'_>, value: &XattrValue<'_>) -> Result {
        // SAFETY: Mapping, dentry and name are valid, the value has the size it says.
        sys::to_result(unsafe {
            sys::vfs_setxattr(
                self.mount().idmap().as_raw(),
                self.dentry().as_raw(),
                name.name,
                value.bytes,
                value.size,
                value.flags,
            )
        })
    }

    /// `vfs_removexattr`, as [`RealPath::setxattr`].
    pub(crate) fn removexattr(&self, name: XattrName<'_>) -> Result {
        // SAFETY: Mapping, dentry and name are valid.
        sys::to_result(unsafe {
            sys::vfs_removexattr(
                self.mount().idmap().as_raw(),
                self.dentry().as_raw(),
                name.name,
            )
        })
    }

    /// `vfs_listxattr`: the names, each with its NUL. May sleep.
    pub(crate) fn listxattr(&self) -> Result<KVVec<u8>> {
        let dentry = self.dentry().as_raw();
        loop {
            // SAFETY: The dentry is valid; only the length is asked for.
            let size = length(unsafe { sys::vfs_listxattr(dentry, core::ptr::null_mut(), 0) })?;
            let mut names = KVVec::from_elem(0u8, size, GFP_KERNEL)?;
            if size == 0 {
                return Ok(names);
            }
            // SAFETY: The dentry is valid, the buffer has `size` bytes.
            let ret = unsafe { sys::vfs_listxattr(dentry, names.as_mut_ptr().cast(), size) };
            match length(ret) {
                Ok(used) => {
                    names.truncate(used);
                    return Ok(names);
                }
                // More names since the length was asked for.
                Err(e) if e == ERANGE && size < sys::XATTR_LIST_MAX as usize => {}
                Err(e) => return Err(e),
            }
        }
    }
}

/// Whether the caller may see attributes of the namespace `trusted.`.
pub(crate) fn sees_trusted() -> bool {
    // SAFETY: Only looks at the current task's credentials.
    unsafe { sys::switchfs_helper_admin() }
}

/// The filesystem's implementation.
type Ops = <Fs as FileSystem>::Xattr;

/// A length as the VFS wants it.
fn size(result: Result<usize>) -> isize {
    match result {
        // CAST: Values and lists have at most `XATTR_SIZE_MAX` bytes.
        Ok(n) => n as isize,
        Err(e) => e.to_errno() as isize,
    }
}

/// `get`.
///
/// # Safety
///
/// Called by the VFS with an inode of switchfs, a dentry for it, and a buffer of `len` bytes.
unsafe extern "C" fn get_callback(
    _handler: *const sys::xattr_handler,
    dentry: *mut sys::dentry,
    inode: *mut sys::inode,
    name: *const c_char,
    buffer: *mut c_void,
    len: usize,
) -> c_int {
    // SAFETY: By the contract.
    let dentry = unsafe { SwitchDentry::from_raw(dentry) };
    // SAFETY: By the contract.
    let inode = unsafe { SwitchInode::from_raw(inode) };
    // SAFETY: Names are NUL-terminated.
    let name = unsafe { XattrName::from_raw(name) };
    let buffer = ValueBuffer {
        to: buffer,
        size: len,
        _life: PhantomData,
    };
    // CAST: Values have at most `XATTR_SIZE_MAX` bytes.
    size(Ops::get(dentry, inode, name, buffer)) as c_int
}

/// `set`; a value that is not there removes the attribute.
///
/// # Safety
///
/// Called by the VFS with an inode of switchfs, locked, a dentry for it, and a value of `len` bytes.
unsafe extern "C" fn set_callback(
    _handler: *const sys::xattr_handler,
    _idmap: *mut sys::mnt_idmap,
    dentry: *mut sys::dentry,
    inode: *mut sys::inode,
    name: *const c_char,
    bytes: *const c_void,
    len: usize,
    flags: c_int,
) -> c_int {
    // SAFETY: By the contract.
    let dentry = unsafe { SwitchDentry::from_raw(dentry) };
    // SAFETY: By the contract.
    let inode = unsafe { SwitchInode::from_raw(inode) };
    // SAFETY: Names are NUL-terminated.
    let name = unsafe { XattrName::from_raw(name) };
    if bytes.is_null() {
        return from_result(|| Ops::remove(dentry, inode, name).map(|()| 0));
    }
    let value = XattrValue {
        bytes,
        size: len,
        flags,
        _life: PhantomData,
    };
    from_result(|| Ops::set(dentry, inode, name, &value).map(|()| 0))
}

/// `listxattr` of the inode operations.
///
/// # Safety
///
/// Called by the VFS with a positive dentry of switchfs and a buffer of `len` bytes.
pub(super) unsafe extern "C" fn listxattr_callback(
    dentry: *mut sys::dentry,
    list: *mut c_char,
    len: usize,
) -> isize {
    // SAFETY: By the contract.
    let dentry = unsafe { SwitchDentry::from_raw(dentry) };
    let mut buffer = XattrBuffer {
        to: list.cast(),
        size: if list.is_null() { 0 } else { len },
        used: 0,
        _life: PhantomData,
    };
    size(Ops::list(dentry, &mut buffer).map(|()| buffer.used()))
}

/// One handler for all names. ACLs never come here.
const CATCH_ALL: sys::xattr_handler = sys::xattr_handler {
    name: core::ptr::null(),
    prefix: c"".to_bytes_with_nul().as_ptr(),
    flags: 0,
    list: None,
    get: Some(get_callback),
    set: Some(set_callback),
};

/// The list of handlers, which a null pointer ends.
const HANDLERS: [*const sys::xattr_handler; 2] = [const { &CATCH_ALL }, core::ptr::null()];

/// The table of handlers.
pub(super) fn xattr_handlers() -> *const *const sys::xattr_handler {
    const { &HANDLERS }.as_ptr()
}
