// SPDX-License-Identifier: GPL-2.0-only
/*
 * Out-of-line forms of what Rust cannot call; see helpers.h.
 */
#include <linux/backing-file.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/debugfs.h>
#include <linux/file.h>
#include <linux/filelock.h>
#include <linux/mm.h>
#include <linux/mnt_idmapping.h>
#include <linux/namei.h>
#include <linux/posix_acl.h>
#include <linux/ratelimit.h>
#include <linux/sched.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/uio.h>
#ifdef CONFIG_DCACHE_WORD_ACCESS
#include <asm/word-at-a-time.h>
#endif

#include "helpers.h"

const struct cred *switchfs_helper_current_cred(void)
{
	return current_cred();
}

const struct cred *switchfs_helper_override_creds(const struct cred *cred)
{
	return override_creds(cred);
}

void switchfs_helper_revert_creds(const struct cred *old)
{
	revert_creds(old);
}

/* With @cred, or the current credentials if it is NULL. May run in RCU walk. */
int switchfs_helper_inode_permission(struct mnt_idmap *idmap, struct inode *inode, int mask,
				     const struct cred *cred)
{
	const struct cred *old;
	int err;

	if (!cred)
		return inode_permission(idmap, inode, mask);

	old = override_creds(cred);
	err = inode_permission(idmap, inode, mask);
	revert_creds(old);
	return err;
}

int switchfs_helper_getattr(const struct path *path, struct kstat *stat, u32 mask,
			    unsigned int flags, const struct cred *cred)
{
	const struct cred *old;
	int err;

	if (!cred)
		return vfs_getattr_nosec(path, stat, mask, flags);

	old = override_creds(cred);
	err = vfs_getattr_nosec(path, stat, mask, flags);
	revert_creds(old);
	return err;
}

/*
 * The same for a @stat with which ->getattr of switchfs is called: cleared, and
 * completed by the VFS if it is a block device's. What vfs_getattr_nosec()
 * would add to that for some objects it is to add by itself.
 */
int switchfs_helper_fill_attr(const struct path *path, struct kstat *stat, u32 mask,
			      unsigned int flags, const struct cred *cred)
{
	struct inode *inode = d_inode(path->dentry);
	const struct cred *old = NULL;
	int err;

	if (unlikely((inode->i_flags & (S_AUTOMOUNT | S_DAX | S_VERITY)) ||
		     (inode->i_sb->s_flags & SB_NOATIME) || !inode->i_op->getattr))
		return switchfs_helper_getattr(path, stat, mask, flags, cred);

	stat->result_mask = STATX_BASIC_STATS;
	if (cred)
		old = override_creds(cred);
	err = inode->i_op->getattr(mnt_idmap(path->mnt), path, stat, mask, flags);
	if (cred)
		revert_creds(old);
	return err;
}

ssize_t switchfs_helper_getxattr(struct mnt_idmap *idmap, struct dentry *dentry, const char *name,
				 void *value, size_t size, const struct cred *cred)
{
	const struct cred *old;
	ssize_t ret;

	if (!cred)
		return vfs_getxattr(idmap, dentry, name, value, size);

	old = override_creds(cred);
	ret = vfs_getxattr(idmap, dentry, name, value, size);
	revert_creds(old);
	return ret;
}

void switchfs_helper_put_cred(const struct cred *cred)
{
	put_cred(cred);
}

/* Not audited: what the caller is not shown it did not ask for. */
bool switchfs_helper_admin(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN);
}

/* The caller's credentials without the right to exceed quotas and reserves. */
struct cred *switchfs_helper_mounter_creds(void)
{
	struct cred *cred = prepare_creds();

	if (cred)
		cap_lower(cred->cap_effective, CAP_SYS_RESOURCE);
	return cred;
}

/* Whether a security module is active that gives objects labels: that of who makes them, say. */
bool switchfs_helper_labels(void)
{
	return security_ismaclabel("selinux") || security_ismaclabel("SMACK64");
}

