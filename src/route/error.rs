// SPDX-License-Identifier: GPL-2.0-only

//! What can be wrong with rules, and how that is told.

use super::{
    mem::{
        Display,
        NoMem,
        Vec, //
    },
    op::{
        Op,
        CLASSES, //
    },
    parse::{
        CONDITIONS,
        VERDICTS, //
    },
    verdict::ERRNOS, //
};
use core::{
    fmt::{
        Formatter,
        Result,
        Write, //
    },
    ops::Range, //
};

/// Why a text is not a rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ParseError<'a> {
    /// There was no memory for it.
    NoMem,
    /// It is not one.
    Syntax(SyntaxError<'a>),
}

impl From<NoMem> for ParseError<'_> {
    fn from(_: NoMem) -> Self {
        ParseError::NoMem
    }
}

/// What is wrong with the text of a rule, and where.
///
/// Shown, it quotes the rule and the offending word and says what was expected.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError<'a> {
    /// The whole text.
    pub(super) text: &'a [u8],
    /// The bytes of it that are at fault.
    pub(super) word: Range<usize>,
    /// What is wrong with them.
    pub(super) fault: Fault,
}

/// The faults that a rule's text can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// There is no word in the rule.
    Empty,
    /// There is no `->`.
    NoArrow,
    /// Nothing follows the `->`.
    NoVerdict,
    /// Something follows the verdict.
    AfterVerdict,
    /// A word before the `->` has no `=`.
    NoCondition,
    /// The key is unknown.
    UnknownCondition,
    /// The key was there before.
    Repeated,
    /// Nothing follows the `=`.
    NoValue,
    /// The operation is unknown.
    UnknownOp,
    /// The path does not start with `/`.
    Relative,
    /// There is nothing between two slashes, or after the last one.
    EmptyComponent,
    /// The component is `.` or `..`.
    DotComponent,
    /// There is a slash in a name.
    SlashInName,
    /// `**` is only a part of a component, or in a name.
    PartialDeep,
    /// A `[` has no `]`.
    Unclosed,
    /// A range ends before it starts.
    BadRange,
    /// A class such as `[:alpha:]`.
    CharClass,
    /// `\x` without two hexadecimal digits.
    BadHex,
    /// A backslash before nothing, or before a letter or digit.
    BadEscape,
    /// A NUL byte or an escaped slash.
    NotInNames,
    /// The errno is unknown.
    UnknownErrno,
    /// The word could be a branch's name, but there is no such branch.
    UnknownBranch,
    /// The verdict is unknown.
    UnknownVerdict,
}

