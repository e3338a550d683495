// SPDX-License-Identifier: GPL-2.0-only

//! What is known of the names below a directory, case by case.

use super::{at, policy, set, BranchSet, BRANCHES};

/// The names of the branches in `set`.
fn names(set: BranchSet) -> Vec<&'static str> {
    set.iter().map(|branch| BRANCHES[branch.index()]).collect()
}

/// Fails unless the directory `path` lists names of `homes`, and has `below` further down.
fn expect(rules: &[&str], path: &str, homes: &str, below: &str) {
    let policy = policy(rules);
    let dir = at(&policy, path);
    let (is, shall) = (policy.names_homes(&dir, false), set(homes));
    assert_eq!(
        names(is),
        names(shall),
        "homes of names in {path} under {rules:?}"
    );
    let (is, shall) = (policy.branches_below(&dir), set(below));
    assert_eq!(
        names(is),
        names(shall),
        "branches below {path} under {rules:?}"
    );
}

/// Whether everything below `a` would be where it is if it was below `b`.
fn same(rules: &[&str], a: &str, b: &str) -> bool {
    let policy = policy(rules);
    policy.same_below(&at(&policy, a), &at(&policy, b))
}

#[test]
fn only_the_default() {
    expect(&[], "/", "hot", "hot");
    expect(&["op=read path=/x/** -> deny"], "/", "hot", "hot");
}

#[test]
fn one_tree() {
    let rules = ["path=/media/** -> cold"];
    expect(&rules, "/", "hot cold", "hot cold");
    expect(&rules, "/media", "cold", "cold");
    expect(&rules, "/media/a/b", "cold", "cold");
    expect(&rules, "/other", "hot", "hot");
}

#[test]
fn a_universal_rule_hides_the_default_and_later_rules() {
    let rules = ["path=/a/** -> cold", "path=/a/x -> tmp", "path=/** -> big"];
    expect(&rules, "/a", "cold", "cold");
    expect(&rules, "/", "cold big", "cold big");
    expect(&rules, "/b", "big", "big");
    let rules = ["path=/*/** -> cold", "path=/a/x -> tmp"];
    expect(&rules, "/a", "cold", "cold");
    expect(
        &["path=/*/*/x -> tmp", "path=/*/* -> cold"],
        "/a",
        "cold",
        "hot cold tmp",
    );
}

#[test]
fn a_denied_name_is_listed_from_its_home() {
    expect(
        &["path=/a/x -> deny", "path=/a/* -> cold"],
        "/a",
        "cold",
        "hot cold",
    );
    expect(&["-> deny"], "/", "hot", "hot");
}

#[test]
fn names_and_operations() {
    expect(&["name=*.o -> tmp"], "/a/b", "hot tmp", "hot tmp");
    expect(
        &["path=/a/** name=x -> tmp", "path=/a/** -> cold"],
        "/a",
        "cold tmp",
        "cold tmp",
    );
    expect(
        &["path=/a/** -> cold", "path=/a/** name=x -> tmp"],
        "/a",
        "cold",
        "cold",
    );
    expect(&["op=read path=/a/** -> tmp"], "/a", "hot", "hot tmp");
    expect(&["op=name path=/a/** -> cold"], "/a", "cold", "cold");
    expect(&["name=* -> cold"], "/", "cold", "cold");
}

#[test]
fn the_same_rules_below() {
    let rules = ["path=/media/** -> cold", "path=/b/c/** -> tmp"];
    assert!(same(&rules, "/x", "/y/z"));
    assert!(same(&rules, "/media/x", "/media/y"));
    assert!(!same(&rules, "/media/x", "/y"));
    assert!(!same(&rules, "/b", "/y"));
    assert!(same(&rules, "/b/x", "/y"));
}

#[test]
fn other_rules_below_that_say_the_same() {
    let rules = [
        "path=/a/** -> cold",
        "path=/b/** -> cold",
        "path=/c/** -> deny",
        "-> hot",
    ];
    assert!(same(&rules, "/a/x", "/b/x"));
    assert!(!same(&rules, "/a/x", "/d"));
    assert!(!same(&rules, "/c/x", "/d"));
    assert!(same(&["op=read path=/a/** -> cold"], "/a/x", "/b"));
    assert!(same(&["-> hot", "path=/a/*/x -> cold"], "/a", "/b"));
}

#[test]
fn what_is_only_asked_serves_nothing() {
    expect(&["path=/a -> gate:big cold"], "/", "hot cold", "hot cold");
    expect(&["path=/a exists=big -> cold"], "/", "hot cold", "hot cold");
    expect(&["path=/a -> big|tmp"], "/", "hot tmp big", "hot tmp big");
    let policy = policy(&[
        "path=/a/x exists=big -> cold",
        "op=read path=/a/y missing=tmp -> cold",
    ]);
    assert_eq!(names(policy.asked_below(&at(&policy, "/a"))), ["big"]);
    assert_eq!(names(policy.asked_below(&at(&policy, "/"))), ["big"]);
    assert_eq!(names(policy.asked_below(&at(&policy, "/b"))), [""; 0]);
}

#[test]
fn what_may_hold_or_not_counts_twice() {
    expect(
        &["exists=tmp -> cold", "-> big"],
        "/",
        "cold big",
        "cold big",
    );
    expect(&["op=read uid=5 -> cold", "-> big"], "/", "big", "cold big");
    expect(
        &["op=getattr type=f -> cold", "-> big"],
        "/a",
        "big",
        "cold big",
    );
    expect(&["-> big", "exists=tmp -> cold"], "/", "big", "big");
}

#[test]
fn where_names_vary() {
    let vary = |rules: &[&str], path| {
        let policy = policy(rules);
        policy.names_vary(&at(&policy, path))
    };
    let hidden = ["uid=5 path=/secret -> hide", "path=/a/** -> cold"];
    assert!(vary(&hidden, "/") && !vary(&hidden, "/secret") && !vary(&hidden, "/a"));
    let branches = ["path=/a/** exists=tmp -> tmp"];
    assert!(vary(&branches, "/a") && vary(&branches, "/a/b") && vary(&branches, "/"));
    assert!(!vary(&branches, "/b"));
    assert!(vary(&["-> cold|hot"], "/"));
    assert!(vary(&["-> gate:cold hot"], "/") && !vary(&["-> hot", "uid=5 -> deny"], "/"));
    assert!(!vary(&["-> cold", "uid=5 path=/secret -> hide"], "/"));
    assert!(vary(&["name=x -> hide"], "/"));
    assert!(!vary(&["op=open exists=hot -> cold"], "/"));
}

#[test]
fn rules_on_callers_and_branches_are_not_the_same_below() {
    let rules = [
        "uid=5 path=/a/** -> deny",
        "path=/b/** exists=tmp -> hot",
        "uid=5 path=/c/** -> hide",
        "path=/d/** -> hot|tmp",
        "path=/e/** -> gate:big hot",
    ];
    for dir in ["/a", "/b", "/c", "/d", "/e"] {
        assert!(!same(&rules, dir, "/x"), "{dir}");
        assert!(same(&rules, dir, &format!("{dir}/x")), "{dir}");
    }
    assert!(same(&["op=open uid=5 path=/a/** -> deny"], "/a", "/b"));
}
