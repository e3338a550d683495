/* SPDX-License-Identifier: GPL-2.0-only */
/* What the two halves of the model share. */
#ifndef SWITCHFS_MODEL_CALL_H
#define SWITCHFS_MODEL_CALL_H

#include "model.h"

/* A call, as rules look at it. */
struct call {
	enum operation op;
	const char *path;
	const struct who *who;	/* nobody: homes are the same for all */
	char type, access;	/* 0 when not known */
	long size;		/* -1 when not known */
	bool makes;		/* a new object, which the first of a list gets */
	int made_in;		/* the path is in this branch as well; -1: it is not */
};

/* What is to happen: an errno, or who serves and who has to agree (-1: nobody). */
struct decision {
	int err, branch, gate;
	bool by_rule;
};

/* OP on PATH, where O is, or nothing is yet. */
struct call model_call(enum operation op, const char *path, const struct who *who,
		       const struct object *o);
struct decision model_decide(const struct call *c);
/* The home of PATH if the branch MADE_IN had it, too. */
int model_home_if_made(const char *path, int made_in);
/* As model_lookup(); if it MAKES the name, finding nothing is no error. */
int model_walk(const char *path, const struct who *who, bool makes, struct object **o);
/* Whether PATH is below TOP. */
bool model_is_below(const char *path, const char *top);

#endif
