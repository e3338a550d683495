// SPDX-License-Identifier: GPL-2.0-only

//! Host tests of src/route, which build it as it is.

#[path = "../../src"]
pub(crate) mod src {
    // The kernel code may need more than the tests.
    #[allow(dead_code, unused_imports)]
    #[forbid(unsafe_code)]
    pub(crate) mod route;
}

pub(crate) mod agree;
mod below;
pub(crate) mod call;
mod decide;
mod dynamic;
mod folding;
pub(crate) mod generate;
mod memory;
pub(crate) mod naive;
mod parse;
mod program;
mod random;
mod scale;

use src::route::{
    mem, BranchId, BranchSet, CompileError, Kind, Name, ParseError, Policy, Rule, State, Verdict,
};

/// The branches of the tests' mounts, in their order.
pub(crate) const BRANCHES: [&str; 4] = ["hot", "cold", "tmp", "big"];

/// The branch called `name`.
pub(crate) fn branch(name: &str) -> BranchId {
    find_branch(name.as_bytes()).expect("a branch of the tests")
}

/// The name of `branch`.
pub(crate) fn name_of(branch: BranchId) -> &'static str {
    BRANCHES[branch.index()]
}

/// The branch called `name`, if there is one.
pub(crate) fn find_branch(name: &[u8]) -> Option<BranchId> {
    let index = BRANCHES.iter().position(|b| b.as_bytes() == name)?;
    BranchId::new(index)
}

/// The set of the branches called `names`, which are separated by blanks.
pub(crate) fn set(names: &str) -> BranchSet {
    let add = |set: BranchSet, name| set.or(BranchSet::of(branch(name)));
    names.split_whitespace().fold(BranchSet::EMPTY, add)
}

/// Reads a rule, or gives the message.
pub(crate) fn parse(text: &[u8]) -> Result<Rule, String> {
    Rule::parse(text, &find_branch).map_err(|error| match error {
        ParseError::NoMem => "no memory".into(),
        ParseError::Syntax(error) => error.to_string(),
    })
}

/// Folds a name, if it is UTF-8.
pub(crate) fn fold(bytes: &[u8], to: &mut mem::Vec<u8>) -> Result<bool, mem::NoMem> {
    match std::str::from_utf8(bytes) {
        Ok(text) => to.extend_from_slice(naive::fold(text).as_bytes())?,
        Err(_) => return Ok(false),
    }
    Ok(true)
}

/// Compiles rules, or gives the message.
pub(crate) fn compile(rules: &[&str]) -> Result<Policy, String> {
    let mut list = mem::Vec::new();
    for rule in rules {
        list.push(parse(rule.as_bytes())?).expect("memory");
    }
    Policy::compile(list, branch("hot"), Some(&fold)).map_err(|error| match error {
        CompileError::NoMem => "no memory".into(),
        CompileError::TooMany => "too many".into(),
        CompileError::Twice(error) => error.to_string(),
    })
}

/// Compiles rules that are right.
pub(crate) fn policy(rules: &[&str]) -> Policy {
    compile(rules).expect("right rules")
}

/// The state of the directory `name` in `dir`.
pub(crate) fn child(policy: &Policy, dir: &State, name: &str) -> State {
    let name = Name::new(name.as_bytes());
    policy.child(dir, &name, Some(Kind::Dir)).expect("memory")
}

/// The state of the directory `path`.
pub(crate) fn at(policy: &Policy, path: &str) -> State {
    let root = policy.root().expect("memory");
    let names = path.split('/').filter(|name| !name.is_empty());
    names.fold(root, |dir, name| child(policy, &dir, name))
}

/// A verdict as rules write it.
pub(crate) fn show(policy: &Policy, verdict: Verdict) -> String {
    match verdict {
        Verdict::Home => "home".into(),
        Verdict::Branch(branch) => name_of(branch).into(),
        Verdict::First(list) => {
            let names = policy.alternatives(list).iter().map(|b| name_of(*b));
            names.collect::<Vec<_>>().join("|")
        }
        Verdict::Deny(errno) => format!("deny:{}", errno.number()),
        Verdict::Hide => "hide".into(),
        Verdict::Gate { gate, branch } => format!("gate:{} {}", name_of(gate), name_of(branch)),
    }
}
