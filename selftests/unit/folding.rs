// SPDX-License-Identifier: GPL-2.0-only

//! Directories that fold case: names and patterns are compared folded.

use super::{
    branch,
    call::Asked,
    fold, mem,
    naive::{self, Call},
    policy, set,
    src::route::{BranchId, Kind, Name, Policy},
};

/// The home of `name` in the root, by the folded form if it `folds`.
fn home(policy: &Policy, name: &str, folds: bool) -> BranchId {
    let folded = naive::fold(name);
    let name = if folds {
        Name::folded(name.as_bytes(), folded.as_bytes())
    } else {
        Name::new(name.as_bytes())
    };
    let root = policy.root().expect("memory");
    let state = policy.child(&root, &name, Some(Kind::Dir)).expect("memory");
    let call = Call::default();
    let asked = Asked {
        call: &call,
        policy,
    };
    let peek = policy.peek(&root, &name, &asked).expect("facts");
    assert_eq!(state.home(), Some(peek.home));
    peek.home.branch
}

#[test]
fn what_a_pattern_matches() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("Secret", &["secret", "SECRET", "Secret"], &["secrets"]),
        ("*.JPG", &["a.jpg", "A.Jpg"], &["jpg"]),
        ("Stra\u{df}e", &["STRASSE", "stra\u{df}e"], &["strase"]),
        ("*\u{df}?", &["MASSE", "ma\u{df}e"], &["mass"]),
        ("[A-C]x", &["ax", "BX"], &["dx"]),
        ("[!A]", &["b", "B"], &["a", "A"]),
        ("[!a-y]", &["Z", "1"], &["A", "q"]),
        ("\u{c9}t\u{c9}", &["\u{e9}T\u{e9}"], &["ete"]),
    ];
    for (glob, matching, others) in cases {
        for rule in [
            format!("name={glob} -> cold"),
            format!("path=/{glob} -> cold"),
        ] {
            let policy = policy(&[&rule]);
            for name in *matching {
                assert_eq!(home(&policy, name, true), branch("cold"), "{rule}: {name}");
            }
            for name in *others {
                assert_eq!(home(&policy, name, true), branch("hot"), "{rule}: {name}");
            }
        }
    }
}

#[test]
fn elsewhere_bytes_are_compared() {
    let policy = policy(&["name=Secret -> cold", "path=/*.O -> tmp"]);
    for (name, exact, folded) in [
        ("Secret", "cold", "cold"),
        ("secret", "hot", "cold"),
        ("x.O", "tmp", "tmp"),
        ("x.o", "hot", "tmp"),
    ] {
        assert_eq!(home(&policy, name, false), branch(exact), "{name}");
        assert_eq!(home(&policy, name, true), branch(folded), "{name}");
    }
}

#[test]
fn patterns_that_differ_only_in_case_all_match() {
    let policy = policy(&["name=foo -> cold", "name=FOO -> tmp", "path=/Foo -> big"]);
    assert_eq!(home(&policy, "fOO", true), branch("cold"));
    assert_eq!(home(&policy, "FOO", false), branch("tmp"));
    assert_eq!(home(&policy, "fOO", false), branch("hot"));
    let root = policy.root().expect("memory");
    assert_eq!(policy.names_homes(&root, false), set("hot cold tmp big"));
}

#[test]
fn listings_of_such_directories_have_the_homes_of_all_spellings() {
    let policy = policy(&[
        "name=[!f]oo -> big",
        "path=/Foo -> cold",
        "path=/foo -> tmp",
    ]);
    let root = policy.root().expect("memory");
    assert_eq!(home(&policy, "foo", true), branch("cold"));
    assert_eq!(policy.names_homes(&root, true), set("hot big cold tmp"));
}

#[test]
fn a_name_that_cannot_be_folded_is_compared_as_it_is() {
    let mut rules = mem::Vec::new();
    let rule = super::parse(b"name=A\xff -> cold").expect("a right rule");
    rules.push(rule).expect("memory");
    let policy = Policy::compile(rules, branch("hot"), Some(&fold)).expect("a right list");
    let root = policy.root().expect("memory");
    for (name, home) in [(b"A\xff", "cold"), (b"a\xff", "hot")] {
        for name in [Name::new(name), Name::folded(name, name)] {
            let state = policy.child(&root, &name, None).expect("memory");
            assert_eq!(state.home().map(|home| home.branch), Some(branch(home)));
        }
    }
}

#[test]
fn without_a_way_to_fold_bytes_are_compared() {
    let mut rules = mem::Vec::new();
    let rule = super::parse(b"name=A -> cold").expect("a right rule");
    rules.push(rule).expect("memory");
    let policy = Policy::compile(rules, branch("hot"), None).expect("a right list");
    assert_eq!(home(&policy, "A", true), branch("cold"));
    assert_eq!(home(&policy, "a", true), branch("hot"));
}
