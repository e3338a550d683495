// SPDX-License-Identifier: GPL-2.0-only

//! The values of conditions: letters, ids and sizes, read and spelled.

use super::super::{
    error::Fault,
    facts::{
        IdRange,
        Size, //
    },
    mem::{
        NoMem,
        Vec, //
    },
};
use core::ops::Range;

/// What is wrong with a value: the bytes at fault, counted from its start.
pub(super) type Wrong = (Range<usize>, Fault);

/// Reads letters that are joined by `+`, each one of `known`; `add` takes what each stands for.
pub(super) fn letters<T: Copy>(
    value: &[u8],
    known: &[(u8, T)],
    fault: Fault,
    mut add: impl FnMut(T),
) -> Result<(), Wrong> {
    let mut start = 0usize;
    for word in value.split(|byte| *byte == b'+') {
        let end = start.saturating_add(word.len());
        let meant = known.iter().find(|(letter, _)| [*letter] == *word);
        let (_, meant) = meant.ok_or((start..end, fault))?;
        add(*meant);
        start = end.saturating_add(1);
    }
    Ok(())
}

/// Appends the letters of those of `known` that are in `is_in`.
pub(super) fn spell_letters<T: Copy>(
    text: &mut Vec<u8>,
    known: &[(u8, T)],
    is_in: impl Fn(T) -> bool,
) -> Result<(), NoMem> {
    let mut separator: &[u8] = b"";
    for (letter, _) in known.iter().filter(|(_, meant)| is_in(*meant)) {
        text.extend_from_slice(separator)?;
        text.push(*letter)?;
        separator = b"+";
    }
    Ok(())
}

/// Reads `N` or `N-M`.
pub(super) fn ids(value: &[u8]) -> Result<IdRange, Wrong> {
    let whole = 0..value.len();
    let id = |digits: &[u8]| {
        let number = number(digits).and_then(|n| u32::try_from(n).ok());
        number.filter(|id| *id <= IdRange::MAX)
    };
    let (first, last) = match value.iter().position(|byte| *byte == b'-') {
        None => (value, value),
        Some(at) => {
            let (first, rest) = value.split_at_checked(at).unwrap_or_default();
            (first, rest.get(1..).unwrap_or_default())
        }
    };
    let (Some(first), Some(last)) = (id(first), id(last)) else {
        return Err((whole, Fault::BadId));
    };
    if last < first {
        return Err((whole, Fault::BadRange));
    }
    Ok(IdRange { first, last })
}

/// Appends a range as [`ids`] reads it.
pub(super) fn spell_ids(text: &mut Vec<u8>, ids: IdRange) -> Result<(), NoMem> {
    spell_number(text, ids.first.into())?;
    if ids.first == ids.last {
        return Ok(());
    }
    text.push(b'-')?;
    spell_number(text, ids.last.into())
}

/// The letters that may follow a size, largest first, with how many bits they shift by.
const UNITS: [(u8, u32); 3] = [(b'G', 30), (b'M', 20), (b'K', 10)];

/// Reads `<N` or `>N`.
pub(super) fn size(value: &[u8]) -> Result<Size, Wrong> {
    let whole = 0..value.len();
    let bad = (whole.clone(), Fault::BadSize);
    let (sign, rest) = value.split_first().ok_or(bad.clone())?;
    let (digits, shift) = match rest.split_last() {
        Some((last, digits)) => match UNITS.iter().find(|(letter, _)| letter == last) {
            Some((_, shift)) => (digits, *shift),
            None => (rest, 0),
        },
        None => return Err(bad),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) || !b"<>".contains(sign) {
        return Err(bad);
    }
    let bytes = number(digits).and_then(|n| n.checked_mul(1u64.checked_shl(shift)?));
    let bytes = bytes.ok_or((whole.clone(), Fault::HugeSize))?;
    match sign {
        b'<' if bytes == 0 => Err((whole, Fault::NoSuchSize)),
        b'<' => Ok(Size::Below(bytes)),
        _ if bytes == u64::MAX => Err((whole, Fault::NoSuchSize)),
        _ => Ok(Size::Above(bytes)),
    }
}

/// Appends a size as [`size`] reads it.
pub(super) fn spell_size(text: &mut Vec<u8>, size: Size) -> Result<(), NoMem> {
    let (sign, bytes) = match size {
        Size::Below(bytes) => (b'<', bytes),
        Size::Above(bytes) => (b'>', bytes),
    };
    text.push(sign)?;
    let fits = |shift: u32| bytes > 0 && bytes.trailing_zeros() >= shift;
    match UNITS.iter().find(|(_, shift)| fits(*shift)) {
        Some((letter, shift)) => {
            spell_number(text, bytes >> shift)?;
            text.push(*letter)
        }
        None => spell_number(text, bytes),
    }
}

/// The number that decimal `digits` stand for, if they do for one of 64 bits.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = char::from(*digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}

/// Appends `number` in decimal digits.
fn spell_number(text: &mut Vec<u8>, number: u64) -> Result<(), NoMem> {
    let digits = number.checked_ilog10().unwrap_or(0);
    for power in (0..=digits).rev() {
        let unit = 10u64.checked_pow(power).unwrap_or(1);
        let digit = number.checked_div(unit).unwrap_or(0) % 10;
        // CAST: A digit is less than 10.
        text.push(b'0'.saturating_add(digit as u8))?;
    }
    Ok(())
}
