/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Headers that the kernel's own rust/bindings/bindings_helper.h leaves out.
 *
 * bindgen reads this file; what it may take from it is in bindgen_parameters.
 */
#include <linux/backing-file.h>
#include <linux/bpf.h>
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/exportfs.h>
#include <linux/fiemap.h>
#include <linux/file.h>
#include <linux/fileattr.h>
#include <linux/filelock.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/mnt_idmapping.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/pagemap.h>
#include <linux/path.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/security.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/stat.h>
#include <linux/statfs.h>
#include <linux/xattr.h>

#include "bpf.h"
#include "helpers.h"
#include "uapi/switchfs.h"

/* Macros that bindgen cannot evaluate; the prefix is cut off in the result. */
const unsigned int SWITCHFS_CONST_FMODE_READ = (__force unsigned int)FMODE_READ;
const unsigned int SWITCHFS_CONST_FMODE_WRITE = (__force unsigned int)FMODE_WRITE;
const unsigned int SWITCHFS_CONST_FMODE_CREATED = (__force unsigned int)FMODE_CREATED;
const unsigned int SWITCHFS_CONST_FMODE_EXEC = (__force unsigned int)FMODE_EXEC;
const unsigned int SWITCHFS_CONST_FMODE_32BITHASH = (__force unsigned int)FMODE_32BITHASH;
const unsigned int SWITCHFS_CONST_LOOKUP_FOLLOW = LOOKUP_FOLLOW;
const unsigned int SWITCHFS_CONST_LOOKUP_DIRECTORY = LOOKUP_DIRECTORY;
const unsigned int SWITCHFS_CONST_LOOKUP_RCU = LOOKUP_RCU;
const unsigned int SWITCHFS_CONST_LOOKUP_CREATE = LOOKUP_CREATE;
const unsigned int SWITCHFS_CONST_LOOKUP_OPEN = LOOKUP_OPEN;
const unsigned int SWITCHFS_CONST_LOOKUP_RENAME_TARGET = LOOKUP_RENAME_TARGET;
const unsigned long SWITCHFS_CONST_SB_POSIXACL = SB_POSIXACL;
const unsigned int SWITCHFS_CONST_FS_IOC_GETFLAGS = FS_IOC_GETFLAGS;
const unsigned int SWITCHFS_CONST_FS_IOC_SETFLAGS = FS_IOC_SETFLAGS;
const unsigned int SWITCHFS_CONST_FS_IOC_FSGETXATTR = FS_IOC_FSGETXATTR;
const unsigned int SWITCHFS_CONST_FS_IOC_FSSETXATTR = FS_IOC_FSSETXATTR;
const unsigned int SWITCHFS_CONST_FMODE_OPENED = (__force unsigned int)FMODE_OPENED;
const unsigned int SWITCHFS_CONST_FMODE_NOWAIT = (__force unsigned int)FMODE_NOWAIT;
const unsigned int SWITCHFS_CONST_FMODE_CAN_ODIRECT = (__force unsigned int)FMODE_CAN_ODIRECT;
const unsigned int SWITCHFS_CONST_FMODE_LSEEK = (__force unsigned int)FMODE_LSEEK;
const unsigned int SWITCHFS_CONST_FMODE_PREAD = (__force unsigned int)FMODE_PREAD;
const unsigned int SWITCHFS_CONST_FMODE_PWRITE = (__force unsigned int)FMODE_PWRITE;
const unsigned int SWITCHFS_CONST_COPY_FLAGS = SWITCHFS_COPY_FLAGS;
const int SWITCHFS_CONST_IOCB_NOWAIT = IOCB_NOWAIT;
const unsigned int SWITCHFS_CONST_SWITCHFS_IOC_ROUTE = SWITCHFS_IOC_ROUTE;
