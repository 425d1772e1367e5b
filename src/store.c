#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus.h"
#include "store_file.h"

#define MAP_MIN (16u << 20)   /* the first map */
#define RESERVE (2u << 20)    /* kept of the limit, for deleting */
#define TURN_ROOM (4u << 20)  /* free space that a turn begins with */
#define DISK_STEP (256u << 10) /* disk space is taken in such steps */
#define DISK_SLACK (512u << 10) /* and kept ahead, so that deleting works */

struct store {
	MDB_env *env;
	const char *path; /* the caller's */
	MDB_dbi dbi;
	MDB_txn *write;
	MDB_txn *read;
	bool reading; /* read is renewed, not reset */
	bool failed;
	int fd; /* LMDB's own descriptor, to grow the file with */
	uint64_t limit;
	uint64_t map;
	uint64_t allocated; /* bytes of the file that have their disk space */
	uint64_t used;	    /* bytes in use when the turn began to write */
	uint64_t planned;   /* what its writes may need besides */
	bool no_allocate;   /* the file system has no fallocate(2) */
	unsigned page;
};

static MDB_val
to_val(struct view v)
{
	return (MDB_val){ v.len, (void *)(uintptr_t)v.data };
}

static struct view
to_view(MDB_val v)
{
	return (struct view){ v.mv_data, v.mv_size };
}

static enum cofre_status
to_status(struct store *s, int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return COFRE_OK;
	case MDB_NOTFOUND:
		return COFRE_NOT_FOUND;
	case MDB_MAP_FULL:
	case ENOSPC:
	case EDQUOT:
		return COFRE_STORE_FULL;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_PANIC:
	case MDB_INVALID:
		s->failed = true;
		return COFRE_CORRUPT;
	default:
		return COFRE_STORE_FAILED;
	}
}

/* Make file and map at least size bytes long, in whole mebibytes. */
static int
grow(struct store *s, uint64_t size)
{
	int rc;

	size = (size + (1u << 20) - 1) >> 20 << 20;
	if (size <= s->map)
		return 0;
	if (ftruncate(s->fd, (off_t)size) == -1)
		return errno;
	if (s->read != NULL) {
		mdb_txn_abort(s->read);
		s->read = NULL;
		s->reading = false;
	}
	if ((rc = mdb_env_set_mapsize(s->env, size)) == 0)
		s->map = size;
	bus_file(s->fd, s->map, s->path);
	return rc;
}

static uint64_t
used_bytes(struct store *s)
{
	MDB_envinfo info;

	(void)mdb_env_info(s->env, &info);
	return ((uint64_t)info.me_last_pgno + 1) * s->page;
}

/* What LMDB has found may be what is left of a file that was cut short. */
static void
on_assert(MDB_env *env, const char *text)
{
	(void)env;
	(void)text;
	bus_check();
}

static int
open_env(struct store *s, const char *path)
{
	MDB_stat st;
	MDB_txn *txn;
	struct stat file;
	int dead, rc;

	if ((rc = mdb_env_create(&s->env)) != 0 ||
	    (rc = mdb_env_set_assert(s->env, on_assert)) != 0 ||
	    (rc = mdb_env_set_mapsize(s->env, MAP_MIN)) != 0 ||
	    (rc = mdb_env_open(s->env, path,
		 MDB_NOSUBDIR | MDB_NOTLS | MDB_NORDAHEAD, 0600)) != 0 ||
	    (rc = mdb_env_get_fd(s->env, &s->fd)) != 0 ||
	    (rc = mdb_reader_check(s->env, &dead)) != 0 ||
	    (rc = mdb_env_stat(s->env, &st)) != 0)
		return rc;
	s->page = st.ms_psize;
	if (fstat(s->fd, &file) == -1)
		return errno;
	s->map = 0;
	if ((rc = grow(s, file.st_size > (off_t)MAP_MIN ?
		 (uint64_t)file.st_size : MAP_MIN)) != 0)
		return rc;
	if ((rc = mdb_txn_begin(s->env, NULL, 0, &txn)) != 0)
		return rc;
	if ((rc = mdb_dbi_open(txn, NULL, 0, &s->dbi)) != 0) {
		mdb_txn_abort(txn);
		return rc;
	}
	return mdb_txn_commit(txn);
}

