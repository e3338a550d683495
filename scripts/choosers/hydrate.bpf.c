// SPDX-License-Identifier: GPL-2.0-only
/*
 * hydrate: files on demand. The local branch `hot` holds every name from the beginning, files
 * that were not fetched yet as placeholders: with size and times, without data (`truncate -s`),
 * and with the attribute user.placeholder, whatever its value. Looking at them, listing,
 * renaming and removing never leaves `hot`. Opening one asks the FUSE server `srv` first, which
 * fills the local file and removes the attribute, or moves a finished file into its place; the
 * open returns when its own open has, and data is local from then on. A complete file costs no
 * request.
 *
 * Load:   chooser load hydrate.bpf.o
 * Mount:  mount -t switchfs -o branches=hot=/srv/hot:srv=/mnt/fuse,chooser=bpf:hydrate none /mnt
 *
 * The server's errno is the opener's. Let it serialise openers of one file. What truncates, by
 * O_TRUNC or truncate(2), asks for write permission instead (an ACCESS request, if the FUSE mount
 * is without default_permissions), at which the server must do the same. To free a file's space,
 * move a placeholder into its place; that a file is complete is remembered while it is cached, so
 * the attribute alone, set later, does nothing. Who owns a file can set and remove user.*: with a
 * server that is root's, take trusted.placeholder.
 *
 * No rule can ask for an attribute. With rules, what is there is complete:
 *
 *   exists=hot -> hot
 *   op=open -> gate:srv hot
 *   name=* -> hot|srv
 */
#include "switchfs.bpf.h"

char _license[] SEC("license") = "GPL";

SEC("struct_ops")
__u64 BPF_PROG(choose, struct switchfs_ctx *call)
{
	char mark[1];
	int ret, srv;

	if (call->type != S_IFREG)
		return SWITCHFS_RULES | SWITCHFS_FOR_ALL;
	ret = bpf_switchfs_xattr(call, "user.placeholder", mark, sizeof(mark));
	/* Not known yet: switchfs reads it and asks again. */
	if (ret == -EAGAIN)
		return SWITCHFS_NEED;
	if (ret == -ENODATA)
		return SWITCHFS_RULES | SWITCHFS_FOR_ALL;
	/* -E2BIG is an attribute, too; all else is no reason to show holes. */
	if (ret < 0 && ret != -E2BIG)
		return SWITCHFS_DENY_WITH(EIO);
	srv = bpf_switchfs_branch(call, "srv");
	if (srv < 0)
		return SWITCHFS_DENY_WITH(EIO);
	return SWITCHFS_GATE_TO(srv, call->home);
}

SEC(".struct_ops.link")
struct switchfs_ops hydrate = {
	.route = (void *)choose,
	.ops = SWITCHFS_ASKS(SWITCHFS_OP_OPEN),
	.chooser = "hydrate",
};
