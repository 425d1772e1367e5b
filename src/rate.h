/*
 * rate: how often a uid may do something, in a table of fixed size.
 *
 * Each uid has RATE_BURST at once, and one more with every RATE_STEP.  What
 * one uid uses up no other one misses.  Only when more uids than the table
 * has places are owed for at the same time, the one that owes least is
 * forgiven.
 */
#ifndef COFRE_RATE_H
#define COFRE_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define RATE_UIDS 256u
#define RATE_BURST 64u
#define RATE_STEP 1000000u /* microseconds */

struct rate {
	struct rate_use {
		uint32_t uid;
		uint64_t until; /* when nothing is owed any more */
	} of[RATE_UIDS];
};

/* Take one for the uid; false when it has had enough.  now, in microseconds,
   never goes back.  A table of zeros is one that nobody has used. */
bool rate_take(struct rate *r, uint32_t uid, uint64_t now);

#endif
