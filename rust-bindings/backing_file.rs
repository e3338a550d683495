// SPDX-License-Identifier: GPL-2.0-only

//! An open file of a branch, used on behalf of a file of switchfs.
//!
//! C header: [`include/linux/backing-file.h`](srctree/include/linux/backing-file.h)

use super::{
    file_ops,
    mount::with_path_text,
    regular_file::RegularFile,
    sys,
    Creds,
    Dentry,
    Id,
    Inode,
    Mount, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    prelude::*,
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
    types::Opaque, //
};

/// Wraps the kernel's `struct file` of an object of a branch.
///
/// # Invariants
///
/// Instances are counted by `f_ref`. It was opened by `backing_file_open` or `dentry_open`, is in
/// no file table, and belongs to one open file of switchfs, or is kept for the next one.
#[repr(transparent)]
pub(crate) struct BackingFile(Opaque<sys::file>);

// SAFETY: The file is in no file table, so `fdget_pos` never skips its lock.
unsafe impl Send for BackingFile {}
// SAFETY: As for `Send`.
unsafe impl Sync for BackingFile {}

// SAFETY: `get_file` and `fput` count references.
unsafe impl AlwaysRefCounted for BackingFile {
    fn inc_ref(&self) {
        // SAFETY: By the type invariant the count is positive.
        unsafe { sys::get_file(self.as_raw()) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller gives up one reference.
        unsafe { sys::fput(obj.as_ptr().cast()) };
    }
}

impl BackingFile {
    /// Gives a reference back, and if it was the last one, closes the file before it returns
    /// (`__fput_sync`). With no locks held, as in `release`; may sleep.
    pub(super) fn close(file: ARef<Self>) {
        // SAFETY: The reference is given up.
        unsafe { sys::__fput_sync(ARef::into_raw(file).as_ptr().cast()) };
    }
}

/// What `F_SETFL` can change, apart from `O_APPEND`.
const SETFL: u32 = sys::O_NONBLOCK | sys::O_DIRECT | sys::O_NOATIME;

/// A read or write that the VFS asks for: the kernel's `kiocb` and `iov_iter`.
pub(crate) struct Iocb<'a> {
    /// The request.
    pub(super) iocb: *mut sys::kiocb,
    /// The caller's memory.
    pub(super) iter: *mut sys::iov_iter,
    /// Both live for the call.
    pub(super) _life: PhantomData<&'a ()>,
}

impl Iocb<'_> {
    /// The file of switchfs.
    pub(crate) fn file(&self) -> &RegularFile {
        // SAFETY: The request is valid.
        let file = unsafe { (*self.iocb).ki_filp };
        // SAFETY: The request holds the file, which is one of ours.
        unsafe { RegularFile::from_raw(file) }
    }

    /// Whether to fail with EAGAIN rather than to wait.
    pub(crate) fn nowait(&self) -> bool {
        // SAFETY: The request is valid.
        unsafe { (*self.iocb).ki_flags & sys::IOCB_NOWAIT != 0 }
    }

    /// Whether nothing is asked for.
    pub(crate) fn is_empty(&self) -> bool {
        // SAFETY: The iterator is valid, and this union always holds the count.
        let state = unsafe { &(*self.iter).__bindgen_anon_1.__bindgen_anon_1 };
        // SAFETY: As above.
        unsafe { state.as_ref() }.count == 0
    }
}

/// A splice out of a file.
pub(crate) struct SpliceRead<'a> {
    /// The file of switchfs.
    pub(crate) file: &'a RegularFile,
    /// Where in the file.
    pub(super) pos: *mut i64,
    /// The pipe.
    pub(super) pipe: *mut sys::pipe_inode_info,
    /// How much.
    pub(super) len: usize,
    /// `SPLICE_F_*`.
    pub(super) flags: u32,
}

/// A splice into a file.
pub(crate) struct SpliceWrite<'a>(pub(super) SpliceRead<'a>);

impl<'a> SpliceWrite<'a> {
    /// The file of switchfs.
    pub(crate) fn file(&self) -> &'a RegularFile {
        self.0.file
    }
}

/// A mapping being made.
#[repr(transparent)]
pub(crate) struct Vma(Opaque<sys::vm_area_struct>);

