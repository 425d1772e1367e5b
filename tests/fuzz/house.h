/*
 * house: the daemon in the fuzz target's own process: a struct server with a
 * vault in real stores, a log and sockets, in a directory of its own.  Its
 * clocks, random numbers and witness are the target's, so that the same input
 * does the same each time.
 *
 * There is one, made once.  house_reset() makes all that an input may have
 * changed what it was.  Whatever can't be done here ends the process.
 */
#ifndef TESTS_HOUSE_H
#define TESTS_HOUSE_H

#include "server.h"

#define HOUSE_START 1700000000000000u /* sv->now when the time is 0 */
#define HOUSE_ROWS 256u		      /* of a store */
#define HOUSE_KEY 1u		      /* its keyfile has 32 times this byte */

/* Rows of a store, in memory. */
struct rows {
	struct row {
		struct view key, value;
	} list[HOUSE_ROWS];
	size_t count;
	uint8_t *memory; /* that rows_read() put them in */
};

/* Read all rows of a store; what was there before is freed. */
void rows_read(struct rows *r, struct store *s);

/*
 * Make these the rows of the store, and no others; of two with the same key
 * the second one.  What LMDB takes for no key is left out.
 */
void rows_write(const struct rows *r, struct store *s);

/* How an input begins. */
enum house_state { HOUSE_OPEN, HOUSE_LOCKED, HOUSE_EMPTY };

struct house {
	struct server *sv;
	uint64_t time;	/* microseconds since the input began */
	unsigned facts; /* what the witness says of processes */
	bool silent;	/* it says nothing for now */
	bool late;	/* and will be given up for that */
	unsigned failing; /* bits: the next commit of that store fails */
	struct rows rows[2]; /* how an input begins: the vault, SSH keys */
	uint8_t vault_id[VAULT_ID_LEN];
	size_t pool_left; /* buffers when nobody has any */
};

/* Make it, with an empty vault and log. */
struct house *house_make(void);

/* Have later inputs begin with what is there now. */
void house_keep(struct house *h);

/* Begin an input.  No connection is left of the last one. */
void house_reset(struct house *h, enum house_state state);

/* The same with a locked vault that has these rows. */
void house_reset_rows(struct house *h, const struct rows rows[2]);

/*
 * One turn of the loop; the witness answers what it was asked before it.
 * False when there was nothing to do and nothing is left to do.
 */
bool house_turn(struct house *h);

/*
 * In the place of store_commit(), by the linker (--wrap): the commit that is
 * to fail finds no room, and nothing of it was done.
 */
enum cofre_status __real_store_commit(struct store *s);
enum cofre_status __wrap_store_commit(struct store *s);

/* Connect a socket to the daemon, by a path in its directory. */
struct sockaddr_un;
void house_connect(struct house *h, int fd, const struct sockaddr_un *at);

/* The key of the keyfile; and true when it opens the locked vault, all of
   which is right. */
struct view house_key(void);
bool house_unlocks(struct house *h);

/* Are the sums of the open vault those of the rows that are there? */
bool house_adds_up(struct house *h);

#endif
