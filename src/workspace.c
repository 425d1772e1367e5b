#include <stdlib.h>
#include <string.h>

#include "vault.h"

struct workspace *
vault_workspace(struct vault *v, struct view name)
{
	if (name.len == 0)
		return v->workspaces[0];
	for (size_t i = 1; i < WORKSPACES_MAX; i++) {
		struct workspace *ws = v->workspaces[i];

		if (ws != NULL && ws->state == WORKSPACE_LIVE &&
		    view_is(name, ws->name))
			return ws;
	}
	return NULL;
}

struct workspace *
vault_workspace_by_id(struct vault *v, uint64_t id)
{
	for (size_t i = 0; i < WORKSPACES_MAX; i++) {
		struct workspace *ws = v->workspaces[i];

		if (ws != NULL && ws->id == id && ws->state == WORKSPACE_LIVE)
			return ws;
	}
	return NULL;
}

struct policy
workspace_policy(const struct workspace *ws)
{
	return (struct policy){ ws->grants, ws->grant_count, ws->bindings,
		ws->binding_count };
}

/* A slot that is free: slot 0 is the vault's. */
static struct workspace *
take_slot(struct vault *v, bool root)
{
	size_t i = root ? 0 : 1, end = root ? 1 : WORKSPACES_MAX;
	struct workspace *ws;

	while (i < end && v->workspaces[i] != NULL)
		i++;
	if (i == end || (ws = calloc(1, sizeof(*ws))) == NULL)
		return NULL;
	ws->slot = (uint16_t)i;
	ws->state = WORKSPACE_LIVE;
	v->workspaces[i] = ws;
	return ws;
}

static void
free_slot(struct vault *v, struct workspace *ws)
{
	keyring_data_drop(&v->keyring, ws->slot);
	v->workspaces[ws->slot] = NULL;
	secmem_wipe(ws, sizeof(*ws));
	free(ws);
}

static struct row_id
row_of(uint64_t id)
{
	return (struct row_id){ .table = TABLE_WORKSPACE, .workspace = id };
}

static void
put_lists(struct wire_writer *w, const struct workspace *ws)
{
	struct wire_list l;

	list_begin(&l, w);
	for (size_t i = 0; i < ws->binding_count; i++) {
		const struct binding *b = &ws->bindings[i];
		const struct binding_item item = { b->uid, b->gid, b->created,
			b->by };

		binding_item_put(w, &item);
		list_item(&l);
	}
	list_end(&l);
	list_begin(&l, w);
	for (size_t i = 0; i < ws->grant_count; i++) {
		const struct grant *g = &ws->grants[i];
		const struct grant_item item = { g->principal, g->id, g->role,
			g->created, g->by };

		grant_item_put(w, &item);
		list_item(&l);
	}
	list_end(&l);
}

enum cofre_status
workspace_save(struct vault *v, struct workspace *ws)
{
	const struct row_id id = row_of(ws->id);
	struct seal_place place = row_place(v->id, &id);
	struct workspace_row row = {
		.name = view_of(ws->name),
		.state = ws->state,
		.created = ws->created,
		.uid = ws->uid,
		.key_version = ws->key_version,
	};
	uint8_t wrapped[WRAPPED_LEN];
	struct wire_writer w;

	if (ws->state == WORKSPACE_LIVE) {
		keyring_data_wrap(&v->keyring, ws->slot, wrapped, &place);
		row.wrapped = (struct view){ wrapped, sizeof(wrapped) };
	}
	/* The row without its lists, which then take the place of two that
	   are empty. */
	vault_plain_used(v, ROW_MAX);
	wire_writer_init(&w, v->plain, ROW_MAX);
	workspace_row_put(&w, &row);
	w.len -= 16;
	put_lists(&w, ws);
	if (w.bad)
		return COFRE_TOO_LARGE;
	return vault_write(v, NULL, &id, (struct view){ v->plain, w.len });
}

enum cofre_status
workspace_create(struct vault *v, struct view name, uint32_t uid,
    uint64_t now, struct workspace **ret)
{
	struct workspace *ws;
	enum cofre_status st;

	if (vault_workspace(v, name) != NULL)
		return COFRE_EXISTS;
	if ((st = vault_begin(v, 16384, false)) != COFRE_OK)
		return st;
	if ((ws = take_slot(v, name.len == 0)) == NULL)
		return COFRE_LIMIT;
	ws->fresh = true;
	v->workspaces_changed = true;
	ws->id = v->now.next_workspace++;
	memcpy(ws->name, name.data, name.len);
	ws->created = now;
	ws->uid = uid;
	ws->key_version = 1;
	keyring_data_generate(&v->keyring, ws->slot);
	*ret = ws;
	return workspace_save(v, ws);
}

static bool
load_bindings(struct workspace *ws, struct list l)
{
	struct wire_reader r = list_reader(l);
	struct binding_item item;

	for (uint32_t i = 0; i < l.count; i++) {
		binding_item_get(&r, &item);
		ws->bindings[i] = (struct binding){ item.uid, item.gid,
			item.by, item.created };
	}
	ws->binding_count = l.count;
	return wire_reader_done(&r);
}

static bool
load_grants(struct workspace *ws, struct list l)
{
	struct wire_reader r = list_reader(l);
	struct grant_item item;

	for (uint32_t i = 0; i < l.count; i++) {
		grant_item_get(&r, &item);
		ws->grants[i] = (struct grant){ item.principal, item.role,
			item.id, item.uid, item.created };
	}
	ws->grant_count = l.count;
	return wire_reader_done(&r);
}

