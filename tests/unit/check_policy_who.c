/* Whom a grant is for, and what is known of vaults that lack something. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "policy_parts.h"

static struct grant
to_unit(const char *unit)
{
	struct grant g = { .principal = PRINCIPAL_UNIT, .role = ROLE_OWNER };

	(void)snprintf(g.unit, sizeof(g.unit), "%s", unit);
	return g;
}

static bool
is_for(const struct grant *g, const struct subject *s)
{
	const struct policy p = of_scopes(NULL, 0);

	return policy_grant_is_for(&p, &scope_here, g, s);
}

START_TEST(a_grant_to_a_unit_is_for_its_processes_alone)
{
	const struct grant g = to_unit("a.service"), none = to_unit("");
	struct facts f = { .unit = "a.service" };
	struct subject s = user();

	s.facts = &f;
	ck_assert(is_for(&g, &s));
	ck_assert(!is_for(&none, &s));
	f.unit[0] = 'b';
	ck_assert(!is_for(&g, &s));
	/* A unit that is not known is nobody's. */
	f.unit[0] = '\0';
	ck_assert(!is_for(&g, &s));
	ck_assert(!is_for(&none, &s));
	s.facts = NULL;
	ck_assert(!is_for(&g, &s));
	ck_assert(!is_for(&none, &s));
}
END_TEST

START_TEST(no_grant_is_for_a_process_that_cant_be_seen)
{
	const struct facts f = { .unit = "a.service" };
	const struct grant grants[] = { GRANT(USER, OWNER, USER),
		GRANT(GROUP, OWNER, GROUP), to_unit("a.service"),
		GRANT(IDENTITY, OWNER, HERE) };
	const struct binding b = BOUND(USER, NO_ID);
	const struct part here = of_binding(&b);
	struct subject s = user();

	s.facts = &f;
	fill(&scope_here, HERE, &here);
	for (size_t i = 0; i < COUNT(grants); i++)
		ck_assert_msg(is_for(&grants[i], &s), "%zu", i);
	ck_assert(policy_is_identity(&scope_here, &s));
	s.nobody = true;
	for (size_t i = 0; i < COUNT(grants); i++)
		ck_assert_msg(!is_for(&grants[i], &s), "%zu", i);
	ck_assert(!policy_is_identity(&scope_here, &s));
	ck_assert_int_eq(policy_identity_fit(&scope_here, &s), FIT_NO);
	s.supposed = true;
	s.identity = HERE;
	ck_assert_int_eq(policy_identity_fit(&scope_here, &s), FIT_NO);
}
END_TEST

START_TEST(a_grant_is_for_no_other_kind_of_principal)
{
	const struct grant grants[] = { GRANT(NONE, OWNER, USER),
		GRANT(OPERATOR, OWNER, USER), GRANT(RUN, OWNER, USER),
		{ .principal = 255, .role = ROLE_OWNER, .id = USER } };
	struct subject s = user();

	s.operator_group = GROUP;
	for (size_t i = 0; i < COUNT(grants); i++)
		ck_assert_msg(!is_for(&grants[i], &s), "%zu", i);
}
END_TEST

START_TEST(no_grant_is_for_a_uid_that_stands_for_nobody)
{
	struct subject s = user();

	for (size_t i = 0; i < COUNT(odd); i++) {
		const struct grant g = GRANT(USER, OWNER, odd[i]);

		s.uid = odd[i];
		ck_assert(!is_for(&g, &s));
	}
}
END_TEST

START_TEST(a_group_with_more_than_32_bits_is_none)
{
	struct grant g = GRANT(GROUP, OWNER, GROUP);
	struct subject s = user();

	ck_assert(is_for(&g, &s));
	g.id |= (uint64_t)1 << 32;
	ck_assert(!is_for(&g, &s));
	g.id = (uint64_t)UINT32_MAX;
	s.gid = UINT32_MAX;
	ck_assert(!is_for(&g, &s));
	s.gid = UINT32_MAX - 1;
	g.id = UINT32_MAX - 1;
	ck_assert(is_for(&g, &s));
}
END_TEST

START_TEST(a_grant_may_be_for_whom_only_facts_tell_apart)
{
	struct binding b = BOUND(USER, NO_ID);
	const struct grant identity = GRANT(IDENTITY, AGENT, HERE),
			   other = GRANT(USER, AGENT, USER),
			   same_number = GRANT(USER, AGENT, HERE);
	struct policy p = of_scopes(NULL, 0);
	struct part here = of_binding(&b);
	struct subject s = user();

	fill(&scope_here, HERE, &here);
	/* It is, by its uid alone: that is more than it may be. */
	ck_assert(!policy_grant_may_be_for(&p, &scope_here, &identity, &s));
	memcpy(b.exe, "/a", 3);
	fill(&scope_here, HERE, &here);
	ck_assert(policy_grant_may_be_for(&p, &scope_here, &identity, &s));
	ck_assert(!policy_grant_may_be_for(&p, &scope_here, &other, &s));
	ck_assert(!policy_grant_may_be_for(&p, &scope_here, &same_number,
	    &s));
	s.uid++;
	ck_assert(!policy_grant_may_be_for(&p, &scope_here, &identity, &s));
}
END_TEST

