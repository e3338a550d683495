// SPDX-License-Identifier: GPL-2.0-only

//! A program above random rules: what it says comes first, what it says for all is not asked again,
//! listing agrees with lookup, and the home is the same for everybody.

use super::{
    branch,
    call::Asked,
    generate::{child, context, count, join, with_name, Random},
    naive::{Call, Naive, Outcome, Spec},
    show,
    src::route::{
        Access, Asks, BranchId, CgroupId, Errno, Facts, IdRange, Lesson, List, Op, Policy, Said,
        State, Verdict, Who,
    },
    BRANCHES,
};
use std::cell::RefCell;

/// What a program says of a name and of each operation, and whether that holds for all.
#[derive(Clone, Debug)]
struct Program {
    name: Option<(bool, bool)>,
    ops: Vec<(Op, Said, bool)>,
}

/// A call with a program.
struct Programmed<'a> {
    asked: Asked<'a>,
    program: &'a Program,
    lessons: RefCell<Vec<Lesson>>,
    contradicted: RefCell<bool>,
}

impl Who for Programmed<'_> {
    fn uid(&self) -> u32 {
        self.asked.uid()
    }

    fn in_groups(&self, ids: IdRange) -> bool {
        self.asked.in_groups(ids)
    }

    fn in_cgroup(&self, group: CgroupId) -> bool {
        self.asked.in_cgroup(group)
    }
}

impl Facts for Programmed<'_> {
    type Error = super::call::Unreachable;

    fn access(&self) -> Access {
        self.asked.access()
    }

    fn size(&self) -> Result<Option<u64>, Self::Error> {
        self.asked.size()
    }

    fn exists(&self, branch: BranchId) -> Result<bool, Self::Error> {
        self.asked.exists(branch)
    }

    fn ask(&self, _: Option<&State>, about: Option<Op>, _: bool) -> Result<Said, Self::Error> {
        let (said, for_all) = match about {
            None => match self.program.name.expect("asked without such a member") {
                (true, for_all) => (Said::Verdict(Verdict::Hide), for_all),
                (false, for_all) => (Said::Rules, for_all),
            },
            Some(op) => self.program.said(op).expect("asked without being to be"),
        };
        self.lessons.borrow_mut().push(Lesson {
            about,
            said,
            for_all,
        });
        Ok(said)
    }

    fn contradicted(&self) {
        *self.contradicted.borrow_mut() = true;
    }
}

impl Program {
    /// A random one.
    fn random(random: &mut Random) -> Program {
        let mut ops = Vec::new();
        for op in Op::ALL {
            if random.one_in(3) {
                let said = match random.below(6) {
                    0 | 1 => Said::Rules,
                    2 => Said::Verdict(Verdict::Branch(branch(random.of(&BRANCHES)))),
                    3 => Said::Verdict(Verdict::Deny(Errno::EACCES)),
                    4 => Said::Verdict(Verdict::Gate {
                        gate: branch(random.of(&BRANCHES)),
                        branch: branch(random.of(&BRANCHES)),
                    }),
                    _ => {
                        let mut list = [None; List::MAX];
                        list[0] = Some(branch(random.of(&BRANCHES)));
                        list[1] = Some(branch(random.of(&BRANCHES)));
                        Said::First(List::new(list).unwrap())
                    }
                };
                ops.push((op, said, random.one_in(2)));
            }
        }
        let name = random
            .one_in(2)
            .then(|| (random.one_in(5), random.one_in(2)));
        Program { name, ops }
    }

    /// What it says of `op`, if it is asked.
    fn said(&self, op: Op) -> Option<(Said, bool)> {
        let mut ops = self.ops.iter();
        ops.find(|(known, ..)| *known == op)
            .map(|(_, said, for_all)| (*said, *for_all))
    }

    /// What it is asked about.
    fn asks(&self) -> Asks {
        let ops = self
            .ops
            .iter()
            .fold(0, |ops, (op, ..)| ops | 1 << *op as u32);
        Asks::of(self.name.is_some(), ops)
    }

    /// What happens for `op`: the text of a verdict, and whether the program said so.
    fn verdict(&self, naive: &Naive<'_>, rules: &Policy, op: Op, call: &Call) -> (String, bool) {
        if let Some((true, _)) = self.name {
            return ("hide".into(), true);
        }
        let mut at = op;
        loop {
            let own = match self.said(at).map(|(said, _)| said) {
                None | Some(Said::Rules) => None,
                Some(Said::Verdict(verdict)) => Some(show(rules, verdict)),
                Some(Said::First(_)) => Some(first(self, at, call)),
            };
            if let Some(own) = own {
                return (own, true);
            }
            let (own, named) = naive.own(at);
            let leader = match at {
                Op::Read | Op::Write | Op::Mmap => Op::Open,
                Op::Splice | Op::Lseek | Op::Copy | Op::Remap => Op::Read,
                _ => return (text(own), false),
            };
            if named {
                return (text(own), false);
            }
            at = leader;
        }
    }
}

/// The branch that the list for `op` gives.
fn first(program: &Program, op: Op, call: &Call) -> String {
    let Some((Said::First(list), _)) = program.said(op) else {
        panic!("no list");
    };
    let names: Vec<&str> = list.branches().map(|b| BRANCHES[b.index()]).collect();
    let makes = matches!(
        op,
        Op::Create | Op::Mkdir | Op::Mknod | Op::Symlink | Op::Link | Op::Tmpfile
    );
    let there = names.iter().find(|name| call.exists.contains(name));
    let found = there.filter(|_| !makes).unwrap_or(&names[0]);
    (*found).into()
}

