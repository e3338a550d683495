// SPDX-License-Identifier: GPL-2.0-only
/*
 * Case folding.
 */
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/unicode.h>

#include "helpers.h"

#if IS_ENABLED(CONFIG_UNICODE)
struct unicode_map *switchfs_helper_dir_encoding(const struct inode *dir)
{
	return IS_CASEFOLDED(dir) ? dir->i_sb->s_encoding : NULL;
}

struct unicode_map *switchfs_helper_mnt_encoding(const struct vfsmount *mnt)
{
	return mnt->mnt_sb->s_encoding;
}

int switchfs_helper_casefold(const struct unicode_map *map, const unsigned char *name,
			     unsigned int len, unsigned char *folded, size_t room)
{
	struct qstr qstr = QSTR_INIT(name, len);

	return utf8_casefold(map, &qstr, folded, room);
}
#else
struct unicode_map *switchfs_helper_dir_encoding(const struct inode *dir)
{
	return NULL;
}

struct unicode_map *switchfs_helper_mnt_encoding(const struct vfsmount *mnt)
{
	return NULL;
}

int switchfs_helper_casefold(const struct unicode_map *map, const unsigned char *name,
			     unsigned int len, unsigned char *folded, size_t room)
{
	return -EINVAL;
}
#endif
