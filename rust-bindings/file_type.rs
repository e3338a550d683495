// SPDX-License-Identifier: GPL-2.0-only

//! The filesystem type: what the module registers, and which types of `src/` fill its tables.
//!
//! C header: [`include/linux/fs.h`](srctree/include/linux/fs.h)

use super::{
    chooser,
    debugfs,
    fs_context,
    sys,
    AclOps,
    ContextOps,
    Dentry,
    DentryOps,
    DirFileOps,
    DirOps,
    ExportOps,
    FileAttrOps,
    Forget,
    InodeCache,
    MountFiles,
    NodeOps,
    RangeOps,
    RegularFileOps,
    SuperOps,
    TmpfileOps,
    XattrOps, //
};
use kernel::{
    prelude::*,
    str::CStr,
    types::Opaque, //
};

/// The types that implement the operation tables of one filesystem.
pub(crate) trait FileSystem {
    /// Its name.
    const NAME: &'static CStr;
    /// Its `statfs` type.
    const MAGIC: u32;
    /// What is kept for each mount.
    type Info: Send + Sync;
    /// A branch of a mount.
    type Branch: BranchOps;
    /// `super_operations`.
    type Super: SuperOps;
    /// `fs_context_operations`.
    type Context: ContextOps;
    /// `dentry_operations`.
    type Dentry: DentryOps;
    /// `inode_operations` of directories.
    type Dir: DirOps;
    /// `inode_operations` of everything.
    type Node: NodeOps;
    /// The ACL slots of `inode_operations`.
    type Acl: AclOps;
    /// `fileattr_get`, `fileattr_set` and `fiemap` of `inode_operations`.
    type FileAttr: FileAttrOps;
    /// `file_operations` of regular files.
    type File: RegularFileOps;
    /// `file_operations` on ranges of regular files.
    type Range: RangeOps;
    /// `file_operations` of directories.
    type DirFile: DirFileOps;
    /// `tmpfile` of `inode_operations`.
    type Tmpfile: TmpfileOps;
    /// `xattr_handler`, and `listxattr` of `inode_operations`.
    type Xattr: XattrOps;
    /// `export_operations`.
    type Export: ExportOps;
    /// The files of a mount in debugfs.
    type Debug: MountFiles;
    /// What ends the verdicts that a mount kept.
    type Stamp: Forget;

    /// The branch of a mount that has the number `number`.
    fn branch(info: &Self::Info, number: u8) -> Option<&Self::Branch>;

    /// The default branch of the policy in force, the home of the root. May be called in RCU walk.
    fn default_branch(info: &Self::Info) -> &Self::Branch;
}

/// What is asked of a branch by the inodes whose home it is.
pub(crate) trait BranchOps: Send + Sync {
    /// Its root directory, which it keeps.
    fn top(&self) -> &Dentry;

    /// Its number.
    fn number(&self) -> u8;

    /// How many filesystems are stacked on its root, the mount of switchfs counted.
    fn depth(&self) -> u8;
}

/// The one filesystem of this module.
pub(super) type Fs = crate::Switchfs;
/// What it keeps for each mount.
pub(super) type Info = <Fs as FileSystem>::Info;
/// What ends the verdicts that a mount kept.
pub(super) type Stamp = <Fs as FileSystem>::Stamp;
/// A branch of a mount.
pub(super) type Branch = <Fs as FileSystem>::Branch;

/// The registered filesystem type; unregistered when dropped.
#[pin_data(PinnedDrop)]
pub(crate) struct Registration {
    /// The C structure.
    #[pin]
    fs: Opaque<sys::file_system_type>,
    /// Dropped after the type is unregistered, as is what follows.
    cache: InodeCache,
    /// What there is of mounts in debugfs.
    debugfs: debugfs::Folder,
}

// SAFETY: The type is registered and unregistered by functions that take their own lock.
unsafe impl Send for Registration {}
// SAFETY: As for `Send`; there is no method.
unsafe impl Sync for Registration {}

impl Registration {
    /// Registers the filesystem type of `module`.
    pub(crate) fn new(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            cache: InodeCache::new()?,
            debugfs: debugfs::Folder::new(module)?,
            _: { chooser::init() },
            fs <- Opaque::try_ffi_init(|slot: *mut sys::file_system_type| {
                // SAFETY: The slot is valid for writing.
                unsafe {
                    slot.write(sys::file_system_type {
                        name: Fs::NAME.as_char_ptr(),
                        // `rename` moves the dentries itself; see `DirOps::rename`.
                        fs_flags: (sys::FS_RENAME_DOES_D_MOVE | sys::FS_ALLOW_IDMAP) as c_int,
                        init_fs_context: Some(fs_context::init_callback),
                        kill_sb: Some(sys::kill_anon_super),
                        owner: module.as_ptr(),
                        ..pin_init::zeroed()
                    })
                };
                // SAFETY: The slot is initialised, and pinned until it is unregistered.
                sys::to_result(unsafe { sys::register_filesystem(slot) })
            }),
        })
    }
}

#[pinned_drop]
impl PinnedDrop for Registration {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: Registered in `new`; no mount is left, as mounts hold the module.
        unsafe { sys::unregister_filesystem(self.fs.get()) };
    }
}
