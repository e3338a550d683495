// SPDX-License-Identifier: GPL-2.0-only

//! The hooks of counters and tracepoints: a nop each as long as nobody watches.
//!
//! What is told of a call is decided once more for it, so that nothing has to be carried along on the
//! way for those who watch.

use crate::{
    call::{
        access_of,
        At,
        Call,
        Decision, //
    },
    file::ways,
    namei::id,
    route::{
        self,
        BranchId,
        Kind,
        Op,
        State,
        Verdict, //
    },
    sb::Info,
    stats::{
        Counts,
        Reason, //
    },
    vfs::{
        self,
        watched,
        BackingFile,
        Caller,
        Entry,
        Name,
        RegularFile,
        Revalidate,
        SwitchDentry,
        SwitchInode,
        Use, //
    },
};
use kernel::prelude::*;

/// How often each rule decided: that of no rule first, then by number.
pub(crate) struct Hits(Counts);

impl Hits {
    /// For `rules` rules. ENOMEM.
    pub(crate) fn new(rules: usize) -> Result<Self> {
        Counts::new(rules.saturating_add(1)).map(Self)
    }

    /// The rule with the number `rule`, or none, decided. Any context.
    fn add(&self, rule: Option<u16>) {
        self.0.add(rule.unwrap_or(0).into());
    }

    /// How often the rule with the number `rule`, or none, decided.
    pub(crate) fn get(&self, rule: Option<u16>) -> u64 {
        self.0.get(rule.unwrap_or(0).into())
    }
}

/// What a call is upon.
#[derive(Clone, Copy)]
struct Seen<'a> {
    /// The mount's device.
    dev: u32,
    /// The name.
    name: Name<'a>,
    /// The object, if there is one.
    inode: Option<&'a SwitchInode>,
}

impl<'a> Seen<'a> {
    /// The name `name`, which `dentry` has.
    fn of(dentry: &'a SwitchDentry, name: Name<'a>) -> Self {
        Self {
            dev: dentry.sb().dev(),
            name,
            inode: dentry.inode(),
        }
    }
}

/// The operation that a use of an open file is.
fn op_of(which: Use) -> Op {
    match which {
        Use::Open => Op::Open,
        Use::Read => Op::Read,
        Use::Write => Op::Write,
        Use::Mmap => Op::Mmap,
        Use::SpliceRead | Use::SpliceWrite => Op::Splice,
        Use::Lseek => Op::Lseek,
        Use::CopyFrom | Use::CopyTo => Op::Copy,
        Use::RemapFrom | Use::RemapTo => Op::Remap,
    }
}

impl Info {
    /// A call for `op` on a name of the mount. May sleep.
    #[inline(always)]
    pub(crate) fn watch(&self, dentry: &SwitchDentry, op: Op) {
        if watched() {
            self.see(dentry, op);
        }
    }

    /// The same, with somebody watching.
    #[cold]
    fn see(&self, dentry: &SwitchDentry, op: Op) {
        self.see_with(dentry, op, access_of(op));
    }

    /// The same for a file that is opened in the way `access`.
    fn see_with(&self, dentry: &SwitchDentry, op: Op, access: route::Access) {
        let policy = self.policy.get();
        let Ok(state) = policy.state(dentry) else {
            return;
        };
        dentry.with_name(|name| {
            let seen = Seen::of(dentry, name);
            Caller::with_current(|caller| {
                let mut call = Call::new(self, &policy, caller, At::Dentry(dentry));
                call.access = access;
                // No rule moves or denies the root.
                self.note(seen, op, &call, (!dentry.is_root()).then_some(state));
            });
        });
    }

    /// A call for `op` on a name whose directory is locked, for an object of the type that `kind` finds
    /// out. May sleep.
    #[inline(always)]
    pub(crate) fn watch_entry(
        &self,
        entry: Entry<'_>,
        op: Op,
        kind: impl FnOnce() -> Option<Kind>,
    ) {
        if watched() {
            self.see_entry(entry, op, kind());
        }
    }

    /// The same, with somebody watching.
    #[cold]
    fn see_entry(&self, entry: Entry<'_>, op: Op, kind: Option<Kind>) {
        let policy = self.policy.get();
        if let Ok((_, state)) = policy.entry(entry, kind) {
            Caller::with_current(|caller| {
                let call = Call::new(self, &policy, caller, At::Entry(entry));
                self.note(seen(entry), op, &call, Some(state));
            });
        }
    }

    /// Counts and tells what is decided for `op`, in `state` unless it is the root. The context is that
    /// of `call`. What cannot be decided is not told of.
    fn note(&self, seen: Seen<'_>, op: Op, call: &Call<'_>, state: Option<&State>) {
        let said = match state {
            Some(state) => call.policy.compiled().decide(state, op, call),
            None => Ok(route::Decision::UNSPOKEN),
        };
        // An object keeps its home, also one that has no name any more.
        let home = match (seen.inode, state) {
            (Some(inode), _) => Ok(id(inode.branch())),
            (None, Some(state)) => call.home(state),
            (None, None) => Ok(call.policy.default()),
        };
        let (Ok(said), Ok(home)) = (said, home) else {
            return;
        };
        if self.stats.is_enabled() {
            call.policy.hits().add(said.rule);
            self.stats.decided(said.verdict);
        }
        match call.resolve(said, home) {
            Ok(decision) => {
                let served = match decision {
                    Decision::Home => home,
                    Decision::Elsewhere(branch) | Decision::Gated { branch, .. } => branch,
                };
                self.serves(seen, op, served, said.rule.map_or(0, i32::from));
            }
            Err(e) => {
                let reason = match said.verdict {
                    Verdict::Hide => Reason::Hide,
                    Verdict::Deny(_) => Reason::Deny,
                    // A branch did not answer.
                    _ => return,
                };
                self.refuse(seen, op, reason, e, said.rule);
            }
        }
    }

