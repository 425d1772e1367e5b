/* Operations on a workspace's managed identity: who is it, and what may it? */
#include <stdio.h>
#include <string.h>

#include "binding.h"
#include "identity.h"
#include "op_resync.h"
#include "ops.h"

/* The grants of R43 in the model, in cofre's roles. */
static const uint32_t canonical[] = { ROLE_AGENT, ROLE_SECRETS_OFFICER };

#define CANONICAL (sizeof(canonical) / sizeof(canonical[0]))

static struct binding *
find_binding(struct policy_scope *p, const struct binding *b)
{
	for (size_t i = 0; i < p->binding_count; i++)
		if (binding_same(&p->bindings[i], b))
			return &p->bindings[i];
	return NULL;
}

/* The bindings were changed: count it, and keep it. */
static enum cofre_status
save(struct request *q)
{
	workspace_policy_changed(q->workspace);
	q->version = q->workspace->policy.version;
	return workspace_save(&q->sv->vault, q->workspace);
}

/*
 * To bind somebody gives him what the identity has here.  That it should have
 * the canonical roles is enough: when they were revoked, a repair brings them
 * back.
 */
static bool
may_bind(const struct request *q)
{
	const struct policy_scope *p = &q->workspace->policy;

	for (size_t i = 0; i < CANONICAL; i++)
		if (!op_may_give(q, canonical[i], view_of("")))
			return false;
	for (size_t i = 0; i < p->grant_count; i++) {
		const struct grant *g = &p->grants[i];

		if (g->principal == PRINCIPAL_IDENTITY && g->id == p->id &&
		    !op_may_give(q, g->role, view_of(g->prefix)))
			return false;
	}
	return true;
}

enum cofre_status
op_identity_bind(struct request *q, const struct identity_bind_request *in)
{
	const struct binding_item item = { in->uid, in->gid, in->exe,
		in->sha256, in->unit, in->cgroup, q->sv->now,
		q->conn->peer.uid };
	struct policy_scope *p = &q->workspace->policy;
	struct binding b;
	enum cofre_status st;

	if (!binding_take(&item, &b))
		return COFRE_INVALID;
	binding_describe(&b, q->detail, sizeof(q->detail));
	if (!may_bind(q))
		return COFRE_DENIED;
	if (find_binding(p, &b) != NULL)
		return COFRE_EXISTS;
	if (p->binding_count == BINDINGS_MAX)
		return COFRE_LIMIT;
	if ((st = op_begin_change(q)) != COFRE_OK)
		return st;
	p->bindings[p->binding_count++] = b;
	q->sv->bindings++;
	return save(q);
}

enum cofre_status
op_identity_unbind(struct request *q,
    const struct identity_unbind_request *in)
{
	const struct binding_item item = { in->uid, in->gid, in->exe,
		in->sha256, in->unit, in->cgroup, 0, 0 };
	struct policy_scope *p = &q->workspace->policy;
	struct binding b;
	enum cofre_status st;

	if (!binding_take(&item, &b))
		return COFRE_INVALID;
	binding_describe(&b, q->detail, sizeof(q->detail));
	if (find_binding(p, &b) == NULL)
		return COFRE_NOT_FOUND;
	if ((st = op_begin_change(q)) != COFRE_OK)
		return st;
	*find_binding(p, &b) = p->bindings[p->binding_count - 1];
	p->binding_count--;
	return save(q);
}

bool
identity_is_canonical(const struct policy_scope *p, const struct grant *g)
{
	if (g->principal != PRINCIPAL_IDENTITY || g->id != p->id ||
	    g->prefix[0] != '\0')
		return false;
	for (size_t i = 0; i < CANONICAL; i++)
		if (g->role == canonical[i])
			return true;
	return false;
}

static struct grant
canonical_grant(const struct policy_scope *p, size_t i, uint32_t uid,
    uint64_t now)
{
	return (struct grant){ .principal = PRINCIPAL_IDENTITY,
		.role = canonical[i], .id = p->id, .by = uid,
		.created = now };
}

/* Is the i-th of them there? */
static bool
has_canonical(const struct policy_scope *p, size_t i)
{
	for (size_t j = 0; j < p->grant_count; j++)
		if (identity_is_canonical(p, &p->grants[j]) &&
		    p->grants[j].role == canonical[i])
			return true;
	return false;
}

static uint32_t
count_missing(const struct policy_scope *p)
{
	uint32_t missing = 0;

	for (size_t i = 0; i < CANONICAL; i++)
		missing += !has_canonical(p, i);
	return missing;
}

bool
identity_has_room(const struct policy_scope *p)
{
	return p->grant_count + count_missing(p) <= GRANTS_MAX;
}

void
identity_make(struct workspace *ws, uint32_t uid, uint64_t now)
{
	struct policy_scope *p = &ws->policy;

	/* Whoever makes a workspace owns it, by a grant like any other. */
	p->grants[p->grant_count++] = (struct grant){
		.principal = PRINCIPAL_USER, .role = ROLE_OWNER, .id = uid,
		.by = uid, .created = now };
	for (size_t i = 0; i < CANONICAL; i++)
		p->grants[p->grant_count++] = canonical_grant(p, i, uid, now);
	workspace_policy_changed(ws);
}

/* An identity's grant as an item: in which scope it stands. */
static void
put_item(struct request *q, struct wire_list *l, const struct workspace *ws,
    const struct grant *g)
{
	struct policy policy = vault_policy(&q->sv->vault);
	const struct who_item item = { PRINCIPAL_IDENTITY, 0,
		view_of(q->workspace->name),
		view_of(policy_role_name(&policy, g->role)),
		view_of(ws->name), view_of(g->prefix) };

	who_item_put(q->reply, &item);
	list_item(l);
}

