// SPDX-License-Identifier: GPL-2.0-only

//! What is decided, case by case.

use super::{
    at, branch, policy, show,
    src::route::{Op, State},
};

/// Fails unless each path has the home that stands by it.
fn homes(rules: &[&str], expected: &[(&str, &str)]) {
    let policy = policy(rules);
    for (path, home) in expected {
        assert_eq!(
            at(&policy, path).home(),
            branch(home),
            "{path} under {rules:?}"
        );
    }
}

/// The verdict for `op` as text.
fn verdict(state: &State, op: Op) -> String {
    show(state.verdict(op).verdict)
}

#[test]
fn without_rules_all_is_the_default() {
    let policy = policy(&[]);
    for path in ["/", "/a", "/a/b"] {
        let state = at(&policy, path);
        assert_eq!(state.home(), branch("hot"));
        for op in Op::ALL {
            let decision = state.verdict(op);
            assert_eq!(
                (decision.rule, show(decision.verdict)),
                (None, "hot".into())
            );
        }
        assert!(!state.splits_data());
    }
}

#[test]
fn the_first_match_decides() {
    homes(
        &["path=/a/b -> tmp", "path=/a/** -> cold", "path=/a/c -> big"],
        &[
            ("/a", "cold"),
            ("/a/b", "tmp"),
            ("/a/c", "cold"),
            ("/b", "hot"),
            ("/a/b/c", "cold"),
        ],
    );
}

#[test]
fn deep_globs() {
    homes(
        &["path=/a/** -> cold"],
        &[
            ("/a", "cold"),
            ("/a/x", "cold"),
            ("/a/x/y/z", "cold"),
            ("/ab", "hot"),
            ("/b/a", "hot"),
        ],
    );
    homes(
        &["path=/**/b -> cold"],
        &[
            ("/b", "cold"),
            ("/a/b", "cold"),
            ("/b/b/b", "cold"),
            ("/b/a", "hot"),
            ("/a", "hot"),
        ],
    );
    homes(
        &["path=/a/**/b/**/c -> cold"],
        &[
            ("/a/b/c", "cold"),
            ("/a/x/b/y/z/c", "cold"),
            ("/a/b", "hot"),
            ("/a/c", "hot"),
        ],
    );
    homes(
        &["path=/*/b -> cold"],
        &[("/a/b", "cold"), ("/b", "hot"), ("/a/a/b", "hot")],
    );
}

#[test]
fn globs_within_a_component() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("*", &["a", ".a", "-"], &[]),
        ("a*", &["a", "ab", "a*"], &["b", "ba"]),
        ("*.o", &[".o", "a.o", "a.o.o"], &["o", "a.os"]),
        (
            "a*b*c",
            &["abc", "axxbxxc", "abbcc"],
            &["acb", "ab", "abcx"],
        ),
        ("?", &["a", "*"], &["ab"]),
        ("[abc]", &["a", "b", "c"], &["d", "ab"]),
        ("[a-cx]", &["a", "b", "c", "x"], &["d", "-"]),
        ("[!a-c]", &["d", "-", "!"], &["a", "b", "c", "dd"]),
        ("[]a]", &["]", "a"], &["b"]),
        ("[a-]", &["a", "-"], &["b"]),
        (r"[\]\-\\]", &["]", "-", "\\"], &["a"]),
        (r"[\x61-\x63]", &["a", "c"], &["d", "x"]),
        (r"\*", &["*"], &["a", "\\*"]),
        (r"\x2a\x3f", &["*?"], &["ab"]),
        (r"a\x20b", &["a b"], &["ab"]),
        ("{a}", &["{a}"], &["a"]),
        ("\u{e9}?", &["\u{e9}x"], &["\u{e9}"]),
        ("??", &["\u{e9}"], &["a"]),
    ];
    for (glob, matching, others) in cases {
        let all = matching.iter().map(|name| (name, "cold"));
        for (name, home) in all.chain(others.iter().map(|name| (name, "hot"))) {
            let path = format!("/{name}");
            homes(&[&format!("name={glob} -> cold")], &[(&path, home)]);
            homes(&[&format!("path=/{glob} -> cold")], &[(&path, home)]);
        }
    }
}

#[test]
fn path_and_name_must_both_hold() {
    homes(
        &[
            "path=/src/** name=*.o -> tmp",
            "name=core -> big",
            "path=/src/gen name=x -> cold",
        ],
        &[
            ("/src/a.o", "tmp"),
            ("/src/a/b.o", "tmp"),
            ("/a.o", "hot"),
            ("/src/core", "big"),
            ("/src/core/x", "hot"),
            ("/src/gen", "hot"),
        ],
    );
}