    /// Counts and tells that the branch `id` serves `op`.
    fn serves(&self, seen: Seen<'_>, op: Op, id: BranchId, rule: i32) {
        if self.stats.is_enabled() {
            self.stats.served(id, op);
        }
        let ino = seen.inode.map_or(0, SwitchInode::ino);
        if let Ok(branch) = self.branches.get(id) {
            vfs::trace_route(seen.dev, op.name(), seen.name, ino, &branch.name, rule);
        }
    }

    /// Counts and tells a refusal.
    fn refuse(&self, seen: Seen<'_>, op: Op, reason: Reason, error: Error, rule: Option<u16>) {
        if self.stats.is_enabled() {
            self.stats.refused(reason);
        }
        let rule = rule.map_or(0, i32::from);
        vfs::trace_refuse(seen.dev, op.name(), seen.name, reason.name(), error, rule);
    }

    /// Returns `error`, with which `op` on `entry` is refused for `reason`. Not for warm paths.
    #[cold]
    pub(crate) fn refusal(&self, entry: Entry<'_>, op: Op, reason: Reason, error: Error) -> Error {
        if watched() {
            self.refuse(seen(entry), op, reason, error, None);
        }
        error
    }

    /// EINVAL, with which `op` on the name of `dentry` is refused, since what it makes would be lost.
    #[cold]
    pub(crate) fn lost(&self, dentry: &SwitchDentry, op: Op) -> Error {
        if watched() {
            dentry.with_name(|name| {
                let seen = Seen::of(dentry, name);
                self.refuse(seen, op, Reason::Lost, EINVAL, None);
            });
        }
        EINVAL
    }

    /// ENOENT for an object of `dentry` that another branch should have.
    #[cold]
    pub(crate) fn missing(&self, dentry: &SwitchDentry) -> Error {
        if watched() {
            dentry.with_name(|name| {
                let seen = Seen::of(dentry, name);
                self.refuse(seen, Op::Lookup, Reason::Missing, ENOENT, None);
            });
        }
        ENOENT
    }

    /// An open file is used as `which` says.
    fn see_use(&self, file: &RegularFile, which: Use) {
        let dentry = file.dentry();
        dentry.with_name(|name| {
            let seen = Seen {
                dev: dentry.sb().dev(),
                name,
                inode: Some(file.inode()),
            };
            match file.backing(which) {
                Ok(backing) => {
                    if let Some(id) = self.branches.of_file(backing) {
                        self.serves(seen, op_of(which), id, -1);
                    }
                }
                Err(e) => self.refuse(seen, op_of(which), Reason::Deny, e, None),
            }
        });
    }

    /// A backing file was opened, and stays open.
    #[inline(always)]
    pub(crate) fn watch_opened(&self, dev: u32, file: &BackingFile) {
        if watched() {
            self.see_opened(dev, file);
        }
    }

    /// The same, with somebody watching.
    #[cold]
    fn see_opened(&self, dev: u32, file: &BackingFile) {
        let id = self.branches.of_file(file);
        if self.stats.is_enabled() {
            self.stats.opened(file, id);
        }
        if let Some(branch) = id.and_then(|id| self.branches.get(id).ok()) {
            vfs::trace_open(dev, &branch.name, file.inode().ino(), file.flags());
        }
    }
}

/// An open file is about to be used as `which` says. May sleep.
#[inline(always)]
pub(crate) fn used(file: &RegularFile, which: Use) {
    if watched() {
        see_used(file, which);
    }
}

/// The same, with somebody watching.
#[cold]
fn see_used(file: &RegularFile, which: Use) {
    file.dentry().sb().info().see_use(file, which);
}

/// A file was opened, and stays so until it is released, or could not be. May sleep.
#[cold]
pub(crate) fn opened(file: &RegularFile, result: Result) {
    let dentry = file.dentry();
    let info = dentry.sb().info();
    info.see_with(dentry, Op::Open, ways(file));
    if result.is_err() {
        return;
    }
    // Those of gates, too.
    let _ = file.each_backing(|backing| {
        info.watch_opened(dentry.sb().dev(), backing);
        Ok(())
    });
}

/// What a call on `entry` is upon.
fn seen(entry: Entry<'_>) -> Seen<'_> {
    Seen::of(entry.dentry(), entry.name())
}

/// A cached name was found to hold or not; returns `result`. May be called in RCU walk.
pub(crate) fn revalidated(name: Revalidate<'_>, result: Result<bool>) -> Result<bool> {
    let sb = name.dentry.sb();
    vfs::trace_revalidate(sb.dev(), name.name, result);
    // What has to be asked again, outside of RCU walk or by a lookup, is counted then.
    if result == Err(ECHILD) || result == Ok(false) {
        return result;
    }
    let info = sb.info();
    info.policy.with(|policy| {
        if let Some(state) = policy.state_of_tag(name.dentry.tag()) {
            let seen = Seen::of(name.dentry, name.name);
            Caller::with_current(|caller| {
                // In place: where branches have to be asked, the lookup is not counted.
                let call = Call::new(info, policy, caller, At::InPlace(name.dentry));
                info.note(seen, Op::Lookup, &call, Some(state));
            });
        }
    });
    result
}

/// An object of the branch `name` at `path` is stacked too deep.
#[cold]
pub(crate) fn too_deep(dev: u32, path: &[u8], error: Error) {
    if watched() {
        vfs::trace_refuse(dev, "-", Name::new(path), Reason::Deep.name(), error, 0);
    }
}