START_TEST(a_vault_without_a_scope_of_its_own_gives_nothing)
{
	static const struct policy_scope *const scopes[] = { NULL,
		&scope_here };
	const struct policy none = { scopes, 0, NULL, 0 },
			    no_vault = { scopes, 2, NULL, 0 };
	const struct grant g = GRANT(USER, READER, USER);
	const struct part here = of_grant(&g);
	const struct policy *const both[] = { &none, &no_vault };
	const struct subject s = user();

	fill(&scope_here, HERE, &here);
	fill(&scope_elsewhere, ELSEWHERE, &nothing);
	for (size_t i = 0; i < COUNT(both); i++) {
		struct question q = { ACTION_SECRET_LIST, &scope_here,
			view_of("n"), false };
		struct principal as;

		ck_assert_int_eq(policy_check(&s, both[i], &q, &as),
		    VERDICT_ALLOW);
		ck_assert(policy_knows(&s, both[i], &scope_here));
		ck_assert_uint_eq(policy_actions(&s, both[i], &scope_here,
		    view_of("")), policy_role_actions(both[i], ROLE_READER));
		q.scope = &scope_elsewhere;
		ck_assert_int_eq(policy_check(&s, both[i], &q, &as),
		    VERDICT_NO_MATCH);
		ck_assert(!policy_knows(&s, both[i], &scope_elsewhere));
		ck_assert_uint_eq(policy_actions(&s, both[i],
		    &scope_elsewhere, view_of("")), 0);
		ck_assert_uint_eq(policy_actions(&s, both[i], NULL,
		    view_of("")), 0);
	}
}
END_TEST

/* The verdict, in a workspace that gives nothing itself, is this one; so are
   what is known and what may be done. */
static void
assert_given(const struct subject *s, const struct policy *p, bool given)
{
	const struct question q = { ACTION_SECRET_READ, &scope_elsewhere,
		view_of("n"), false };
	struct principal as;

	ck_assert_int_eq(policy_check(s, p, &q, &as),
	    given ? VERDICT_ALLOW : VERDICT_NO_MATCH);
	ck_assert(policy_knows(s, p, &scope_elsewhere) == given);
	ck_assert((policy_actions(s, p, &scope_elsewhere, view_of("")) !=
		0) == given);
}

START_TEST(the_vaults_scope_counts_when_it_is_one_of_the_scopes)
{
	static const struct policy_scope *const scopes[] = { &scope_vault };
	const struct policy one = { scopes, 1, NULL, 0 },
			    none = { scopes, 0, NULL, 0 };
	const struct grant g = GRANT(USER, OWNER, USER);
	const struct part owned = of_grant(&g);
	const struct subject s = user();

	fill(&scope_vault, 0, &owned);
	fill(&scope_elsewhere, ELSEWHERE, &nothing);
	assert_given(&s, &one, true);
	assert_given(&s, &none, false);
}
END_TEST

/* Grants, bindings and scopes that were there once. */
START_TEST(what_stands_behind_the_last_one_is_not_there)
{
	const struct binding b = BOUND(USER, NO_ID);
	const struct grant grants[] = { GRANT(USER, OWNER, USER),
		GRANT(IDENTITY, OWNER, HERE) };
	const struct part all = { grants, 2, &b, 1 };
	struct policy p = of_scopes(NULL, 0);
	const struct subject s = user();

	fill(&scope_vault, 0, &nothing);
	fill(&scope_elsewhere, ELSEWHERE, &all);
	assert_given(&s, &p, true);
	scope_elsewhere.grant_count = 0;
	assert_given(&s, &p, false);
	fill(&scope_vault, 0, &all);
	assert_given(&s, &p, true);
	scope_vault.grant_count = 0;
	assert_given(&s, &p, false);
	/* As an identity, that of HERE. */
	fill(&scope_here, HERE, &all);
	scope_elsewhere.grants[0] = grants[1];
	scope_elsewhere.grant_count = 1;
	assert_given(&s, &p, true);
	scope_here.binding_count = 0;
	assert_given(&s, &p, false);
	scope_here.binding_count = 1;
	p.scope_count = 1;
	assert_given(&s, &p, false);
	p.scope_count = 2;
	assert_given(&s, &p, true);
}
END_TEST

