// SPDX-License-Identifier: GPL-2.0-only

//! Random rules, trees, names and callers: the compiled form against the reference.

use super::{
    agree::check,
    call::{Asked, CallerOnly},
    generate::{child, compile, context, count, join, with_name, Random},
    naive::Call,
    name_of, show,
    src::route::{BranchSet, Name, Op, Policy, State, Verdict},
};

#[test]
fn decisions_are_those_of_the_reference() {
    let mut random = Random::new(1);
    let mut left = count(1);
    let mut seen = [0usize; 3];
    while left > 0 {
        let (rules, policy) = random.rules();
        for _ in 0..40.min(left) {
            left -= 1;
            let (mut state, mut path) = random.walk(&policy, 4);
            let mut kind = Some(('d', super::Kind::Dir));
            if !random.one_in(6) {
                kind = random.kind();
                let step = random.step();
                state = child(&policy, &state, &step, kind.map(|(_, kind)| kind));
                path.push(step);
            }
            let call = random.call(kind);
            check(&rules, &policy, &state, &path, &call);
            seen[state.lookup_needs() as usize] += 1;
        }
    }
    assert!(
        seen.iter().all(|n| *n > count(50)),
        "each happens: {seen:?}"
    );
}

#[test]
fn peeking_gives_what_the_state_gives() {
    let mut random = Random::new(2);
    for _ in 0..count(100) {
        let (rules, policy) = random.rules();
        for _ in 0..20 {
            let (dir, path) = random.walk(&policy, 4);
            let step = random.step();
            let kind = random.kind();
            let state = child(&policy, &dir, &step, kind.map(|(_, kind)| kind));
            let call = random.call(kind);
            let call = &call;
            let asked = Asked {
                call,
                policy: &policy,
            };
            let peek = with_name(&step, |name| policy.peek(&dir, name, &asked)).unwrap();
            let what = context(&rules, &join(&path, &step), &format!("{call:?}: {peek:?}"));
            assert_eq!(Ok(peek.home), policy.home(&state, &asked), "{what}");
            assert_eq!(
                Ok(peek.lookup),
                policy.decide(&state, Op::Lookup, &asked),
                "{what}"
            );
            assert_eq!(peek.is_hidden(), peek.lookup.verdict == Verdict::Hide);

            let caller = CallerOnly(asked);
            let lazy = with_name(&step, |name| policy.peek(&dir, name, &caller));
            if let Ok(lazy) = lazy {
                assert_eq!(lazy, peek, "{what}");
            }
            let home = policy.home(&state, &caller);
            let lookup = policy.decide(&state, Op::Lookup, &caller);
            assert_eq!(lazy.is_ok(), home.is_ok() && lookup.is_ok(), "{what}");
        }
    }
}

#[test]
fn splits_data_when_any_call_may() {
    let mut random = Random::new(10);
    let mut seen = [0usize; 2];
    for _ in 0..count(100) {
        let (rules, policy) = random.rules();
        for _ in 0..10 {
            let (dir, path) = random.walk(&policy, 3);
            let kind = random.kind();
            let step = random.step();
            let state = child(&policy, &dir, &step, kind.map(|(_, kind)| kind));
            seen[usize::from(state.splits_data())] += 1;
            if state.splits_data() {
                continue;
            }
            let call = random.call(kind);
            let asked = Asked {
                call: &call,
                policy: &policy,
            };
            let verdict = |op| policy.decide(&state, op, &asked).unwrap().verdict;
            for op in &Op::ALL[Op::Read as usize..] {
                let path = join(&path, &step);
                assert_eq!(
                    verdict(*op),
                    verdict(Op::Open),
                    "{}",
                    context(&rules, &path, op.name())
                );
            }
        }
    }
    assert!(seen.iter().all(|n| *n > 20), "both happen: {seen:?}");
}

#[test]
fn listings_have_every_home_and_what_varies() {
    let mut random = Random::new(3);
    let mut seen = [0usize; 2];
    for _ in 0..count(200) {
        let (rules, policy) = random.rules();
        for _ in 0..8 {
            let (dir, path) = random.walk(&policy, 3);
            let folds = random.one_in(4);
            let homes = policy.names_homes(&dir, folds);
            let varies = policy.names_vary(&dir);
            seen[usize::from(varies)] += 1;
            for _ in 0..12 {
                let step = (random.name(), folds && !random.one_in(4));
                let path = join(&path, &step);
                let peek = |call: &Call| {
                    let asked = Asked {
                        call,
                        policy: &policy,
                    };
                    with_name(&step, |name| policy.peek(&dir, name, &asked)).unwrap()
                };
                let (one, other) = (peek(&random.call(None)), peek(&random.call(None)));
                assert!(
                    homes.has(one.home.branch),
                    "{}",
                    context(&rules, &path, "home")
                );
                if !varies {
                    assert!(!one.is_hidden(), "{}", context(&rules, &path, "hidden"));
                    assert_eq!(one.home, other.home, "{}", context(&rules, &path, "varies"));
                }
            }
        }
    }
    assert!(seen.iter().all(|n| *n > 20), "both happen: {seen:?}");
}

