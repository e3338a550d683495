/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the loader share. */
#ifndef SWITCHFS_CHOOSER_H
#define SWITCHFS_CHOOSER_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* Ends the program with one line. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
/* The folder in which the chooser NAME is pinned, or WHAT in it unless that is NULL. */
const char *pin_path(const char *name, const char *what);
/* A descriptor of the map WHAT of the chooser NAME. */
int open_map(const char *name, const char *what);

/* chooser audit [NAME [MAP]]: prints what comes until it is told to end. */
int audit(const char *name, const char *map);

#endif
