// SPDX-License-Identifier: GPL-2.0-only

//! Where the rules of a mount come from: `rule=` and the files that `rules=` names, in their order.
//!
//! A file is read when it comes into the list, and by `reload`. What is in force is kept as rules,
//! not as text, so that a remount over a file that is gone or bad can leave it as it is.

use crate::{
    params::Table,
    policy::Policy,
    route::{
        self,
        mem,
        ParseError,
        Rule, //
    },
    vfs::{
        read_file,
        Context,
        PathFile, //
    },
};
use kernel::{
    fmt,
    prelude::*,
    str::CString, //
};

/// How many bytes the files of a mount may have together.
const FILES_LIMIT: usize = 16 << 20;
/// How many bytes a line of a file may have.
const LINE_LIMIT: usize = 4096;

/// What an option adds to the list.
enum Source {
    /// `rule=`: a rule.
    Rule(CString),
    /// `rules=`: those in the file at a path; its text, if it was given as a descriptor.
    File(CString, Option<KVVec<u8>>),
}

/// What the options ask the list to be.
pub(crate) struct Sources {
    /// What follows the last `norules`.
    list: KVVec<Source>,
    /// How many bytes of text it holds.
    held: usize,
    /// Whether the rules in force are to be replaced by it.
    replace: bool,
    /// Whether files in force are to be read again.
    pub(crate) reload: bool,
}

/// A file of rules in force: `len` rules from the place `first` on are from there.
pub(crate) struct RulesFile {
    /// Its path, as it was given.
    pub(crate) path: CString,
    /// The place of the first one, or of the next from elsewhere if it has none.
    pub(crate) first: usize,
    /// How many.
    pub(crate) len: usize,
}

/// Rules that are in the list one after the other, and the file that they are from, if it is one.
pub(crate) type Part<'a> = (Option<&'a RulesFile>, &'a [Rule]);

/// Divides `rules`, which are from `files` or else given one by one, by where they are from.
pub(crate) fn parts<'a>(
    rules: &'a [Rule],
    files: &'a [RulesFile],
) -> impl Iterator<Item = Part<'a>> {
    let end = |file: &RulesFile| file.first.saturating_add(file.len);
    let of = |from: usize, to: usize| rules.get(from..to).unwrap_or_default();
    let mut next = 0;
    let rest = of(files.last().map_or(0, end), rules.len());
    let known = files.iter().flat_map(move |file| {
        let ahead = of(next, file.first);
        next = end(file);
        [(None, ahead), (Some(file), of(file.first, next))]
    });
    Iterator::chain(known, [(None, rest)])
}

impl Sources {
    /// No list: the rules in force stay.
    pub(crate) fn new() -> Self {
        Self {
            list: KVVec::new(),
            held: 0,
            replace: false,
            reload: false,
        }
    }

    /// Whether the list in force is to be looked at.
    pub(crate) fn are_asked(&self) -> bool {
        self.replace || self.reload
    }

    /// Takes `norules`.
    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.held = 0;
        self.replace = true;
    }

    /// Adds to the list. EINVAL when there is more than any list can have.
    fn push(&mut self, context: &Context<'_>, source: Source) -> Result {
        if self.list.len() >= route::MAX_RULES {
            return Err(too_many(context));
        }
        self.list.push(source, GFP_KERNEL)?;
        self.replace = true;
        Ok(())
    }

    /// Takes `rule=`.
    pub(crate) fn add_rule(&mut self, context: &Context<'_>, text: &CStr) -> Result {
        self.push(context, Source::Rule(CString::try_from(text)?))
    }

    /// Takes `rules=` with a path, which is not looked at yet.
    pub(crate) fn add_path(&mut self, context: &Context<'_>, path: &CStr) -> Result {
        if path.to_bytes().first() != Some(&b'/') {
            return Err(
                context.refuse(EINVAL, fmt!("rules: `{}`: expected an absolute path", path))
            );
        }
        self.push(context, Source::File(CString::try_from(path)?, None))
    }

    /// Takes `rules=` with an open file, and reads it. May sleep.
    pub(crate) fn add_descriptor(&mut self, context: &Context<'_>, file: &PathFile<'_>) -> Result {
        // Contexts are there for everybody, and this one is to hold what is read.
        if !context.is_by_admin() {
            return Err(EPERM);
        }
        let left = FILES_LIMIT.saturating_sub(self.held);
        let refuse = |e| context.refuse(e, fmt!("rules: the descriptor: {} ({:?})", reason(e), e));
        let path = file.name().map_err(refuse)?;
        let text = file.read(left).map_err(refuse)?;
        self.held = self.held.saturating_add(text.len());
        self.push(context, Source::File(path, Some(text)))
    }
}

