// SPDX-License-Identifier: GPL-2.0-only

//! Whether the compiled form and the reference agree.

use super::{
    branch,
    call::{Asked, CallerOnly},
    generate::context,
    naive::{Call, Naive, Outcome, Spec},
    name_of, show,
    src::route::{state::Home, Decision, Needs, Op, Policy, State, Verdict},
    BRANCHES,
};

/// Whether a decision is what the reference says.
fn same(policy: &Policy, decision: Decision, outcome: Outcome<'_>) -> bool {
    let verdict = match outcome.1 {
        "deny" => "deny:13",
        "deny:ENOENT" => "deny:2",
        other => other,
    };
    decision.rule == outcome.0 && show(policy, decision.verdict) == verdict
}

/// Whether a home is what the reference says.
fn same_home(home: Home, outcome: Outcome<'_>) -> bool {
    (home.rule, name_of(home.branch)) == outcome
}

/// Fails unless all of `state` is what the reference says of `call`.
pub(crate) fn check(
    rules: &[Spec],
    policy: &Policy,
    state: &State,
    path: &[(String, bool)],
    call: &Call,
) {
    let naive = Naive::new(rules, path, call);
    let asked = Asked { call, policy };
    for op in Op::ALL {
        let is = policy.decide(state, op, &asked).unwrap();
        let shall = naive.verdict(op);
        if !same(policy, is, shall) {
            let what = format!("{} by {call:?}: {is:?}, not {shall:?}", op.name());
            panic!("{}", context(rules, path, &what));
        }
        if let Some(known) = state.decision(op) {
            assert_eq!(known, is, "{}", context(rules, path, op.name()));
        }
    }
    for op in [Op::Splice, Op::Copy, Op::Remap] {
        let is = policy.decide_data(state, op, Op::Write, &asked).unwrap();
        let shall = naive.data(op, Op::Write);
        assert!(
            same(policy, is, shall),
            "{}",
            context(rules, path, op.name())
        );
    }
    let home = policy.home(state, &asked).unwrap();
    let what = || format!("home by {call:?}: {home:?}, not {:?}", naive.home());
    assert!(
        same_home(home, naive.home()),
        "{}",
        context(rules, path, &what())
    );
    if let Some(known) = state.home() {
        assert_eq!(known, home, "{}", context(rules, path, "home"));
    }
    for made_in in BRANCHES {
        let mut after = call.clone();
        after.exists.push(made_in);
        let is = policy.home_after(state, &asked, branch(made_in)).unwrap();
        let shall = Naive::new(rules, path, &after);
        assert!(
            same_home(is, shall.home()),
            "{}",
            context(rules, path, made_in)
        );
    }
    if let Some(plain) = state.plain_home() {
        let lookup = naive.verdict(Op::Lookup);
        assert_eq!(name_of(plain), naive.home().1);
        assert!(!lookup.1.starts_with("deny") && lookup.1 != "hide");
        if state.is_all_at(plain) {
            let met = Op::ALL.into_iter().filter(|op| op.is_on_object());
            for (op, shall) in met.map(|op| (op, naive.verdict(op))) {
                let at_home = shall.0.is_none() || shall.1 == name_of(plain);
                assert!(at_home, "{}", context(rules, path, op.name()));
            }
        }
    }
    check_exceptions(rules, policy, state, path, &asked);
    let caller = CallerOnly(Asked { call, policy });
    let needs = state.lookup_needs();
    if needs != Needs::Branches {
        let lookup = policy
            .decide(state, Op::Lookup, &caller)
            .expect("no branch is needed");
        assert!(same(policy, lookup, naive.verdict(Op::Lookup)));
        assert!(state.home().is_some());
        let calls = matches!(lookup.verdict, Verdict::First(_) | Verdict::Gate { .. });
        assert!(!calls, "{}", context(rules, path, "needs"));
        let known = state.decision(Op::Lookup).is_some();
        assert_eq!(
            known,
            needs == Needs::Nothing,
            "{}",
            context(rules, path, "needs")
        );
    }
}

/// Fails unless a caller to whom no exception of `state` applies is told by the reference that the home
/// serves everything.
fn check_exceptions(
    rules: &[Spec],
    policy: &Policy,
    state: &State,
    path: &[(String, bool)],
    asked: &Asked<'_>,
) {
    let Some(exceptions) = policy.exceptions(state) else {
        return;
    };
    if policy.excepts(&exceptions, asked) {
        return;
    }
    let naive = Naive::new(rules, path, asked.call);
    assert_eq!(name_of(exceptions.home()), naive.home().1);
    let met = |op: &Op| *op == Op::Lookup || op.is_on_object();
    for op in Op::ALL.into_iter().filter(met) {
        let shall = naive.verdict(op);
        let at_home = shall.0.is_none() || shall.1 == name_of(exceptions.home());
        assert!(at_home, "{}", context(rules, path, op.name()));
    }
}