/* One that is asked about the vault itself is not asked twice. */
START_TEST(the_vaults_own_scope_counts_for_itself)
{
	const struct grant grants[] = { GRANT(USER, OWNER, USER),
		GRANT(USER, OWNER, USER + 1) };
	const struct part mine = of_grant(&grants[0]),
			  theirs = of_grant(&grants[1]);
	const struct question q = { ACTION_SECRET_READ, &scope_vault,
		view_of("n"), false };
	const struct policy p = of_scopes(NULL, 0);
	const struct subject s = user();
	const uint64_t owner = policy_role_actions(&p, ROLE_OWNER);
	struct principal as;

	fill(&scope_here, HERE, &nothing);
	fill(&scope_vault, 0, &mine);
	ck_assert_int_eq(policy_check(&s, &p, &q, &as), VERDICT_ALLOW);
	ck_assert_uint_eq(policy_actions(&s, &p, &scope_vault, view_of("")),
	    owner);
	ck_assert_uint_eq(policy_actions(&s, &p, NULL, view_of("")), owner);
	ck_assert_uint_eq(policy_actions(&s, &p, &scope_here, view_of("")),
	    owner);
	ck_assert(policy_knows(&s, &p, &scope_here));
	fill(&scope_vault, 0, &theirs);
	ck_assert_int_eq(policy_check(&s, &p, &q, &as), VERDICT_NO_MATCH);
	ck_assert_uint_eq(policy_actions(&s, &p, &scope_vault, view_of("")),
	    0);
	ck_assert(!policy_knows(&s, &p, &scope_here));
}
END_TEST

START_TEST(what_is_in_both_scopes_adds_up)
{
	const struct grant here = GRANT(USER, READER, USER),
			   vault = GRANT(USER, AGENT, USER);
	const struct part in_here = of_grant(&here),
			  in_vault = of_grant(&vault);
	const struct policy p = of_scopes(NULL, 0);
	struct subject s = user();
	uint64_t both = policy_role_actions(&p, ROLE_READER) |
	    policy_role_actions(&p, ROLE_AGENT);

	fill(&scope_here, HERE, &in_here);
	fill(&scope_vault, 0, &in_vault);
	ck_assert_uint_eq(policy_actions(&s, &p, &scope_here, view_of("")),
	    both);
	s.operator_group = GROUP;
	ck_assert_uint_eq(policy_actions(&s, &p, &scope_here, view_of("")),
	    both | policy_operator_actions());
}
END_TEST

/* A role of whose actions none is about a workspace that is there. */
START_TEST(a_workspace_is_known_to_those_who_may_anything_in_it)
{
	static _Alignas(struct role) uint8_t bytes[sizeof(struct role)];
	struct role *role = (struct role *)(void *)bytes;
	const struct role *const roles[] = { role };
	const struct policy p = of_scopes(roles, 1);
	const struct grant g = GRANT(USER, CUSTOM, USER);
	const struct part here = of_grant(&g);
	const struct subject s = user();

	memset(bytes, 0, sizeof(bytes));
	role->number = ROLE_CUSTOM;
	fill(&scope_vault, 0, &nothing);
	fill(&scope_here, HERE, &here);
	for (size_t i = 1; action_at(i) != ACTION_NONE; i++) {
		enum action a = action_at(i);

		role->actions = action_bit(a);
		ck_assert_msg(policy_knows(&s, &p, &scope_here) ==
			(a != ACTION_VAULT_MANAGE && a != ACTION_VAULT_READ &&
			    a != ACTION_ROLE_READ && a != ACTION_ROLE_WRITE &&
			    a != ACTION_WORKSPACE_CREATE),
		    "%s", action_name(a));
	}
	role->actions = action_bit(ACTION_NONE);
	ck_assert(!policy_knows(&s, &p, &scope_here));
}
END_TEST

START_TEST(who_is_nobody_knows_nothing_and_may_nothing)
{
	const struct grant grants[] = { GRANT(USER, OWNER, USER),
		GRANT(USER, OWNER, OVERFLOW_ID), GRANT(GROUP, OWNER, GROUP) };
	const struct part all = { grants, COUNT(grants), NULL, 0 };
	const struct policy p = of_scopes(NULL, 0);
	struct subject s = user();

	fill(&scope_vault, 0, &all);
	fill(&scope_here, HERE, &all);
	s.operator_group = GROUP;
	ck_assert(policy_knows(&s, &p, &scope_here));
	s.nobody = true;
	ck_assert(!policy_knows(&s, &p, &scope_here));
	ck_assert_uint_eq(policy_actions(&s, &p, &scope_here, view_of("")),
	    0);
	s.nobody = false;
	for (size_t i = 0; i < COUNT(odd); i++) {
		s.uid = odd[i];
		ck_assert(!policy_knows(&s, &p, &scope_here));
		ck_assert_uint_eq(policy_actions(&s, &p, &scope_here,
		    view_of("")), 0);
	}
	/* One who is only supposed needs no uid. */
	s.supposed = true;
	ck_assert(policy_knows(&s, &p, &scope_here));
}
END_TEST

