#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "policy_parts.h"

/* A custom role that may be given in HERE, and for "train-" elsewhere. */
static const struct role *
custom(void)
{
	static _Alignas(struct role) uint8_t bytes[sizeof(struct role) +
	    2 * sizeof(struct role_scope)];
	struct role *r = (struct role *)(void *)bytes;

	memset(bytes, 0, sizeof(bytes));
	r->number = ROLE_CUSTOM;
	r->version = 3;
	r->actions = action_bit(ACTION_SECRET_READ);
	(void)snprintf(r->name, sizeof(r->name), "Train Reader");
	r->scope_count = 2;
	r->scopes[0].workspace = HERE;
	r->scopes[1].workspace = ELSEWHERE;
	(void)snprintf(r->scopes[1].prefix, sizeof(r->scopes[1].prefix),
	    "train-");
	return r;
}

/* A vault with that role, and with one grant in HERE. */
static struct policy
with(const struct grant *g)
{
	static const struct role *roles[2];
	const struct part here = of_grant(g);

	roles[0] = NULL;
	roles[1] = custom();
	fill(&scope_vault, 0, &nothing);
	fill(&scope_here, HERE, &here);
	fill(&scope_elsewhere, ELSEWHERE, &nothing);
	return of_scopes(roles, COUNT(roles));
}

static enum verdict
about(const struct policy *p, enum action action, const char *name,
    bool partial)
{
	const struct question q = { .action = action, .scope = &scope_here,
		.name = view_of(name), .partial = partial };
	struct subject s = user();
	struct principal as;

	return policy_check(&s, p, &q, &as);
}

START_TEST(a_custom_role_allows_its_actions_and_no_other)
{
	const struct grant g = GRANT(USER, CUSTOM, USER);
	struct policy p = with(&g);

	for (size_t i = 1; action_at(i) != ACTION_NONE; i++)
		ck_assert_int_eq(about(&p, action_at(i), "n", false),
		    action_at(i) == ACTION_SECRET_READ ? VERDICT_ALLOW :
							 VERDICT_DENY);
}
END_TEST

START_TEST(a_role_that_is_not_there_gives_nothing)
{
	const struct grant g = { .principal = PRINCIPAL_USER,
		.role = ROLE_CUSTOM + 1, .id = USER };
	struct policy p = with(&g);

	for (size_t i = 1; action_at(i) != ACTION_NONE; i++)
		ck_assert_int_eq(about(&p, action_at(i), "n", false),
		    VERDICT_DENY);
	ck_assert_uint_eq(policy_role_actions(&p, ROLE_CUSTOM + 1), 0);
	ck_assert_str_eq(policy_role_name(&p, ROLE_CUSTOM + 1), "?");
	ck_assert_ptr_null(policy_role(&p, ROLE_CUSTOM + 1));
	ck_assert_ptr_null(policy_role(&p, ROLE_OWNER));
}
END_TEST

START_TEST(a_prefix_is_for_names_that_begin_so_and_for_nothing_else)
{
	struct grant g = GRANT(USER, OWNER, USER);
	struct policy p;

	(void)snprintf(g.prefix, sizeof(g.prefix), "train-");
	p = with(&g);
	ck_assert_int_eq(about(&p, ACTION_SECRET_READ, "train-a", false),
	    VERDICT_ALLOW);
	ck_assert_int_eq(about(&p, ACTION_SECRET_READ, "train-", false),
	    VERDICT_ALLOW);
	ck_assert_int_eq(about(&p, ACTION_SECRET_READ, "train", false),
	    VERDICT_DENY);
	ck_assert_int_eq(about(&p, ACTION_SECRET_READ, "Train-a", false),
	    VERDICT_DENY);
	ck_assert_int_eq(about(&p, ACTION_SECRET_READ, "xtrain-", false),
	    VERDICT_DENY);
	/* Not for the workspace itself, but to begin a list of names. */
	ck_assert_int_eq(about(&p, ACTION_SECRET_LIST, "", false),
	    VERDICT_DENY);
	ck_assert_int_eq(about(&p, ACTION_GRANT_WRITE, "", false),
	    VERDICT_DENY);
	ck_assert_int_eq(about(&p, ACTION_SECRET_LIST, "", true),
	    VERDICT_ALLOW);
}
END_TEST

