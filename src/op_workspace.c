/* Operations on workspaces and their managed identities. */
#include <stdio.h>
#include <string.h>

#include "ops.h"

enum cofre_status
op_begin_change(struct request *q)
{
	enum cofre_status st;

	st = vault_begin(&q->sv->vault, 32768, true);
	return st == COFRE_OK ? workspace_touch(&q->sv->vault, q->workspace) :
				st;
}

static struct workspace_item
item_of(struct vault *v, const struct workspace *ws)
{
	struct catalog_count count = catalog_count(v->catalog, ws->slot);

	return (struct workspace_item){
		.name = view_of(ws->name),
		.created = ws->created,
		.uid = ws->uid,
		.secrets = count.live,
		.deleted = count.deleted,
		.grants = ws->grant_count,
		.bindings = ws->binding_count,
	};
}

enum cofre_status
op_workspace_create(struct request *q,
    const struct workspace_create_request *in)
{
	struct vault *v = &q->sv->vault;
	struct workspace *ws;
	enum cofre_status st;

	st = workspace_create(v, in->workspace, q->conn->peer.uid, q->sv->now,
	    &ws);
	if (st != COFRE_OK)
		return st;
	/* Whoever makes a workspace owns it, by a grant like any other. */
	ws->grants[0] = (struct grant){ PRINCIPAL_USER, ROLE_OWNER,
		q->conn->peer.uid, q->conn->peer.uid, q->sv->now };
	ws->grant_count = 1;
	q->workspace = ws;
	return workspace_save(v, ws);
}

/* May the caller see this workspace in a list? */
static bool
visible(const struct request *q, const struct workspace *ws)
{
	struct subject subject = conn_subject(q->conn);
	struct policy vault =
	    workspace_policy(q->sv->vault.workspaces[0]);
	struct policy policy = workspace_policy(ws);
	struct principal as;

	return policy_check(&subject, &vault, &policy, ACTION_WORKSPACE_READ,
		   &as) == VERDICT_ALLOW;
}

/* The visible workspace with the least name behind after, or NULL. */
static struct workspace *
next_visible(const struct request *q, const char *after)
{
	struct vault *v = &q->sv->vault;
	struct workspace *best = NULL;

	for (size_t i = 1; i < WORKSPACES_MAX; i++) {
		struct workspace *ws = v->workspaces[i];

		if (ws != NULL && ws->state == WORKSPACE_LIVE &&
		    strcmp(ws->name, after) > 0 &&
		    (best == NULL || strcmp(ws->name, best->name) < 0) &&
		    visible(q, ws))
			best = ws;
	}
	return best;
}

enum cofre_status
op_workspace_list(struct request *q, const struct workspace_list_request *in)
{
	char after[COFRE_WORKSPACE_NAME_MAX + 1] = "";
	struct workspace *ws;
	struct wire_list l;
	unsigned left = 128;

	memcpy(after, in->after.data, in->after.len);
	list_begin(&l, q->reply);
	while ((ws = next_visible(q, after)) != NULL && left-- > 0) {
		struct workspace_item item = item_of(&q->sv->vault, ws);

		workspace_item_put(q->reply, &item);
		list_item(&l);
		(void)snprintf(after, sizeof(after), "%s", ws->name);
	}
	list_end(&l);
	wire_put_bool(q->reply, ws != NULL);
	return COFRE_OK;
}

enum cofre_status
op_workspace_show(struct request *q, const struct workspace_show_request *in)
{
	struct workspace_item item = item_of(&q->sv->vault, q->workspace);

	/* The reply has the fields of the item, in the same order. */
	(void)in;
	workspace_item_put(q->reply, &item);
	return COFRE_OK;
}

enum cofre_status
op_workspace_delete(struct request *q,
    const struct workspace_delete_request *in)
{
	(void)in;
	return workspace_destroy(&q->sv->vault, q->workspace);
}

static void
detail_ids(struct request *q, uint32_t uid, uint32_t gid)
{
	if (gid == NO_ID)
		(void)snprintf(q->detail, sizeof(q->detail), "uid %u", uid);
	else
		(void)snprintf(q->detail, sizeof(q->detail), "uid %u gid %u",
		    uid, gid);
}

static struct binding *
find_binding(struct workspace *ws, uint32_t uid, uint32_t gid)
{
	for (size_t i = 0; i < ws->binding_count; i++)
		if (ws->bindings[i].uid == uid && ws->bindings[i].gid == gid)
			return &ws->bindings[i];
	return NULL;
}

enum cofre_status
op_identity_bind(struct request *q, const struct identity_bind_request *in)
{
	struct workspace *ws = q->workspace;
	enum cofre_status st;

	detail_ids(q, in->uid, in->gid);
	/* A gid of NO_ID says "any"; the overflow id never stands for one. */
	if (!policy_id_valid(in->uid) ||
	    (in->gid != NO_ID && !policy_id_valid(in->gid)))
		return COFRE_INVALID;
	if (find_binding(ws, in->uid, in->gid) != NULL)
		return COFRE_EXISTS;
	if (ws->binding_count == BINDINGS_MAX)
		return COFRE_LIMIT;
	if ((st = op_begin_change(q)) != COFRE_OK)
		return st;
	ws->bindings[ws->binding_count++] = (struct binding){ in->uid, in->gid,
		q->conn->peer.uid, q->sv->now };
	return workspace_save(&q->sv->vault, ws);
}

enum cofre_status
op_identity_unbind(struct request *q,
    const struct identity_unbind_request *in)
{
	struct workspace *ws = q->workspace;
	enum cofre_status st;

	detail_ids(q, in->uid, in->gid);
	if (find_binding(ws, in->uid, in->gid) == NULL)
		return COFRE_NOT_FOUND;
	if ((st = op_begin_change(q)) != COFRE_OK)
		return st;
	*find_binding(ws, in->uid, in->gid) =
	    ws->bindings[ws->binding_count - 1];
	ws->binding_count--;
	return workspace_save(&q->sv->vault, ws);
}

enum cofre_status
op_identity_show(struct request *q, const struct identity_show_request *in)
{
	struct wire_list l;

	(void)in;
	list_begin(&l, q->reply);
	for (size_t i = 0; i < q->workspace->binding_count; i++) {
		const struct binding *b = &q->workspace->bindings[i];
		const struct binding_item item = { b->uid, b->gid, b->created,
			b->by };

		binding_item_put(q->reply, &item);
		list_item(&l);
	}
	list_end(&l);
	return COFRE_OK;
}
