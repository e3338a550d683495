// SPDX-License-Identifier: GPL-2.0-only

//! What would happen to each operation on a name, in words: `trusted.switchfs.route`, and the same
//! for names that do not exist.
//!
//! A line an operation, of five columns: operation, verdict, path within the branch, the rule's number
//! or `default`, the depth of the object that serves. `-` stands for what there is not.

use crate::{
    call::{
        At,
        Call,
        Decision, //
    },
    error,
    fdinfo::Errno,
    mirror,
    namei::id,
    policy::{
        kind_of,
        Policy, //
    },
    route::{
        self,
        BranchId,
        Kind,
        Op,
        State,
        Verdict, //
    },
    sb::Info,
    text::Text,
    vfs::{
        Caller,
        Dentry,
        DirFile,
        Name,
        SwitchDentry,
        SwitchInode, //
    },
};
use kernel::{
    prelude::*,
    str::BStr, //
};

/// The attribute.
pub(crate) const ROUTE: &[u8] = b"trusted.switchfs.route";

/// What makes an object or a name, so that a verdict other than the home loses it.
const MAKING: [Op; 5] = [Op::Create, Op::Mkdir, Op::Mknod, Op::Symlink, Op::Link];

/// The name of a file without a name, by which the rules decide: that of its dentry while it is made.
const NAMELESS: &[u8] = b"/";

/// The ends of operations that move data into a file, under names of their own.
const INTO: [(Op, &str); 3] = [
    (Op::Splice, "splice-to"),
    (Op::Copy, "copy-to"),
    (Op::Remap, "remap-to"),
];

/// A name and what the rules say of it.
struct Subject<'a> {
    /// The call: who asks, of what, as if a file were opened for reading.
    reads: Call<'a>,
    /// The same as if it were opened for writing.
    writes: Call<'a>,
    /// The path, as a column.
    path: Text,
    /// The branch that the name belongs to.
    home: BranchId,
    /// The type of the object, as far as it is known.
    kind: Option<Kind>,
    /// Whether it is the mount's root, of which rules do not speak.
    is_root: bool,
    /// The object, if there is one.
    inode: Option<&'a SwitchInode>,
}

/// The depth of the object of a name in a branch, if it is there.
type Found = Result<Option<u32>>;

