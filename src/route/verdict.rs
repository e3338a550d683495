// SPDX-License-Identifier: GPL-2.0-only

//! Verdicts: what a rule says shall happen, and the branches and errors it can name.

/// A branch, by its place in the mount's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BranchId(u8);

impl BranchId {
    /// The first branch of a mount; there always is one.
    pub(crate) const FIRST: BranchId = BranchId(0);

    /// How many branches a mount can have.
    pub(crate) const MAX: usize = 64;

    /// The branch at place `index`, if a mount can have so many.
    pub(crate) fn new(index: usize) -> Option<BranchId> {
        if index >= Self::MAX {
            return None;
        }
        u8::try_from(index).ok().map(BranchId)
    }

    /// Its place.
    pub(crate) fn index(self) -> usize {
        self.0.into()
    }

    /// The branch whose place is in the lower bits of `bits`.
    pub(crate) const fn from_bits(bits: u64) -> BranchId {
        // CAST: Places have 6 bits.
        BranchId((bits & 63) as u8)
    }

    /// Its place as it is kept in a state.
    pub(super) const fn raw(self) -> u8 {
        self.0
    }

    /// The branch that [`BranchId::raw`] gave.
    pub(super) const fn from_raw(raw: u8) -> BranchId {
        BranchId(raw)
    }

    /// Whether a branch can have this name.
    pub(crate) fn is_name(name: &[u8]) -> bool {
        (1..=31).contains(&name.len())
            && name
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(b))
            && !RESERVED.contains(&name)
    }
}

/// The words that are verdicts or settings, so that no branch can have them as its name.
const RESERVED: [&[u8]; 4] = [b"deny", b"hide", b"gate", b"none"];

/// A set of branches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BranchSet(u64);

impl BranchSet {
    /// The set of none.
    pub(crate) const EMPTY: BranchSet = BranchSet(0);

    /// The set of one branch.
    pub(crate) fn of(branch: BranchId) -> BranchSet {
        BranchSet(1u64.wrapping_shl(branch.0.into()))
    }

    /// The branches that are in either set.
    pub(crate) fn or(self, other: BranchSet) -> BranchSet {
        BranchSet(self.0 | other.0)
    }

    /// Whether `branch` is in it.
    pub(crate) fn has(self, branch: BranchId) -> bool {
        self.0 & BranchSet::of(branch).0 != 0
    }

    /// The branches in it, in their order.
    pub(crate) fn iter(self) -> impl Iterator<Item = BranchId> {
        (0u8..64).map(BranchId).filter(move |b| self.has(*b))
    }
}

/// An error number of Linux, positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errno(u16);

impl Errno {
    /// What a program gets that says what it must not.
    pub(crate) const EIO: Errno = Errno(5);
    /// What `deny` alone means.
    pub(crate) const EACCES: Errno = Errno(13);

    /// The number.
    pub(crate) fn number(self) -> i32 {
        self.0.into()
    }

    /// The errno that is called `name`.
    pub(super) fn find(name: &[u8]) -> Option<Errno> {
        ERRNOS
            .iter()
            .find(|(known, _)| known.as_bytes() == name)
            .map(|(_, number)| Errno(*number))
    }

    /// The errno with the number `number`, if a rule could name it.
    pub(crate) fn new(number: u16) -> Option<Errno> {
        ERRNOS
            .iter()
            .any(|(_, known)| *known == number)
            .then_some(Errno(number))
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        ERRNOS
            .iter()
            .find(|(_, number)| *number == self.0)
            .map_or("EACCES", |(name, _)| name)
    }

    /// The number as it is kept in a state.
    pub(super) const fn raw(self) -> u16 {
        self.0
    }

    /// The errno that [`Errno::raw`] gave.
    pub(super) const fn from_raw(raw: u16) -> Errno {
        Errno(raw)
    }
}

/// The errors that `deny:` can name, with their numbers on x86-64; the first name of a number is
/// the one that is shown.
pub(super) const ERRNOS: [(&str, u16); 53] = [
    ("EPERM", 1),
    ("ENOENT", 2),
    ("EIO", 5),
    ("ENXIO", 6),
    ("E2BIG", 7),
    ("ENOEXEC", 8),
    ("EAGAIN", 11),
    ("EWOULDBLOCK", 11),
    ("ENOMEM", 12),
    ("EACCES", 13),
    ("EBUSY", 16),
    ("EEXIST", 17),
    ("EXDEV", 18),
    ("ENODEV", 19),
    ("ENOTDIR", 20),
    ("EISDIR", 21),
    ("EINVAL", 22),
    ("ENFILE", 23),
    ("EMFILE", 24),
    ("ENOTTY", 25),
    ("ETXTBSY", 26),
    ("EFBIG", 27),
    ("ENOSPC", 28),
    ("ESPIPE", 29),
    ("EROFS", 30),
    ("EMLINK", 31),
    ("ENAMETOOLONG", 36),
    ("ENOSYS", 38),
    ("ENOTEMPTY", 39),
    ("ELOOP", 40),
    ("ENODATA", 61),
    ("ENOLINK", 67),
    ("EPROTO", 71),
    ("EBADMSG", 74),
    ("EOVERFLOW", 75),
    ("EOPNOTSUPP", 95),
    ("ENOTSUP", 95),
    ("ENOBUFS", 105),
    ("ENOTCONN", 107),
    ("ETIMEDOUT", 110),
    ("ECONNREFUSED", 111),
    ("EHOSTDOWN", 112),
    ("EHOSTUNREACH", 113),
    ("ESTALE", 116),
    ("EUCLEAN", 117),
    ("EREMOTEIO", 121),
    ("EDQUOT", 122),
    ("ENOMEDIUM", 123),
    ("ECANCELED", 125),
    ("ENOKEY", 126),
    ("EKEYEXPIRED", 127),
    ("EKEYREVOKED", 128),
    ("EKEYREJECTED", 129),
];

/// What happens to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// No rule speaks of it: the home serves it, and that of a name is the default branch.
    Home,
    /// This branch serves it.
    Branch(BranchId),
    /// The first of these branches in which the object exists serves it.
    First(Alternatives),
    /// It is refused with this error; the name stays listed.
    Deny(Errno),
    /// The name does not exist for this caller.
    Hide,
    /// The branch `gate` is asked first and must agree, then `branch` serves it.
    Gate {
        /// Which is asked.
        gate: BranchId,
        /// Which serves.
        branch: BranchId,
    },
}

impl Verdict {
    /// Whether some branch serves what it is said of.
    pub(super) fn serves(self) -> bool {
        matches!(
            self,
            Verdict::Branch(_) | Verdict::First(_) | Verdict::Gate { .. }
        )
    }
}

/// The branches of a verdict `A|B|...`; [`Policy::alternatives`](super::Policy::alternatives) has
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Alternatives(
    /// The place of the rule that lists them.
    pub(super) u16,
);
