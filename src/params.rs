// SPDX-License-Identifier: GPL-2.0-only

//! Mounting and remounting: options collected, checked against each other, put in force.

use crate::{
    branch::{
        Branch,
        Branches,
        MAX_DEPTH, //
    },
    inode,
    namei::number,
    options::{
        BranchSpec,
        SpecError, //
    },
    policy::{
        LivePolicy,
        Policy, //
    },
    route::{
        self,
        mem,
        BranchId,
        CompileError,
        Fold,
        ParseError,
        Rule, //
    },
    sb::{
        CredsMode,
        Info, //
    },
    stats::Stats,
    vfs::{
        Access,
        Context,
        ContextOps,
        Creds,
        Identity,
        Mount,
        NewSuper,
        Parameter,
        PathFile,
        StatFs,
        SuperBlock,
        Value, //
    },
};
use kernel::{
    prelude::*,
    str::{
        BStr,
        CString, //
    },
    sync::Arc, //
};

/// What the options ask for; nothing of it is in force yet.
pub(crate) struct Wanted {
    /// The branches, in their order.
    branches: KVec<BranchSpec>,
    /// `default=`.
    default: Option<CString>,
    /// `creds=`.
    creds: Option<CredsMode>,
    /// The texts of the rules since the last `norules`.
    rules: KVec<CString>,
    /// Whether the rules in force are to be replaced.
    replace_rules: bool,
}

impl Wanted {
    /// Leaves a message about a branch's text and returns the error.
    fn refuse_spec(context: &Context<'_>, option: &str, text: &[u8], e: SpecError) -> Error {
        match e {
            SpecError::NoMem => ENOMEM,
            SpecError::Bad(reason) => context.refuse(
                EINVAL,
                fmt!("{}: `{}`: {}", option, BStr::from_bytes(text), reason),
            ),
        }
    }

    /// Takes `branches=` or `branch=`.
    fn add_branches(&mut self, context: &Context<'_>, option: &str, value: &CStr) -> Result {
        let value = value.to_bytes();
        if option == "branch" {
            let spec =
                BranchSpec::one(value).map_err(|e| Self::refuse_spec(context, option, value, e))?;
            self.branches.push(spec, GFP_KERNEL)?;
        } else {
            let specs = BranchSpec::list(value)
                .map_err(|(text, e)| Self::refuse_spec(context, option, &text, e))?;
            for spec in specs {
                self.branches.push(spec, GFP_KERNEL)?;
            }
        }
        self.check_count(context)
    }

    /// Takes `branch=` with an open directory.
    fn add_descriptor(&mut self, context: &Context<'_>, file: &PathFile<'_>) -> Result {
        let refuse = |e| context.refuse(e, fmt!("branch: the descriptor: {} ({:?})", reason(e), e));
        let spec = BranchSpec {
            name: None,
            path: file.name().map_err(refuse)?,
            mount: Some(file.mount().map_err(refuse)?),
        };
        self.branches.push(spec, GFP_KERNEL)?;
        self.check_count(context)
    }

    /// Refuses more branches than a mount can have.
    fn check_count(&self, context: &Context<'_>) -> Result {
        if self.branches.len() > BranchId::MAX {
            return Err(context.refuse(
                EINVAL,
                fmt!("branches: more than {} are given", BranchId::MAX),
            ));
        }
        Ok(())
    }
}

/// A string value, or a message that there is none.
fn string<'a>(context: &Context<'_>, option: &Parameter<'a>) -> Result<&'a CStr> {
    match option.value {
        Value::String(value) if !value.is_empty() => Ok(value),
        _ => Err(context.refuse(EINVAL, fmt!("{}: a value is missing", option.key))),
    }
}

/// The name that the branch at `place` is called by.
fn name_of(spec: &BranchSpec, place: usize) -> Result<CString> {
    match &spec.name {
        Some(name) => Ok(CString::try_from(&**name)?),
        None => CString::try_from_fmt(fmt!("{}", place)),
    }
}

/// Refuses two branches of one name.
fn check_names(context: &Context<'_>, branches: &[Branch]) -> Result {
    for (place, branch) in branches.iter().enumerate() {
        let twin = branches
            .iter()
            .take(place)
            .any(|b| b.name.to_bytes() == branch.name.to_bytes());
        if twin {
            return Err(context.refuse(
                EINVAL,
                fmt!("branches: the name `{}` is given twice", &*branch.name),
            ));
        }
    }
    Ok(())
}

/// Refuses branches of which one is inside another.
fn check_overlap(context: &Context<'_>, branches: &[Branch]) -> Result {
    for (place, a) in branches.iter().enumerate() {
        for b in branches.iter().take(place) {
            if !a.root().same_sb(b.root()) {
                continue;
            }
            let (inner, outer) = if a.root().is_within(b.root()) {
                (a, b)
            } else if b.root().is_within(a.root()) {
                (b, a)
            } else {
                continue;
            };
            return Err(context.refuse(
                EINVAL,
                fmt!(
                    "branches: `{}` at {} is inside `{}` at {}",
                    &*inner.name,
                    &*inner.path,
                    &*outer.name,
                    &*outer.path
                ),
            ));
        }
    }
    Ok(())
}

