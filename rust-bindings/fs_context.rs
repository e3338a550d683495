// SPDX-License-Identifier: GPL-2.0-only

//! Mounting and remounting: `struct fs_context` and its operations.
//!
//! C header: [`include/linux/fs_context.h`](srctree/include/linux/fs_context.h)

use super::{
    debugfs,
    dentry_ops,
    export_ops,
    file_type::{
        FileSystem,
        Fs,
        Info, //
    },
    super_ops,
    switch_inode::Identity,
    sys,
    xattr,
    Dentry,
    FileType,
    Mount,
    SuperBlock, //
};
use core::marker::PhantomData;
use kernel::{
    error::{
        from_err_ptr,
        from_result,
        Error, //
    },
    fmt,
    prelude::*,
    str::{
        CStr,
        CString, //
    },
    sync::aref::ARef,
    types::ForeignOwnable, //
};

/// The value of a mount option.
pub(crate) enum Value<'a> {
    /// `key` alone.
    Flag,
    /// `key=string`.
    String(&'a CStr),
    /// An open file.
    File(PathFile<'a>),
    /// Anything else.
    Other,
}

/// An open file that stands for a path.
#[derive(Clone, Copy)]
pub(crate) struct PathFile<'a>(&'a sys::file);

impl PathFile<'_> {
    /// The file.
    pub(super) fn as_file(&self) -> &sys::file {
        self.0
    }

    /// The path that the file was opened by.
    fn path(&self) -> *const sys::path {
        // SAFETY: This field of the union is the public one.
        unsafe { &raw const self.0.__bindgen_anon_1.f_path }
    }

    /// A private clone of its mount, as [`Mount::open`] makes it of a path. May sleep.
    pub(crate) fn mount(&self) -> Result<Mount> {
        // SAFETY: The file pins its path.
        let dentry = unsafe { (*self.path()).dentry };
        // SAFETY: As above.
        let dentry = unsafe { Dentry::from_raw(dentry) };
        match dentry.inode().map(|inode| inode.file_type()) {
            // SAFETY: As above.
            Some(FileType::Dir) => unsafe { Mount::clone_of(self.path()) },
            _ => Err(ENOTDIR),
        }
    }

    /// The path as the caller sees it. ENAMETOOLONG when it is too long; may sleep.
    pub(crate) fn name(&self) -> Result<CString> {
        let mut buf = KVec::from_elem(0u8, sys::PATH_MAX as usize, GFP_KERNEL)?;
        // CAST: `PATH_MAX`.
        // SAFETY: The file pins its path; the buffer has the size.
        let text = from_err_ptr(unsafe {
            sys::d_path(self.path(), buf.as_mut_ptr().cast(), sys::PATH_MAX as c_int)
        })?;
        // SAFETY: `d_path` returns a NUL-terminated string in the buffer.
        Ok(CString::try_from(unsafe { CStr::from_char_ptr(text) })?)
    }
}

/// One mount option.
pub(crate) struct Parameter<'a> {
    /// Its name.
    pub(crate) key: &'a CStr,
    /// Its value.
    pub(crate) value: Value<'a>,
}

/// The context in which options are parsed: where messages to the one who mounts go.
pub(crate) struct Context<'a>(*mut sys::fs_context, PhantomData<&'a ()>);