START_TEST(what_one_has_is_told_for_each_prefix)
{
	struct grant g = GRANT(USER, READER, USER);
	struct subject s = user();
	struct policy p;
	uint64_t reader;

	(void)snprintf(g.prefix, sizeof(g.prefix), "train-");
	p = with(&g);
	reader = policy_role_actions(&p, ROLE_READER);
	ck_assert_uint_eq(policy_actions(&s, &p, &scope_here,
	    view_of("train-x")), reader);
	ck_assert_uint_eq(policy_actions(&s, &p, &scope_here,
	    view_of("train")), 0);
	ck_assert_uint_eq(policy_actions(&s, &p, &scope_here, view_of("")),
	    0);
	ck_assert_uint_eq(policy_actions(&s, &p, &scope_elsewhere,
	    view_of("train-x")), 0);
	s.operator_group = GROUP;
	ck_assert_uint_eq(policy_actions(&s, &p, &scope_elsewhere,
	    view_of("")), policy_operator_actions());
	s.nobody = true;
	ck_assert_uint_eq(policy_actions(&s, &p, &scope_here,
	    view_of("train-x")), 0);
}
END_TEST

START_TEST(roles_are_found_by_name_and_by_what_looks_like_it)
{
	const struct grant g = GRANT(USER, CUSTOM, USER);
	struct policy p = with(&g);
	size_t n = 0;

	while (policy_builtin(n) != ROLE_NONE) {
		uint32_t number = policy_builtin(n++);
		const char *name = policy_role_name(&p, number);

		ck_assert_uint_eq(policy_role_find(&p, view_of(name)),
		    number);
	}
	ck_assert_uint_eq(n, 5);
	ck_assert_uint_eq(policy_role_find(&p, view_of("Train Reader")),
	    ROLE_CUSTOM);
	ck_assert_uint_eq(policy_role_find(&p, view_of("train reader")),
	    ROLE_NONE);
	ck_assert_uint_eq(policy_role_like(&p, view_of("tRAIN rEADER")),
	    ROLE_CUSTOM);
	ck_assert_uint_eq(policy_role_find(&p, view_of("Owner")), ROLE_NONE);
	ck_assert_uint_eq(policy_role_like(&p, view_of("OWNER")), ROLE_OWNER);
	ck_assert_uint_eq(policy_role_like(&p, view_of("owner ")), ROLE_NONE);
	ck_assert_uint_eq(policy_role_find(&p, view_of("")), ROLE_NONE);
}
END_TEST

START_TEST(every_grant_of_a_scope_is_looked_at)
{
	const struct grant grants[] = { GRANT(USER, READER, USER + 1),
		GRANT(USER, READER, USER + 2), GRANT(USER, READER, USER) };
	const struct part three = { grants, COUNT(grants), NULL, 0 };
	const struct policy p = of_scopes(NULL, 0);
	struct subject s = user();

	fill(&scope_vault, 0, &nothing);
	fill(&scope_here, HERE, &three);
	for (s.uid = USER; s.uid < USER + 3; s.uid++) {
		ck_assert(policy_knows(&s, &p, &scope_here));
		ck_assert_uint_ne(policy_actions(&s, &p, &scope_here,
		    view_of("")), 0);
		ck_assert_int_eq(ask(&s, &nothing, &three, ACTION_SECRET_LIST,
		    NULL), VERDICT_ALLOW);
	}
	ck_assert(!policy_knows(&s, &p, &scope_here));
}
END_TEST

START_TEST(what_several_grants_give_adds_up)
{
	const struct grant grants[] = { GRANT(USER, READER, USER),
		GRANT(USER, AGENT, USER) };
	const struct part both = { grants, COUNT(grants), NULL, 0 };
	const struct policy p = of_scopes(NULL, 0);
	const struct subject s = user();

	fill(&scope_vault, 0, &nothing);
	fill(&scope_here, HERE, &both);
	ck_assert_uint_eq(policy_actions(&s, &p, &scope_here, view_of("")),
	    policy_role_actions(&p, ROLE_READER) |
		policy_role_actions(&p, ROLE_AGENT));
}
END_TEST