/* What it has, in every scope whose grants the caller may see; extra: but
   for what it should have. */
static void
put_actual(struct request *q, bool extra)
{
	const struct policy_scope *own = &q->workspace->policy;
	struct vault *v = &q->sv->vault;
	struct wire_list l;

	list_begin(&l, q->reply);
	for (size_t i = 0; i < v->scope_count; i++) {
		const struct workspace *ws = v->workspaces[i];

		if (ws == NULL || ws->state != WORKSPACE_LIVE ||
		    (&ws->policy != own &&
			!request_sees(q, ws, ACTION_GRANT_READ)))
			continue;
		for (size_t j = 0; j < ws->policy.grant_count; j++) {
			const struct grant *g = &ws->policy.grants[j];

			if (g->principal == PRINCIPAL_IDENTITY &&
			    g->id == own->id && l.count < LIST_MAX &&
			    !(extra && &ws->policy == own &&
				identity_is_canonical(own, g)))
				put_item(q, &l, ws, g);
		}
	}
	list_end(&l);
}

enum cofre_status
op_identity_show(struct request *q, const struct identity_show_request *in)
{
	const struct policy_scope *p = &q->workspace->policy;
	struct wire_list l;

	(void)in;
	list_begin(&l, q->reply);
	for (size_t i = 0; i < p->binding_count; i++) {
		const struct binding_item item = binding_item(
		    &p->bindings[i]);

		binding_item_put(q->reply, &item);
		list_item(&l);
	}
	list_end(&l);
	list_begin(&l, q->reply);
	for (size_t i = 0; i < CANONICAL; i++) {
		struct grant g = canonical_grant(p, i, 0, 0);

		put_item(q, &l, q->workspace, &g);
	}
	list_end(&l);
	put_actual(q, false);
	return COFRE_OK;
}

enum cofre_status
op_identity_revoke(struct request *q,
    const struct identity_revoke_request *in)
{
	struct policy_scope *p = &q->workspace->policy;
	uint32_t kept = 0, removed = 0;
	enum cofre_status st;

	(void)in;
	for (size_t i = 0; i < p->grant_count; i++)
		removed += p->grants[i].principal == PRINCIPAL_IDENTITY &&
		    p->grants[i].id == p->id;
	if (removed == 0)
		return COFRE_NOT_FOUND;
	if ((st = op_begin_change(q)) != COFRE_OK)
		return st;
	for (size_t i = 0; i < p->grant_count; i++)
		if (p->grants[i].principal != PRINCIPAL_IDENTITY ||
		    p->grants[i].id != p->id)
			p->grants[kept++] = p->grants[i];
	p->grant_count = kept;
	(void)snprintf(q->detail, sizeof(q->detail), "%u grants taken away",
	    removed);
	wire_put_u32(q->reply, removed);
	return save(q);
}

enum cofre_status
identity_restore(struct request *q, bool dry_run, uint32_t *count)
{
	struct policy_scope *p = &q->workspace->policy;
	bool change = !dry_run && count_missing(p) > 0;
	struct wire_list l;
	enum cofre_status st;

	list_begin(&l, q->reply);
	for (size_t i = 0; i < CANONICAL; i++) {
		struct grant g = canonical_grant(p, i, q->conn->peer.uid,
		    q->sv->now);

		if (!has_canonical(p, i))
			put_item(q, &l, q->workspace, &g);
	}
	list_end(&l);
	put_actual(q, true);
	*count = l.count;
	if (!change)
		return COFRE_OK;
	/* All of them or none: a grant in memory alone would be in force. */
	if (!identity_has_room(p))
		return COFRE_LIMIT;
	if (q->reply->bad)
		return COFRE_TOO_LARGE;
	if ((st = op_begin_change(q)) != COFRE_OK)
		return st;
	for (size_t i = 0; i < CANONICAL; i++)
		if (!has_canonical(p, i))
			p->grants[p->grant_count++] = canonical_grant(p, i,
			    q->conn->peer.uid, q->sv->now);
	return save(q);
}

bool
identity_may_repair(const struct request *q)
{
	const struct subject s = conn_subject(q->conn);

	if (q->principal.kind != PRINCIPAL_IDENTITY &&
	    !policy_is_identity(&q->workspace->policy, &s))
		return true;
	return request_may(q, ACTION_IDENTITY_WRITE, view_of("")) &&
	    may_bind(q);
}

enum cofre_status
op_identity_repair(struct request *q,
    const struct identity_repair_request *in)
{
	enum cofre_status st;
	uint32_t count = 0;

	/* What it may be is not for itself to say. */
	if (!identity_may_repair(q))
		return COFRE_DENIED;
	if ((st = identity_restore(q, in->dry_run, &count)) != COFRE_OK)
		return st;
	(void)snprintf(q->detail, sizeof(q->detail), "%u grants %s", count,
	    in->dry_run ? "are missing" : "put back");
	q->version = q->workspace->policy.version;
	return COFRE_OK;
}

const char *
principal_text(uint8_t kind, uint32_t id, struct view who,
    char text[PRINCIPAL_TEXT])
{
	if (kind == PRINCIPAL_IDENTITY || kind == PRINCIPAL_UNIT)
		(void)snprintf(text, PRINCIPAL_TEXT, "%s:%.*s",
		    principal_name(kind), (int)who.len,
		    who.len == 0 ? "" : (const char *)who.data);
	else if (kind == PRINCIPAL_USER || kind == PRINCIPAL_GROUP)
		(void)snprintf(text, PRINCIPAL_TEXT, "%s:%u",
		    principal_name(kind), id);
	else
		(void)snprintf(text, PRINCIPAL_TEXT, "%s",
		    principal_name(kind));
	return text;
}