/// The text of an outcome.
fn text(outcome: Outcome<'_>) -> String {
    match outcome.1 {
        "deny" => "deny:13".into(),
        "deny:ENOENT" => "deny:2".into(),
        other => other.into(),
    }
}

/// What `state` gives for every operation, with what was learned on the way.
fn decide_all(
    policy: &Policy,
    state: &State,
    call: &Call,
    program: &Program,
) -> (Vec<(String, bool)>, Vec<Lesson>, bool) {
    let facts = Programmed {
        asked: Asked { call, policy },
        program,
        lessons: RefCell::new(Vec::new()),
        contradicted: RefCell::new(false),
    };
    let mut outcomes = Vec::new();
    for op in Op::ALL {
        let known = state.decision(op);
        let is = policy.decide(state, op, &facts).unwrap();
        assert!(known.is_none_or(|known| known == is));
        outcomes.push((
            show(policy, is.verdict),
            is.rule == Some(super::src::route::BY_PROGRAM),
        ));
    }
    (
        outcomes,
        facts.lessons.into_inner(),
        facts.contradicted.into_inner(),
    )
}

/// Rules, a program, a name below some directory, and a call.
fn make(random: &mut Random) -> (Vec<Spec>, Policy, Program, State, Vec<(String, bool)>, Call) {
    let (rules, policy) = random.rules();
    let program = Program::random(random);
    let (dir, path) = random.walk(&policy, 3);
    let step = random.step();
    let kind = random.kind();
    let state = child(&policy, &dir, &step, kind.map(|(_, kind)| kind));
    let state = state.asking(program.asks()).unwrap();
    let call = random.call(kind);
    (rules, policy, program, state, join(&path, &step), call)
}

#[test]
fn what_a_program_says_comes_first() {
    let mut random = Random::new(31);
    for _ in 0..count(20) {
        let (rules, policy, program, state, path, call) = make(&mut random);
        let naive = Naive::new(&rules, &path, &call);
        let (is, _, _) = decide_all(&policy, &state, &call, &program);
        for (op, is) in Op::ALL.into_iter().zip(is) {
            let shall = program.verdict(&naive, &policy, op, &call);
            let what = format!("{} by {program:?}: {is:?}, not {shall:?}", op.name());
            assert_eq!(is, shall, "{}", context(&rules, &path, &what));
        }
    }
}

#[test]
fn what_it_says_for_all_is_not_asked_again() {
    let mut random = Random::new(32);
    for _ in 0..count(20) {
        let (rules, policy, program, mut state, path, call) = make(&mut random);
        let (before, lessons, _) = decide_all(&policy, &state, &call, &program);
        for lesson in &lessons {
            state = state.learn(lesson).unwrap();
        }
        let (after, again, contradicted) = decide_all(&policy, &state, &call, &program);
        let what = format!("{program:?}");
        assert_eq!(before, after, "{}", context(&rules, &path, &what));
        assert!(!contradicted, "{}", context(&rules, &path, &what));
        for lesson in again {
            let fixed = lesson.for_all && !matches!(lesson.said, Said::First(_));
            assert!(!fixed, "{:?} {}", lesson, context(&rules, &path, &what));
        }
        for (op, verdict) in Op::ALL.into_iter().zip(&after) {
            if let Some(known) = state.decision(op) {
                assert_eq!(show(&policy, known.verdict), verdict.0);
            }
        }
    }
}

#[test]
fn listing_agrees_with_lookup() {
    let mut random = Random::new(33);
    for _ in 0..count(20) {
        let (rules, policy) = random.rules();
        let program = Program::random(&mut random);
        let (dir, path) = random.walk(&policy, 3);
        let step = random.step();
        let state = child(&policy, &dir, &step, None)
            .asking(program.asks())
            .unwrap();
        let call = random.call(None);
        let facts = Programmed {
            asked: Asked {
                call: &call,
                policy: &policy,
            },
            program: &program,
            lessons: RefCell::new(Vec::new()),
            contradicted: RefCell::new(false),
        };
        let peek = with_name(&step, |name| {
            policy.peek_asking(&dir, name, program.asks(), &facts)
        })
        .unwrap();
        let lookup = policy.decide(&state, Op::Lookup, &facts).unwrap();
        let what = format!("{program:?} {peek:?} {lookup:?}");
        let what = context(&rules, &join(&path, &step), &what);
        assert_eq!(peek.is_hidden(), lookup.verdict == Verdict::Hide, "{what}");
        if !peek.is_hidden() {
            let home = policy.home(&state, &facts).unwrap();
            assert_eq!(peek.home.branch, home.branch, "{what}");
        }
    }
}

#[test]
fn a_name_has_one_home() {
    let mut random = Random::new(34);
    for _ in 0..count(5) {
        let (_, policy, _, state, _, call) = make(&mut random);
        let to = |name: &str, for_all| Program {
            name: None,
            ops: vec![(
                Op::Lookup,
                Said::Verdict(Verdict::Branch(branch(name))),
                for_all,
            )],
        };
        let (one, other) = (to("cold", false), to("big", false));
        let state = state.asking(one.asks()).unwrap();
        let (_, lessons, contradicted) = decide_all(&policy, &state, &call, &one);
        assert!(!contradicted);
        let state = state.learn(&lessons[0]).unwrap();
        assert_eq!(state.home().map(|home| home.branch), Some(branch("cold")));
        let (is, _, contradicted) = decide_all(&policy, &state, &call, &other);
        assert!(contradicted);
        assert_eq!(is[Op::Lookup as usize].0, "deny:5");
        let (_, _, contradicted) = decide_all(&policy, &state, &call, &one);
        assert!(!contradicted);
    }
}