struct store *
store_open(const char *path, uint64_t limit, char *error, size_t error_size)
{
	struct store *s;
	int rc;

	if (!store_file_ready(path, error, error_size))
		return NULL;
	if ((s = calloc(1, sizeof(*s))) == NULL) {
		(void)snprintf(error, error_size, "store: out of memory");
		return NULL;
	}
	s->path = path;
	s->fd = -1;
	s->limit = limit < MAP_MIN ? MAP_MIN : limit;
	if ((rc = open_env(s, path)) != 0) {
		(void)snprintf(error, error_size, "store %s: %s", path,
		    mdb_strerror(rc));
		store_close(s);
		return NULL;
	}
	return s;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	store_abort(s);
	bus_forget(s->fd);
	if (s->read != NULL)
		mdb_txn_abort(s->read);
	if (s->env != NULL)
		mdb_env_close(s->env);
	free(s);
}

bool
store_writing(const struct store *s)
{
	return s->write != NULL;
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

/*
 * A row takes its own pages and copies of those on the way to it: four times
 * its size and some are always enough.  What is free inside the file is
 * counted only when the file is near its limit; until then it grows a little
 * early.
 */
static enum cofre_status
make_room(struct store *s, size_t need, bool reserve)
{
	uint64_t used = used_bytes(s), want = used + TURN_ROOM + need * 4;
	uint64_t kept = reserve ? 0 : RESERVE, unused;
	int rc;

	if (used + need * 2 + kept > s->limit) {
		if ((rc = free_bytes(s, &unused)) != 0)
			return to_status(s, rc);
		if (used - unused + need * 2 + kept > s->limit)
			return COFRE_STORE_FULL;
	}
	if (want <= s->map || s->map >= s->limit)
		return COFRE_OK;
	if (want < s->map + s->map / 2)
		want = s->map + s->map / 2;
	if (want > s->limit)
		want = s->limit;
	if ((rc = grow(s, want)) != 0)
		return to_status(s, rc);
	return COFRE_OK;
}

/*
 * Take disk space before it is written to: LMDB does not tell a full disk
 * from one that fails.  What is kept ahead of need is for deleting alone.
 */
static enum cofre_status
allocate(struct store *s, size_t need, bool reserve)
{
	uint64_t until, unused;

	s->planned += need * 4;
	until = s->used + s->planned + DISK_SLACK;
	until = (until + DISK_STEP - 1) / DISK_STEP * DISK_STEP;
	if (until > s->map)
		until = s->map;
	if (until <= s->allocated || s->no_allocate)
		return COFRE_OK;
	if (fallocate(s->fd, 0, (off_t)s->allocated,
		(off_t)(until - s->allocated)) == 0) {
		s->allocated = until;
		return COFRE_OK;
	}
	if (errno == EOPNOTSUPP) {
		s->no_allocate = true;
		return COFRE_OK;
	}
	/* Pages that are free inside the file may be enough. */
	if (reserve || ((errno == ENOSPC || errno == EDQUOT) &&
		free_bytes(s, &unused) == 0 &&
		unused >= s->planned + DISK_SLACK))
		return COFRE_OK;
	s->planned -= need * 4;
	return COFRE_STORE_FULL;
}

enum cofre_status
store_begin(struct store *s, size_t need, bool reserve)
{
	enum cofre_status st;

	if (s->failed)
		return COFRE_STORE_FAILED;
	if (s->write != NULL)
		return allocate(s, need, reserve);
	store_release(s);
	bus_check();
	s->used = used_bytes(s);
	s->planned = 0;
	if ((st = make_room(s, need, reserve)) != COFRE_OK ||
	    (st = allocate(s, need, reserve)) != COFRE_OK)
		return st;
	return to_status(s, mdb_txn_begin(s->env, NULL, 0, &s->write));
}

enum cofre_status
store_commit(struct store *s)
{
	int rc;

	if (s->write == NULL)
		return COFRE_OK;
	rc = mdb_txn_commit(s->write);
	s->write = NULL;
	/*
	 * After a flush that failed nobody knows what is on the disk, and
	 * the next flush would say that all is well.
	 */
	if (rc != 0 && rc != ENOSPC && rc != EDQUOT && rc != MDB_MAP_FULL &&
	    rc != ENOMEM)
		s->failed = true;
	return to_status(s, rc);
}

void
store_abort(struct store *s)
{
	if (s->write != NULL)
		mdb_txn_abort(s->write);
	s->write = NULL;
}

/* The transaction that reads use: the open write, or the snapshot. */
static int
reader(struct store *s, MDB_txn **txn)
{
	int rc = 0;

	*txn = s->write;
	if (s->write != NULL)
		return 0;
	if (s->read == NULL)
		rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &s->read);
	else if (!s->reading)
		rc = mdb_txn_renew(s->read);
	s->reading = rc == 0;
	*txn = s->read;
	return rc;
}

