#include "policy.h"

#include <string.h>

#define OVERFLOW_ID 65534u /* what the kernel shows for an unmapped id */

bool
policy_id_valid(uint32_t id)
{
	return id != OVERFLOW_ID && id != NO_ID;
}

/* Looked up by halves: a hostile peer may have a thousand groups. */
static bool
in_group(const struct subject *s, uint32_t gid)
{
	size_t from = 0, to = s->group_count;

	if (!policy_id_valid(gid))
		return false;
	while (from < to) {
		size_t at = from + (to - from) / 2;

		if (s->groups[at] == gid)
			return true;
		if (s->groups[at] < gid)
			from = at + 1;
		else
			to = at;
	}
	return s->gid == gid;
}

bool
policy_is_operator(const struct subject *s)
{
	if (s->supposed && s->as_operator)
		return true;
	return !s->nobody &&
	    (s->uid == 0 || in_group(s, s->operator_group));
}

bool
policy_has_prefix(struct view name, const char *prefix)
{
	size_t n = strlen(prefix);

	return name.len >= n && (n == 0 || memcmp(name.data, prefix, n) == 0);
}

bool
policy_is_identity(const struct policy_scope *scope, const struct subject *s)
{
	if (s->nobody)
		return false;
	if (s->supposed && s->identity != 0 && s->identity == scope->id)
		return true;
	for (size_t i = 0; i < scope->binding_count; i++) {
		const struct binding *b = &scope->bindings[i];

		if (policy_id_valid(b->uid) && b->uid == s->uid &&
		    (b->gid == NO_ID ||
			(policy_id_valid(b->gid) && b->gid == s->gid)))
			return true;
	}
	return false;
}

/* Is the subject the managed identity of that workspace?  Mostly it is the
   one in whose scope the grant stands. */
static bool
is_identity_of(const struct policy *p, const struct policy_scope *here,
    const struct subject *s, uint64_t id)
{
	if (here->id == id)
		return policy_is_identity(here, s);
	for (size_t i = 0; i < p->scope_count; i++)
		if (p->scopes[i] != NULL && p->scopes[i]->id == id)
			return policy_is_identity(p->scopes[i], s);
	return false;
}

bool
policy_grant_is_for(const struct policy *p, const struct policy_scope *scope,
    const struct grant *g, const struct subject *s)
{
	if (s->nobody)
		return false;
	switch ((enum principal_kind)g->principal) {
	case PRINCIPAL_USER:
		return policy_id_valid(s->uid) && g->id == s->uid;
	case PRINCIPAL_GROUP:
		return in_group(s, (uint32_t)g->id);
	case PRINCIPAL_IDENTITY:
		return is_identity_of(p, scope, s, g->id);
	case PRINCIPAL_NONE:
	case PRINCIPAL_OPERATOR:
		return false;
	}
	return false;
}

enum explain_outcome
policy_grant_outcome(const struct policy *p, const struct grant *g,
    const struct question *q)
{
	if ((policy_role_actions(p, g->role) & action_bit(q->action)) == 0)
		return EXPLAIN_NO_ACTION;
	if (g->prefix[0] != '\0' && !q->partial &&
	    (q->name.len == 0 || !policy_has_prefix(q->name, g->prefix)))
		return EXPLAIN_OTHER_NAMES;
	return EXPLAIN_ALLOWS;
}

/* As whom a grant allows. */
static struct principal
principal_of(const struct grant *g)
{
	return (struct principal){ g->principal, (uint32_t)g->id };
}

/* Look through the grants of one scope; the better verdict stands. */
static enum verdict
by_grant(const struct subject *s, const struct policy *p,
    const struct policy_scope *scope, const struct question *q,
    struct principal *as)
{
	enum verdict v = VERDICT_NO_MATCH;

	for (size_t i = 0; i < scope->grant_count; i++) {
		const struct grant *g = &scope->grants[i];

		if (!policy_grant_is_for(p, scope, g, s))
			continue;
		v = VERDICT_DENY;
		if (policy_grant_outcome(p, g, q) == EXPLAIN_ALLOWS) {
			*as = principal_of(g);
			return VERDICT_ALLOW;
		}
	}
	return v;
}

static enum verdict
by_operator(const struct question *q, struct principal *as)
{
	if ((policy_operator_actions() & action_bit(q->action)) == 0)
		return VERDICT_DENY;
	*as = (struct principal){ PRINCIPAL_OPERATOR, 0 };
	return VERDICT_ALLOW;
}

enum verdict
policy_check(const struct subject *s, const struct policy *p,
    const struct question *q, struct principal *as)
{
	enum verdict best = VERDICT_NO_MATCH, v;

	if (q->action == ACTION_NONE ||
	    (!s->supposed && !policy_id_valid(s->uid)))
		return VERDICT_ERROR;
	if (s->nobody)
		return VERDICT_NO_MATCH;
	if (q->scope != NULL)
		best = by_grant(s, p, q->scope, q, as);
	if (best != VERDICT_ALLOW && p->scope_count > 0 &&
	    p->scopes[0] != NULL && p->scopes[0] != q->scope &&
	    (v = by_grant(s, p, p->scopes[0], q, as)) != VERDICT_NO_MATCH)
		best = v;
	if (best != VERDICT_ALLOW && policy_is_operator(s))
		best = by_operator(q, as);
	return best;
}

/* What the grants of one scope give for names with the prefix. */
static uint64_t
actions_in(const struct subject *s, const struct policy *p,
    const struct policy_scope *scope, struct view prefix)
{
	uint64_t set = 0;

	for (size_t i = 0; i < scope->grant_count; i++) {
		const struct grant *g = &scope->grants[i];

		if (policy_grant_is_for(p, scope, g, s) &&
		    policy_has_prefix(prefix, g->prefix))
			set |= policy_role_actions(p, g->role);
	}
	return set;
}

uint64_t
policy_actions(const struct subject *s, const struct policy *p,
    const struct policy_scope *scope, struct view prefix)
{
	uint64_t set = 0;

	if (s->nobody)
		return 0;
	if (scope != NULL)
		set = actions_in(s, p, scope, prefix);
	if (p->scopes[0] != NULL && p->scopes[0] != scope)
		set |= actions_in(s, p, p->scopes[0], prefix);
	return policy_is_operator(s) ? set | policy_operator_actions() : set;
}
