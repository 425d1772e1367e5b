/* Making a vault, opening one, and its unlock slots. */
#include "vault.h"

#include <string.h>

#define STEP_ROWS 1024 /* of one vault_unlock_step() */

enum cofre_status
vault_slot_check(const struct slot_params *p)
{
	if (p->key.len != KEY_LEN)
		return COFRE_INVALID;
	if (p->type == SLOT_KEYFILE)
		return p->salt.len == 0 && p->ops == 0 && p->mem == 0 ?
		    COFRE_OK :
		    COFRE_INVALID;
	if (p->type == SLOT_PASSPHRASE)
		return p->salt.len == SALT_LEN && p->ops > 0 && p->mem > 0 ?
		    COFRE_OK :
		    COFRE_INVALID;
	return COFRE_INVALID;
}

/*
 * What a wrapped root key is bound to: the slot's number and, in the place
 * of a name, everything that its row says in clear.  name has room for
 * COFRE_SECRET_NAME_MAX bytes.
 */
static struct seal_place
slot_place(const struct vault *v, uint32_t slot, const struct slot_row *row,
    uint8_t *name)
{
	const struct slot_binding binding = { row->type, row->ops, row->mem,
		row->salt, row->created, row->uid };
	struct row_id id = { .table = TABLE_SLOT, .record = slot };
	struct wire_writer w;

	wire_writer_init(&w, name, COFRE_SECRET_NAME_MAX);
	slot_binding_put(&w, &binding);
	id.name = (struct view){ name, w.len };
	return row_place(v->id, &id);
}

static enum cofre_status
write_slot(struct vault *v, uint32_t slot, const struct slot_params *p,
    uint32_t uid, uint64_t now)
{
	const struct row_id id = { .table = TABLE_SLOT, .record = slot };
	struct slot_row row = { .type = p->type, .ops = p->ops,
		.mem = p->mem, .salt = p->salt, .created = now, .uid = uid };
	uint8_t wrapped[WRAPPED_LEN], name[COFRE_SECRET_NAME_MAX], buf[512];
	struct seal_place place = slot_place(v, slot, &row, name);
	struct wire_writer w;

	keyring_wrap_root(&v->keyring, wrapped, p->key.data, &place);
	row.wrapped = (struct view){ wrapped, sizeof(wrapped) };
	wire_writer_init(&w, buf, sizeof(buf));
	slot_row_put(&w, &row);
	return vault_write_clear(v, &id, (struct view){ buf, w.len });
}

/* Read a slot's row; its views are valid until the next write. */
static enum cofre_status
read_slot(struct vault *v, uint32_t slot, struct slot_row *row)
{
	const struct row_id id = { .table = TABLE_SLOT, .record = slot };
	struct row_key key = row_key(&id);
	struct view value;
	enum cofre_status st;

	st = store_get(v->store, (struct view){ key.bytes, key.len }, &value);
	if (st == COFRE_OK && !slot_row_decode(value, row))
		st = COFRE_CORRUPT;
	return st;
}

enum cofre_status
vault_write_header(struct vault *v)
{
	const struct row_id id = { .table = TABLE_HEADER };
	const struct header_row row = { view_of(ROWS_MAGIC), ROWS_FORMAT,
		{ v->id, VAULT_ID_LEN } };
	uint8_t buf[64];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	header_row_put(&w, &row);
	return vault_write_clear(v, &id, (struct view){ buf, w.len });
}

enum cofre_status
vault_init(struct vault *v, const struct slot_params *p, uint32_t uid,
    uint64_t now, uint32_t *slot)
{
	struct workspace *root;
	enum cofre_status st;

	if (v->state != VAULT_EMPTY)
		return COFRE_EXISTS;
	if ((st = vault_slot_check(p)) != COFRE_OK ||
	    (st = vault_begin(v, 65536, false)) != COFRE_OK)
		return st;
	crypto_random(v->id, sizeof(v->id));
	keyring_generate(&v->keyring);
	v->epoch = 0;
	memset(&v->now, 0, sizeof(v->now));
	memset(&v->kept, 0, sizeof(v->kept));
	v->catalog = catalog_new(keyring_catalog(&v->keyring));
	if (v->catalog == NULL)
		st = COFRE_LIMIT;
	if (st == COFRE_OK)
		st = vault_write_header(v);
	if (st == COFRE_OK)
		st = write_slot(v, 1, p, uid, now);
	/* The vault's own scope is the first workspace, without a name. */
	if (st == COFRE_OK)
		st = workspace_create(v, view_of(""), uid, now, &root);
	if (st == COFRE_OK)
		st = sshstore_make(&v->ssh, 0);
	if (st != COFRE_OK) {
		vault_lock(v);
		return st;
	}
	v->state = VAULT_OPEN;
	v->fresh = true;
	*slot = 1;
	return COFRE_OK;
}

/* Try a key on a slot; the ring is open when it was the right one, which is
   OK. */