impl Subject<'_> {
    /// Whether `op` is one that objects of the type have.
    fn has(&self, op: Op) -> bool {
        match (op, self.kind) {
            (_, None) => true,
            (Op::Readdir | Op::Tmpfile, Some(kind)) => kind == Kind::Dir,
            (Op::Readlink, Some(kind)) => kind == Kind::Symlink,
            (Op::Open, Some(kind)) => matches!(kind, Kind::File | Kind::Dir),
            (
                Op::Read | Op::Write | Op::Mmap | Op::Splice | Op::Lseek | Op::Copy | Op::Remap,
                Some(kind),
            ) => kind == Kind::File,
            _ => true,
        }
    }

    /// The name of a branch.
    fn name(&self, id: BranchId) -> Result<&BStr> {
        let branch = self.reads.info.branches.get(id)?;
        Ok(BStr::from_bytes(branch.name.to_bytes()))
    }

    /// Appends the line of `op`, called `label`, which is decided in `state` by the data operation
    /// `leader` if there is one; `found` gives the depth of the object in a branch.
    fn line(
        &self,
        out: &mut Text,
        (op, label, leader): (Op, &str, Option<Op>),
        state: &State,
        found: &dyn Fn(BranchId) -> Found,
    ) -> Result {
        out.put(fmt!("{label} "))?;
        if !self.has(op) {
            return out.bytes(b"- - - -\n");
        }
        let writes = op == Op::Write || leader == Some(Op::Write);
        let call = if writes { &self.writes } else { &self.reads };
        // Of the root rules do speak where it is the directory of what is made.
        let said = if self.is_root && op != Op::Tmpfile {
            Ok(route::Decision::UNSPOKEN)
        } else {
            match leader {
                Some(leader) => call.policy.compiled().decide_data(state, op, leader, call),
                None => call.policy.compiled().decide(state, op, call),
            }
        };
        let said = match said {
            Ok(said) => said,
            // A branch that had to be asked does not answer.
            Err(e) => return out.put(fmt!("error:{} - - -\n", Errno(e))),
        };
        let served = self.verdict(out, op, state, call, said)?;
        match served {
            Some(_) => {
                out.bytes(b" ")?;
                out.bytes(self.path.as_bytes())?;
            }
            None => out.bytes(b" -")?,
        }
        match said.rule {
            Some(route::BY_PROGRAM) => out.bytes(b" bpf ")?,
            Some(rule) => out.put(fmt!(" {rule} "))?,
            None => out.bytes(b" default ")?,
        }
        // What a branch cannot tell is not there for the one who asks.
        match served.and_then(|id| found(id).ok().flatten()) {
            Some(depth) => out.put(fmt!("{depth}\n")),
            None => out.bytes(b"-\n"),
        }
    }

    /// Appends the column of the verdict; the branch that serves, if one does.
    fn verdict(
        &self,
        out: &mut Text,
        op: Op,
        state: &State,
        call: &Call<'_>,
        said: route::Decision,
    ) -> Result<Option<BranchId>> {
        if said.verdict == Verdict::Hide {
            out.bytes(b"hide")?;
            return Ok(None);
        }
        let decision = match call.resolve(said, self.home) {
            Ok(decision) => decision,
            Err(e) => {
                let denied = matches!(said.verdict, Verdict::Deny(_));
                let word = if denied { "deny" } else { "error" };
                out.put(fmt!("{word}:{}", Errno(e)))?;
                return Ok(None);
            }
        };
        if MAKING.contains(&op) {
            return self.making(out, state, call, said);
        }
        let is_dir = self.kind == Some(Kind::Dir);
        let id = match decision {
            Decision::Home => self.home,
            Decision::Gated { gate, branch } => {
                out.put(fmt!("gate:{}:", self.name(gate)?))?;
                branch
            }
            // No rule sends elsewhere what has no name, or is listed from its names' homes.
            Decision::Elsewhere(_) if matches!(op, Op::Tmpfile | Op::Readdir) => self.home,
            Decision::Elsewhere(_) if op == Op::Open && is_dir => self.home,
            Decision::Elsewhere(id) if op == Op::Rename => {
                out.put(fmt!("cross:{}", self.name(id)?))?;
                return Ok(None);
            }
            Decision::Elsewhere(id) => id,
        };
        if op == Op::Readdir {
            let mut separator = "";
            for id in call.policy.names_homes(state, self.inode).iter() {
                out.put(fmt!("{separator}{}", self.name(id)?))?;
                separator = "|";
            }
            return Ok(Some(self.home));
        }
        out.put(fmt!("{}", self.name(id)?))?;
        Ok(Some(id))
    }

    /// The same of an operation that makes an object or a name.
    fn making(
        &self,
        out: &mut Text,
        state: &State,
        call: &Call<'_>,
        said: route::Decision,
    ) -> Result<Option<BranchId>> {
        let rules = call.policy.compiled();
        let id = rules.makes_in(said.verdict).unwrap_or(self.home);
        match rules.home_after(state, call, id) {
            Ok(home) if home.branch == id => {}
            Ok(_) => {
                out.put(fmt!("lost:{}", self.name(id)?))?;
                return Ok(None);
            }
            Err(e) => {
                out.put(fmt!("error:{}", Errno(e)))?;
                return Ok(None);
            }
        }
        if let Verdict::Gate { gate, .. } = said.verdict {
            out.put(fmt!("gate:{}:", self.name(gate)?))?;
        }
        out.put(fmt!("{}", self.name(id)?))?;
        Ok(Some(id))
    }

    /// Appends all lines; `of` gives the state by which an operation is decided, if that is not
    /// `otherwise`.
    fn lines(
        &self,
        out: &mut Text,
        of: &dyn Fn(Op) -> Result<Option<State>>,
        otherwise: &State,
        found: &dyn Fn(BranchId) -> Found,
    ) -> Result {
        for op in Op::ALL {
            let own = of(op)?;
            let state = own.as_ref().unwrap_or(otherwise);
            self.line(out, (op, op.name(), None), state, found)?;
        }
        for (op, label) in INTO {
            self.line(out, (op, label, Some(Op::Write)), otherwise, found)?;
        }
        Ok(())
    }
}

/// The depth that `dentry`, an object of a branch, has on this mount; none if there is no object.
fn depth(dentry: &Dentry) -> Option<u32> {
    dentry
        .inode()
        .map(|inode| inode.stack_depth().saturating_add(1))
}

