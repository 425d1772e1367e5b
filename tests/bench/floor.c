#include "floor.h"

#include <err.h>
#include <lmdb.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG crypto_aead_xchacha20poly1305_ietf_ABYTES
#define SEALED (NONCE + FLOOR_VALUE + TAG)

struct floor {
	MDB_env *env;
	MDB_txn *read;
	MDB_dbi dbi;
	uint8_t key[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
};

void
floor_key(uint8_t key[FLOOR_KEY], size_t secret)
{
	memset(key, 0, FLOOR_KEY);
	for (size_t i = 16; i > 8; i--, secret >>= 8)
		key[i] = (uint8_t)secret;
}

static int
put(struct floor *f, MDB_txn *txn, size_t secret)
{
	uint8_t key[FLOOR_KEY], plain[FLOOR_VALUE], sealed[SEALED];
	MDB_val k = { sizeof(key), key }, v = { sizeof(sealed), sealed };

	floor_key(key, secret);
	randombytes_buf(plain, sizeof(plain));
	randombytes_buf(sealed, NONCE);
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE, NULL,
	    plain, sizeof(plain), NULL, 0, NULL, sealed, f->key);
	return mdb_put(txn, f->dbi, &k, &v, 0);
}

static int
fill(struct floor *f, size_t count)
{
	MDB_txn *txn;
	int rc;

	if ((rc = mdb_txn_begin(f->env, NULL, 0, &txn)) != 0)
		return rc;
	if ((rc = mdb_dbi_open(txn, NULL, 0, &f->dbi)) == 0)
		for (size_t i = 0; rc == 0 && i < count; i++)
			rc = put(f, txn, i);
	if (rc == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

struct floor *
floor_open(const char *path, size_t count)
{
	struct floor *f = calloc(1, sizeof(*f));
	int rc;

	if (f == NULL || sodium_init() < 0)
		return NULL;
	crypto_aead_xchacha20poly1305_ietf_keygen(f->key);
	if ((rc = mdb_env_create(&f->env)) != 0 ||
	    (rc = mdb_env_set_mapsize(f->env, 16u << 20)) != 0 ||
	    (rc = mdb_env_open(f->env, path,
		 MDB_NOSUBDIR | MDB_NOTLS | MDB_NORDAHEAD, 0600)) != 0 ||
	    (rc = fill(f, count)) != 0 ||
	    (rc = mdb_txn_begin(f->env, NULL, MDB_RDONLY, &f->read)) != 0) {
		warnx("%s: %s", path, mdb_strerror(rc));
		return NULL;
	}
	mdb_txn_reset(f->read);
	return f;
}

void
floor_begin(struct floor *f)
{
	(void)mdb_txn_renew(f->read);
}

void
floor_end(struct floor *f)
{
	mdb_txn_reset(f->read);
}

bool
floor_get(struct floor *f, const uint8_t *key, uint8_t *out)
{
	MDB_val k = { FLOOR_KEY, (void *)(uintptr_t)key }, v;
	const uint8_t *sealed;

	if (mdb_get(f->read, f->dbi, &k, &v) != 0 || v.mv_size != SEALED)
		return false;
	sealed = v.mv_data;
	return crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL,
		   sealed + NONCE, SEALED - NONCE, NULL, 0, sealed, f->key) ==
	    0;
}
