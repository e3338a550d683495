// SPDX-License-Identifier: GPL-2.0-only

//! Any bytes are a rule or are refused with a message; a rule is the same when its canonical text is
//! read again.

#![no_main]

#[path = "../../main.rs"]
#[allow(dead_code, unused_imports)]
mod unit;

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    let rule = match unit::parse(text) {
        Ok(rule) => rule,
        Err(message) => {
            assert!(message.starts_with("rule `"), "{message}");
            assert!(message.len() < 1000, "{message}");
            assert!(
                !message.contains(|c: char| c.is_ascii_control()),
                "{message:?}"
            );
            return;
        }
    };
    let odd = |byte: &u8| *byte < b' ' || b",\"'`\x7f".contains(byte);
    assert!(!rule.text().iter().any(odd), "{:?}", rule.text());
    let again = unit::parse(rule.text()).expect("canonical text is a rule");
    assert_eq!(format!("{rule:?}"), format!("{again:?}"));
    let text = std::str::from_utf8(rule.text());
    if let Ok(text) = text {
        let policy = unit::policy(&[text]);
        let root = policy.root().expect("memory");
        let (varies, homes) = (policy.names_vary(&root), policy.names_homes(&root, true));
        std::hint::black_box((
            varies,
            homes,
            policy.same_below(&root, &unit::at(&policy, "/a")),
        ));
    }
});
