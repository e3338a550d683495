// SPDX-License-Identifier: GPL-2.0-only

//! Mounting and remounting: options collected, checked against each other, put in force.

use crate::{
    attach::{
        self,
        name_of, //
    },
    branch::{
        Branch,
        Branches, //
    },
    chooser, inode,
    namei::number,
    options::{
        BranchSpec,
        SpecError, //
    },
    policy::{
        LivePolicy,
        Policy, //
    },
    program::Program,
    remount,
    route::{
        self,
        mem,
        BranchId,
        CompileError,
        Fold, //
    },
    sb::{
        CredsMode,
        Info, //
    },
    sources::{
        RuleList,
        Sources, //
    },
    stamp::Stamp,
    stats::Stats,
    vfs::{
        can_keep_files,
        Context,
        ContextOps,
        Creators,
        Creds,
        Identity,
        NewSuper,
        OnDetach,
        Parameter,
        PathFile,
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
    pub(crate) branches: KVec<BranchSpec>,
    /// `default=`.
    pub(crate) default: Option<CString>,
    /// `creds=`.
    pub(crate) creds: Option<CredsMode>,
    /// `chooser=`: the name of a BPF chooser, or none.
    pub(crate) chooser: Option<Option<CString>>,
    /// `on_detach=`.
    pub(crate) on_detach: Option<OnDetach>,
    /// `max_depth=`: 0 for `auto`.
    pub(crate) max_depth: Option<u8>,
    /// The branches to be attached again.
    pub(crate) reattach: KVec<CString>,
    /// `rule=`, `rules=`, `norules` and `reload`.
    pub(crate) rules: Sources,
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
        let refuse = |e| {
            context.refuse(
                e,
                fmt!("branch: the descriptor: {} ({:?})", attach::reason(e), e),
            )
        };
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

/// Refuses a value where none belongs.
fn flag(context: &Context<'_>, option: &Parameter<'_>) -> Result {
    match option.value {
        Value::Flag => Ok(()),
        _ => Err(context.refuse(EINVAL, fmt!("{}: takes no value", option.key))),
    }
}

/// The branches that rules and `default=` can name.
pub(crate) struct Table<'a>(pub(crate) &'a [&'a Branch]);

impl Table<'_> {
    /// The number of the branch called `name`.
    pub(crate) fn find(&self, name: &[u8]) -> Option<BranchId> {
        let mut branches = self.0.iter();
        branches
            .find(|b| b.name.to_bytes() == name)
            .map(|branch| branch.id)
    }

    /// The branch that `default=` names, or `other`.
    pub(crate) fn default(
        &self,
        context: &Context<'_>,
        wanted: Option<&CString>,
        other: Option<BranchId>,
    ) -> Result<BranchId> {
        let Some(name) = wanted else {
            return other.ok_or(EINVAL);
        };
        self.find(name.to_bytes())
            .ok_or_else(|| context.refuse(EINVAL, fmt!("default: unknown branch `{}`", &**name)))
    }

    /// Refuses a default branch that cannot be the home of the root: ELOOP.
    pub(crate) fn check_root(&self, context: &Context<'_>, default: BranchId) -> Result {
        let usable = |b: &&Branch| b.id == default && b.is_usable();
        if self.0.iter().any(usable) {
            return Ok(());
        }
        Err(context.refuse(
            crate::error::eloop(),
            fmt!("default: that branch is stacked too deep to be the root's"),
        ))
    }
}

/// Compiles the rules `list` for `branches`.
pub(crate) fn compile(
    context: &Context<'_>,
    branches: &Table<'_>,
    mut list: RuleList,
    default: BranchId,
    stamp: Arc<Stamp>,
    program: Option<Program>,
) -> Result<Arc<Policy>> {
    let rules = list.take_rules();
    let encoding = branches.0.iter().find_map(|branch| branch.mount.encoding());
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
        CompileError::Twice(e) => list.refuse(context, e.place, fmt!("{}", e)),
    })?;
    let mut ids = KVec::with_capacity(branches.0.len(), GFP_KERNEL)?;
    for branch in branches.0 {
        ids.push(branch.id, GFP_KERNEL)?;
    }
    Policy::new(
        rules,
        list.into_files(),
        ids,
        encoding.is_some(),
        stamp,
        program,
    )
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
                chooser: None,
                on_detach: None,
                max_depth: None,
                reattach: KVec::new(),
                rules: Sources::new(),
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
            b"reattach" => {
                let name = CString::try_from(string(context, option)?)?;
                wanted.reattach.push(name, GFP_KERNEL)?;
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
            b"chooser" => {
                wanted.chooser = Some(chooser::parse(context, string(context, option)?)?);
            }
            b"on_detach" => {
                let value = string(context, option)?;
                wanted.on_detach = Some(chooser::parse_on_detach(context, value)?);
            }
            b"max_depth" => {
                let value = string(context, option)?;
                wanted.max_depth = Some(match value.to_bytes() {
                    b"auto" => 0,
                    b"1" => 1,
                    b"2" => 2,
                    _ => {
                        return Err(context.refuse(
                            EINVAL,
                            fmt!("max_depth: `{}`: expected auto, 1 or 2", value),
                        ));
                    }
                });
            }
            b"rule" => {
                wanted.rules.add_rule(context, string(context, option)?)?;
            }
            b"rules" => match &option.value {
                Value::File(file) => wanted.rules.add_descriptor(context, file)?,
                _ => wanted.rules.add_path(context, string(context, option)?)?,
            },
            b"norules" => {
                flag(context, option)?;
                wanted.rules.clear();
            }
            b"reload" => {
                flag(context, option)?;
                wanted.rules.reload = true;
            }
            _ => return Err(ENOPARAM),
        }
        Ok(())
    }

    fn open(wanted: &mut Wanted, context: &Context<'_>, dev: u32) -> Result<NewSuper> {
        if wanted.branches.is_empty() {
            return Err(context.refuse(
                EINVAL,
                fmt!("branches: none given, expected branches=[NAME=]PATH[:[NAME=]PATH...]"),
            ));
        }
        if !wanted.reattach.is_empty() {
            return Err(context.refuse(EINVAL, fmt!("reattach: only a remount can do that")));
        }
        if wanted.rules.reload {
            return Err(context.refuse(EINVAL, fmt!("reload: only a remount can do that")));
        }
        let mounter = Creds::of_mounter()?;
        let mut branches = KVec::new();
        for (place, spec) in wanted.branches.iter_mut().enumerate() {
            let id = BranchId::new(place).ok_or(EINVAL)?;
            let name = name_of(spec, place)?;
            let path = CString::try_from(&*spec.path)?;
            let branch = attach::open(context, id, id, name, path, spec.mount.take())?;
            branches.push(branch, GFP_KERNEL)?;
        }
        attach::check_names(context, &branches)?;
        let max_depth = wanted.max_depth.unwrap_or(0);
        let depth = attach::depth(context, &branches, &mounter, max_depth)?;
        let branches = Branches::new(branches, depth)?;

        let mut table = KVec::new();
        for branch in branches.attached() {
            table.push(branch, GFP_KERNEL)?;
        }
        attach::check_overlap(context, &table)?;
        let known = Table(&table);
        let default = known.default(context, wanted.default.as_ref(), BranchId::new(0))?;
        known.check_root(context, default)?;
        let list = RuleList::read(context, &known, &wanted.rules, None)?;
        let stamp = Stamp::new()?;
        let program = chooser::attach_first(context, wanted, dev, table.len(), &stamp)?;
        let policy = compile(context, &known, list, default, stamp, program)?;
        drop(table);
        let stats = Stats::new(BranchId::MAX)?;
        let creds = wanted.creds.unwrap_or(CredsMode::Mounter);
        let info = Info {
            branches,
            mounter,
            creators: Creators::new(),
            creds,
            // What security modules say of a kept file is to be said for all callers.
            keeps_files: creds == CredsMode::Mounter && can_keep_files(),
            max_depth,
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
        remount::reconfigure(wanted, context, sb)
    }
}
