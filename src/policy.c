#include "policy.h"

#define OVERFLOW_ID 65534u /* what the kernel shows for an unmapped id */

#define BIT(id) ((uint32_t)1 << ACTION_##id)

/*
 * The roles table R23 to R43 of the model, in cofre's actions.  A reader
 * sees that a secret is there and its metadata, never a secret field.  To
 * share is the owner's alone: a contributor neither grants roles, nor binds
 * an identity (which is sharing by another name), nor deletes a workspace.
 */
#define READER_ACTIONS                                                       \
	(BIT(WORKSPACE_READ) | BIT(IDENTITY_READ) | BIT(GRANT_READ) |        \
	    BIT(SECRET_LIST) | BIT(ACTIVITY_READ))
#define CONTRIBUTOR_ACTIONS                                                  \
	(READER_ACTIONS | BIT(WORKSPACE_CREATE) | BIT(SECRET_READ) |         \
	    BIT(SECRET_WRITE) | BIT(SECRET_DELETE))
#define OWNER_ACTIONS                                                        \
	(CONTRIBUTOR_ACTIONS | BIT(WORKSPACE_DELETE) | BIT(GRANT_WRITE) |    \
	    BIT(IDENTITY_WRITE) | BIT(SECRET_PURGE))
/* Operators keep the vault; what is in it is not theirs to read. */
#define OPERATOR_ACTIONS                                                     \
	(BIT(VAULT_MANAGE) | BIT(VAULT_READ) | BIT(WORKSPACE_CREATE) |       \
	    BIT(WORKSPACE_READ) | BIT(WORKSPACE_DELETE) |                    \
	    BIT(IDENTITY_READ) | BIT(IDENTITY_WRITE) | BIT(GRANT_READ) |     \
	    BIT(GRANT_WRITE) | BIT(ACTIVITY_READ))
/* Full access to the workspace's secrets, and to nothing else. */
#define IDENTITY_ACTIONS                                                     \
	(BIT(WORKSPACE_READ) | BIT(SECRET_LIST) | BIT(SECRET_READ) |         \
	    BIT(SECRET_WRITE) | BIT(SECRET_DELETE) | BIT(SECRET_PURGE))

uint32_t
policy_role_actions(uint8_t role)
{
	switch (role) {
	case ROLE_OWNER:
		return OWNER_ACTIONS;
	case ROLE_CONTRIBUTOR:
		return CONTRIBUTOR_ACTIONS;
	case ROLE_READER:
		return READER_ACTIONS;
	default:
		return 0;
	}
}

uint32_t
policy_operator_actions(void)
{
	return OPERATOR_ACTIONS;
}

uint32_t
policy_identity_actions(void)
{
	return IDENTITY_ACTIONS;
}

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
	return s->uid == 0 ||
	    (policy_id_valid(s->operator_group) &&
		in_group(s, s->operator_group));
}

static bool
grant_is_for(const struct grant *g, const struct subject *s)
{
	if (!policy_id_valid(g->id))
		return false;
	if (g->principal == PRINCIPAL_USER)
		return g->id == s->uid;
	return g->principal == PRINCIPAL_GROUP && in_group(s, g->id);
}

/* Look through the grants of one scope; the better verdict stands. */
static enum verdict
by_grant(const struct subject *s, const struct policy *p, uint32_t action,
    struct principal *as)
{
	enum verdict v = VERDICT_NO_MATCH;

	for (size_t i = 0; i < p->grant_count; i++) {
		const struct grant *g = &p->grants[i];

		if (!grant_is_for(g, s))
			continue;
		v = VERDICT_DENY;
		if ((policy_role_actions(g->role) & action) != 0) {
			*as = (struct principal){ g->principal, g->id };
			return VERDICT_ALLOW;
		}
	}
	return v;
}

static bool
is_identity(const struct subject *s, const struct policy *p)
{
	for (size_t i = 0; i < p->binding_count; i++) {
		const struct binding *b = &p->bindings[i];

		if (policy_id_valid(b->uid) && b->uid == s->uid &&
		    (b->gid == NO_ID ||
			(policy_id_valid(b->gid) && b->gid == s->gid)))
			return true;
	}
	return false;
}

/* An allowed action, or what the verdict without it would be. */
static enum verdict
by_set(uint32_t set, uint32_t action, uint8_t kind, struct principal *as)
{
	if ((set & action) == 0)
		return VERDICT_DENY;
	*as = (struct principal){ kind, 0 };
	return VERDICT_ALLOW;
}

enum verdict
policy_check(const struct subject *s, const struct policy *vault,
    const struct policy *workspace, enum action action, struct principal *as)
{
	enum verdict best = VERDICT_NO_MATCH, v;
	uint32_t bit = action_bit(action);

	if (action == ACTION_NONE || !policy_id_valid(s->uid))
		return VERDICT_ERROR;
	if (s->nobody)
		return VERDICT_NO_MATCH;
	if (workspace != NULL) {
		best = by_grant(s, workspace, bit, as);
		if (best != VERDICT_ALLOW && is_identity(s, workspace))
			best = by_set(IDENTITY_ACTIONS, bit,
			    PRINCIPAL_IDENTITY, as);
	}
	if (best != VERDICT_ALLOW &&
	    (v = by_grant(s, vault, bit, as)) != VERDICT_NO_MATCH)
		best = v;
	if (best != VERDICT_ALLOW && policy_is_operator(s))
		best = by_set(OPERATOR_ACTIONS, bit, PRINCIPAL_OPERATOR, as);
	return best;
}
