/* The rows of an open vault. */
#include "vault.h"

#include <string.h>

static struct view
key_view(const struct row_key *key)
{
	return (struct view){ key->bytes, key->len };
}

/* The key that a row is sealed under. */
static const uint8_t *
sealing_key(const struct vault *v, const struct workspace *ws)
{
	return ws == NULL ? keyring_meta(&v->keyring)
			  : keyring_data(&v->keyring, ws->slot);
}

void
vault_plain_used(struct vault *v, size_t n)
{
	if (n > v->plain_used)
		v->plain_used = n;
}

enum cofre_status
vault_unseal(struct vault *v, const struct workspace *ws,
    const struct row_id *id, struct view sealed, struct view *plain)
{
	struct seal_place place = row_place(v->id, id);

	if (sealed.len > ROW_SEALED_MAX)
		return COFRE_CORRUPT;
	vault_plain_used(v, sealed.len);
	return seal_open(v->plain, sealing_key(v, ws), &place, sealed, plain) ?
	    COFRE_OK :
	    COFRE_CORRUPT;
}

enum cofre_status
vault_read(struct vault *v, const struct workspace *ws,
    const struct row_id *id, struct view *plain)
{
	struct row_key key = row_key(id);
	struct view sealed;
	enum cofre_status st;

	st = store_get(v->store, key_view(&key), &sealed);
	return st == COFRE_OK ? vault_unseal(v, ws, id, sealed, plain) : st;
}

void
vault_poison(struct vault *v, enum cofre_status st)
{
	if (st != COFRE_OK && v->poison == COFRE_OK)
		v->poison = st;
}

static enum cofre_status
poison(struct vault *v, enum cofre_status st)
{
	vault_poison(v, st);
	return st;
}

enum cofre_status
vault_begin(struct vault *v, size_t need, bool reserve)
{
	bool first = !store_writing(v->store);
	size_t reads = 0;
	enum cofre_status st;

	if (v->poison != COFRE_OK)
		return v->poison;
	if (v->catalog != NULL && !catalog_reserve(v->catalog, 2))
		return COFRE_LIMIT;
	if (first) {
		reads = runs_unsaved(&v->runs);
		v->reads_wait = false;
	}
	st = store_begin(v->store, need + reads, reserve && reads == 0);
	/* They can wait, for they are in the log as well. */
	if (st == COFRE_STORE_FULL && reads > 0) {
		v->reads_wait = true;
		st = store_begin(v->store, need, reserve);
	}
	if (st == COFRE_OK && first)
		v->kept = v->now;
	return st;
}

/* Take the row that has the key now out of the tally. */
static enum cofre_status
uncount(struct vault *v, const struct row_key *key)
{
	struct view old;
	enum cofre_status st;

	st = store_get(v->store, key_view(key), &old);
	if (st == COFRE_OK)
		tally_remove(&v->now.tally, keyring_tally(&v->keyring),
		    key_view(key), old);
	return st;
}

enum cofre_status
vault_write_clear(struct vault *v, const struct row_id *id, struct view value)
{
	struct row_key key = row_key(id);
	enum cofre_status st;

	st = uncount(v, &key);
	if (st != COFRE_OK && st != COFRE_NOT_FOUND)
		return poison(v, st);
	st = store_put(v->store, key_view(&key), value);
	if (st != COFRE_OK)
		return poison(v, st);
	tally_add(&v->now.tally, keyring_tally(&v->keyring), key_view(&key), value);
	v->turn_bytes += value.len;
	v->writes++;
	return COFRE_OK;
}

struct view
vault_seal(struct vault *v, const struct workspace *ws,
    const struct row_id *id, struct view plain)
{
	struct seal_place place = row_place(v->id, id);

	seal_close(v->sealed, sealing_key(v, ws),
	    ws == NULL ? 1 : ws->key_version, &place, plain, NULL);
	return (struct view){ v->sealed, seal_size(plain.len) };
}

enum cofre_status
vault_write(struct vault *v, const struct workspace *ws,
    const struct row_id *id, struct view plain)
{
	if (seal_size(plain.len) > ROW_SEALED_MAX)
		return COFRE_TOO_LARGE;
	return vault_write_clear(v, id, vault_seal(v, ws, id, plain));
}

enum cofre_status
vault_delete(struct vault *v, const struct row_id *id)
{
	struct row_key key = row_key(id);
	enum cofre_status st;

	st = uncount(v, &key);
	if (st == COFRE_NOT_FOUND)
		return st;
	if (st == COFRE_OK)
		st = store_delete(v->store, key_view(&key));
	v->writes++;
	return poison(v, st);
}

uint64_t
vault_writes(const struct vault *v)
{
	return v->writes + v->ssh.writes;
}

void
vault_tidy(struct vault *v)
{
	store_release(v->store);
	sshstore_tidy(&v->ssh);
	secmem_wipe(v->plain, v->plain_used);
	secmem_wipe(v->build, v->build_used);
	v->plain_used = v->build_used = 0;
}