impl Vma {
    /// Borrows what the VFS passes.
    ///
    /// # Safety
    ///
    /// `ptr` is a mapping under construction, used by this task alone for `'a`.
    pub(super) unsafe fn from_raw<'a>(ptr: *mut sys::vm_area_struct) -> &'a mut Self {
        // SAFETY: By the contract; the type is transparent over the C structure.
        unsafe { &mut *ptr.cast() }
    }

    /// The mapping's flags.
    fn flags(&self) -> usize {
        // SAFETY: The mapping is this task's alone.
        let flags = unsafe { &(*self.0.get()).__bindgen_anon_2 };
        // SAFETY: Both fields of the union are the flags.
        unsafe { flags.vm_flags }
    }

    /// Whether code is to be run from it.
    pub(crate) fn is_exec(&self) -> bool {
        self.flags() & kernel::mm::virt::flags::EXEC != 0
    }

    /// Whether writes to it reach the file.
    pub(crate) fn is_shared_write(&self) -> bool {
        const SHARED_WRITE: usize =
            kernel::mm::virt::flags::SHARED | kernel::mm::virt::flags::MAYWRITE;
        self.flags() & SHARED_WRITE == SHARED_WRITE
    }

    /// Keeps `mprotect` from making it executable.
    pub(crate) fn deny_exec(&mut self) {
        // SAFETY: The mapping is under construction.
        unsafe { sys::switchfs_helper_vma_deny_exec(self.0.get()) };
    }
}

impl BackingFile {
    /// Borrows a C file.
    ///
    /// # Safety
    ///
    /// `ptr` upholds the type invariant for `'a`.
    pub(super) unsafe fn from_raw<'a>(ptr: *const sys::file) -> &'a Self {
        // SAFETY: By the contract; the type is transparent over `struct file`.
        unsafe { &*ptr.cast() }
    }

    /// The C pointer.
    pub(super) fn as_raw(&self) -> *mut sys::file {
        self.0.get()
    }

    /// The branch's inode.
    pub(crate) fn inode(&self) -> &Inode {
        // SAFETY: The file is valid; `f_inode` never changes.
        let inode = unsafe { (*self.as_raw()).f_inode };
        // SAFETY: A file pins its inode.
        unsafe { Inode::from_raw(inode) }
    }

    /// What tells this file from every other one as long as it is open.
    pub(crate) fn id(&self) -> Id {
        Id::of(self.as_raw())
    }

    /// Calls `f` with the path within the branch; see [`RealPath::with_text`](super::RealPath::with_text).
    pub(crate) fn with_path<R>(&self, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
        // SAFETY: The file is valid; `f_path` never changes.
        let path = unsafe { &(*self.as_raw()).__bindgen_anon_1 };
        // SAFETY: This field of the union is the public one.
        let path = unsafe { &raw const path.f_path };
        with_path_text(
            |buf, size| {
                // SAFETY: The file pins its path, the buffer has the size.
                unsafe { sys::d_path(path, buf, size) }
            },
            f,
        )
    }

    /// `O_*`.
    pub(crate) fn flags(&self) -> u32 {
        // SAFETY: The file is valid (`READ_ONCE`).
        let field = unsafe { &raw const (*self.as_raw()).f_flags };
        // SAFETY: As above.
        unsafe { field.read_volatile() }
    }

    /// Whether it was opened through `mount`.
    pub(crate) fn is_of(&self, mount: &Mount) -> bool {
        // SAFETY: The file is valid; `f_path` never changes.
        let path = unsafe { &(*self.as_raw()).__bindgen_anon_1 };
        // SAFETY: Both fields of the union are the path.
        unsafe { path.f_path.mnt }.addr() == mount.as_raw().addr()
    }

    /// Whether the branch's mount lets nothing be executed.
    pub(crate) fn is_noexec(&self) -> bool {
        // SAFETY: The file is valid and has its path.
        unsafe { sys::switchfs_helper_file_noexec(self.as_raw()) }
    }

    /// `FMODE_*`; what can be asked here never changes once the file is open.
    pub(super) fn mode(&self) -> u32 {
        // SAFETY: The file is valid (`READ_ONCE`).
        let field = unsafe { &raw const (*self.as_raw()).f_mode };
        // SAFETY: As above.
        unsafe { field.read_volatile() }
    }

