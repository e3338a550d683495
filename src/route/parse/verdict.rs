// SPDX-License-Identifier: GPL-2.0-only

//! The verdicts, read.

use super::{
    super::{
        error::{
            Fault,
            ParseError, //
        },
        mem::Vec,
        rule::Said,
        verdict::{
            BranchId,
            Errno,
            Verdict, //
        },
    },
    within, Branches, Words,
};
use core::ops::Range;

/// How the verdicts are written, for messages; the branch stands first.
pub(in super::super) const VERDICT_FORMS: [&str; 6] = [
    "BRANCH",
    "A|B|...",
    "deny",
    "deny:ERRNO",
    "hide",
    "gate:G BRANCH",
];

/// Reads the verdict that starts with `word` and appends its canonical text to `text`.
pub(super) fn read<'a>(
    words: &mut Words<'a>,
    word: Range<usize>,
    branches: Branches<'_>,
    text: &mut Vec<u8>,
) -> Result<Said, ParseError<'a>> {
    let bytes = words.bytes(&word);
    if let Some(errno) = bytes.strip_prefix(b"deny:") {
        let at = word.end.saturating_sub(errno.len())..word.end;
        let errno = Errno::find(errno).ok_or_else(|| words.wrong(at, Fault::UnknownErrno))?;
        text.extend_from_slice(b"deny")?;
        if errno != Errno::EACCES {
            text.push(b':')?;
            text.extend_from_slice(errno.name().as_bytes())?;
        }
        return Ok(Said::Plain(Verdict::Deny(errno)));
    }
    // All others have one spelling.
    text.extend_from_slice(bytes)?;
    let verdict = match bytes {
        b"deny" => Verdict::Deny(Errno::EACCES),
        b"hide" => Verdict::Hide,
        _ if bytes.starts_with(b"gate:") => {
            let gate = word.start.saturating_add(b"gate:".len())..word.end;
            return read_gate(words, word, gate, branches, text);
        }
        _ if bytes.contains(&b'|') => return read_alternatives(words, word, branches),
        _ if BranchId::is_name(bytes) => {
            let unknown = || words.wrong(word.clone(), Fault::UnknownBranch);
            Verdict::Branch(branches(bytes).ok_or_else(unknown)?)
        }
        _ => return Err(words.wrong(word, Fault::UnknownVerdict)),
    };
    Ok(Said::Plain(verdict))
}

/// Reads what follows the branch at `gate`, which ends `word`.
fn read_gate<'a>(
    words: &mut Words<'a>,
    word: Range<usize>,
    gate: Range<usize>,
    branches: Branches<'_>,
    text: &mut Vec<u8>,
) -> Result<Said, ParseError<'a>> {
    let find = |words: &Words<'a>, at: &Range<usize>| {
        let branch = branches(words.bytes(at));
        branch.ok_or_else(|| words.wrong(at.clone(), Fault::NoBranch))
    };
    let asked = find(words, &gate)?;
    let Some(guarded) = words.take() else {
        return Err(words.wrong(word, Fault::NoGuarded));
    };
    let branch = find(words, &guarded)?;
    if branch == asked {
        return Err(words.wrong(gate, Fault::OwnGate));
    }
    text.push(b' ')?;
    text.extend_from_slice(words.bytes(&guarded))?;
    Ok(Said::Plain(Verdict::Gate {
        gate: asked,
        branch,
    }))
}

/// Reads the branches that are joined by `|` in `word`.
fn read_alternatives<'a>(
    words: &Words<'a>,
    word: Range<usize>,
    branches: Branches<'_>,
) -> Result<Said, ParseError<'a>> {
    let mut list = Vec::new();
    let mut start = 0usize;
    for name in words.bytes(&word).split(|byte| *byte == b'|') {
        let end = start.saturating_add(name.len());
        let at = within(&word, start..end);
        let Some(branch) = branches(name) else {
            return Err(words.wrong(at, Fault::NoBranch));
        };
        if list.contains(&branch) {
            return Err(words.wrong(at, Fault::TwiceInList));
        }
        list.push(branch)?;
        start = end.saturating_add(1);
    }
    Ok(Said::First(list))
}
