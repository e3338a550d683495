// SPDX-License-Identifier: GPL-2.0-only

//! Folding: the form of patterns that names in directories which fold case are compared with.

use super::{
    glob::{
        push_set,
        Members,
        Token, //
    },
    mem::{
        NoMem,
        Vec, //
    },
};

/// Appends the folded form of a name to the array and returns true, or returns false if the name is
/// none that can be folded, so that its bytes are compared.
pub(crate) type Fold<'a> = &'a dyn Fn(&[u8], &mut Vec<u8>) -> Result<bool, NoMem>;

/// Appends the folded form of the component `bytes`, which has no wildcards.
pub(super) fn literal(bytes: &[u8], fold: Fold<'_>, to: &mut Vec<u8>) -> Result<(), NoMem> {
    let start = to.len();
    if fold(bytes, to)? {
        return Ok(());
    }
    to.truncate(start);
    to.extend_from_slice(bytes)
}

/// Appends the folded form of the component `tokens`, which matches folded names.
///
/// Bytes between wildcards are folded as one name, those that cannot be folded stay. `?` and
/// brackets are a byte of the folded name. What stands between brackets is folded byte by byte: a
/// byte of ASCII that folds to one byte is that one, any other byte is itself. `[!...]` then
/// matches what is not among these.
pub(super) fn glob(tokens: &[Token], fold: Fold<'_>, to: &mut Vec<Token>) -> Result<(), NoMem> {
    let mut rest = tokens;
    while let Some((token, after)) = rest.split_first() {
        rest = match token {
            Token::Byte(_) => {
                let end = rest.iter().position(|t| !matches!(t, Token::Byte(_)));
                let (run, after) = rest
                    .split_at_checked(end.unwrap_or(rest.len()))
                    .unwrap_or_default();
                fold_run(run, fold, to)?;
                after
            }
            Token::Set(count) | Token::NotSet(count) => {
                let ranges = after.split_at_checked(usize::from(*count));
                let (ranges, after) = ranges.unwrap_or_default();
                let negated = matches!(token, Token::NotSet(_));
                fold_set(ranges, negated, fold, to)?;
                after
            }
            other => {
                to.push(*other)?;
                after
            }
        };
    }
    Ok(())
}

/// Appends the folded form of bytes between wildcards.
fn fold_run(run: &[Token], fold: Fold<'_>, to: &mut Vec<Token>) -> Result<(), NoMem> {
    let mut bytes = Vec::new();
    for token in run {
        if let Token::Byte(byte) = token {
            bytes.push(*byte)?;
        }
    }
    let mut folded = Vec::new();
    literal(&bytes, fold, &mut folded)?;
    for byte in folded.iter() {
        to.push(Token::Byte(*byte))?;
    }
    Ok(())
}

/// Appends the set of the folded bytes of `ranges`.
fn fold_set(
    ranges: &[Token],
    negated: bool,
    fold: Fold<'_>,
    to: &mut Vec<Token>,
) -> Result<(), NoMem> {
    let mut members: Members = [false; 256];
    let mut folded = Vec::new();
    for range in ranges {
        let Token::Range(low, high) = range else {
            continue;
        };
        for byte in *low..=*high {
            folded.truncate(0);
            let byte = match byte.is_ascii() && fold(&[byte], &mut folded)? {
                true => match *folded {
                    [single] => single,
                    _ => byte,
                },
                false => byte,
            };
            if let Some(member) = members.get_mut(usize::from(byte)) {
                *member = true;
            }
        }
    }
    push_set(to, &members, negated)
}
