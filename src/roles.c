/* Custom roles: their definitions in memory, and in their rows. */
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "vault.h"

static struct row_id
row_of(uint32_t number, uint32_t version)
{
	return (struct row_id){ .table = TABLE_ROLE, .record = number,
		.version = version };
}

/* The actions of one plane that a list of patterns comes to. */
static bool
expand(struct list patterns, enum action_plane plane, uint64_t *set)
{
	struct wire_reader r = list_reader(patterns);
	struct pattern_item item;

	*set = 0;
	for (uint32_t i = 0; i < patterns.count; i++) {
		uint64_t some;

		pattern_item_get(&r, &item);
		some = action_expand(item.pattern, plane);
		if (some == 0)
			return false;
		*set |= some;
	}
	return wire_reader_done(&r);
}

/* NOT takes away, within its own plane. */
bool
roles_effective(const struct role_row *row, uint64_t *set)
{
	uint64_t control, no_control, values, no_values;

	if (!expand(row->actions, PLANE_CONTROL, &control) ||
	    !expand(row->not_actions, PLANE_CONTROL, &no_control) ||
	    !expand(row->data_actions, PLANE_DATA, &values) ||
	    !expand(row->not_data_actions, PLANE_DATA, &no_values))
		return false;
	*set = (control & ~no_control) | (values & ~no_values);
	return true;
}

static struct role *
new_role(uint32_t scopes)
{
	struct role *role =
	    calloc(1, sizeof(*role) + scopes * sizeof(role->scopes[0]));

	if (role != NULL)
		role->scope_count = scopes;
	return role;
}

/* Make one from its row.  INVALID: what it says can't be. */
static enum cofre_status
from_row(uint32_t number, uint32_t version, const struct role_row *row,
    struct role **ret)
{
	struct wire_reader r = list_reader(row->scopes);
	struct role *role = new_role(row->scopes.count);
	struct scope_row item;

	if (role == NULL)
		return COFRE_LIMIT;
	role->number = number;
	role->version = version;
	role->created = row->created;
	role->uid = row->uid;
	view_copy(role->name, row->name);
	for (uint32_t i = 0; i < row->scopes.count; i++) {
		scope_row_get(&r, &item);
		role->scopes[i].workspace = item.workspace;
		view_copy(role->scopes[i].prefix, item.prefix);
	}
	if (wire_reader_done(&r) &&
	    roles_effective(row, &role->actions)) {
		*ret = role;
		return COFRE_OK;
	}
	free(role);
	return COFRE_INVALID;
}

/* The place of a number, or a free one; ROLES_MAX: there is none. */
static size_t
place_of(const struct vault *v, uint32_t number)
{
	size_t unused = ROLES_MAX;

	for (size_t i = 0; i < ROLES_MAX; i++) {
		const struct role *role = v->roles.now[i];

		if (role != NULL && role->number == number)
			return i;
		if (role == NULL && unused == ROLES_MAX)
			unused = i;
	}
	return unused;
}

/* Before the first change of a turn: what there was. */
static void
remember(struct vault *v)
{
	if (!v->roles.changed)
		memcpy(v->roles.before, v->roles.now, sizeof(v->roles.now));
	v->roles.changed = true;
}

static bool
is_among(const struct role *role, const struct role *const *list)
{
	for (size_t i = 0; i < ROLES_MAX; i++)
		if (list[i] == role)
			return true;
	return false;
}

static void
release(const struct role *role)
{
	void *p;

	memcpy(&p, &role, sizeof(p));
	free(p);
}

/* Free the roles of one list that are not in the other one. */
static void
release_all(const struct role **from, const struct role *const *but)
{
	for (size_t i = 0; i < ROLES_MAX; i++)
		if (from[i] != NULL && !is_among(from[i], but))
			release(from[i]);
}

/* Put one in its place; the one before it is freed with the turn. */
static void
set(struct vault *v, size_t place, const struct role *role)
{
	const struct role *old = v->roles.now[place];

	v->roles.now[place] = role;
	/* One that was made in this very turn is in no other list. */
	if (old != NULL && !is_among(old, v->roles.before))
		release(old);
}

void
roles_keep(struct vault *v)
{
	if (!v->roles.changed)
		return;
	release_all(v->roles.before, v->roles.now);
	memset(v->roles.before, 0, sizeof(v->roles.before));
	v->roles.changed = false;
}