/* A copy of @base with these ids. */
static struct cred *creds_with(const struct cred *base, kuid_t uid, kgid_t gid)
{
	const struct cred *old = override_creds(base);
	struct cred *cred = prepare_creds();

	revert_creds(old);
	if (cred) {
		cred->fsuid = uid;
		cred->fsgid = gid;
	}
	return cred;
}

/* What is in @cache, with a reference, if it has these ids. */
static struct cred *cached_creds(const struct cred **cache, kuid_t uid, kgid_t gid)
{
	const struct cred *cred;

	guard(rcu)();
	/* Freed after a grace period, as credentials with several references are. */
	cred = READ_ONCE(*cache);
	if (!cred || !uid_eq(cred->fsuid, uid) || !gid_eq(cred->fsgid, gid))
		return NULL;
	return (struct cred *)get_cred_rcu(cred);
}

/*
 * A copy of @base under which a new object belongs to the current task, as
 * @idmap has it, and gets the label that the task's own creation would get.
 * With @cache, which is for tasks whose objects get no label, the last copy is
 * kept there and used again: it then differs from @base in its ids alone, and
 * the security module is only asked whether it refuses.
 */
struct cred *switchfs_helper_creator_creds(const struct cred *base, struct mnt_idmap *idmap,
					   struct dentry *dentry, umode_t mode,
					   const struct cred **cache)
{
	struct user_namespace *ns = dentry->d_sb->s_user_ns;
	const struct cred *caller = current_cred();
	/* The VFS has seen that both are mapped. */
	kuid_t uid = from_vfsuid(idmap, ns, VFSUIDT_INIT(caller->fsuid));
	kgid_t gid = from_vfsgid(idmap, ns, VFSGIDT_INIT(caller->fsgid));
	struct cred *cred = cache ? cached_creds(cache, uid, gid) : NULL;
	int err;

	if (!cred) {
		cred = creds_with(base, uid, gid);
		if (!cred)
			return ERR_PTR(-ENOMEM);
		if (cache)
			put_cred(xchg(cache, get_cred(cred)));
	}

	err = security_dentry_create_files_as(dentry, mode, &dentry->d_name, caller, cred);
	if (err) {
		put_cred(cred);
		return ERR_PTR(err);
	}
	return cred;
}

struct dentry *switchfs_helper_dget(struct dentry *dentry)
{
	return dget(dentry);
}

/*
 * Whether a dentry's name is the @len bytes at @name. The name is not known to
 * be that long, but ends with a NUL, and may be read to the end of a word.
 */
static __always_inline bool same_name(const unsigned char *dname, const unsigned char *name,
				      unsigned int len)
{
#ifdef CONFIG_DCACHE_WORD_ACCESS
	/* No shift and no index that is checked: a call would make this no leaf. */
	static const unsigned long masks[sizeof(long)] = {
		0, bytemask_from_count(1), bytemask_from_count(2), bytemask_from_count(3),
		bytemask_from_count(4), bytemask_from_count(5), bytemask_from_count(6),
		bytemask_from_count(7),
	};

	for (; len >= sizeof(long); len -= sizeof(long)) {
		if (read_word_at_a_time(dname) != load_unaligned_zeropad(name))
			return false;
		dname += sizeof(long);
		name += sizeof(long);
	}
	return !len ||
	       !((read_word_at_a_time(dname) ^ load_unaligned_zeropad(name)) & masks[len & 7]);
#else
	return !strncmp(dname, name, len);
#endif
}

static __always_inline bool d_at(const struct dentry *dentry, const struct dentry *parent,
				 const unsigned char *name, unsigned int len)
{
	/* Pairs with the publication of the name in __d_alloc(). */
	const unsigned char *n = smp_load_acquire(&dentry->d_name.name);

	return READ_ONCE(dentry->d_parent) == parent && READ_ONCE(dentry->d_name.len) == len &&
	       !d_unhashed(dentry) && same_name(n, name, len);
}

static noinline bool d_at_moving(const struct dentry *dentry, const struct dentry *parent,
				 const unsigned char *name, unsigned int len)
{
	unsigned int seq;
	bool at;

	do {
		seq = read_seqcount_begin(&dentry->d_seq);
		at = d_at(dentry, parent, name, len);
	} while (read_seqcount_retry(&dentry->d_seq, seq));

	return at;
}

