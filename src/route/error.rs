// SPDX-License-Identifier: GPL-2.0-only

//! What can be wrong with rules, and how that is told.

use super::{
    facts::Access,
    kind::Kind,
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
        VERDICT_FORMS, //
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
    /// The letter is no type.
    UnknownType,
    /// The letter is no way of opening.
    UnknownAccess,
    /// It is no user or group id.
    BadId,
    /// It is no `<N` or `>N`.
    BadSize,
    /// The size needs more than 64 bits.
    HugeSize,
    /// No size is below it, or above it.
    NoSuchSize,
    /// The path of a control group has an empty component, `.` or `..`.
    NotNormal,
    /// There is no branch of the name, where a verdict cannot be meant.
    NoBranch,
    /// A branch is named before in the same list.
    TwiceInList,
    /// The gate is the branch that it guards.
    OwnGate,
    /// No branch follows the gate.
    NoGuarded,
    /// Type or size, where `op=` names only what is done before there is an object.
    NeverKnown,
    /// Access, where `op=` names no operation of open files.
    NeverOpened,
    /// The same branch is to have the path and not to have it.
    Contradiction,
    /// A condition on the caller, where a verdict for names would give a branch.
    CallerMoves,
    /// `op=` with `hide`.
    HideOp,
    /// Type, size or access with `hide`.
    HideUnknown,
    /// `exists=` or `missing=` with `hide`.
    HideTells,
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
            Fault::UnknownType => ("unknown type", ", expected one of "),
            Fault::UnknownAccess => ("unknown access", ", expected one of "),
            Fault::BadId => ("id", ", expected N or N-M, from 0 to 4294967294"),
            Fault::BadSize => (
                "size",
                ", expected <N or >N, with K, M or G after N or without",
            ),
            Fault::HugeSize => ("size", " is more than 64 bits can hold"),
            Fault::NoSuchSize => ("no file has size", ""),
            Fault::NotNormal => (
                "path",
                " has an empty component, `.` or `..`, expected it as in /proc/PID/cgroup",
            ),
            Fault::NoBranch => ("unknown branch", ", expected one of the mount's branches"),
            Fault::TwiceInList => ("branch", " is given twice"),
            Fault::OwnGate => (
                "gate",
                " is the branch that it guards, expected another one",
            ),
            Fault::NoGuarded => ("no branch after", ", expected gate:G BRANCH"),
            Fault::NeverKnown => (
                "condition",
                " never holds, it is not known for the operations of `op=`",
            ),
            Fault::NeverOpened => (
                "condition",
                " never holds, expected `op=` with an operation of the class `data`",
            ),
            Fault::Contradiction => ("condition", " never holds, `exists=` names the branch"),
            Fault::CallerMoves => (
                "condition",
                " may only deny or hide names, for another verdict expected `op=` with operations \
                 of the classes `meta` and `data` only",
            ),
            Fault::HideOp => (
                "condition",
                " with `hide`, expected none, a hidden name is so for all operations",
            ),
            Fault::HideUnknown => (
                "condition",
                " with `hide`, expected none that is not known when a name is looked up",
            ),
            Fault::HideTells => (
                "condition",
                " with `hide`, expected none by which others tell what is hidden",
            ),
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
            Fault::UnknownType => letters(f, Kind::ALL.iter().map(|(letter, _)| *letter)),
            Fault::UnknownAccess => letters(f, Access::ALL.iter().map(|(letter, _)| *letter)),
            Fault::UnknownErrno => list(f, ERRNOS.iter().map(|(name, _)| *name)),
            Fault::NoVerdict | Fault::UnknownVerdict => list(f, VERDICT_FORMS.into_iter()),
            Fault::UnknownBranch => {
                f.write_str("the mount's branches, ")?;
                list(f, VERDICT_FORMS.into_iter().skip(1))
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

/// Writes `letters` with commas between them.
fn letters(f: &mut Formatter<'_>, letters: impl Iterator<Item = u8>) -> Result {
    let mut separator = "";
    for letter in letters {
        f.write_str(separator)?;
        f.write_char(char::from(letter))?;
        separator = ", ";
    }
    Ok(())
}

impl Display for SyntaxError<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (before, after) = self.fault.words();
        f.write_str("rule ")?;
        quote(f, self.text, QUOTED)?;
        f.write_str(": ")?;
        f.write_str(before)?;
        f.write_str(" ")?;
        let word = self.text.get(self.word.clone());
        quote(f, word.unwrap_or_default(), QUOTED_WORD)?;
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
    /// The place at which it is for the second time.
    pub(crate) place: usize,
}

impl Display for Twice {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str("rule ")?;
        quote(f, &self.text, QUOTED)?;
        f.write_str(" is given twice")
    }
}

/// How many characters of a rule are quoted.
const QUOTED: usize = 240;

/// How many of its offending word, so that with the errnos, the longest list of what was expected, a
/// message has less than 1,000 bytes.
const QUOTED_WORD: usize = 160;

/// Writes `text` between backquotes, its control bytes escaped and what is beyond `left` characters cut.
fn quote(f: &mut Formatter<'_>, text: &[u8], mut left: usize) -> Result {
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
