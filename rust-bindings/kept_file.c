// SPDX-License-Identifier: GPL-2.0-only
/*
 * A backing file that is kept, closed, for the next open of the same object.
 *
 * Kept, it is what O_PATH gives, without a path of its user: to the filesystem, to leases, to
 * watchers and to the count of readers it is closed. To reuse it is what do_dentry_open() does, but
 * for what lasts as long as the file: its memory, and what the security modules said of it and
 * attached to it, under the same credentials.
 */
#include <linux/backing-file.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/filelock.h>
#include <linux/fs.h>
#include <linux/fsnotify.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/path.h>
#include <linux/security.h>

#include "helpers.h"

/* Exported, declared in fs/internal.h. */
void backing_file_set_user_path(struct file *f, const struct path *path);

/* What O_PATH leaves of f_mode, and what the memory is. */
#define KEPT_MODE	(FMODE_PATH | FMODE_OPENED | FMODE_NONOTIFY)
#define MEMORY_MODE	(FMODE_BACKING | FMODE_NOACCOUNT)

/* What an open of an object that nobody watches sets. */
#define UNWATCHED_MODE \
	(IS_ENABLED(CONFIG_FANOTIFY_ACCESS_PERMISSIONS) ? FMODE_NONOTIFY_PERM : 0)

/* With these alone a file can be opened again, whatever its size. */
#define PLAIN_FLAGS	(O_ACCMODE | O_LARGEFILE | O_NOATIME | O_CLOEXEC | O_NOFOLLOW)

static __always_inline bool is_plain(unsigned int flags)
{
	return !(flags & ~PLAIN_FLAGS) && (flags & O_LARGEFILE);
}

/*
 * Whether a security module gives a backing file what it knows of the user's file, which then can't
 * serve another one.
 */
bool switchfs_helper_security_ties_files(void)
{
#ifdef CONFIG_SECURITY_SELINUX
	struct lsm_prop prop;

	security_cred_getlsmprop(current_cred(), &prop);
	return prop.selinux.secid;
#else
	return false;
#endif
}

/* file_get_write_access(), which is not exported, or i_readcount_inc(), by @mode. */
static __always_inline int get_access(struct file *file, fmode_t mode)
{
	struct inode *inode = file_inode(file);
	int err;

	if (!(mode & FMODE_WRITE)) {
		i_readcount_inc(inode);
		return 0;
	}
	err = get_write_access(inode);
	if (err)
		return err;
	err = mnt_get_write_access(file->f_path.mnt);
	if (err)
		goto put_inode;
	err = mnt_get_write_access(backing_file_user_path(file)->mnt);
	if (err)
		goto put_mnt;
	return 0;

put_mnt:
	mnt_put_write_access(file->f_path.mnt);
put_inode:
	put_write_access(inode);
	return err;
}

/* put_file_access(), which is in fs/internal.h. */
static __always_inline void put_access(struct file *file, fmode_t mode)
{
	struct inode *inode = file_inode(file);

	if (!(mode & FMODE_WRITE)) {
		i_readcount_dec(inode);
		return;
	}
	put_write_access(inode);
	mnt_put_write_access(file->f_path.mnt);
	mnt_put_write_access(backing_file_user_path(file)->mnt);
}

/* Forgets whose path /proc/PID/maps shows. */
static __always_inline void drop_user_path(struct file *file)
{
	const struct path none = {};

	path_put(backing_file_user_path(file));
	backing_file_set_user_path(file, &none);
}

/*
 * Closes @file, of which the caller has the only reference, and keeps the reference to it. False,
 * and nothing was done, when it isn't one to be kept. May sleep.
 */