impl Context<'_> {
    /// Leaves a message for the one who mounts (`errorfc`), and returns `error`.
    ///
    /// What does not fit into [`Message::ROOM`] bytes is cut; without memory there is no message. May
    /// sleep.
    pub(crate) fn refuse(&self, error: Error, message: fmt::Arguments<'_>) -> Error {
        let Ok(text) = KVec::with_capacity(Message::ROOM, GFP_KERNEL) else {
            return error;
        };
        let mut text = Message(text);
        // A message that is cut is still a message.
        let _ = fmt::Write::write_fmt(&mut text, message);
        // CAST: At most `ROOM`.
        let len = text.0.len() as c_int;
        // SAFETY: The context is valid, the text has `len` bytes.
        unsafe { sys::switchfs_helper_fc_error(self.0, text.0.as_ptr().cast(), len) };
        error
    }

    /// Whether the caller may mount (CAP_SYS_ADMIN in the initial user namespace), which the VFS asks
    /// for when all options are there.
    pub(crate) fn is_by_admin(&self) -> bool {
        // SAFETY: Only looks at the current task's credentials.
        unsafe { sys::switchfs_helper_admin() }
    }

    /// Whether the caller's user namespace is the one that the context was made in.
    fn owned_by_caller(&self) -> bool {
        // SAFETY: The context is valid.
        unsafe { sys::switchfs_helper_creds_match(self.0) }
    }
}

/// A line of text of limited length.
struct Message(KVec<u8>);

impl Message {
    /// Room for a path, a quoted rule and a list of words.
    const ROOM: usize = 2000;
}

impl fmt::Write for Message {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        let room = Self::ROOM.saturating_sub(self.0.len());
        let fits = s.as_bytes().get(..room).unwrap_or(s.as_bytes());
        // The memory is there already.
        self.0
            .extend_from_slice(fits, GFP_KERNEL)
            .map_err(|_| fmt::Error)?;
        if fits.len() < s.len() {
            return Err(fmt::Error);
        }
        Ok(())
    }
}

/// What a mount is made of.
pub(crate) struct NewSuper {
    /// What is kept for the mount.
    pub(crate) info: KBox<Info>,
    /// The stack depth to publish.
    pub(crate) depth: u8,
    /// Whether mounts of it may map ids.
    pub(crate) idmappable: bool,
}

/// The operations of a mount being made or changed.
#[vtable]
pub(crate) trait ContextOps {
    /// What is collected from the options.
    type Data: Send;

    /// An empty collection.
    fn new() -> Result<KBox<Self::Data>>;

    /// Takes one option. ENOPARAM for one that is not the filesystem's.
    fn parse(data: &mut Self::Data, context: &Context<'_>, option: &Parameter<'_>) -> Result;