/// The reason in words why a branch cannot be used.
fn reason(e: Error) -> &'static str {
    if e == ENOENT {
        "no such directory"
    } else if e == ENOTDIR {
        "not a directory"
    } else if e == EACCES || e == EPERM {
        "permission denied"
    } else if e == EINVAL {
        "not in this mount namespace, or with locked mounts below it"
    } else if e == crate::error::eloop() {
        "too many symbolic links"
    } else {
        "the branch cannot be used"
    }
}

/// Opens the branch that `spec` names.
fn open_branch(context: &Context<'_>, spec: &mut BranchSpec, place: usize) -> Result<Branch> {
    let name = name_of(spec, place)?;
    let path = CString::try_from(&*spec.path)?;
    let mount = spec.mount.take();
    match mount.map_or_else(|| Mount::open(&path), Ok) {
        Ok(mount) => Branch::new(name, path, mount),
        Err(e) => Err(context.refuse(
            e,
            fmt!(
                "branches: `{}` at {}: {} ({:?})",
                &*name,
                &*path,
                reason(e),
                e
            ),
        )),
    }
}

/// How deep filesystems are stacked below the root of `branch`.
///
/// A FUSE server says in its first reply how deep it is: a request has to be answered before the
/// depth is read, and it is only sent when the mounter may use the branch.
fn depth_below(context: &Context<'_>, branch: &Branch, mounter: &Creds) -> Result<u32> {
    let root = branch.at(branch.root());
    let asked = root.permission(Some(mounter), Access::EXEC).and_then(|()| {
        let _creds = mounter.assume();
        root.statfs(&mut StatFs::new())
    });
    asked.map_err(|e| {
        context.refuse(
            e,
            fmt!(
                "branches: `{}` at {}: it does not answer the mounter ({:?})",
                &*branch.name,
                &*branch.path,
                e
            ),
        )
    })?;
    Ok(root.inode()?.stack_depth())
}

/// The depth to publish: the deepest branch that can serve anything, and this filesystem.
fn depth(context: &Context<'_>, branches: &[Branch], mounter: &Creds) -> Result<u8> {
    let mut deepest = None;
    for branch in branches {
        let depth = depth_below(context, branch, mounter)?.saturating_add(1);
        if depth <= MAX_DEPTH {
            deepest = deepest.max(Some(depth));
        }
    }
    deepest
        .and_then(|depth| u8::try_from(depth).ok())
        .ok_or_else(|| {
            context.refuse(
                crate::error::eloop(),
                fmt!(
                    "branches: none can serve anything, all are stacked {} deep already",
                    MAX_DEPTH
                ),
            )
        })
}

/// Compiles the rules `texts` for `branches`.
fn compile(
    context: &Context<'_>,
    branches: &Branches,
    texts: &[CString],
    default: BranchId,
) -> Result<Arc<Policy>> {
    let mut rules = mem::Vec::new();
    for text in texts {
        let rule =
            Rule::parse(text.to_bytes(), &|name| branches.find(name)).map_err(|e| match e {
                ParseError::NoMem => ENOMEM,
                ParseError::Syntax(e) => context.refuse(EINVAL, fmt!("{}", e)),
            })?;
        rules.push(rule)?;
    }
    let encoding = branches.iter().find_map(|branch| branch.mount.encoding());
    let fold = |name: &[u8], to: &mut mem::Vec<u8>| match encoding.map(|e| e.fold(name)) {
        Some(Ok(Some(folded))) => to.extend_from_slice(&folded).map(|()| true),
        Some(Err(_)) => Err(mem::NoMem),
        Some(Ok(None)) | None => Ok(false),
    };
    let fold: Option<Fold<'_>> = if encoding.is_some() {
        Some(&fold)
    } else {
        None
    };
    let rules = route::Policy::compile(rules, default, fold).map_err(|e| match e {
        CompileError::NoMem => ENOMEM,
        CompileError::TooMany => {
            context.refuse(EINVAL, fmt!("rule: more than {} rules", route::MAX_RULES))
        }
        CompileError::Twice(e) => context.refuse(EINVAL, fmt!("{}", e)),
    })?;
    Policy::new(rules, encoding.is_some())
}

/// The branch that `default=` names, or the first one.
fn default_branch(
    context: &Context<'_>,
    branches: &Branches,
    wanted: Option<&CString>,
) -> Result<BranchId> {
    let Some(name) = wanted else {
        return BranchId::new(0).ok_or(EINVAL);
    };
    branches
        .find(name.to_bytes())
        .ok_or_else(|| context.refuse(EINVAL, fmt!("default: unknown branch `{}`", &**name)))
}