START_TEST(an_operator_knows_every_workspace)
{
	const struct policy p = of_scopes(NULL, 0);
	struct subject s = user();

	fill(&scope_vault, 0, &nothing);
	fill(&scope_here, HERE, &nothing);
	ck_assert(!policy_knows(&s, &p, &scope_here));
	s.operator_group = GROUP;
	ck_assert(policy_knows(&s, &p, &scope_here));
	ck_assert_uint_eq(policy_actions(&s, &p, &scope_here, view_of("")),
	    policy_operator_actions());
	/* Unless he can't be seen, even if he is supposed to be one. */
	s.nobody = s.supposed = s.as_operator = true;
	ck_assert(!policy_knows(&s, &p, &scope_here));
	ck_assert_uint_eq(policy_actions(&s, &p, &scope_here, view_of("")),
	    0);
}
END_TEST

START_TEST(a_custom_role_fits_within_its_scopes_alone)
{
	const struct grant g = GRANT(USER, CUSTOM, USER);
	struct policy p = with(&g);

	ck_assert(policy_role_fits(&p, ROLE_CUSTOM, HERE, ""));
	ck_assert(policy_role_fits(&p, ROLE_CUSTOM, HERE, "any"));
	ck_assert(policy_role_fits(&p, ROLE_CUSTOM, ELSEWHERE, "train-"));
	ck_assert(policy_role_fits(&p, ROLE_CUSTOM, ELSEWHERE, "train-x"));
	ck_assert(!policy_role_fits(&p, ROLE_CUSTOM, ELSEWHERE, ""));
	ck_assert(!policy_role_fits(&p, ROLE_CUSTOM, ELSEWHERE, "train"));
	ck_assert(!policy_role_fits(&p, ROLE_CUSTOM, 0, ""));
	ck_assert(!policy_role_fits(&p, ROLE_CUSTOM + 1, HERE, ""));
	ck_assert(!policy_role_fits(&p, ROLE_NONE, HERE, ""));
	ck_assert(policy_role_fits(&p, ROLE_OWNER, 0, ""));
	ck_assert(policy_role_fits(&p, ROLE_OWNER, 99, "x"));
}
END_TEST

/* The vault's scope holds every workspace, and every name. */
START_TEST(a_role_of_the_vault_fits_everywhere)
{
	static _Alignas(struct role) uint8_t bytes[sizeof(struct role) +
	    sizeof(struct role_scope)];
	struct role *r = (struct role *)(void *)bytes;
	const struct role *const roles[] = { r };
	const struct policy p = of_scopes(roles, 1);

	r->number = ROLE_CUSTOM;
	r->scope_count = 1;
	ck_assert(policy_role_fits(&p, ROLE_CUSTOM, 0, ""));
	ck_assert(policy_role_fits(&p, ROLE_CUSTOM, HERE, ""));
	ck_assert(policy_role_fits(&p, ROLE_CUSTOM, ELSEWHERE, "any"));
	r->scope_count = 0;
	ck_assert(!policy_role_fits(&p, ROLE_CUSTOM, HERE, ""));
}
END_TEST

/* Whatever is asked, the verdict is this one. */
static void
assert_always(const struct subject *s, const struct part *vault,
    const struct part *here, enum verdict want)
{
	for (size_t i = 1; action_at(i) != ACTION_NONE; i++)
		ck_assert_msg(ask(s, vault, here, action_at(i), NULL) == want,
		    "%s", action_name(action_at(i)));
}

START_TEST(an_identity_whose_grants_are_revoked_may_nothing)
{
	const struct binding b = BOUND(USER, NO_ID);
	const struct part p = of_binding(&b);
	const struct subject s = user();

	assert_always(&s, &nothing, &p, VERDICT_NO_MATCH);
}
END_TEST

START_TEST(an_identity_may_elsewhere_what_it_is_granted_there)
{
	const struct binding b = BOUND(USER, NO_ID);
	const struct grant here[] = { GRANT(IDENTITY, READER, ELSEWHERE) };
	const struct part granted = { here, 1, NULL, 0 };
	const struct part theirs = of_binding(&b);
	const struct subject s = user();
	struct principal as;

	ck_assert_int_eq(ask_three(&s, &nothing, &granted, &theirs,
	    ACTION_SECRET_LIST, &as), VERDICT_ALLOW);
	ck_assert_uint_eq(as.kind, PRINCIPAL_IDENTITY);
	ck_assert_uint_eq(as.id, ELSEWHERE);
	ck_assert_int_eq(ask_three(&s, &nothing, &granted, &theirs,
	    ACTION_SECRET_READ, &as), VERDICT_DENY);
	/* The binding is what makes it the identity. */
	ck_assert_int_eq(ask_three(&s, &nothing, &granted, &nothing,
	    ACTION_SECRET_LIST, &as), VERDICT_NO_MATCH);
}
END_TEST

