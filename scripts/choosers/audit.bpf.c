// SPDX-License-Identifier: GPL-2.0-only
/*
 * audit: tells user space what is opened (directories, too), made, removed and changed, by whom,
 * and where it goes. Decides nothing: the rules do.
 *
 * Load:   chooser load audit.bpf.o
 * Mount:  mount -t switchfs -o branches=hot=/srv/hot:cold=/mnt/fuse,rule=... \
 *                 -o chooser=bpf:audit none /mnt
 * Read:   chooser audit
 *
 * One line for each decision, before the operation: what fails later is told, too, and what has
 * to be decided for two names (rename, link) is told for each. Branches are numbers by their
 * place. When nobody reads and the buffer of 1 MiB is full, events are dropped and counted:
 * counter 0 of the mount (`bpf 0 N` in its debugfs file `counters`).
 *
 * Lookups, attributes and data are not told: a program that is asked about every lookup makes
 * path walks dearer, and the renaming of directories impossible (it might give names another
 * home).
 */
#include "switchfs.bpf.h"
#include "audit.h"

char _license[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

SEC("struct_ops")
__u64 BPF_PROG(choose, struct switchfs_ctx *call)
{
	struct audit_event *event;

	if (call->flags & SWITCHFS_AHEAD)
		return SWITCHFS_RULES;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		bpf_switchfs_count(call, 0, 1);
		return SWITCHFS_RULES;
	}
	event->verdict = bpf_switchfs_rules(call);
	event->ino = call->ino;
	event->mount = call->mount;
	event->op = call->op;
	event->uid = call->caller_uid;
	event->pid = bpf_get_current_pid_tgid() >> 32;
	event->home = call->home;
	event->name_len = call->name_len;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	bpf_switchfs_name(call, 0, event->name, sizeof(event->name));
	bpf_ringbuf_submit(event, 0);
	return SWITCHFS_RULES;
}

SEC(".struct_ops.link")
struct switchfs_ops audit = {
	.route = (void *)choose,
	.ops = SWITCHFS_ASKS_CHANGES | SWITCHFS_ASKS(SWITCHFS_OP_OPEN),
	.chooser = "audit",
};
