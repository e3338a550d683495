// SPDX-License-Identifier: GPL-2.0-only

//! The grammar of rules.
//!
//! ```text
//! rule = { key=value } "->" verdict
//! ```
//!
//! Words are separated by white space; a byte that a word cannot hold is written `\xHH` in globs and
//! in the paths of control groups. The keys are the table [`CONDITIONS`].

mod check;
mod value;
mod verdict;

pub(super) use verdict::VERDICT_FORMS;

use super::{
    error::{
        Fault,
        ParseError,
        SyntaxError, //
    },
    facts::{
        Access,
        Conditions,
        IdRange, //
    },
    glob::{
        self,
        GlobError,
        Reader,
        Token, //
    },
    kind::{
        Kind,
        KindSet, //
    },
    mem::Vec,
    rule::{
        Ops,
        Rule, //
    },
    verdict::BranchId,
};
use core::ops::Range;

/// Reads the value of a condition into the draft.
type Read = for<'a, 'b> fn(
    &mut Draft,
    &Words<'a>,
    Range<usize>,
    Branches<'b>,
) -> Result<(), ParseError<'a>>;

/// Gives the branch of a name.
type Branches<'a> = &'a dyn Fn(&[u8]) -> Option<BranchId>;

/// A condition that a rule can have.
pub(super) struct Condition {
    /// What stands ahead of the `=`.
    pub(super) key: &'static str,
    /// How the whole is written, for messages.
    pub(super) form: &'static str,
    /// Reads the value; what is given twice is an error of the caller.
    read: Read,
}

/// The conditions by their places in [`CONDITIONS`].
#[derive(Clone, Copy)]
enum Key {
    /// `op=`.
    Op,
    /// `type=`.
    Type = 3,
    /// `uid=`.
    Uid,
    /// `gid=`.
    Gid,
    /// `cgroup=`.
    Cgroup,
    /// `access=`.
    Access,
    /// `size=`.
    Size,
    /// `exists=`.
    Exists,
    /// `missing=`.
    Missing,
}

/// The conditions, in the order in which canonical text has them.
pub(super) const CONDITIONS: [Condition; 11] = [
    condition("op", "op=OP[+OP...]", Draft::read_op),
    condition("path", "path=GLOB", Draft::read_path),
    condition("name", "name=GLOB", Draft::read_name),
    condition("type", "type=f|d|l|b|c|p|s[+...]", Draft::read_type),
    condition("uid", "uid=N[-M]", Draft::read_uid),
    condition("gid", "gid=N[-M]", Draft::read_gid),
    condition("cgroup", "cgroup=PATH", Draft::read_cgroup),
    condition("access", "access=r|w|x[+...]", Draft::read_access),
    condition("size", "size=<N or size=>N", Draft::read_size),
    condition("exists", "exists=BRANCH", Draft::read_exists),
    condition("missing", "missing=BRANCH", Draft::read_missing),
];

/// An entry of [`CONDITIONS`].
const fn condition(key: &'static str, form: &'static str, read: Read) -> Condition {
    Condition { key, form, read }
}

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
    /// What `type=` says.
    kinds: Option<KindSet>,
    /// What `cgroup=` says.
    cgroup: Option<Vec<u8>>,
    /// What the other ones say.
    conditions: Conditions,
    /// The canonical text of each condition that was there, and where it was, by its place in
    /// [`CONDITIONS`].
    texts: [Option<(Vec<u8>, Range<usize>)>; CONDITIONS.len()],
    /// The canonical text of the value that is being read.
    value: Vec<u8>,
}

impl Draft {
    /// Whether the condition `key` is given.
    fn has(&self, key: Key) -> bool {
        // CAST: The keys are numbered by their places.
        self.texts.get(key as usize).is_some_and(Option::is_some)
    }

