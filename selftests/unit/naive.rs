// SPDX-License-Identifier: GPL-2.0-only

//! The reference: rules tried one by one on the whole path.

use super::src::route::{Kind, Op};

/// A rule as its text has it; what is empty is not said.
#[derive(Clone, Default)]
pub(crate) struct Spec {
    /// The words of `op=`.
    pub(crate) ops: Vec<&'static str>,
    /// The glob of `path=`.
    pub(crate) path: Option<String>,
    /// The glob of `name=`.
    pub(crate) name: Option<String>,
    /// The letters of `type=`.
    pub(crate) kinds: &'static str,
    /// The ends of the range of `uid=`.
    pub(crate) uid: Option<(u32, u32)>,
    /// The ends of the range of `gid=`.
    pub(crate) gid: Option<(u32, u32)>,
    /// The path of `cgroup=`.
    pub(crate) cgroup: Option<&'static str>,
    /// The letters of `access=`.
    pub(crate) access: &'static str,
    /// The sign and the number of `size=`.
    pub(crate) size: Option<(char, u64)>,
    /// The branch of `exists=`.
    pub(crate) exists: Option<&'static str>,
    /// The branch of `missing=`.
    pub(crate) missing: Option<&'static str>,
    /// What follows the arrow.
    pub(crate) verdict: &'static str,
}

/// A call: what rules can ask of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Call {
    /// The type of the object, if it is known.
    pub(crate) kind: Option<(char, Kind)>,
    /// The caller's fsuid.
    pub(crate) uid: u32,
    /// The caller's groups.
    pub(crate) groups: Vec<u32>,
    /// The caller's control group.
    pub(crate) cgroup: &'static str,
    /// The letters of how the file is opened.
    pub(crate) access: &'static str,
    /// The size.
    pub(crate) size: Option<u64>,
    /// Where the path exists.
    pub(crate) exists: Vec<&'static str>,
}

/// A path: its components, each with whether its directory folds case.
pub(crate) type Path = Vec<(String, bool)>;

impl Spec {
    /// The text of the rule.
    pub(crate) fn text(&self) -> String {
        let plus = |letters: &str| {
            let letters: Vec<String> = letters.chars().map(String::from).collect();
            (!letters.is_empty()).then(|| letters.join("+"))
        };
        let range = |ids: Option<(u32, u32)>| ids.map(|(first, last)| format!("{first}-{last}"));
        let mut text = String::new();
        for (key, value) in [
            ("op", (!self.ops.is_empty()).then(|| self.ops.join("+"))),
            ("path", self.path.clone()),
            ("name", self.name.clone()),
            ("type", plus(self.kinds)),
            ("uid", range(self.uid)),
            ("gid", range(self.gid)),
            ("cgroup", self.cgroup.map(String::from)),
            ("access", plus(self.access)),
            ("size", self.size.map(|(sign, n)| format!("{sign}{n}"))),
            ("exists", self.exists.map(String::from)),
            ("missing", self.missing.map(String::from)),
        ] {
            if let Some(value) = value {
                text += &format!("{key}={value} ");
            }
        }
        text + "-> " + self.verdict
    }

    /// Whether it names `op` by its own word.
    fn names(&self, op: Op) -> bool {
        self.ops.contains(&op.name())
    }

    /// Whether it applies to `op`: type and size are unknown before there is an object, only the
    /// size is when one is made, and only data operations are those of something opened.
    fn applies(&self, op: Op) -> bool {
        use Op::*;
        let finds = matches!(op, Lookup | Readdir);
        let makes = matches!(op, Create | Mkdir | Mknod | Symlink | Tmpfile);
        (self.ops.is_empty() || self.ops.contains(&class(op)) || self.names(op))
            && !(finds && !self.kinds.is_empty())
            && !((finds || makes) && self.size.is_some())
            && !(class(op) != "data" && !self.access.is_empty())
    }

    /// Whether it has a condition on the caller.
    pub(crate) fn asks_caller(&self) -> bool {
        self.uid.is_some() || self.gid.is_some() || self.cgroup.is_some()
    }

