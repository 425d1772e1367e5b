/* Operations on grants: who has which role, in a workspace or the vault. */
#include <stdio.h>
#include <string.h>

#include "identity.h"
#include "names.h"
#include "ops.h"

/* "user:1001 reader on train-", for the log. */
static void
detail_grant(struct request *q, uint8_t principal, uint32_t id,
    struct view who, struct view role, struct view prefix)
{
	char text[PRINCIPAL_TEXT];

	(void)snprintf(q->detail, sizeof(q->detail), "%s %.*s%s%.*s",
	    principal_text(principal, id, who, text),
	    role.len == 0 ? 8 : (int)role.len,
	    role.len == 0 ? "any role" : (const char *)role.data,
	    prefix.len == 0 ? "" : " on ", (int)prefix.len,
	    prefix.len == 0 ? "" : (const char *)prefix.data);
}

/*
 * Who it is for.  INVALID: nobody that can be granted a role; NOT_FOUND: the
 * identity of a workspace that is not there.
 */
static enum cofre_status
find_principal(struct request *q, uint8_t principal, uint32_t id,
    struct view who, struct grant *g)
{
	struct workspace *ws;

	g->principal = principal;
	g->id = id;
	if (principal == PRINCIPAL_USER || principal == PRINCIPAL_GROUP)
		return policy_id_valid(id) && who.len == 0 ? COFRE_OK :
							     COFRE_INVALID;
	if (principal == PRINCIPAL_UNIT && id == 0 &&
	    facts_unit_is_valid(who)) {
		g->id = 0;
		memcpy(g->unit, who.data, who.len);
		return COFRE_OK;
	}
	if (principal != PRINCIPAL_IDENTITY || id != 0 ||
	    !name_is_workspace(who))
		return COFRE_INVALID;
	if ((ws = vault_workspace(&q->sv->vault, who)) == NULL)
		return COFRE_NOT_FOUND;
	g->id = ws->id;
	return COFRE_OK;
}

/* And where it counts: names are in workspaces alone. */
static enum cofre_status
set_prefix(const struct request *q, struct view prefix, struct grant *g)
{
	if (!name_is_prefix(prefix) ||
	    (prefix.len > 0 && q->workspace->slot == 0))
		return COFRE_INVALID;
	if (prefix.len > 0)
		memcpy(g->prefix, prefix.data, prefix.len);
	g->prefix[prefix.len] = '\0';
	return COFRE_OK;
}

/* The same but for the role, which may be any. */
static bool
is_same(const struct grant *a, const struct grant *b)
{
	return a->principal == b->principal && a->id == b->id &&
	    strcmp(a->unit, b->unit) == 0 &&
	    strcmp(a->prefix, b->prefix) == 0 &&
	    (b->role == ROLE_NONE || a->role == b->role);
}

/*
 * A role that lets its holder share would otherwise be every role.  Operators
 * may, and it is recorded; also those whom a grant lets in here, which counts
 * before being one.
 */
bool
op_may_give(const struct request *q, uint32_t role, struct view prefix)
{
	struct subject s = conn_subject(q->conn);
	struct policy p = vault_policy(&q->sv->vault);
	uint64_t given = policy_role_actions(&p, role);

	return policy_is_operator(&s) ||
	    (given & ~policy_actions(&s, &p, &q->workspace->policy,
			 prefix)) == 0;
}

/* May the caller know of the workspace whose identity that is? */
static bool
sees_identity(const struct request *q, struct view who)
{
	const struct workspace *ws = vault_workspace(&q->sv->vault, who);

	return ws == q->workspace ||
	    request_sees(q, ws, ACTION_WORKSPACE_READ);
}

static enum cofre_status
save(struct request *q)
{
	struct workspace *ws = q->workspace;

	workspace_policy_changed(ws);
	q->version = ws->policy.version;
	wire_put_u32(q->reply, q->version);
	return workspace_save(&q->sv->vault, ws);
}

