/*
 * store: rows on disk, in LMDB.  store.c and store_try.c are the only files
 * that include <lmdb.h>.
 *
 * It knows nothing of what a row means: keys and values are bytes, and what
 * comes in is ciphertext.  One write transaction is open at a time; while it
 * is, reads see it.  Default durability: a commit that returned is on disk.
 *
 * The file is as long as its map, sparse, so that a page of the map is never
 * behind the end of the file.
 */
#ifndef COFRE_STORE_H
#define COFRE_STORE_H

#include "wire.h"

#include "cofre.h"

struct store;

/*
 * Open the file, a path in the current directory that stays the caller's and
 * in place, or make it.  limit is
 * what it may grow to, in bytes.  NULL, with the reason in error: it is no
 * store, of another version of LMDB, cut short, or can't be opened.
 */
struct store *store_open(const char *path, uint64_t limit, char *error,
    size_t error_size);

/* Close; an open transaction is dropped.  NULL is allowed. */
void store_close(struct store *s);

/*
 * Begin the write transaction, unless it is begun already.  Room for at
 * least need more bytes of new rows is made first, in the file and on the
 * disk; reserve says that the last part of both, kept for deleting, may be
 * used.  That counts behind what was begun before as well.
 * Errors: STORE_FULL, STORE_FAILED (also for ever after a failed flush).
 */
enum cofre_status store_begin(struct store *s, size_t need, bool reserve);

/* False when a write transaction is open in which so many bytes of new rows
   may have no room any more, while in one of their own they might. */
bool store_fits(struct store *s, size_t need);

/* True while a write transaction is open. */
bool store_writing(const struct store *s);

/*
 * Put what was written on disk.  STORE_FULL and STORE_FAILED mean that
 * nothing of it was done.
 */
enum cofre_status store_commit(struct store *s);

/* Drop what was written. */
void store_abort(struct store *s);

/*
 * Get a row's value: a view into the map, valid until the next write or
 * store_release().  NOT_FOUND, STORE_FAILED, CORRUPT (LMDB's own checks).
 */
enum cofre_status store_get(struct store *s, struct view key,
    struct view *value);

/* Put or delete a row in the open write transaction. */
enum cofre_status store_put(struct store *s, struct view key,
    struct view value);
enum cofre_status store_delete(struct store *s, struct view key);

/*
 * The first row whose key is not less than from and begins with prefix.
 * Views as with store_get().  NOT_FOUND when there is none (any more).
 */
enum cofre_status store_next(struct store *s, struct view prefix,
    struct view from, struct view *key, struct view *value);

/* Walk all rows in order; visit returns false to stop.  after NULL begins
   at the first row; otherwise behind that key. */
typedef bool store_visit(void *arg, struct view key, struct view value);
enum cofre_status store_walk(struct store *s, const struct view *after,
    store_visit *visit, void *arg);

/* Let go of the snapshot that reads have used; at the end of a turn. */
void store_release(struct store *s);

struct store_stat {
	uint64_t used;	/* bytes of pages in use or free inside the file */
	uint64_t map;	/* what the map and file are now */
	uint64_t limit;
	uint64_t rows;
	bool failed;	/* a flush failed: reading only until a restart */
};

/*
 * Have LMDB read every row of a file of that size, begin a write and abandon
 * it.  The file is not written to, but LMDB may die of it: for store_check.h.
 * False with the reason in text.
 */
bool store_try(const char *path, uint64_t size, char *text, size_t text_size);

/* How full it is. */
void store_stat(struct store *s, struct store_stat *st);

#endif
