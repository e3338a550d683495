// SPDX-License-Identifier: GPL-2.0-only

//! File handles of switchfs: `struct export_operations`.
//!
//! C header: [`include/linux/exportfs.h`](srctree/include/linux/exportfs.h)

use super::{
    file_type::{
        FileSystem,
        Fs,
        Info, //
    },
    handle::MAX_WORDS,
    sys,
    Encoded,
    FileType,
    Handle,
    Name,
    Purpose,
    SuperBlock,
    SwitchDentry,
    SwitchInode, //
};
use core::ptr::NonNull;
use kernel::{
    error::{
        from_err_ptr,
        from_result, //
    },
    prelude::*,
    sync::aref::ARef, //
};

/// The operations on file handles.
#[vtable]
pub(crate) trait ExportOps {
    /// Whether the handles of a new mount can be found again. If not they are good for telling
    /// objects apart only, and the mount cannot be exported.
    fn decodes(info: &Info) -> bool;

    /// `encode_fh`: makes a handle of `inode` in `words`, with the directory `parent` in it when there
    /// is one.
    ///
    /// # Context
    ///
    /// May sleep; directories may be locked.
    fn encode(
        inode: &SwitchInode,
        parent: Option<&SwitchInode>,
        purpose: Purpose,
        words: &mut [u32],
    ) -> Encoded;