static enum cofre_status
try_slot(struct vault *v, uint32_t slot, uint32_t wanted, const uint8_t *key)
{
	uint8_t name[COFRE_SECRET_NAME_MAX];
	struct seal_place place;
	struct slot_row row;
	enum cofre_status st;

	if ((st = read_slot(v, slot, &row)) != COFRE_OK)
		return st;
	if (wanted == 0 ? row.type != SLOT_KEYFILE : wanted != slot)
		return COFRE_WRONG_KEY;
	place = slot_place(v, slot, &row, name);
	return keyring_unwrap_root(&v->keyring, key, &place, row.wrapped) ?
	    COFRE_OK :
	    COFRE_WRONG_KEY;
}

/* Take what the state row says. */
static enum cofre_status
read_state(struct vault *v)
{
	const struct row_id id = { .table = TABLE_STATE };
	struct state_row row;
	struct view plain;
	enum cofre_status st;

	if ((st = vault_read(v, NULL, &id, &plain)) != COFRE_OK)
		return st == COFRE_NOT_FOUND ? COFRE_CORRUPT : st;
	if (!state_row_decode(plain, &row) || row.sum.len != 32)
		return COFRE_CORRUPT;
	tally_decode(&v->now.tally, row.rows, row.sum.data);
	v->epoch = row.epoch;
	v->now.next_workspace = row.next_workspace;
	v->now.next_record = row.next_record;
	v->log_end = row.log_end;
	v->read_end = row.read_end;
	return COFRE_OK;
}

enum cofre_status
vault_unlock_begin(struct vault *v, uint32_t slot, struct view key,
    bool accept_rollback, uint64_t log_epoch)
{
	enum cofre_status st;
	bool opened = false, unread = false;

	if (v->state == VAULT_EMPTY)
		return COFRE_UNINITIALIZED;
	if (v->state == VAULT_OPEN)
		return COFRE_CONFLICT;
	if (v->unlock.running)
		return COFRE_BUSY;
	if (key.len != KEY_LEN)
		return COFRE_INVALID;
	for (uint32_t i = 1; i <= SLOTS_MAX; i++) {
		st = try_slot(v, i, slot, key.data);
		opened |= st == COFRE_OK;
		unread |= st == COFRE_STORE_FAILED;
	}
	if (!opened) /* it may be the key of one that can't be read */
		return unread ? COFRE_STORE_FAILED : COFRE_WRONG_KEY;
	memset(&v->unlock, 0, sizeof(v->unlock));
	v->unlock.accept_rollback = accept_rollback;
	v->unlock.log_epoch = log_epoch;
	v->unlock.walk.store = v->store;
	v->unlock.walk.tally_key = keyring_tally(&v->keyring);
	v->catalog = catalog_new(keyring_catalog(&v->keyring));
	st = v->catalog == NULL ? COFRE_LIMIT : read_state(v);
	if (st == COFRE_OK)
		v->unlock.running = true;
	else
		vault_lock(v);
	return st;
}

/* Take a head into the catalogue. */
static enum cofre_status
load_head(struct vault *v, const struct row_id *id, struct view sealed)
{
	struct workspace *ws = vault_workspace_kept(v, id->workspace);
	struct catalog_entry e = { .record = id->record };
	struct head_row head;
	struct view plain;

	if (ws == NULL || vault_unseal(v, ws, id, sealed, &plain) != COFRE_OK ||
	    !head_row_decode(plain, &head))
		return COFRE_CORRUPT;
	if (!catalog_reserve(v->catalog, 1))
		return COFRE_LIMIT;
	e.version = head.version;
	e.slot = ws->slot;
	e.kind = head.kind & CATALOG_KIND;
	e.state = head.state;
	e.stale = head.stale != 0;
	catalog_follow(v->catalog, ws->id, head.follows, &e);
	catalog_set(v->catalog, ws->id, head.name, &e);
	catalog_keep(v->catalog);
	return endings_load(&v->endings, ws->id, id->record, head.versions);
}

static enum cofre_status
load_workspace(struct vault *v, const struct row_id *id, struct view sealed)
{
	struct view plain;

	if (vault_unseal(v, NULL, id, sealed, &plain) != COFRE_OK)
		return COFRE_CORRUPT;
	return workspace_load(v, id->workspace, plain);
}

static enum cofre_status
load_role(struct vault *v, const struct row_id *id, struct view sealed)
{
	struct view plain;

	if (vault_unseal(v, NULL, id, sealed, &plain) != COFRE_OK)
		return COFRE_CORRUPT;
	return roles_load(v, id, plain);
}

static enum cofre_status
load_mark(struct vault *v, const struct row_id *id, struct view sealed)
{
	struct view plain;

	if (vault_unseal(v, NULL, id, sealed, &plain) != COFRE_OK)
		return COFRE_CORRUPT;
	return vault_mark_load(v, plain);
}

static enum cofre_status
load_run(struct vault *v, const struct row_id *id, struct view sealed)
{
	struct workspace *ws = vault_workspace_kept(v, id->workspace);
	struct view plain;

	if (ws == NULL || vault_unseal(v, ws, id, sealed, &plain) != COFRE_OK)
		return COFRE_CORRUPT;
	return runs_load(v, id, plain);
}

