/*
 * rowedit: changes of the rows of the house's stores, as bytes: the input of
 * fuzz_store.
 */
#ifndef TESTS_ROWEDIT_H
#define TESTS_ROWEDIT_H

#include "house.h"

/* The first byte of an input: how it is unlocked, and whether the sums are
   made anew for the rows that there are. */
enum store_flag { STORE_SUMS = 1, STORE_SSH_SUMS = 2, STORE_ACCEPT = 4 };

/*
 * Behind it, each change is a byte, and one that says of which row: of the
 * SSH store when its highest bit is set.  Where the bytes end, zeros follow.
 */
enum edit {
	E_DELETE,
	E_BYTES,   /* byte: where; byte: so many; they are put there */
	E_LENGTH,  /* byte: the value gets so many bytes, or sixteen times
		      as many */
	E_LONG,
	E_SWAP,	   /* byte: the row that it changes values with */
	E_COPY,	   /* byte: the row whose value it gets */
	E_MOVE,	   /* byte: likewise, to that row's key: itself is gone */
	E_KEY,	   /* byte: its key gets so many bytes */
	E_NEW,	   /* byte, bytes: another row: its key, and its value */
	E_OLDER,   /* what it was before the last changes */
	E_ALL_OLDER, /* of the whole store */
	E_NOTHING, /* of the whole store: no row */
	E_PLAIN,   /* as E_BYTES, in what was sealed; it is sealed again */
	E_PLAIN_LENGTH, /* as E_LENGTH, likewise */
	E_PLAIN_NEW,	/* byte: that is so many bytes */
	EDITS
};

struct rowedit {
	struct vault *model;   /* open: it has the keys */
	struct rows older[2], base[2];
	struct rows rows[2];   /* that were changed */
	bool resealed; /* something else was sealed than was ever put */
	uint8_t *memory;
	size_t used;
};

/* Change base as the bytes say: rows is what comes of it. */
void rowedit_run(struct rowedit *e, unsigned flags, struct view in);

/* Are the rows of one store those, in any order? */
bool rowedit_same(const struct rows *a, const struct rows *b);

#endif
