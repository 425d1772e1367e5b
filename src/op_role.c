/* Operations on roles. */
#include <stdio.h>
#include <string.h>

#include "ops.h"

static void
detail_name(struct request *q, struct view name, uint32_t version)
{
	if (version == 0)
		(void)snprintf(q->detail, sizeof(q->detail), "role %.*s",
		    (int)name.len, (const char *)name.data);
	else
		(void)snprintf(q->detail, sizeof(q->detail),
		    "role %.*s version %u", (int)name.len,
		    (const char *)name.data, version);
}

enum cofre_status
op_role_put(struct request *q, const struct role_put_request *in)
{
	const struct role_definition d = { in->name, in->description,
		in->actions, in->not_actions, in->data_actions,
		in->not_data_actions, in->scopes };
	enum cofre_status st;

	detail_name(q, in->name, 0);
	st = roles_put(&q->sv->vault, &d, in->if_version, q->conn->peer.uid,
	    q->sv->now, &q->version);
	if (st != COFRE_OK)
		return st;
	detail_name(q, in->name, q->version);
	wire_put_u32(q->reply, q->version);
	return COFRE_OK;
}

enum cofre_status
op_role_delete(struct request *q, const struct role_delete_request *in)
{
	detail_name(q, in->name, 0);
	return roles_delete(&q->sv->vault, in->name);
}

static struct role_item
item_of(struct request *q, uint32_t number)
{
	struct policy p = vault_policy(&q->sv->vault);
	const struct role *role = policy_role(&p, number);
	struct role_item item = {
		.name = view_of(policy_role_name(&p, number)),
		.actions = policy_role_actions(&p, number),
		.grants = roles_used(&q->sv->vault, number),
	};

	if (role == NULL)
		return item;
	item.custom = true;
	item.version = role->version;
	item.created = role->created;
	item.uid = role->uid;
	return item;
}

static void
put_item(struct request *q, struct wire_list *l, uint32_t number)
{
	struct role_item item = item_of(q, number);

	role_item_put(q->reply, &item);
	list_item(l);
}

/* May the role be given somewhere in the workspace? */
static bool
is_of(const struct role *role, uint64_t workspace)
{
	for (size_t i = 0; i < role->scope_count; i++)
		if (role->scopes[i].workspace == 0 ||
		    role->scopes[i].workspace == workspace)
			return true;
	return false;
}

enum cofre_status
op_role_list(struct request *q, const struct role_list_request *in)
{
	struct roles *roles = &q->sv->vault.roles;
	struct wire_list l;

	(void)in;
	list_begin(&l, q->reply);
	for (size_t i = 0; policy_builtin(i) != ROLE_NONE; i++)
		put_item(q, &l, policy_builtin(i));
	for (size_t i = 0; i < ROLES_MAX; i++)
		if (roles->now[i] != NULL &&
		    (q->workspace->slot == 0 ||
			is_of(roles->now[i], q->workspace->id)))
			put_item(q, &l, roles->now[i]->number);
	list_end(&l);
	return COFRE_OK;
}

/* The scopes by the names of today; one that is gone, or that the caller may
   not know of, is left out. */
static bool
put_scopes(struct request *q, struct list scopes)
{
	struct wire_reader r = list_reader(scopes);
	struct scope_row row;
	struct wire_list l;

	list_begin(&l, q->reply);
	for (uint32_t i = 0; i < scopes.count; i++) {
		const struct workspace *ws;
		struct scope_item item;

		scope_row_get(&r, &row);
		if (r.bad)
			return false;
		ws = vault_workspace_by_id(&q->sv->vault, row.workspace);
		if (ws == NULL || (ws != q->workspace &&
			!request_sees(q, ws, ACTION_WORKSPACE_READ)))
			continue;
		item = (struct scope_item){ view_of(ws->name), row.prefix };
		scope_item_put(q->reply, &item);
		list_item(&l);
	}
	list_end(&l);
	return wire_reader_done(&r);
}

/* The part of the reply that is the role's own definition. */
static enum cofre_status
put_definition(struct request *q, uint32_t number, uint32_t version)
{
	struct role_row row;
	enum cofre_status st;

	st = roles_read(&q->sv->vault, number, version, &row);
	if (st != COFRE_OK) /* it was there a moment ago */
		return st == COFRE_NOT_FOUND ? COFRE_CORRUPT : st;
	wire_put_string(q->reply, row.description, ROLE_TEXT_MAX);
	list_put(q->reply, row.actions, PATTERNS_MAX);
	list_put(q->reply, row.not_actions, PATTERNS_MAX);
	list_put(q->reply, row.data_actions, PATTERNS_MAX);
	list_put(q->reply, row.not_data_actions, PATTERNS_MAX);
	return put_scopes(q, row.scopes) ? COFRE_OK : COFRE_CORRUPT;
}

/* What an older version came to, when and by whom. */
static enum cofre_status
set_older(struct request *q, uint32_t number, uint32_t version,
    struct role_item *item)
{
	struct role_row row;
	enum cofre_status st;

	st = roles_read(&q->sv->vault, number, version, &row);
	if (st != COFRE_OK)
		return st;
	item->version = version;
	item->created = row.created;
	item->uid = row.uid;
	return roles_effective(&row, &item->actions) ? COFRE_OK :
						       COFRE_CORRUPT;
}

enum cofre_status
op_role_show(struct request *q, const struct role_show_request *in)
{
	const struct list none = { .count = 0 };
	struct policy p = vault_policy(&q->sv->vault);
	uint32_t number = policy_role_find(&p, in->name);
	const struct role *role = policy_role(&p, number);
	struct role_item item;
	enum cofre_status st;

	if (number == ROLE_NONE ||
	    (role != NULL && q->workspace->slot != 0 &&
		!is_of(role, q->workspace->id)))
		return COFRE_NOT_FOUND;
	item = item_of(q, number);
	if (role == NULL && in->version != 0)
		return COFRE_NOT_FOUND;
	if (role != NULL && in->version != 0 && in->version != role->version &&
	    (st = set_older(q, number, in->version, &item)) != COFRE_OK)
		return st;
	/* The reply begins with the fields of the item. */
	role_item_put(q->reply, &item);
	if (role != NULL)
		return put_definition(q, number, item.version);
	wire_put_string(q->reply, view_of(""), ROLE_TEXT_MAX);
	for (unsigned i = 0; i < 5; i++)
		list_put(q->reply, none, PATTERNS_MAX);
	return COFRE_OK;
}