struct step {
	struct vault *v;
	unsigned left;
	bool more;
};

/* Take in what stands in memory of the row. */
static enum cofre_status
load(struct vault *v, const struct row_id *id, struct view value)
{
	if (row_is_ssh(id->table))
		return COFRE_CORRUPT;
	if (id->table == TABLE_WORKSPACE)
		return load_workspace(v, id, value);
	if (id->table == TABLE_HEAD)
		return load_head(v, id, value);
	if (id->table == TABLE_ROLE)
		return load_role(v, id, value);
	if (id->table == TABLE_RUN)
		return load_run(v, id, value);
	if (id->table == TABLE_SSH_MARK)
		return load_mark(v, id, value);
	return COFRE_OK;
}

/* One row of the store, at unlock. */
static bool
load_row(void *arg, struct view key, struct view value)
{
	struct step *step = arg;
	struct vault *v = step->v;
	struct unlock *u = &v->unlock;
	struct row_id id;

	if (step->left-- == 0) {
		step->more = true;
		return false;
	}
	u->status = rowwalk_next(&u->walk, key, value, &id) ?
	    load(v, &id, value) :
	    COFRE_CORRUPT;
	return u->status == COFRE_OK;
}

/* All rows were seen: do they add up, and is the store not an old one? */
static enum cofre_status
judge(struct vault *v)
{
	struct unlock *u = &v->unlock;
	enum cofre_status st;

	if (u->status != COFRE_OK)
		return u->status;
	if (v->workspaces[0] == NULL || !tally_equal(&u->walk.sum, &v->now.tally))
		return COFRE_CORRUPT;
	if (v->epoch < u->log_epoch && !u->accept_rollback)
		return COFRE_ROLLBACK;
	st = vault_ssh_unlock(v);
	u->of_ssh = st != COFRE_OK;
	return st;
}

bool
vault_unlock_step(struct vault *v)
{
	struct step step = { .v = v, .left = STEP_ROWS };
	struct view after = { v->unlock.walk.last.bytes,
		v->unlock.walk.last.len };
	enum cofre_status st;
	bool of_ssh;

	if (!v->unlock.running)
		return false;
	st = store_walk(v->store, after.len == 0 ? NULL : &after, load_row,
	    &step);
	if (v->unlock.status == COFRE_OK)
		v->unlock.status = st;
	if (step.more && v->unlock.status == COFRE_OK)
		return true;
	st = judge(v);
	of_ssh = v->unlock.of_ssh;
	if (st == COFRE_OK)
		v->state = VAULT_OPEN;
	else
		vault_lock(v);
	v->unlock.running = false;
	v->unlock.status = st;
	v->unlock.of_ssh = of_ssh;
	return false;
}

enum cofre_status
vault_slot_add(struct vault *v, const struct slot_params *p, uint32_t uid,
    uint64_t now, uint32_t *slot)
{
	struct slot_row row;
	enum cofre_status st;

	if ((st = vault_slot_check(p)) != COFRE_OK ||
	    (st = vault_begin(v, 4096, false)) != COFRE_OK)
		return st;
	for (uint32_t i = 1; i <= SLOTS_MAX; i++) {
		st = read_slot(v, i, &row);
		if (st == COFRE_NOT_FOUND) {
			*slot = i;
			return write_slot(v, i, p, uid, now);
		}
		if (st != COFRE_OK)
			return st;
	}
	return COFRE_LIMIT;
}

enum cofre_status
vault_slot_remove(struct vault *v, uint32_t slot)
{
	const struct row_id id = { .table = TABLE_SLOT, .record = slot };
	struct slot_row row;
	enum cofre_status st;
	unsigned count = 0;

	for (uint32_t i = 1; i <= SLOTS_MAX; i++) {
		st = read_slot(v, i, &row);
		if (st == COFRE_STORE_FAILED)
			return st; /* it may be there */
		count += st == COFRE_OK;
	}
	if ((st = read_slot(v, slot, &row)) != COFRE_OK)
		return st;
	if (count < 2)
		return COFRE_LAST_SLOT;
	if ((st = vault_begin(v, 4096, true)) != COFRE_OK)
		return st;
	return vault_delete(v, &id);
}

enum cofre_status
vault_slot_list(struct vault *v, struct wire_writer *w)
{
	struct wire_list l;
	struct slot_row row;
	enum cofre_status st;

	list_begin(&l, w);
	for (uint32_t i = 1; i <= SLOTS_MAX; i++) {
		struct slot_item item = { .slot = i };

		st = read_slot(v, i, &row);
		if (st == COFRE_NOT_FOUND)
			continue;
		if (st != COFRE_OK)
			return st;
		item.type = row.type;
		item.ops = row.ops;
		item.mem = row.mem;
		item.salt = row.salt;
		item.created = row.created;
		item.uid = row.uid;
		slot_item_put(w, &item);
		list_item(&l);
	}
	list_end(&l);
	return COFRE_OK;
}
