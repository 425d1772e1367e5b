/*
 * store_impl: what store.c and store_room.c share.
 */
#ifndef COFRE_STORE_IMPL_H
#define COFRE_STORE_IMPL_H

#include <lmdb.h>

#include "store.h"

#define MAP_MIN (16u << 20) /* the first map */

struct store {
	MDB_env *env;
	const char *path; /* the caller's */
	MDB_dbi dbi;
	MDB_txn *write;
	MDB_txn *read;
	bool reading; /* read is renewed, not reset; from then on it stays so
			 when the store has failed */
	bool failed;
	int fd; /* LMDB's own descriptor, to grow the file with */
	uint64_t limit;
	uint64_t map;
	uint64_t allocated; /* bytes of the file that have their disk space */
	uint64_t used;	    /* bytes in use when the turn began to write */
	uint64_t planned;   /* what its writes may need besides */
	uint64_t asked;	    /* bytes of those that leave what is kept */
	uint64_t unused;    /* bytes free inside the file then, */
	bool counted;	    /* if they were counted */
	bool no_allocate;   /* the file system has no fallocate(2) */
	bool tight;	    /* the turn writes without having disk space */
	unsigned page;
};

/* What LMDB's code, or an errno, is as a status. */
enum cofre_status store_status(struct store *s, int rc);

/* Make file and map at least size bytes long, in whole mebibytes.  0, or
   LMDB's code or an errno. */
int store_grow(struct store *s, uint64_t size);

/* Bytes of the file that are in use, or free inside it. */
uint64_t store_used(struct store *s);

/* When a turn begins to write: room in the file for so many bytes of new
   rows, and for those of its other writes; reserve as in store_begin(). */
enum cofre_status store_make_room(struct store *s, size_t need, bool reserve);

/* Behind that: do so many bytes more leave what is kept, with those that the
   turn has asked for?  The file does not grow any more. */
enum cofre_status store_check_room(struct store *s, size_t need, bool reserve);

/* Take the disk space for so many bytes of new rows. */
enum cofre_status store_allocate(struct store *s, size_t need, bool reserve);

#endif
