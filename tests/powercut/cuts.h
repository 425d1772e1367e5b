/*
 * cuts: the ways in which a power cut leaves a disk, numbered.
 */
#ifndef TESTS_POWERCUT_CUTS_H
#define TESTS_POWERCUT_CUTS_H

#include "disk.h"

struct cut_way {
	const char *name;
	unsigned weight; /* of all images so many shares */
	bool lies;	 /* what was flushed is lost */
	bool may_refuse; /* the daemon need not start after it */
	/* Fill in the n-th of count choices, which come in the order of time.
	 */
	void (*choose)(const struct disk *d, struct choice *c, uint64_t n,
	    uint64_t count);
};

/* The i-th way; NULL behind the last. */
const struct cut_way *cuts_way(size_t i);

/* A number that is always the same for x. */
uint64_t cuts_any(uint64_t x);

#endif
