// SPDX-License-Identifier: GPL-2.0-only

//! Host tests of src/route, which build it as it is.

#[path = "../../src"]
mod src {
    // The kernel code may need more names than the tests.
    #[allow(unused_imports)]
    #[forbid(unsafe_code)]
    pub(crate) mod route;
}

mod below;
mod decide;
mod memory;
mod naive;
mod parse;
mod random;
mod scale;

use src::route::{
    mem, BranchId, BranchSet, CompileError, ParseError, Policy, Rule, State, Verdict,
};

/// The branches of the tests' mounts, in their order.
const BRANCHES: [&str; 4] = ["hot", "cold", "tmp", "big"];

/// The branch called `name`.
fn branch(name: &str) -> BranchId {
    find_branch(name.as_bytes()).expect("a branch of the tests")
}

/// The branch called `name`, if there is one.
fn find_branch(name: &[u8]) -> Option<BranchId> {
    let index = BRANCHES.iter().position(|b| b.as_bytes() == name)?;
    BranchId::new(index)
}

/// The set of the branches called `names`, which are separated by blanks.
fn set(names: &str) -> BranchSet {
    let add = |set: BranchSet, name| set.or(BranchSet::of(branch(name)));
    names.split_whitespace().fold(BranchSet::EMPTY, add)
}

/// Reads a rule, or gives the message.
fn parse(text: &[u8]) -> Result<Rule, String> {
    Rule::parse(text, &find_branch).map_err(|error| match error {
        ParseError::NoMem => "no memory".into(),
        ParseError::Syntax(error) => error.to_string(),
    })
}

/// Compiles rules, or gives the message.
fn compile(rules: &[&str]) -> Result<Policy, String> {
    let mut list = mem::Vec::new();
    for rule in rules {
        list.push(parse(rule.as_bytes())?).expect("memory");
    }
    Policy::compile(list, branch("hot")).map_err(|error| match error {
        CompileError::NoMem => "no memory".into(),
        CompileError::TooMany => "too many".into(),
        CompileError::Twice(error) => error.to_string(),
    })
}

/// Compiles rules that are right.
fn policy(rules: &[&str]) -> Policy {
    compile(rules).expect("right rules")
}

/// The state of `path`.
fn at(policy: &Policy, path: &str) -> State {
    let root = policy.root().expect("memory");
    let names = path.split('/').filter(|name| !name.is_empty());
    names.fold(root, |dir, name| {
        policy.child(&dir, name.as_bytes()).expect("memory")
    })
}

/// A verdict as rules write it.
fn show(verdict: Verdict) -> String {
    match verdict {
        Verdict::Branch(branch) => BRANCHES[branch.index()].into(),
        Verdict::Deny(errno) => format!("deny:{}", errno.number()),
    }
}