impl Fault {
    /// What is said ahead of the offending word, and after it.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Fault::Empty => ("no words in", ", expected CONDITION... -> VERDICT"),
            Fault::NoArrow => ("no `->` in", ", expected CONDITION... -> VERDICT"),
            Fault::NoVerdict => ("no verdict after", ", expected one of "),
            Fault::AfterVerdict => ("unexpected", " after the verdict"),
            Fault::NoCondition => ("unexpected", " before the `->`, expected one of "),
            Fault::UnknownCondition => ("unknown condition", ", expected one of "),
            Fault::Repeated => ("condition", " is given twice"),
            Fault::NoValue => ("no value after", ""),
            Fault::UnknownOp => ("unknown op", ", expected one of "),
            Fault::Relative => ("path", " does not start with `/`"),
            Fault::EmptyComponent => ("empty component in path", ""),
            Fault::DotComponent => ("component", " never matches, no path has it"),
            Fault::SlashInName => ("name", " has a `/`, expected one component"),
            Fault::PartialDeep => ("`**` in", ", expected it as a component of a path"),
            Fault::Unclosed => ("no `]` for the bracket in", ""),
            Fault::BadRange => ("range", " ends before it starts"),
            Fault::CharClass => (
                "character class",
                ", expected single characters and ranges within brackets",
            ),
            Fault::BadHex => ("escape", ", expected two hexadecimal digits after `\\x`"),
            Fault::BadEscape => ("escape", ", expected `\\xHH`, or `\\` and punctuation"),
            Fault::NotInNames => ("byte", " is never in a name"),
            Fault::UnknownErrno => ("unknown errno", ", expected one of "),
            Fault::UnknownBranch => ("unknown branch", ", expected one of "),
            Fault::UnknownVerdict => ("unknown verdict", ", expected one of "),
        }
    }

    /// Writes the words that would have been right, if there is a list of them.
    fn expected(self, f: &mut Formatter<'_>) -> Result {
        match self {
            Fault::UnknownOp => {
                let classes = CLASSES.iter().map(|class| class.name);
                list(f, classes.chain(Op::ALL.iter().map(|op| op.name())))
            }
            Fault::NoCondition => list(f, CONDITIONS.iter().map(|condition| condition.form)),
            Fault::UnknownCondition => list(f, CONDITIONS.iter().map(|condition| condition.key)),
            Fault::UnknownErrno => list(f, ERRNOS.iter().map(|(name, _)| *name)),
            Fault::NoVerdict | Fault::UnknownVerdict => {
                list(f, VERDICTS.iter().map(|verdict| verdict.form))
            }
            Fault::UnknownBranch => {
                f.write_str("the mount's branches, ")?;
                list(f, VERDICTS.iter().map(|verdict| verdict.form).skip(1))
            }
            _ => Ok(()),
        }
    }
}

/// Writes `words` with commas between them.
fn list(f: &mut Formatter<'_>, words: impl Iterator<Item = &'static str>) -> Result {
    let mut separator = "";
    for word in words {
        f.write_str(separator)?;
        f.write_str(word)?;
        separator = ", ";
    }
    Ok(())
}

impl Display for SyntaxError<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (before, after) = self.fault.words();
        f.write_str("rule ")?;
        quote(f, self.text)?;
        f.write_str(": ")?;
        f.write_str(before)?;
        f.write_str(" ")?;
        quote(f, self.text.get(self.word.clone()).unwrap_or_default())?;
        f.write_str(after)?;
        self.fault.expected(f)
    }
}

/// Why rules do not make a policy.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum CompileError {
    /// There was no memory for it.
    NoMem,
    /// There are more than [`MAX_RULES`](super::MAX_RULES).
    TooMany,
    /// A rule is there twice.
    Twice(Twice),
}

impl From<NoMem> for CompileError {
    fn from(_: NoMem) -> Self {
        CompileError::NoMem
    }
}

/// The rule that is there twice.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Twice {
    /// Its text.
    pub(super) text: Vec<u8>,
}

impl Display for Twice {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("rule ")?;
        quote(f, &self.text)?;
        f.write_str(" is given twice")
    }
}

/// How many characters of a text are quoted, so that no message is longer than 1,000 bytes.
const QUOTED: usize = 240;

/// Writes `text` between backquotes, its control bytes escaped and its end cut if it is long.
fn quote(f: &mut Formatter<'_>, text: &[u8]) -> Result {
    let mut left = QUOTED;
    f.write_str("`")?;
    for chunk in text.utf8_chunks() {
        let valid = chunk.valid().chars();
        let plain = valid.map(|c| {
            if c.is_ascii_control() {
                Err(u32::from(c))
            } else {
                Ok(c)
            }
        });
        let bytes = chunk.invalid().iter().map(|byte| Err((*byte).into()));
        for c in plain.chain(bytes) {
            let length = c.map_or(4, char::len_utf8);
            let Some(rest) = left.checked_sub(length) else {
                return f.write_str("...`");
            };
            left = rest;
            match c {
                Ok(c) => f.write_char(c)?,
                Err(byte) => write!(f, "\\x{byte:02x}")?,
            }
        }
    }
    f.write_str("`")
}