/*
 * Whether @dentry is hashed as @name in @parent. Runs in an RCU read-side
 * section: the name is only trusted when d_seq did not change while it was
 * read, and is read up to its NUL, as in dentry_cmp(), since another length may
 * belong to it.
 */
bool switchfs_helper_d_at(const struct dentry *dentry, const struct dentry *parent,
			  const unsigned char *name, unsigned int len)
{
	unsigned int seq = raw_seqcount_begin(&dentry->d_seq);
	bool at = d_at(dentry, parent, name, len);

	if (unlikely(read_seqcount_retry(&dentry->d_seq, seq)))
		return d_at_moving(dentry, parent, name, len);
	return at;
}

unsigned int switchfs_helper_d_seq(const struct dentry *dentry)
{
	return read_seqcount_begin(&dentry->d_seq);
}

/*
 * A reference to what is in d_fsdata. A lookup may replace and let go of it
 * meanwhile; then what it was replaced by is there. No lock of @dentry's is held
 * while the branch's is taken.
 */
struct dentry *switchfs_helper_d_get_real(struct dentry *dentry)
{
	guard(rcu)();
	for (;;) {
		/* Pairs with the exchange in set_real(). */
		struct dentry *real = smp_load_acquire((struct dentry **)&dentry->d_fsdata);

		if (!real || lockref_get_not_dead(&real->d_lockref))
			return real;
	}
}

struct dentry *switchfs_helper_end_creating_keep(struct dentry *dentry)
{
	return end_creating_keep(dentry);
}

void switchfs_helper_inode_lock(struct inode *inode)
{
	inode_lock(inode);
}

bool switchfs_helper_inode_trylock(struct inode *inode)
{
	return inode_trylock(inode);
}

void switchfs_helper_inode_unlock(struct inode *inode)
{
	inode_unlock(inode);
}

int switchfs_helper_get_write_access(struct inode *inode)
{
	return get_write_access(inode);
}

int switchfs_helper_break_lease(struct inode *inode)
{
	return break_lease(inode, O_WRONLY);
}

int switchfs_helper_break_deleg_wait(struct delegated_inode *delegated)
{
	return break_deleg_wait(delegated);
}

void switchfs_helper_put_write_access(struct inode *inode)
{
	put_write_access(inode);
}

bool switchfs_helper_inode_is_new(struct inode *inode)
{
	return inode_state_read_once(inode) & I_NEW;
}

/*
 * Refreshes @inode from the branch's @real. Set-id bits outside @mode_mask are
 * not taken over from a non-directory.
 */
void switchfs_helper_copyattr(struct inode *inode, const struct inode *real,
			      struct mnt_idmap *idmap, umode_t mode_mask)
{
	umode_t mode = READ_ONCE(real->i_mode);

	if (!S_ISDIR(mode))
		mode &= mode_mask;

	spin_lock(&inode->i_lock);
	inode->i_uid = vfsuid_into_kuid(i_uid_into_vfsuid(idmap, real));
	inode->i_gid = vfsgid_into_kgid(i_gid_into_vfsgid(idmap, real));
	/* The type of an inode never changes, whatever a server makes of it. */
	inode->i_mode = (inode->i_mode & S_IFMT) | (mode & ~S_IFMT);
	inode_set_atime_to_ts(inode, inode_get_atime(real));
	inode_set_mtime_to_ts(inode, inode_get_mtime(real));
	inode_set_ctime_to_ts(inode, inode_get_ctime(real));
	i_size_write(inode, i_size_read(real));
	if (inode->i_nlink != real->i_nlink)
		set_nlink(inode, real->i_nlink);
	inode->i_blkbits = real->i_blkbits;
	inode_set_flags(inode, real->i_flags & SWITCHFS_COPY_FLAGS, SWITCHFS_COPY_FLAGS);
	spin_unlock(&inode->i_lock);
}