enum cofre_status
op_grant_add(struct request *q, const struct grant_add_request *in)
{
	struct policy_scope *scope = &q->workspace->policy;
	struct policy policy = vault_policy(&q->sv->vault);
	struct grant g = { .by = q->conn->peer.uid, .created = q->sv->now };
	enum cofre_status st;

	detail_grant(q, in->principal, in->id, in->who, in->role, in->prefix);
	g.role = policy_role_find(&policy, in->role);
	/* Nobody finds out here which workspaces there are: what is wrong
	   besides is told first, and the same whether there is one or not. */
	if ((st = set_prefix(q, in->prefix, &g)) != COFRE_OK)
		return st;
	if (!policy_role_fits(&policy, g.role, scope->id, g.prefix))
		return COFRE_INVALID;
	if ((st = find_principal(q, in->principal, in->id, in->who, &g)) !=
	    COFRE_OK)
		return st;
	if (g.principal == PRINCIPAL_IDENTITY && !sees_identity(q, in->who))
		return COFRE_NOT_FOUND;
	if (!op_may_give(q, g.role, view_of(g.prefix)))
		return COFRE_DENIED;
	for (size_t i = 0; i < scope->grant_count; i++)
		if (is_same(&scope->grants[i], &g))
			return COFRE_EXISTS;
	if (scope->grant_count == GRANTS_MAX)
		return COFRE_LIMIT;
	if ((st = op_begin_change(q)) != COFRE_OK)
		return st;
	scope->grants[scope->grant_count++] = g;
	return save(q);
}

/* Which of them go.  CONFLICT when it is what an identity should have: that
   is revoked as a whole, by its own operation. */
static enum cofre_status
find_grants(const struct policy_scope *scope, const struct grant *g)
{
	enum cofre_status st = COFRE_NOT_FOUND;

	for (size_t i = 0; i < scope->grant_count; i++) {
		if (!is_same(&scope->grants[i], g))
			continue;
		if (identity_is_canonical(scope, &scope->grants[i]))
			return COFRE_CONFLICT;
		st = COFRE_OK;
	}
	return st;
}

enum cofre_status
op_grant_remove(struct request *q, const struct grant_remove_request *in)
{
	struct policy_scope *scope = &q->workspace->policy;
	struct policy policy = vault_policy(&q->sv->vault);
	struct grant g = { .role = policy_role_find(&policy, in->role) };
	uint32_t kept = 0;
	enum cofre_status st;

	detail_grant(q, in->principal, in->id, in->who, in->role, in->prefix);
	if ((st = set_prefix(q, in->prefix, &g)) != COFRE_OK)
		return st;
	if (in->role.len > 0 && g.role == ROLE_NONE)
		return COFRE_INVALID;
	if ((st = find_principal(q, in->principal, in->id, in->who, &g)) !=
	    COFRE_OK)
		return st;
	if ((st = find_grants(scope, &g)) != COFRE_OK ||
	    (st = op_begin_change(q)) != COFRE_OK)
		return st;
	for (size_t i = 0; i < scope->grant_count; i++)
		if (!is_same(&scope->grants[i], &g))
			scope->grants[kept++] = scope->grants[i];
	scope->grant_count = kept;
	return save(q);
}

/* May the caller be told the name of a workspace whose identity has something
   in a scope?  So may who sees that workspace, and who has to know whom to
   take a grant in the scope away from. */
static bool
may_name(const struct request *q, const struct workspace *scope,
    const struct workspace *ws)
{
	return ws == q->workspace || ws == scope ||
	    request_sees(q, ws, ACTION_WORKSPACE_READ) ||
	    request_sees(q, scope, ACTION_GRANT_WRITE);
}

struct grantee
op_grantee(const struct request *q, const struct workspace *scope,
    const struct grant *g)
{
	const struct workspace *ws;

	if (g->principal == PRINCIPAL_UNIT)
		return (struct grantee){ 0, view_of(g->unit) };
	if (g->principal == PRINCIPAL_IDENTITY &&
	    (ws = vault_workspace_by_id(&q->sv->vault, g->id)) != NULL &&
	    may_name(q, scope, ws))
		return (struct grantee){ 0, view_of(ws->name) };
	return (struct grantee){ (uint32_t)g->id, view_of("") };
}

enum cofre_status
op_grant_list(struct request *q, const struct grant_list_request *in)
{
	const struct policy_scope *scope = &q->workspace->policy;
	struct policy policy = vault_policy(&q->sv->vault);
	struct wire_list l;

	(void)in;
	list_begin(&l, q->reply);
	for (size_t i = 0; i < scope->grant_count; i++) {
		const struct grant *g = &scope->grants[i];
		const struct grantee to = op_grantee(q, q->workspace, g);
		const struct grant_item item = { g->principal, to.id, to.who,
			view_of(policy_role_name(&policy, g->role)),
			view_of(g->prefix), g->created, g->by };

		grant_item_put(q->reply, &item);
		list_item(&l);
	}
	list_end(&l);
	wire_put_u32(q->reply, scope->version);
	return COFRE_OK;
}
