// SPDX-License-Identifier: GPL-2.0-only

//! A dentry of switchfs itself.
//!
//! `d_fsdata` pins the branch's dentry that the name was found as, positive or negative; `d_time`
//! holds the [`Tag`] of what the rules say about the name. Nothing is allocated for a name.
//!
//! C header: [`include/linux/dcache.h`](srctree/include/linux/dcache.h)

use super::{
    mount::with_path_text,
    sys,
    Dentry,
    Name,
    Object,
    SuperBlock,
    SwitchInode, //
};
use core::{
    ptr::NonNull,
    sync::atomic::{
        AtomicPtr,
        AtomicU64,
        Ordering, //
    },
};
use kernel::{
    prelude::*,
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
    types::Opaque, //
};

/// What is remembered of the rules with a name: 36 bits of generation, what is plain about the state,
/// in 9 bits, and 19 bits of state number.
///
/// Zero is no tag: generations begin with 1.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag(u64);

/// A timeless [`Tag`] to be read while it is written, at first [`Tag::NONE`]. Any context.
pub(crate) struct TagCell(AtomicU64);

impl TagCell {
    /// No tag.
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// The tag; what it stands for need not be seen with it.
    #[inline]
    pub(crate) fn get(&self) -> Tag {
        Tag(self.0.load(Ordering::Relaxed))
    }

    /// Writes it.
    pub(crate) fn set(&self, tag: Tag) {
        self.0.store(tag.0, Ordering::Relaxed);
    }
}

/// What is plain about the state of a name, so that a tag can tell it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plain {
    /// Nothing.
    Nothing,
    /// The number of the branch that finds the name, and serves every operation, for those callers for
    /// whom there is no exception.
    Mostly(u8),
    /// The number of the branch that every caller finds the name in.
    Home(u8),
    /// The same, and that this branch serves getattr on what is found there.
    GetattrAtHome(u8),
    /// The same, and that it serves every operation.
    AllAtHome(u8),
}

impl Tag {
    /// No tag.
    pub(crate) const NONE: Tag = Tag(0);
    /// Bits of the state number.
    const STATE_BITS: u32 = 19;
    /// States that can be numbered.
    pub(crate) const STATES: u32 = 1 << Self::STATE_BITS;
    /// Where [`Plain::AllAtHome`] is marked, above 6 bits for the home.
    const ALL: u32 = Self::STATE_BITS + 6;
    /// Where [`Plain::GetattrAtHome`] is marked, or more.
    const GETATTR: u32 = Self::ALL + 1;
    /// Where [`Plain::Home`] is marked, or more.
    const HOME: u32 = Self::GETATTR + 1;
    /// The marks of [`Plain::Mostly`]; no others are alike.
    const MOST: u64 = 0b001;
    /// Bits below the generation.
    const GENERATION: u32 = Self::HOME + 1;
    /// The first number that is no generation any more.
    pub(crate) const GENERATIONS: u64 = 1 << (64 - Self::GENERATION);

    /// The tag of state `state`, of which `plain` is plain, in no generation yet.
    pub(crate) fn timeless(plain: Plain, state: u32) -> Self {
        let (marks, home) = match plain {
            Plain::Nothing => (0, 0),
            Plain::Mostly(home) => (Self::MOST, home),
            Plain::Home(home) => (0b100, home),
            Plain::GetattrAtHome(home) => (0b110, home),
            Plain::AllAtHome(home) => (0b111, home),
        };
        Self(
            (marks << Self::ALL)
                | (u64::from(home & 63) << Self::STATE_BITS)
                | u64::from(state & (Self::STATES - 1)),
        )
    }

    /// This timeless tag in generation `generation`.
    #[inline]
    pub(crate) fn of(self, generation: u64) -> Self {
        Self(generation << Self::GENERATION | self.0)
    }

    /// The generation in which it was made.
    pub(crate) fn generation(self) -> u64 {
        self.0 >> Self::GENERATION
    }

    /// The number of the state.
    pub(crate) fn state(self) -> u32 {
        // CAST: Masked to 19 bits.
        (self.0 & u64::from(Self::STATES - 1)) as u32
    }

    /// This tag without the marks that the home serves something.
    pub(crate) fn without_service(self) -> Self {
        Self(self.0 & !(0b11 << Self::ALL))
    }

    /// The number of the home, if it is plain.
    fn home(self) -> u8 {
        // CAST: Masked to 6 bits.
        ((self.0 >> Self::STATE_BITS) & 63) as u8
    }

