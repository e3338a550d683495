// SPDX-License-Identifier: GPL-2.0-only

//! Random rules, trees and names: the compiled form against the reference.
//!
//! `SWITCHFS_UNIT_COUNT` sets how many combinations are tried, `SWITCHFS_UNIT_SEED` where the
//! random numbers start.

use super::{
    naive::{Naive, Outcome, Spec},
    policy, show,
    src::route::{BranchSet, Decision, Op, Policy, State, Verdict},
    BRANCHES,
};

/// A generator of random numbers, the same on every run.
struct Random(u64);

impl Random {
    /// The number that is set in the environment as `key`.
    fn set(key: &str) -> Option<u64> {
        std::env::var(key).ok()?.parse().ok()
    }

    /// A generator for the test number `test`.
    fn new(test: u64) -> Self {
        let seed = Self::set("SWITCHFS_UNIT_SEED").unwrap_or(0x2545_f491_4f6c_dd1d);
        Random(seed.wrapping_mul(2 * test + 1).max(1))
    }

    /// A number below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % limit
    }

    /// One of `values`.
    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    /// Whether an event of the probability 1/`odds` happens.
    fn one_in(&mut self, odds: usize) -> bool {
        self.below(odds) == 0
    }

    /// A glob for a component, often one without wildcards.
    fn glob(&mut self) -> String {
        if self.one_in(2) {
            return self.name();
        }
        let pieces = [
            "a", "b", "c", "*", "?", "[ab]", "[!a]", "[a-b]", "\\a", "x", "*.o",
        ];
        let pieces = if self.one_in(8) {
            &["\\*", "*"][..]
        } else {
            &pieces[..]
        };
        let mut glob = String::new();
        for _ in 0..=self.below(3) {
            let piece = match self.of(pieces) {
                "\\a" => "a",
                piece => piece,
            };
            if !(glob.ends_with('*') && piece.starts_with('*')) {
                glob += piece;
            }
        }
        glob
    }

    /// A name, mostly one that globs may match.
    fn name(&mut self) -> String {
        let names = [
            "a", "b", "c", "ab", "ba", "abc", "x", "x.o", "aa", "a.o", "*b",
        ];
        match self.of(&names) {
            "*b" => "bb".into(),
            name => name.into(),
        }
    }

    /// A path glob.
    fn path(&mut self) -> String {
        let mut path = String::new();
        for _ in 0..self.below(5) {
            path += "/";
            path += &if self.one_in(4) {
                "**".into()
            } else {
                self.glob()
            };
        }
        if path.is_empty() {
            path = "/".into();
        }
        path
    }

    /// A rule.
    fn spec(&mut self) -> Spec {
        let mut ops = Vec::new();
        if self.one_in(2) {
            for _ in 0..=self.below(3) {
                ops.push(match self.below(6) {
                    0 => self.of(&["name", "meta", "data"]),
                    1 => "lookup",
                    2 => self.of(&["read", "write", "mmap", "open", "splice", "lseek"]),
                    _ => self.of(&Op::ALL).name(),
                });
            }
        }
        let denials = ["deny", "deny:ENOENT"];
        Spec {
            ops,
            path: (!self.one_in(4)).then(|| self.path()),
            name: self.one_in(4).then(|| self.glob()),
            verdict: if self.one_in(5) {
                self.of(&denials)
            } else {
                self.of(&BRANCHES)
            },
        }
    }

    /// A list of rules without twins, and its policy.
    fn rules(&mut self) -> (Vec<Spec>, Policy) {
        let count = if self.one_in(50) {
            60
        } else {
            1 + self.below(8)
        };
        let mut specs: Vec<Spec> = Vec::new();
        let mut known = std::collections::HashSet::new();
        for _ in 0..count {
            let spec = self.spec();
            let rule = super::parse(spec.text().as_bytes()).unwrap();
            if known.insert(rule.text().to_vec()) {
                specs.push(spec);
            }
        }
        let texts: Vec<String> = specs.iter().map(Spec::text).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let policy = policy(&texts);
        (specs, policy)
    }

    /// The state of a random path up to `depth` deep, and the path.
    fn walk(&mut self, policy: &Policy, depth: usize) -> (State, String) {
        self.walk_from(policy, policy.root().unwrap(), "/", depth)
    }

    /// The same from the directory `path`, whose state is `dir`.
    fn walk_from(
        &mut self,
        policy: &Policy,
        mut dir: State,
        path: &str,
        depth: usize,
    ) -> (State, String) {
        let mut path = String::from(path);
        for _ in 0..self.below(depth + 1) {
            let name = self.name();
            dir = policy.child(&dir, name.as_bytes()).unwrap();
            path = join(&path, &name);
        }
        (dir, path)
    }
}