/// The type that the mode `mode` has; EINVAL for one that has none, or more than one. None for 0.
fn kind_of_mode(mode: u32) -> Result<Option<Kind>> {
    if mode == 0 {
        return Ok(None);
    }
    let mode = u16::try_from(mode).map_err(|_| EINVAL)?;
    if mode & 0o7777 != 0 {
        return Err(EINVAL);
    }
    Kind::of_mode(mode).map(Some).ok_or(EINVAL)
}

/// The calls by which `caller` would read and write `at`.
fn calls<'a>(
    info: &'a Info,
    policy: &'a Policy,
    caller: Caller<'a>,
    at: impl Fn() -> At<'a>,
) -> (Call<'a>, Call<'a>) {
    let mut reads = Call::new(info, policy, caller, at());
    reads.access = route::Access::READ;
    let mut writes = Call::new(info, policy, caller, at());
    writes.access = route::Access::WRITE;
    (reads, writes)
}

/// The value of the attribute of `dentry`: what the caller would get. May sleep.
pub(crate) fn existing(dentry: &SwitchDentry) -> Result<KVVec<u8>> {
    let info = dentry.sb().info();
    let inode = dentry.inode().ok_or(ENOENT)?;
    let policy = info.policy.get();
    let state = policy.state(dentry)?;
    let home = id(inode.branch());
    let kind = kind_of(dentry);

    let mut path = Text::new();
    if dentry.is_root() || dentry.is_hashed() {
        dentry.with_path(|bytes| path.column(bytes))??;
    } else {
        // It has no name in the mount any more.
        let real = inode.real().ok_or_else(error::estale)?;
        inode
            .home()
            .at(real)
            .with_text(|bytes| path.column(bytes))??;
    }
    let of = |op: Op| match op {
        Op::Tmpfile if kind == Some(Kind::Dir) => {
            policy.child(dentry, Name::new(NAMELESS), None).map(Some)
        }
        _ => Ok(None),
    };
    let found = |id: BranchId| {
        if id == home {
            return Ok(Some(u32::from(inode.depth())));
        }
        // As `served` has it: what has no name has no other objects.
        if !dentry.is_hashed() {
            return Ok(None);
        }
        Ok(mirror::find(info, dentry, id)?.and_then(|found| depth(&found)))
    };
    let mut out = Text::new();
    Caller::with_current(|caller| {
        let (reads, writes) = calls(info, &policy, caller, || At::Dentry(dentry));
        let subject = Subject {
            reads,
            writes,
            path,
            home,
            kind,
            is_root: dentry.is_root(),
            inode: Some(inode),
        };
        subject.lines(&mut out, &of, state, &found)
    })?;
    Ok(out.into_bytes())
}

/// The same for `name` in the directory `file`, which need not exist; for an object of the type of
/// `mode`, if that is not 0. May sleep.
pub(crate) fn absent(file: &DirFile, name: Name<'_>, mode: u32) -> Result<KVVec<u8>> {
    let dir = file.dentry();
    let info = dir.sb().info();
    let kind = kind_of_mode(mode)?;
    let policy = info.policy.get();
    let state = policy.child(dir, name, kind)?;

    let mut path = Text::new();
    dir.with_path(|bytes| path.column(bytes))??;
    if !dir.is_root() {
        path.bytes(b"/")?;
    }
    path.column(name.bytes())?;
    let of = |op: Op| {
        let made = match op {
            Op::Create => Kind::File,
            Op::Mkdir => Kind::Dir,
            Op::Symlink => Kind::Symlink,
            _ => return Ok(None),
        };
        policy.child(dir, name, Some(made)).map(Some)
    };
    let mut out = Text::new();
    Caller::with_current(|caller| {
        let (reads, writes) = calls(info, &policy, caller, || At::Listed(dir, name));
        let home = reads.home(&state)?;
        let found = |id: BranchId| {
            let at = Call::new(info, &policy, caller, At::Listed(dir, name));
            Ok(at.find(id)?.and_then(|found| depth(&found)))
        };
        let subject = Subject {
            reads,
            writes,
            path,
            home,
            kind,
            is_root: false,
            inode: None,
        };
        subject.lines(&mut out, &of, &state, &found)
    })?;
    Ok(out.into_bytes())
}