    /// Whether it can hold or not hold by what branches have.
    pub(crate) fn asks_branches(&self) -> bool {
        self.exists.is_some() || self.missing.is_some() || self.size.is_some()
    }

    /// Whether it can give a home.
    fn moves(&self) -> bool {
        !self.verdict.starts_with("deny") && self.verdict != "hide"
    }

    /// Whether it is an error.
    pub(crate) fn is_wrong(&self) -> bool {
        let mut ops = Op::ALL.iter().filter(|op| self.applies(**op)).peekable();
        if self.verdict == "hide" {
            let unknown = !self.kinds.is_empty() || !self.access.is_empty();
            return !self.ops.is_empty() || unknown || self.asks_branches();
        }
        ops.peek().is_none()
            || self.exists.is_some() && self.exists == self.missing
            || self.asks_caller() && self.moves() && ops.any(|op| class(*op) == "name")
    }

    /// Whether its conditions on the path hold.
    fn matches(&self, path: &[(String, bool)]) -> bool {
        let path_holds = |glob: &String| components(&split(glob), path);
        let name_holds = |glob: &String| path.last().is_some_and(|name| component(glob, name));
        self.path.as_ref().map_or(true, path_holds) && self.name.as_ref().map_or(true, name_holds)
    }

    /// Whether its conditions on the call hold.
    fn allows(&self, call: &Call) -> bool {
        let is_in = |ids: Option<(u32, u32)>, id: &u32| {
            ids.map_or(true, |(first, last)| (first..=last).contains(id))
        };
        (self.kinds.is_empty()
            || call
                .kind
                .is_some_and(|(letter, _)| self.kinds.contains(letter)))
            && is_in(self.uid, &call.uid)
            && (self.gid.is_none() || call.groups.iter().any(|group| is_in(self.gid, group)))
            && self
                .cgroup
                .map_or(true, |group| is_below(call.cgroup, group))
            && (self.access.is_empty() || self.access.contains(|way| call.access.contains(way)))
            && self.size.map_or(true, |(sign, limit)| match sign {
                '<' => call.size.is_some_and(|size| size < limit),
                _ => call.size.is_some_and(|size| size > limit),
            })
            && self
                .exists
                .map_or(true, |branch| call.exists.contains(&branch))
            && self
                .missing
                .map_or(true, |branch| !call.exists.contains(&branch))
    }
}

/// The class of `op`.
fn class(op: Op) -> &'static str {
    match op as usize {
        0..=10 => "name",
        11..=21 => "meta",
        _ => "data",
    }
}

/// Whether the control group `path` is `group` or below it.
pub(crate) fn is_below(path: &str, group: &str) -> bool {
    path == group || path.starts_with(&format!("{}/", group.trim_end_matches('/')))
}

/// The rules that decide for a path and a call.
pub(crate) struct Naive<'a> {
    /// The rules whose conditions hold, with their numbers.
    rules: Vec<(u16, &'a Spec)>,
    /// Whether the path is the root.
    root: bool,
    /// Where the path exists.
    exists: &'a [&'static str],
}

/// The number of a deciding rule and its verdict.
pub(crate) type Outcome<'a> = (Option<u16>, &'a str);

impl<'a> Naive<'a> {
    /// Tries `rules` on `path`.
    pub(crate) fn new(rules: &'a [Spec], path: &[(String, bool)], call: &'a Call) -> Self {
        let root = path.is_empty();
        let rules = (1..).zip(rules).filter(|(_, rule)| {
            rule.matches(path) && rule.allows(call) && !(root && rule.verdict == "hide")
        });
        Naive {
            rules: rules.collect(),
            root,
            exists: &call.exists,
        }
    }

    /// The first rule for `op` that `accept`s, and whether it names `op` by its own word.
    fn first(&self, op: Op, accept: impl Fn(&Spec) -> bool) -> (Outcome<'a>, bool) {
        let accepted = |(_, rule): &&(u16, &Spec)| rule.applies(op) && accept(rule);
        match self.rules.iter().find(accepted) {
            Some((number, rule)) if !(self.root && op == Op::Lookup) => {
                ((Some(*number), rule.verdict), rule.names(op))
            }
            _ => ((None, "home"), false),
        }
    }

