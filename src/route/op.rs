// SPDX-License-Identifier: GPL-2.0-only

//! Operations: what a rule's `op=` can name and a verdict is asked for.

/// An operation on an inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Op {
    /// Finds a name in a directory; its verdict gives the name's home.
    Lookup,
    /// Lists a directory.
    Readdir,
    /// Makes a regular file.
    Create,
    /// Makes a directory.
    Mkdir,
    /// Makes a device node, FIFO or socket.
    Mknod,
    /// Makes a symbolic link.
    Symlink,
    /// Makes a hard link.
    Link,
    /// Removes a name of anything but a directory.
    Unlink,
    /// Removes a directory.
    Rmdir,
    /// Renames.
    Rename,
    /// Makes a file without a name.
    Tmpfile,
    /// Reads the attributes.
    Getattr,
    /// Changes attributes.
    Setattr,
    /// Reads the target of a symbolic link.
    Readlink,
    /// Reads an extended attribute.
    Getxattr,
    /// Sets an extended attribute.
    Setxattr,
    /// Lists the extended attributes.
    Listxattr,
    /// Removes an extended attribute.
    Removexattr,
    /// Reads an access control list.
    Getacl,
    /// Sets an access control list.
    Setacl,
    /// Reads or changes the flags that chattr(1) shows.
    Fileattr,
    /// Asks for the state of the filesystem.
    Statfs,
    /// Opens a file.
    Open,
    /// Reads data.
    Read,
    /// Writes data.
    Write,
    /// Maps data.
    Mmap,
    /// Moves data to or from a pipe.
    Splice,
    /// Moves the file position, or finds data and holes.
    Lseek,
    /// Copies a range between files.
    Copy,
    /// Shares or compares a range between files.
    Remap,
}

impl Op {
    /// How many there are.
    pub(crate) const COUNT: usize = 30;

    /// All of them, in the order of their numbers.
    pub(crate) const ALL: [Op; Op::COUNT] = [
        Op::Lookup,
        Op::Readdir,
        Op::Create,
        Op::Mkdir,
        Op::Mknod,
        Op::Symlink,
        Op::Link,
        Op::Unlink,
        Op::Rmdir,
        Op::Rename,
        Op::Tmpfile,
        Op::Getattr,
        Op::Setattr,
        Op::Readlink,
        Op::Getxattr,
        Op::Setxattr,
        Op::Listxattr,
        Op::Removexattr,
        Op::Getacl,
        Op::Setacl,
        Op::Fileattr,
        Op::Statfs,
        Op::Open,
        Op::Read,
        Op::Write,
        Op::Mmap,
        Op::Splice,
        Op::Lseek,
        Op::Copy,
        Op::Remap,
    ];

    /// Whether it is one of the class `name`.
    pub(crate) const fn is_name(self) -> bool {
        OpSet::NAME.has(self)
    }

    /// Whether it finds what is there.
    pub(crate) const fn finds(self) -> bool {
        OpSet::FINDING.has(self)
    }

    /// Whether it is done to an object that is there, not to its name.
    pub(crate) const fn is_on_object(self) -> bool {
        OpSet::ON_OBJECT.has(self)
    }

    /// The word that rules write.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Op::Lookup => "lookup",
            Op::Readdir => "readdir",
            Op::Create => "create",
            Op::Mkdir => "mkdir",
            Op::Mknod => "mknod",
            Op::Symlink => "symlink",
            Op::Link => "link",
            Op::Unlink => "unlink",
            Op::Rmdir => "rmdir",
            Op::Rename => "rename",
            Op::Tmpfile => "tmpfile",
            Op::Getattr => "getattr",
            Op::Setattr => "setattr",
            Op::Readlink => "readlink",
            Op::Getxattr => "getxattr",
            Op::Setxattr => "setxattr",
            Op::Listxattr => "listxattr",
            Op::Removexattr => "removexattr",
            Op::Getacl => "getacl",
            Op::Setacl => "setacl",
            Op::Fileattr => "fileattr",
            Op::Statfs => "statfs",
            Op::Open => "open",
            Op::Read => "read",
            Op::Write => "write",
            Op::Mmap => "mmap",
            Op::Splice => "splice",
            Op::Lseek => "lseek",
            Op::Copy => "copy",
            Op::Remap => "remap",
        }
    }
}

/// A class of operations that `op=` can name by one word.
pub(super) struct Class {
    /// The word.
    pub(super) name: &'static str,
    /// Its first operation.
    first: Op,
    /// Its last one.
    last: Op,
}

/// The classes, in the order in which canonical text has them.
pub(super) const CLASSES: [Class; 3] = [
    Class {
        name: "name",
        first: Op::Lookup,
        last: Op::Tmpfile,
    },
    Class {
        name: "meta",
        first: Op::Getattr,
        last: Op::Statfs,
    },
    Class {
        name: "data",
        first: Op::Open,
        last: Op::Remap,
    },
];

impl Class {
    /// The operations in it.
    pub(super) fn ops(&self) -> OpSet {
        let mut set = OpSet::EMPTY;
        for op in Op::ALL {
            if (self.first as u8..=self.last as u8).contains(&(op as u8)) {
                set = set.with(op);
            }
        }
        set
    }
}

/// A set of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpSet(u32);

impl OpSet {
    /// The set of none.
    pub(super) const EMPTY: OpSet = OpSet(0);

    /// The set of all.
    pub(super) const ALL: OpSet = OpSet((1 << Op::COUNT) - 1);

    /// The class `name`: what a rule may only refuse, if it has a condition on the caller.
    pub(super) const NAME: OpSet = OpSet((1 << (Op::Tmpfile as u32 + 1)) - 1);

    /// The class `data`: what is done to files that are opened.
    pub(super) const DATA: OpSet = OpSet(OpSet::ALL.0 & !((1 << Op::Open as u32) - 1));

    /// What is done before there is an object whose type could be known.
    pub(super) const FINDING: OpSet = OpSet::of(Op::Lookup).with(Op::Readdir);

    /// What is done to an object that is there, not to its name.
    pub(super) const ON_OBJECT: OpSet =
        OpSet::ALL.without(OpSet::NAME.without(OpSet::of(Op::Readdir)));

    /// What makes an object.
    pub(super) const MAKING: OpSet = OpSet::of(Op::Create)
        .with(Op::Mkdir)
        .with(Op::Mknod)
        .with(Op::Symlink)
        .with(Op::Tmpfile);

    /// The set of one operation.
    pub(super) const fn of(op: Op) -> OpSet {
        OpSet(1u32.wrapping_shl(op as u32))
    }

    /// This set and `op`.
    pub(super) const fn with(self, op: Op) -> OpSet {
        self.or(OpSet::of(op))
    }

    /// The operations that are in either set.
    pub(super) const fn or(self, other: OpSet) -> OpSet {
        OpSet(self.0 | other.0)
    }

    /// The operations of this set that are not in `other`.
    pub(super) const fn without(self, other: OpSet) -> OpSet {
        OpSet(self.0 & !other.0)
    }

    /// The operations that are in both sets.
    pub(super) const fn and(self, other: OpSet) -> OpSet {
        OpSet(self.0 & other.0)
    }

    /// Whether `op` is in it.
    pub(super) const fn has(self, op: Op) -> bool {
        self.0 & OpSet::of(op).0 != 0
    }

    /// Whether nothing is in it.
    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set of the operations whose bits are in `bits`.
    pub(super) const fn from_bits(bits: u32) -> OpSet {
        OpSet(bits & OpSet::ALL.0)
    }

    /// The bits, by operation number.
    pub(super) const fn bits(self) -> u32 {
        self.0
    }
}
