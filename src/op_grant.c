/* Operations on grants: who has which role, in a workspace or the vault. */
#include <stdio.h>

#include "ops.h"

static void
detail_grant(struct request *q, uint8_t principal, uint32_t id, uint8_t role)
{
	(void)snprintf(q->detail, sizeof(q->detail), "%s:%u %s",
	    principal_name(principal), id,
	    role == ROLE_NONE ? "any role" : role_name(role));
}

static bool
valid(uint8_t principal, uint32_t id, uint8_t role, bool any)
{
	return (principal == PRINCIPAL_USER || principal == PRINCIPAL_GROUP) &&
	    policy_id_valid(id) &&
	    (policy_role_actions(role) != 0 || (any && role == ROLE_NONE));
}

static bool
is_same(const struct grant *g, uint8_t principal, uint32_t id, uint8_t role)
{
	return g->principal == principal && g->id == id &&
	    (role == ROLE_NONE || g->role == role);
}

enum cofre_status
op_grant_add(struct request *q, const struct grant_add_request *in)
{
	struct workspace *ws = q->workspace;
	enum cofre_status st;

	detail_grant(q, in->principal, in->id, in->role);
	if (!valid(in->principal, in->id, in->role, false))
		return COFRE_INVALID;
	for (size_t i = 0; i < ws->grant_count; i++)
		if (is_same(&ws->grants[i], in->principal, in->id, in->role))
			return COFRE_EXISTS;
	if (ws->grant_count == GRANTS_MAX)
		return COFRE_LIMIT;
	if ((st = op_begin_change(q)) != COFRE_OK)
		return st;
	ws->grants[ws->grant_count++] = (struct grant){ in->principal,
		in->role, in->id, q->conn->peer.uid, q->sv->now };
	return workspace_save(&q->sv->vault, ws);
}

enum cofre_status
op_grant_remove(struct request *q, const struct grant_remove_request *in)
{
	struct workspace *ws = q->workspace;
	uint32_t kept = 0, found = 0;
	enum cofre_status st;

	detail_grant(q, in->principal, in->id, in->role);
	if (!valid(in->principal, in->id, in->role, true))
		return COFRE_INVALID;
	for (size_t i = 0; i < ws->grant_count; i++)
		found += is_same(&ws->grants[i], in->principal, in->id,
		    in->role);
	if (found == 0)
		return COFRE_NOT_FOUND;
	if ((st = op_begin_change(q)) != COFRE_OK)
		return st;
	for (size_t i = 0; i < ws->grant_count; i++)
		if (!is_same(&ws->grants[i], in->principal, in->id, in->role))
			ws->grants[kept++] = ws->grants[i];
	ws->grant_count = kept;
	return workspace_save(&q->sv->vault, ws);
}

enum cofre_status
op_grant_list(struct request *q, const struct grant_list_request *in)
{
	struct wire_list l;

	(void)in;
	list_begin(&l, q->reply);
	for (size_t i = 0; i < q->workspace->grant_count; i++) {
		const struct grant *g = &q->workspace->grants[i];
		const struct grant_item item = { g->principal, g->id, g->role,
			g->created, g->by };

		grant_item_put(q->reply, &item);
		list_item(&l);
	}
	list_end(&l);
	return COFRE_OK;
}
