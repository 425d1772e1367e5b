/* The SSH store made, and verified. */
#include "sshstore.h"

#include <string.h>

static const struct row_id header_id = { .table = TABLE_SSH_HEADER };
static const struct row_id state_id = { .table = TABLE_SSH_STATE };

/* Delete all that is there, whatever it is. */
static enum cofre_status
clear(struct sshstore *s)
{
	const uint8_t least = 0;
	const struct view any = { &least, 0 };
	struct view key, value;
	enum cofre_status st;

	while ((st = store_next(s->store, any, (struct view){ &least, 1 },
		    &key, &value)) == COFRE_OK)
		if ((st = store_delete(s->store, key)) != COFRE_OK)
			return st;
	return st == COFRE_NOT_FOUND ? COFRE_OK : st;
}

static enum cofre_status
write_header(struct sshstore *s)
{
	struct seal_place place = row_place(s->vault, &header_id);
	struct ssh_header_row row = { view_of(SSH_MAGIC), SSH_FORMAT,
		{ s->vault, VAULT_ID_LEN }, { NULL, 0 } };
	uint8_t wrapped[WRAPPED_LEN], buf[256];
	struct wire_writer w;

	keyring_ssh_wrap(s->keyring, wrapped, &place);
	row.wrapped = (struct view){ wrapped, sizeof(wrapped) };
	wire_writer_init(&w, buf, sizeof(buf));
	ssh_header_row_put(&w, &row);
	return sshstore_write_clear(s, &header_id,
	    (struct view){ buf, w.len });
}

enum cofre_status
sshstore_make(struct sshstore *s, uint64_t epoch)
{
	enum cofre_status st;

	sshstore_lock(s);
	s->open = true;
	if ((st = sshstore_begin(s, 65536, false)) == COFRE_OK)
		st = clear(s);
	if (st == COFRE_OK) {
		s->fresh = true;
		s->epoch = epoch;
		keyring_ssh_generate(s->keyring);
		st = write_header(s);
	}
	if (st != COFRE_OK)
		sshstore_lock(s);
	return st;
}

/* Take the key out of the header.  NOT_FOUND: the store is empty. */
static enum cofre_status
read_header(struct sshstore *s)
{
	struct seal_place place = row_place(s->vault, &header_id);
	struct row_key key = row_key(&header_id);
	struct ssh_header_row row;
	struct view value;
	enum cofre_status st;

	st = store_get(s->store, (struct view){ key.bytes, key.len }, &value);
	if (st == COFRE_NOT_FOUND) {
		struct store_stat stat;

		store_stat(s->store, &stat);
		return stat.rows == 0 ? st : COFRE_CORRUPT;
	}
	if (st != COFRE_OK)
		return st;
	if (!ssh_header_row_decode(value, &row) ||
	    !view_is(row.magic, SSH_MAGIC) || row.format != SSH_FORMAT ||
	    !view_equal(row.vault, (struct view){ s->vault, VAULT_ID_LEN }) ||
	    !keyring_ssh_unwrap(s->keyring, &place, row.wrapped))
		return COFRE_CORRUPT;
	return COFRE_OK;
}

static enum cofre_status
read_state(struct sshstore *s)
{
	struct row_key key = row_key(&state_id);
	struct view value, plain;
	struct ssh_state_row row;
	enum cofre_status st;

	st = store_get(s->store, (struct view){ key.bytes, key.len }, &value);
	if (st != COFRE_OK)
		return st == COFRE_NOT_FOUND ? COFRE_CORRUPT : st;
	if (sshstore_unseal(s, &state_id, value, &plain) != COFRE_OK ||
	    !ssh_state_row_decode(plain, &row) || row.sum.len != 32)
		return COFRE_CORRUPT;
	tally_decode(&s->now.tally, row.rows, row.sum.data);
	s->now.next_record = row.next_record;
	s->epoch = row.epoch;
	return COFRE_OK;
}

struct check {
	struct sshstore *s;
	struct rowwalk walk;
	sshstore_load *load;
	void *arg;
	enum cofre_status status;
};

static bool
check_row(void *arg, struct view key, struct view value)
{
	struct check *c = arg;
	struct row_id id;
	struct view plain;

	c->status = COFRE_CORRUPT;
	if (!rowwalk_next(&c->walk, key, value, &id) || !row_is_ssh(id.table))
		return false;
	/* The sum speaks for private keys: they are opened to be used. */
	if (id.table == TABLE_SSH_HEADER || id.table == TABLE_SSH_STATE ||
	    id.table == TABLE_SSH_KEY)
		c->status = COFRE_OK;
	else if (sshstore_unseal(c->s, &id, value, &plain) == COFRE_OK)
		c->status = c->load(c->arg, &id, plain);
	return c->status == COFRE_OK;
}

/* Do all rows add up? */
static enum cofre_status
check_rows(struct sshstore *s, sshstore_load *load, void *arg)
{
	struct check c = { .s = s, .load = load, .arg = arg,
		.walk = { .store = s->store,
		    .tally_key = keyring_tally(s->keyring) } };
	enum cofre_status st = store_walk(s->store, NULL, check_row, &c);

	if (st == COFRE_OK)
		st = c.status;
	if (st == COFRE_OK && !tally_equal(&c.walk.sum, &s->now.tally))
		st = COFRE_CORRUPT;
	return st;
}

enum cofre_status
sshstore_unlock(struct sshstore *s, uint64_t mark, bool accept_rollback,
    sshstore_load *load, void *arg)
{
	enum cofre_status st = read_header(s);

	/* One that is not there has come to nothing yet. */
	if (st == COFRE_NOT_FOUND)
		return mark > 0 && !accept_rollback ? COFRE_ROLLBACK :
						      COFRE_OK;
	if (st == COFRE_OK)
		st = read_state(s);
	if (st == COFRE_OK)
		st = check_rows(s, load, arg);
	if (st == COFRE_OK && s->epoch < mark && !accept_rollback)
		st = COFRE_ROLLBACK;
	if (st != COFRE_OK) {
		sshstore_lock(s);
		return st;
	}
	/* An epoch that the vault knows is never given twice. */
	s->behind = s->epoch < mark;
	if (s->behind)
		s->epoch = mark;
	s->kept = s->now;
	s->open = true;
	return COFRE_OK;
}