#[test]
fn a_class_is_all_its_operations() {
    let policy = policy(&["op=name -> cold", "op=meta -> tmp", "op=data -> big"]);
    let state = at(&policy, "/x");
    for (number, op) in Op::ALL.into_iter().enumerate() {
        let expected = match number {
            0..=10 => "cold",
            11..=21 => "tmp",
            _ => "big",
        };
        assert_eq!(verdict(&state, op), expected, "{}", op.name());
    }
}

#[test]
fn a_denied_name_keeps_its_home() {
    let policy = policy(&["path=/a -> deny:ENOENT", "path=/** -> cold"]);
    let state = at(&policy, "/a");
    assert_eq!(verdict(&state, Op::Lookup), "deny:2");
    assert_eq!((state.home(), state.home_rule()), (branch("cold"), Some(2)));
    assert_eq!(policy.home_of(&at(&policy, "/"), b"a"), branch("cold"));
}

#[test]
fn what_no_rule_speaks_of_is_served_by_the_home() {
    let policy = policy(&["op=name path=/a/** -> cold", "op=read path=/a/** -> hot"]);
    let state = at(&policy, "/a/x");
    for op in [Op::Getattr, Op::Open, Op::Write, Op::Lseek, Op::Mmap] {
        let decision = state.verdict(op);
        let expected = if op == Op::Lseek { "hot" } else { "cold" };
        assert_eq!(show(decision.verdict), expected, "{}", op.name());
        assert_eq!(decision.rule.is_none(), op != Op::Lseek);
    }
    assert!(state.splits_data());
    let denied = super::policy(&["op=lookup -> deny", "op=lookup -> cold"]);
    assert_eq!(verdict(&at(&denied, "/x"), Op::Getattr), "cold");
}

#[test]
fn the_root_stays_where_it_is() {
    let policy = policy(&[
        "op=statfs -> big",
        "op=setattr -> deny:EROFS",
        "path=/ -> cold",
    ]);
    let state = at(&policy, "/");
    assert_eq!((state.home(), state.home_rule()), (branch("hot"), None));
    assert_eq!(verdict(&state, Op::Lookup), "hot");
    assert_eq!(verdict(&state, Op::Statfs), "big");
    assert_eq!(verdict(&state, Op::Setattr), "deny:30");
    assert_eq!(verdict(&state, Op::Getattr), "cold");
    let all = super::policy(&["-> deny", "-> cold"]);
    assert_eq!(at(&all, "/").home(), branch("hot"));
    assert_eq!(at(&all, "/a").home(), branch("cold"));
}

#[test]
fn data_goes_where_the_file_was_opened() {
    let policy = policy(&["op=open -> cold", "op=data -> tmp", "-> deny"]);
    let state = at(&policy, "/a");
    for op in [
        Op::Read,
        Op::Write,
        Op::Mmap,
        Op::Splice,
        Op::Lseek,
        Op::Copy,
        Op::Remap,
    ] {
        let decision = state.verdict(op);
        assert_eq!(
            (decision.rule, show(decision.verdict)),
            (Some(1), "cold".into())
        );
    }
    assert!(!state.splits_data());
}

#[test]
fn rules_that_name_data_operations_split_them() {
    let policy = policy(&[
        "op=open+write -> cold",
        "op=read -> tmp",
        "op=lseek -> deny:ENXIO",
    ]);
    let state = at(&policy, "/a");
    assert!(state.splits_data());
    let expected = [
        (Op::Open, "cold"),
        (Op::Read, "tmp"),
        (Op::Write, "cold"),
        (Op::Mmap, "cold"),
        (Op::Splice, "tmp"),
        (Op::Lseek, "deny:6"),
        (Op::Copy, "tmp"),
    ];
    for (op, expected) in expected {
        assert_eq!(verdict(&state, op), expected, "{}", op.name());
    }
    assert_eq!(show(state.data(Op::Splice, Op::Write).verdict), "cold");
}

#[test]
fn naming_a_data_operation_for_the_same_branch_splits_nothing() {
    let policy = policy(&["op=read -> cold", "-> cold"]);
    assert!(!at(&policy, "/a").splits_data());
    let shadowed = super::policy(&["-> cold", "op=read -> tmp"]);
    assert!(!at(&shadowed, "/a").splits_data());
}

#[test]
fn states_are_few() {
    let policy = policy(&["name=*.o -> tmp", "path=/media/** -> cold"]);
    let state = at(&policy, "/media/a");
    assert!(state == at(&policy, "/media/b/c/d"));
    assert_eq!(state.hash(), at(&policy, "/media/x").hash());
    assert!(state != at(&policy, "/media/a.o"));
    assert!(at(&policy, "/a") == at(&policy, "/b/c"));
}

#[test]
fn rules_keep_their_order_and_text() {
    let policy = policy(&["-> cold", "name=x -> hot"]);
    let texts: Vec<&[u8]> = policy.rules().iter().map(|rule| rule.text()).collect();
    assert_eq!(texts, [&b"-> cold"[..], b"name=x -> hot"]);
}