/*
 * Whether a write finds nothing to take away (S_NOSEC) is known of the branch's
 * inode at this moment alone: true for the time of a write under @inode's lock.
 */
bool switchfs_helper_set_nosec(struct inode *inode, const struct inode *real)
{
	unsigned int nosec = READ_ONCE(real->i_flags) & S_NOSEC;

	inode_set_flags(inode, nosec, S_NOSEC);
	return nosec;
}

void switchfs_helper_clear_nosec(struct inode *inode)
{
	inode_set_flags(inode, 0, S_NOSEC);
}

/* Whether what permission checks read is out of date. May run in RCU walk. */
bool switchfs_helper_attr_differs(const struct inode *inode, const struct inode *real,
				  struct mnt_idmap *idmap, umode_t mode_mask)
{
	umode_t mode = READ_ONCE(real->i_mode);

	if (!S_ISDIR(mode))
		mode &= mode_mask;

	return ((READ_ONCE(inode->i_mode) ^ mode) & ~S_IFMT) ||
	       !uid_eq(inode->i_uid, vfsuid_into_kuid(i_uid_into_vfsuid(idmap, real))) ||
	       !gid_eq(inode->i_gid, vfsgid_into_kgid(i_gid_into_vfsgid(idmap, real))) ||
	       ((READ_ONCE(inode->i_flags) ^ READ_ONCE(real->i_flags)) & SWITCHFS_COPY_FLAGS);
}

#define SWITCHFS_DEPTHS FILESYSTEM_MAX_STACK_DEPTH

/*
 * An inode's lock is taken before those of the branch's inode below it, which
 * may be a switchfs inode too: one class for each depth.
 */
void switchfs_helper_lockdep_inode(struct inode *inode, int depth)
{
#ifdef CONFIG_LOCKDEP
	static struct lock_class_key dir_key[SWITCHFS_DEPTHS];
	static struct lock_class_key key[SWITCHFS_DEPTHS];
	int i = clamp(depth - 1, 0, SWITCHFS_DEPTHS - 1);

	if (S_ISDIR(inode->i_mode))
		lockdep_set_class(&inode->i_rwsem, &dir_key[i]);
	else
		lockdep_set_class(&inode->i_rwsem, &key[i]);
#endif
}

/* Nobody holds these locks yet: the superblock has no root. */
void switchfs_helper_lockdep_sb(struct super_block *sb, int depth)
{
#ifdef CONFIG_LOCKDEP
	static struct lock_class_key rename_key[SWITCHFS_DEPTHS];
	static struct lock_class_key writers_key[SWITCHFS_DEPTHS][SB_FREEZE_LEVELS];
	int i = clamp(depth - 1, 0, SWITCHFS_DEPTHS - 1);
	int level;

	lockdep_set_class(&sb->s_vfs_rename_mutex, &rename_key[i]);
	for (level = 0; level < SB_FREEZE_LEVELS; level++)
		lockdep_set_class(&sb->s_writers.rw_sem[level], &writers_key[i][level]);
#endif
}

struct kmem_cache *switchfs_helper_inode_cache(const char *name, unsigned int size,
					       void (*ctor)(void *))
{
	return kmem_cache_create(name, size, 0, SLAB_RECLAIM_ACCOUNT | SLAB_ACCOUNT, ctor);
}

void *switchfs_helper_alloc_inode(struct super_block *sb, struct kmem_cache *cache)
{
	return alloc_inode_sb(sb, cache, GFP_KERNEL);
}

/*
 * Takes over @acl of @real and returns it with the ids seen through @idmap: a
 * copy, since the branch may have it cached.
 */
struct posix_acl *switchfs_helper_acl_map(struct posix_acl *acl, const struct inode *real,
					  struct mnt_idmap *idmap)
{
	struct user_namespace *ns = i_user_ns(real);
	struct posix_acl_entry *entry, *end;
	struct posix_acl *mapped;

	if (IS_ERR_OR_NULL(acl) || idmap == &nop_mnt_idmap)
		return acl;

	mapped = posix_acl_clone(acl, GFP_KERNEL);
	posix_acl_release(acl);
	if (!mapped)
		return ERR_PTR(-ENOMEM);