#[test]
fn names_homes_is_exact_for_static_rules_without_partial_globs() {
    let mut random = Random::new(4);
    for _ in 0..count(400) {
        let (mut rules, _) = random.rules();
        let literal = |glob: &str| glob == "*" || !glob.contains(['?', '[', '*']);
        rules.retain(|rule| {
            rule.path
                .iter()
                .all(|path| path.split('/').all(|c| c == "**" || literal(c)))
                && rule.name.iter().all(|name| literal(name))
                && !rule.asks_caller()
                && !rule.asks_branches()
                && !rule.verdict.contains('|')
        });
        let policy = compile(&rules);
        let call = Call::default();
        let asked = Asked {
            call: &call,
            policy: &policy,
        };
        for _ in 0..8 {
            let (dir, path) = random.walk(&policy, 3);
            let home = |name: &str| {
                let peek = policy.peek(&dir, &Name::new(name.as_bytes()), &asked);
                BranchSet::of(peek.unwrap().home.branch)
            };
            let mut homes = home("other");
            let globs = rules
                .iter()
                .flat_map(|rule| rule.path.iter().chain(&rule.name));
            for name in globs.flat_map(|glob| glob.split('/')) {
                if !name.is_empty() && !name.contains('*') {
                    homes = homes.or(home(name));
                }
            }
            let is = policy.names_homes(&dir, false);
            assert_eq!(is, homes, "{}", context(&rules, &path, "homes"));
        }
    }
}

#[test]
fn branches_below_has_every_branch() {
    let mut random = Random::new(5);
    for _ in 0..count(400) {
        let (rules, policy) = random.rules();
        for _ in 0..8 {
            let (dir, path) = random.walk(&policy, 3);
            let branches = policy.branches_below(&dir);
            for _ in 0..6 {
                let step = random.step();
                let first = child(&policy, &dir, &step, Some(super::Kind::Dir));
                let (mut state, mut below) =
                    random.walk_from(&policy, first, &join(&path, &step), 2);
                let kind = random.kind();
                if random.one_in(2) {
                    let step = random.step();
                    state = child(&policy, &state, &step, kind.map(|(_, kind)| kind));
                    below.push(step);
                }
                let call = random.call(kind);
                let asked = Asked {
                    call: &call,
                    policy: &policy,
                };
                let home = policy.home(&state, &asked).unwrap();
                let mut serve = BranchSet::of(home.branch);
                for op in Op::ALL {
                    serve = match policy.decide(&state, op, &asked).unwrap().verdict {
                        Verdict::Branch(branch) | Verdict::Gate { branch, .. } => {
                            serve.or(BranchSet::of(branch))
                        }
                        Verdict::First(list) => policy
                            .alternatives(list)
                            .iter()
                            .fold(serve, |set, branch| set.or(BranchSet::of(*branch))),
                        Verdict::Home | Verdict::Deny(_) | Verdict::Hide => serve,
                    };
                }
                assert_eq!(
                    serve.or(branches),
                    branches,
                    "{}",
                    context(&rules, &below, "branches")
                );
            }
        }
    }
}

/// Whether homes below may be asked of `branch`, by one or the other directory.
fn counts_below(policy: &Policy, a: &State, b: &State, branch: &str) -> bool {
    let branch = super::branch(branch);
    let counts = |dir| {
        policy
            .asked_below(dir)
            .or(policy.branches_below(dir))
            .has(branch)
    };
    counts(a) || counts(b)
}

