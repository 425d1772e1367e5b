#include "targets.h"

#include <string.h>

struct target *
targets_find(const struct targets *ts, uint64_t workspace, struct view name)
{
	return (struct target *)sshindex_find(&ts->all, workspace, name);
}

struct target *
targets_next(const struct targets *ts, uint64_t workspace, struct view after)
{
	return (struct target *)sshindex_next(&ts->all, workspace, after);
}

struct target *
targets_find_key(const struct targets *ts, const uint8_t *public)
{
	for (size_t i = 0; i < ts->all.count; i++) {
		struct target *t = (struct target *)ts->all.list[i];

		for (uint32_t k = 0; k < t->key_count; k++)
			if (memcmp(t->keys[k].public, public,
				PUBLIC_KEY_LEN) == 0)
				return t;
	}
	return NULL;
}

struct ca *
targets_ca(const struct targets *ts, uint64_t workspace)
{
	return (struct ca *)sshindex_find(&ts->cas, workspace, view_of(""));
}

/* Make a key pair, and write the sealed half. */
static enum cofre_status
make_pair(struct sshstore *s, const struct row_id *id,
    uint8_t public[PUBLIC_KEY_LEN])
{
	uint8_t sealed[WRAPPED_LEN];

	keyring_pair_make(s->keyring, public, sealed,
	    row_place(s->vault, id));
	return sshstore_write_clear(s, id,
	    (struct view){ sealed, sizeof(sealed) });
}

static enum cofre_status
write_target(struct sshstore *s, const struct target *t)
{
	const struct row_id id = target_row_id(t);
	struct wire_writer w;

	wire_writer_init(&w, s->build, SSH_ROW_MAX);
	target_put(&w, t);
	return w.bad ? COFRE_TOO_LARGE :
		       sshstore_write(s, &id, (struct view){ w.data, w.len });
}

static enum cofre_status
write_ca(struct sshstore *s, const struct ca *ca)
{
	const struct row_id id = ca_row_id(ca);
	struct wire_writer w;

	wire_writer_init(&w, s->build, SSH_ROW_MAX);
	ca_put(&w, ca);
	return w.bad ? COFRE_TOO_LARGE :
		       sshstore_write(s, &id, (struct view){ w.data, w.len });
}

enum cofre_status
targets_save_ca(struct targets *ts, struct sshstore *s, struct ca *old,
    struct ca *changed)
{
	sshindex_replace(&ts->cas, &old->item, &changed->item);
	return write_ca(s, changed);
}

static enum cofre_status
make_ca(struct targets *ts, struct sshstore *s, uint64_t workspace,
    uint32_t uid, uint64_t now)
{
	struct ca *ca = ca_new();
	struct row_id id;
	enum cofre_status st;

	if (ca == NULL)
		return COFRE_LIMIT;
	ca->item.workspace = workspace;
	ca->record = ++s->now.next_record;
	ca->created = now;
	ca->uid = uid;
	ca->next_serial = ca->given = 1;
	if (!sshindex_add(&ts->cas, &ca->item)) {
		sshitem_free(&ca->item);
		return COFRE_LIMIT;
	}
	id = ca_key_id(ca);
	if ((st = make_pair(s, &id, ca->public)) != COFRE_OK)
		return st;
	return write_ca(s, ca);
}

enum cofre_status
targets_add_key(struct sshstore *s, struct target *t, uint64_t now)
{
	struct target_key *k = &t->keys[t->key_count];
	struct row_id id = target_key_id(t, t->last_version + 1);

	if (t->key_count == TARGET_KEYS_MAX || t->last_version == NO_ID - 1)
		return COFRE_LIMIT;
	k->version = ++t->last_version;
	k->created = now;
	t->key_count++;
	return make_pair(s, &id, k->public);
}

enum cofre_status
targets_drop_key(struct sshstore *s, struct target *t, uint32_t i)
{
	const struct row_id id = target_key_id(t, t->keys[i].version);

	t->key_count--;
	memmove(t->keys + i, t->keys + i + 1,
	    (t->key_count - i) * sizeof(t->keys[0]));
	return sshstore_delete(s, &id);
}

static enum cofre_status
create(struct targets *ts, struct sshstore *s, struct target *t,
    uint64_t now)
{
	enum cofre_status st;

	if (targets_ca(ts, t->item.workspace) == NULL &&
	    (st = make_ca(ts, s, t->item.workspace, t->uid, now)) !=
		COFRE_OK)
		return st;
	t->record = ++s->now.next_record;
	if ((st = targets_add_key(s, t, now)) != COFRE_OK)
		return st;
	return write_target(s, t);
}

