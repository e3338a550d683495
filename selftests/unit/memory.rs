// SPDX-License-Identifier: GPL-2.0-only

//! Every allocation fails once: no panic, nothing half made.

use super::{
    branch,
    call::Asked,
    find_branch, fold, mem,
    naive::Call,
    src::route::{CompileError, Kind, Name, Op, ParseError, Policy, Rule},
};

/// Reads and compiles rules and walks a path, as a mount and its lookups do.
fn everything() -> Result<(), mem::NoMem> {
    let texts = [
        "op=read+data path=/a/**/[b-d]?*/x\\x20 name=*.o -> cold",
        "path=/a/b/** -> deny:EIO",
        "name=core -> tmp",
        "path=/*/b -> big",
        "op=data uid=5 gid=6-7 cgroup=/a/b access=r+w size=<4K name=C* -> hot|big",
        "path=/A/b/** exists=hot missing=tmp -> gate:hot cold",
    ];
    let mut rules = mem::Vec::new();
    for text in texts {
        let rule = Rule::parse(text.as_bytes(), &find_branch).map_err(|error| match error {
            ParseError::NoMem => mem::NoMem,
            ParseError::Syntax(error) => panic!("{error}"),
        })?;
        rules.push(rule)?;
    }
    let policy =
        Policy::compile(rules, branch("hot"), Some(&fold)).map_err(|error| match error {
            CompileError::NoMem => mem::NoMem,
            error => panic!("{error:?}"),
        })?;
    let mut dir = policy.root()?;
    for name in ["a", "b", "c", "core"] {
        dir = policy.child(
            &dir,
            &Name::folded(name.as_bytes(), name.as_bytes()),
            Some(Kind::Dir),
        )?;
    }
    assert_eq!(dir.home().map(|home| home.branch), Some(branch("tmp")));
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
    let policy = super::policy(&[
        "path=/a/** exists=big -> cold|tmp",
        "name=x* -> tmp",
        "path=/*/y -> big",
        "uid=5 name=z -> hide",
        "op=read size=<5 -> cold",
    ]);
    let (root, a) = (super::at(&policy, "/"), super::at(&policy, "/a"));
    let call = Call {
        uid: 5,
        exists: vec!["big"],
        ..Call::default()
    };
    let asked = Asked {
        call: &call,
        policy: &policy,
    };
    mem::fault::after(0);
    let peek = policy.peek(&a, &Name::folded(b"XY", b"xy"), &asked);
    let hidden = policy.peek(&a, &Name::new(b"z"), &asked);
    let decided = Op::ALL
        .iter()
        .all(|op| policy.decide(&a, *op, &asked).is_ok());
    let home = policy.home_after(&a, &asked, branch("tmp"));
    let sets = [
        policy.names_homes(&root, true),
        policy.branches_below(&root),
    ];
    let asks = policy.asked_below(&root);
    let same = policy.same_below(&root, &a) || !policy.names_vary(&root);
    let failed = policy.child(&a, &Name::new(b"x"), None).is_err();
    mem::fault::after(usize::MAX);
    assert_eq!(peek.map(|peek| peek.home.branch), Ok(branch("cold")));
    assert_eq!(hidden.map(|peek| peek.is_hidden()), Ok(false));
    assert_eq!(home.map(|home| home.branch), Ok(branch("tmp")));
    assert_eq!((decided, same, failed), (true, false, true));
    assert_eq!(sets, ["hot cold tmp", "hot cold tmp big"].map(super::set));
    assert_eq!(asks, super::set("big"));
}

#[test]
fn a_failed_copy_of_a_twin_is_no_memory() {
    let rule = || super::parse(b"-> cold").expect("a right rule");
    let mut rules = mem::Vec::new();
    rules.push(rule()).expect("memory");
    rules.push(rule()).expect("memory");
    // The table of texts takes four allocations.
    mem::fault::after(4);
    let error = Policy::compile(rules, branch("hot"), Some(&fold)).err();
    mem::fault::after(usize::MAX);
    assert_eq!(error, Some(CompileError::NoMem));
}
