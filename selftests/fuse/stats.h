/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Request counters of fuse_branch, kept as text in a mapped file.
 *
 * One line an opcode, "LOOKUP 0000000012": the file can be read with cat at
 * any time, and every request is counted before it is answered, so whoever
 * waits for the answer sees it counted.
 */
#ifndef FUSE_BRANCH_STATS_H
#define FUSE_BRANCH_STATS_H

#include <stdint.h>

int stats_open(const char *path);
void stats_count(uint32_t opcode);
int stats_reset(const char *path);

#endif
