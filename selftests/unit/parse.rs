// SPDX-License-Identifier: GPL-2.0-only

//! The grammar: what is read, how it is written again, and what is said of mistakes.

use super::{compile, parse, BranchId};

/// The canonical text of `text`.
fn canonical(text: &str) -> String {
    let rule = parse(text.as_bytes()).unwrap();
    let text = String::from_utf8(rule.text().to_vec()).unwrap();
    let again = parse(text.as_bytes()).unwrap();
    assert_eq!(again.text(), rule.text(), "canonical text is stable");
    text
}

/// The message for `text`, without the part that quotes the rule.
fn mistake(text: &str) -> String {
    let message = parse(text.as_bytes()).expect_err(text);
    let quoted = format!("rule `{text}`: ");
    let rest = message.strip_prefix(&quoted);
    rest.unwrap_or_else(|| panic!("{message}")).into()
}

#[test]
fn canonical_text_is_what_was_written() {
    for text in [
        "-> hot",
        "-> deny",
        "-> deny:EROFS",
        "op=lookup -> hot",
        "op=name -> hot",
        "op=name+meta+data -> hot",
        "op=data+read -> cold",
        "op=lookup+create+remap -> cold",
        "path=/ -> hot",
        "path=/** -> hot",
        "path=/media/** -> cold",
        "path=/a*b/?[a-c]/**/x -> cold",
        "name=*.o -> tmp",
        "op=read path=/x name=y -> deny:EIO",
        r"path=/a\x20b\x2cc\x22d\x27 -> cold",
        r"name=\*\?\[\\] -> cold",
        r"name=[!\]\[\-\!\^\\\x2c] -> cold",
        "name={a} -> cold",
        "name=-> -> cold",
        "name=a=b -> cold",
        "name=\u{e9} -> cold",
    ] {
        assert_eq!(canonical(text), text);
    }
}

#[test]
fn spellings_of_one_rule_have_one_text() {
    for (text, expected) in [
        (" \t path=/a \n ->\tcold ", "path=/a -> cold"),
        (
            "name=x path=/a op=read -> cold",
            "op=read path=/a name=x -> cold",
        ),
        ("op=read+open+read -> cold", "op=open+read -> cold"),
        ("op=read+data -> cold", "op=data+read -> cold"),
        ("-> deny:EACCES", "-> deny"),
        ("-> deny:ENOTSUP", "-> deny:EOPNOTSUPP"),
        ("path=/**/**/**/a/**/** -> cold", "path=/**/a/** -> cold"),
        (r"name=\x41\x2a\x5C\x7f -> cold", r"name=A\*\\\x7f -> cold"),
        (r"name=\, -> cold", r"name=\x2c -> cold"),
        ("name='\",` -> cold", r"name=\x27\x22\x2c\x60 -> cold"),
        ("name=\u{1} -> cold", r"name=\x01 -> cold"),
        ("name=[]a] -> cold", r"name=[\]a] -> cold"),
        ("name=[^a] -> cold", "name=[!a] -> cold"),
        ("name=[a-] -> cold", r"name=[a\-] -> cold"),
        ("name=[-a] -> cold", r"name=[\-a] -> cold"),
        ("name=[!-a] -> cold", r"name=[!\-a] -> cold"),
        ("name=[!!] -> cold", r"name=[!\!] -> cold"),
        (r"name=[\x61-\x63] -> cold", "name=[a-c] -> cold"),
    ] {
        assert_eq!(canonical(text), expected);
    }
}

#[test]
fn bytes_that_are_not_utf8_stay() {
    let rule = parse(b"name=\xff\\xfe -> hot").unwrap();
    assert_eq!(rule.text(), b"name=\xff\xfe -> hot");
}

#[test]
fn mistakes_in_the_frame() {
    assert_eq!(
        mistake(""),
        "no words in ``, expected CONDITION... -> VERDICT"
    );
    assert_eq!(
        mistake("  "),
        "no words in `  `, expected CONDITION... -> VERDICT"
    );
    assert_eq!(
        mistake("path=/a hot"),
        "unexpected `hot` before the `->`, expected one of op=OP[+OP...], path=GLOB, name=GLOB"
    );
    assert_eq!(
        mistake("path=/a"),
        "no `->` in `path=/a`, expected CONDITION... -> VERDICT"
    );
    assert_eq!(
        mistake("path=/a -> "),
        "no verdict after `->`, expected one of BRANCH, deny, deny:ERRNO"
    );
    assert_eq!(
        mistake("-> hot cold  x "),
        "unexpected `cold  x` after the verdict"
    );
    assert_eq!(
        mistake("-> hot -> cold"),
        "unexpected `-> cold` after the verdict"
    );
}

#[test]
fn mistakes_in_conditions() {
    assert_eq!(
        mistake("uid=3 -> hot"),
        "unknown condition `uid`, expected one of op, path, name"
    );
    assert_eq!(
        mistake("=3 -> hot"),
        "unknown condition ``, expected one of op, path, name"
    );
    assert_eq!(
        mistake("op=read path=/a op=write -> hot"),
        "condition `op` is given twice"
    );
    assert_eq!(mistake("path= -> hot"), "no value after `path=`");
    let ops = "expected one of name, meta, data, lookup, readdir, create, mkdir, mknod, symlink, \
               link, unlink, rmdir, rename, tmpfile, getattr, setattr, readlink, getxattr, \
               setxattr, listxattr, removexattr, getacl, setacl, fileattr, statfs, open, read, \
               write, mmap, splice, lseek, copy, remap";
    assert_eq!(
        mistake("op=read+frob -> hot"),
        format!("unknown op `frob`, {ops}")
    );
    assert_eq!(mistake("op=read+ -> hot"), format!("unknown op ``, {ops}"));
    assert_eq!(
        mistake("op=READ -> hot"),
        format!("unknown op `READ`, {ops}")
    );
}

