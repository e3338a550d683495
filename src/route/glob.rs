// SPDX-License-Identifier: GPL-2.0-only

//! Globs: their tokens, how a text becomes tokens, and how tokens match a name.

use super::{
    error::Fault,
    mem::{
        NoMem,
        Vec, //
    },
};
use core::ops::Range;

/// An element of a glob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// This byte.
    Byte(u8),
    /// Any one byte.
    Any,
    /// Any bytes, also none.
    Star,
    /// A byte in one of the ranges that follow, so many.
    Set(u8),
    /// A byte in none of the ranges that follow, so many.
    NotSet(u8),
    /// The bytes from the first to the second.
    Range(u8, u8),
    /// The end of a component of a path.
    Slash,
    /// Any components, also none.
    Deep,
}

/// Why a glob could not be read: the bytes at fault, counted from its start, or no memory.
pub(super) enum GlobError {
    /// There was no memory for it.
    NoMem,
    /// It is wrong there.
    Wrong(Range<usize>, Fault),
}

impl From<NoMem> for GlobError {
    fn from(_: NoMem) -> Self {
        GlobError::NoMem
    }
}

/// A glob that is being read.
pub(super) struct Reader<'a> {
    /// The text as it was given.
    text: &'a [u8],
    /// The next byte of it.
    at: usize,
    /// Where the component ends that is being read.
    end: usize,
    /// What was read.
    tokens: Vec<Token>,
    /// The same in canonical spelling.
    spelling: &'a mut Vec<u8>,
}

impl<'a> Reader<'a> {
    /// Reads `text` as a path and appends its canonical spelling to `spelling`.
    pub(super) fn path(text: &'a [u8], spelling: &'a mut Vec<u8>) -> Result<Vec<Token>, GlobError> {
        let mut reader = Reader::new(text, spelling);
        if text.first() != Some(&b'/') {
            return Err(GlobError::Wrong(0..text.len(), Fault::Relative));
        }
        if text == b"/" {
            reader.spelling.push(b'/')?;
            return Ok(reader.tokens);
        }
        let mut deep = false;
        for component in text.split(|byte| *byte == b'/').skip(1) {
            // The slash ahead of the component.
            reader.at = reader.end.saturating_add(1);
            reader.end = reader.at.saturating_add(component.len());
            let whole = reader.at..reader.end;
            // Two of them mean the same as one.
            if component == b"**" && deep {
                continue;
            }
            deep = component == b"**";
            if whole.start > 1 {
                reader.tokens.push(Token::Slash)?;
            }
            reader.spelling.push(b'/')?;
            if deep {
                reader.tokens.push(Token::Deep)?;
                reader.spelling.extend_from_slice(b"**")?;
                continue;
            }
            if component.is_empty() {
                return Err(GlobError::Wrong(0..text.len(), Fault::EmptyComponent));
            }
            let first = reader.tokens.len();
            reader.component()?;
            if let Some([Token::Byte(b'.')] | [Token::Byte(b'.'), Token::Byte(b'.')]) =
                reader.tokens.get(first..)
            {
                return Err(GlobError::Wrong(whole, Fault::DotComponent));
            }
        }
        Ok(reader.tokens)
    }

    /// Reads `text` as a name and appends its canonical spelling to `spelling`.
    pub(super) fn name(text: &'a [u8], spelling: &'a mut Vec<u8>) -> Result<Vec<Token>, GlobError> {
        if text.contains(&b'/') {
            return Err(GlobError::Wrong(0..text.len(), Fault::SlashInName));
        }
        let mut reader = Reader::new(text, spelling);
        reader.end = text.len();
        reader.component()?;
        if let [Token::Byte(b'.')] | [Token::Byte(b'.'), Token::Byte(b'.')] = *reader.tokens {
            return Err(GlobError::Wrong(0..text.len(), Fault::DotComponent));
        }
        Ok(reader.tokens)
    }

    /// A reader at the start of `text`.
    fn new(text: &'a [u8], spelling: &'a mut Vec<u8>) -> Self {
        Reader {
            text,
            at: 0,
            end: 0,
            tokens: Vec::new(),
            spelling,
        }
    }

