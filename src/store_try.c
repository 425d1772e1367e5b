/* A store tried out: the other file that includes <lmdb.h>. */
#include "store.h"

#include <lmdb.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PAGE_LEAST 512u
#define TRIES 16u	 /* rows that are deleted, and as many put */
#define LONG_VALUE 9000u /* on pages of its own */

/* Touch every page of a value: it must be there. */
static void
touch(MDB_val v)
{
	const volatile uint8_t *p = v.mv_data;

	for (size_t i = 0; i < v.mv_size; i += PAGE_LEAST)
		(void)p[i];
	if (v.mv_size > 0)
		(void)p[v.mv_size - 1];
}

static int
read_all(MDB_env *env, MDB_dbi *dbi, size_t *rows)
{
	MDB_cursor *cursor;
	MDB_val k, v;
	MDB_txn *txn;
	int rc;

	*rows = 0;
	if ((rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn)) != 0)
		return rc;
	if ((rc = mdb_dbi_open(txn, NULL, 0, dbi)) == 0 &&
	    (rc = mdb_cursor_open(txn, *dbi, &cursor)) == 0) {
		while ((rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0) {
			touch(v);
			*rows += 1;
		}
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* A row with a key behind all others. */
static int
put(MDB_txn *txn, MDB_dbi dbi, uint32_t i)
{
	static uint8_t value[LONG_VALUE];
	uint8_t key[8];
	MDB_val k = { sizeof(key), key };
	MDB_val v = { i % 4 == 0 ? sizeof(value) : 100, value };

	memset(key, 0xff, sizeof(key));
	memcpy(key + 4, &i, sizeof(i));
	return mdb_put(txn, dbi, &k, &v, 0);
}

/* Delete some rows all over the store, put some, and abandon that. */
static int
write_some(MDB_env *env, MDB_dbi dbi, size_t rows)
{
	size_t step = rows / TRIES + 1, at = 0;
	MDB_cursor *cursor;
	MDB_val k, v;
	MDB_txn *txn;
	int rc;

	if ((rc = mdb_txn_begin(env, NULL, 0, &txn)) != 0)
		return rc;
	for (uint32_t i = 0; rc == 0 && i < TRIES; i++)
		rc = put(txn, dbi, i);
	if (rc == 0 && (rc = mdb_cursor_open(txn, dbi, &cursor)) == 0) {
		for (; at < rows; at++) {
			rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
			if (rc == 0 && at % step == 0)
				rc = mdb_cursor_del(cursor, 0);
			if (rc != 0)
				break;
		}
		mdb_cursor_close(cursor);
	}
	mdb_txn_abort(txn);
	return rc;
}

bool
store_try(const char *path, uint64_t size, char *text, size_t text_size)
{
	MDB_env *env = NULL;
	MDB_dbi dbi = 0;
	size_t rows = 0;
	int rc;

	if ((rc = mdb_env_create(&env)) == 0 &&
	    /* Room to write in; nothing of it gets to the file. */
	    (rc = mdb_env_set_mapsize(env, size + (16u << 20))) == 0 &&
	    (rc = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOTLS |
		     MDB_NOLOCK | MDB_NORDAHEAD, 0600)) == 0 &&
	    (rc = read_all(env, &dbi, &rows)) == 0)
		rc = write_some(env, dbi, rows);
	if (env != NULL)
		mdb_env_close(env);
	if (rc != 0)
		(void)snprintf(text, text_size, "%s", mdb_strerror(rc));
	return rc == 0;
}
