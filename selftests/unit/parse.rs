// SPDX-License-Identifier: GPL-2.0-only

//! The grammar: what is read, how it is written again, and what is said of mistakes.

use super::{compile, parse, BranchId};

/// How all conditions are written.
const FORMS: &str = "op=OP[+OP...], path=GLOB, name=GLOB, type=f|d|l|b|c|p|s[+...], uid=N[-M], \
                     gid=N[-M], cgroup=PATH, access=r|w|x[+...], size=<N or size=>N, \
                     exists=BRANCH, missing=BRANCH";

/// Their keys.
const KEYS: &str = "op, path, name, type, uid, gid, cgroup, access, size, exists, missing";

/// How all verdicts are written, but a branch alone.
const VERDICTS: &str = "A|B|..., deny, deny:ERRNO, hide, gate:G BRANCH";

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
        "-> hide",
        "-> hot|cold|tmp",
        "-> gate:hot cold",
        "op=data path=/a name=b type=f+d uid=0-5 gid=7 cgroup=/a/b access=r+x size=<4K exists=hot \
         missing=cold -> tmp",
        "type=f+d+l+b+c+p+s -> hot",
        "op=read+write access=r+w+x -> hot",
        "op=meta uid=4294967294 gid=0-4294967294 -> cold",
        "cgroup=/ -> deny",
        r"cgroup=/a\x20b/c\\d/*?[x] -> deny",
        "size=>0 -> hot",
        "size=<1023 -> hot",
        "size=>5G -> hot",
        "size=>18446744073709551614 -> hot",
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
        ("type=s+d+f+d -> cold", "type=f+d+s -> cold"),
        ("uid=007 -> deny", "uid=7 -> deny"),
        ("gid=5-5 -> deny", "gid=5 -> deny"),
        ("access=x+r -> cold", "access=r+x -> cold"),
        ("size=<1024 -> cold", "size=<1K -> cold"),
        ("size=>02048K -> cold", "size=>2M -> cold"),
        ("size=>0G -> cold", "size=>0 -> cold"),
        (r"cgroup=/\x61,b -> deny", r"cgroup=/a\x2cb -> deny"),
        ("-> \t gate:hot \n cold ", "-> gate:hot cold"),
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
        format!("unexpected `hot` before the `->`, expected one of {FORMS}")
    );
    assert_eq!(
        mistake("path=/a"),
        "no `->` in `path=/a`, expected CONDITION... -> VERDICT"
    );
    assert_eq!(
        mistake("path=/a -> "),
        format!("no verdict after `->`, expected one of BRANCH, {VERDICTS}")
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
        mistake("host=3 -> hot"),
        format!("unknown condition `host`, expected one of {KEYS}")
    );
    assert_eq!(
        mistake("=3 -> hot"),
        format!("unknown condition ``, expected one of {KEYS}")
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
fn mistakes_in_values() {
    let id = "expected N or N-M, from 0 to 4294967294";
    let size = "expected <N or >N, with K, M or G after N or without";
    let branches = "expected one of the mount's branches";
    let types = "expected one of f, d, l, b, c, p, s";
    let normal = "has an empty component, `.` or `..`, expected it as in /proc/PID/cgroup";
    for (condition, expected) in [
        ("type=f+x", format!("unknown type `x`, {types}")),
        ("type=fd", format!("unknown type `fd`, {types}")),
        ("type=+", format!("unknown type ``, {types}")),
        (
            "access=rw",
            "unknown access `rw`, expected one of r, w, x".into(),
        ),
        ("uid=x", format!("id `x`, {id}")),
        ("uid=-1", format!("id `-1`, {id}")),
        ("uid=1-", format!("id `1-`, {id}")),
        ("uid=1-2-3", format!("id `1-2-3`, {id}")),
        ("uid=4294967295", format!("id `4294967295`, {id}")),
        ("gid=0-4294967295", format!("id `0-4294967295`, {id}")),
        (
            "gid=99999999999999999999",
            format!("id `99999999999999999999`, {id}"),
        ),
        ("gid=+5", format!("id `+5`, {id}")),
        ("uid=5-4", "range `5-4` ends before it starts".into()),
        ("cgroup=a/b", "path `a/b` does not start with `/`".into()),
        ("cgroup=/a/", format!("path `/a/` {normal}")),
        ("cgroup=//", format!("path `//` {normal}")),
        ("cgroup=/a/../b", format!("path `/a/../b` {normal}")),
        (r"cgroup=/\x2e", format!(r"path `/\x2e` {normal}")),
        (
            r"cgroup=/a\n",
            r"escape `\n`, expected `\xHH`, or `\` and punctuation".into(),
        ),
        (r"cgroup=/a\x00", r"byte `\x00` is never in a name".into()),
        ("size=5", format!("size `5`, {size}")),
        ("size=<", format!("size `<`, {size}")),
        ("size=<K", format!("size `<K`, {size}")),
        ("size=<5k", format!("size `<5k`, {size}")),
        ("size=<-5", format!("size `<-5`, {size}")),
        ("size==5", format!("size `=5`, {size}")),
        ("size=<5KB", format!("size `<5KB`, {size}")),
        (
            "size=<18446744073709551616",
            "size `<18446744073709551616` is more than 64 bits can hold".into(),
        ),
        (
            "size=>17179869184G",
            "size `>17179869184G` is more than 64 bits can hold".into(),
        ),
        ("size=<0", "no file has size `<0`".into()),
        ("size=<0K", "no file has size `<0K`".into()),
        (
            "size=>18446744073709551615",
            "no file has size `>18446744073709551615`".into(),
        ),
        ("exists=frob", format!("unknown branch `frob`, {branches}")),
        (
            "missing=hot|cold",
            format!("unknown branch `hot|cold`, {branches}"),
        ),
        ("uid=5 uid=6", "condition `uid` is given twice".into()),
    ] {
        assert_eq!(mistake(&format!("{condition} -> hot")), expected);
    }
}

#[test]
fn conditions_that_do_not_go_together() {
    let never = "never holds, it is not known for the operations of `op=`";
    let opened = "never holds, expected `op=` with an operation of the class `data`";
    let caller = "may only deny or hide names, for another verdict expected `op=` with operations \
                  of the classes `meta` and `data` only";
    let looked_up = "with `hide`, expected none that is not known when a name is looked up";
    let tells = "with `hide`, expected none by which others tell what is hidden";
    for (rule, expected) in [
        ("op=lookup type=f -> hot", format!("condition `type=f` {never}")),
        ("op=lookup+readdir type=f -> deny", format!("condition `type=f` {never}")),
        ("op=readdir size=<5 -> hot", format!("condition `size=<5` {never}")),
        ("op=create+mkdir size=<5 -> hot", format!("condition `size=<5` {never}")),
        ("op=name access=r -> hot", format!("condition `access=r` {opened}")),
        ("op=getattr access=r type=f -> hot", format!("condition `access=r` {opened}")),
        ("exists=hot missing=hot -> hot", "condition `missing=hot` never holds, `exists=` names the branch".into()),
        ("uid=5 -> hot", format!("condition `uid=5` {caller}")),
        ("gid=5 path=/a -> hot|cold", format!("condition `gid=5` {caller}")),
        ("op=data+unlink cgroup=/ -> hot", format!("condition `cgroup=/` {caller}")),
        ("op=lookup uid=5 -> gate:hot cold", format!("condition `uid=5` {caller}")),
        ("op=lookup -> hide", "condition `op=lookup` with `hide`, expected none, a hidden name is so for all operations".into()),
        ("type=f -> hide", format!("condition `type=f` {looked_up}")),
        ("size=>5 -> hide", format!("condition `size=>5` {looked_up}")),
        ("access=r -> hide", format!("condition `access=r` {looked_up}")),
        ("exists=hot -> hide", format!("condition `exists=hot` {tells}")),
        ("missing=hot uid=5 -> hide", format!("condition `missing=hot` {tells}")),
    ] {
        assert_eq!(mistake(rule), expected);
    }
    for rule in [
        "op=meta+data uid=5 -> hot",
        "uid=5 access=r -> hot",
        "uid=5 -> deny",
        "uid=5 gid=6 cgroup=/ -> hide",
        "op=lookup+getattr type=f -> hot",
        "op=create type=f -> hot",
        "op=link size=<5 -> hot",
        "exists=hot missing=cold -> hot",
    ] {
        parse(rule.as_bytes()).expect(rule);
    }
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
        format!("unknown branch `frob`, expected one of the mount's branches, {VERDICTS}")
    );
    for word in ["none", "gate", "denied:EIO", "hidden!", "a/b"] {
        assert_eq!(
            mistake(&format!("-> {word}")),
            format!("unknown verdict `{word}`, expected one of BRANCH, {VERDICTS}")
        );
    }
    let branches = "expected one of the mount's branches";
    for (verdict, expected) in [
        ("hot|frob", format!("unknown branch `frob`, {branches}")),
        ("hot|", format!("unknown branch ``, {branches}")),
        ("|", format!("unknown branch ``, {branches}")),
        ("hot|hide", format!("unknown branch `hide`, {branches}")),
        ("hot|cold|hot", "branch `hot` is given twice".into()),
        ("gate: hot", format!("unknown branch ``, {branches}")),
        (
            "gate:frob hot",
            format!("unknown branch `frob`, {branches}"),
        ),
        (
            "gate:hot frob",
            format!("unknown branch `frob`, {branches}"),
        ),
        (
            "gate:hot deny",
            format!("unknown branch `deny`, {branches}"),
        ),
        (
            "gate:hot cold|tmp",
            format!("unknown branch `cold|tmp`, {branches}"),
        ),
        (
            "gate:hot",
            "no branch after `gate:hot`, expected gate:G BRANCH".into(),
        ),
        (
            "gate:hot hot",
            "gate `hot` is the branch that it guards, expected another one".into(),
        ),
        (
            "gate:hot cold tmp",
            "unexpected `tmp` after the verdict".into(),
        ),
        ("hide cold", "unexpected `cold` after the verdict".into()),
    ] {
        assert_eq!(mistake(&format!("-> {verdict}")), expected);
    }
    let errnos = mistake("-> deny:EFROB");
    let start = "unknown errno `EFROB`, expected one of EPERM, ENOENT, EIO, ENXIO, ";
    assert!(errnos.starts_with(start), "{errnos}");
    assert!(mistake("-> deny:").starts_with("unknown errno ``, expected one of EPERM,"));
}

#[test]
fn messages_quote_no_control_bytes_and_stay_short() {
    let message = parse(b"\x01\xff\n -> hot").err().unwrap();
    let expected = format!(
        "rule `\\x01\\xff\\x0a -> hot`: unexpected `\\x01\\xff` before the `->`, expected one of \
         {FORMS}"
    );
    assert_eq!(message, expected);

    let long = parse("x".repeat(5000).as_bytes()).err().unwrap();
    assert!(long.contains("xxx...`: unexpected `xxx"), "{long}");
    for piece in ["x", "\u{1}", "\u{e9}", "\u{10ffff}"] {
        let word = piece.repeat(2000);
        for text in [format!("op={word} -> hot"), format!("-> deny:{word}"), word] {
            let message = parse(text.as_bytes()).err().unwrap();
            // All errnos take half of that.
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
