/*
 * starts: how long a daemon takes to start and to unlock with so many
 * secrets, and how quick its first fetches are after that.
 */
#ifndef BENCH_STARTS_H
#define BENCH_STARTS_H

#include "fixture.h"
#include "stats.h"

#define STARTS_FIRST 1000u /* so many fetches are the first ones */

struct starts {
	size_t secrets; /* 0: it was not measured */
	unsigned times; /* how often it was started */
	struct summary start;  /* seconds from the process's start to an
				  answer of the vault that is open */
	struct summary unlock; /* seconds of an unlock */
	struct summary first;  /* microseconds: p99 of the first fetches */
	struct summary warm;   /* that of those after them */
	struct summary ratio;  /* of the two, each time */
};

/*
 * Start the daemon of *t so many times anew, with the vault unlocked by its
 * keyfile, and fetch by one connection; then lock and unlock it so many times.
 * False with a message.
 */
bool starts_measure(const struct fixture *x, struct target *t,
    unsigned times, struct starts *s);

#endif
