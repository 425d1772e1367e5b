/*
 * policy_parts: a vault for the tests of policy, put together from its parts
 * for each question.
 */
#ifndef COFRE_TESTS_POLICY_PARTS_H
#define COFRE_TESTS_POLICY_PARTS_H

#include <string.h>

#include "policy.h"
#include "sample.h"

#define OVERFLOW_ID 65534u
/* Who asks. */
#define USER 2001u
#define GROUP 3001u
#define EXTRA_GROUP 3002u
#define OPERATOR_GROUP 700u
/* The ids of two workspaces. */
#define HERE 7u
#define ELSEWHERE 8u

#define GRANT(to, number, whom) \
	{ .principal = PRINCIPAL_##to, .role = ROLE_##number, .id = (whom) }

#define BOUND(whom, group) { .uid = (whom), .gid = (group) }

/* Ids that stand for nobody. */
static const uint32_t odd[] __attribute__((unused)) = { OVERFLOW_ID, NO_ID };
static const uint32_t groups[] = { EXTRA_GROUP, 3003, 3004 };

/* The grants and bindings of one scope. */
struct part {
	const struct grant *grants;
	size_t grant_count;
	const struct binding *bindings;
	size_t binding_count;
};

static const struct part nothing;

static struct policy_scope scope_vault, scope_here, scope_elsewhere;

static inline struct subject
user(void)
{
	return (struct subject){ .uid = USER, .gid = GROUP, .groups = groups,
		.group_count = COUNT(groups),
		.operator_group = OPERATOR_GROUP };
}

static inline struct part
of_grant(const struct grant *g)
{
	return (struct part){ g, 1, NULL, 0 };
}

static inline struct part
of_binding(const struct binding *b)
{
	return (struct part){ NULL, 0, b, 1 };
}

static inline void
fill(struct policy_scope *scope, uint64_t id, const struct part *part)
{
	scope->id = id;
	scope->grant_count = (uint32_t)part->grant_count;
	scope->binding_count = (uint32_t)part->binding_count;
	if (part->grant_count > 0)
		memcpy(scope->grants, part->grants,
		    part->grant_count * sizeof(scope->grants[0]));
	if (part->binding_count > 0)
		memcpy(scope->bindings, part->bindings,
		    part->binding_count * sizeof(scope->bindings[0]));
}

/* A policy of the scopes that fill() has filled. */
static inline struct policy
of_scopes(const struct role *const *roles, size_t count)
{
	static const struct policy_scope *const scopes[] = { &scope_vault,
		&scope_here, NULL, &scope_elsewhere };

	return (struct policy){ scopes, COUNT(scopes), roles, count };
}

/* The verdict in HERE, or, with NULL, in the vault; as may be NULL. */
static inline enum verdict
ask_three(const struct subject *s, const struct part *vault,
    const struct part *here, const struct part *elsewhere, enum action action,
    struct principal *as)
{
	struct policy p = of_scopes(NULL, 0);
	struct principal any;
	const struct question q = { .action = action,
		.scope = here == NULL ? NULL : &scope_here };

	fill(&scope_vault, 0, vault);
	fill(&scope_here, HERE, here == NULL ? &nothing : here);
	fill(&scope_elsewhere, ELSEWHERE, elsewhere);
	return policy_check(s, &p, &q, as == NULL ? &any : as);
}

static inline enum verdict
ask(const struct subject *s, const struct part *vault,
    const struct part *here, enum action action, struct principal *as)
{
	return ask_three(s, vault, here, &nothing, action, as);
}

#endif
