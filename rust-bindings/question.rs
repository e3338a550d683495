// SPDX-License-Identifier: GPL-2.0-only

//! Questions to the programs of a BPF chooser, and what their kfuncs find out.
//!
//! C header: `bpf.h`

use super::{
    chooser::Seat,
    sys,
    Name,
    SwitchDentry,
    SwitchInode,
    ValueBuffer,
    XattrName, //
};
use kernel::{
    error::from_result,
    prelude::*, //
};

/// The kinds of words that programs return, and the mark above them.
pub(crate) mod word {
    use super::sys;

    // CAST: All of them fit a byte.
    /// As the rules say.
    pub(crate) const RULES: u64 = sys::switchfs_verdict_SWITCHFS_RULES as u64;
    /// A branch.
    pub(crate) const BRANCH: u64 = sys::switchfs_verdict_SWITCHFS_BRANCH as u64;
    /// Some branches.
    pub(crate) const FIRST: u64 = sys::switchfs_verdict_SWITCHFS_FIRST as u64;
    /// An errno.
    pub(crate) const DENY: u64 = sys::switchfs_verdict_SWITCHFS_DENY as u64;
    /// No such name.
    pub(crate) const HIDE: u64 = sys::switchfs_verdict_SWITCHFS_HIDE as u64;
    /// A gate and a branch.
    pub(crate) const GATE: u64 = sys::switchfs_verdict_SWITCHFS_GATE as u64;
    /// To be asked again.
    pub(crate) const NEED: u64 = sys::switchfs_verdict_SWITCHFS_NEED as u64;
    /// It holds for every caller.
    pub(crate) const FOR_ALL: u64 = sys::switchfs_verdict_SWITCHFS_FOR_ALL as u64;
}

/// What [`Facts::flags`] are made of.
pub(crate) mod flag {
    use super::sys;

    /// The name is looked up to be made.
    pub(crate) const MAKES: u32 = sys::switchfs_ctx_flags_SWITCHFS_MAKES;
    /// The name is listed.
    pub(crate) const LISTS: u32 = sys::switchfs_ctx_flags_SWITCHFS_LISTS;
    /// Nothing happens yet.
    pub(crate) const AHEAD: u32 = sys::switchfs_ctx_flags_SWITCHFS_AHEAD;
}

/// What kfuncs ask of the call that a program is asked about. None may sleep.
pub(crate) trait Asker {
    /// What the static rules say, as `route` returns it.
    fn rules(&self) -> u64;

    /// The place of the branch called `name`.
    fn branch(&self, name: &[u8]) -> Option<u32>;
}

/// What a call knows by itself.
pub(crate) struct Facts {
    /// The operation's number.
    pub(crate) op: u32,
    /// Those of [`flag`].
    pub(crate) flags: u32,
    /// The type of the object, as in its mode; 0 if that is not known.
    pub(crate) kind: u16,
    /// How the file is opened.
    pub(crate) access: u32,
    /// The flags of the open.
    pub(crate) open_flags: u32,
    /// The caller's fsuid and fsgid.
    pub(crate) caller: (u32, u32),
    /// The place of the home's branch, the depth, size and number of the object, if there is one.
    pub(crate) object: Option<Object>,
}

/// What is told of an object.
pub(crate) struct Object {
    /// The place of its home.
    pub(crate) home: u32,
    /// Its depth.
    pub(crate) depth: u32,
    /// Its permission bits.
    pub(crate) mode: u16,
    /// Its owner and group.
    pub(crate) owner: (u32, u32),
    /// Its size.
    pub(crate) size: u64,
    /// Its number.
    pub(crate) ino: u64,
}