    /// The home.
    pub(crate) fn home(&self) -> Outcome<'a> {
        let ((number, verdict), _) = self.first(Op::Lookup, Spec::moves);
        let mut list = verdict.split('|');
        let branch = match verdict {
            "home" => "hot",
            _ if verdict.starts_with("gate:") => verdict.split(' ').nth(1).unwrap(),
            _ => match list.clone().find(|branch| self.exists.contains(branch)) {
                Some(branch) => branch,
                None => list.next().unwrap(),
            },
        };
        (number, branch)
    }

    /// The first rule for `op` alone, and whether it names it by its own word.
    pub(crate) fn own(&self, op: Op) -> (Outcome<'a>, bool) {
        self.first(op, |_| true)
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

/// The components of a glob for a path.
fn split(path: &str) -> Vec<&str> {
    path.split('/').filter(|name| !name.is_empty()).collect()
}

/// Whether the components of `glob` match those of `path`.
fn components(glob: &[&str], path: &[(String, bool)]) -> bool {
    match glob {
        [] => path.is_empty(),
        ["**", rest @ ..] => (0..=path.len()).any(|n| components(rest, &path[n..])),
        [first, rest @ ..] => {
            !path.is_empty() && component(first, &path[0]) && components(rest, &path[1..])
        }
    }
}

/// Whether `glob` matches a name in a directory that folds case or does not.
fn component(glob: &str, name: &(String, bool)) -> bool {
    match name {
        (name, false) => bytes(glob.as_bytes(), name.as_bytes(), &|b| b),
        (name, true) => bytes(fold(glob).as_bytes(), fold(name).as_bytes(), &|b| b),
    }
}

/// The folded form of a name or of a glob.
pub(crate) fn fold(text: &str) -> String {
    text.replace('\u{df}', "ss").to_lowercase()
}

/// Whether `glob`, each byte of which stands for what `fold` makes of it, matches `name`.
pub(crate) fn bytes(glob: &[u8], name: &[u8], fold: &dyn Fn(u8) -> u8) -> bool {
    let (token, rest) = match glob {
        [] => return name.is_empty(),
        [b'*', rest @ ..] => return (0..=name.len()).any(|n| bytes(rest, &name[n..], fold)),
        [token, rest @ ..] => (token, rest),
    };
    let Some((byte, later)) = name.split_first() else {
        return false;
    };
    let (holds, rest) = match token {
        b'?' => (true, rest),
        b'[' => set(rest, *byte, fold),
        _ => {
            let (meant, rest) = one(glob);
            (fold(meant) == *byte, rest)
        }
    };
    holds && bytes(rest, later, fold)
}

/// Whether the set after whose `[` the `glob` starts has `byte`, and what follows it.
fn set<'a>(mut glob: &'a [u8], byte: u8, fold: &dyn Fn(u8) -> u8) -> (bool, &'a [u8]) {
    let negated = matches!(glob[0], b'!' | b'^');
    glob = &glob[usize::from(negated)..];
    let (mut first, mut member) = (true, false);
    while first || glob[0] != b']' {
        first = false;
        let (low, rest) = one(glob);
        let (high, rest) = match rest {
            [b'-', next, ..] if *next != b']' => one(&rest[1..]),
            _ => (low, rest),
        };
        member |= (low..=high).any(|other| fold(other) == byte);
        glob = rest;
    }
    (member != negated, &glob[1..])
}

/// The byte that `glob` starts with, an escape undone, and what follows it.
fn one(glob: &[u8]) -> (u8, &[u8]) {
    let digit = |digit: u8| char::from(digit).to_digit(16).unwrap() as u8;
    match glob {
        [b'\\', b'x', high, low, rest @ ..] => (digit(*high) << 4 | digit(*low), rest),
        [b'\\', byte, rest @ ..] | [byte, rest @ ..] => (*byte, rest),
        [] => panic!("the parser lets none end here"),
    }
}