START_TEST(a_process_that_cant_be_seen_may_nothing)
{
	const struct binding b = BOUND(USER, NO_ID);
	const struct grant all[] = { GRANT(USER, OWNER, USER),
		GRANT(GROUP, OWNER, GROUP), GRANT(IDENTITY, OWNER, HERE) };
	const struct part p = { all, 3, &b, 1 };
	struct subject s = user();

	s.operator_group = GROUP;
	s.nobody = true;
	ck_assert(!policy_is_operator(&s));
	assert_always(&s, &p, &p, VERDICT_NO_MATCH);
	s.uid = 0;
	ck_assert(!policy_is_operator(&s));
	assert_always(&s, &p, &p, VERDICT_NO_MATCH);
}
END_TEST

START_TEST(a_supposed_operator_is_no_user)
{
	const struct grant g = GRANT(USER, OWNER, 0);
	const struct part p = of_grant(&g);
	const struct subject s = { .uid = NO_ID, .gid = NO_ID,
		.operator_group = OPERATOR_GROUP, .supposed = true,
		.as_operator = true };
	struct principal as;

	ck_assert_int_eq(ask(&s, &p, &p, ACTION_SECRET_READ, &as),
	    VERDICT_DENY);
	ck_assert_int_eq(ask(&s, &p, &p, ACTION_GRANT_READ, &as),
	    VERDICT_ALLOW);
	ck_assert_uint_eq(as.kind, PRINCIPAL_OPERATOR);
}
END_TEST

START_TEST(a_supposed_identity_is_that_of_its_workspace)
{
	const struct grant g[] = { GRANT(IDENTITY, READER, HERE),
		GRANT(USER, OWNER, USER) };
	const struct part p = { g, 2, NULL, 0 };
	struct subject s = { .uid = NO_ID, .gid = NO_ID,
		.operator_group = NO_ID, .supposed = true, .identity = HERE };

	ck_assert_int_eq(ask(&s, &nothing, &p, ACTION_SECRET_LIST, NULL),
	    VERDICT_ALLOW);
	ck_assert_int_eq(ask(&s, &nothing, &p, ACTION_SECRET_READ, NULL),
	    VERDICT_DENY);
	s.identity = ELSEWHERE;
	ck_assert_int_eq(ask(&s, &nothing, &p, ACTION_SECRET_LIST, NULL),
	    VERDICT_NO_MATCH);
	/* No uid is an error for whoever is really there. */
	s.supposed = false;
	ck_assert_int_eq(ask(&s, &nothing, &p, ACTION_SECRET_LIST, NULL),
	    VERDICT_ERROR);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("policy_role");
	TCase *t = tcase_create("policy_role");
	SRunner *sr;
	int failed;

	tcase_add_test(t, a_custom_role_allows_its_actions_and_no_other);
	tcase_add_test(t, a_role_that_is_not_there_gives_nothing);
	tcase_add_test(t,
	    a_prefix_is_for_names_that_begin_so_and_for_nothing_else);
	tcase_add_test(t, what_one_has_is_told_for_each_prefix);
	tcase_add_test(t, roles_are_found_by_name_and_by_what_looks_like_it);
	tcase_add_test(t, every_grant_of_a_scope_is_looked_at);
	tcase_add_test(t, what_several_grants_give_adds_up);
	tcase_add_test(t, an_operator_knows_every_workspace);
	tcase_add_test(t, a_custom_role_fits_within_its_scopes_alone);
	tcase_add_test(t, a_role_of_the_vault_fits_everywhere);
	tcase_add_test(t, an_identity_whose_grants_are_revoked_may_nothing);
	tcase_add_test(t, an_identity_may_elsewhere_what_it_is_granted_there);
	tcase_add_test(t, a_process_that_cant_be_seen_may_nothing);
	tcase_add_test(t, a_supposed_operator_is_no_user);
	tcase_add_test(t, a_supposed_identity_is_that_of_its_workspace);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