    /// The branch's dentry that was opened.
    pub(crate) fn dentry(&self) -> &Dentry {
        // SAFETY: The file is valid; `f_path` never changes.
        let path = unsafe { &(*self.as_raw()).__bindgen_anon_1 };
        // SAFETY: Both fields of the union are the path.
        let dentry = unsafe { path.f_path.dentry };
        // SAFETY: A file pins its path.
        unsafe { Dentry::from_raw(dentry) }
    }

    /// The credentials of the one who opened it.
    fn opener(&self) -> *const sys::cred {
        // SAFETY: The file is valid; `f_cred` never changes.
        unsafe { (*self.as_raw()).f_cred }
    }

    /// Lets each request say for itself whether it appends (`IOCB_APPEND`): `RWF_NOAPPEND` can only be
    /// honoured by a file that does not. The file is new; the branch was told `O_APPEND` when it was
    /// opened.
    pub(super) fn append_by_request(&self) {
        // SAFETY: The file is valid; the helper takes `f_lock`.
        unsafe { sys::switchfs_helper_clear_append(self.as_raw()) };
    }

    /// Takes over what `F_SETFL` changed on the file of switchfs since it was opened.
    pub(crate) fn follow_flags(&self, user: &RegularFile) -> Result {
        let flags = user.flags();
        // SAFETY: The file is valid (`READ_ONCE`).
        let own = unsafe { &raw const (*self.as_raw()).f_flags };
        // SAFETY: As above.
        let own = unsafe { own.read_volatile() };
        if (flags ^ own) & SETFL == 0 {
            return Ok(());
        }
        let flags = if user.is_noatime() {
            flags | sys::O_NOATIME
        } else {
            flags
        };
        if (flags ^ own) & SETFL == 0 {
            return Ok(());
        }
        // SAFETY: The file is valid; the helper takes `f_lock`.
        sys::to_result(unsafe { sys::switchfs_helper_set_flags(self.as_raw(), flags, SETFL) })
    }

    /// The context of a `backing_file_*` call: `creds`, or the opener's.
    fn context(&self, creds: Option<&Creds>, writes: bool) -> sys::backing_file_ctx {
        sys::backing_file_ctx {
            cred: creds.map_or_else(|| self.opener(), Creds::as_raw),
            // Access times are updated by the branch, with the flags of its own mount.
            accessed: None,
            end_write: if writes {
                Some(file_ops::end_write_callback)
            } else {
                None
            },
        }
    }

    /// `backing_file_read_iter`: the number of bytes read. May sleep.
    pub(crate) fn read(&self, io: &Iocb<'_>, creds: Option<&Creds>) -> Result<usize> {
        let mut context = self.context(creds, false);
        // SAFETY: The request is valid.
        let flags = unsafe { (*io.iocb).ki_flags };
        // SAFETY: All are valid; the context is copied where the request outlives the call.
        done(unsafe {
            sys::backing_file_read_iter(self.as_raw(), io.iter, io.iocb, flags, &raw mut context)
        })
    }

    /// `backing_file_write_iter`: the number of bytes written. The caller holds the lock of the
    /// switchfs inode. May sleep.
    pub(crate) fn write(&self, io: &Iocb<'_>, creds: Option<&Creds>) -> Result<usize> {
        let mut context = self.context(creds, true);
        // SAFETY: The request is valid.
        let flags = unsafe { (*io.iocb).ki_flags };
        // SAFETY: As in `read`.
        done(unsafe {
            sys::backing_file_write_iter(self.as_raw(), io.iter, io.iocb, flags, &raw mut context)
        })
    }

    /// `backing_file_splice_read`. May sleep.
    pub(crate) fn splice_read(&self, s: &SpliceRead<'_>, creds: Option<&Creds>) -> Result<usize> {
        let mut context = self.context(creds, false);
        s.with_iocb(|iocb| {
            // SAFETY: All are valid.
            done(unsafe {
                sys::backing_file_splice_read(
                    self.as_raw(),
                    iocb,
                    s.pipe,
                    s.len,
                    s.flags,
                    &raw mut context,
                )
            })
        })
    }

