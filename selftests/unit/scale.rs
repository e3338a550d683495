// SPDX-License-Identifier: GPL-2.0-only

//! Many rules: a lookup costs those that can still match.

use super::{
    at, branch,
    call::Asked,
    compile,
    naive::Call,
    policy,
    src::route::{Kind, Name, Op, Policy, MAX_RULES},
};
use std::time::{Duration, Instant};

/// The policy of the rules that `rule` gives for 0, 1, ... `count`.
fn many(count: usize, rule: impl Fn(usize) -> String) -> Policy {
    let rules: Vec<String> = (0..count).map(rule).collect();
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    policy(&rules)
}

/// The shortest time that `work` took.
fn shortest(mut work: impl FnMut()) -> Duration {
    let times = (0..20).map(|_| {
        let start = Instant::now();
        (0..100).for_each(|_| work());
        start.elapsed()
    });
    times.min().unwrap_or_default()
}

/// Fails unless a lookup of `name` in `dir` takes about as long under many rules as under few.
fn is_flat(rule: impl Fn(usize) -> String + Copy, dir: &str, name: &str) {
    let [few, many] = [10, 10_000].map(|count| {
        let policy = many(count, rule);
        let dir = at(&policy, dir);
        shortest(|| {
            let name = Name::new(name.as_bytes());
            std::hint::black_box(policy.child(&dir, &name, Some(Kind::File)).is_ok());
            let call = Call::default();
            let asked = Asked {
                call: &call,
                policy: &policy,
            };
            std::hint::black_box(policy.peek(&dir, &name, &asked).is_ok());
        })
    });
    println!(
        "{} in {dir}: {few:?} under 10 rules, {many:?} under 10000",
        rule(5)
    );
    // A scan would take a thousand times as long.
    assert!(many < few * 20, "{few:?} and {many:?}");
}

#[test]
fn literal_paths() {
    is_flat(|n| format!("path=/d{n}/** -> cold"), "/", "d5");
    is_flat(|n| format!("path=/d{n}/** -> cold"), "/d5", "x");
    is_flat(|n| format!("path=/a/**/d{n}/x -> cold"), "/a/b/c", "d7");
    is_flat(|n| format!("path=/**/d{n} -> cold"), "/a/b", "d7");
}

#[test]
fn literal_names() {
    is_flat(|n| format!("name=n{n} -> cold"), "/a", "n5");
    is_flat(|n| format!("path=/a/** name=n{n} -> cold"), "/a", "other");
}

#[test]
fn globs_that_end_otherwise() {
    is_flat(|n| format!("name=*.e{n} -> cold"), "/a", "x.e5");
    is_flat(|n| format!("path=/a/b*.e{n} -> cold"), "/a", "other");
}

#[test]
fn rules_that_can_never_decide() {
    // Each number gives another set of operations, the first one all of them.
    let ops = |n: usize| {
        let ops = (0..30)
            .filter(|bit| n >> bit & 1 != 0)
            .map(|bit| Op::ALL[bit].name());
        match n {
            0 => "".into(),
            _ => format!("op={} ", ops.collect::<Vec<_>>().join("+")),
        }
    };
    is_flat(|n| format!("{}path=/a -> cold", ops(n)), "/", "a");
    is_flat(|n| format!("{}path=/a/** -> cold", ops(n)), "/a", "b");
    is_flat(
        |n| format!("{}path=/{} -> cold", ops(n), ["**", "*/x"][n.min(1)]),
        "/",
        "b",
    );
}

#[test]
fn the_last_of_many_rules_is_found() {
    let policy = many(MAX_RULES, |n| format!("path=/d{n}/*/x -> cold"));
    let home = at(&policy, "/d65533/a/x")
        .home()
        .expect("a home that is known");
    assert_eq!((home.rule, home.branch), (Some(65_534), branch("cold")));
    let rules: Vec<String> = (0..=MAX_RULES)
        .map(|n| format!("name=d{n} -> cold"))
        .collect();
    let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
    assert_eq!(compile(&rules).err().as_deref(), Some("too many"));
}

#[test]
fn literals_with_conditions() {
    is_flat(|n| format!("uid={n} name=n{n} -> hide"), "/a", "n5");
    is_flat(
        |n| format!("op=open path=/**/n{n} exists=hot -> cold"),
        "/a",
        "n5",
    );
    is_flat(|n| format!("type=f path=/d{n}/** -> cold|hot"), "/", "d5");
}

#[test]
fn ten_thousand_rules_for_one_name() {
    let policy = many(10_000, |n| format!("uid={n} name=x -> hide"));
    let state = at(&policy, "/x");
    let call = Call {
        uid: 9_999,
        ..Call::default()
    };
    let asked = Asked {
        call: &call,
        policy: &policy,
    };
    let start = Instant::now();
    let lookup = policy.decide(&state, Op::Lookup, &asked).expect("facts");
    assert_eq!(lookup.rule, Some(10_000));
    let peek = policy.peek(&at(&policy, "/"), &Name::new(b"x"), &asked);
    assert_eq!(peek.expect("facts").lookup, lookup);
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn to_compile_ten_times_the_rules_takes_ten_times_as_long() {
    for rule in [
        |n| format!("path=/d{n}/**/[a-c]*.o name=x uid={n} -> deny"),
        |n| format!("name=n{n} exists=big -> cold|hot"),
        |n| format!("path=/a/**/*{n} -> cold"),
        |n| format!("path=/**/n{n} cgroup=/g{n} -> hide"),
    ] {
        // As much work each, so that a busy machine takes as much from either.
        let [few, all] = [(10, 1_000), (1, 10_000)].map(|(times, count)| {
            let rounds = (0..5).map(|_| {
                let start = Instant::now();
                (0..times).for_each(|_| drop(many(count, rule)));
                start.elapsed()
            });
            rounds.min().unwrap_or_default()
        });
        // As long, and what outgrows the caches; a scan would take ten times as long.
        println!("{}: {few:?} for 10 x 1000, {all:?} for 10000", rule(5));
        assert!(all < few * 8, "{few:?} and {all:?}");
    }
}
