// SPDX-License-Identifier: GPL-2.0-only

//! The files of a mount in debugfs: its branches, its rules with their hits, counters, open files, and
//! the switch that makes them count.

use crate::{
    route::{
        Op, //
    },
    sb::Info,
    stats::{
        Reason,
        VERDICTS, //
    },
    text::Text,
    vfs::MountFiles, //
};
use kernel::prelude::*;

/// The files.
pub(crate) struct Files;

impl MountFiles for Files {
    const FILES: [(&'static CStr, bool); 5] = [
        (c"branches", false),
        (c"rules", false),
        (c"counters", false),
        (c"files", false),
        (c"enable", true),
    ];

    fn text(info: &Info, file: usize) -> Result<KVVec<u8>> {
        let mut out = Text::new();
        match file {
            0 => branches(&mut out, info)?,
            1 => rules(&mut out, info)?,
            2 => counters(&mut out, info)?,
            3 => files(&mut out, info)?,
            _ => out.put(fmt!("{}\n", u8::from(info.stats.is_enabled())))?,
        }
        Ok(out.into_bytes())
    }

    fn switch(info: &Info, on: bool) -> Result {
        info.stats.enable(on);
        Ok(())
    }
}

/// A line a branch, also those that a remount moved away: number, name, state, depth of its root's inode, flags, objects refused for their
/// depth, path as it was given.
fn branches(out: &mut Text, info: &Info) -> Result {
    let policy = info.policy.get();
    let default = policy.default();
    for branch in info.branches.attached() {
        let id = branch.id;
        let state = match branch.is_usable() {
            _ if !policy.branches().contains(&id) => "moved",
            true => "usable",
            false => "deep",
        };
        let depth = branch.root().inode().map_or(0, |root| root.stack_depth());
        out.put(fmt!("{} {} ", id.index(), &*branch.name))?;
        out.put(fmt!("{state} {} ", depth.saturating_add(1)))?;
        let flags = [
            (id == default, "default"),
            (branch.mount.nosuid(), "nosuid"),
            (branch.mount.nodev(), "nodev"),
            (branch.mount.noexec(), "noexec"),
            (branch.mount.is_idmapped(), "idmapped"),
        ];
        let mut flags = flags.iter().filter(|flag| flag.0).map(|flag| flag.1);
        out.bytes(flags.next().unwrap_or("-").as_bytes())?;
        flags.try_for_each(|flag| out.put(fmt!(",{flag}")))?;
        out.put(fmt!(" {} ", branch.refused_deep()))?;
        out.column(branch.path.to_bytes())?;
        out.bytes(b"\n")?;
    }
    Ok(())
}

/// A line a rule: hits, number, text; and one for what no rule speaks of.
fn rules(out: &mut Text, info: &Info) -> Result {
    let policy = info.policy.get();
    for (number, rule) in (1..).zip(policy.rules()) {
        out.put(fmt!("{} {number} ", policy.hits().get(Some(number))))?;
        out.bytes(rule.text())?;
        out.bytes(b"\n")?;
    }
    let default = info.branches.get(policy.default())?;
    let hits = policy.hits().get(None);
    out.put(fmt!("{hits} default -> {}\n", &*default.name))
}

/// A line a counter: calls that a branch served, decisions by verdict, refusals by reason, what a
/// program said that it must not, and its own.
fn counters(out: &mut Text, info: &Info) -> Result {
    for branch in info.branches.attached() {
        for op in Op::ALL {
            let calls = info.stats.calls(branch.id, op);
            if calls != 0 {
                out.put(fmt!("call {} {} {calls}\n", &*branch.name, op.name()))?;
            }
        }
    }
    for (place, verdict) in VERDICTS.iter().enumerate() {
        let decisions = info.stats.decisions(place);
        out.put(fmt!("verdict {verdict} {decisions}\n"))?;
    }
    for reason in Reason::ALL {
        let refusals = match reason {
            Reason::Deep => info.branches.attached().map(|b| b.refused_deep()).sum(),
            _ => info.stats.refusals(reason),
        };
        out.bytes(b"refused ")?;
        out.bytes(reason.name().to_bytes())?;
        out.put(fmt!(" {refusals}\n"))?;
    }
    let policy = info.policy.get();
    let Some(program) = policy.program() else {
        return Ok(());
    };
    let attachment = program.attachment();
    out.put(fmt!("bpf invalid {}\n", attachment.complaints()))?;
    for (number, count) in attachment.counters().enumerate() {
        if count != 0 {
            out.put(fmt!("bpf {number} {count}\n"))?;
        }
    }
    Ok(())
}

/// A line an open backing file: branch, the opener's pid and name, path within the branch.
fn files(out: &mut Text, info: &Info) -> Result {
    info.stats.each_file(|opened| {
        let branch = opened.branch.and_then(|id| info.branches.get(id).ok());
        out.bytes(branch.map_or(b"(former)", |branch| branch.name.to_bytes()))?;
        out.put(fmt!(" {} ", opened.opener.pid))?;
        out.column(opened.opener.comm())?;
        out.bytes(b" ")?;
        match branch {
            Some(branch) => branch
                .at(&opened.object)
                .with_text(|path| out.column(path))??,
            None => out.bytes(b"-")?,
        }
        out.bytes(b"\n")
    })
}