    /// Makes a mount of the options, with the device `dev`. Runs under the caller's credentials; may sleep.
    fn open(data: &mut Self::Data, context: &Context<'_>, dev: u32) -> Result<NewSuper>;

    /// How the inode of the root is to look.
    fn root(info: &Info) -> Result<Identity<'_>>;

    /// Changes a mount; when it fails, it has changed nothing. May sleep.
    fn reconfigure(data: &mut Self::Data, context: &Context<'_>, sb: &SuperBlock) -> Result;
}

/// The filesystem's implementation.
type Ops = <Fs as FileSystem>::Context;
/// What it collects.
type Data = <Ops as ContextOps>::Data;

/// The collection of a context.
///
/// # Safety
///
/// `fc` is a context that `init_callback` prepared, used by this task alone.
unsafe fn data<'a>(fc: *mut sys::fs_context) -> &'a mut Data {
    // SAFETY: By the contract.
    let data = unsafe { (*fc).fs_private };
    // SAFETY: `fs_private` came from `KBox::into_raw`, and lives until `free`.
    unsafe { &mut *data.cast::<Data>() }
}

/// `init_fs_context` of the filesystem type.
///
/// # Safety
///
/// Called by the VFS with a new context.
pub(super) unsafe extern "C" fn init_callback(fc: *mut kernel::bindings::fs_context) -> c_int {
    // CAST: The delta's type is the complete one of the same C structure.
    let fc = fc.cast::<sys::fs_context>();
    from_result(|| {
        let data = KBox::into_raw(Ops::new()?);
        // SAFETY: By the contract.
        unsafe { (*fc).fs_private = data.cast() };
        // SAFETY: By the contract.
        unsafe { (*fc).ops = const { &OPERATIONS } };
        Ok(0)
    })
}

/// `free`.
///
/// # Safety
///
/// Called by the VFS once, with a context of switchfs.
unsafe extern "C" fn free_callback(fc: *mut sys::fs_context) {
    // SAFETY: By the contract.
    let data = unsafe { (*fc).fs_private }.cast::<Data>();
    if !data.is_null() {
        // SAFETY: Came from `KBox::into_raw` in `init_callback`.
        drop(unsafe { KBox::from_raw(data) });
    }
}

/// `parse_param`.
///
/// # Safety
///
/// Called by the VFS with a context of switchfs and an option.
unsafe extern "C" fn parse_param_callback(
    fc: *mut sys::fs_context,
    param: *mut sys::fs_parameter,
) -> c_int {
    // SAFETY: By the contract.
    let param = unsafe { &*param };
    // SAFETY: Keys are NUL-terminated and live as long as the option.
    let key = unsafe { CStr::from_char_ptr(param.key) };
    let value = match param.type_() {
        sys::fs_value_type_fs_value_is_flag => Value::Flag,
        sys::fs_value_type_fs_value_is_string => {
            // SAFETY: The type says that this field of the union is the one in use.
            let string = unsafe { param.__bindgen_anon_1.string };
            // SAFETY: Strings are NUL-terminated and live as long as the option.
            Value::String(unsafe { CStr::from_char_ptr(string) })
        }
        sys::fs_value_type_fs_value_is_file => {
            // SAFETY: The type says that this field of the union is the one in use; the option holds
            // the file.
            let file = unsafe { param.__bindgen_anon_1.file };
            // SAFETY: As above.
            let file = unsafe { &*file };
            Value::File(PathFile(file))
        }
        _ => Value::Other,
    };
    // SAFETY: By the contract.
    let data = unsafe { data(fc) };
    let context = Context(fc, PhantomData);
    from_result(|| Ops::parse(data, &context, &Parameter { key, value }).map(|()| 0))
}

/// `get_tree`.
///
/// # Safety
///
/// Called by the VFS with a context of switchfs.
unsafe extern "C" fn get_tree_callback(fc: *mut sys::fs_context) -> c_int {
    // SAFETY: The context is valid, and the callback fills a superblock of it.
    unsafe { sys::get_tree_nodev(fc, Some(fill_super_callback)) }
}

/// Fills a new superblock.
///
/// # Safety
///
/// Called by `get_tree_nodev` with a new superblock and a context of switchfs.
unsafe extern "C" fn fill_super_callback(
    sb: *mut sys::super_block,
    fc: *mut sys::fs_context,
) -> c_int {
    from_result(|| {
        let context = Context(fc, PhantomData);
        if !context.owned_by_caller() {
            return Err(EINVAL);
        }
        // SAFETY: By the contract.
        let data = unsafe { data(fc) };
        // SAFETY: By the contract.
        let dev = unsafe { (*sb).s_dev };
        let new = Ops::open(data, &context, dev)?;
        // SAFETY: By the contract.
        unsafe { fill(sb, new) }?;
        Ok(0)
    })
}

/// Sets up the superblock and its root.
///
/// # Safety
///
/// `sb` is new: it has no root, no inode, and nobody else uses it.
unsafe fn fill(sb: *mut sys::super_block, new: NewSuper) -> Result {
    // SAFETY: By the contract.
    let s = unsafe { &mut *sb };
    s.s_op = super_ops::super_operations();
    s.s_magic = Fs::MAGIC as usize;
    s.s_xattr = xattr::xattr_handlers().cast();
    s.s_export_op = export_ops::export_operations(&new.info).cast();
    s.s_stack_depth = i32::from(new.depth);
    // As for `MAX_LFS_FILESIZE` of 64 bits: the branch sets the limits.
    s.s_maxbytes = i64::MAX;
    s.s_time_gran = 1;
    s.s_flags |= sys::SB_POSIXACL;
    // sync(2) syncs the branches by themselves; the branch applies the umask.
    s.s_iflags |=
        (sys::SB_I_SKIP_SYNC | sys::SB_I_NOUMASK | sys::SB_I_EVM_HMAC_UNSUPPORTED) as usize;
    if !new.idmappable {
        s.s_iflags |= sys::SB_I_NOIDMAP as usize;
    }
    // SAFETY: By the contract nobody holds a lock of the superblock that is classed here.
    unsafe { sys::switchfs_helper_lockdep_sb(sb, i32::from(new.depth)) };
    // SAFETY: The superblock is new, the table is static.
    unsafe { sys::set_default_d_op(sb, dentry_ops::dentry_operations()) };
    s.s_fs_info = new.info.into_foreign();

    // SAFETY: `s_fs_info` is set.
    let filled = unsafe { make_root(sb) };
    if filled.is_err() {
        // `put_super` is not called for a superblock without a root.
        // SAFETY: Set from `into_foreign` above.
        drop(unsafe { <KBox<Info> as ForeignOwnable>::from_foreign(s.s_fs_info) });
        s.s_fs_info = core::ptr::null_mut();
    } else {
        // SAFETY: `put_super` is called for what has a root, and removes the files first.
        unsafe { debugfs::add_mount(s.s_dev, s.s_fs_info) };
    }
    filled
}

/// Gives the superblock its root.
///
/// # Safety
///
/// `sb` is a superblock of switchfs that is complete but for its root.
unsafe fn make_root(sb: *mut sys::super_block) -> Result {
    // SAFETY: By the contract.
    let switch = unsafe { SuperBlock::from_raw(sb) };
    let inode = switch.iget(&Ops::root(switch.info())?)?.inode;
    // A remount may give it any branch that is not too deep for this mount.
    // CAST: At most `FILESYSTEM_MAX_STACK_DEPTH`.
    let depth = switch.depth() as i32;
    // SAFETY: Nobody else knows the inode.
    unsafe { sys::switchfs_helper_lockdep_inode(inode.as_raw(), depth) };
    // SAFETY: The reference is handed over, also when it fails.
    let root = unsafe { sys::d_make_root(ARef::into_raw(inode).as_ptr().cast()) };
    if root.is_null() {
        return Err(ENOMEM);
    }
    // SAFETY: By the contract.
    unsafe { (*sb).s_root = root };
    Ok(())
}

impl SuperBlock {
    /// Lets `change` put another default branch in force: whoever asks for the root's home gets the
    /// old one before, and the new one after it. May sleep.
    pub(crate) fn change_default(&self, change: impl FnOnce()) {
        let root = self.root().inode();
        if let Some(root) = root {
            root.follow_default();
        }
        change();
        if let (Some(root), Ok(identity)) = (root, Ops::root(self.info())) {
            root.set_ino(identity.ino);
        }
    }
}

/// `reconfigure`.
///
/// # Safety
///
/// Called by the VFS with a context of switchfs that has a root, with `s_umount` held.
unsafe extern "C" fn reconfigure_callback(fc: *mut sys::fs_context) -> c_int {
    // SAFETY: By the contract.
    let root = unsafe { (*fc).root };
    // SAFETY: By the contract.
    let sb = unsafe { (*root).d_sb };
    // SAFETY: A mount of switchfs.
    let sb = unsafe { SuperBlock::from_raw(sb) };
    // SAFETY: By the contract.
    let data = unsafe { data(fc) };
    let context = Context(fc, PhantomData);
    from_result(|| Ops::reconfigure(data, &context, sb).map(|()| 0))
}

/// The table of a context. No `dup`: submounts are not made; no `parse_monolithic`: the VFS splits.
const OPERATIONS: sys::fs_context_operations = sys::fs_context_operations {
    free: Some(free_callback),
    dup: None,
    parse_param: Some(parse_param_callback),
    parse_monolithic: None,
    get_tree: Some(get_tree_callback),
    reconfigure: Some(reconfigure_callback),
};
