/* The roles: what each built-in one may, and where custom ones stand. */
#include "policy.h"

#define BIT(id) ((uint64_t)1 << ACTION_##id)

/*
 * The roles table R23 to R43 of the model, in cofre's actions.  A reader
 * sees that a secret is there and its metadata, never a secret field.  To
 * make and attach compute targets is a contributor's too; no role reads their
 * private keys, because nothing does.  To share is the owner's alone: a
 * contributor neither grants roles, nor binds an identity (which is sharing
 * by another name), nor deletes a workspace.
 */
#define READER_ACTIONS                                                       \
	(BIT(WORKSPACE_READ) | BIT(IDENTITY_READ) | BIT(GRANT_READ) |        \
	    BIT(ROLE_READ) | BIT(SECRET_LIST) | BIT(SECRET_SHOW) |           \
	    BIT(ACTIVITY_READ) | BIT(RUN_READ) | BIT(TARGET_READ))
#define CONTRIBUTOR_ACTIONS                                                  \
	(READER_ACTIONS | BIT(WORKSPACE_CREATE) | BIT(SECRET_READ) |         \
	    BIT(SECRET_USE) | BIT(SECRET_WRITE) | BIT(SECRET_DELETE) |       \
	    BIT(RUN_WRITE) | BIT(RESYNC) | BIT(TARGET_WRITE) |               \
	    BIT(TARGET_USE))
#define OWNER_ACTIONS                                                        \
	(CONTRIBUTOR_ACTIONS | BIT(WORKSPACE_DELETE) | BIT(GRANT_WRITE) |    \
	    BIT(IDENTITY_WRITE) | BIT(SECRET_PURGE) | BIT(ROLE_WRITE))
/* The two that a managed identity has in its workspace: to see it, and full
   access to its secrets. */
#define AGENT_ACTIONS                                                        \
	(BIT(WORKSPACE_READ) | BIT(SECRET_LIST) | BIT(SECRET_SHOW) |         \
	    BIT(SECRET_USE) | BIT(RUN_READ) | BIT(RUN_WRITE) |               \
	    BIT(TARGET_USE))
#define SECRETS_OFFICER_ACTIONS                                              \
	(BIT(SECRET_LIST) | BIT(SECRET_SHOW) | BIT(SECRET_READ) |            \
	    BIT(SECRET_USE) | BIT(SECRET_WRITE) | BIT(SECRET_DELETE) |       \
	    BIT(SECRET_PURGE))
/* Operators keep the vault; what is in it is not theirs to read. */
#define OPERATOR_ACTIONS                                                     \
	(BIT(VAULT_MANAGE) | BIT(VAULT_READ) | BIT(WORKSPACE_CREATE) |       \
	    BIT(WORKSPACE_READ) | BIT(WORKSPACE_DELETE) |                    \
	    BIT(IDENTITY_READ) | BIT(IDENTITY_WRITE) | BIT(GRANT_READ) |     \
	    BIT(GRANT_WRITE) | BIT(ROLE_READ) | BIT(ROLE_WRITE) |            \
	    BIT(RESYNC) | BIT(ACTIVITY_READ) | BIT(RUN_READ))

static const struct {
	uint32_t number;
	const char *name;
	uint64_t actions;
} builtin[] = {
	{ ROLE_OWNER, "owner", OWNER_ACTIONS },
	{ ROLE_CONTRIBUTOR, "contributor", CONTRIBUTOR_ACTIONS },
	{ ROLE_READER, "reader", READER_ACTIONS },
	{ ROLE_AGENT, "agent", AGENT_ACTIONS },
	{ ROLE_SECRETS_OFFICER, "secrets-officer", SECRETS_OFFICER_ACTIONS },
};

#define BUILTIN (sizeof(builtin) / sizeof(builtin[0]))

uint32_t
policy_builtin(size_t i)
{
	return i < BUILTIN ? builtin[i].number : ROLE_NONE;
}

uint64_t
policy_operator_actions(void)
{
	return OPERATOR_ACTIONS;
}

const struct role *
policy_role(const struct policy *p, uint32_t number)
{
	for (size_t i = 0; i < p->role_count; i++)
		if (p->roles[i] != NULL && p->roles[i]->number == number)
			return p->roles[i];
	return NULL;
}

const char *
policy_role_name(const struct policy *p, uint32_t number)
{
	const struct role *role = policy_role(p, number);

	for (size_t i = 0; i < BUILTIN; i++)
		if (builtin[i].number == number)
			return builtin[i].name;
	return role == NULL ? "?" : role->name;
}

uint64_t
policy_role_actions(const struct policy *p, uint32_t number)
{
	const struct role *role;

	for (size_t i = 0; i < BUILTIN; i++)
		if (builtin[i].number == number)
			return builtin[i].actions;
	role = policy_role(p, number);
	return role == NULL ? 0 : role->actions;
}

uint32_t
policy_role_like(const struct policy *p, struct view name)
{
	for (size_t i = 0; i < BUILTIN; i++)
		if (action_match(name, builtin[i].name))
			return builtin[i].number;
	for (size_t i = 0; i < p->role_count; i++)
		if (p->roles[i] != NULL &&
		    action_match(name, p->roles[i]->name))
			return p->roles[i]->number;
	return ROLE_NONE;
}

uint32_t
policy_role_find(const struct policy *p, struct view name)
{
	uint32_t number = policy_role_like(p, name);

	return view_is(name, policy_role_name(p, number)) ? number : ROLE_NONE;
}

bool
policy_role_fits(const struct policy *p, uint32_t number, uint64_t workspace,
    const char *prefix)
{
	const struct role *role = policy_role(p, number);

	if (role == NULL)
		return policy_role_actions(p, number) != 0;
	for (size_t i = 0; i < role->scope_count; i++) {
		const struct role_scope *s = &role->scopes[i];

		/* The vault's scope holds every other one. */
		if (s->workspace == 0 ||
		    (s->workspace == workspace &&
			policy_has_prefix(view_of(prefix), s->prefix)))
			return true;
	}
	return false;
}
