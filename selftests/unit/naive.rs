// SPDX-License-Identifier: GPL-2.0-only

//! The reference: rules tried one by one on the whole path.

use super::src::route::Op;

/// A rule as its text has it.
pub(crate) struct Spec {
    /// The words of `op=`.
    pub(crate) ops: Vec<&'static str>,
    /// The glob of `path=`.
    pub(crate) path: Option<String>,
    /// The glob of `name=`.
    pub(crate) name: Option<String>,
    /// What follows the arrow.
    pub(crate) verdict: &'static str,
}

impl Spec {
    /// The text of the rule.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        if !self.ops.is_empty() {
            text += &format!("op={} ", self.ops.join("+"));
        }
        for (key, glob) in [("path", &self.path), ("name", &self.name)] {
            if let Some(glob) = glob {
                text += &format!("{key}={glob} ");
            }
        }
        text + "-> " + self.verdict
    }

    /// Whether it applies to `op`.
    fn applies(&self, op: Op) -> bool {
        let class = match op as usize {
            0..=10 => "name",
            11..=21 => "meta",
            _ => "data",
        };
        self.ops.is_empty() || self.ops.contains(&class) || self.names(op)
    }

    /// Whether it names `op` by its own word.
    fn names(&self, op: Op) -> bool {
        self.ops.contains(&op.name())
    }

    /// Whether its conditions on the path hold.
    fn matches(&self, path: &str) -> bool {
        let names = split(path);
        self.path
            .as_ref()
            .map_or(true, |glob| components(&split(glob), &names))
            && self.name.as_ref().map_or(true, |glob| {
                names
                    .last()
                    .is_some_and(|name| component(glob.as_bytes(), name.as_bytes()))
            })
    }
}

/// The rules that decide for a path; where none does, it is the home, or the default for that.
pub(crate) struct Naive<'a> {
    /// The rules whose conditions on the path hold, with their numbers.
    rules: Vec<(u16, &'a Spec)>,
    /// Whether the path is the root.
    root: bool,
}

/// The number of a deciding rule and its verdict.
pub(crate) type Outcome<'a> = (Option<u16>, &'a str);

impl<'a> Naive<'a> {
    /// Tries `rules` on `path`.
    pub(crate) fn new(rules: &'a [Spec], path: &str) -> Self {
        let rules = (1..).zip(rules).filter(|(_, rule)| rule.matches(path));
        Naive {
            rules: rules.collect(),
            root: path == "/",
        }
    }

    /// The first rule for `op` that `accept`s.
    fn first(&self, op: Op, accept: impl Fn(&Spec) -> bool) -> (Outcome<'a>, bool) {
        let mut rules = self
            .rules
            .iter()
            .filter(|(_, rule)| rule.applies(op) && accept(rule));
        match rules.next() {
            Some((number, rule)) if !(self.root && op == Op::Lookup) => {
                ((Some(*number), rule.verdict), rule.names(op))
            }
            _ if op == Op::Lookup => ((None, "hot"), false),
            _ => ((None, self.home().1), false),
        }
    }

    /// The home.
    pub(crate) fn home(&self) -> Outcome<'a> {
        self.first(Op::Lookup, |rule| !rule.verdict.starts_with("deny"))
            .0
    }

    /// What happens for `op`, if it does as `leader` does where no rule names it.
    pub(crate) fn data(&self, op: Op, leader: Op) -> Outcome<'a> {
        match self.first(op, |_| true) {
            (outcome, true) => outcome,
            _ if leader == Op::Open => self.first(leader, |_| true).0,
            _ => self.data(leader, Op::Open),
        }
    }

    /// What happens for `op`.
    pub(crate) fn verdict(&self, op: Op) -> Outcome<'a> {
        match op {
            Op::Read | Op::Write | Op::Mmap => self.data(op, Op::Open),
            Op::Splice | Op::Lseek | Op::Copy | Op::Remap => self.data(op, Op::Read),
            _ => self.first(op, |_| true).0,
        }
    }
}

/// The components of a path or of a glob for one.
fn split(path: &str) -> Vec<&str> {
    path.split('/').filter(|name| !name.is_empty()).collect()
}

/// Whether the components of `glob` match those of `path`.
fn components(glob: &[&str], path: &[&str]) -> bool {
    match glob {
        [] => path.is_empty(),
        ["**", rest @ ..] => (0..=path.len()).any(|n| components(rest, &path[n..])),
        [first, rest @ ..] => {
            !path.is_empty()
                && component(first.as_bytes(), path[0].as_bytes())
                && components(rest, &path[1..])
        }
    }
}

/// Whether `glob` matches `name`.
pub(crate) fn component(glob: &[u8], name: &[u8]) -> bool {
    let is_first = |holds: &dyn Fn(u8) -> bool, rest| {
        name.first().is_some_and(|b| holds(*b)) && component(rest, &name[1..])
    };
    match glob {
        [] => name.is_empty(),
        [b'*', rest @ ..] => (0..=name.len()).any(|n| component(rest, &name[n..])),
        [b'?', rest @ ..] => is_first(&|_| true, rest),
        [b'[', rest @ ..] => {
            let negated = rest[0] == b'!';
            let rest = &rest[usize::from(negated)..];
            let end = rest.iter().position(|b| *b == b']').unwrap();
            let set = &rest[..end];
            let member =
                |b| set.contains(&b) || matches!(set, [l, b'-', h] if (l..=h).contains(&&b));
            is_first(&|b| member(b) != negated, &rest[end + 1..])
        }
        [b'\\', b, rest @ ..] | [b, rest @ ..] => is_first(&|other| other == *b, rest),
    }
}