/// The reason in words why a file cannot be read.
fn reason(e: Error) -> &'static str {
    if e == ENOENT {
        "no such file"
    } else if e == EISDIR {
        "is a directory, expected a file of rules"
    } else if e == EINVAL {
        "not a regular file that can be read"
    } else if e == EBADF {
        "not open for reading"
    } else if e == EACCES || e == EPERM {
        "permission denied"
    } else if e == crate::error::efbig() {
        "the files have more than 16 MiB"
    } else {
        "cannot be read"
    }
}

/// Leaves a message that there are more rules than a mount can have.
fn too_many(context: &Context<'_>) -> Error {
    context.refuse(EINVAL, fmt!("rule: more than {} rules", route::MAX_RULES))
}

/// A list whose rules are read.
pub(crate) struct RuleList {
    /// The rules.
    rules: mem::Vec<Rule>,
    /// The files among where they come from.
    files: KVVec<RulesFile>,
    /// The line that each rule is at in its file, as far as that is known, or 0.
    lines: KVVec<u32>,
    /// Whether a file was read for it.
    fresh: bool,
}

/// A list in the making.
struct Reading<'a> {
    /// Where messages go.
    context: &'a Context<'a>,
    /// The branches that rules can name.
    branches: &'a Table<'a>,
    /// What was read so far.
    list: RuleList,
    /// How many bytes of files may still be read.
    left: usize,
}

impl Reading<'_> {
    /// Reads the rule `text`, which is at `line` of the file `path` unless it is an option.
    fn rule(&mut self, text: &[u8], place: Option<(&CStr, u32)>) -> Result {
        if self.list.rules.len() >= route::MAX_RULES {
            return Err(too_many(self.context));
        }
        let rule = Rule::parse(text, &|name| self.branches.find(name)).map_err(|e| match e {
            ParseError::NoMem => ENOMEM,
            ParseError::Syntax(e) => refuse_rule(self.context, place, fmt!("{}", e)),
        })?;
        let line = place.map_or(0, |(_, line)| line);
        self.list.rules.push(rule)?;
        self.list.lines.push(line, GFP_KERNEL)?;
        Ok(())
    }

    /// Reads the file `path`, whose text is `text`: a rule a line, but for blank lines and those that
    /// begin with `#`.
    fn file(&mut self, path: &CStr, text: &[u8]) -> Result {
        self.list.fresh = true;
        self.left = self.left.saturating_sub(text.len());
        let first = self.list.rules.len();
        for (line, number) in text.split(|byte| *byte == b'\n').zip(1u32..) {
            let rule = line.trim_ascii();
            if rule.is_empty() || rule.first() == Some(&b'#') {
                continue;
            }
            let place = Some((path, number));
            if rule.len() > LINE_LIMIT {
                return Err(refuse_rule(
                    self.context,
                    place,
                    fmt!("more than {} bytes", LINE_LIMIT),
                ));
            }
            self.rule(rule, place)?;
        }
        self.end_file(path, first)
    }

    /// Takes the rules of a file in force.
    fn keep(&mut self, path: &CStr, rules: &[Rule]) -> Result {
        let first = self.list.rules.len();
        for rule in rules {
            self.rule(rule.text(), None)?;
        }
        self.end_file(path, first)
    }

    /// Notes that the rules from the place `first` on are from the file `path`.
    fn end_file(&mut self, path: &CStr, first: usize) -> Result {
        let path = CString::try_from(path)?;
        let len = self.list.rules.len().saturating_sub(first);
        let file = RulesFile { path, first, len };
        Ok(self.list.files.push(file, GFP_KERNEL)?)
    }

    /// Reads the file at `path`, as the current task may. May sleep.
    fn path(&mut self, path: &CStr) -> Result {
        let text = read_file(path, self.left).map_err(|e| {
            self.context
                .refuse(e, fmt!("rules: {}: {} ({:?})", path, reason(e), e))
        })?;
        self.file(path, &text)
    }
}

