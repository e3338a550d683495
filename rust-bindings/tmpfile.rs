// SPDX-License-Identifier: GPL-2.0-only

//! Files without a name: `O_TMPFILE`.
//!
//! C header: [`include/linux/backing-file.h`](srctree/include/linux/backing-file.h)

use super::{
    file_type::{
        FileSystem,
        Fs, //
    },
    open::current_creds,
    sys,
    BackingFile,
    Idmap,
    OpenFile,
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
    sync::aref::ARef, //
};

/// A file that is being opened without a name; its dentry, in the directory but not in the cache,
/// has no inode yet.
///
/// # Invariants
///
/// The pointer is valid for `'a`, and the file is this task's alone.
pub(crate) struct NamelessFile<'a>(*mut sys::file, PhantomData<&'a mut ()>);

impl<'a> NamelessFile<'a> {
    /// The dentry.
    pub(crate) fn dentry(&self) -> &'a SwitchDentry {
        // SAFETY: By the type invariant.
        let path = unsafe { &(*self.0).__bindgen_anon_1 };
        // SAFETY: Both fields of the union are the path.
        let dentry = unsafe { path.f_path.dentry };
        // SAFETY: The VFS made it in the directory, which is of switchfs.
        unsafe { SwitchDentry::from_raw(dentry) }
    }

    /// Makes and opens a file without a name in the directory `dir` under the current credentials
    /// (`backing_tmpfile_open`). The caller has write access to the mount. May sleep.
    pub(crate) fn open_in(&self, dir: RealPath<'_>, mode: u16) -> Result<ARef<BackingFile>> {
        let raw = dir.as_path();
        let creds = current_creds();
        // SAFETY: By the type invariant.
        // CAST: Bits of a mask. O_EXCL is to be seen below: it keeps the file from being linked.
        let flags = unsafe { (*self.0).f_flags } as c_int;
        // SAFETY: The file and the path are valid; the current credentials are the task's.
        let file = from_err_ptr(unsafe {
            sys::backing_tmpfile_open(self.0, flags, &raw const raw, mode, creds)
        })?;
        let file = NonNull::new(file).ok_or(ENOMEM)?;
        // SAFETY: The function returns a reference.
        let file: ARef<BackingFile> = unsafe { ARef::from_raw(file.cast()) };
        file.append_by_request();
        Ok(file)
    }

    /// Opens the file as `inode`, with `open` behind it.
    pub(crate) fn finish(self, inode: ARef<SwitchInode>, open: OpenFile) -> Result {
        let file = self.0;
        let dentry = self.dentry();
        // SAFETY: The dentry is negative, unhashed, and has a short name, as the VFS made it.
        unsafe { sys::d_mark_tmpfile(file, inode.as_raw()) };
        dentry.instantiate(inode);
        // SAFETY: By the type invariant.
        unsafe { open.lend_modes(file) };
        // SAFETY: As above.
        unsafe { (*file).private_data = open.into_raw() };
        // SAFETY: As above, and the dentry is positive.
        let ret = unsafe { sys::finish_open(file, dentry.as_raw(), Some(opened_callback)) };
        // SAFETY: As above.
        if unsafe { (*file).f_mode } & sys::FMODE_OPENED == 0 {
            // `release` will not be called.
            // SAFETY: As above.
            let slot = unsafe { &mut (*file).private_data };
            let open = core::mem::replace(slot, core::ptr::null_mut());
            // SAFETY: Set above.
            drop(unsafe { OpenFile::from_raw(open) });
        }
        sys::to_result(ret)
    }
}

/// The file was opened before `finish_open` calls this.
///
/// # Safety
///
/// Called by the VFS.
unsafe extern "C" fn opened_callback(_inode: *mut sys::inode, _file: *mut sys::file) -> c_int {
    0
}

/// The operation that makes files without a name.
#[vtable]
pub(crate) trait TmpfileOps {
    /// `tmpfile` in the directory `dir`, whose lock is not held, through a mount with the mapping
    /// `idmap`. May sleep.
    fn tmpfile(idmap: Idmap<'_>, dir: &SwitchInode, file: NamelessFile<'_>, mode: u16) -> Result;
}

/// `tmpfile`.
///
/// # Safety
///
/// Called by the VFS with a directory of switchfs, and a file that is being opened with an unhashed
/// negative dentry in that directory.
pub(super) unsafe extern "C" fn tmpfile_callback(
    idmap: *mut sys::mnt_idmap,
    dir: *mut sys::inode,
    file: *mut sys::file,
    mode: sys::umode_t,
) -> c_int {
    // SAFETY: By the contract.
    let idmap = unsafe { Idmap::from_raw(idmap) };
    // SAFETY: By the contract.
    let dir = unsafe { SwitchInode::from_raw(dir) };
    // INVARIANT: By the contract.
    let file = NamelessFile(file, PhantomData);
    from_result(|| <Fs as FileSystem>::Tmpfile::tmpfile(idmap, dir, file, mode).map(|()| 0))
}
