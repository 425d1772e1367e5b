/*
 * resync: what a resync of a workspace has found out so far: new values,
 * sealed as they will be written, and what came to nothing.  It lies in
 * memory until all of it is committed at once; nothing of it is on disk
 * before, so who gives up leaves nothing behind.  No I/O, no clock.
 */
#ifndef COFRE_RESYNC_H
#define COFRE_RESYNC_H

#include "rows.h"

struct staged {
	uint64_t record;
	uint32_t version; /* the one that it is about: the current one then */
	uint8_t outcome;  /* enum resync_outcome */
	uint8_t kind;
	bool changed; /* a new version comes of it: sealed */
	uint8_t slot, retire;
	uint64_t serial, expires;
	char name[COFRE_SECRET_NAME_MAX + 1];
	char problem[PROBLEM_MAX + 1];
	uint8_t source[DIGEST_LEN]; /* where it was from, keyed */
	struct view sealed; /* its body's row; of the resync */
	size_t head;	    /* bytes of its head's row */
	uint64_t turn;	    /* in which it was staged */
	bool held;	    /* at the commit, by runs that go on */
	bool skipped;	    /* somebody else was quicker */
};

struct resync {
	uint64_t workspace;
	uint32_t uid; /* who has begun it */
	uint64_t touched; /* when something was last heard of it; CLOCK_MONOTONIC,
			     microseconds */
	bool dry_run;
	struct staged *items;
	size_t count, size;
	size_t bytes; /* of sealed rows */
};

/* One with nothing in it, or NULL without memory. */
struct resync *resync_new(uint64_t workspace, uint32_t uid, bool dry_run);

/* Free it; NULL is allowed. */
void resync_free(struct resync *r);

/*
 * Add a copy of the item and of its sealed row.  CONFLICT when there is one
 * of that record; LIMIT: RESYNC_ITEMS_MAX, RESYNC_BYTES_MAX, no memory.
 */
enum cofre_status resync_add(struct resync *r, const struct staged *item);

/* Take back what was staged in that turn, the last one: it has failed, so
   nobody was told that it is staged. */
void resync_take_back(struct resync *r, uint64_t turn);

/* About how many bytes the commit will write. */
size_t resync_need(const struct resync *r);

#endif
