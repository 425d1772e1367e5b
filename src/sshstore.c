/* The rows of the SSH store, and its part of a turn. */
#include "sshstore.h"

#include <string.h>

static struct view
key_view(const struct row_key *key)
{
	return (struct view){ key->bytes, key->len };
}

bool
sshstore_init(struct sshstore *s, struct store *store,
    struct keyring *keyring, const uint8_t *vault)
{
	*s = (struct sshstore){ .store = store, .keyring = keyring,
		.vault = vault };
	if (!secmem_init(&s->scratch, 3 * SSH_SEALED_MAX, false, true))
		return false;
	s->plain = s->scratch.base;
	s->build = s->plain + SSH_SEALED_MAX;
	s->sealed = s->build + SSH_SEALED_MAX;
	return true;
}

void
sshstore_lock(struct sshstore *s)
{
	if (s->store != NULL) {
		store_abort(s->store);
		sshstore_tidy(s);
	}
	if (s->keyring != NULL && s->keyring->keys != NULL)
		keyring_ssh_drop(s->keyring);
	secmem_wipe(&s->now, sizeof(s->now));
	secmem_wipe(&s->kept, sizeof(s->kept));
	s->open = s->fresh = false;
	s->poison = COFRE_OK;
}

void
sshstore_free(struct sshstore *s)
{
	sshstore_lock(s);
	secmem_free(&s->scratch);
	s->plain = s->build = s->sealed = NULL;
}

enum cofre_status
sshstore_get(struct sshstore *s, const struct row_id *id, struct view *value)
{
	struct row_key key = row_key(id);

	if (!s->open)
		return COFRE_STORE_FAILED;
	return store_get(s->store, key_view(&key), value);
}

enum cofre_status
sshstore_unseal(struct sshstore *s, const struct row_id *id,
    struct view sealed, struct view *plain)
{
	struct seal_place place = row_place(s->vault, id);

	s->used = true;
	if (sealed.len > SSH_SEALED_MAX ||
	    !seal_open(s->plain, keyring_ssh(s->keyring), &place, sealed,
		plain))
		return COFRE_CORRUPT;
	return COFRE_OK;
}

void
sshstore_poison(struct sshstore *s, enum cofre_status st)
{
	if (st != COFRE_OK && s->poison == COFRE_OK)
		s->poison = st;
}

static enum cofre_status
poison(struct sshstore *s, enum cofre_status st)
{
	sshstore_poison(s, st);
	return st;
}

enum cofre_status
sshstore_begin(struct sshstore *s, size_t need, bool reserve)
{
	bool first = !store_writing(s->store);
	enum cofre_status st;

	s->used = true;
	if (!s->open)
		return COFRE_STORE_FAILED;
	if (s->poison != COFRE_OK)
		return s->poison;
	st = store_begin(s->store, need, reserve);
	if (st == COFRE_OK && first)
		s->kept = s->now;
	return st;
}

/* Take the row that has the key now out of the tally. */
static enum cofre_status
uncount(struct sshstore *s, const struct row_key *key)
{
	struct view old;
	enum cofre_status st = store_get(s->store, key_view(key), &old);

	if (st == COFRE_OK)
		tally_remove(&s->now.tally, keyring_tally(s->keyring),
		    key_view(key), old);
	return st;
}

enum cofre_status
sshstore_write_clear(struct sshstore *s, const struct row_id *id,
    struct view value)
{
	struct row_key key = row_key(id);
	enum cofre_status st = uncount(s, &key);

	if (st == COFRE_OK || st == COFRE_NOT_FOUND)
		st = store_put(s->store, key_view(&key), value);
	if (st != COFRE_OK)
		return poison(s, st);
	tally_add(&s->now.tally, keyring_tally(s->keyring), key_view(&key),
	    value);
	s->writes++;
	return COFRE_OK;
}

/* Seal a row: the view is valid until the next one is sealed. */
static struct view
seal(struct sshstore *s, const struct row_id *id, struct view plain)
{
	struct seal_place place = row_place(s->vault, id);

	seal_close(s->sealed, keyring_ssh(s->keyring), 1, &place, plain,
	    NULL);
	return (struct view){ s->sealed, seal_size(plain.len) };
}

enum cofre_status
sshstore_write(struct sshstore *s, const struct row_id *id,
    struct view plain)
{
	if (plain.len > SSH_ROW_MAX)
		return COFRE_TOO_LARGE;
	return sshstore_write_clear(s, id, seal(s, id, plain));
}

enum cofre_status
sshstore_delete(struct sshstore *s, const struct row_id *id)
{
	struct row_key key = row_key(id);
	enum cofre_status st = uncount(s, &key);

	if (st == COFRE_NOT_FOUND)
		return st;
	if (st == COFRE_OK)
		st = store_delete(s->store, key_view(&key));
	s->writes++;
	return poison(s, st);
}

bool
sshstore_writing(const struct sshstore *s)
{
	return store_writing(s->store);
}

/* Write the evidence: it is in no tally, it holds it. */
static enum cofre_status
write_state(struct sshstore *s, uint64_t now)
{
	const struct row_id id = { .table = TABLE_SSH_STATE };
	struct row_key key = row_key(&id);
	struct ssh_state_row row = {
		.epoch = s->epoch + 1,
		.rows = s->now.tally.rows,
		.time = now,
		.next_record = s->now.next_record,
	};
	uint8_t buf[128], sum[32];
	struct wire_writer w;
	enum cofre_status st;

	tally_encode(&s->now.tally, sum);
	row.sum = (struct view){ sum, sizeof(sum) };
	wire_writer_init(&w, buf, sizeof(buf));
	ssh_state_row_put(&w, &row);
	st = store_put(s->store, key_view(&key),
	    seal(s, &id, (struct view){ buf, w.len }));
	secmem_wipe(buf, sizeof(buf));
	secmem_wipe(sum, sizeof(sum));
	return st;
}

/* Make memory say again what the store says, also when a commit that failed
   has ended the transaction. */
static void
take_back(struct sshstore *s)
{
	store_abort(s->store);
	s->now = s->kept;
	s->poison = COFRE_OK;
	if (s->fresh)
		sshstore_lock(s);
}

enum cofre_status
sshstore_commit(struct sshstore *s, uint64_t now)
{
	enum cofre_status st = s->poison;

	if (!sshstore_writing(s)) {
		s->poison = COFRE_OK;
		return st;
	}
	if (st == COFRE_OK)
		st = write_state(s, now);
	if (st == COFRE_OK)
		st = store_commit(s->store);
	if (st != COFRE_OK) {
		take_back(s);
		return st;
	}
	s->epoch++;
	s->fresh = false;
	return COFRE_OK;
}

void
sshstore_abort(struct sshstore *s)
{
	if (sshstore_writing(s))
		take_back(s);
	s->poison = COFRE_OK;
}

void
sshstore_tidy(struct sshstore *s)
{
	store_release(s->store);
	/* Pages that nobody has touched stay so: most turns use none. */
	if (s->used)
		secmem_wipe(s->plain, 3 * SSH_SEALED_MAX);
	s->used = false;
}
