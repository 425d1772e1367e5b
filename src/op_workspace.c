/* Operations on workspaces. */
#include <stdio.h>
#include <string.h>

#include "identity.h"
#include "ops.h"
#include "watch.h"

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
		.grants = ws->policy.grant_count,
		.bindings = ws->policy.binding_count,
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
	identity_make(ws, q->conn->peer.uid, q->sv->now);
	q->workspace = ws;
	q->version = ws->policy.version;
	return workspace_save(v, ws);
}

/* The same for one who may do something there, but not look at it as a whole:
   what is in it is not his to know. */
static struct workspace_item
item_of_unknown(const struct workspace *ws)
{
	return (struct workspace_item){ .name = view_of(ws->name),
		.uid = NO_ID, .secrets = NOT_TOLD, .deleted = NOT_TOLD,
		.grants = NO_ID, .bindings = NO_ID };
}

/* The visible workspace with the least name behind after, or NULL.  Deleted
   ones are visible to those who may bring them back. */
static struct workspace *
next_visible(const struct request *q, const char *after, bool deleted)
{
	struct vault *v = &q->sv->vault;
	enum workspace_state state = deleted ? WORKSPACE_DELETED :
					       WORKSPACE_LIVE;
	struct workspace *best = NULL;

	for (size_t i = 1; i < WORKSPACES_MAX; i++) {
		struct workspace *ws = v->workspaces[i];

		if (ws != NULL && ws->state == state &&
		    strcmp(ws->name, after) > 0 &&
		    (best == NULL || strcmp(ws->name, best->name) < 0) &&
		    (deleted ? request_sees(q, ws, ACTION_WORKSPACE_DELETE) :
			       request_knows(q, ws)))
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
	while ((ws = next_visible(q, after, in->deleted)) != NULL &&
	    left-- > 0) {
		struct workspace_item item =
		    request_sees(q, ws, ACTION_WORKSPACE_READ) ?
		    item_of(&q->sv->vault, ws) : item_of_unknown(ws);

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
	enum cofre_status st;

	(void)in;
	st = workspace_delete(&q->sv->vault, q->workspace);
	if (st == COFRE_OK)
		watch_end_workspace(q->sv, q->workspace->id);
	q->version = q->workspace->policy.version;
	return st;
}

enum cofre_status
op_workspace_undelete(struct request *q,
    const struct workspace_undelete_request *in)
{
	enum cofre_status st;

	(void)in;
	st = workspace_undelete(&q->sv->vault, q->workspace);
	if (st == COFRE_OK)
		q->sv->bindings++; /* its own count again */
	q->version = q->workspace->policy.version;
	return st;
}

enum cofre_status
op_workspace_purge(struct request *q, const struct workspace_purge_request *in)
{
	(void)in;
	return workspace_purge(&q->sv->vault, q->workspace);
}