	FOREACH_ACL_ENTRY(entry, mapped, end) {
		if (entry->e_tag == ACL_USER)
			entry->e_uid = vfsuid_into_kuid(make_vfsuid(idmap, ns, entry->e_uid));
		else if (entry->e_tag == ACL_GROUP)
			entry->e_gid = vfsgid_into_kgid(make_vfsgid(idmap, ns, entry->e_gid));
	}
	return mapped;
}

struct posix_acl *switchfs_helper_acl_copy(const struct posix_acl *acl)
{
	return posix_acl_clone(acl, GFP_KERNEL);
}

/* The owner as a mount with the mapping @idmap shows it. */
void switchfs_helper_stat_map(struct kstat *stat, struct mnt_idmap *idmap)
{
	struct user_namespace *ns = &init_user_ns;

	stat->uid = vfsuid_into_kuid(make_vfsuid(idmap, ns, stat->uid));
	stat->gid = vfsgid_into_kgid(make_vfsgid(idmap, ns, stat->gid));
}

/* The owner that a mount with the mapping @idmap is given, as switchfs has it. */
void switchfs_helper_iattr_unmap(struct iattr *attr, struct mnt_idmap *idmap)
{
	struct user_namespace *ns = &init_user_ns;

	if (attr->ia_valid & ATTR_UID)
		attr->ia_uid = from_vfsuid(idmap, ns, attr->ia_vfsuid);
	if (attr->ia_valid & ATTR_GID)
		attr->ia_gid = from_vfsgid(idmap, ns, attr->ia_vfsgid);
}

void switchfs_helper_acl_release(struct posix_acl *acl)
{
	posix_acl_release(acl);
}

bool switchfs_helper_takes_acls(const struct inode *real)
{
	return IS_POSIXACL(real) && real->i_op->set_acl;
}

bool switchfs_helper_acl_clears_setgid(struct mnt_idmap *idmap, const struct inode *inode)
{
	return (inode->i_mode & S_ISGID) &&
	       !vfsgid_in_group_p(i_gid_into_vfsgid(idmap, inode)) &&
	       !capable_wrt_inode_uidgid(idmap, inode, CAP_FSETID);
}

/* Where there are no labels, or @to cannot have one, nothing is done. */
int switchfs_helper_copy_label(struct inode *from, struct dentry *to)
{
	struct lsm_context label = {};
	int err;

	err = security_inode_getsecctx(from, &label);
	if (!err) {
		inode_lock(d_inode(to));
		err = security_inode_setsecctx(to, label.context, label.len);
		inode_unlock(d_inode(to));
		security_release_secctx(&label);
	}
	return err == -EOPNOTSUPP ? 0 : err;
}

struct mnt_idmap *switchfs_helper_mnt_idmap(const struct vfsmount *mnt)
{
	return mnt_idmap(mnt);
}

bool switchfs_helper_in_init_user_ns(const struct super_block *sb)
{
	return sb->s_user_ns == &init_user_ns;
}

int switchfs_helper_sync_branch(struct super_block *sb, int depth)
{
	int err;

	down_read_nested(&sb->s_umount, depth);
	err = sync_filesystem(sb);
	up_read(&sb->s_umount);
	return err;
}

/* The context may have been passed to a task of another user namespace. */
bool switchfs_helper_creds_match(const struct fs_context *fc)
{
	return fc->user_ns == current_user_ns();
}

void switchfs_helper_fc_error(struct fs_context *fc, const char *text, int len)
{
	errorfc(fc, "%.*s", len, text);
}

void switchfs_helper_init_sync_kiocb(struct kiocb *kiocb, struct file *file)
{
	init_sync_kiocb(kiocb, file);
}

static void change_flags(struct file *file, unsigned int flags, unsigned int mask)
{
	spin_lock(&file->f_lock);
	file->f_flags = (file->f_flags & ~mask) | flags;
	file->f_iocb_flags = iocb_flags(file);
	spin_unlock(&file->f_lock);
}

