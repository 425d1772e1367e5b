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

/* Does the id fit that is bound?  NO_ID is any. */
static bool
id_fits(uint32_t bound, uint32_t id)
{
	return bound == NO_ID || (policy_id_valid(bound) && bound == id);
}

static bool
facts_fit(const struct binding *b, const struct facts *f)
{
	return (f->sure || (b->exe[0] == '\0' && !b->has_sha256)) &&
	    (b->exe[0] == '\0' || strcmp(b->exe, f->exe) == 0) &&
	    (b->unit[0] == '\0' || strcmp(b->unit, f->unit) == 0) &&
	    (b->cgroup[0] == '\0' || facts_cgroup_within(f->cgroup, b->cgroup));
}

enum fit
policy_binding_fit(const struct binding *b, const struct subject *s)
{
	bool by_facts = b->has_sha256 || b->exe[0] != '\0' ||
	    b->unit[0] != '\0' || b->cgroup[0] != '\0';

	if (s->nobody || !id_fits(b->uid, s->uid) ||
	    !id_fits(b->gid, s->gid) ||
	    (b->uid == NO_ID && b->unit[0] == '\0' && b->cgroup[0] == '\0'))
		return FIT_NO;
	if (!by_facts)
		return FIT_ALL;
	if (s->facts == NULL)
		return FIT_IDS;
	if (!facts_fit(b, s->facts))
		return FIT_NO;
	if (!b->has_sha256)
		return FIT_ALL;
	if (!s->facts->hashed)
		return FIT_BUT_HASH;
	return memcmp(b->sha256, s->facts->sha256, SHA256_LEN) == 0 ? FIT_ALL :
								      FIT_NO;
}

enum fit
policy_identity_fit(const struct policy_scope *scope,
    const struct subject *s)
{
	enum fit best = FIT_NO;

	if (s->nobody)
		return FIT_NO;
	if (s->supposed && s->identity != 0 && s->identity == scope->id)
		return FIT_ALL;
	for (size_t i = 0; i < scope->binding_count && best != FIT_ALL; i++) {
		enum fit fit = policy_binding_fit(&scope->bindings[i], s);

		if (fit > best)
			best = fit;
	}
	return best;
}

bool
policy_is_identity(const struct policy_scope *scope, const struct subject *s)
{
	return policy_identity_fit(scope, s) == FIT_ALL;
}

/* How far is the subject the managed identity of that workspace?  Mostly it
   is the one in whose scope the grant stands. */
static enum fit
identity_fit(const struct policy *p, const struct policy_scope *here,
    const struct subject *s, uint64_t id)
{
	if (id == 0) /* the vault has no identity */
		return FIT_NO;
	if (here->id == id)
		return policy_identity_fit(here, s);
	for (size_t i = 0; i < p->scope_count; i++)
		if (p->scopes[i] != NULL && p->scopes[i]->id == id)
			return policy_identity_fit(p->scopes[i], s);
	return FIT_NO;
}

/* A unit that is not known is nobody's. */
static bool
is_unit(const struct subject *s, const char *unit)
{
	return s->facts != NULL && s->facts->unit[0] != '\0' &&
	    strcmp(s->facts->unit, unit) == 0;
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
		return g->id <= UINT32_MAX && in_group(s, (uint32_t)g->id);
	case PRINCIPAL_IDENTITY:
		return identity_fit(p, scope, s, g->id) == FIT_ALL;
	case PRINCIPAL_UNIT:
		return is_unit(s, g->unit);
	case PRINCIPAL_NONE:
	case PRINCIPAL_OPERATOR:
	case PRINCIPAL_RUN:
		return false;
	}
	return false;
}

bool
policy_grant_may_be_for(const struct policy *p,
    const struct policy_scope *scope, const struct grant *g,
    const struct subject *s)
{
	return g->principal == PRINCIPAL_IDENTITY &&
	    identity_fit(p, scope, s, g->id) == FIT_IDS;
}

