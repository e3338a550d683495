// SPDX-License-Identifier: GPL-2.0-only

//! What depends on the call, case by case.

use super::{
    at, branch,
    call::Asked,
    child,
    decide::{home, verdict},
    naive::Call,
    policy, show,
    src::route::{BranchId, Kind, Name, Needs, Op, Policy, State},
};

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
    let policy = super::policy(&["-> hide", "op=statfs -> big"]);
    assert_eq!(verdict(&policy, &at(&policy, "/"), Op::Statfs), "big");
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

#[test]
fn each_of_many_rules_on_callers_is_found() {
    let rules: Vec<String> = (0..100)
        .map(|n| match n % 3 {
            0 => format!("uid={n} -> deny"),
            1 => format!("path=/x uid={n} -> deny"),
            _ => format!("name=x uid={n} -> hide"),
        })
        .chain(["path=/x -> cold".into()])
        .collect();
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    let policy = policy(&rules);
    let (root, state) = (at(&policy, "/"), at(&policy, "/x"));
    for uid in 0..=100 {
        let call = call_of(uid.into());
        let asked = Asked {
            call: &call,
            policy: &policy,
        };
        let peek = policy.peek(&root, &Name::new(b"x"), &asked).expect("facts");
        assert_eq!(peek.lookup.rule, Some(uid + 1u16));
        assert_eq!(peek.home.branch, branch("cold"));
        assert_eq!(policy.decide(&state, Op::Lookup, &asked), Ok(peek.lookup));
    }
}

#[test]
fn callers_without_an_exception_find_all_at_home() {
    let by_uid = |uid| call_of(uid);
    let in_group = Call {
        groups: vec![7],
        ..call_of(0)
    };
    let cases: [(&[&str], &[(Call, bool)]); 5] = [
        (
            &["path=/** uid=1000-2000 -> hide"],
            &[
                (by_uid(0), true),
                (by_uid(1000), false),
                (by_uid(2001), true),
            ],
        ),
        (
            &["op=data uid=5 -> cold", "op=meta gid=7 -> deny", "-> hot"],
            &[(by_uid(1), true), (by_uid(5), false), (in_group, false)],
        ),
        // Not a rule on the caller alone.
        (&["uid=5 access=w op=open -> deny"], &[]),
        (&["uid=5 -> deny", "op=read -> cold"], &[]),
        (&["uid=5 -> deny", "exists=cold -> cold"], &[]),
    ];
    for (rules, callers) in cases {
        let policy = policy(rules);
        let state = at(&policy, "/x");
        let exceptions = policy.exceptions(&state);
        assert_eq!(exceptions.is_some(), !callers.is_empty(), "{rules:?}");
        for (call, plain) in callers {
            let exceptions = exceptions.as_ref().expect("some");
            let asked = Asked {
                call,
                policy: &policy,
            };
            assert_eq!(policy.excepts(exceptions, &asked), !plain, "{rules:?}");
            assert_eq!(exceptions.home(), branch("hot"));
        }
    }
    let many: Vec<String> = (0..7).map(|n| format!("uid={n} -> deny")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (count, kept) in [(6, true), (7, false)] {
        let policy = policy(&many[..count]);
        assert_eq!(policy.exceptions(&at(&policy, "/x")).is_some(), kept);
    }
}