#[test]
fn a_rename_that_is_the_same_below_moves_no_home() {
    let mut random = Random::new(6);
    let mut seen = [0usize; 2];
    for _ in 0..count(200) {
        let (rules, policy) = random.rules();
        for _ in 0..12 {
            let (a, path) = random.walk(&policy, 4);
            let (b, _) = random.walk(&policy, 4);
            let same = policy.same_below(&a, &b);
            assert_eq!(
                same,
                policy.same_below(&b, &a),
                "{}",
                context(&rules, &path, "one way only")
            );
            seen[usize::from(same)] += 1;
            if !same {
                continue;
            }
            for _ in 0..6 {
                let kind = random.kind();
                let (mut x, mut y) = (None, None);
                let mut below = path.clone();
                for left in (0..=random.below(3)).rev() {
                    let step = random.step();
                    let kind = match left {
                        0 => kind.map(|(_, kind)| kind),
                        _ => Some(super::Kind::Dir),
                    };
                    x = Some(child(&policy, x.as_ref().unwrap_or(&a), &step, kind));
                    y = Some(child(&policy, y.as_ref().unwrap_or(&b), &step, kind));
                    below.push(step);
                }
                let (x, y) = (x.unwrap(), y.unwrap());
                let before = random.call(kind);
                let mut after = random.call(kind);
                // What counts is the same, what does not is not.
                after
                    .exists
                    .retain(|branch| !counts_below(&policy, &a, &b, branch));
                let kept = before.exists.iter();
                let kept = kept.filter(|branch| counts_below(&policy, &a, &b, branch));
                after.exists.extend(kept.copied());
                let after = Call {
                    exists: after.exists,
                    ..before.clone()
                };
                let [one, two] = [(&x, &before), (&y, &after)].map(|(state, call)| {
                    let asked = Asked {
                        call,
                        policy: &policy,
                    };
                    let home = policy.home(state, &asked).unwrap().branch;
                    let lookup = policy.decide(state, Op::Lookup, &asked).unwrap().verdict;
                    let lookup = match show(&policy, lookup) {
                        default if default == "home" => "hot".into(),
                        other => other,
                    };
                    (name_of(home), lookup)
                });
                assert_eq!(one, two, "{}", context(&rules, &below, "moved"));
            }
        }
    }
    assert!(
        seen.iter().all(|count| *count > 100),
        "both happen: {seen:?}"
    );
}

#[test]
fn equal_states_decide_alike() {
    let mut random = Random::new(7);
    let mut equal = 0;
    for _ in 0..count(200) {
        let (rules, policy) = random.rules();
        for _ in 0..12 {
            let (a, path) = random.walk(&policy, 3);
            let (b, _) = random.walk(&policy, 3);
            let decisions = |state: &State, call: &Call| {
                let asked = Asked {
                    call,
                    policy: &policy,
                };
                Op::ALL.map(|op| policy.decide(state, op, &asked).unwrap())
            };
            if a != b {
                continue;
            }
            equal += 1;
            assert_eq!(a.hash(), b.hash(), "{}", context(&rules, &path, "hash"));
            let call = random.call(None);
            assert_eq!(decisions(&a, &call), decisions(&b, &call));
            let step = random.step();
            let kind = random.kind().map(|(_, kind)| kind);
            let a = child(&policy, &a, &step, kind);
            let b = child(&policy, &b, &step, kind);
            assert!(a == b, "{}", context(&rules, &join(&path, &step), "child"));
        }
    }
    assert!(equal > 100, "{equal} pairs");
}

#[test]
fn states_do_not_grow_with_depth() {
    let mut random = Random::new(9);
    for _ in 0..count(40) {
        let (rules, policy) = random.rules();
        let (mut dir, mut path) = random.walk(&policy, 4);
        let step = random.step();
        let next = |dir: &State| child(&policy, dir, &step, Some(super::Kind::Dir));
        for _ in 0..8 {
            dir = next(&dir);
            path.push(step.clone());
        }
        assert!(dir == next(&dir), "{}", context(&rules, &path, "grows"));
    }
}

#[test]
fn random_bytes_are_read_or_refused() {
    let mut random = Random::new(8);
    let pieces: [&[u8]; 44] = [
        b"op=",
        b"path=",
        b"name=",
        b"->",
        b" ",
        b"/",
        b"**",
        b"*",
        b"?",
        b"[",
        b"]",
        b"!",
        b"-",
        b"\\",
        b"\\x",
        b"41",
        b"read",
        b"+",
        b"hot",
        b"deny",
        b":",
        b"EIO",
        b"\0",
        b"\xff",
        b"type=",
        b"uid=",
        b"gid=",
        b"cgroup=/",
        b"access=",
        b"size=",
        b"exists=",
        b"missing=",
        b"f",
        b"d",
        b"r",
        b"x",
        b"<",
        b">",
        b"4294967294",
        b"K",
        b"|",
        b"cold",
        b"hide",
        b"gate:",
    ];
    let mut read = 0;
    for _ in 0..count(1) {
        let mut text: Vec<u8> = Vec::new();
        if random.one_in(2) {
            text.extend(random.of(&pieces));
        }
        for _ in 0..random.below(10) {
            text.extend(random.of(&pieces));
        }
        if random.one_in(2) {
            text.extend(b" -> hot");
        }
        match super::parse(&text) {
            Ok(rule) => {
                let again = super::parse(rule.text()).unwrap();
                assert_eq!(again.text(), rule.text(), "{text:?}");
                let odd = |byte: &u8| *byte < b' ' || b",\"'`\x7f".contains(byte);
                assert!(!rule.text().iter().any(odd), "{text:?}");
                read += 1;
            }
            Err(message) => assert!(message.starts_with("rule `"), "{message}"),
        }
    }
    assert!(read > 100, "{read} rules");
}