enum cofre_status
workspace_load(struct vault *v, uint64_t id, struct view plain)
{
	const struct row_id row_id = row_of(id);
	struct seal_place place = row_place(v->id, &row_id);
	struct workspace_row row;
	struct workspace *ws;
	struct view wrapped;
	uint8_t copy[WRAPPED_LEN];

	if (!workspace_row_decode(plain, &row))
		return COFRE_CORRUPT;
	if (row.state == WORKSPACE_DELETED)
		return COFRE_OK;
	if (row.state != WORKSPACE_LIVE || row.wrapped.len != WRAPPED_LEN ||
	    (id == 0) != (row.name.len == 0))
		return COFRE_CORRUPT;
	if ((ws = take_slot(v, id == 0)) == NULL)
		return COFRE_LIMIT;
	ws->id = id;
	memcpy(ws->name, row.name.data, row.name.len);
	ws->created = row.created;
	ws->uid = row.uid;
	ws->key_version = row.key_version;
	memcpy(copy, row.wrapped.data, sizeof(copy));
	wrapped = (struct view){ copy, sizeof(copy) };
	if (!load_bindings(ws, row.bindings) || !load_grants(ws, row.grants) ||
	    !keyring_data_unwrap(&v->keyring, ws->slot, &place, wrapped))
		return COFRE_CORRUPT;
	return COFRE_OK;
}

enum cofre_status
workspace_destroy(struct vault *v, struct workspace *ws)
{
	const enum table tables[] = { TABLE_HEAD, TABLE_BODY };
	struct row_key prefix;
	struct view key, value, range;
	struct row_id id;
	enum cofre_status st;

	if ((st = vault_begin(v, 16384, true)) != COFRE_OK ||
	    (st = workspace_touch(v, ws)) != COFRE_OK)
		return st;
	for (size_t i = 0; i < 2; i++) {
		prefix = row_prefix(tables[i], ws->id);
		range = (struct view){ prefix.bytes, prefix.len };
		while ((st = store_next(v->store, range, range, &key,
			    &value)) == COFRE_OK) {
			if (!row_key_parse(key, &id))
				return COFRE_CORRUPT;
			if ((st = vault_delete(v, &id)) != COFRE_OK)
				return st;
		}
		if (st != COFRE_NOT_FOUND)
			return st;
	}
	ws->state = WORKSPACE_DELETED;
	ws->grant_count = ws->binding_count = 0;
	return workspace_save(v, ws);
}

enum cofre_status
workspace_touch(struct vault *v, struct workspace *ws)
{
	if (ws->fresh || ws->before != NULL)
		return COFRE_OK;
	if ((ws->before = malloc(sizeof(*ws))) == NULL)
		return COFRE_LIMIT;
	memcpy(ws->before, ws, sizeof(*ws));
	ws->before->before = NULL;
	v->workspaces_changed = true;
	return COFRE_OK;
}

static void
forget_before(struct workspace *ws)
{
	if (ws->before != NULL)
		secmem_wipe(ws->before, sizeof(*ws));
	free(ws->before);
	ws->before = NULL;
	ws->fresh = false;
}

void
workspace_keep(struct vault *v)
{
	for (size_t i = 0; i < WORKSPACES_MAX; i++) {
		struct workspace *ws = v->workspaces[i];

		if (ws == NULL)
			continue;
		forget_before(ws);
		if (ws->state == WORKSPACE_DELETED) {
			catalog_drop(v->catalog, ws->slot);
			free_slot(v, ws);
		}
	}
}

void
workspace_undo(struct vault *v)
{
	for (size_t i = 0; i < WORKSPACES_MAX; i++) {
		struct workspace *ws = v->workspaces[i];

		if (ws == NULL)
			continue;
		if (ws->fresh) {
			free_slot(v, ws);
			continue;
		}
		if (ws->before != NULL) {
			struct workspace *before = ws->before;

			memcpy(ws, before, sizeof(*ws));
			ws->before = before;
			forget_before(ws);
		}
	}
}

void
workspace_forget(struct vault *v)
{
	for (size_t i = 0; i < WORKSPACES_MAX; i++)
		if (v->workspaces[i] != NULL) {
			forget_before(v->workspaces[i]);
			free_slot(v, v->workspaces[i]);
		}
}

static void
copy_name(char *to, struct view name)
{
	memcpy(to, name.data, name.len);
	to[name.len] = '\0';
}

void
vault_workspace_name(struct vault *v, uint64_t id, char *name)
{
	const struct row_id row_id = row_of(id);
	struct workspace *ws = vault_workspace_by_id(v, id);
	struct workspace_row row;
	struct view plain;

	name[0] = '\0';
	if (ws != NULL)
		copy_name(name, view_of(ws->name));
	else if (vault_read(v, NULL, &row_id, &plain) == COFRE_OK &&
	    workspace_row_decode(plain, &row))
		copy_name(name, row.name);
}

void
vault_secret_name(struct vault *v, uint64_t workspace, uint64_t record,
    char *name)
{
	const struct row_id id = { .table = TABLE_HEAD,
		.workspace = workspace, .record = record };
	struct workspace *ws = vault_workspace_by_id(v, workspace);
	struct head_row head;
	struct view plain;

	name[0] = '\0';
	if (ws != NULL && vault_read(v, ws, &id, &plain) == COFRE_OK &&
	    head_row_decode(plain, &head))
		copy_name(name, head.name);
}
