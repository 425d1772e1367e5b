#include "vaultdir.h"

#include <check.h>
#include <lmdb.h>
#include <string.h>

struct store *
vaultdir_ssh(void)
{
	char error[256] = "";
	struct store *s = store_open(VAULTDIR_SSH, 64 * MIB, error,
	    sizeof(error));

	ck_assert_msg(s != NULL, "%s", error);
	return s;
}

void
vaultdir_open(struct vault *v, uint64_t limit)
{
	char error[256] = "";

	ck_assert(crypto_init());
	ck_assert_msg(vault_open(v, statedir_open(limit), vaultdir_ssh(),
	    error, sizeof(error)), "%s", error);
}

void
vaultdir_assert_refused(struct vault *v, const char *why)
{
	struct store *s = statedir_open(64 * MIB), *ssh = vaultdir_ssh();
	char error[256] = "";

	ck_assert(!vault_open(v, s, ssh, error, sizeof(error)));
	ck_assert_msg(strstr(error, why) != NULL, "'%s' has no '%s'", error,
	    why);
	store_close(s);
	store_close(ssh);
}

void
vaultdir_close(struct vault *v)
{
	struct store *s = v->store, *ssh = v->ssh.store;

	vault_close(v);
	store_close(s);
	store_close(ssh);
}

/* The key of 32 times this byte. */
static struct view
key_of(uint8_t byte)
{
	static uint8_t keys[256][KEY_LEN];

	memset(keys[byte], byte, KEY_LEN);
	return (struct view){ keys[byte], KEY_LEN };
}

struct slot_params
vaultdir_keyfile(uint8_t key)
{
	return (struct slot_params){ .type = SLOT_KEYFILE,
		.key = key_of(key) };
}

struct slot_params
vaultdir_passphrase(uint8_t key)
{
	return (struct slot_params){ .type = SLOT_PASSPHRASE, .ops = 3,
		.mem = 1 << 20, .salt = view_of("0123456789abcdef"),
		.key = key_of(key) };
}

void
vaultdir_commit(struct vault *v)
{
	ck_assert_int_eq(vault_commit(v, 1000, 0), COFRE_OK);
	vault_tidy(v);
}

void
vaultdir_init(struct vault *v)
{
	const struct slot_params p = vaultdir_keyfile(1);
	uint32_t slot = 0;

	ck_assert_int_eq(vault_init(v, &p, CREATOR, 1000, &slot), COFRE_OK);
	ck_assert_uint_eq(slot, 1);
	vaultdir_commit(v);
}

enum cofre_status
vaultdir_unlock(struct vault *v, uint32_t slot, uint8_t key,
    bool accept_rollback, uint64_t log_epoch)
{
	enum cofre_status st = vault_unlock_begin(v, slot, key_of(key),
	    accept_rollback, log_epoch);

	if (st != COFRE_OK)
		return st;
	while (vault_unlock_step(v))
		store_release(v->store);
	return v->unlock.status;
}

void
vaultdir_again(struct vault *v)
{
	vaultdir_close(v);
	vaultdir_open(v, 64 * MIB);
	ck_assert_int_eq(vaultdir_unlock(v, 0, 1, false, 0), COFRE_OK);
}

struct workspace *
vaultdir_workspace(struct vault *v, const char *name)
{
	struct workspace *ws = vault_workspace(v, view_of(name));

	if (ws == NULL)
		ck_assert_int_eq(workspace_create(v, view_of(name), CREATOR,
		    1000, &ws), COFRE_OK);
	return ws;
}

struct row_id
vaultdir_head_id(const struct workspace *ws, uint64_t record)
{
	return (struct row_id){ .table = TABLE_HEAD, .workspace = ws->id,
		.record = record };
}

struct row_id
vaultdir_body_id(const struct workspace *ws, const char *name,
    uint64_t record, uint32_t version)
{
	return (struct row_id){ .table = TABLE_BODY, .workspace = ws->id,
		.record = record, .version = version,
		.kind = COFRE_KIND_GENERIC, .name = view_of(name) };
}

enum cofre_status
vaultdir_destroy(struct vault *v, struct workspace *ws)
{
	enum cofre_status st = workspace_delete(v, ws);

	return st == COFRE_OK ? workspace_purge(v, ws) : st;
}

