// SPDX-License-Identifier: GPL-2.0-only

//! Random rules, paths and calls, the same on every run.
//!
//! `SWITCHFS_UNIT_COUNT` sets how many combinations are tried, `SWITCHFS_UNIT_SEED` where the
//! random numbers start.

use super::{
    naive::{self, Call, Path, Spec},
    policy,
    src::route::{Kind, Name, Op, Policy, State},
    BRANCHES,
};

/// A generator of random numbers.
pub(crate) struct Random {
    /// The last number.
    last: u64,
    /// Bytes that are used first.
    given: Vec<u8>,
}

/// The types and their letters.
const KINDS: [(char, Kind); 7] = [
    ('f', Kind::File),
    ('d', Kind::Dir),
    ('l', Kind::Symlink),
    ('b', Kind::Block),
    ('c', Kind::Char),
    ('p', Kind::Fifo),
    ('s', Kind::Socket),
];

impl Random {
    /// The number that is set in the environment as `key`.
    fn set(key: &str) -> Option<u64> {
        std::env::var(key).ok()?.parse().ok()
    }

    /// A generator for the test number `test`.
    pub(crate) fn new(test: u64) -> Self {
        let seed = Self::set("SWITCHFS_UNIT_SEED").unwrap_or(0x2545_f491_4f6c_dd1d);
        Random {
            last: seed.wrapping_mul(2 * test + 1).max(1),
            given: Vec::new(),
        }
    }

    /// A generator that uses the bytes `given` up first.
    #[allow(dead_code, reason = "for the fuzzers")]
    pub(crate) fn given(given: &[u8]) -> Self {
        let mut random = Random::new(given.len() as u64);
        random.given = given.iter().rev().copied().collect();
        random
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        if let Some(byte) = self.given.pop() {
            return usize::from(byte) % limit;
        }
        self.last ^= self.last << 13;
        self.last ^= self.last >> 7;
        self.last ^= self.last << 17;
        (self.last >> 16) as usize % limit
    }

    /// One of `values`.
    pub(crate) fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    /// Whether an event of the probability 1/`odds` happens.
    pub(crate) fn one_in(&mut self, odds: usize) -> bool {
        self.below(odds) == 0
    }

    /// One of `values`, with the probability 1/`odds`.
    fn maybe<T: Copy>(&mut self, odds: usize, values: &[T]) -> Option<T> {
        self.one_in(odds).then(|| self.of(values))
    }

    /// A glob for a component, often one without wildcards.
    fn glob(&mut self) -> String {
        if self.one_in(2) {
            return self.name();
        }
        let pieces = [
            "a", "b", "c", "*", "?", "[ab]", "[!a]", "[a-b]", "[AC]", "[!A]", "x", "*.o", "B",
            "\u{df}",
        ];
        let pieces = if self.one_in(8) {
            &["\\*", "*"][..]
        } else {
            &pieces[..]
        };
        let mut glob = String::new();
        for _ in 0..=self.below(3) {
            let piece = self.of(pieces);
            if !(glob.ends_with('*') && piece.starts_with('*')) {
                glob += piece;
            }
        }
        glob
    }

    /// A name, mostly one that globs may match.
    pub(crate) fn name(&mut self) -> String {
        let names = [
            "a", "b", "c", "ab", "ba", "abc", "x", "x.o", "aa", "a.o", "bb", "A", "aB", "X.o",
            "\u{df}", "ss",
        ];
        self.of(&names).into()
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

    /// The words of `op=`.
    fn ops(&mut self) -> Vec<&'static str> {
        let ops = (0..=self.below(3)).map(|_| match self.below(6) {
            0 => self.of(&["name", "meta", "data"]),
            1 => "lookup",
            2 => self.of(&["read", "write", "mmap", "open", "splice", "lseek"]),
            _ => self.of(&Op::ALL).name(),
        });
        ops.collect()
    }

