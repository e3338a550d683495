// SPDX-License-Identifier: GPL-2.0-only

//! What `/proc/PID/fdinfo/FD` shows of an open file: for each backing file a line of what it is used
//! for, its branch and the path within it.

use crate::{
    readdir::OpenDir,
    sb::Info,
    text::Text,
    vfs::{
        BackingFile,
        Id,
        RegularFile,
        Use, //
    },
};
use kernel::{
    fmt,
    prelude::*, //
};

/// What a use is called.
fn label(which: Use) -> &'static str {
    match which {
        Use::Open => "open",
        Use::Read => "read",
        Use::Write => "write",
        Use::Mmap => "mmap",
        Use::SpliceRead => "splice",
        Use::SpliceWrite => "splice-to",
        Use::Lseek => "lseek",
        Use::CopyFrom => "copy",
        Use::CopyTo => "copy-to",
        Use::RemapFrom => "remap",
        Use::RemapTo => "remap-to",
    }
}

/// Appends the name of the branch of `file`, and the path within it.
fn put_place(out: &mut Text, info: &Info, file: &BackingFile) -> Result {
    match info.branches.of_file(file) {
        Some(id) => out.bytes(info.branches.get(id)?.name.to_bytes())?,
        // Opened before a remount moved the branch.
        None => out.bytes(b"(former)")?,
    }
    out.bytes(b" ")?;
    file.with_path(|path| out.column(path))?
}

/// The lines of a directory: one for each branch that it was listed from, that of the home first.
pub(crate) fn of_dir(info: &Info, dir: &OpenDir) -> Result<KVVec<u8>> {
    let mut out = Text::new();
    dir.each_file(|file| {
        out.bytes(b"switchfs:\treaddir ")?;
        put_place(&mut out, info, file)?;
        out.bytes(b"\n")
    })?;
    Ok(out.into_bytes())
}

/// The lines of a regular file: one for each backing file, or for each errno, and for each file that
/// is a gate's.
pub(crate) fn of_regular(file: &RegularFile) -> Result<KVVec<u8>> {
    let info = file.dentry().sb().info();
    let key = |which: Use| {
        file.backing(which)
            .map(BackingFile::id)
            .map_err(|e| e.to_errno())
    };
    let mut out = Text::new();
    let known: [Result<Id, i32>; Use::ALL.len()] = Use::ALL.map(key);
    if let Ok(only) = file.backing(Use::Open) {
        if known.iter().all(|k| *k == Ok(only.id())) {
            out.bytes(b"switchfs:\tall ")?;
            put_place(&mut out, info, only)?;
            out.bytes(b"\n")?;
            put_gates(&mut out, info, file, &known)?;
            return Ok(out.into_bytes());
        }
    }
    for (place, which) in Use::ALL.into_iter().enumerate() {
        let own = key(which);
        if known.iter().take(place).any(|k| *k == own) {
            continue;
        }
        let mut separator = "\t";
        out.bytes(b"switchfs:")?;
        for other in Use::ALL.into_iter().filter(|other| key(*other) == own) {
            out.put(fmt!("{separator}{}", label(other)))?;
            separator = ",";
        }
        out.bytes(b" ")?;
        match file.backing(which) {
            Ok(backing) => put_place(&mut out, info, backing)?,
            Err(e) => out.put(fmt!("deny:{} -", Errno(e)))?,
        }
        out.bytes(b"\n")?;
    }
    put_gates(&mut out, info, file, &known)?;
    Ok(out.into_bytes())
}

/// Appends a line for each file of `file` that a gate keeps open, and that has none of the uses of
/// `known`.
fn put_gates(out: &mut Text, info: &Info, file: &RegularFile, known: &[Result<Id, i32>]) -> Result {
    file.each_backing(|backing| {
        if known.contains(&Ok(backing.id())) {
            return Ok(());
        }
        out.bytes(b"switchfs:\tgate ")?;
        put_place(out, info, backing)?;
        out.bytes(b"\n")
    })
}

/// An errno by its name.
pub(crate) struct Errno(pub(crate) Error);

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.name().and_then(|name| name.to_str().ok()) {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.0.to_errno().wrapping_neg()),
        }
    }
}