bool switchfs_helper_keep_file(struct file *file)
{
	const fmode_t mode = file->f_mode;
	struct inode *inode = file_inode(file);

	if (!(mode & (FMODE_READ | FMODE_WRITE)) ||
	    (mode & (FMODE_BACKING | FMODE_RANDOM | FMODE_NOREUSE)) != FMODE_BACKING ||
	    (mode & FMODE_FSNOTIFY_MASK) != UNWATCHED_MODE ||
	    !is_plain(file->f_flags) || file->f_op->flush)
		return false;
	/* security_file_release(), which is not called, is IMA's for what was written. */
	if (IS_IMA(inode))
		return false;
	/* A mapping, or a request that's still under way, has another. */
	if (file_count(file) != 1)
		return false;
	/* Whoever watches is told when it's closed. */
	if (fsnotify_sb_has_watchers(inode->i_sb))
		return false;

	if (file->f_op->release)
		file->f_op->release(inode, file);
	file->private_data = NULL;
	fops_put(file->f_op);
	/* No release, no module: it may outlive this one while it waits for its last fput(). */
	file->f_op = &generic_ro_fops;
	file->f_mode = (mode & MEMORY_MODE) | KEPT_MODE;
	put_access(file, mode);
	drop_user_path(file);
	return true;
}

/* Whether @file, which is kept, will do for @user, with @real and @flags, and under @cred. */
bool switchfs_helper_file_fits(const struct file *file, const struct file *user,
			       const struct path *real, unsigned int flags,
			       const struct cred *cred)
{
	return path_equal(&file->f_path, real) && file_inode(file) == d_inode(real->dentry) &&
	       file->f_cred == cred && is_plain(flags) &&
	       !((file->f_flags ^ flags) & O_ACCMODE) && !FMODE_FSNOTIFY_NONE(user->f_mode) &&
	       !fsnotify_sb_has_watchers(real->dentry->d_sb);
}

/*
 * Opens @file, which is kept and fits, for @user. After an error it's as it was. May sleep.
 */
int switchfs_helper_reuse_file(struct file *file, const struct file *user, unsigned int flags,
			       const struct cred *cred)
{
	const struct path *user_path = file_user_path(user);
	const fmode_t mode = OPEN_FMODE(flags);
	struct inode *inode = file_inode(file);
	const struct cred *old;
	int err;

	path_get(user_path);
	backing_file_set_user_path(file, user_path);
	file->f_wb_err = filemap_sample_wb_err(inode->i_mapping);
	file->f_sb_err = file_sample_sb_err(file);
	err = get_access(file, mode);
	if (err)
		goto fail;
	file->f_op = fops_get(inode->i_fop);
	if (!file->f_op) {
		err = -ENODEV;
		goto fail_access;
	}
	file->f_flags = flags;
	file->f_mode = mode | (file->f_mode & MEMORY_MODE) | UNWATCHED_MODE | FMODE_ATOMIC_POS |
		       FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;
	if (mode & FMODE_WRITE)
		file->f_mode |= FMODE_WRITER;
	file->f_mapping = inode->i_mapping;
	file->f_pos = 0;

	old = override_creds(cred);
	err = break_lease(inode, flags);
	if (!err && file->f_op->open)
		err = file->f_op->open(inode, file);
	revert_creds(old);
	if (err)
		goto fail_fops;

	file->f_mode |= FMODE_OPENED;
	if ((mode & FMODE_READ) && (file->f_op->read || file->f_op->read_iter))
		file->f_mode |= FMODE_CAN_READ;
	if ((mode & FMODE_WRITE) && (file->f_op->write || file->f_op->write_iter))
		file->f_mode |= FMODE_CAN_WRITE;
	if (!file->f_op->llseek)
		file->f_mode &= ~FMODE_LSEEK;
	if (file->f_mapping->a_ops && file->f_mapping->a_ops->direct_IO)
		file->f_mode |= FMODE_CAN_ODIRECT;
	file->f_iocb_flags = iocb_flags(file);
	file_ra_state_init(&file->f_ra, file->f_mapping->host->i_mapping);
	return 0;

fail_fops:
	fops_put(file->f_op);
	file->private_data = NULL;
	file->f_mode = (file->f_mode & MEMORY_MODE) | KEPT_MODE;
fail_access:
	file->f_op = &generic_ro_fops;
	put_access(file, mode);
fail:
	drop_user_path(file);
	return err;
}
