// SPDX-License-Identifier: GPL-2.0-only
/*
 * hide-secrets: names like .env, *.pem and *.key do not exist for tasks of one control group.
 *
 * The group is the one whose id is in the map `hidden_from`; user space puts it there:
 *
 *   bpftool map update name hidden_from key 0 0 0 0 value $(cgroup id, 8 bytes)
 *
 * With 0 in the map, its first value, they exist for nobody.
 *
 * Load:   bpftool struct_ops register hide-secrets.bpf.o /sys/fs/bpf
 * Mount:  mount -t switchfs -o branches=/srv,chooser=bpf:hide-secrets none /mnt
 */
#include "switchfs.bpf.h"

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} hidden_from SEC(".maps");

static bool is_secret(struct switchfs_ctx *ctx)
{
	char name[8];

	if (bpf_switchfs_ends(ctx, ".pem") || bpf_switchfs_ends(ctx, ".key"))
		return true;
	/* .env, .env.local, .env.production ... */
	return bpf_switchfs_name(ctx, 0, name, sizeof(name)) >= 4 && name[0] == '.' &&
	       name[1] == 'e' && name[2] == 'n' && name[3] == 'v' && (!name[4] || name[4] == '.');
}

SEC("struct_ops")
__u64 BPF_PROG(keep, struct switchfs_ctx *call)
{
	__u32 zero = 0;
	__u64 *group;

	/* Whether it is a secret is the same for everybody, and asked once. */
	if (!is_secret(call))
		return SWITCHFS_RULES | SWITCHFS_FOR_ALL;
	group = bpf_map_lookup_elem(&hidden_from, &zero);
	if (!group || !*group || bpf_get_current_cgroup_id() == *group)
		return SWITCHFS_HIDE;
	return SWITCHFS_RULES;
}

SEC(".struct_ops.link")
struct switchfs_ops hide_secrets = {
	.name = (void *)keep,
	.chooser = "hide-secrets",
};
