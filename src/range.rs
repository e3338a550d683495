// SPDX-License-Identifier: GPL-2.0-only

//! Ranges of open files: advice, copying and sharing.

use crate::{
    file::before_write,
    vfs::{
        RangeOps,
        Ranges,
        RegularFile,
        Transfer,
        Use, //
    },
    watch, //
};
use kernel::prelude::*;

/// The file operations on ranges.
pub(crate) struct RangeFiles;

#[vtable]
impl RangeOps for RangeFiles {
    fn fadvise(file: &RegularFile, offset: i64, len: i64, advice: i32) -> Result {
        watch::used(file, Use::Read);
        let backing = file.backing(Use::Read)?;
        let info = file.dentry().sb().info();
        let _creds = info.assume();
        backing.fadvise(offset, len, advice)
    }

    /// What rules say of reading decides about the source, what they say of writing about the
    /// target, unless they name copy or remap.
    fn transfer(
        from: &RegularFile,
        to: &RegularFile,
        ranges: Ranges,
        kind: Transfer,
    ) -> Result<usize> {
        let info = to.dentry().sb().info();
        let (read, write) = match kind {
            Transfer::Copy(_) => (Use::CopyFrom, Use::CopyTo),
            _ => (Use::RemapFrom, Use::RemapTo),
        };
        watch::used(from, read);
        watch::used(to, write);
        let (source, target) = (from.backing(read)?, to.backing(write)?);
        let _lock = to.inode().lock();
        let _nosec = before_write(info, to, target)?;
        if !matches!(kind, Transfer::Dedupe(_)) {
            to.remove_privileges()?;
        }
        source.follow_flags(from)?;
        target.follow_flags(to)?;
        if from.dentry().sb().dev() != to.dentry().sb().dev() {
            // Below, both are checked under the credentials of the target's mount.
            let _creds = from.dentry().sb().info().assume();
            source.may_read(ranges)?;
        }
        let result = {
            let _creds = info.assume();
            source.transfer(target, ranges, kind)
        };
        info.refresh(to.inode());
        result
    }
}