/// The path of `name` in the directory `path`.
fn join(path: &str, name: &str) -> String {
    format!("{}/{name}", path.trim_end_matches('/'))
}

/// How often a test is to try something, when `share` is its part of all.
fn count(share: usize) -> usize {
    let all = Random::set("SWITCHFS_UNIT_COUNT").unwrap_or(200_000) as usize;
    all.div_ceil(share)
}

/// What a failure is told with.
fn context(rules: &[Spec], what: &str) -> String {
    let rules: Vec<String> = rules.iter().map(Spec::text).collect();
    format!("{what} under\n{}", rules.join("\n"))
}

/// Whether a decision is what the reference says.
fn same(decision: Decision, outcome: Outcome<'_>) -> bool {
    let verdict = match outcome.1 {
        "deny" => "deny:13",
        "deny:ENOENT" => "deny:2",
        branch => branch,
    };
    decision.rule == outcome.0 && show(decision.verdict) == verdict
}

#[test]
fn decisions_are_those_of_the_reference() {
    let mut random = Random::new(1);
    let mut left = count(1);
    while left > 0 {
        let (rules, policy) = random.rules();
        for _ in 0..40.min(left) {
            left -= 1;
            let (state, path) = random.walk(&policy, 5);
            let naive = Naive::new(&rules, &path);
            for op in Op::ALL {
                let (is, shall) = (state.verdict(op), naive.verdict(op));
                if !same(is, shall) {
                    let what = format!("{} of {path}: {is:?}, not {shall:?}", op.name());
                    panic!("{}", context(&rules, &what));
                }
            }
            for op in [Op::Splice, Op::Copy, Op::Remap] {
                let (is, shall) = (state.data(op, Op::Write), naive.data(op, Op::Write));
                assert!(same(is, shall), "{}", context(&rules, &path));
            }
            let home = Decision {
                verdict: Verdict::Branch(state.home()),
                rule: state.home_rule(),
            };
            assert!(same(home, naive.home()), "{}", context(&rules, &path));
        }
    }
}

#[test]
fn home_of_is_the_home_of_the_child() {
    let mut random = Random::new(2);
    for _ in 0..count(400) {
        let (rules, policy) = random.rules();
        for _ in 0..40 {
            let (dir, path) = random.walk(&policy, 4);
            let name = random.name();
            let child = policy.child(&dir, name.as_bytes()).unwrap();
            let home = policy.home_of(&dir, name.as_bytes());
            assert_eq!(
                home,
                child.home(),
                "{}",
                context(&rules, &join(&path, &name))
            );
        }
    }
}

#[test]
fn names_homes_has_every_home() {
    let mut random = Random::new(3);
    for _ in 0..count(400) {
        let (rules, policy) = random.rules();
        for _ in 0..8 {
            let (dir, path) = random.walk(&policy, 3);
            let homes = policy.names_homes(&dir);
            for _ in 0..12 {
                let name = random.name();
                let home = policy.home_of(&dir, name.as_bytes());
                assert!(homes.has(home), "{}", context(&rules, &join(&path, &name)));
            }
        }
    }
}

#[test]
fn names_homes_is_exact_without_partial_globs() {
    let mut random = Random::new(4);
    for _ in 0..count(400) {
        let (mut rules, _) = random.rules();
        let literal = |glob: &str| glob == "*" || !glob.contains(['?', '[', '*']);
        rules.retain(|rule| {
            rule.path
                .iter()
                .all(|path| path.split('/').all(|c| c == "**" || literal(c)))
                && rule.name.iter().all(|name| literal(name))
        });
        let texts: Vec<String> = rules.iter().map(Spec::text).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let policy = policy(&texts);
        for _ in 0..8 {
            let (dir, path) = random.walk(&policy, 3);
            let mut homes = BranchSet::of(policy.home_of(&dir, b"other"));
            let globs = rules
                .iter()
                .flat_map(|rule| rule.path.iter().chain(&rule.name));
            for name in globs.flat_map(|glob| glob.split('/')) {
                if !name.is_empty() && !name.contains('*') {
                    homes = homes.or(BranchSet::of(policy.home_of(&dir, name.as_bytes())));
                }
            }
            assert_eq!(
                policy.names_homes(&dir),
                homes,
                "{}",
                context(&rules, &path)
            );
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
                let name = random.name();
                let child = policy.child(&dir, name.as_bytes()).unwrap();
                let (state, below) = random.walk_from(&policy, child, &join(&path, &name), 2);
                let decisions = Op::ALL.iter().map(|op| state.verdict(*op).verdict);
                for verdict in decisions.chain([Verdict::Branch(state.home())]) {
                    if let Verdict::Branch(branch) = verdict {
                        assert!(branches.has(branch), "{}", context(&rules, &below));
                    }
                }
            }
        }
    }
}