#[test]
fn mistakes_in_paths() {
    assert_eq!(
        mistake("path=a/b -> hot"),
        "path `a/b` does not start with `/`"
    );
    assert_eq!(
        mistake("path=/a//b -> hot"),
        "empty component in path `/a//b`"
    );
    assert_eq!(mistake("path=/a/ -> hot"), "empty component in path `/a/`");
    assert_eq!(mistake("path=// -> hot"), "empty component in path `//`");
    assert_eq!(
        mistake("path=/a/../b -> hot"),
        "component `..` never matches, no path has it"
    );
    assert_eq!(
        mistake(r"path=/\x2e -> hot"),
        r"component `\x2e` never matches, no path has it"
    );
    assert_eq!(
        mistake("path=/a/b**c/d -> hot"),
        "`**` in `b**c`, expected it as a component of a path"
    );
    assert_eq!(
        mistake("path=/*** -> hot"),
        "`**` in `***`, expected it as a component of a path"
    );
    assert_eq!(
        mistake("path=/a[b/c] -> hot"),
        "no `]` for the bracket in `[b`"
    );
}

#[test]
fn mistakes_in_names() {
    assert_eq!(
        mistake("name=a/b -> hot"),
        "name `a/b` has a `/`, expected one component"
    );
    assert_eq!(
        mistake("name=** -> hot"),
        "`**` in `**`, expected it as a component of a path"
    );
    assert_eq!(
        mistake("name=. -> hot"),
        "component `.` never matches, no path has it"
    );
}

#[test]
fn mistakes_in_globs() {
    for (glob, expected) in [
        ("x[", "no `]` for the bracket in `[`"),
        ("x[ab", "no `]` for the bracket in `[ab`"),
        ("[]", "no `]` for the bracket in `[]`"),
        ("[!]", "no `]` for the bracket in `[!]`"),
        ("[a-", "no `]` for the bracket in `[a-`"),
        (r"[a\]", r"no `]` for the bracket in `[a\]`"),
        ("a[z-a]b", "range `z-a` ends before it starts"),
        (
            "[[:alpha:]]",
            "character class `[:alpha:]]`, expected single characters and ranges within brackets",
        ),
        (
            r"a\x4",
            r"escape `\x4`, expected two hexadecimal digits after `\x`",
        ),
        (
            r"a\xg0b",
            r"escape `\xg`, expected two hexadecimal digits after `\x`",
        ),
        (
            r"a\",
            r"escape `\`, expected `\xHH`, or `\` and punctuation",
        ),
        (
            r"\n",
            r"escape `\n`, expected `\xHH`, or `\` and punctuation",
        ),
        (r"\x00", r"byte `\x00` is never in a name"),
        (r"[\x2f]", r"byte `\x2f` is never in a name"),
    ] {
        assert_eq!(mistake(&format!("name={glob} -> hot")), expected);
    }
}

#[test]
fn mistakes_in_verdicts() {
    assert_eq!(
        mistake("-> frob"),
        "unknown branch `frob`, expected one of the mount's branches, deny, deny:ERRNO"
    );
    let expected = "expected one of BRANCH, deny, deny:ERRNO";
    for word in ["hide", "gate:hot", "none", "hot|cold", "denied:EIO"] {
        assert_eq!(
            mistake(&format!("-> {word}")),
            format!("unknown verdict `{word}`, {expected}")
        );
    }
    let errnos = mistake("-> deny:EFROB");
    let start = "unknown errno `EFROB`, expected one of EPERM, ENOENT, EIO, ENXIO, ";
    assert!(errnos.starts_with(start), "{errnos}");
    assert!(mistake("-> deny:").starts_with("unknown errno ``, expected one of EPERM,"));
}

#[test]
fn messages_quote_no_control_bytes_and_stay_short() {
    let message = parse(b"\x01\xff\n -> hot").err().unwrap();
    let expected = "rule `\\x01\\xff\\x0a -> hot`: unexpected `\\x01\\xff` before the `->`, \
                    expected one of op=OP[+OP...], path=GLOB, name=GLOB";
    assert_eq!(message, expected);

    let long = parse("x".repeat(5000).as_bytes()).err().unwrap();
    assert!(long.contains("xxx...`: unexpected `xxx"), "{long}");
    for piece in ["x", "\u{1}", "\u{e9}", "\u{10ffff}"] {
        let word = piece.repeat(2000);
        for text in [format!("op={word} -> hot"), format!("-> deny:{word}"), word] {
            let message = parse(text.as_bytes()).err().unwrap();
            assert!(message.len() < 1000, "{}", message.len());
        }
    }
}

#[test]
fn a_rule_twice_is_an_error() {
    let message = compile(&["path=/a -> cold", "-> hot", " path=/a  -> cold"]);
    let expected = "rule `path=/a -> cold` is given twice";
    assert_eq!(message.err().unwrap(), expected);
}

#[test]
fn branch_names() {
    for name in ["a", "0", "A-b_c.9", "denyx", &"x".repeat(31)] {
        assert!(BranchId::is_name(name.as_bytes()), "{name}");
    }
    for name in [
        "", "deny", "hide", "gate", "none", "a b", "a:b", "a/b", "\u{e9}",
    ] {
        assert!(!BranchId::is_name(name.as_bytes()), "{name}");
    }
    assert!(!BranchId::is_name(&[b'x'; 32]));
    assert!(BranchId::new(63).is_some() && BranchId::new(64).is_none());
}