impl Object {
    /// What is told of `inode`, whose home is at the place `home`. Any context.
    pub(crate) fn of(inode: &SwitchInode, home: u32) -> Self {
        // SAFETY: The inode is valid; what changes meanwhile is read once, as any permission check
        // does.
        let raw = unsafe { &*inode.as_raw() };
        Self {
            home,
            depth: inode.depth().into(),
            mode: raw.i_mode & 0o7777,
            owner: (raw.i_uid.val, raw.i_gid.val),
            // CAST: Sizes are not negative.
            size: raw.i_size as u64,
            ino: inode.ino(),
        }
    }
}

/// A name, for a question.
pub(crate) enum About<'a> {
    /// That of a dentry.
    Dentry(&'a SwitchDentry, Name<'a>),
    /// One in a directory, that need not have a dentry.
    Listed(&'a SwitchDentry, Name<'a>),
}

/// What programs are asked, and what they then need to know.
pub(crate) struct Question<'a> {
    /// What C sees.
    raw: sys::switchfs_question,
    /// Whether a program may sleep.
    may_sleep: bool,
    /// What the question borrows.
    _call: core::marker::PhantomData<&'a ()>,
}

/// What kfuncs reach by a question: the call, and the mount's place.
pub(crate) struct Link<'a> {
    /// The call.
    asker: &'a dyn Asker,
    /// The place.
    seat: &'a Seat,
}

impl<'a> Link<'a> {
    /// What kfuncs reach while `asker` is asked about on the mount of `seat`.
    pub(super) fn new(asker: &'a dyn Asker, seat: &'a Seat) -> Self {
        Self { asker, seat }
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        if !self.raw.xattr.is_null() {
            // SAFETY: Made by bpf.c for this question alone.
            unsafe { sys::kfree(self.raw.xattr.cast()) };
        }
    }
}

impl<'a> Question<'a> {
    /// The question about `about`, of which the call knows `facts`.
    pub(crate) fn new(
        link: &'a Link<'a>,
        about: &About<'a>,
        facts: &Facts,
        may_sleep: bool,
    ) -> Self {
        let (dentry, name, is_listed) = match about {
            About::Dentry(dentry, name) => (dentry, name, false),
            About::Listed(dentry, name) => (dentry, name, true),
        };
        let sleeps = if may_sleep {
            sys::switchfs_ctx_flags_SWITCHFS_MAY_SLEEP
        } else {
            0
        };
        let mount = link.seat.mount();
        let object = facts.object.as_ref();
        let owner = object.map_or((0, 0), |o| o.owner);
        let raw = sys::switchfs_question {
            ctx: sys::switchfs_ctx {
                op: facts.op,
                flags: facts.flags | sleeps,
                mount: mount.mount,
                branches: mount.branches,
                type_: u32::from(facts.kind),
                mode: object.map_or(0, |o| o.mode.into()),
                uid: owner.0,
                gid: owner.1,
                size: object.map_or(0, |o| o.size),
                ino: object.map_or(0, |o| o.ino),
                home: object
                    .and_then(|o| i32::try_from(o.home).ok())
                    .unwrap_or(-1),
                depth: object.map_or(0, |o| o.depth),
                access: facts.access,
                open_flags: facts.open_flags,
                caller_uid: facts.caller.0,
                caller_gid: facts.caller.1,
                // CAST: A name has at most `NAME_MAX` bytes.
                name_len: name.bytes().len() as u32,
                call: (&raw const *link).cast(),
            },
            name: name.bytes().as_ptr(),
            dentry: dentry.as_raw().cast(),
            is_listed,
            xattr_len: -(sys::EAGAIN as i32),
            asked: 0,
            known: 0,
            present: 0,
            xattr: core::ptr::null_mut(),
        };
        Self {
            raw,
            may_sleep,
            _call: core::marker::PhantomData,
        }
    }

    /// The places of the branches that the program needs to know about.
    pub(crate) fn asked(&self) -> impl Iterator<Item = u32> {
        let asked = self.raw.asked & !self.raw.known;
        (0u32..64).filter(move |place| asked & (1u64 << place) != 0)
    }

