/* Room for what is written: in the map, in the file and on the disk. */
#include "store_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bus.h"

#define RESERVE (2u << 20) /* kept of the limit, for deleting; besides what
			      list_room() says */
#define TURN_ROOM (4u << 20)  /* free space that a turn begins with */
#define DISK_STEP (256u << 10) /* disk space is taken in such steps */
#define DISK_SLACK (512u << 10) /* and kept ahead, so that deleting works */

/*
 * What deleting everything in a file of that size needs.  LMDB writes a list
 * of the pages that a turn has freed in one piece, 8 bytes for each of 4096,
 * and may do so twice until it fits.
 */
static uint64_t
list_room(uint64_t size)
{
	return size / 256;
}

/*
 * Can a map of that size be had?  LMDB gives its old one back before it asks
 * for the new one, and has none when that fails.
 */
static int
try_map(struct store *s, uint64_t size)
{
	void *p = mmap(NULL, size, PROT_READ, MAP_SHARED, s->fd, 0);

	if (p == MAP_FAILED)
		return errno;
	(void)munmap(p, size);
	return 0;
}

static void
give_up(const struct store *s, int rc)
{
	(void)fprintf(stderr, "cofred: store %s: it can't be mapped: %s\n",
	    s->path, mdb_strerror(rc));
	_exit(1);
}

int
store_grow(struct store *s, uint64_t size)
{
	int rc;

	size = (size + (1u << 20) - 1) >> 20 << 20;
	if (size <= s->map)
		return 0;
	if (ftruncate(s->fd, (off_t)size) == -1)
		return errno;
	if ((rc = try_map(s, size)) != 0)
		return rc;
	if (s->read != NULL) {
		mdb_txn_abort(s->read);
		s->read = NULL;
		s->reading = false;
	}
	if ((rc = mdb_env_set_mapsize(s->env, size)) != 0)
		give_up(s, rc);
	s->map = size;
	bus_file(s->fd, s->map, s->path);
	return 0;
}

uint64_t
store_used(struct store *s)
{
	MDB_envinfo info;

	(void)mdb_env_info(s->env, &info);
	return ((uint64_t)info.me_last_pgno + 1) * s->page;
}

/*
 * Bytes of pages that earlier writes have freed inside the file.  LMDB keeps
 * them in its database 0: each value is a list of page numbers, with their
 * count at its front.
 */
static int
free_bytes(struct store *s, uint64_t *bytes)
{
	MDB_val key, value;
	MDB_cursor *cursor;
	MDB_txn *txn;
	size_t count;
	int rc;

	*bytes = 0;
	if ((rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn)) != 0)
		return rc;
	if ((rc = mdb_cursor_open(txn, 0, &cursor)) == 0) {
		while ((rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) ==
		    0) {
			memcpy(&count, value.mv_data, sizeof(count));
			*bytes += (uint64_t)count * s->page;
		}
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* They do not change while a transaction is open: once is enough. */
static int
count_free(struct store *s)
{
	int rc = s->counted ? 0 : free_bytes(s, &s->unused);

	s->counted = rc == 0;
	return rc;
}

/* STORE_FULL unless so many bytes of new rows, all in all, leave that much of
   the limit. */
static enum cofre_status
check_limit(struct store *s, uint64_t need, uint64_t kept)
{
	uint64_t want = s->used + need * 2 + kept;
	int rc;

	if (want <= s->limit)
		return COFRE_OK;
	if ((rc = count_free(s)) != 0)
		return store_status(s, rc);
	return want - s->unused > s->limit ? COFRE_STORE_FULL : COFRE_OK;
}

/* What of the limit is kept for deleting. */
static uint64_t
kept_room(const struct store *s)
{
	return RESERVE + list_room(s->limit);
}

enum cofre_status
store_check_room(struct store *s, size_t need, bool reserve)
{
	return reserve ? COFRE_OK :
			 check_limit(s, s->asked + need, kept_room(s));
}

/*
 * A row takes its own pages and copies of those on the way to it: four times
 * its size and some are always enough.  What is free inside the file is
 * counted only when the file is near its limit; until then it grows a little
 * early.
 */
enum cofre_status
store_make_room(struct store *s, size_t need, bool reserve)
{
	uint64_t want = s->used + TURN_ROOM + list_room(s->used) + need * 4;
	enum cofre_status st = check_limit(s, need,
	    reserve ? 0 : kept_room(s));
	int rc;

	if (st != COFRE_OK)
		return st;
	if (want <= s->map || s->map >= s->limit)
		return COFRE_OK;
	if (want < s->map + s->map / 2)
		want = s->map + s->map / 2;
	if (want > s->limit)
		want = s->limit;
	if ((rc = store_grow(s, want)) != 0)
		return store_status(s, rc);
	return COFRE_OK;
}

/*
 * Take disk space before it is written to: LMDB does not tell a full disk
 * from one that fails.  What is kept ahead of need is for deleting alone.
 */
static int
take_space(struct store *s, uint64_t until)
{
	while (fallocate(s->fd, 0, (off_t)s->allocated,
		   (off_t)(until - s->allocated)) == -1)
		if (errno != EINTR)
			return errno;
	return 0;
}

enum cofre_status
store_allocate(struct store *s, size_t need, bool reserve)
{
	uint64_t slack = DISK_SLACK + list_room(s->used), until;
	int rc;

	s->planned += need * 4;
	until = s->used + s->planned + slack;
	until = (until + DISK_STEP - 1) / DISK_STEP * DISK_STEP;
	if (until > s->map)
		until = s->map;
	s->tight = s->tight || s->no_allocate;
	if (until <= s->allocated || s->no_allocate)
		return COFRE_OK;
	if ((rc = take_space(s, until)) == 0) {
		s->allocated = until;
		return COFRE_OK;
	}
	s->no_allocate = rc == EOPNOTSUPP;
	/* Pages that are free inside the file may be enough. */
	if (s->no_allocate || reserve ||
	    ((rc == ENOSPC || rc == EDQUOT) && count_free(s) == 0 &&
		s->unused >= s->planned + slack)) {
		s->tight = true;
		return COFRE_OK;
	}
	s->planned -= need * 4;
	return store_status(s, rc);
}
