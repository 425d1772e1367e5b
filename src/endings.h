/*
 * endings: versions of secrets that were replaced and are given out only for
 * a while yet; in memory.  On disk it is the heads that say so.  An entry
 * that is not true any more does no harm: who acts on one looks at the head.
 * But there are not many of these: the list has room for four times the
 * versions that secrets have, at most.
 */
#ifndef COFRE_ENDINGS_H
#define COFRE_ENDINGS_H

#include "rows.h"

struct ending {
	uint64_t workspace;
	uint64_t record;
	uint64_t until; /* CLOCK_REALTIME, microseconds */
	uint64_t noted; /* what is noted later has a higher number */
	uint32_t version;
	bool held; /* it ends with the last run that has read it, too */
	bool gone; /* its version was deleted, if that could be committed */
};

struct endings {
	struct ending *list; /* in no order */
	size_t count, size;
	uint64_t notes; /* how many there were */
	uint64_t due;	 /* when the list is to be looked at next */
	uint64_t change; /* runs.changes when it was looked at last */
};

/*
 * Note that a version has an end, if its row says so; it takes the place of
 * what was noted of that version before.  Of each record the newest
 * VERSIONS_MAX are kept, those that are gone besides.  The order of the list
 * may change.  LIMIT without memory.
 */
enum cofre_status endings_add(struct endings *es, uint64_t workspace,
    uint64_t record, const struct version_row *row);

/* Those of every version in a head's list; at unlock. */
enum cofre_status endings_load(struct endings *es, uint64_t workspace,
    uint64_t record, struct list versions);

/* Take out the i-th; the last one takes its place. */
void endings_remove(struct endings *es, size_t i);

/* Take out those of a workspace that is purged. */
void endings_drop(struct endings *es, uint64_t workspace);

/* Forget all of them; at lock. */
void endings_forget(struct endings *es);

#endif
