// SPDX-License-Identifier: GPL-2.0-only

//! Every allocation fails once: no panic, nothing half made.

use super::{
    branch, find_branch, mem,
    src::route::{CompileError, ParseError, Policy, Rule},
};

/// Reads and compiles rules and walks a path, as a mount and its lookups do.
fn everything() -> Result<(), mem::NoMem> {
    let texts = [
        "op=read+data path=/a/**/[b-d]?*/x\\x20 name=*.o -> cold",
        "path=/a/b/** -> deny:EIO",
        "name=core -> tmp",
        "path=/*/b -> big",
    ];
    let mut rules = mem::Vec::new();
    for text in texts {
        let rule = Rule::parse(text.as_bytes(), &find_branch).map_err(|error| match error {
            ParseError::NoMem => mem::NoMem,
            ParseError::Syntax(error) => panic!("{error}"),
        })?;
        rules.push(rule)?;
    }
    let policy = Policy::compile(rules, branch("hot")).map_err(|error| match error {
        CompileError::NoMem => mem::NoMem,
        error => panic!("{error:?}"),
    })?;
    let mut dir = policy.root()?;
    for name in ["a", "b", "c", "core"] {
        dir = policy.child(&dir, name.as_bytes())?;
    }
    assert_eq!(dir.home(), branch("tmp"));
    Ok(())
}

#[test]
fn every_allocation_can_fail() {
    let mut count = 0;
    loop {
        mem::fault::after(count);
        let result = everything();
        mem::fault::after(usize::MAX);
        if result.is_ok() {
            break;
        }
        count += 1;
    }
    assert!(count > 100, "{count} allocations");
}

#[test]
fn queries_need_no_memory() {
    let policy = super::policy(&["path=/a/** -> cold", "name=x* -> tmp", "path=/*/y -> big"]);
    let (root, a) = (super::at(&policy, "/"), super::at(&policy, "/a"));
    mem::fault::after(0);
    let home = policy.home_of(&a, b"xy");
    let sets = [policy.names_homes(&root), policy.branches_below(&root)];
    let same = policy.same_below(&root, &a);
    let failed = policy.child(&a, b"x").is_err();
    mem::fault::after(usize::MAX);
    assert_eq!((home, same, failed), (branch("cold"), false, true));
    assert_eq!(sets, ["hot cold tmp", "hot cold tmp big"].map(super::set));
}

#[test]
fn a_failed_copy_of_a_twin_is_no_memory() {
    let rule = || super::parse(b"-> cold").expect("a right rule");
    let mut rules = mem::Vec::new();
    rules.push(rule()).expect("memory");
    rules.push(rule()).expect("memory");
    // The table of texts takes four allocations.
    mem::fault::after(4);
    let error = Policy::compile(rules, branch("hot")).err();
    mem::fault::after(usize::MAX);
    assert_eq!(error, Some(CompileError::NoMem));
}
