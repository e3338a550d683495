// SPDX-License-Identifier: GPL-2.0-only

//! What is decided, case by case.

use super::{
    at, branch,
    call::Asked,
    child,
    naive::Call,
    policy, show,
    src::route::{BranchId, Kind, Name, Needs, Op, Policy, State},
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
fn home(state: &State) -> BranchId {
    state.home().expect("a home that is known").branch
}

/// The verdict for `op` as text; nothing if it depends on the call.
fn verdict(policy: &Policy, state: &State, op: Op) -> String {
    let decision = state.decision(op);
    decision.map_or(String::new(), |decision| show(policy, decision.verdict))
}

/// The verdict for `op` by `call` as text.
fn by(policy: &Policy, state: &State, op: Op, call: &Call) -> String {
    let decision = policy.decide(state, op, &Asked { call, policy });
    show(policy, decision.expect("facts").verdict)
}

/// The home by `call`.
fn home_by(policy: &Policy, state: &State, call: &Call) -> BranchId {
    policy
        .home(state, &Asked { call, policy })
        .expect("facts")
        .branch
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

/// A call by `uid`.
fn call_of(uid: u32) -> Call {
    Call {
        uid,
        cgroup: "/",
        ..Call::default()
    }
}

#[test]
fn each_condition_on_the_caller() {
    let cases = [
        ("uid=5", call_of(5), call_of(6)),
        ("uid=5-7", call_of(7), call_of(8)),
        (
            "gid=10-20",
            Call {
                groups: vec![1, 20],
                ..call_of(0)
            },
            Call {
                groups: vec![1, 21],
                ..call_of(0)
            },
        ),
        (
            r"cgroup=/a\\x2d\x62",
            Call {
                cgroup: r"/a\x2db/c",
                ..call_of(0)
            },
            Call {
                cgroup: r"/a\x2dbc",
                ..call_of(0)
            },
        ),
        (
            "access=w+x",
            Call {
                access: "rw",
                ..call_of(0)
            },
            Call {
                access: "r",
                ..call_of(0)
            },
        ),
        (
            "access=r",
            Call {
                access: "rw",
                ..call_of(0)
            },
            call_of(0),
        ),
        (
            "size=>1K",
            Call {
                size: Some(1025),
                ..call_of(0)
            },
            Call {
                size: Some(1024),
                ..call_of(0)
            },
        ),
        (
            "size=<2M",
            Call {
                size: Some(2_097_151),
                ..call_of(0)
            },
            call_of(0),
        ),
        (
            "exists=big",
            Call {
                exists: vec!["big"],
                ..call_of(0)
            },
            Call {
                exists: vec!["hot"],
                ..call_of(0)
            },
        ),
        (
            "missing=big",
            call_of(0),
            Call {
                exists: vec!["big"],
                ..call_of(0)
            },
        ),
    ];
    for (condition, holds, fails) in cases {
        let policy = policy(&[&format!("op=open {condition} -> tmp"), "op=open -> cold"]);
        let state = at(&policy, "/x");
        assert_eq!(state.decision(Op::Open), None, "{condition}");
        assert_eq!(by(&policy, &state, Op::Open, &holds), "tmp", "{condition}");
        assert_eq!(by(&policy, &state, Op::Open, &fails), "cold", "{condition}");
        assert_eq!(verdict(&policy, &state, Op::Getattr), "home", "{condition}");
    }
}

#[test]
fn a_type_is_known_for_objects_only() {
    let policy = policy(&["type=d+l -> tmp", "op=getattr type=f -> cold"]);
    assert!(policy.asks_types() && !super::policy(&["uid=5 -> hide"]).asks_types());
    let root = at(&policy, "/");
    let state = |kind| policy.child(&root, &Name::new(b"x"), kind).expect("memory");
    let (dir, file, unknown) = (state(Some(Kind::Dir)), state(Some(Kind::File)), state(None));
    assert_eq!(verdict(&policy, &dir, Op::Getattr), "tmp");
    assert_eq!(verdict(&policy, &dir, Op::Mkdir), "tmp");
    assert_eq!(verdict(&policy, &file, Op::Getattr), "cold");
    assert_eq!(verdict(&policy, &unknown, Op::Getattr), "home");
    for state in [dir, file, unknown] {
        assert_eq!(verdict(&policy, &state, Op::Lookup), "home");
        assert_eq!(verdict(&policy, &state, Op::Readdir), "home");
        assert_eq!(home(&state), branch("hot"));
    }
}

#[test]
fn files_have_nothing_below() {
    let policy = policy(&["path=/**/x/y -> cold"]);
    let dir = at(&policy, "/a");
    let state = |kind| policy.child(&dir, &Name::new(b"x"), kind).expect("memory");
    let file = policy
        .child(&dir, &Name::new(b"b"), Some(Kind::File))
        .expect("memory");
    assert!(state(Some(Kind::File)) == file && state(Some(Kind::Dir)) != file);
    assert!(state(None) == state(Some(Kind::Dir)));
}

#[test]
fn what_is_hidden_from_one_is_seen_by_others() {
    let policy = policy(&["uid=5 path=/s/** -> hide", "path=/s -> cold"]);
    let state = at(&policy, "/s");
    assert_eq!(state.lookup_needs(), Needs::Caller);
    assert_eq!(home(&state), branch("cold"));
    for op in Op::ALL {
        assert_eq!(by(&policy, &state, op, &call_of(5)), "hide");
        assert_eq!(by(&policy, &state, op, &call_of(6)), "cold");
    }
    let root = at(&super::policy(&["-> hide"]), "/");
    assert!(Op::ALL
        .iter()
        .all(|op| root.decision(*op).is_some_and(|d| d.rule.is_none())));
}

#[test]
fn homes_that_depend_on_branches() {
    let policy = policy(&[
        "path=/a exists=tmp missing=big -> tmp",
        "path=/b -> big|cold",
        "path=/c -> gate:tmp cold",
    ]);
    let exists = |list: &[&'static str]| Call {
        exists: list.to_vec(),
        ..call_of(0)
    };
    let [a, b, c] = ["/a", "/b", "/c"].map(|path| at(&policy, path));
    assert_eq!(home_by(&policy, &a, &exists(&["tmp"])), branch("tmp"));
    assert_eq!(
        home_by(&policy, &a, &exists(&["tmp", "big"])),
        branch("hot")
    );
    assert_eq!(home_by(&policy, &b, &exists(&["cold"])), branch("cold"));
    assert_eq!(
        home_by(&policy, &b, &exists(&["cold", "big"])),
        branch("big")
    );
    assert_eq!(home_by(&policy, &b, &exists(&[])), branch("big"));
    assert_eq!(home(&c), branch("cold"));
    for state in [&a, &b, &c] {
        assert_eq!(state.lookup_needs(), Needs::Branches);
    }
    assert_eq!(verdict(&policy, &b, Op::Open), "big|cold");
    assert_eq!(verdict(&policy, &c, Op::Open), "gate:tmp cold");
    let none = exists(&[]);
    let asked = Asked {
        call: &none,
        policy: &policy,
    };
    for (made_in, home) in [("cold", "cold"), ("big", "big"), ("tmp", "big")] {
        let after = policy
            .home_after(&b, &asked, branch(made_in))
            .expect("facts");
        assert_eq!(after.branch, branch(home), "{made_in}");
    }
}

#[test]
fn an_open_file_keeps_to_what_its_opener_was_given() {
    let policy = policy(&[
        "op=read uid=5 -> tmp",
        "op=data uid=6 -> big",
        "op=write size=>10 -> deny:EFBIG",
    ]);
    let state = at(&policy, "/x");
    assert!(state.splits_data());
    let expected = [
        (5, Op::Open, "home"),
        (5, Op::Read, "tmp"),
        (5, Op::Lseek, "tmp"),
        (5, Op::Mmap, "home"),
        (6, Op::Open, "big"),
        (6, Op::Read, "big"),
        (6, Op::Write, "big"),
        (7, Op::Read, "home"),
    ];
    for (uid, op, expected) in expected {
        assert_eq!(
            by(&policy, &state, op, &call_of(uid)),
            expected,
            "{uid} {}",
            op.name()
        );
    }
    let long = Call {
        size: Some(11),
        ..call_of(7)
    };
    assert_eq!(by(&policy, &state, Op::Write, &long), "deny:27");
    assert_eq!(child(&policy, &state, "y"), state);
}