    /// Marks that no tag has.
    pub(crate) const NO_MARKS: u64 = u64::MAX;

    /// What tags of `generation` are compared with by [`Tag::home_in`] and its like.
    pub(crate) fn marks(generation: u64) -> u64 {
        (generation << 3) | 0b111
    }

    /// Whether it is of the generation that `marks` are of.
    #[inline]
    pub(crate) fn is_in(self, marks: u64) -> bool {
        self.generation() == marks >> 3
    }

    /// The number of the home, if it is plain and the tag of the generation that `marks` are of.
    #[inline]
    pub(crate) fn home_in(self, marks: u64) -> Option<u8> {
        (self.0 >> Self::HOME == marks >> 2).then(|| self.home())
    }

    /// The same if the home serves getattr, too.
    #[inline]
    pub(crate) fn getattr_at_home_in(self, marks: u64) -> Option<u8> {
        (self.0 >> Self::GETATTR == marks >> 1).then(|| self.home())
    }

    /// The same if the home serves every operation.
    #[inline]
    pub(crate) fn all_at_home_in(self, marks: u64) -> Option<u8> {
        (self.0 >> Self::ALL == marks).then(|| self.home())
    }

    /// The same if it does so for those callers for whom there is no exception.
    #[inline]
    pub(crate) fn mostly_in(self, marks: u64) -> Option<u8> {
        (self.0 >> Self::ALL == marks ^ (0b111 ^ Self::MOST)).then(|| self.home())
    }
}

/// Wraps a `struct dentry` of a switchfs superblock.
///
/// # Invariants
///
/// As [`Dentry`]; and `d_sb` is a switchfs superblock, so that `d_fsdata` is null or owns a
/// reference to a branch's dentry, given up in `d_release`.
#[repr(transparent)]
pub(crate) struct SwitchDentry(Opaque<sys::dentry>);

// SAFETY: As for `Dentry`.
unsafe impl Send for SwitchDentry {}
// SAFETY: As for `Dentry`.
unsafe impl Sync for SwitchDentry {}

// SAFETY: `dget` and `dput` count references on `d_lockref`.
unsafe impl AlwaysRefCounted for SwitchDentry {
    fn inc_ref(&self) {
        // SAFETY: By the type invariant the count is positive.
        unsafe { sys::switchfs_helper_dget(self.as_raw()) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller gives up one reference.
        unsafe { sys::dput(obj.as_ptr().cast()) };
    }
}

impl SwitchDentry {
    /// Borrows a C dentry.
    ///
    /// # Safety
    ///
    /// `ptr` upholds the type invariant for `'a`.
    pub(super) unsafe fn from_raw<'a>(ptr: *const sys::dentry) -> &'a Self {
        // SAFETY: By the contract; the type is transparent over `struct dentry`.
        unsafe { &*ptr.cast() }
    }

    /// The C pointer.
    pub(super) fn as_raw(&self) -> *mut sys::dentry {
        self.0.get()
    }

    /// The superblock.
    pub(crate) fn sb(&self) -> &SuperBlock {
        // SAFETY: The dentry is valid, `d_sb` never changes.
        let sb = unsafe { (*self.as_raw()).d_sb };
        // SAFETY: By the type invariant; a dentry keeps its superblock.
        unsafe { SuperBlock::from_raw(sb) }
    }

    /// The inode, or `None` for a negative dentry. May be called in RCU walk.
    pub(crate) fn inode(&self) -> Option<&SwitchInode> {
        // SAFETY: The dentry is valid (`d_inode_rcu`).
        let inode = unsafe { &raw const (*self.as_raw()).d_inode };
        // SAFETY: As above.
        let inode = unsafe { inode.read_volatile() };
        // SAFETY: A dentry of switchfs has an inode of switchfs, freed after an RCU grace period.
        (!inode.is_null()).then(|| unsafe { SwitchInode::from_raw(inode) })
    }

    /// The branch's dentry that the name was found as. `None` for the root, and for a name whose
    /// directory does not exist in its home.
    pub(crate) fn real(&self) -> Option<ARef<Dentry>> {
        // SAFETY: The dentry is valid; the helper takes a reference under `d_lock`.
        let real = unsafe { sys::switchfs_helper_d_get_real(self.as_raw()) };
        // SAFETY: The reference is ours.
        (!real.is_null()).then(|| unsafe { Dentry::from_owned(real) })
    }