    /// Reads the condition `word`.
    fn read<'a>(
        &mut self,
        words: &Words<'a>,
        word: Range<usize>,
        branches: Branches<'_>,
    ) -> Result<(), ParseError<'a>> {
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
        (condition.read)(self, words, value, branches)?;
        self.value.push(b' ')?;
        if let Some(text) = self.texts.get_mut(place) {
            *text = Some((core::mem::replace(&mut self.value, Vec::new()), word));
        }
        Ok(())
    }

    /// Reads the value of `op=`.
    fn read_op<'a>(
        &mut self,
        words: &Words<'a>,
        value: Range<usize>,
        _: Branches<'_>,
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
        _: Branches<'_>,
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
        _: Branches<'_>,
    ) -> Result<(), ParseError<'a>> {
        let tokens = Reader::name(words.bytes(&value), &mut self.value);
        self.name = Some(in_text(tokens, words, value)?);
        Ok(())
    }

    /// Reads the value of `type=`.
    fn read_type<'a>(
        &mut self,
        words: &Words<'a>,
        value: Range<usize>,
        _: Branches<'_>,
    ) -> Result<(), ParseError<'a>> {
        let mut kinds = KindSet::EMPTY;
        let bytes = words.bytes(&value);
        value::letters(bytes, &Kind::ALL, Fault::UnknownType, |kind| {
            kinds = kinds.with(kind);
        })
        .map_err(|wrong| at_fault(words, &value, wrong))?;
        value::spell_letters(&mut self.value, &Kind::ALL, |kind| kinds.has(kind))?;
        self.kinds = Some(kinds);
        Ok(())
    }

    /// Reads the value of `uid=`.
    fn read_uid<'a>(
        &mut self,
        words: &Words<'a>,
        value: Range<usize>,
        _: Branches<'_>,
    ) -> Result<(), ParseError<'a>> {
        self.conditions.uid = Some(self.read_ids(words, value)?);
        Ok(())
    }

    /// Reads the value of `gid=`.
    fn read_gid<'a>(
        &mut self,
        words: &Words<'a>,
        value: Range<usize>,
        _: Branches<'_>,
    ) -> Result<(), ParseError<'a>> {
        self.conditions.gid = Some(self.read_ids(words, value)?);
        Ok(())
    }

    /// Reads the value of `cgroup=`.
    fn read_cgroup<'a>(
        &mut self,
        words: &Words<'a>,
        value: Range<usize>,
        _: Branches<'_>,
    ) -> Result<(), ParseError<'a>> {
        let path = glob::cgroup(words.bytes(&value), &mut self.value);
        self.cgroup = Some(in_text(path, words, value)?);
        Ok(())
    }

    /// Reads the value of `access=`.
    fn read_access<'a>(
        &mut self,
        words: &Words<'a>,
        value: Range<usize>,
        _: Branches<'_>,
    ) -> Result<(), ParseError<'a>> {
        let mut ways = Access::NONE;
        let bytes = words.bytes(&value);
        value::letters(bytes, &Access::ALL, Fault::UnknownAccess, |way| {
            ways = ways.or(way);
        })
        .map_err(|wrong| at_fault(words, &value, wrong))?;
        value::spell_letters(&mut self.value, &Access::ALL, |way| ways.meets(way))?;
        self.conditions.access = Some(ways);
        Ok(())
    }

    /// Reads the value of `size=`.
    fn read_size<'a>(
        &mut self,
        words: &Words<'a>,
        value: Range<usize>,
        _: Branches<'_>,
    ) -> Result<(), ParseError<'a>> {
        let size = value::size(words.bytes(&value)).map_err(|w| at_fault(words, &value, w))?;
        value::spell_size(&mut self.value, size)?;
        self.conditions.size = Some(size);
        Ok(())
    }

    /// Reads the value of `exists=`.
    fn read_exists<'a>(
        &mut self,
        words: &Words<'a>,
        value: Range<usize>,
        branches: Branches<'_>,
    ) -> Result<(), ParseError<'a>> {
        self.conditions.exists = Some(self.read_branch(words, value, branches)?);
        Ok(())
    }

    /// Reads the value of `missing=`.
    fn read_missing<'a>(
        &mut self,
        words: &Words<'a>,
        value: Range<usize>,
        branches: Branches<'_>,
    ) -> Result<(), ParseError<'a>> {
        self.conditions.missing = Some(self.read_branch(words, value, branches)?);
        Ok(())
    }

    /// Reads a range of ids as a value.
    fn read_ids<'a>(
        &mut self,
        words: &Words<'a>,
        value: Range<usize>,
    ) -> Result<IdRange, ParseError<'a>> {
        let ids = value::ids(words.bytes(&value)).map_err(|w| at_fault(words, &value, w))?;
        value::spell_ids(&mut self.value, ids)?;
        Ok(ids)
    }

    /// Reads the name of a branch as a value.
    fn read_branch<'a>(
        &mut self,
        words: &Words<'a>,
        value: Range<usize>,
        branches: Branches<'_>,
    ) -> Result<BranchId, ParseError<'a>> {
        let name = words.bytes(&value);
        let branch = branches(name).ok_or_else(|| words.wrong(value, Fault::NoBranch))?;
        self.value.extend_from_slice(name)?;
        Ok(branch)
    }
}