START_TEST(only_who_is_supposed_is_an_operator_by_being_called_one)
{
	struct subject s = user();

	s.as_operator = true;
	ck_assert(!policy_is_operator(&s));
	s.supposed = true;
	ck_assert(policy_is_operator(&s));
	s.as_operator = false;
	ck_assert(!policy_is_operator(&s));
}
END_TEST

START_TEST(only_who_is_supposed_is_an_identity_by_being_called_one)
{
	const struct grant g = GRANT(IDENTITY, OWNER, 1);
	struct subject s = user();

	/* As low as the number of a workspace gets. */
	fill(&scope_here, 1, &nothing);
	fill(&scope_vault, 0, &nothing);
	s.identity = 1;
	ck_assert(!policy_is_identity(&scope_here, &s));
	ck_assert(!is_for(&g, &s));
	s.supposed = true;
	ck_assert(policy_is_identity(&scope_here, &s));
	ck_assert(is_for(&g, &s));
	/* The vault has none. */
	s.identity = 0;
	ck_assert(!policy_is_identity(&scope_here, &s));
	ck_assert(!policy_is_identity(&scope_vault, &s));
}
END_TEST

START_TEST(any_binding_of_several_may_be_the_one_that_fits)
{
	struct binding b[3] = { BOUND(USER, NO_ID), BOUND(USER + 1, NO_ID),
		BOUND(USER + 2, NO_ID) };
	const struct part all = { NULL, 0, b, 3 };
	struct subject s = user();

	fill(&scope_here, HERE, &all);
	for (s.uid = USER; s.uid < USER + 3; s.uid++)
		ck_assert(policy_is_identity(&scope_here, &s));
	ck_assert(!policy_is_identity(&scope_here, &s));
}
END_TEST

START_TEST(a_name_does_not_go_on_behind_its_end)
{
	static const uint8_t text[] = "train-a";

	ck_assert(policy_has_prefix((struct view){ text, 7 }, "train-"));
	ck_assert(policy_has_prefix((struct view){ text, 6 }, "train-"));
	ck_assert(!policy_has_prefix((struct view){ text, 5 }, "train-"));
	ck_assert(!policy_has_prefix((struct view){ text, 0 }, "t"));
	ck_assert(policy_has_prefix((struct view){ text, 1 }, "t"));
	ck_assert(!policy_has_prefix((struct view){ text, 7 }, "r"));
	ck_assert(policy_has_prefix((struct view){ text, 7 }, ""));
	ck_assert(policy_has_prefix((struct view){ NULL, 0 }, ""));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("policy_who");
	TCase *t = tcase_create("policy_who");
	SRunner *sr;
	int failed;

	tcase_add_test(t, a_grant_to_a_unit_is_for_its_processes_alone);
	tcase_add_test(t, no_grant_is_for_a_process_that_cant_be_seen);
	tcase_add_test(t, a_grant_is_for_no_other_kind_of_principal);
	tcase_add_test(t, no_grant_is_for_a_uid_that_stands_for_nobody);
	tcase_add_test(t, a_group_with_more_than_32_bits_is_none);
	tcase_add_test(t, a_grant_may_be_for_whom_only_facts_tell_apart);
	tcase_add_test(t, a_vault_without_a_scope_of_its_own_gives_nothing);
	tcase_add_test(t,
	    the_vaults_scope_counts_when_it_is_one_of_the_scopes);
	tcase_add_test(t, what_stands_behind_the_last_one_is_not_there);
	tcase_add_test(t, the_vaults_own_scope_counts_for_itself);
	tcase_add_test(t, what_is_in_both_scopes_adds_up);
	tcase_add_test(t, a_workspace_is_known_to_those_who_may_anything_in_it);
	tcase_add_test(t, who_is_nobody_knows_nothing_and_may_nothing);
	tcase_add_test(t,
	    only_who_is_supposed_is_an_operator_by_being_called_one);
	tcase_add_test(t,
	    only_who_is_supposed_is_an_identity_by_being_called_one);
	tcase_add_test(t, any_binding_of_several_may_be_the_one_that_fits);
	tcase_add_test(t, a_name_does_not_go_on_behind_its_end);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
