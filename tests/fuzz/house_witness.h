/*
 * house_witness: the witness of the house, which is no process: the other
 * ends of its sockets.
 */
#ifndef TESTS_HOUSE_WITNESS_H
#define TESTS_HOUSE_WITNESS_H

#include "witness.h"

struct house_witness {
	int keeper, worker[WITNESS_WORKERS];
	int watched;	/* what a process is watched with: this one's memory */
	unsigned facts; /* which of them it tells */
};

/* Make the sockets: the daemon's ends are in w. */
void house_witness_make(struct house_witness *m, struct witness *w);

/* Answer what was asked, with these facts, or not now; one that was given up
   is ready again. */
void house_witness_serve(struct house_witness *m, unsigned facts, bool silent);

#endif
