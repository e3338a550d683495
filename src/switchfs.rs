// SPDX-License-Identifier: GPL-2.0-only

//! switchfs: a stacking filesystem whose names and operations are routed to branches.
//!
//! Like overlayfs it is mounted over directories of other filesystems, but nothing is merged: each
//! name has one home branch, and rules choose which branch serves an operation.

#[path = "../rust-bindings/lib.rs"]
mod vfs;

#[forbid(unsafe_code)]
mod acl;
#[forbid(unsafe_code)]
mod attach;
#[forbid(unsafe_code)]
mod batch;
#[forbid(unsafe_code)]
mod branch;
#[forbid(unsafe_code)]
mod call;
#[forbid(unsafe_code)]
mod chooser;
#[forbid(unsafe_code)]
mod creation;
#[forbid(unsafe_code)]
mod debug;
#[forbid(unsafe_code)]
mod dir;
#[forbid(unsafe_code)]
mod error;
#[forbid(unsafe_code)]
mod explain;
#[forbid(unsafe_code)]
mod fdinfo;
#[forbid(unsafe_code)]
mod file;
#[forbid(unsafe_code)]
mod fileattr;
#[forbid(unsafe_code)]
mod handle;
#[forbid(unsafe_code)]
mod ino;
#[forbid(unsafe_code)]
mod inode;
#[forbid(unsafe_code)]
mod known;
#[forbid(unsafe_code)]
mod lessons;
#[forbid(unsafe_code)]
mod listing;
#[forbid(unsafe_code)]
mod mirror;
#[forbid(unsafe_code)]
mod namei;
#[forbid(unsafe_code)]
mod options;
#[forbid(unsafe_code)]
mod params;
#[forbid(unsafe_code)]
mod path;
#[forbid(unsafe_code)]
mod policy;
#[forbid(unsafe_code)]
mod program;
#[forbid(unsafe_code)]
mod range;
#[forbid(unsafe_code)]
mod readdir;
#[forbid(unsafe_code)]
mod remount;
#[forbid(unsafe_code)]
mod rename;
#[forbid(unsafe_code)]
mod revalidate;
#[forbid(unsafe_code)]
mod route;
#[forbid(unsafe_code)]
mod sb;
#[forbid(unsafe_code)]
mod sources;
#[forbid(unsafe_code)]
mod stamp;
#[forbid(unsafe_code)]
mod states;
#[forbid(unsafe_code)]
mod stats;
#[forbid(unsafe_code)]
mod text;
#[forbid(unsafe_code)]
mod tmpfile;
#[forbid(unsafe_code)]
mod watch;
#[forbid(unsafe_code)]
mod xattr;

use kernel::prelude::*;

/// The filesystem: which types fill its operation tables.
pub(crate) struct Switchfs;

impl vfs::FileSystem for Switchfs {
    const NAME: &'static CStr = c"switchfs";
    // "SWFS"
    const MAGIC: u32 = 0x5357_4653;
    type Info = sb::Info;
    type Branch = branch::Branch;
    type Super = sb::Super;
    type Context = params::MountContext;
    type Dentry = revalidate::Names;
    type Dir = dir::Dir;
    type Node = inode::Node;
    type Acl = acl::Acls;
    type FileAttr = fileattr::FileAttrs;
    type File = file::File;
    type Range = range::RangeFiles;
    type DirFile = readdir::DirFiles;
    type Tmpfile = tmpfile::Tmpfiles;
    type Xattr = xattr::Xattrs;
    type Export = handle::Handles;
    type Debug = debug::Files;
    type Stamp = stamp::Stamp;

    fn branch(info: &sb::Info, number: u8) -> Option<&branch::Branch> {
        info.branches.of(number).ok()
    }

    fn default_branch(info: &sb::Info) -> &branch::Branch {
        info.branches.known(info.policy.default())
    }
}

/// The loaded module.
#[pin_data]
struct SwitchfsModule {
    /// Unregistered when the module is unloaded.
    #[pin]
    registration: vfs::Registration,
}

impl kernel::InPlaceModule for SwitchfsModule {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            registration <- vfs::Registration::new(module),
        })
    }
}

module! {
    type: SwitchfsModule,
    name: "switchfs",
    authors: ["The switchfs developers"],
    description: "Stacking filesystem that routes names and operations to branches",
    license: "GPL v2",
    alias: ["fs-switchfs"],
}