/// The error `wrong` of the value at `value`, placed in the whole text.
fn at_fault<'a>(words: &Words<'a>, value: &Range<usize>, wrong: value::Wrong) -> ParseError<'a> {
    words.wrong(within(value, wrong.0), wrong.1)
}

/// A result of reading the glob or path at `value`, its error placed in the whole text.
fn in_text<'a, T>(
    result: Result<T, GlobError>,
    words: &Words<'a>,
    value: Range<usize>,
) -> Result<T, ParseError<'a>> {
    result.map_err(|error| match error {
        GlobError::NoMem => ParseError::NoMem,
        GlobError::Wrong(at, fault) => words.wrong(within(&value, at), fault),
    })
}

/// The range `at`, which counts from the start of `outer`, counted as `outer` is.
fn within(outer: &Range<usize>, at: Range<usize>) -> Range<usize> {
    outer.start.saturating_add(at.start)..outer.start.saturating_add(at.end)
}

impl Rule {
    /// Reads a rule that may name what `branches` knows.
    pub(crate) fn parse<'a>(
        text: &'a [u8],
        branches: &dyn Fn(&[u8]) -> Option<BranchId>,
    ) -> Result<Rule, ParseError<'a>> {
        let mut words = Words { text, at: 0 };
        let mut draft = Draft {
            ops: Ops::ALL,
            path: None,
            name: None,
            kinds: None,
            cgroup: None,
            conditions: Conditions::NONE,
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
                Some(word) => draft.read(&words, word, branches)?,
            }
        };
        let mut canonical = Vec::new();
        for (text, _) in draft.texts.iter().flatten() {
            canonical.extend_from_slice(text)?;
        }
        canonical.extend_from_slice(b"-> ")?;
        let Some(word) = words.take() else {
            return Err(words.wrong(arrow, Fault::NoVerdict));
        };
        let said = verdict::read(&mut words, word, branches, &mut canonical)?;
        if let Some(extra) = words.take() {
            return Err(words.wrong(
                extra.start..text.trim_ascii_end().len(),
                Fault::AfterVerdict,
            ));
        }
        if let Some((key, fault)) = draft.contradiction(&said) {
            // CAST: The keys are numbered by their places.
            let given = draft.texts.get(key as usize).and_then(Option::as_ref);
            let word = given.map_or(0..text.len(), |(_, word)| word.clone());
            return Err(words.wrong(word, fault));
        }
        let possible = draft.possible();
        let mut ops = draft.ops;
        ops.limit(possible);
        Ok(Rule {
            text: canonical,
            ops,
            path: draft.path,
            name: draft.name,
            kinds: draft.kinds,
            cgroup: draft.cgroup,
            conditions: draft.conditions,
            said,
        })
    }
}
