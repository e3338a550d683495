// SPDX-License-Identifier: GPL-2.0-only

//! The grammar of rules.
//!
//! ```text
//! rule = { key=value } "->" verdict
//! ```
//!
//! Words are separated by white space; a byte that a word cannot hold is written `\xHH` in globs.
//! The keys and the verdicts are tables, [`CONDITIONS`] and [`VERDICTS`].

use super::{
    error::{
        Fault,
        ParseError,
        SyntaxError, //
    },
    glob::{
        GlobError,
        Reader,
        Token, //
    },
    mem::Vec,
    rule::{
        Ops,
        Rule, //
    },
    verdict::{
        BranchId,
        Errno,
        Verdict, //
    },
};
use core::ops::Range;

/// A condition that a rule can have.
pub(super) struct Condition {
    /// What stands ahead of the `=`.
    pub(super) key: &'static str,
    /// How the whole is written, for messages.
    pub(super) form: &'static str,
    /// Reads the value into the draft; what is read twice is an error of the caller.
    read: for<'a> fn(&mut Draft, &Words<'a>, Range<usize>) -> Result<(), ParseError<'a>>,
}

/// The conditions, in the order in which canonical text has them.
pub(super) const CONDITIONS: [Condition; 3] = [
    Condition {
        key: "op",
        form: "op=OP[+OP...]",
        read: Draft::read_op,
    },
    Condition {
        key: "path",
        form: "path=GLOB",
        read: Draft::read_path,
    },
    Condition {
        key: "name",
        form: "name=GLOB",
        read: Draft::read_name,
    },
];

/// A verdict that a rule can have.
pub(super) struct Form {
    /// How it is written, for messages.
    pub(super) form: &'static str,
    /// Reads a word, if it is one of this form.
    read: fn(&[u8], Lookup<'_>) -> Reading,
}

/// A verdict, or what is wrong with the word and where; none if it is not of the form.
type Reading = Option<Result<Verdict, (Range<usize>, Fault)>>;

/// Gives the branch of a name.
type Lookup<'a> = &'a dyn Fn(&[u8]) -> Option<BranchId>;

/// The verdicts; the first form whose reader knows the word has it, so the branch stands last to
/// try and first to name.
pub(super) const VERDICTS: [Form; 3] = [
    Form {
        form: "BRANCH",
        read: read_branch,
    },
    Form {
        form: "deny",
        read: read_deny,
    },
    Form {
        form: "deny:ERRNO",
        read: read_deny_errno,
    },
];

/// The words of a rule's text.
struct Words<'a> {
    /// The whole text.
    text: &'a [u8],
    /// Where the next word may start.
    at: usize,
}

impl<'a> Words<'a> {
    /// The bytes at `range`.
    fn bytes(&self, range: &Range<usize>) -> &'a [u8] {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// Takes the next word.
    fn take(&mut self) -> Option<Range<usize>> {
        let rest = self.text.get(self.at..)?;
        let blanks = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
        let rest = rest.get(blanks..)?;
        let length = rest.iter().take_while(|b| !b.is_ascii_whitespace()).count();
        let start = self.at.saturating_add(blanks);
        self.at = start.saturating_add(length);
        (length > 0).then_some(start..self.at)
    }

    /// The error that there is `fault` at `word`.
    fn wrong(&self, word: Range<usize>, fault: Fault) -> ParseError<'a> {
        ParseError::Syntax(SyntaxError {
            text: self.text,
            word,
            fault,
        })
    }
}

/// A rule that is being read.
struct Draft {
    /// What `op=` says.
    ops: Ops,
    /// What `path=` says.
    path: Option<Vec<Token>>,
    /// What `name=` says.
    name: Option<Vec<Token>>,
    /// The canonical text of each condition that was there, by its place in [`CONDITIONS`].
    texts: [Option<Vec<u8>>; CONDITIONS.len()],
    /// The canonical text of the value that is being read.
    value: Vec<u8>,
}

