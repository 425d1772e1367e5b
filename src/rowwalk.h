/*
 * rowwalk: the walk over all rows of a store at unlock, and what they add up
 * to.
 */
#ifndef COFRE_ROWWALK_H
#define COFRE_ROWWALK_H

#include "rows.h"
#include "store.h"
#include "tally.h"

struct rowwalk {
	struct store *store;
	const uint8_t *tally_key; /* KEY_LEN bytes */
	struct row_key last;	  /* the row it is at; len 0: none yet */
	struct tally sum;	  /* of all rows so far but the evidence */
};

/*
 * Go on to the row that the store's walk has come to, and say which it is.
 * False when it can't be the next one: its key is that of no table, or does
 * not rise, or a look-up of it finds another row.  (A tree that was tampered
 * with can show one row to a walk and another one to a look-up.)
 */
bool rowwalk_next(struct rowwalk *w, struct view key, struct view value,
    struct row_id *id);

#endif
