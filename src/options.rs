// SPDX-License-Identifier: GPL-2.0-only

//! How mount options are written: branches taken apart, the options in force shown.

use crate::{
    route::BranchId,
    sb::{
        CredsMode,
        Info, //
    },
    vfs::{
        Mount,
        OnDetach, //
    },
};
use core::fmt::Write as _;
use kernel::{
    alloc::AllocError,
    fmt,
    prelude::*,
    seq_file::SeqFile,
    seq_print,
    str::CString, //
};

/// A branch as an option names it.
pub(crate) struct BranchSpec {
    /// Its name; `None` for one that is to be called by its number.
    pub(crate) name: Option<CString>,
    /// Its path.
    pub(crate) path: CString,
    /// Its mount, when it was given as a descriptor.
    pub(crate) mount: Option<Mount>,
}

/// Why a text does not name a branch.
pub(crate) enum SpecError {
    /// There is no memory for it.
    NoMem,
    /// The reason in words.
    Bad(&'static str),
}

impl From<AllocError> for SpecError {
    fn from(_: AllocError) -> Self {
        Self::NoMem
    }
}

impl BranchSpec {
    /// Reads `[NAME=]PATH`.
    fn parse(text: &[u8]) -> Result<Self, SpecError> {
        let (name, path) = match text.iter().position(|b| *b == b'=') {
            Some(at) if text.first() != Some(&b'/') => {
                let (name, rest) = text.split_at(at);
                (Some(name), rest.get(1..).unwrap_or_default())
            }
            _ => (None, text),
        };
        if name.is_some_and(|name| !BranchId::is_name(name)) {
            return Err(SpecError::Bad(
                "a name has 1 to 31 of A-Z a-z 0-9 _ . - and is not deny, hide, gate or none",
            ));
        }
        if path.first() != Some(&b'/') {
            return Err(SpecError::Bad("expected [NAME=]PATH with an absolute PATH"));
        }
        Ok(Self {
            name: name.map(c_string).transpose()?,
            path: c_string(path)?,
            mount: None,
        })
    }

    /// Reads the one branch of a `branch=` option.
    pub(crate) fn one(value: &[u8]) -> Result<Self, SpecError> {
        Self::parse(value)
    }

    /// Reads the branches of a `branches=` option: colons separate, `\:` is a colon. The text of the
    /// one at fault comes with the error.
    pub(crate) fn list(value: &[u8]) -> Result<KVec<Self>, (KVec<u8>, SpecError)> {
        let mut specs = KVec::new();
        let mut text = KVec::new();
        let mut bytes = value.iter().copied().peekable();
        loop {
            let byte = bytes.next();
            match byte {
                Some(b':') | None => {
                    let spec = match Self::parse(&text) {
                        Ok(spec) => spec,
                        Err(e) => return Err((text, e)),
                    };
                    text.clear();
                    if let Err(e) = specs.push(spec, GFP_KERNEL) {
                        return Err((text, e.into()));
                    }
                    if byte.is_none() {
                        return Ok(specs);
                    }
                }
                Some(byte) => {
                    let byte = match byte {
                        b'\\' => bytes.next_if_eq(&b':').unwrap_or(byte),
                        _ => byte,
                    };
                    if let Err(e) = text.push(byte, GFP_KERNEL) {
                        return Err((text, e.into()));
                    }
                }
            }
        }
    }
}

/// A copy of `bytes`, which come from a NUL-terminated string.
fn c_string(bytes: &[u8]) -> Result<CString, SpecError> {
    let mut copy = KVec::with_capacity(bytes.len().saturating_add(1), GFP_KERNEL)?;
    copy.extend_from_slice(bytes, GFP_KERNEL)?;
    copy.push(0, GFP_KERNEL)?;
    let string = CStr::from_bytes_with_nul(&copy).map_err(|_| SpecError::Bad("a NUL byte"))?;
    Ok(CString::try_from(string)?)
}

/// Bytes as `/proc/mounts` writes them: what separates options or fields, in octal.
struct Escaped<'a>(&'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            match byte {
                b'!'..=b'~' if !b",\\#".contains(byte) => f.write_char(char::from(*byte))?,
                _ => write!(f, "\\{byte:03o}")?,
            }
        }
        Ok(())
    }
}

/// Shows the options from which the mount can be made again.
pub(crate) fn show(info: &Info, m: &SeqFile) {
    let policy = info.policy.get();
    for branch in info.branches_of(&policy) {
        seq_print!(
            m,
            ",branch={}={}",
            Escaped(branch.name.to_bytes()),
            Escaped(branch.path.to_bytes())
        );
    }
    if let Ok(branch) = info.branches.get(policy.default()) {
        seq_print!(m, ",default={}", Escaped(branch.name.to_bytes()));
    }
    if info.creds == CredsMode::Caller {
        seq_print!(m, ",creds=caller");
    }
    if let Some(program) = policy.program() {
        let attachment = program.attachment();
        seq_print!(m, ",chooser=bpf:{}", Escaped(attachment.name()));
        let shown = OnDetach::ALL
            .iter()
            .find(|(_, d)| *d == attachment.on_detach());
        if let Some((word, _)) = shown.filter(|(_, d)| *d != OnDetach::Keep) {
            seq_print!(m, ",on_detach={word}");
        }
    }
    if info.max_depth != 0 {
        seq_print!(m, ",max_depth={}", info.max_depth);
    }
    for (file, rules) in policy.parts() {
        if let Some(file) = file {
            seq_print!(m, ",rules={}", Escaped(file.path.to_bytes()));
            continue;
        }
        for rule in rules {
            seq_print!(m, ",rule={}", Escaped(rule.text()));
        }
    }
}