    /// The next byte of the component, without taking it.
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at..self.end)?.first().copied()
    }

    /// Takes the next byte of the component.
    fn take(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at = self.at.saturating_add(1);
        Some(byte)
    }

    /// Takes the next byte of the component if it is one of `bytes`.
    fn take_any(&mut self, bytes: &[u8]) -> Option<u8> {
        self.peek().filter(|byte| bytes.contains(byte))?;
        self.take()
    }

    /// Reads one component, up to its end.
    fn component(&mut self) -> Result<(), GlobError> {
        let start = self.at;
        while let Some(byte) = self.take() {
            match byte {
                b'*' => {
                    if self.peek() == Some(b'*') {
                        return Err(GlobError::Wrong(start..self.end, Fault::PartialDeep));
                    }
                    self.tokens.push(Token::Star)?;
                    self.spelling.push(b'*')?;
                }
                b'?' => {
                    self.tokens.push(Token::Any)?;
                    self.spelling.push(b'?')?;
                }
                b'[' => self.set()?,
                byte => {
                    let byte = self.literal(byte)?;
                    self.tokens.push(Token::Byte(byte))?;
                    spell(self.spelling, byte, b"*?[\\")?;
                }
            }
        }
        Ok(())
    }

    /// Reads what is left of a set after its `[`.
    fn set(&mut self) -> Result<(), GlobError> {
        let start = self.at.saturating_sub(1);
        let mut set: Members = [false; 256];
        self.spelling.push(b'[')?;
        let negated = self.take_any(b"!^").is_some();
        if negated {
            self.spelling.push(b'!')?;
        }
        let mut first = true;
        loop {
            if !first && self.take_any(b"]").is_some() {
                break;
            }
            first = false;
            let from = self.at;
            let low = self.member(start)?;
            let mut high = low;
            spell(self.spelling, low, b"[]\\-!^")?;
            let ahead = self.text.get(self.at..self.end).unwrap_or_default();
            if matches!(ahead, [b'-', next, ..] if *next != b']') {
                self.at = self.at.saturating_add(1);
                high = self.member(start)?;
                self.spelling.push(b'-')?;
                spell(self.spelling, high, b"[]\\-!^")?;
            }
            if high < low {
                return Err(GlobError::Wrong(from..self.at, Fault::BadRange));
            }
            for byte in low..=high {
                if let Some(member) = set.get_mut(usize::from(byte)) {
                    *member = true;
                }
            }
        }
        self.spelling.push(b']')?;
        Ok(push_set(&mut self.tokens, &set, negated)?)
    }

    /// Takes one byte of the set that starts at `start`.
    fn member(&mut self, start: usize) -> Result<u8, GlobError> {
        let from = self.at;
        let byte = self
            .take()
            .ok_or(GlobError::Wrong(start..self.end, Fault::Unclosed))?;
        if byte == b'[' && matches!(self.peek(), Some(b':' | b'.' | b'=')) {
            return Err(GlobError::Wrong(from..self.end, Fault::CharClass));
        }
        self.literal(byte)
    }

    /// The byte that `byte`, which was just taken, means: itself, or what it escapes.
    fn literal(&mut self, byte: u8) -> Result<u8, GlobError> {
        let from = self.at.saturating_sub(1);
        let mut meant = byte;
        if byte == b'\\' {
            meant = match self.take() {
                Some(b'x') => {
                    let high = self.hex(from)?;
                    let low = self.hex(from)?;
                    high << 4 | low
                }
                Some(byte) if !byte.is_ascii_alphanumeric() => byte,
                _ => return Err(GlobError::Wrong(from..self.at, Fault::BadEscape)),
            };
        }
        if meant == 0 || meant == b'/' {
            return Err(GlobError::Wrong(from..self.at, Fault::NotInNames));
        }
        Ok(meant)
    }

    /// Takes a hexadecimal digit of the escape that starts at `from`.
    fn hex(&mut self, from: usize) -> Result<u8, GlobError> {
        let digit = self.take().and_then(|byte| char::from(byte).to_digit(16));
        digit
            .and_then(|digit| u8::try_from(digit).ok())
            .ok_or(GlobError::Wrong(from..self.at, Fault::BadHex))
    }
}

/// The bytes that are members of a set.
pub(super) type Members = [bool; 256];

/// Adds the tokens of the set of `members`, or of what is not in it.
pub(super) fn push_set(
    tokens: &mut Vec<Token>,
    members: &Members,
    negated: bool,
) -> Result<(), NoMem> {
    let at = tokens.len();
    let mut count = 0u8;
    let mut open: Option<(u8, u8)> = None;
    tokens.push(Token::Set(0))?;
    for (byte, member) in (0..=u8::MAX).zip(members) {
        open = match (open, member) {
            (None, false) => None,
            (None, true) => Some((byte, byte)),
            (Some((low, _)), true) => Some((low, byte)),
            (Some((low, high)), false) => {
                tokens.push(Token::Range(low, high))?;
                count = count.saturating_add(1);
                None
            }
        };
    }
    if let Some((low, high)) = open {
        tokens.push(Token::Range(low, high))?;
        count = count.saturating_add(1);
    }
    if let Some(token) = tokens.get_mut(at) {
        *token = if negated {
            Token::NotSet(count)
        } else {
            Token::Set(count)
        };
    }
    Ok(())
}
/// Reads `text` as the path of a control group, without wildcards, and appends its canonical
/// spelling to `spelling`.
pub(super) fn cgroup(text: &[u8], spelling: &mut Vec<u8>) -> Result<Vec<u8>, GlobError> {
    let mut path = Vec::new();
    if text.first() != Some(&b'/') {
        return Err(GlobError::Wrong(0..text.len(), Fault::Relative));
    }
    let mut reader = Reader::new(text, spelling);
    for component in text.split(|byte| *byte == b'/').skip(1) {
        reader.at = reader.end.saturating_add(1);
        reader.end = reader.at.saturating_add(component.len());
        path.push(b'/')?;
        reader.spelling.push(b'/')?;
        let first = path.len();
        while let Some(byte) = reader.take() {
            let byte = reader.literal(byte)?;
            path.push(byte)?;
            spell(reader.spelling, byte, b"\\")?;
        }
        let empty = component.is_empty() && text.len() > 1;
        if empty || matches!(path.get(first..), Some(b"." | b"..")) {
            return Err(GlobError::Wrong(0..text.len(), Fault::NotNormal));
        }
    }
    Ok(path)
}