/// Leaves the message `what` about a rule, after the file and the line that it is at.
fn refuse_rule(
    context: &Context<'_>,
    place: Option<(&CStr, u32)>,
    what: fmt::Arguments<'_>,
) -> Error {
    match place {
        Some((path, line)) if line != 0 => {
            context.refuse(EINVAL, fmt!("rules: {} line {}: {}", path, line, what))
        }
        Some((path, _)) => context.refuse(EINVAL, fmt!("rules: {}: {}", path, what)),
        None => context.refuse(EINVAL, what),
    }
}

impl RuleList {
    /// Reads the list that `sources` ask for. What `policy`, which is in force, has from the same file
    /// is taken from there, unless it is to be read again; so is all if they ask for no list. May
    /// sleep.
    pub(crate) fn read(
        context: &Context<'_>,
        branches: &Table<'_>,
        sources: &Sources,
        policy: Option<&Policy>,
    ) -> Result<Self> {
        let mut reading = Reading {
            context,
            branches,
            list: Self {
                rules: mem::Vec::new(),
                files: KVVec::new(),
                lines: KVVec::new(),
                fresh: false,
            },
            left: FILES_LIMIT,
        };
        if sources.replace {
            for source in sources.list.iter() {
                match source {
                    Source::Rule(text) => reading.rule(text.to_bytes(), None)?,
                    Source::File(path, Some(text)) => reading.file(path, text)?,
                    Source::File(path, None) => {
                        let in_force = policy.filter(|_| !sources.reload);
                        match in_force.and_then(|policy| from_file(policy, path)) {
                            Some(rules) => reading.keep(path, rules)?,
                            None => reading.path(path)?,
                        }
                    }
                }
            }
            return Ok(reading.list);
        }
        for (file, rules) in policy.into_iter().flat_map(Policy::parts) {
            match file {
                Some(file) if sources.reload => reading.path(&file.path)?,
                Some(file) => reading.keep(&file.path, rules)?,
                None => rules
                    .iter()
                    .try_for_each(|rule| reading.rule(rule.text(), None))?,
            }
        }
        Ok(reading.list)
    }

    /// Whether this is the list in force, with no file that was read anew.
    pub(crate) fn is_of(&self, policy: &Policy) -> bool {
        let same_rules = || {
            let texts = policy.rules().iter().map(Rule::text);
            self.rules.iter().map(Rule::text).eq(texts)
        };
        let same_files = || {
            let key = |file: &RulesFile| (file.first, file.len);
            let same = |(a, b): (&RulesFile, &RulesFile)| {
                key(a) == key(b) && a.path.to_bytes() == b.path.to_bytes()
            };
            let files = policy.files();
            files.len() == self.files.len() && self.files.iter().zip(files).all(same)
        };
        !self.fresh && same_files() && same_rules()
    }

    /// Takes the rules out, to be compiled.
    pub(crate) fn take_rules(&mut self) -> mem::Vec<Rule> {
        core::mem::replace(&mut self.rules, mem::Vec::new())
    }

    /// The files.
    pub(crate) fn into_files(self) -> KVVec<RulesFile> {
        self.files
    }

    /// Leaves the message `what` about the rule at the place `place`.
    pub(crate) fn refuse(
        &self,
        context: &Context<'_>,
        place: usize,
        what: fmt::Arguments<'_>,
    ) -> Error {
        let has =
            |file: &&RulesFile| (file.first..file.first.saturating_add(file.len)).contains(&place);
        let file = self.files.iter().find(has);
        let line = self.lines.get(place).copied().unwrap_or(0);
        refuse_rule(context, file.map(|file| (&*file.path, line)), what)
    }
}

/// The rules of `policy` that are from the file `path`, if it has that file.
fn from_file<'a>(policy: &'a Policy, path: &CStr) -> Option<&'a [Rule]> {
    let is_same = |file: &RulesFile| file.path.to_bytes() == path.to_bytes();
    let mut parts = policy.parts();
    parts.find_map(|(file, rules)| file.is_some_and(is_same).then_some(rules))
}