/// Refuses a remount that wants other branches than the mount has.
fn check_same_branches(context: &Context<'_>, info: &Info, wanted: &[BranchSpec]) -> Result {
    for (place, spec) in wanted.iter().enumerate() {
        let name = name_of(spec, place)?;
        let known = info
            .branches
            .iter()
            .find(|b| b.name.to_bytes() == name.to_bytes());
        match known {
            Some(branch) if branch.path.to_bytes() == spec.path.to_bytes() => {}
            Some(_) => {
                return Err(context.refuse(
                    EINVAL,
                    fmt!("branches: `{}` cannot be moved by a remount", &*name),
                ));
            }
            None => {
                return Err(context.refuse(
                    EINVAL,
                    fmt!("branches: `{}` cannot be added by a remount", &*name),
                ));
            }
        }
    }
    Ok(())
}

/// The operations of a mount being made or changed.
pub(crate) struct MountContext;

#[vtable]
impl ContextOps for MountContext {
    type Data = Wanted;

    fn new() -> Result<KBox<Wanted>> {
        Ok(KBox::new(
            Wanted {
                branches: KVec::new(),
                default: None,
                creds: None,
                rules: KVec::new(),
                replace_rules: false,
            },
            GFP_KERNEL,
        )?)
    }

    fn parse(wanted: &mut Wanted, context: &Context<'_>, option: &Parameter<'_>) -> Result {
        match option.key.to_bytes() {
            b"branches" => {
                wanted.add_branches(context, "branches", string(context, option)?)?;
            }
            b"branch" => match &option.value {
                Value::File(file) => wanted.add_descriptor(context, file)?,
                _ => wanted.add_branches(context, "branch", string(context, option)?)?,
            },
            b"default" => {
                wanted.default = Some(CString::try_from(string(context, option)?)?);
            }
            b"creds" => {
                let value = string(context, option)?;
                wanted.creds = Some(match value.to_bytes() {
                    b"mounter" => CredsMode::Mounter,
                    b"caller" => CredsMode::Caller,
                    _ => {
                        return Err(context.refuse(
                            EINVAL,
                            fmt!("creds: `{}`: expected mounter or caller", value),
                        ));
                    }
                });
            }
            b"rule" => {
                let text = CString::try_from(string(context, option)?)?;
                wanted.rules.push(text, GFP_KERNEL)?;
                wanted.replace_rules = true;
            }
            b"norules" => {
                if !matches!(option.value, Value::Flag) {
                    return Err(context.refuse(EINVAL, fmt!("norules: takes no value")));
                }
                wanted.rules.clear();
                wanted.replace_rules = true;
            }
            _ => return Err(ENOPARAM),
        }
        Ok(())
    }

    fn open(wanted: &mut Wanted, context: &Context<'_>) -> Result<NewSuper> {
        if wanted.branches.is_empty() {
            return Err(context.refuse(
                EINVAL,
                fmt!("branches: none given, expected branches=[NAME=]PATH[:[NAME=]PATH...]"),
            ));
        }
        let mounter = Creds::of_mounter()?;
        let mut branches = KVec::new();
        for (place, spec) in wanted.branches.iter_mut().enumerate() {
            branches.push(open_branch(context, spec, place)?, GFP_KERNEL)?;
        }
        check_names(context, &branches)?;
        check_overlap(context, &branches)?;
        let depth = depth(context, &branches, &mounter)?;

        let branches = Branches::new(branches, depth);
        let default = default_branch(context, &branches, wanted.default.as_ref())?;
        let policy = compile(context, &branches, &wanted.rules, default)?;
        let stats = Stats::new(branches.iter().count())?;
        let info = Info {
            branches,
            mounter,
            creds: wanted.creds.unwrap_or(CredsMode::Mounter),
            policy: LivePolicy::new(policy),
            stats,
        };
        Ok(NewSuper {
            // Under the caller's own credentials the branch would see ids that this mount's mapping gives it.
            idmappable: info.creds == CredsMode::Mounter,
            info: KBox::new(info, GFP_KERNEL)?,
            depth,
        })
    }

    fn root(info: &Info) -> Result<Identity<'_>> {
        let default = info.policy.get().default();
        let branch = info.branches.get(default)?;
        let root = branch.root();
        inode::identity(branch, number(default), root, root.inode().ok_or(ENOENT)?)
    }

    fn reconfigure(wanted: &mut Wanted, context: &Context<'_>, sb: &SuperBlock) -> Result {
        let info = sb.info();
        check_same_branches(context, info, &wanted.branches)?;
        let default = info.policy.get().default();
        if wanted.default.is_some()
            && default_branch(context, &info.branches, wanted.default.as_ref())? != default
        {
            return Err(context.refuse(EINVAL, fmt!("default: cannot be changed by a remount")));
        }
        if wanted.creds.is_some_and(|creds| creds != info.creds) {
            return Err(context.refuse(EINVAL, fmt!("creds: cannot be changed by a remount")));
        }
        if wanted.replace_rules {
            let policy = compile(context, &info.branches, &wanted.rules, default)?;
            info.policy.replace(policy);
        }
        Ok(())
    }
}