impl Draft {
    /// Reads the condition `word`.
    fn read<'a>(&mut self, words: &Words<'a>, word: Range<usize>) -> Result<(), ParseError<'a>> {
        let bytes = words.bytes(&word);
        let Some(length) = bytes.iter().position(|byte| *byte == b'=') else {
            return Err(words.wrong(word, Fault::NoCondition));
        };
        let key = word.start..word.start.saturating_add(length);
        let value = key.end.saturating_add(1)..word.end;
        let mut known = CONDITIONS.iter().zip(0usize..);
        let Some((condition, place)) =
            known.find(|(condition, _)| condition.key.as_bytes() == words.bytes(&key))
        else {
            return Err(words.wrong(key, Fault::UnknownCondition));
        };
        if self.texts.get(place).is_some_and(Option::is_some) {
            return Err(words.wrong(key, Fault::Repeated));
        }
        if value.is_empty() {
            return Err(words.wrong(word, Fault::NoValue));
        }
        self.value = Vec::new();
        self.value.extend_from_slice(condition.key.as_bytes())?;
        self.value.push(b'=')?;
        (condition.read)(self, words, value)?;
        self.value.push(b' ')?;
        if let Some(text) = self.texts.get_mut(place) {
            *text = Some(core::mem::replace(&mut self.value, Vec::new()));
        }
        Ok(())
    }

    /// Reads the value of `op=`.
    fn read_op<'a>(
        &mut self,
        words: &Words<'a>,
        value: Range<usize>,
    ) -> Result<(), ParseError<'a>> {
        let mut ops = Ops::NONE;
        let mut start = value.start;
        for word in words.bytes(&value).split(|byte| *byte == b'+') {
            let end = start.saturating_add(word.len());
            ops.add(word)
                .ok_or_else(|| words.wrong(start..end, Fault::UnknownOp))?;
            start = end.saturating_add(1);
        }
        ops.spell(&mut self.value)?;
        self.ops = ops;
        Ok(())
    }

    /// Reads the value of `path=`.
    fn read_path<'a>(
        &mut self,
        words: &Words<'a>,
        value: Range<usize>,
    ) -> Result<(), ParseError<'a>> {
        let tokens = Reader::path(words.bytes(&value), &mut self.value);
        self.path = Some(in_text(tokens, words, value)?);
        Ok(())
    }

    /// Reads the value of `name=`.
    fn read_name<'a>(
        &mut self,
        words: &Words<'a>,
        value: Range<usize>,
    ) -> Result<(), ParseError<'a>> {
        let tokens = Reader::name(words.bytes(&value), &mut self.value);
        self.name = Some(in_text(tokens, words, value)?);
        Ok(())
    }
}

/// A result of reading the glob at `value`, its error placed in the whole text.
fn in_text<'a>(
    tokens: Result<Vec<Token>, GlobError>,
    words: &Words<'a>,
    value: Range<usize>,
) -> Result<Vec<Token>, ParseError<'a>> {
    tokens.map_err(|error| match error {
        GlobError::NoMem => ParseError::NoMem,
        GlobError::Wrong(at, fault) => words.wrong(within(&value, at), fault),
    })
}

/// The range `at`, which counts from the start of `outer`, counted as `outer` is.
fn within(outer: &Range<usize>, at: Range<usize>) -> Range<usize> {
    outer.start.saturating_add(at.start)..outer.start.saturating_add(at.end)
}

/// Reads the name of a branch.
fn read_branch(word: &[u8], lookup: Lookup<'_>) -> Reading {
    if !BranchId::is_name(word) {
        return None;
    }
    let unknown = (0..word.len(), Fault::UnknownBranch);
    Some(lookup(word).map(Verdict::Branch).ok_or(unknown))
}

/// Reads `deny`.
fn read_deny(word: &[u8], _: Lookup<'_>) -> Reading {
    (word == b"deny").then_some(Ok(Verdict::Deny(Errno::EACCES)))
}

/// Reads `deny:` with an errno.
fn read_deny_errno(word: &[u8], _: Lookup<'_>) -> Reading {
    let name = word.strip_prefix(b"deny:")?;
    let unknown = (
        word.len().saturating_sub(name.len())..word.len(),
        Fault::UnknownErrno,
    );
    Some(Errno::find(name).map(Verdict::Deny).ok_or(unknown))
}

impl Rule {
    /// Reads a rule whose verdict may name what `branches` knows.
    pub(crate) fn parse<'a>(
        text: &'a [u8],
        branches: &dyn Fn(&[u8]) -> Option<BranchId>,
    ) -> Result<Rule, ParseError<'a>> {
        let mut words = Words { text, at: 0 };
        let mut draft = Draft {
            ops: Ops::ALL,
            path: None,
            name: None,
            texts: [const { None }; CONDITIONS.len()],
            value: Vec::new(),
        };
        let arrow = loop {
            match words.take() {
                None if text.trim_ascii().is_empty() => {
                    return Err(words.wrong(0..text.len(), Fault::Empty));
                }
                None => return Err(words.wrong(0..text.len(), Fault::NoArrow)),
                Some(word) if words.bytes(&word) == b"->" => break word,
                Some(word) => draft.read(&words, word)?,
            }
        };
        let Some(word) = words.take() else {
            return Err(words.wrong(arrow, Fault::NoVerdict));
        };
        if let Some(extra) = words.take() {
            return Err(words.wrong(
                extra.start..text.trim_ascii_end().len(),
                Fault::AfterVerdict,
            ));
        }
        let bytes = words.bytes(&word);
        let known = VERDICTS
            .iter()
            .find_map(|form| (form.read)(bytes, branches));
        let verdict = known
            .unwrap_or(Err((0..bytes.len(), Fault::UnknownVerdict)))
            .map_err(|(at, fault)| words.wrong(within(&word, at), fault))?;

        let mut canonical = Vec::new();
        for text in draft.texts.iter().flatten() {
            canonical.extend_from_slice(text)?;
        }
        canonical.extend_from_slice(b"-> ")?;
        verdict.spell(bytes, &mut canonical)?;
        Ok(Rule {
            text: canonical,
            ops: draft.ops,
            path: draft.path,
            name: draft.name,
            verdict,
        })
    }
}