#[test]
fn same_below_means_the_same_homes() {
    let mut random = Random::new(6);
    let mut seen = [0usize; 2];
    for _ in 0..count(400) {
        let (rules, policy) = random.rules();
        for _ in 0..12 {
            let (a, path) = random.walk(&policy, 4);
            let (b, other) = random.walk(&policy, 4);
            let same = policy.same_below(&a, &b);
            assert_eq!(
                same,
                policy.same_below(&b, &a),
                "{}",
                context(&rules, &path)
            );
            seen[usize::from(same)] += 1;
            if !same {
                continue;
            }
            for _ in 0..6 {
                let (mut a, mut b) = (
                    policy.child(&a, b"b").unwrap(),
                    policy.child(&b, b"b").unwrap(),
                );
                for _ in 0..random.below(3) {
                    let name = random.name();
                    a = policy.child(&a, name.as_bytes()).unwrap();
                    b = policy.child(&b, name.as_bytes()).unwrap();
                }
                let name = random.name();
                let what = format!("{path}, {other} and {name}");
                let (a, b) = (
                    policy.child(&a, name.as_bytes()).unwrap(),
                    policy.child(&b, name.as_bytes()).unwrap(),
                );
                assert_eq!(a.home(), b.home(), "{}", context(&rules, &what));
                let lookups = [&a, &b].map(|state| state.verdict(Op::Lookup).verdict);
                assert_eq!(lookups[0], lookups[1], "{}", context(&rules, &what));
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
    for _ in 0..count(400) {
        let (rules, policy) = random.rules();
        for _ in 0..12 {
            let (a, path) = random.walk(&policy, 3);
            let (b, _) = random.walk(&policy, 3);
            if a != b {
                continue;
            }
            equal += 1;
            assert_eq!(a.hash(), b.hash(), "{}", context(&rules, &path));
            let name = random.name();
            let a = policy.child(&a, name.as_bytes()).unwrap();
            let b = policy.child(&b, name.as_bytes()).unwrap();
            assert!(a == b, "{}", context(&rules, &join(&path, &name)));
        }
    }
    assert!(equal > 100, "{equal} pairs");
}

#[test]
fn states_do_not_grow_with_depth() {
    let mut random = Random::new(9);
    for _ in 0..count(40) {
        let (rules, policy) = random.rules();
        let (mut dir, path) = random.walk(&policy, 4);
        let name = random.name();
        for _ in 0..8 {
            dir = policy.child(&dir, name.as_bytes()).unwrap();
        }
        let child = policy.child(&dir, name.as_bytes()).unwrap();
        let path = join(&path, &name.repeat(9));
        assert!(dir == child, "{}", context(&rules, &path));
    }
}

#[test]
fn random_bytes_are_read_or_refused() {
    let mut random = Random::new(8);
    let pieces: [&[u8]; 24] = [
        b"op=", b"path=", b"name=", b"->", b" ", b"/", b"**", b"*", b"?", b"[", b"]", b"!", b"-",
        b"\\", b"\\x", b"41", b"read", b"+", b"hot", b"deny", b":", b"EIO", b"\0", b"\xff",
    ];
    for _ in 0..count(2) {
        let mut text: Vec<u8> = Vec::new();
        if random.one_in(2) {
            text.extend(random.of(&[&b"path=/"[..], b"name=", b"op="]));
        }
        for _ in 0..random.below(12) {
            text.extend(random.of(&pieces));
        }
        if random.one_in(2) {
            text.extend(b" -> hot");
        }
        match super::parse(&text) {
            Ok(rule) => {
                let again = super::parse(rule.text()).unwrap();
                assert_eq!(again.text(), rule.text(), "{text:?}");
            }
            Err(message) => assert!(message.starts_with("rule `"), "{message}"),
        }
    }
}