/// Appends `byte` to `spelling` in such a way that it stands for itself where `special` bytes do
/// not, and that it passes through an option string and /proc/mounts.
fn spell(spelling: &mut Vec<u8>, byte: u8, special: &[u8]) -> Result<(), NoMem> {
    if byte <= b' ' || byte == 0x7f || b",\"'`".contains(&byte) {
        let digit = |value| {
            let digits = b"0123456789abcdef";
            digits.get(usize::from(value)).copied().unwrap_or_default()
        };
        return spelling.extend_from_slice(&[b'\\', b'x', digit(byte >> 4), digit(byte & 15)]);
    }
    if special.contains(&byte) {
        spelling.push(b'\\')?;
    }
    spelling.push(byte)
}

/// Whether every name matches `tokens`: names are never empty.
pub(super) fn is_universal(tokens: &[Token]) -> bool {
    let stars = tokens.iter().filter(|token| **token == Token::Star);
    let others = tokens.iter().filter(|token| **token != Token::Star);
    stars.count() > 0 && others.clone().count() <= 1 && others.clone().all(|t| *t == Token::Any)
}

/// Whether only one name matches `tokens`, the one that [`bytes`] gives.
pub(super) fn is_literal(tokens: &[Token]) -> bool {
    tokens.iter().all(|token| matches!(token, Token::Byte(_)))
}

/// The bytes of a literal.
pub(super) fn bytes(tokens: &[Token]) -> impl Iterator<Item = u8> + '_ {
    tokens.iter().filter_map(|token| match token {
        Token::Byte(byte) => Some(*byte),
        _ => None,
    })
}

/// Bytes that differ where two globs do, mostly; all universal ones have the same.
pub(super) fn digest(tokens: &[Token]) -> impl Iterator<Item = u8> + '_ {
    let universal = is_universal(tokens);
    let tokens = if universal {
        &[Token::Star][..]
    } else {
        tokens
    };
    tokens.iter().flat_map(|token| match token {
        Token::Byte(byte) => [0, *byte],
        Token::Any => [1, 0],
        Token::Star => [2, 0],
        Token::Set(count) => [3, *count],
        Token::NotSet(count) => [6, *count],
        Token::Range(low, high) => [*low, *high],
        Token::Slash => [4, 0],
        Token::Deep => [5, 0],
    })
}

/// Whether `name` matches the component `tokens`.
///
/// # Context
///
/// Any: it neither sleeps nor allocates, and its stack does not grow with the glob.
pub(super) fn matches(tokens: &[Token], name: &[u8]) -> bool {
    let (mut tokens, mut name) = (tokens, name);
    // Where to go on when the last star takes one byte more: what follows it, and from where.
    let mut retry: Option<(&[Token], &[u8])> = None;
    loop {
        match tokens.split_first() {
            None if name.is_empty() => return true,
            None => {}
            Some((Token::Star, rest)) => {
                retry = Some((rest, name));
                tokens = rest;
                continue;
            }
            Some((token, rest)) => {
                let eaten = name.split_first();
                if let Some((after, later)) =
                    eaten.and_then(|(byte, later)| Some((eat(*token, rest, *byte)?, later)))
                {
                    (tokens, name) = (after, later);
                    continue;
                }
            }
        }
        let Some((rest, [_, later @ ..])) = retry else {
            return false;
        };
        retry = Some((rest, later));
        (tokens, name) = (rest, later);
    }
}

/// What follows `token`, with `rest` after it, if it takes `byte`.
fn eat(token: Token, rest: &[Token], byte: u8) -> Option<&[Token]> {
    match token {
        Token::Any => Some(rest),
        Token::Byte(expected) => (byte == expected).then_some(rest),
        Token::Set(count) | Token::NotSet(count) => {
            let (ranges, after) = rest.split_at_checked(usize::from(count))?;
            let holds =
                |t: &Token| matches!(t, Token::Range(low, high) if (*low..=*high).contains(&byte));
            let wanted = matches!(token, Token::Set(_));
            (ranges.iter().any(holds) == wanted).then_some(after)
        }
        Token::Star | Token::Range(..) | Token::Slash | Token::Deep => None,
    }
}