enum explain_outcome
policy_grant_outcome(const struct policy *p, const struct grant *g,
    const struct question *q)
{
	if ((policy_role_actions(p, g->role) & action_bit(q->action)) == 0)
		return EXPLAIN_NO_ACTION;
	if (!q->partial && !policy_has_prefix(q->name, g->prefix))
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

/* Is the name one of the run's? */
static bool
is_of_run(const struct run_rights *run, struct view name)
{
	for (size_t i = 0; i < run->count; i++)
		if (view_is(name, run->secrets[i].name))
			return true;
	return false;
}

/* May it have to do with that name?  Which targets are for runs, whoever
   serves it asks. */
static bool
is_open_to(const struct run_rights *run, const struct question *q)
{
	if (q->action == ACTION_TARGET_USE)
		return run->targets;
	return q->partial || is_of_run(run, q->name);
}

/* A run may read and see its own secrets, and use the targets that its
   workspace has for runs if who started it might, whatever its uid may. */
static enum verdict
by_run(const struct run_rights *run, const struct question *q,
    struct principal *as)
{
	const uint64_t may = action_bit(ACTION_SECRET_READ) |
	    action_bit(ACTION_SECRET_SHOW) | action_bit(ACTION_SECRET_LIST) |
	    action_bit(ACTION_TARGET_USE);

	if (run->over || q->scope == NULL || q->scope->id != run->workspace ||
	    (may & action_bit(q->action)) == 0 || !is_open_to(run, q))
		return VERDICT_DENY;
	*as = (struct principal){ PRINCIPAL_RUN, run->id };
	return VERDICT_ALLOW;
}

/* Whoever is really there has a uid. */
static bool
is_somebody(const struct subject *s)
{
	return s->supposed || policy_id_valid(s->uid);
}

enum verdict
policy_check(const struct subject *s, const struct policy *p,
    const struct question *q, struct principal *as)
{
	enum verdict best = VERDICT_NO_MATCH, v;

	if (q->action == ACTION_NONE || !is_somebody(s))
		return VERDICT_ERROR;
	if (s->run != NULL)
		return by_run(s->run, q, as);
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

/* What concerns a workspace that is there. */
#define IN_WORKSPACE                                                         \
	~(action_bit(ACTION_NONE) | action_bit(ACTION_VAULT_MANAGE) |        \
	    action_bit(ACTION_VAULT_READ) | action_bit(ACTION_ROLE_READ) |   \
	    action_bit(ACTION_ROLE_WRITE) | action_bit(ACTION_WORKSPACE_CREATE))

static bool
has_any(const struct subject *s, const struct policy *p,
    const struct policy_scope *scope)
{
	for (size_t i = 0; i < scope->grant_count; i++) {
		const struct grant *g = &scope->grants[i];

		if ((policy_role_actions(p, g->role) & IN_WORKSPACE) != 0 &&
		    policy_grant_is_for(p, scope, g, s))
			return true;
	}
	return false;
}

bool
policy_knows(const struct subject *s, const struct policy *p,
    const struct policy_scope *scope)
{
	if (!is_somebody(s))
		return false;
	if (s->run != NULL)
		return !s->run->over && s->run->workspace == scope->id;
	if (s->nobody)
		return false;
	return policy_is_operator(s) || has_any(s, p, scope) ||
	    (p->scope_count > 0 && p->scopes[0] != NULL &&
		has_any(s, p, p->scopes[0]));
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

	if (s->nobody || s->run != NULL || !is_somebody(s))
		return 0;
	if (scope != NULL)
		set = actions_in(s, p, scope, prefix);
	if (p->scope_count > 0 && p->scopes[0] != NULL &&
	    p->scopes[0] != scope)
		set |= actions_in(s, p, p->scopes[0], prefix);
	return policy_is_operator(s) ? set | policy_operator_actions() : set;
}