enum cofre_status
store_get(struct store *s, struct view key, struct view *value)
{
	MDB_val k = to_val(key), v;
	MDB_txn *txn;
	int rc;

	if ((rc = reader(s, &txn)) == 0 &&
	    (rc = mdb_get(txn, s->dbi, &k, &v)) == 0)
		*value = to_view(v);
	return to_status(s, rc);
}

enum cofre_status
store_put(struct store *s, struct view key, struct view value)
{
	MDB_val k = to_val(key), v = to_val(value);

	return to_status(s, mdb_put(s->write, s->dbi, &k, &v, 0));
}

enum cofre_status
store_delete(struct store *s, struct view key)
{
	MDB_val k = to_val(key);

	return to_status(s, mdb_del(s->write, s->dbi, &k, NULL));
}

enum cofre_status
store_next(struct store *s, struct view prefix, struct view from,
    struct view *key, struct view *value)
{
	MDB_val k = to_val(from), v;
	MDB_cursor *cursor;
	MDB_txn *txn;
	int rc;

	if ((rc = reader(s, &txn)) != 0 ||
	    (rc = mdb_cursor_open(txn, s->dbi, &cursor)) != 0)
		return to_status(s, rc);
	rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	mdb_cursor_close(cursor);
	if (rc != 0)
		return to_status(s, rc);
	if (k.mv_size < prefix.len ||
	    memcmp(k.mv_data, prefix.data, prefix.len) != 0)
		return COFRE_NOT_FOUND;
	*key = to_view(k);
	*value = to_view(v);
	return COFRE_OK;
}

enum cofre_status
store_walk(struct store *s, const struct view *after, store_visit *visit,
    void *arg)
{
	MDB_val k = { 0, NULL }, v;
	MDB_cursor *cursor;
	MDB_txn *txn;
	int rc;

	if ((rc = reader(s, &txn)) != 0 ||
	    (rc = mdb_cursor_open(txn, s->dbi, &cursor)) != 0)
		return to_status(s, rc);
	if (after == NULL)
		rc = mdb_cursor_get(cursor, &k, &v, MDB_FIRST);
	else {
		k = to_val(*after);
		rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
		if (rc == 0 && view_equal(to_view(k), *after))
			rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	}
	while (rc == 0 && visit(arg, to_view(k), to_view(v)))
		rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	mdb_cursor_close(cursor);
	return rc == MDB_NOTFOUND ? COFRE_OK : to_status(s, rc);
}

void
store_release(struct store *s)
{
	if (s->reading)
		mdb_txn_reset(s->read);
	s->reading = false;
}

void
store_stat(struct store *s, struct store_stat *st)
{
	MDB_stat ms;

	(void)mdb_env_stat(s->env, &ms);
	*st = (struct store_stat){
		.used = used_bytes(s),
		.map = s->map,
		.limit = s->limit,
		.rows = ms.ms_entries,
		.failed = s->failed,
	};
}