void
roles_undo(struct vault *v)
{
	if (!v->roles.changed)
		return;
	release_all(v->roles.now, v->roles.before);
	memcpy(v->roles.now, v->roles.before, sizeof(v->roles.now));
	memset(v->roles.before, 0, sizeof(v->roles.before));
	v->roles.changed = false;
}

void
roles_forget(struct vault *v)
{
	roles_undo(v);
	for (size_t i = 0; i < ROLES_MAX; i++)
		release(v->roles.now[i]);
	memset(&v->roles, 0, sizeof(v->roles));
}

enum cofre_status
roles_load(struct vault *v, const struct row_id *id, struct view plain)
{
	uint32_t number = (uint32_t)id->record;
	struct role_row row;
	struct role *role = NULL;
	enum cofre_status st;
	size_t place;

	if (!role_row_decode(plain, &row) || id->workspace != 0 ||
	    id->record > UINT32_MAX || number < ROLE_CUSTOM)
		return COFRE_CORRUPT;
	place = place_of(v, number);
	if (row.state == ROLE_DEFINED) {
		if (place == ROLES_MAX)
			return COFRE_LIMIT;
		st = from_row(number, id->version, &row, &role);
		if (st != COFRE_OK)
			return st == COFRE_INVALID ? COFRE_CORRUPT : st;
	} else if (row.state != ROLE_DELETED)
		return COFRE_CORRUPT;
	if (place < ROLES_MAX) {
		release(v->roles.now[place]);
		v->roles.now[place] = role;
	}
	return COFRE_OK;
}

enum cofre_status
roles_read(struct vault *v, uint32_t number, uint32_t version,
    struct role_row *row)
{
	const struct row_id id = row_of(number, version);
	struct view plain;
	enum cofre_status st = vault_read(v, NULL, &id, &plain);

	if (st != COFRE_OK)
		return st;
	return role_row_decode(plain, row) ? COFRE_OK : COFRE_CORRUPT;
}

uint32_t
roles_used(const struct vault *v, uint32_t number)
{
	uint32_t n = 0;

	for (size_t i = 0; i < v->scope_count; i++)
		for (size_t j = 0; v->workspaces[i] != NULL &&
		     j < v->workspaces[i]->policy.grant_count; j++)
			n += v->workspaces[i]->policy.grants[j].role == number;
	return n;
}

/* Would every grant of the role be within its scopes?  Also those of deleted
   workspaces, which may be in force again. */
static bool
grants_fit(const struct vault *v, const struct role *role)
{
	const struct role *const one[] = { role };
	const struct policy p = { v->scopes, v->scope_count, one, 1 };

	for (size_t i = 0; i < v->scope_count; i++) {
		const struct policy_scope *scope = v->workspaces[i] == NULL ?
		    NULL :
		    &v->workspaces[i]->policy;

		for (size_t j = 0; scope != NULL && j < scope->grant_count;
		     j++)
			if (scope->grants[j].role == role->number &&
			    !policy_role_fits(&p, role->number, scope->id,
				scope->grants[j].prefix))
				return false;
	}
	return true;
}

/* Turn names of workspaces into their numbers: a later one of the same name
   is another one. */
static bool
put_scopes(struct vault *v, struct wire_writer *w, struct list scopes)
{
	struct wire_reader r = list_reader(scopes);
	struct scope_item item;
	struct wire_list l;

	list_begin(&l, w);
	for (uint32_t i = 0; i < scopes.count; i++) {
		struct workspace *ws;
		struct scope_row row;

		scope_item_get(&r, &item);
		if (!name_is_prefix(item.prefix) ||
		    (item.workspace.len == 0 && item.prefix.len > 0) ||
		    (ws = vault_workspace(v, item.workspace)) == NULL)
			return false;
		row = (struct scope_row){ ws->id, item.prefix };
		scope_row_put(w, &row);
		list_item(&l);
	}
	list_end(&l);
	return wire_reader_done(&r) && scopes.count > 0;
}

/* Make the row in the vault's build buffer.  False: it is not valid. */
static bool
build(struct vault *v, struct wire_writer *w, const struct role_definition *d,
    uint32_t uid, uint64_t now)
{
	const struct role_row row = { d->name, ROLE_DEFINED, d->description,
		now, uid, d->actions, d->not_actions, d->data_actions,
		d->not_data_actions, { .count = 0 } };

	wire_writer_init(w, v->build, ROW_MAX);
	role_row_put(w, &row);
	lists_take_back(w, 1);
	if (!put_scopes(v, w, d->scopes) || w->bad)
		return false;
	if (w->len > v->build_used)
		v->build_used = w->len;
	return true;
}