    /// A verdict.
    fn verdict(&mut self) -> &'static str {
        match self.below(10) {
            0 => self.of(&["deny", "deny:ENOENT"]),
            1 | 2 => "hide",
            3 | 4 => self.of(&["hot|cold", "cold|hot", "tmp|hot|big", "big|cold"]),
            5 => self.of(&["gate:big cold", "gate:cold hot", "gate:hot tmp"]),
            _ => self.of(&BRANCHES),
        }
    }

    /// A rule, which may be an error; with conditions on the call if it is `dynamic`.
    fn any_spec(&mut self, dynamic: bool) -> Spec {
        let mut spec = Spec {
            path: (!self.one_in(4)).then(|| self.path()),
            name: self.one_in(4).then(|| self.glob()),
            verdict: self.verdict(),
            ..Spec::default()
        };
        let hides = spec.verdict == "hide" && !self.one_in(20);
        if self.one_in(2) && !hides {
            spec.ops = self.ops();
        }
        if !dynamic {
            return spec;
        }
        let ranges = [(0, 0), (5, 5), (3, 7), (6, u32::MAX - 1)];
        spec.uid = self.maybe(5, &ranges);
        spec.gid = self.maybe(12, &ranges);
        spec.cgroup = self.maybe(12, &["/", "/a", "/a/b", "/ab"]);
        if !hides {
            spec.kinds = self.maybe(5, &["f", "d", "fd", "lbcps"]).unwrap_or("");
            spec.access = self.maybe(12, &["r", "w", "x", "rw"]).unwrap_or("");
            spec.size = self.maybe(10, &[('<', 10), ('>', 10), ('<', 1), ('>', 0)]);
            spec.exists = self.maybe(6, &BRANCHES);
            spec.missing = self.maybe(8, &BRANCHES);
        }
        spec
    }

    /// A rule that is right.
    pub(crate) fn spec(&mut self, dynamic: bool) -> Spec {
        loop {
            let spec = self.any_spec(dynamic);
            let text = spec.text();
            let parsed = super::parse(text.as_bytes());
            assert_eq!(
                parsed.is_err(),
                spec.is_wrong(),
                "{text}: {:?}",
                parsed.err()
            );
            if !spec.is_wrong() {
                return spec;
            }
        }
    }

    /// A list of rules without twins, and its policy.
    pub(crate) fn rules(&mut self) -> (Vec<Spec>, Policy) {
        let dynamic = !self.one_in(3);
        let count = if self.one_in(50) {
            60
        } else {
            1 + self.below(8)
        };
        let mut specs: Vec<Spec> = Vec::new();
        let mut known = std::collections::HashSet::new();
        for _ in 0..count {
            let spec = self.spec(dynamic);
            let rule = super::parse(spec.text().as_bytes()).unwrap();
            if known.insert(rule.text().to_vec()) {
                specs.push(spec);
            }
        }
        let policy = compile(&specs);
        (specs, policy)
    }

    /// A call about an object of the type `kind`.
    pub(crate) fn call(&mut self, kind: Option<(char, Kind)>) -> Call {
        let exists = BRANCHES.into_iter().filter(|_| self.one_in(2)).collect();
        Call {
            kind,
            uid: self.of(&[0, 3, 5, 6, 1000]),
            groups: (0..self.below(3)).map(|_| self.of(&[0, 3, 5, 8])).collect(),
            cgroup: self.of(&["/", "/a", "/a/b", "/ab", "/a/c"]),
            access: self.of(&["", "r", "w", "rw", "x"]),
            size: self
                .maybe(1, &[None, Some(0), Some(9), Some(10), Some(11)])
                .flatten(),
            exists,
        }
    }

    /// A type, or none.
    pub(crate) fn kind(&mut self) -> Option<(char, Kind)> {
        match self.below(4) {
            0 => None,
            1 => Some(KINDS[1]),
            _ => Some(self.of(&KINDS)),
        }
    }

    /// A step on a path: a name, and whether its directory folds case.
    pub(crate) fn step(&mut self) -> (String, bool) {
        (self.name(), self.one_in(4))
    }

    /// The state of a random directory up to `depth` deep, and its path.
    pub(crate) fn walk(&mut self, policy: &Policy, depth: usize) -> (State, Path) {
        self.walk_from(policy, policy.root().unwrap(), &[], depth)
    }

    /// The same from the directory `path`, whose state is `dir`.
    pub(crate) fn walk_from(
        &mut self,
        policy: &Policy,
        mut dir: State,
        path: &[(String, bool)],
        depth: usize,
    ) -> (State, Path) {
        let mut path = path.to_vec();
        for _ in 0..self.below(depth + 1) {
            let step = self.step();
            dir = child(policy, &dir, &step, Some(Kind::Dir));
            path.push(step);
        }
        (dir, path)
    }
}

/// Compiles rules that are right.
pub(crate) fn compile(specs: &[Spec]) -> Policy {
    let texts: Vec<String> = specs.iter().map(Spec::text).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    policy(&texts)
}

/// Calls `work` with the name of `step`.
pub(crate) fn with_name<R>(step: &(String, bool), work: impl FnOnce(&Name<'_>) -> R) -> R {
    let bytes = step.0.as_bytes();
    match step.1 {
        false => work(&Name::new(bytes)),
        true => work(&Name::folded(bytes, naive::fold(&step.0).as_bytes())),
    }
}

/// The state of what `step` leads to from `dir`.
pub(crate) fn child(
    policy: &Policy,
    dir: &State,
    step: &(String, bool),
    kind: Option<Kind>,
) -> State {
    with_name(step, |name| {
        let state = policy.child(dir, name, kind).unwrap();
        // What is remembered by its places is the same.
        if let Some(places) = policy.places(dir, name) {
            assert_eq!(policy.state_at(&places, kind).unwrap(), state);
        }
        state
    })
}

/// The path `path` and `step`.
pub(crate) fn join(path: &[(String, bool)], step: &(String, bool)) -> Path {
    [path, std::slice::from_ref(step)].concat()
}

/// How often a test is to try something, when `share` is its part of all.
pub(crate) fn count(share: usize) -> usize {
    let all = Random::set("SWITCHFS_UNIT_COUNT").unwrap_or(100_000) as usize;
    all.div_ceil(share)
}

/// What a failure is told with.
pub(crate) fn context(rules: &[Spec], path: &[(String, bool)], what: &str) -> String {
    let rules: Vec<String> = rules.iter().map(Spec::text).collect();
    let names = path
        .iter()
        .map(|(name, folds)| format!("/{name}{}", if *folds { "~" } else { "" }));
    let path: String = names.collect();
    format!("{path}: {what} under\n{}", rules.join("\n"))
}
