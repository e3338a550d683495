/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Out-of-line forms of what Rust cannot call: static inlines, macros, lockdep keys.
 *
 * The prefix is our own because vmlinux exports `rust_helper_*`.
 */
#ifndef SWITCHFS_HELPERS_H
#define SWITCHFS_HELPERS_H

#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/jump_label.h>
#include <linux/mount.h>
#include <linux/ratelimit.h>
#include <linux/posix_acl.h>

/* credentials */
const struct cred *switchfs_helper_current_cred(void);
const struct cred *switchfs_helper_override_creds(const struct cred *cred);
void switchfs_helper_revert_creds(const struct cred *old);
int switchfs_helper_inode_permission(struct mnt_idmap *idmap, struct inode *inode, int mask,
				     const struct cred *cred);
ssize_t switchfs_helper_getxattr(struct mnt_idmap *idmap, struct dentry *dentry, const char *name,
				 void *value, size_t size, const struct cred *cred);
int switchfs_helper_getattr(const struct path *path, struct kstat *stat, u32 mask,
			    unsigned int flags, const struct cred *cred);
int switchfs_helper_fill_attr(const struct path *path, struct kstat *stat, u32 mask,
			      unsigned int flags, const struct cred *cred);
void switchfs_helper_put_cred(const struct cred *cred);
bool switchfs_helper_admin(void);
struct cred *switchfs_helper_mounter_creds(void);
bool switchfs_helper_labels(void);
struct cred *switchfs_helper_creator_creds(const struct cred *base, struct mnt_idmap *idmap,
					   struct dentry *dentry, umode_t mode,
					   const struct cred **cache);

/* dentries */
struct dentry *switchfs_helper_dget(struct dentry *dentry);
bool switchfs_helper_d_at(const struct dentry *dentry, const struct dentry *parent,
			  const unsigned char *name, unsigned int len);
unsigned int switchfs_helper_d_seq(const struct dentry *dentry);
struct dentry *switchfs_helper_d_get_real(struct dentry *dentry);
struct dentry *switchfs_helper_end_creating_keep(struct dentry *dentry);

/* inodes */

/* The flags that are the branch's. */
#define SWITCHFS_COPY_FLAGS (S_SYNC | S_IMMUTABLE | S_APPEND | S_DIRSYNC)

void switchfs_helper_inode_lock(struct inode *inode);
bool switchfs_helper_inode_trylock(struct inode *inode);
void switchfs_helper_inode_unlock(struct inode *inode);
void switchfs_helper_stat_map(struct kstat *stat, struct mnt_idmap *idmap);
void switchfs_helper_iattr_unmap(struct iattr *attr, struct mnt_idmap *idmap);
int switchfs_helper_get_write_access(struct inode *inode);
int switchfs_helper_break_lease(struct inode *inode);
int switchfs_helper_break_deleg_wait(struct delegated_inode *delegated);
void switchfs_helper_put_write_access(struct inode *inode);
bool switchfs_helper_inode_is_new(struct inode *inode);
void switchfs_helper_copyattr(struct inode *inode, const struct inode *real,
			      struct mnt_idmap *idmap, umode_t mode_mask);
bool switchfs_helper_attr_differs(const struct inode *inode, const struct inode *real,
				  struct mnt_idmap *idmap, umode_t mode_mask);
bool switchfs_helper_set_nosec(struct inode *inode, const struct inode *real);
void switchfs_helper_clear_nosec(struct inode *inode);
void switchfs_helper_lockdep_inode(struct inode *inode, int depth);
void switchfs_helper_lockdep_sb(struct super_block *sb, int depth);
struct kmem_cache *switchfs_helper_inode_cache(const char *name, unsigned int size,
					       void (*ctor)(void *));
void *switchfs_helper_alloc_inode(struct super_block *sb, struct kmem_cache *cache);

/* ACLs */
struct posix_acl *switchfs_helper_acl_map(struct posix_acl *acl, const struct inode *real,
					  struct mnt_idmap *idmap);
