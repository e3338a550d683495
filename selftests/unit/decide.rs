// SPDX-License-Identifier: GPL-2.0-only

//! What is decided, case by case.

use super::{
    at, branch,
    call::Asked,
    naive::Call,
    policy, show,
    src::route::{BranchId, Name, Op, Policy, State},
};

/// Fails unless each path has the home that stands by it.
fn homes(rules: &[&str], expected: &[(&str, &str)]) {
    let policy = policy(rules);
    for (path, shall) in expected {
        assert_eq!(
            home(&at(&policy, path)),
            branch(shall),
            "{path} under {rules:?}"
        );
    }
}

/// The home, which depends on nothing.
pub(crate) fn home(state: &State) -> BranchId {
    state.home().expect("a home that is known").branch
}

/// The verdict for `op` as text; nothing if it depends on the call.
pub(crate) fn verdict(policy: &Policy, state: &State, op: Op) -> String {
    let decision = state.decision(op);
    decision.map_or(String::new(), |decision| show(policy, decision.verdict))
}

#[test]
fn without_rules_all_is_the_default() {
    let policy = policy(&[]);
    for path in ["/", "/a", "/a/b"] {
        let state = at(&policy, path);
        assert_eq!(home(&state), branch("hot"));
        for op in Op::ALL {
            let decision = state.decision(op).expect("a decision");
            assert_eq!(
                (decision.rule, show(&policy, decision.verdict)),
                (None, "home".into())
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
fn globs_side_by_side_are_as_each_alone() {
    let globs = [
        "*.c", "*.h", "*~", "a*~", "*.iso", "*x.iso", "*yx.iso", "a*x.iso", "*[ab]c", "?", "*q",
        "??q", "[a-y]*.h", "f*", "*o",
    ];
    let names = [
        "x.c", ".c", "c", "x.h", "z.h", "a~", "~", "b~", "x.iso", "iso", ".iso", "yx.iso",
        "ax.iso", "bc", "cc", "q", "qq", "xyq", "f", "fi", "o", "f.iso", "az.iso", "aq~",
    ];
    let speaks = |rules: &[String], name: &str| {
        let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
        let policy = policy(&rules);
        let state = at(&policy, &format!("/{name}"));
        state
            .decision(Op::Getattr)
            .expect("static")
            .rule
            .map(usize::from)
    };
    for kind in ["name=", "path=/"] {
        for first in 0..globs.len() {
            let globs = globs.iter().cycle().skip(first).take(globs.len());
            let rules: Vec<String> = globs
                .map(|glob| format!("{kind}{glob} op=getattr -> deny"))
                .collect();
            for name in names {
                let alone = |rule: &String| speaks(&[rule.clone()], name).is_some();
                let expected = rules.iter().position(alone).map(|place| place + 1);
                assert_eq!(speaks(&rules, name), expected, "{name} under {rules:?}");
            }
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
        assert_eq!(verdict(&policy, &state, op), expected, "{}", op.name());
    }
}

#[test]
fn a_denied_name_keeps_its_home() {
    let policy = policy(&["path=/a -> deny:ENOENT", "path=/** -> cold"]);
    let state = at(&policy, "/a");
    assert_eq!(verdict(&policy, &state, Op::Lookup), "deny:2");
    let known = state.home().expect("a home that is known");
    assert_eq!((known.branch, known.rule), (branch("cold"), Some(2)));
    let call = Call::default();
    let asked = Asked {
        call: &call,
        policy: &policy,
    };
    let peek = policy.peek(&at(&policy, "/"), &Name::new(b"a"), &asked);
    assert_eq!(peek.map(|peek| peek.home), Ok(known));
}

#[test]
fn what_no_rule_speaks_of_is_served_by_the_home() {
    let policy = policy(&["op=name path=/a/** -> cold", "op=read path=/a/** -> hot"]);
    let state = at(&policy, "/a/x");
    for op in [Op::Getattr, Op::Open, Op::Write, Op::Lseek, Op::Mmap] {
        let expected = if op == Op::Lseek { "hot" } else { "home" };
        assert_eq!(verdict(&policy, &state, op), expected, "{}", op.name());
    }
    assert!(state.splits_data());
    let denied = super::policy(&["op=lookup -> deny", "op=lookup -> cold"]);
    let state = at(&denied, "/x");
    assert_eq!(verdict(&denied, &state, Op::Getattr), "home");
    assert_eq!(home(&state), branch("cold"));
}

#[test]
fn the_root_stays_where_it_is() {
    let policy = policy(&[
        "op=statfs -> big",
        "op=setattr -> deny:EROFS",
        "path=/ -> cold",
    ]);
    let state = at(&policy, "/");
    assert_eq!(home(&state), branch("hot"));
    assert_eq!(verdict(&policy, &state, Op::Lookup), "home");
    assert_eq!(verdict(&policy, &state, Op::Statfs), "big");
    assert_eq!(verdict(&policy, &state, Op::Setattr), "deny:30");
    assert_eq!(verdict(&policy, &state, Op::Getattr), "cold");
    let all = super::policy(&["-> deny", "-> cold"]);
    assert_eq!(home(&at(&all, "/")), branch("hot"));
    assert_eq!(home(&at(&all, "/a")), branch("cold"));
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
        let decision = state.decision(op).expect("a decision");
        assert_eq!(
            (decision.rule, show(&policy, decision.verdict)),
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
        assert_eq!(verdict(&policy, &state, op), expected, "{}", op.name());
    }
    let spliced = state
        .data_decision(Op::Splice, Op::Write)
        .expect("a decision");
    assert_eq!(show(&policy, spliced.verdict), "cold");
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
