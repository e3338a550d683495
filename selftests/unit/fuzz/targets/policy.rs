// SPDX-License-Identifier: GPL-2.0-only

//! Bytes choose rules, paths and calls: the compiled form agrees with the reference.

#![no_main]

#[path = "../../main.rs"]
#[allow(dead_code, unused_imports)]
mod unit;

use unit::{
    agree::check,
    generate::{child, Random},
};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut random = Random::given(data);
    let (rules, policy) = random.rules();
    for _ in 0..4 {
        let (dir, mut path) = random.walk(&policy, 3);
        let call = random.call(Some(('d', unit::src::route::Kind::Dir)));
        check(&rules, &policy, &dir, &path, &call);
        let step = random.step();
        let kind = random.kind();
        let state = child(&policy, &dir, &step, kind.map(|(_, kind)| kind));
        path.push(step);
        check(&rules, &policy, &state, &path, &random.call(kind));
    }
});
