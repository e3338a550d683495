// SPDX-License-Identifier: GPL-2.0-only

//! Files without a name, which are made in their directory's home.

use crate::{
    call::Decision,
    dir::ask_names,
    error, inode,
    namei::number,
    route::Op,
    sb::{
        CredsMode,
        Info, //
    },
    vfs::{
        watched,
        BackingFile,
        Idmap,
        NamelessFile,
        OpenFile,
        RealPath,
        SwitchInode,
        TmpfileOps, //
    },
};
use kernel::{
    prelude::*,
    sync::aref::ARef, //
};

/// The inode operation that makes files without a name.
pub(crate) struct Tmpfiles;

/// Makes and opens a file that belongs to the caller, under the credentials that the mount says.
fn open_as_caller(
    info: &Info,
    idmap: Idmap<'_>,
    file: &NamelessFile<'_>,
    dir: RealPath<'_>,
    mode: u16,
) -> Result<ARef<BackingFile>> {
    if info.creds == CredsMode::Caller {
        return file.open_in(dir, mode);
    }
    let creator = info
        .creators
        .for_current(&info.mounter, idmap, file.dentry(), mode)?;
    let _creds = creator.assume();
    file.open_in(dir, mode)
}

#[vtable]
impl TmpfileOps for Tmpfiles {
    fn tmpfile(idmap: Idmap<'_>, dir: &SwitchInode, file: NamelessFile<'_>, mode: u16) -> Result {
        let info = dir.sb().info();
        // A directory that is held, and has another home since a remount.
        let parent = file.dentry().parent();
        let policy = info.policy.get();
        if !parent.is_root() && !policy.may_be_home(policy.state(&parent)?, dir.home().id) {
            return Err(error::estale());
        }
        // Rules can deny it. None can send it elsewhere: it has no name to be found by.
        if let Decision::Gated { gate, .. } = info.decide(file.dentry(), Op::Tmpfile)? {
            ask_names(info, &parent, gate)?;
        }
        let (branch, real) = dir.object();
        let at = branch.at(real);
        let _write = branch.mount.want_write()?;
        let backing = open_as_caller(info, idmap, &file, at, mode)?;
        let identity =
            inode::identity(branch, number(branch.id), backing.dentry(), backing.inode())?;
        let inode = dir.sb().iget_made(&identity)?.inode;
        info.refresh_changed(&inode);
        info.refresh_changed(dir);
        let seen = watched().then(|| backing.clone());
        file.finish(inode, OpenFile::One(backing))?;
        if let Some(backing) = seen {
            info.watch_opened(dir.sb().dev(), &backing);
        }
        Ok(())
    }
}