void switchfs_helper_clear_append(struct file *file)
{
	change_flags(file, 0, O_APPEND);
}

/* Carries what F_SETFL changed on the user's file over to the backing file. */
int switchfs_helper_set_flags(struct file *file, unsigned int flags, unsigned int mask)
{
	flags &= mask;

	if ((flags & O_DIRECT) && !(file->f_mode & FMODE_CAN_ODIRECT))
		return -EINVAL;
	if (file->f_op->check_flags) {
		int err = file->f_op->check_flags(flags);

		if (err)
			return err;
	}
	change_flags(file, flags, mask);
	return 0;
}

/*
 * What touch_atime() asks of the mount and the superblock: whether they leave
 * access times alone, or are read-only.
 */
static __always_inline bool noatime(const struct file *file)
{
	const struct vfsmount *mnt = file->f_path.mnt;
	unsigned long mnt_flags = mnt->mnt_flags, sb_flags = mnt->mnt_sb->s_flags;

	if ((mnt_flags & (MNT_NOATIME | MNT_READONLY)) || (sb_flags & (SB_NOATIME | SB_RDONLY)) ||
	    (file->f_flags & O_NOATIME))
		return true;
	return ((mnt_flags & MNT_NODIRATIME) || (sb_flags & SB_NODIRATIME)) &&
	       S_ISDIR(file_inode(file)->i_mode);
}

bool switchfs_helper_file_noatime(const struct file *file)
{
	return noatime(file);
}

/* path_noexec(), which is not exported. */
bool switchfs_helper_file_noexec(const struct file *file)
{
	const struct vfsmount *mnt = file->f_path.mnt;

	return (mnt->mnt_flags & MNT_NOEXEC) || (mnt->mnt_sb->s_iflags & SB_I_NOEXEC);
}

void switchfs_helper_vma_deny_exec(struct vm_area_struct *vma)
{
	vm_flags_clear(vma, VM_MAYEXEC);
}

/*
 * Opens @real, a regular file, behind @user with @flags and under @cred, or the current credentials
 * if it is NULL. Each request says for itself whether it appends: RWF_NOAPPEND can only be honoured
 * by a file that does not; the branch was told O_APPEND.
 */
struct file *switchfs_helper_open_backing(const struct file *user, const struct path *real,
					  unsigned int flags, const struct cred *cred)
{
	const struct cred *old = NULL;
	struct file *file;

	if (noatime(user))
		flags |= O_NOATIME;

	if (cred)
		old = override_creds(cred);
	file = backing_file_open(user, flags, real, current_cred());
	if (cred)
		revert_creds(old);

	if ((flags & O_APPEND) && !IS_ERR(file))
		change_flags(file, 0, O_APPEND);
	return file;
}

/* Ten lines a minute; how many were left out is told with the first one after. */
void switchfs_helper_ratelimit_init(struct ratelimit_state *state)
{
	ratelimit_state_init(state, 60 * HZ, 10);
	ratelimit_set_flags(state, RATELIMIT_MSG_ON_RELEASE);
}

bool switchfs_helper_ratelimit(struct ratelimit_state *state)
{
	return __ratelimit(state);
}

/* @comm has TASK_COMM_LEN bytes. */
void switchfs_helper_current_comm(char *comm)
{
	strscpy_pad(comm, current->comm, TASK_COMM_LEN);
}

/* An error where there is none: what is given one as @parent makes nothing. */
struct dentry *switchfs_helper_debugfs_dir(const char *name, struct dentry *parent)
{
	return debugfs_create_dir(name, parent);
}

void switchfs_helper_debugfs_file(const char *name, umode_t mode, struct dentry *parent,
				  void *data, const struct file_operations *fops)
{
	debugfs_create_file(name, mode, parent, data, fops);
}

/* Waits for those who use its files. */
void switchfs_helper_debugfs_remove(struct dentry *dir)
{
	debugfs_remove(dir);
}

void switchfs_helper_debugfs_remove_name(const char *name, struct dentry *parent)
{
	if (!IS_ERR_OR_NULL(parent))
		debugfs_lookup_and_remove(name, parent);
}