struct posix_acl *switchfs_helper_acl_copy(const struct posix_acl *acl);
void switchfs_helper_acl_release(struct posix_acl *acl);
bool switchfs_helper_takes_acls(const struct inode *real);
bool switchfs_helper_acl_clears_setgid(struct mnt_idmap *idmap, const struct inode *inode);

/* callers */
bool switchfs_helper_in_groups(const struct cred *cred, u32 first, u32 last);
struct cgroup *switchfs_helper_cgroup_get(void);
void switchfs_helper_cgroup_put(struct cgroup *cgrp);
bool switchfs_helper_in_cgroup(struct cgroup *cgrp, const char *path, size_t len, int level,
			       u64 *known, u64 *other);

/* case folding */
struct unicode_map *switchfs_helper_dir_encoding(const struct inode *dir);
struct unicode_map *switchfs_helper_mnt_encoding(const struct vfsmount *mnt);
int switchfs_helper_casefold(const struct unicode_map *map, const unsigned char *name,
			     unsigned int len, unsigned char *folded, size_t room);

/* labels */
int switchfs_helper_copy_label(struct inode *from, struct dentry *to);

/* mounts and superblocks */
struct mnt_idmap *switchfs_helper_mnt_idmap(const struct vfsmount *mnt);
bool switchfs_helper_in_init_user_ns(const struct super_block *sb);
int switchfs_helper_sync_branch(struct super_block *sb, int depth);
bool switchfs_helper_creds_match(const struct fs_context *fc);
void switchfs_helper_fc_error(struct fs_context *fc, const char *text, int len);

/* files */
void switchfs_helper_init_sync_kiocb(struct kiocb *kiocb, struct file *file);
void switchfs_helper_clear_append(struct file *file);
int switchfs_helper_set_flags(struct file *file, unsigned int flags, unsigned int mask);
struct file *switchfs_helper_open_backing(const struct file *user, const struct path *real,
					  unsigned int flags, const struct cred *cred);
bool switchfs_helper_file_noatime(const struct file *file);
bool switchfs_helper_file_noexec(const struct file *file);
void switchfs_helper_vma_deny_exec(struct vm_area_struct *vma);

/* kept files */
bool switchfs_helper_security_ties_files(void);
bool switchfs_helper_keep_file(struct file *file);
bool switchfs_helper_file_fits(const struct file *file, const struct file *user,
			       const struct path *real, unsigned int flags,
			       const struct cred *cred);
int switchfs_helper_reuse_file(struct file *file, const struct file *user, unsigned int flags,
			       const struct cred *cred);

/* log */
void switchfs_helper_ratelimit_init(struct ratelimit_state *state);
bool switchfs_helper_ratelimit(struct ratelimit_state *state);

/* watching */

/* A key in a structure is what kernel::jump_label can name. */
struct switchfs_key {
	struct static_key_false key;
};

extern struct switchfs_key switchfs_watch;

void switchfs_helper_watch(bool on);
void switchfs_helper_trace_route(u32 dev, const char *op, size_t op_len,
				 const unsigned char *name, size_t len, u64 ino,
				 const char *branch, int rule);
void switchfs_helper_trace_refuse(u32 dev, const char *op, size_t op_len,
				  const unsigned char *name, size_t len,
				  const char *reason, int err, int rule);
void switchfs_helper_trace_revalidate(u32 dev, const unsigned char *name, size_t len, int result);
void switchfs_helper_trace_open(u32 dev, const char *branch, u64 ino, unsigned int flags);
void switchfs_helper_current_comm(char *comm);

/* debugfs, which there need not be */
struct dentry *switchfs_helper_debugfs_dir(const char *name, struct dentry *parent);
void switchfs_helper_debugfs_file(const char *name, umode_t mode, struct dentry *parent,
				  void *data, const struct file_operations *fops);
void switchfs_helper_debugfs_remove(struct dentry *dir);
void switchfs_helper_debugfs_remove_name(const char *name, struct dentry *parent);

#endif /* SWITCHFS_HELPERS_H */
