/* Workspaces: in memory, and in their rows. */
#include <stdlib.h>
#include <string.h>

#include "binding.h"
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

struct workspace *
vault_workspace_kept(struct vault *v, uint64_t id)
{
	for (size_t i = 0; i < WORKSPACES_MAX; i++) {
		struct workspace *ws = v->workspaces[i];

		if (ws != NULL && ws->id == id &&
		    ws->state != WORKSPACE_PURGED)
			return ws;
	}
	return NULL;
}

struct workspace *
vault_workspace_kept_name(struct vault *v, struct view name)
{
	for (size_t i = 0; i < WORKSPACES_MAX; i++) {
		struct workspace *ws = v->workspaces[i];

		if (ws != NULL && ws->state != WORKSPACE_PURGED &&
		    view_is(name, ws->name))
			return ws;
	}
	return NULL;
}

static void
copy_name(char *to, struct view name)
{
	if (name.len > 0)
		memcpy(to, name.data, name.len);
	to[name.len] = '\0';
}

struct policy
vault_policy(const struct vault *v)
{
	return (struct policy){ v->scopes, v->scope_count, v->roles.now,
		ROLES_MAX };
}

void
workspace_set_state(struct vault *v, struct workspace *ws,
    enum workspace_state state)
{
	ws->state = (uint8_t)state;
	v->scopes[ws->slot] = state == WORKSPACE_LIVE ? &ws->policy : NULL;
}

void
workspace_policy_changed(struct workspace *ws)
{
	ws->policy.version++;
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
	v->workspaces[i] = ws;
	workspace_set_state(v, ws, WORKSPACE_LIVE);
	if (i >= v->scope_count)
		v->scope_count = i + 1;
	return ws;
}

static void
free_slot(struct vault *v, struct workspace *ws)
{
	keyring_data_drop(&v->keyring, ws->slot);
	v->workspaces[ws->slot] = NULL;
	v->scopes[ws->slot] = NULL;
	secmem_wipe(ws, sizeof(*ws));
	free(ws);
}

static struct row_id
row_of(uint64_t id)
{
	return (struct row_id){ .table = TABLE_WORKSPACE, .workspace = id };
}

static void
put_lists(struct wire_writer *w, const struct policy_scope *p)
{
	struct wire_list l;

	list_begin(&l, w);
	for (size_t i = 0; i < p->binding_count; i++) {
		const struct binding *b = &p->bindings[i];
		const struct binding_item item = binding_item(b);

		binding_item_put(w, &item);
		list_item(&l);
	}
	list_end(&l);
	list_begin(&l, w);
	for (size_t i = 0; i < p->grant_count; i++) {
		const struct grant *g = &p->grants[i];
		const struct grant_row item = { g->principal, g->id,
			view_of(g->unit), g->role, view_of(g->prefix), g->created, g->by };

		grant_row_put(w, &item);
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
		.policy_version = ws->policy.version,
	};
	uint8_t wrapped[WRAPPED_LEN];
	struct wire_writer w;

	if (ws->state != WORKSPACE_PURGED) {
		keyring_data_wrap(&v->keyring, ws->slot, wrapped, &place);
		row.wrapped = (struct view){ wrapped, sizeof(wrapped) };
	}
	vault_plain_used(v, ROW_MAX);
	wire_writer_init(&w, v->plain, ROW_MAX);
	workspace_row_put(&w, &row);
	lists_take_back(&w, 2);
	put_lists(&w, &ws->policy);
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

	if (vault_workspace_kept_name(v, name) != NULL)
		return COFRE_EXISTS;
	if ((st = vault_begin(v, 16384, false)) != COFRE_OK)
		return st;
	if ((ws = take_slot(v, name.len == 0)) == NULL)
		return COFRE_LIMIT;
	ws->fresh = true;
	v->workspaces_changed = true;
	ws->id = ws->policy.id = v->now.next_workspace++;
	memcpy(ws->name, name.data, name.len);
	ws->created = now;
	ws->uid = uid;
	ws->key_version = 1;
	keyring_data_generate(&v->keyring, ws->slot);
	*ret = ws;
	return workspace_save(v, ws);
}

static bool
load_bindings(struct policy_scope *p, struct list l)
{
	struct wire_reader r = list_reader(l);
	struct binding_item item;

	for (uint32_t i = 0; i < l.count; i++) {
		binding_item_get(&r, &item);
		if (r.bad || !binding_take(&item, &p->bindings[i]))
			return false;
	}
	p->binding_count = l.count;
	return wire_reader_done(&r);
}

static bool
load_grants(struct policy_scope *p, struct list l)
{
	struct wire_reader r = list_reader(l);
	struct grant_row item;

	for (uint32_t i = 0; i < l.count; i++) {
		struct grant *g = &p->grants[i];

		grant_row_get(&r, &item);
		if (r.bad)
			return false;
		*g = (struct grant){ .principal = item.principal,
			.role = item.role, .id = item.id, .by = item.uid,
			.created = item.created };
		copy_name(g->prefix, item.prefix);
		copy_name(g->unit, item.unit);
	}
	p->grant_count = l.count;
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
	if (row.state == WORKSPACE_PURGED)
		return COFRE_OK;
	if ((row.state != WORKSPACE_LIVE && row.state != WORKSPACE_DELETED) ||
	    (id == 0 && row.state != WORKSPACE_LIVE) || row.wrapped.len != WRAPPED_LEN ||
	    (id == 0) != (row.name.len == 0))
		return COFRE_CORRUPT;
	if ((ws = take_slot(v, id == 0)) == NULL)
		return COFRE_LIMIT;
	workspace_set_state(v, ws, row.state);
	ws->id = ws->policy.id = id;
	ws->policy.version = row.policy_version;
	memcpy(ws->name, row.name.data, row.name.len);
	ws->created = row.created;
	ws->uid = row.uid;
	ws->key_version = row.key_version;
	memcpy(copy, row.wrapped.data, sizeof(copy));
	wrapped = (struct view){ copy, sizeof(copy) };
	if (!load_bindings(&ws->policy, row.bindings) ||
	    !load_grants(&ws->policy, row.grants) ||
	    !keyring_data_unwrap(&v->keyring, ws->slot, &place, wrapped))
		return COFRE_CORRUPT;
	return COFRE_OK;
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
		if (ws->state == WORKSPACE_PURGED) {
			v->sweep = true;
			catalog_drop(v->catalog, ws->slot);
			endings_drop(&v->endings, ws->id);
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
			workspace_set_state(v, ws, ws->state);
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
	struct workspace *ws = vault_workspace_kept(v, workspace);
	struct head_row head;
	struct view plain;

	name[0] = '\0';
	if (ws != NULL && vault_read(v, ws, &id, &plain) == COFRE_OK &&
	    head_row_decode(plain, &head))
		copy_name(name, head.name);
}
