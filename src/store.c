#include "store_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bus.h"
#include "store_file.h"

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

enum cofre_status
store_status(struct store *s, int rc)
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
	if ((rc = store_grow(s, file.st_size > (off_t)MAP_MIN ?
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

/* Have a snapshot of what was committed last. */
static int
take_snapshot(struct store *s)
{
	int rc = 0;

	if (s->read == NULL)
		rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &s->read);
	else if (!s->reading)
		rc = mdb_txn_renew(s->read);
	s->reading = rc == 0;
	return rc;
}

/* The transaction that reads use: the open write, or the snapshot. */
static int
reader(struct store *s, MDB_txn **txn)
{
	int rc = s->write != NULL ? 0 : take_snapshot(s);

	*txn = s->write != NULL ? s->write : s->read;
	return rc;
}

bool
store_fits(struct store *s, size_t need)
{
	return s->write == NULL ||
	    store_check_room(s, need, false) == COFRE_OK;
}

/* One more of those that share the transaction. */
static enum cofre_status
join(struct store *s, size_t need, bool reserve)
{
	enum cofre_status st = store_check_room(s, need, reserve);

	if (st == COFRE_OK)
		st = store_allocate(s, need, reserve);
	if (st == COFRE_OK && !reserve)
		s->asked += need;
	return st;
}

enum cofre_status
store_begin(struct store *s, size_t need, bool reserve)
{
	enum cofre_status st;
	int rc;

	if (s->failed)
		return COFRE_STORE_FAILED;
	if (s->write != NULL)
		return join(s, need, reserve);
	store_release(s);
	bus_check();
	s->used = store_used(s);
	s->asked = reserve ? 0 : need;
	s->planned = 0;
	s->tight = s->counted = false;
	if ((st = store_make_room(s, need, reserve)) != COFRE_OK ||
	    (st = store_allocate(s, need, reserve)) != COFRE_OK)
		return st;
	/*
	 * LMDB gives no new snapshot once it could not write its header.
	 * This one costs no page: what the last commit has freed is not
	 * used by the next one anyway.
	 */
	if ((rc = take_snapshot(s)) == 0)
		rc = mdb_txn_begin(s->env, NULL, 0, &s->write);
	return store_status(s, rc);
}

/* Is the store as it was before a commit that failed so? */
static bool
is_unharmed(struct store *s, int rc)
{
	MDB_txn *txn;

	if (rc == MDB_MAP_FULL || rc == ENOMEM)
		return true;
	/* No space for pages that nothing refers to; or for the header, and
	   then LMDB begins no more transactions. */
	if (!s->tight || (rc != ENOSPC && rc != EDQUOT) ||
	    mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn) != 0)
		return false;
	mdb_txn_abort(txn);
	return true;
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
	if (rc != 0 && !is_unharmed(s, rc)) {
		s->failed = true;
		return rc == ENOSPC || rc == EDQUOT ? COFRE_STORE_FAILED :
						      store_status(s, rc);
	}
	if (rc == 0)
		store_release(s); /* it is of the time before */
	return store_status(s, rc);
}

void
store_abort(struct store *s)
{
	if (s->write != NULL)
		mdb_txn_abort(s->write);
	s->write = NULL;
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
	return store_status(s, rc);
}

enum cofre_status
store_put(struct store *s, struct view key, struct view value)
{
	MDB_val k = to_val(key), v = to_val(value);

	return store_status(s, mdb_put(s->write, s->dbi, &k, &v, 0));
}

enum cofre_status
store_delete(struct store *s, struct view key)
{
	MDB_val k = to_val(key);

	return store_status(s, mdb_del(s->write, s->dbi, &k, NULL));
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
		return store_status(s, rc);
	rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
	mdb_cursor_close(cursor);
	if (rc != 0)
		return store_status(s, rc);
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
		return store_status(s, rc);
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
	return rc == MDB_NOTFOUND ? COFRE_OK : store_status(s, rc);
}

void
store_release(struct store *s)
{
	if (s->failed || !s->reading)
		return;
	mdb_txn_reset(s->read);
	s->reading = false;
}

void
store_stat(struct store *s, struct store_stat *st)
{
	MDB_stat ms;

	(void)mdb_env_stat(s->env, &ms);
	*st = (struct store_stat){
		.used = store_used(s),
		.map = s->map,
		.limit = s->limit,
		.rows = ms.ms_entries,
		.failed = s->failed,
	};
}