    /// Tells whether the branch at the place `place` has the name.
    pub(crate) fn set_exists(&mut self, place: u32, exists: bool) {
        let bit = 1u64.checked_shl(place).unwrap_or(0);
        self.raw.known |= bit;
        if exists {
            self.raw.present |= bit;
        }
    }

    /// Calls `f` with the name of the attribute that the program needs, if it does, and with the room
    /// for its value, to be told the length of that.
    pub(crate) fn with_xattr(
        &mut self,
        f: impl FnOnce(XattrName<'_>, ValueBuffer<'_>) -> Result<usize>,
    ) {
        if self.raw.xattr.is_null() {
            return;
        }
        // SAFETY: Made by bpf.c for this question alone.
        let xattr = unsafe { &mut *self.raw.xattr };
        // SAFETY: bpf.c leaves the name NUL-terminated, and it lives longer than the call.
        let name = unsafe { XattrName::from_raw(xattr.name.as_ptr()) };
        let value = ValueBuffer::over(&mut xattr.value);
        // CAST: No value is longer than 64 KiB.
        self.raw.xattr_len = from_result(|| Ok(f(name, value)? as c_int));
    }

    /// The context for a program.
    pub(super) fn ctx(&mut self) -> *mut sys::switchfs_ctx {
        &raw mut self.raw.ctx
    }

    /// Whether a program may sleep.
    pub(crate) fn may_sleep(&self) -> bool {
        self.may_sleep
    }

    /// Marks the question as one that is asked again.
    pub(crate) fn again(&mut self) {
        self.raw.ctx.flags |= sys::switchfs_ctx_flags_SWITCHFS_AGAIN;
    }
}

/// What the kfuncs of `question` reach.
///
/// # Safety
///
/// `question` is one that a program is being asked.
unsafe fn link_of<'a>(question: *const sys::switchfs_question) -> &'a Link<'a> {
    // SAFETY: By the contract.
    let call = unsafe { (*question).ctx.call };
    // SAFETY: Set from a link in `Question::new`, which the question borrows.
    unsafe { &*call.cast() }
}

/// `bpf_switchfs_rules`.
///
/// # Safety
///
/// Called by bpf.c with a question that a program is being asked.
#[no_mangle]
unsafe extern "C" fn switchfs_chooser_rules(question: *const sys::switchfs_question) -> u64 {
    // SAFETY: By the contract.
    unsafe { link_of(question) }.asker.rules()
}

/// `bpf_switchfs_branch`.
///
/// # Safety
///
/// As for `bpf_switchfs_rules`; `name` has `len` bytes.
#[no_mangle]
unsafe extern "C" fn switchfs_chooser_branch(
    question: *const sys::switchfs_question,
    name: *const u8,
    len: u32,
) -> c_int {
    // SAFETY: By the contract.
    let name = unsafe { core::slice::from_raw_parts(name, len as usize) };
    // SAFETY: By the contract.
    let place = unsafe { link_of(question) }.asker.branch(name);
    from_result(|| c_int::try_from(place.ok_or(ENOENT)?).map_err(|_| ENOENT))
}

/// `bpf_switchfs_count`.
///
/// # Safety
///
/// As for `bpf_switchfs_rules`.
#[no_mangle]
unsafe extern "C" fn switchfs_chooser_count(
    question: *const sys::switchfs_question,
    which: u32,
    add: u64,
) -> c_int {
    // SAFETY: By the contract.
    let seat = unsafe { link_of(question) }.seat;
    from_result(|| seat.count(which as usize, add).map(|()| 0))
}

/// `bpf_switchfs_invalidate`.
///
/// # Safety
///
/// As for `bpf_switchfs_rules`.
#[no_mangle]
unsafe extern "C" fn switchfs_chooser_invalidate(question: *const sys::switchfs_question) {
    // SAFETY: By the contract.
    unsafe { link_of(question) }.seat.forget();
}
