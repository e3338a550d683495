// SPDX-License-Identifier: GPL-2.0-only

//! Safe wrappers over the VFS: the one place with `unsafe`.
//!
//! One kernel object a file. Objects of a branch ([`Dentry`], [`Inode`], [`Mount`]) and of
//! switchfs itself ([`SwitchDentry`], [`SwitchInode`], [`SuperBlock`]) are different types, so that
//! one cannot be passed for the other.

mod sys;

mod acl;
#[cfg_attr(not(switchfs_bpf), allow(dead_code))]
mod attachment;
mod attr;
mod backing_file;
mod caller;
#[cfg(switchfs_bpf)]
mod chooser;
#[cfg(not(switchfs_bpf))]
#[path = "no_chooser.rs"]
mod chooser;
mod create;
mod cred;
mod debugfs;
mod delegation;
mod dentry;
mod dentry_ops;
mod dir_context;
mod dir_file;
mod dir_ops;
mod errseq;
mod export_ops;
mod file_ops;
mod file_type;
mod fileattr;
mod fs_context;
mod handle;
mod idmap;
mod inode;
mod inode_cache;
mod inode_ops;
mod kept_file;
mod log;
mod mount;
mod name;
mod names;
mod open;
#[cfg(switchfs_bpf)]
mod programs;
#[cfg_attr(not(switchfs_bpf), allow(dead_code))]
mod question;
mod range_ops;
mod rcu;
#[cfg(switchfs_bpf)]
mod registry;
mod regular_file;
mod rename;
mod seen;
mod super_block;
mod super_ops;
mod switch_dentry;
mod switch_home;
mod switch_inode;
mod text_file;
mod tmpfile;
mod unicode;
mod watch;
mod xattr;

pub(crate) use self::{
    acl::{
        Acl,
        AclKind,
        AclOps,
        CachedAcl,
        NewAcl, //
    },
    attachment::{
        Forget,
        Members,
        OnDetach,
        Who, //
    },
    attr::{
        IAttr,
        Stat,
        StatFs,
        StatQuery, //
    },
    backing_file::{
        BackingFile,
        Iocb,
        Owner,
        SpliceRead,
        SpliceWrite,
        Vma, //
    },
    caller::{
        Caller,
        Cgroup,
        CgroupPath, //
    },
    chooser::Attachment,
    create::{
        create_in,
        CreateKind, //
    },
    cred::{
        Creators,
        CredGuard,
        Creds, //
    },
    debugfs::MountFiles,
    dentry::{
        Dentry,
        Object, //
    },
    dentry_ops::{
        DentryOps,
        LookupFlags,
        Revalidate, //
    },
    dir_context::{
        DirContext,
        DirEntry,
        DirSink,
        DirStream,
        Hints, //
    },
    dir_file::{
        DirFile,
        DirFileOps, //
    },
    dir_ops::{
        DirOps,
        Entry,
        RenameFlags, //
    },
    export_ops::ExportOps,
    file_ops::RegularFileOps,
    file_type::{
        BranchOps,
        FileSystem,
        Registration, //
    },
    fileattr::{
        Fiemap,
        FileAttr,
        FileAttrOps, //
    },
    fs_context::{
        Context,
        ContextOps,
        NewSuper,
        Parameter,
        PathFile,
        Value, //
    },
    handle::{
        random,
        Encoded,
        Handle,
        Purpose,
        MAX_WORDS, //
    },
    idmap::Idmap,
    inode::{
        FileType,
        Inode,
        InodeLock, //
    },
    inode_cache::InodeCache,
    inode_ops::{
        Access,
        DelayedCall,
        LinkTarget,
        NodeOps, //
    },
    kept_file::can_keep_files,
    log::LogLimit,
    mount::{
        Mount,
        RealPath, //
    },
    name::Name,
    names::{
        lookup_one,
        remove,
        RemoveKind, //
    },
    open::{
        open_asked,
        open_backing,
        open_dir, //
    },
    question::{
        flag,
        word,
        About,
        Asker,
        Facts as ProgramFacts,
        Link as ProgramLink,
        Object as ProgramObject,
        Question, //
    },
    range_ops::{
        RangeOps,
        Ranges,
        Transfer, //
    },
    rcu::RcuArc,
    regular_file::{
        OpenFile,
        RegularFile,
        SplitFiles,
        Use, //
    },
    rename::{
        Rename,
        RenameEnd, //
    },
    super_block::{
        Id,
        SuperBlock, //
    },
    super_ops::SuperOps,
    switch_dentry::{
        Plain,
        SwitchDentry,
        Tag,
        TagCell, //
    },
    switch_inode::{
        Identity,
        Nosec,
        StandIn,
        SwitchInode, //
    },
    text_file::read_file,
    tmpfile::{
        NamelessFile,
        TmpfileOps, //
    },
    unicode::Encoding,
    watch::{
        trace_open,
        trace_refuse,
        trace_revalidate,
        trace_route,
        watched,
        Opener,
        Watch, //
    },
    xattr::{
        sees_trusted,
        ValueBuffer,
        XattrBuffer,
        XattrName,
        XattrOps,
        XattrValue, //
    },
};