enum cofre_status
targets_create(struct targets *ts, struct sshstore *s, struct target *t,
    uint32_t uid, uint64_t now)
{
	enum cofre_status st = COFRE_OK;

	t->uid = uid;
	t->created = t->updated = now;
	t->revision = 1;
	if (targets_find(ts, t->item.workspace, view_of(t->item.name)) != NULL)
		st = COFRE_EXISTS;
	else if (ts->all.count >= TARGETS_MAX ||
	    sshindex_count(&ts->all, t->item.workspace) >=
		TARGETS_WORKSPACE_MAX)
		st = COFRE_LIMIT;
	else
		st = sshstore_begin(s, 16384, false);
	if (st == COFRE_OK && !sshindex_add(&ts->all, &t->item))
		st = COFRE_LIMIT;
	if (st != COFRE_OK) {
		sshitem_free(&t->item);
		return st;
	}
	/* It stands in memory already. */
	st = create(ts, s, t, now);
	sshstore_poison(s, st);
	return st;
}

enum cofre_status
targets_save(struct targets *ts, struct sshstore *s, struct target *old,
    struct target *changed, uint64_t now)
{
	changed->revision++;
	changed->updated = now;
	sshindex_replace(&ts->all, &old->item, &changed->item);
	return write_target(s, changed);
}

enum cofre_status
targets_delete(struct targets *ts, struct sshstore *s, struct target *t)
{
	struct row_id id = target_row_id(t);
	enum cofre_status st = sshstore_begin(s, 4096, true);

	if (st == COFRE_OK)
		st = sshstore_delete(s, &id);
	for (uint32_t i = 0; st == COFRE_OK && i < t->key_count; i++) {
		id = target_key_id(t, t->keys[i].version);
		st = sshstore_delete(s, &id);
	}
	if (st == COFRE_OK)
		sshindex_remove(&ts->all, &t->item);
	return st;
}

/* Delete every row that the workspace has in the table. */
static enum cofre_status
drop_rows(struct sshstore *s, enum table table, uint64_t workspace)
{
	struct row_key prefix = row_prefix(table, workspace);
	struct view key, value, range = { prefix.bytes, prefix.len };
	struct row_id id;
	enum cofre_status st;

	while ((st = store_next(s->store, range, range, &key, &value)) ==
	    COFRE_OK) {
		if (!row_key_parse(key, &id))
			return COFRE_CORRUPT;
		if ((st = sshstore_delete(s, &id)) != COFRE_OK)
			return st;
	}
	return st == COFRE_NOT_FOUND ? COFRE_OK : st;
}

enum cofre_status
targets_drop_workspace(struct targets *ts, struct sshstore *s,
    uint64_t workspace)
{
	static const enum table tables[] = { TABLE_TARGET, TABLE_CA,
		TABLE_SSH_KEY };
	struct ca *ca = targets_ca(ts, workspace);
	enum cofre_status st = sshstore_begin(s, 16384, true);
	struct target *t;

	for (size_t i = 0;
	     st == COFRE_OK && i < sizeof(tables) / sizeof(tables[0]); i++)
		st = drop_rows(s, tables[i], workspace);
	if (st != COFRE_OK)
		return st;
	while ((t = targets_next(ts, workspace, view_of(""))) != NULL)
		sshindex_remove(&ts->all, &t->item);
	if (ca != NULL)
		sshindex_remove(&ts->cas, &ca->item);
	return COFRE_OK;
}

bool
targets_workspace(const struct targets *ts, size_t *i, uint64_t *workspace)
{
	/* Whoever has a target has a CA; a CA stays when its targets go. */
	if (*i >= ts->cas.count)
		return false;
	*workspace = ts->cas.list[(*i)++]->workspace;
	return true;
}

enum cofre_status
targets_load(struct targets *ts, const struct row_id *id, struct view plain)
{
	struct sshindex *x = id->table == TABLE_CA ? &ts->cas : &ts->all;
	struct sshitem *item;
	enum cofre_status st;

	if (id->table == TABLE_CA)
		item = (struct sshitem *)ca_get(id->workspace, id->record,
		    plain, &st);
	else
		item = (struct sshitem *)target_get(id->workspace,
		    id->record, plain, &st);
	if (item == NULL)
		return st;
	if (sshindex_find(x, item->workspace, view_of(item->name)) != NULL)
		st = COFRE_CORRUPT;
	else if (sshindex_add(x, item))
		return COFRE_OK;
	else
		st = COFRE_LIMIT;
	sshitem_free(item);
	return st;
}

void
targets_keep(struct targets *ts)
{
	sshindex_keep(&ts->all);
	sshindex_keep(&ts->cas);
}

void
targets_undo(struct targets *ts)
{
	sshindex_undo(&ts->all);
	sshindex_undo(&ts->cas);
}

void
targets_forget(struct targets *ts)
{
	sshindex_forget(&ts->all);
	sshindex_forget(&ts->cas);
}
