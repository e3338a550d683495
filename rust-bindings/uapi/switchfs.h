/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/* What user space may ask switchfs; to be copied by who does. */
#ifndef SWITCHFS_UAPI_H
#define SWITCHFS_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * struct switchfs_route_query - what would happen to a name
 * @type: the file type to be assumed, S_IFREG, S_IFDIR ...; 0 when it does not matter
 * @size: the size of the buffer; on return that of the whole text
 * @buffer: where the text goes, not NUL-terminated; nowhere if @size is 0
 * @name: the name, in the directory that is asked; NUL-terminated, of any bytes
 *	but '/', and neither "." nor ".."
 *
 * The text is that of the extended attribute trusted.switchfs.route. The name
 * need not exist.
 */
struct switchfs_route_query {
	__u32 type;
	__u32 size;
	__u64 buffer;
	char name[256];
};

/*
 * On a directory of switchfs, by who has CAP_SYS_ADMIN in the initial user
 * namespace (else EPERM). ERANGE when the text does not fit, with its size in
 * @size; EINVAL for what is no name or no type.
 */
#define SWITCHFS_IOC_ROUTE	_IOWR(0xF5, 1, struct switchfs_route_query)

#endif
