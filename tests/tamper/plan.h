/*
 * plan: all the ways in which a state directory is tampered with, numbered.
 */
#ifndef TESTS_TAMPER_PLAN_H
#define TESTS_TAMPER_PLAN_H

#include "image.h"
#include "rawrows.h"

#define OLD_MAX 4u

/* The state directory as it is, and as it was before. */
struct states {
	struct image now, old[OLD_MAX];
	struct rawrows rows[2], old_rows[OLD_MAX][2]; /* by store */
	size_t old_count;
	uint64_t seed;
};

/* One way.  Its attempts are numbered from 0. */
struct way {
	const char *name;
	uint64_t (*count)(const struct states *s);
	/* Make attempt n in the current directory.  False: it would change
	   nothing. */
	bool (*make)(struct states *s, uint64_t n);
	bool may_be_older; /* what is put back is whole and of one time */
	bool may_be_shorter; /* the log's end can be gone */
};

/* The i-th way; NULL behind the last. */
const struct way *plan_way(size_t i);

/* The same of those with rows: plan_rows.c. */
const struct way *plan_rows_way(size_t i);

#endif
