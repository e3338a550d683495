// SPDX-License-Identifier: GPL-2.0-only

//! Routing: which branch serves an operation on a path, by the mount's rules.
//!
//! A [`Rule`] is read from text, rules are compiled into a [`Policy`], and a policy gives a
//! [`State`] for the root and, from the state of a directory, for each name in it. No path string
//! is ever built: a state holds what is decided for the object itself and how far the rules have
//! come, for what is below.
//!
//! What depends on the operation, the name, the path and the type alone is a part of the state, and
//! [`State::decision`] and [`State::home`] give it at once. What depends on the caller, on how a
//! file is opened or on what branches have is decided anew each time: [`Policy::decide`] and
//! [`Policy::home`] ask the [`Facts`] of the call for it. [`Policy::peek`] tells how a name is
//! looked up without making a state for it, for listings and for names whose type is not known yet.
//!
//! This uses no kernel type, and the host's unit tests build it as well; the difference is in
//! `mem`. Nothing here can panic.

mod below;
mod compile;
mod decide;
mod ends;
mod error;
mod exceptions;
mod facts;
mod fold;
mod glob;
mod hash;
mod kind;
pub(crate) mod mem;
mod name;
mod op;
mod parse;
mod peek;
mod places;
mod policy;
mod program;
mod rule;
pub(crate) mod state;
mod table;
mod tails;
mod tree;
mod verdict;
mod walk;

pub(crate) use self::{
    compile::MAX_RULES,
    error::{
        CompileError,
        ParseError, //
    },
    exceptions::Exceptions,
    facts::{
        Access,
        CgroupId,
        Facts,
        IdRange,
        Who, //
    },
    fold::Fold,
    kind::Kind,
    name::Name,
    op::Op,
    places::Places,
    policy::Policy,
    program::{
        Asks,
        Lesson,
        List,
        Said,
        BY_PROGRAM, //
    },
    rule::Rule,
    state::{
        Decision,
        Needs,
        State, //
    },
    verdict::{
        BranchId,
        BranchSet,
        Errno,
        Verdict, //
    },
};