    /// As [`SwitchDentry::real`], in RCU walk: borrowed until its end.
    pub(crate) fn real_rcu(&self) -> Option<&Dentry> {
        // SAFETY: The dentry is valid; pairs with the release in `set_real`.
        let field = unsafe { &raw const (*self.as_raw()).d_fsdata };
        // SAFETY: As above.
        let real = unsafe { field.read_volatile() };
        // SAFETY: By the type invariant; a replaced or released dentry is freed after an RCU grace
        // period.
        (!real.is_null()).then(|| unsafe { Dentry::from_raw(real.cast()) })
    }

    /// Remembers what the name was found as. The caller is the one that looks the name up or makes
    /// it, under its parent's lock. May sleep.
    pub(crate) fn set_real(&self, real: Option<ARef<Dentry>>) {
        let new = real.map_or(core::ptr::null_mut(), |d| ARef::into_raw(d).as_ptr().cast());
        // SAFETY: The dentry is valid; `d_fsdata` is the filesystem's.
        let field = unsafe { &raw mut (*self.as_raw()).d_fsdata };
        // SAFETY: As above; it is read and written whole.
        let field = unsafe { AtomicPtr::from_ptr(field) };
        // Pairs with the loads of those who find it.
        let old = field.swap(new, Ordering::AcqRel);
        if !old.is_null() {
            // SAFETY: The reference was `d_fsdata`'s.
            drop(unsafe { Dentry::from_owned(old.cast()) });
        }
    }

    /// The same for what was made for the name, often what it was found as.
    pub(crate) fn set_made(&self, made: Object<'_>) {
        let is_known = self
            .real_locked()
            .is_some_and(|known| core::ptr::eq(known, &*made));
        if !is_known {
            self.set_real(Some(made.into_owned()));
        }
    }

    /// The branch's dentry that the name was found as; the caller's lock of the parent, held by the VFS
    /// for writing, keeps it in place.
    pub(super) fn real_locked(&self) -> Option<&Dentry> {
        // SAFETY: The dentry is valid, and nobody replaces what it owns: lookups of the name and those
        // that move it to another place need the parent's lock.
        let real = unsafe { (*self.as_raw()).d_fsdata };
        // SAFETY: By the type invariant the reference is owned.
        (!real.is_null()).then(|| unsafe { Dentry::from_raw(real.cast()) })
    }

    /// Gives up the branch's dentry but leaves the pointer to those in RCU walk.
    ///
    /// # Safety
    ///
    /// Called once, from `d_release`.
    pub(super) unsafe fn release_real(&self) {
        // SAFETY: Nobody but RCU walkers uses the dentry any more.
        let real = unsafe { (*self.as_raw()).d_fsdata };
        if !real.is_null() {
            // SAFETY: By the type invariant one reference is owned.
            drop(unsafe { Dentry::from_owned(real.cast()) });
        }
    }

    /// The tag left with the name. May be called in RCU walk.
    pub(crate) fn tag(&self) -> Tag {
        // SAFETY: The dentry is valid; `d_time` is the filesystem's, and read and written whole.
        let field = unsafe { &raw const (*self.as_raw()).d_time };
        // SAFETY: As above.
        // CAST: `unsigned long` is 64 bits wide.
        Tag(unsafe { field.read_volatile() } as u64)
    }

    /// Leaves a tag with the name.
    pub(crate) fn set_tag(&self, tag: Tag) {
        // SAFETY: The dentry is valid; `d_time` is the filesystem's, and read and written whole.
        let field = unsafe { &raw mut (*self.as_raw()).d_time };
        // SAFETY: As above.
        unsafe { field.write_volatile(tag.0 as c_ulong) };
    }

    /// Changes whenever the dentry is renamed, moved or dropped.
    pub(crate) fn seq(&self) -> u32 {
        // SAFETY: The dentry is valid.
        unsafe { sys::switchfs_helper_d_seq(self.as_raw()) }
    }

    /// Whether this is the root of the superblock, or of nothing.
    pub(crate) fn is_root(&self) -> bool {
        // SAFETY: The dentry is valid.
        let parent = unsafe { &raw const (*self.as_raw()).d_parent };
        // SAFETY: As above.
        let parent = unsafe { parent.read_volatile() };
        parent == self.as_raw()
    }

    /// The parent, which the caller's lock, held by the VFS, keeps in place.
    pub(super) fn parent_locked(&self) -> &SwitchDentry {
        // SAFETY: The dentry is valid and its parent locked, so `d_parent` does not change.
        let parent = unsafe { (*self.as_raw()).d_parent };
        // SAFETY: A dentry pins its parent.
        unsafe { SwitchDentry::from_raw(parent) }
    }