    /// `fh_to_dentry`: a name of the object; connected if it is a directory. ENOMEM, or anything for a
    /// handle that is stale. May sleep.
    fn decode(sb: &SuperBlock, handle: Handle<'_>) -> Result<ARef<SwitchDentry>>;

    /// `fh_to_parent`: a directory that the object is in, connected. As [`ExportOps::decode`].
    fn decode_parent(sb: &SuperBlock, handle: Handle<'_>) -> Result<ARef<SwitchDentry>>;

    /// `commit_metadata`: writes what was changed to stable storage. May sleep.
    fn commit_metadata(inode: &SwitchInode) -> Result;
}

/// The filesystem's implementation.
type Ops = <Fs as FileSystem>::Export;

/// The type that tells that there is no handle.
const INVALID: c_int = sys::fid_type_FILEID_INVALID as c_int;

/// Makes a handle.
///
/// # Safety
///
/// As for `encode_fh`: `inode`, and `parent` if it is not null, are inodes of switchfs, `fh` has room
/// for `*max_len` words.
unsafe fn encode(
    purpose: Purpose,
    inode: *mut sys::inode,
    fh: *mut u32,
    max_len: *mut c_int,
    parent: *mut sys::inode,
) -> c_int {
    // SAFETY: By the contract.
    let room = usize::try_from(unsafe { *max_len }).unwrap_or(0);
    // The caller's buffer may hold anything, or be none when it has no room.
    let mut words = [0u32; MAX_WORDS];
    let (buffer, _) = words.split_at_mut(room.min(MAX_WORDS));
    // SAFETY: By the contract.
    let inode = unsafe { SwitchInode::from_raw(inode) };
    // SAFETY: By the contract.
    let parent = (!parent.is_null()).then(|| unsafe { SwitchInode::from_raw(parent) });
    match Ops::encode(inode, parent, purpose, buffer) {
        Encoded::Handle { kind, len } if len <= buffer.len() => {
            // SAFETY: There is room for `len` words, by the contract; the buffers are different.
            unsafe { fh.copy_from_nonoverlapping(buffer.as_ptr(), len) };
            // CAST: At most `MAX_WORDS`.
            // SAFETY: By the contract.
            unsafe { *max_len = len as c_int };
            c_int::from(kind)
        }
        Encoded::TooLong(len) if len <= MAX_WORDS => {
            // CAST: At most `MAX_WORDS`.
            // SAFETY: By the contract.
            unsafe { *max_len = len as c_int };
            INVALID
        }
        _ => INVALID,
    }
}

/// `encode_fh` of a mount whose handles can be found again.
///
/// # Safety
///
/// Called by exportfs with an inode of switchfs, and with one of its directories or null; the buffer
/// has `*max_len` words.
unsafe extern "C" fn encode_fh_callback(
    inode: *mut sys::inode,
    fh: *mut u32,
    max_len: *mut c_int,
    parent: *mut sys::inode,
) -> c_int {
    // SAFETY: By the contract.
    unsafe { encode(Purpose::Decode, inode, fh, max_len, parent) }
}

/// `encode_fh` of a mount whose handles only tell objects apart.
///
/// # Safety
///
/// As for [`encode_fh_callback`].
unsafe extern "C" fn encode_fid_callback(
    inode: *mut sys::inode,
    fh: *mut u32,
    max_len: *mut c_int,
    parent: *mut sys::inode,
) -> c_int {
    // SAFETY: By the contract.
    unsafe { encode(Purpose::Identify, inode, fh, max_len, parent) }
}

/// The handle that exportfs passes.
///
/// # Safety
///
/// `fid` has `len` words that do not change for `'a`.
unsafe fn handle<'a>(fid: *mut sys::fid, len: c_int, kind: c_int) -> Result<Handle<'a>> {
    let stale = |_| crate::error::estale();
    let kind = u8::try_from(kind).map_err(stale)?;
    let len = usize::try_from(len).map_err(stale)?;
    if len > MAX_WORDS {
        return Err(crate::error::estale());
    }
    // SAFETY: By the contract; handles are made of aligned words.
    let words = unsafe { core::slice::from_raw_parts(fid.cast::<u32>(), len) };
    Ok(Handle { kind, words })
}

/// The result of an operation that returns a dentry.
fn dentry_ptr(result: Result<ARef<SwitchDentry>>) -> *mut sys::dentry {
    match result {
        Ok(dentry) => ARef::into_raw(dentry).as_ptr().cast(),
        Err(e) => e.to_ptr(),
    }
}

/// `fh_to_dentry`.
///
/// # Safety
///
/// Called by exportfs with a superblock of switchfs and a handle of `len` words.
unsafe extern "C" fn fh_to_dentry_callback(
    sb: *mut sys::super_block,
    fid: *mut sys::fid,
    len: c_int,
    kind: c_int,
) -> *mut sys::dentry {
    // SAFETY: By the contract.
    let sb = unsafe { SuperBlock::from_raw(sb) };
    // SAFETY: By the contract.
    dentry_ptr(unsafe { handle(fid, len, kind) }.and_then(|handle| Ops::decode(sb, handle)))
}

/// `fh_to_parent`.
///
/// # Safety
///
/// As for [`fh_to_dentry_callback`].
unsafe extern "C" fn fh_to_parent_callback(
    sb: *mut sys::super_block,
    fid: *mut sys::fid,
    len: c_int,
    kind: c_int,
) -> *mut sys::dentry {
    // SAFETY: By the contract.
    let sb = unsafe { SuperBlock::from_raw(sb) };
    // SAFETY: By the contract.
    dentry_ptr(unsafe { handle(fid, len, kind) }.and_then(|handle| Ops::decode_parent(sb, handle)))
}

/// `commit_metadata`.
///
/// # Safety
///
/// Called by the NFS server with an inode of switchfs.
unsafe extern "C" fn commit_metadata_callback(inode: *mut sys::inode) -> c_int {
    // SAFETY: By the contract.
    let inode = unsafe { SwitchInode::from_raw(inode) };
    from_result(|| Ops::commit_metadata(inode).map(|()| 0))
}

/// The table of a mount whose handles can be found again.
const OPERATIONS: sys::export_operations = sys::export_operations {
    encode_fh: Some(encode_fh_callback),
    fh_to_dentry: Some(fh_to_dentry_callback),
    fh_to_parent: Some(fh_to_parent_callback),
    commit_metadata: Some(commit_metadata_callback),
    // A branch may change between two looks at it, and it may be a server that cannot remove what
    // is open.
    flags: (sys::EXPORT_OP_NOATOMIC_ATTR | sys::EXPORT_OP_CLOSE_BEFORE_UNLINK) as c_ulong,
    // No `get_parent`: directories are decoded connected. No `get_name`: the directory is read, whose
    // numbers are those of `getattr`. No `permission` and `open`: those of the VFS.
    ..pin_init::zeroed()
};

/// The table of a mount whose handles only tell objects apart: what exportfs asks for to decode one
/// is not there.
const FID_OPERATIONS: sys::export_operations = sys::export_operations {
    encode_fh: Some(encode_fid_callback),
    ..pin_init::zeroed()
};

/// The table of a new mount.
pub(super) fn export_operations(info: &Info) -> *const sys::export_operations {
    if Ops::decodes(info) {
        const { &OPERATIONS }
    } else {
        const { &FID_OPERATIONS }
    }
}

impl SuperBlock {
    /// The root directory. Only in operations of the VFS, which keeps the superblock alive.
    pub(crate) fn root(&self) -> &SwitchDentry {
        // SAFETY: The superblock is valid; it has its root as long as operations are called.
        let root = unsafe { (*self.as_raw()).s_root };
        // SAFETY: The superblock pins its root.
        unsafe { SwitchDentry::from_raw(root) }
    }
}

impl SwitchDentry {
    /// Finds `name` in this directory as the VFS does, but without asking for permission
    /// (`lookup_noperm_unlocked`): a positive or a negative dentry. The directory's lock must not be
    /// held. May sleep.
    pub(crate) fn lookup(&self, name: Name<'_>) -> Result<ARef<SwitchDentry>> {
        match self.inode().map(SwitchInode::file_type) {
            Some(FileType::Dir) => {}
            _ => return Err(ENOTDIR),
        }
        let mut qstr = name.to_qstr();
        // SAFETY: The dentry is valid and a directory, the name is valid for the call.
        let found = unsafe { sys::lookup_noperm_unlocked(&raw mut qstr, self.as_raw()) };
        let found = NonNull::new(from_err_ptr(found)?).ok_or(ENOENT)?;
        // SAFETY: The reference is ours; of the same superblock.
        Ok(unsafe { ARef::from_raw(found.cast()) })
    }
}

impl SwitchInode {
    /// A name of the object that is in the cache; of a directory any.
    pub(crate) fn alias(&self) -> Option<ARef<SwitchDentry>> {
        // SAFETY: The inode is valid; a reference is returned, or null.
        let alias = unsafe { sys::d_find_alias(self.as_raw()) };
        // SAFETY: The reference is ours; of the same superblock.
        NonNull::new(alias).map(|d| unsafe { ARef::from_raw(d.cast()) })
    }

    /// `d_obtain_alias`: any name of the object, or a dentry that is connected with nothing. Not for
    /// directories. May sleep.
    pub(crate) fn obtain_alias(inode: ARef<SwitchInode>) -> Result<ARef<SwitchDentry>> {
        // SAFETY: The reference is handed over, also when it fails.
        let dentry = unsafe { sys::d_obtain_alias(ARef::into_raw(inode).as_ptr().cast()) };
        let dentry = NonNull::new(from_err_ptr(dentry)?).ok_or_else(crate::error::estale)?;
        // SAFETY: The reference is ours; of the same superblock.
        Ok(unsafe { ARef::from_raw(dentry.cast()) })
    }
}