/* Whose definition is it, and may it be given now? */
static enum cofre_status
check(struct vault *v, const struct role_definition *d, uint32_t if_version,
    const struct role **old)
{
	struct policy p = vault_policy(v);
	uint32_t like = policy_role_like(&p, d->name);

	*old = policy_role(&p, policy_role_find(&p, d->name));
	if (!name_is_role(d->name))
		return COFRE_INVALID;
	if (like != ROLE_NONE && *old == NULL)
		return COFRE_EXISTS;
	if (if_version != NO_ID &&
	    if_version != (*old == NULL ? 0 : (*old)->version))
		return COFRE_CONFLICT;
	return *old != NULL && (*old)->version == UINT32_MAX - 1 ?
	    COFRE_LIMIT :
	    COFRE_OK;
}

static enum cofre_status
drop_version(struct vault *v, uint32_t number, uint32_t version)
{
	const struct row_id id = row_of(number, version);
	enum cofre_status st = vault_delete(v, &id);

	return st == COFRE_NOT_FOUND ? COFRE_OK : st;
}

enum cofre_status
roles_put(struct vault *v, const struct role_definition *d,
    uint32_t if_version, uint32_t uid, uint64_t now, uint32_t *version)
{
	const struct role *old;
	struct role_row row;
	struct wire_writer w;
	struct role *role;
	struct row_id id;
	size_t place;
	enum cofre_status st;

	if ((st = check(v, d, if_version, &old)) != COFRE_OK)
		return st;
	if ((st = vault_begin(v, 65536, false)) != COFRE_OK)
		return st;
	id = row_of(old != NULL ? old->number :
		(uint32_t)(v->now.next_record + 1 + ROLE_CUSTOM),
	    old != NULL ? old->version + 1 : 1);
	place = place_of(v, (uint32_t)id.record);
	if (place == ROLES_MAX || v->now.next_record > UINT32_MAX / 2)
		return COFRE_LIMIT;
	if (!build(v, &w, d, uid, now) ||
	    !role_row_decode((struct view){ w.data, w.len }, &row))
		return COFRE_INVALID;
	st = from_row((uint32_t)id.record, id.version, &row, &role);
	if (st != COFRE_OK)
		return st;
	if (!grants_fit(v, role)) {
		release(role);
		return COFRE_CONFLICT;
	}
	remember(v);
	set(v, place, role);
	v->now.next_record += old == NULL;
	*version = id.version;
	if (id.version > ROLE_VERSIONS_MAX &&
	    (st = drop_version(v, (uint32_t)id.record,
		 id.version - ROLE_VERSIONS_MAX)) != COFRE_OK)
		return st;
	return vault_write(v, NULL, &id, (struct view){ w.data, w.len });
}

/* What stays of a deleted role is its name, for the activity log. */
enum cofre_status
roles_delete(struct vault *v, struct view name)
{
	struct role_row row = { .name = name, .state = ROLE_DELETED };
	struct policy p = vault_policy(v);
	uint32_t found = policy_role_find(&p, name);
	const struct role *role = policy_role(&p, found);
	struct wire_writer w;
	struct row_id id;
	enum cofre_status st;

	/* A built-in one is there, and stays. */
	if (role == NULL)
		return found == ROLE_NONE ? COFRE_NOT_FOUND : COFRE_CONFLICT;
	if (roles_used(v, role->number) > 0)
		return COFRE_CONFLICT;
	if ((st = vault_begin(v, 32768, true)) != COFRE_OK)
		return st;
	id = row_of(role->number, role->version + 1);
	for (uint32_t i = 0; i < ROLE_VERSIONS_MAX && i < role->version; i++)
		if ((st = drop_version(v, role->number, role->version - i)) !=
		    COFRE_OK)
			return st;
	remember(v);
	set(v, place_of(v, (uint32_t)id.record), NULL);
	wire_writer_init(&w, v->build, ROW_MAX);
	role_row_put(&w, &row);
	if (w.len > v->build_used)
		v->build_used = w.len;
	return vault_write(v, NULL, &id, (struct view){ w.data, w.len });
}
