/* SPDX-License-Identifier: GPL-2.0-only */
/* What kfuncs.bpf.c leaves of its last call about the operation `op`. */
#ifndef SWITCHFS_KFUNCS_H
#define SWITCHFS_KFUNCS_H

#define COMPONENTS 6

struct kfuncs {
	unsigned int op;	/* is asked about by the test */
	unsigned int calls;
	int whole, tail, past_end, before, at_end;
	char whole_name[64], tail_name[8], cut_name[4];
	int cut;
	int ends_txt, ends_empty, ends_long;
	int component[COMPONENTS];
	char component_name[COMPONENTS][16];
	int far;
	int path, path_short, path_one;
	char path_text[128];
	unsigned long long rules;
	int hot, cold, none, empty;
	int count, count_last, count_past;
};

#endif