    /// The parent as it is now.
    pub(crate) fn parent(&self) -> ARef<SwitchDentry> {
        // SAFETY: The dentry is valid; a reference is returned.
        let parent = unsafe { sys::dget_parent(self.as_raw()) };
        // SAFETY: Never null.
        let parent = unsafe { NonNull::new_unchecked(parent) };
        // SAFETY: The reference is ours; of the same superblock.
        unsafe { ARef::from_raw(parent.cast()) }
    }

    /// The parent as it is now, within an RCU read-side critical section.
    pub(crate) fn parent_rcu(&self) -> &SwitchDentry {
        // SAFETY: The dentry is valid; dentries are freed after an RCU grace period.
        let parent = unsafe { &raw const (*self.as_raw()).d_parent };
        // SAFETY: As above.
        let parent = unsafe { parent.read_volatile() };
        // SAFETY: As above.
        unsafe { SwitchDentry::from_raw(parent) }
    }

    /// Calls `f` with the name as it is now. May sleep as far as `f` does.
    pub(crate) fn with_name<R>(&self, f: impl FnOnce(Name<'_>) -> R) -> R {
        // SAFETY: The dentry is valid.
        unsafe { Name::of_dentry(self.as_raw(), f) }
    }

    /// The name; the caller's lock, held by the VFS, keeps it in place.
    pub(super) fn name_locked(&self) -> Name<'_> {
        // SAFETY: The dentry is valid.
        let names = unsafe { &(*self.as_raw()).__bindgen_anon_1 };
        // SAFETY: Both fields of the union are the name.
        let qstr = unsafe { &raw const names.d_name };
        // SAFETY: The parent is locked, so the name does not change.
        unsafe { Name::from_qstr(qstr) }
    }

    /// Calls `f` with the path from the mount's root. ENAMETOOLONG when it is too long; may sleep.
    pub(crate) fn with_path<R>(&self, f: impl FnOnce(&[u8]) -> R) -> Result<R> {
        with_path_text(
            |buf, size| {
                // SAFETY: The dentry is valid, the buffer has the size.
                unsafe { sys::dentry_path_raw(self.as_raw(), buf, size) }
            },
            f,
        )
    }

    /// Makes a negative dentry positive with a new object that is no directory.
    pub(crate) fn instantiate(&self, inode: ARef<SwitchInode>) {
        // SAFETY: The dentry is valid and negative, its parent locked by the VFS; the reference to
        // the inode is handed over.
        unsafe { sys::d_instantiate(self.as_raw(), ARef::into_raw(inode).as_ptr().cast()) };
    }

    /// Connects the name with what was found for it: `d_splice_alias`, which for a directory that
    /// has a dentry already moves and returns that one.
    pub(crate) fn splice(
        &self,
        inode: Option<ARef<SwitchInode>>,
    ) -> Result<Option<ARef<SwitchDentry>>> {
        let inode = inode.map_or(core::ptr::null_mut(), |i| ARef::into_raw(i).as_ptr().cast());
        // SAFETY: The dentry is valid and unhashed or in lookup, its parent locked by the VFS; the
        // reference to the inode is handed over.
        let alias = sys::from_err_ptr(unsafe { sys::d_splice_alias(inode, self.as_raw()) })?;
        // SAFETY: A reference to a dentry of the same superblock is returned, or null.
        Ok(NonNull::new(alias).map(|d| unsafe { ARef::from_raw(d.cast()) }))
    }

    /// Whether it is in the cache: the root is not, nor is what has no name any more.
    pub(crate) fn is_hashed(&self) -> bool {
        // SAFETY: The dentry is valid (`d_unhashed`).
        let pprev = unsafe { &raw const (*self.as_raw()).d_hash.pprev };
        // SAFETY: As above.
        let pprev = unsafe { pprev.read_volatile() };
        !pprev.is_null()
    }

    /// Takes the dentry out of the cache (`d_drop`).
    pub(crate) fn unhash(&self) {
        // SAFETY: The dentry is valid.
        unsafe { sys::d_drop(self.as_raw()) };
    }

    /// Moves the dentry to the place of `target` (`d_move`), or swaps both (`d_exchange`).
    pub(crate) fn moved_to(&self, target: &SwitchDentry, exchange: bool) {
        if exchange {
            // SAFETY: Both are valid, positive, and locked by the VFS as rename locks them.
            unsafe { sys::d_exchange(self.as_raw(), target.as_raw()) };
        } else {
            // SAFETY: As above.
            unsafe { sys::d_move(self.as_raw(), target.as_raw()) };
        }
    }
}
