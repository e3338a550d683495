// SPDX-License-Identifier: GPL-2.0-only

//! Types of files, as `type=` names them.

/// The type of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Symlink,
    /// A block device.
    Block,
    /// A character device.
    Char,
    /// A FIFO.
    Fifo,
    /// A socket.
    Socket,
}

impl Kind {
    /// All of them, each by its letter, in the order of their numbers.
    pub(super) const ALL: [(u8, Kind); 7] = [
        (b'f', Kind::File),
        (b'd', Kind::Dir),
        (b'l', Kind::Symlink),
        (b'b', Kind::Block),
        (b'c', Kind::Char),
        (b'p', Kind::Fifo),
        (b's', Kind::Socket),
    ];

    /// The mode of Linux that has nothing but this type.
    pub(crate) const fn mode(self) -> u16 {
        match self {
            Kind::File => 0o100_000,
            Kind::Dir => 0o40_000,
            Kind::Symlink => 0o120_000,
            Kind::Block => 0o60_000,
            Kind::Char => 0o20_000,
            Kind::Fifo => 0o10_000,
            Kind::Socket => 0o140_000,
        }
    }

    /// The type in a mode of Linux (`S_IFMT`).
    pub(crate) const fn of_mode(mode: u16) -> Option<Kind> {
        match mode >> 12 {
            0o10 => Some(Kind::File),
            0o4 => Some(Kind::Dir),
            0o12 => Some(Kind::Symlink),
            0o6 => Some(Kind::Block),
            0o2 => Some(Kind::Char),
            0o1 => Some(Kind::Fifo),
            0o14 => Some(Kind::Socket),
            _ => None,
        }
    }
}

/// A set of types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KindSet(u8);

impl KindSet {
    /// The set of none.
    pub(super) const EMPTY: KindSet = KindSet(0);

    /// This set and `kind`.
    pub(super) fn with(self, kind: Kind) -> KindSet {
        KindSet(self.0 | 1u8.wrapping_shl(kind as u32))
    }

    /// Whether `kind` is in it.
    pub(super) fn has(self, kind: Kind) -> bool {
        self.0 & KindSet::EMPTY.with(kind).0 != 0
    }
}