    /// `backing_file_splice_write`. The caller holds the lock of the switchfs inode. May sleep.
    pub(crate) fn splice_write(&self, s: &SpliceWrite<'_>, creds: Option<&Creds>) -> Result<usize> {
        let mut context = self.context(creds, true);
        let s = &s.0;
        s.with_iocb(|iocb| {
            // SAFETY: All are valid.
            done(unsafe {
                sys::backing_file_splice_write(
                    s.pipe,
                    self.as_raw(),
                    iocb,
                    s.len,
                    s.flags,
                    &raw mut context,
                )
            })
        })
    }

    /// `backing_file_mmap`.
    pub(crate) fn mmap(&self, vma: &mut Vma, creds: Option<&Creds>) -> Result {
        let mut context = self.context(creds, false);
        // SAFETY: The mapping is under construction, and of the file of switchfs.
        sys::to_result(unsafe {
            sys::backing_file_mmap(self.as_raw(), vma.0.get(), &raw mut context)
        })
    }

    /// `vfs_llseek` from `from`: the new position. May sleep.
    pub(crate) fn seek(&self, from: i64, offset: i64, whence: i32) -> Result<i64> {
        // SAFETY: The file is only used for one file of switchfs, whose position the VFS locks.
        unsafe { (*self.as_raw()).f_pos = from };
        // SAFETY: The file is valid.
        let pos = unsafe { sys::vfs_llseek(self.as_raw(), offset, whence) };
        done(pos as isize)?;
        Ok(pos)
    }

    /// `vfs_fsync_range`. May sleep.
    pub(crate) fn fsync(&self, start: i64, end: i64, datasync: bool) -> Result {
        // SAFETY: The file is valid.
        sys::to_result(unsafe {
            sys::vfs_fsync_range(self.as_raw(), start, end, c_int::from(datasync))
        })
    }

    /// Whether the branch has something to do in [`BackingFile::flush`].
    pub(super) fn has_flush(&self) -> bool {
        // SAFETY: The file is valid; `f_op` does not change once it is open.
        let op = unsafe { (*self.as_raw()).f_op };
        // SAFETY: An open file has operations.
        unsafe { (*op).flush.is_some() }
    }

    /// Tells the branch that a descriptor was closed (`f_op->flush`): deferred errors come here.
    pub(crate) fn flush(&self, id: Owner) -> Result {
        // SAFETY: The file is valid; `f_op` does not change once it is open.
        let op = unsafe { (*self.as_raw()).f_op };
        // SAFETY: An open file has operations.
        match unsafe { (*op).flush } {
            // SAFETY: The file is valid, `id` is what the VFS passed.
            Some(flush) => sys::to_result(unsafe { flush(self.as_raw(), id.0) }),
            None => Ok(()),
        }
    }

    /// `vfs_fallocate`. The caller holds the lock of the switchfs inode. May sleep.
    pub(crate) fn fallocate(&self, mode: i32, offset: i64, len: i64) -> Result {
        // SAFETY: The file is valid.
        sys::to_result(unsafe { sys::vfs_fallocate(self.as_raw(), mode, offset, len) })
    }
}

/// The owner of the locks that a closed descriptor gives up.
#[derive(Clone, Copy)]
pub(crate) struct Owner(pub(super) sys::fl_owner_t);

impl SpliceRead<'_> {
    /// Calls `f` with a request at the position, and stores the position it leaves.
    fn with_iocb(&self, f: impl FnOnce(*mut sys::kiocb) -> Result<usize>) -> Result<usize> {
        let mut iocb = sys::kiocb::default();
        // SAFETY: Both are valid.
        unsafe { sys::switchfs_helper_init_sync_kiocb(&raw mut iocb, self.file.as_raw()) };
        // SAFETY: The VFS passes a valid position.
        iocb.ki_pos = unsafe { *self.pos };
        let result = f(&raw mut iocb);
        // SAFETY: As above.
        unsafe { *self.pos = iocb.ki_pos };
        result
    }
}

/// A count of bytes or an errno; `-EIOCBQUEUED` is an error here and passes through unchanged.
pub(super) fn done(ret: isize) -> Result<usize> {
    usize::try_from(ret).map_err(|_| {
        // CAST: Errnos fit.
        Error::from_errno(ret as c_int)
    })
}
