#include "rawrows.h"

#include <lmdb.h>
#include <stdio.h>
#include <string.h>

#include "image.h"

static MDB_env *
open_env(const char *path, MDB_txn **txn, MDB_dbi *dbi)
{
	MDB_env *env;

	if (mdb_env_create(&env) != 0 ||
	    mdb_env_set_mapsize(env, (size_t)64 << 20) != 0 ||
	    mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC,
		0600) != 0 ||
	    mdb_txn_begin(env, NULL, 0, txn) != 0 ||
	    mdb_dbi_open(*txn, NULL, 0, dbi) != 0)
		die(path);
	return env;
}

static uint8_t *
copy(MDB_val v)
{
	uint8_t *to = must_alloc(v.mv_size + 1);

	memcpy(to, v.mv_data, v.mv_size);
	return to;
}

void
rawrows_load(struct rawrows *r, const char *path)
{
	MDB_cursor *cursor;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_env *env = open_env(path, &txn, &dbi);
	MDB_val k, v;

	r->count = 0;
	if (mdb_cursor_open(txn, dbi, &cursor) != 0)
		die(path);
	while (mdb_cursor_get(cursor, &k, &v, MDB_NEXT) == 0) {
		if (r->count == ROWS_MAX)
			die("too many rows");
		r->rows[r->count++] = (struct rawrow){ copy(k), copy(v),
			k.mv_size, v.mv_size };
	}
	mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	mdb_env_close(env);
}

int
rawrows_find(const struct rawrows *r, const struct rawrow *key)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->rows[i].key_len == key->key_len &&
		    memcmp(r->rows[i].key, key->key, key->key_len) == 0)
			return (int)i;
	return -1;
}

static void
put_row(MDB_txn *txn, MDB_dbi dbi, const struct rawrow *row)
{
	MDB_val k = { row->key_len, row->key };
	MDB_val v = { row->value_len, row->value };

	if (mdb_put(txn, dbi, &k, &v, 0) != 0)
		die("mdb_put");
}

void
rawrows_change(const char *path, const struct rawrow *put,
    const struct rawrow *also, const struct rawrow *gone)
{
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_env *env = open_env(path, &txn, &dbi);

	if (gone != NULL) {
		MDB_val k = { gone->key_len, gone->key };

		if (mdb_del(txn, dbi, &k, NULL) != 0)
			die("mdb_del");
	}
	if (put != NULL)
		put_row(txn, dbi, put);
	if (also != NULL)
		put_row(txn, dbi, also);
	if (mdb_txn_commit(txn) != 0)
		die("commit");
	mdb_env_close(env);
}
