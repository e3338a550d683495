// SPDX-License-Identifier: GPL-2.0-only

//! A glob and a name, with a NUL between them: compiled it matches what the reference says, as bytes
//! and with case folded.

#![no_main]

#[path = "../../main.rs"]
#[allow(dead_code, unused_imports)]
mod unit;

use unit::{
    branch,
    call::Asked,
    naive::{self, Call},
    src::route::{mem, Name, Policy},
};

/// Folds ASCII.
fn fold(bytes: &[u8], to: &mut mem::Vec<u8>) -> Result<bool, mem::NoMem> {
    for byte in bytes {
        to.push(byte.to_ascii_lowercase())?;
    }
    Ok(true)
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some(at) = data.iter().position(|byte| *byte == 0) else {
        return;
    };
    let (glob, name) = (&data[..at], &data[at + 1..]);
    // The reference is exponential in the stars.
    let stars = glob.iter().filter(|byte| **byte == b'*').count();
    let is_name = !name.is_empty() && name.len() < 32 && !name.iter().any(|b| b"\0/".contains(b));
    if stars > 4 || !is_name || glob.iter().any(u8::is_ascii_whitespace) {
        return;
    }
    let key: &[u8] = if glob.contains(&b'/') || glob == b"**" {
        return;
    } else if name.len() % 2 == 0 {
        b"name="
    } else {
        b"path=/"
    };
    let Ok(rule) = unit::parse(&[key, glob, b" -> cold"].concat()) else {
        return;
    };
    let mut rules = mem::Vec::new();
    rules.push(rule).expect("memory");
    let policy = Policy::compile(rules, branch("hot"), Some(&fold)).expect("one rule");
    let root = policy.root().expect("memory");
    let lower = name.to_ascii_lowercase();
    let call = Call::default();
    let asked = Asked {
        call: &call,
        policy: &policy,
    };
    for (name, shall) in [
        (Name::new(name), naive::bytes(glob, name, &|byte| byte)),
        (
            Name::folded(name, &lower),
            naive::bytes(glob, &lower, &|byte| byte.to_ascii_lowercase()),
        ),
    ] {
        let peek = policy.peek(&root, &name, &asked).expect("facts");
        assert_eq!(peek.home.branch == branch("cold"), shall);
        let state = policy.child(&root, &name, None).expect("memory");
        assert_eq!(state.home(), Some(peek.home));
    }
});
