/*
 * gate: what cofre is to reach, and what of that it has reached.
 */
#ifndef BENCH_GATE_H
#define BENCH_GATE_H

#include "report.h"

/* A signature beside ssh-agent's, with one client. */
struct signature {
	double us; /* 0: not measured */
	struct summary ratio;
};

struct gates {
	const struct results *results;
	const struct memories *memories;
	const struct servers *servers;
	struct signature signature;
};

/* Read what signing.py has found: the median, its ratio to ssh-agent's, and
   where 8 of 10 of these lie.  A file that is not there says nothing. */
void gate_read_signature(struct gates *g, const char *path);

/* Print the table. */
void gate_print(const struct gates *g);

#endif