enum cofre_status
vaultdir_put(struct vault *v, struct workspace *ws, const char *name,
    uint64_t record, uint32_t version, const char *value)
{
	const struct head_row head = { .name = view_of(name),
		.state = SECRET_LIVE, .kind = COFRE_KIND_GENERIC,
		.version = version };
	const struct catalog_entry e = { .record = record,
		.version = version, .slot = ws->slot,
		.kind = COFRE_KIND_GENERIC, .state = SECRET_LIVE };
	struct row_id body_id = vaultdir_body_id(ws, name, record, version);
	struct row_id head_id = vaultdir_head_id(ws, record);
	struct wire_writer w;
	enum cofre_status st;

	if ((st = vault_begin(v, 4096, false)) != COFRE_OK ||
	    (st = vault_write(v, ws, &body_id, view_of(value))) != COFRE_OK)
		return st;
	wire_writer_init(&w, v->build, ROW_MAX);
	head_row_put(&w, &head);
	st = vault_write(v, ws, &head_id, (struct view){ w.data, w.len });
	if (st == COFRE_OK)
		catalog_set(v->catalog, ws->id, view_of(name), &e);
	return st;
}

bool
vaultdir_has(struct vault *v, struct workspace *ws, const char *name,
    uint64_t record, uint32_t version, const char *value)
{
	struct row_id id = vaultdir_body_id(ws, name, record, version);
	struct view plain;

	return vault_read(v, ws, &id, &plain) == COFRE_OK &&
	    view_is(plain, value);
}

bool
vaultdir_is_wiped(const struct vault *v)
{
	const uint8_t *keys = v->keyring.memory.base;
	const uint8_t *rows = v->scratch.base;
	uint8_t any = 0;

	for (size_t i = 0; i < v->keyring.memory.size; i++)
		any |= keys[i];
	for (size_t i = 0; i < v->scratch.size; i++)
		any |= rows[i];
	for (size_t i = 0; i < WORKSPACES_MAX; i++)
		any |= v->workspaces[i] != NULL;
	return any == 0 && !v->keyring.open && !v->ssh.open &&
	    v->catalog == NULL;
}

/* --- past cofre --- */

struct rawdb {
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
};

/* One at a time, in a test's own process. */
static struct rawdb db;
static const char *file = STATEDIR_FILE;

void
rawdb_file(const char *name)
{
	file = name;
}

struct view
rawdb_key(const struct row_id *id)
{
	static struct row_key keys[8];
	static unsigned turn;
	struct row_key *key = &keys[turn++ % 8];

	*key = row_key(id);
	return (struct view){ key->bytes, key->len };
}

void
rawdb_begin(void)
{
	ck_assert_int_eq(mdb_env_create(&db.env), 0);
	ck_assert_int_eq(mdb_env_set_mapsize(db.env, 256 * MIB), 0);
	ck_assert_int_eq(mdb_env_open(db.env, file,
	    MDB_NOSUBDIR | MDB_NOSYNC, 0600), 0);
	ck_assert_int_eq(mdb_txn_begin(db.env, NULL, 0, &db.txn), 0);
	ck_assert_int_eq(mdb_dbi_open(db.txn, NULL, 0, &db.dbi), 0);
}

void
rawdb_end(void)
{
	ck_assert_int_eq(mdb_txn_commit(db.txn), 0);
	mdb_env_close(db.env);
}

/* A copy in memory that nobody has to free. */
static struct view
keep(MDB_val v)
{
	static uint8_t kept[1 << 20];
	static size_t used;
	uint8_t *at = kept + used;

	ck_assert_uint_le(v.mv_size, sizeof(kept) - used);
	memcpy(at, v.mv_data, v.mv_size);
	used += v.mv_size;
	return (struct view){ at, v.mv_size };
}

static MDB_val
val_of(struct view v)
{
	return (MDB_val){ v.len, (void *)(uintptr_t)v.data };
}

struct view
rawdb_get(struct view key)
{
	MDB_val k = val_of(key), found;

	ck_assert_int_eq(mdb_get(db.txn, db.dbi, &k, &found), 0);
	return keep(found);
}

void
rawdb_put(struct view key, struct view value)
{
	MDB_val k = val_of(key), v = val_of(value);

	ck_assert_int_eq(mdb_put(db.txn, db.dbi, &k, &v, 0), 0);
}

void
rawdb_delete(struct view key)
{
	MDB_val k = val_of(key);

	ck_assert_int_eq(mdb_del(db.txn, db.dbi, &k, NULL), 0);
}

bool
rawdb_nth(size_t i, struct view *key)
{
	MDB_cursor *cursor;
	MDB_val k, v;
	int rc;

	ck_assert_int_eq(mdb_cursor_open(db.txn, db.dbi, &cursor), 0);
	rc = mdb_cursor_get(cursor, &k, &v, MDB_FIRST);
	while (rc == 0 && i-- > 0)
		rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	mdb_cursor_close(cursor);
	if (rc == 0)
		*key = keep(k);
	return rc == 0;
}
