/*
 * child: run another program, give it a text and take what it prints.  What
 * is secret goes that way alone: never in an argument or the environment.
 */
#ifndef COFRE_CHILD_H
#define COFRE_CHILD_H

#include "input.h"

/* Descriptors that a child may be left. */
#define CHILD_KEEP_MAX 3u

struct child {
	const char *const *argv; /* the program is found in PATH; NULL last */
	struct view text;	 /* its standard input: at most 16 KiB */

	/* It sees these under their own numbers; those of -1 are left out. */
	int keep[CHILD_KEEP_MAX];
	size_t keep_count;
};

/*
 * Run it to its end, with out (which must have been made) taking its
 * standard output and *code its exit code.  Standard error stays ours.  One
 * that prints more than out holds is killed.  Errors: ARGUMENT (there is no
 * such program, or a signal ended it), TOO_LARGE, NO_MEMORY.
 */
enum cofre_status child_run(const struct child *c, struct input *out,
    int *code, struct problem *p);

#endif
