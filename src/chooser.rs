// SPDX-License-Identifier: GPL-2.0-only

//! The options `chooser=` and `on_detach=`: which BPF chooser a mount is attached to.

use crate::{
    error,
    params::Wanted,
    policy::Policy,
    program::Program,
    stamp::Stamp,
    vfs::{
        Attachment,
        Context,
        OnDetach, //
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

/// Reads the value of `chooser=`: the name of a BPF chooser, or that there is none.
pub(crate) fn parse(context: &Context<'_>, value: &CStr) -> Result<Option<CString>> {
    if value.to_bytes() == b"none" {
        return Ok(None);
    }
    let name = value.to_bytes_with_nul().strip_prefix(b"bpf:");
    let name = name.and_then(|name| CStr::from_bytes_with_nul(name).ok());
    match name.filter(|name| !name.is_empty()) {
        Some(name) => Ok(Some(CString::try_from(name)?)),
        None => Err(context.refuse(
            EINVAL,
            fmt!("chooser: `{}`: expected bpf:NAME or none", value),
        )),
    }
}

/// Reads the value of `on_detach=`.
pub(crate) fn parse_on_detach(context: &Context<'_>, value: &CStr) -> Result<OnDetach> {
    let known = OnDetach::ALL.iter();
    let found = known
        .into_iter()
        .find(|(word, _)| word.as_bytes() == value.to_bytes());
    found.map(|(_, on_detach)| *on_detach).ok_or_else(|| {
        context.refuse(
            EINVAL,
            fmt!("on_detach: `{}`: expected keep, rules or deny", value),
        )
    })
}

/// Attaches the mount with the device `dev` and so many branches to the chooser `name`.
fn attach(
    context: &Context<'_>,
    name: &CStr,
    on_detach: OnDetach,
    dev: u32,
    branches: usize,
    stamp: &Arc<Stamp>,
) -> Result<Program> {
    let attached = Attachment::new(name.to_bytes(), dev, branches, on_detach, stamp.clone());
    let attachment = attached.map_err(|e| {
        if e == ENOENT {
            context.refuse(e, fmt!("chooser: no BPF chooser `{}` is registered", name))
        } else if e == error::eopnotsupp() {
            context.refuse(e, fmt!("chooser: there are no BPF choosers on this kernel"))
        } else {
            context.refuse(e, fmt!("chooser: `{}` refuses this mount ({:?})", name, e))
        }
    })?;
    Ok(Program::new(Arc::new(attachment, GFP_KERNEL)?))
}

/// Leaves a message that `on_detach=` has nothing to be about.
fn nothing_to_detach(context: &Context<'_>) -> Error {
    context.refuse(
        EINVAL,
        fmt!("on_detach: without chooser=bpf:NAME there is nothing to detach"),
    )
}

/// What a new mount is attached to.
pub(crate) fn attach_first(
    context: &Context<'_>,
    wanted: &Wanted,
    dev: u32,
    branches: usize,
    stamp: &Arc<Stamp>,
) -> Result<Option<Program>> {
    let on_detach = wanted.on_detach.unwrap_or(OnDetach::Keep);
    match wanted.chooser.as_ref().and_then(Option::as_ref) {
        Some(name) => attach(context, name, on_detach, dev, branches, stamp).map(Some),
        None if wanted.on_detach.is_some() => Err(nothing_to_detach(context)),
        None => Ok(None),
    }
}

/// What a mount under `policy` is attached to after a remount, and whether that changes.
pub(crate) fn attach_next(
    context: &Context<'_>,
    wanted: &Wanted,
    policy: &Policy,
    dev: u32,
    branches: usize,
    stamp: &Arc<Stamp>,
) -> Result<(Option<Program>, bool)> {
    let old = policy.program();
    let Some(name) = &wanted.chooser else {
        return Ok((old.cloned(), false));
    };
    let Some(name) = name else {
        return Ok((None, old.is_some()));
    };
    let same = old.filter(|old| old.attachment().name() == name.to_bytes());
    // Programs that are registered by now take the place of those that were kept.
    if let Some(same) = same.filter(|same| !same.attachment().is_detached()) {
        return Ok((Some(same.clone()), false));
    }
    let before = old.map(|old| old.attachment().on_detach());
    let on_detach = wanted.on_detach.or(before).unwrap_or(OnDetach::Keep);
    match attach(context, name, on_detach, dev, branches, stamp) {
        Err(e) if e == ENOENT && same.is_some() => Ok((old.cloned(), false)),
        program => Ok((Some(program?), true)),
    }
}

/// Refuses an `on_detach=` for which it is too late, or which nothing can follow.
pub(crate) fn check_on_detach(
    context: &Context<'_>,
    wanted: &Wanted,
    program: Option<&Program>,
) -> Result {
    let Some(on_detach) = wanted.on_detach else {
        return Ok(());
    };
    match program.map(Program::attachment) {
        Some(attachment) if !attachment.may_follow(on_detach) => Err(context.refuse(
            ENOENT,
            fmt!(
                "on_detach: `{}` is not registered any more",
                BStr::from_bytes(attachment.name())
            ),
        )),
        // mount(8) may send the option in force ahead of chooser=none.
        None if wanted.chooser.is_none() => Err(nothing_to_detach(context)),
        _ => Ok(()),
    }
}

/// Puts `on_detach=` in force.
pub(crate) fn change_on_detach(wanted: &Wanted, program: Option<&Program>) {
    if let (Some(on_detach), Some(program)) = (wanted.on_detach, program) {
        program.attachment().set_on_detach(on_detach);
    }
}
