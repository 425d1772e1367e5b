#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "policy_parts.h"
#include "sample.h"

/*
 * Who may do what, by hand from the roles of the model: O owner,
 * C contributor, R reader, P operator, I managed identity (A and S, its two
 * roles).  Whoever is not named may not.
 */
static const struct {
	enum action action;
	const char *who;
} table[] = {
	/* Operators keep the vault (architecture.md, Principals). */
	{ ACTION_VAULT_MANAGE, "P" },
	{ ACTION_VAULT_READ, "P" },
	/* R23: owner and contributor create workspaces. */
	{ ACTION_WORKSPACE_CREATE, "OCP" },
	/* R30, R34: all three view. */
	{ ACTION_WORKSPACE_READ, "OCRPAI" },
	/* What a workspace is shared by, and with it its end, is R24's. */
	{ ACTION_WORKSPACE_DELETE, "OP" },
	/* R42, R43: the identity's bindings; to bind one is to share. */
	{ ACTION_IDENTITY_READ, "OCRP" },
	{ ACTION_IDENTITY_WRITE, "OP" },
	/* R24: only the owner shares. */
	{ ACTION_GRANT_READ, "OCRP" },
	{ ACTION_GRANT_WRITE, "OP" },
	/* R34: readers see that a secret is there, and its metadata. */
	{ ACTION_SECRET_LIST, "OCRASI" },
	/* R41: owners and contributors use them; R43: the identity all. */
	{ ACTION_SECRET_READ, "OCSI" },
	/* R28: and attach datastores. */
	{ ACTION_SECRET_WRITE, "OCSI" },
	{ ACTION_SECRET_DELETE, "OCSI" },
	{ ACTION_SECRET_PURGE, "OSI" },
	/* R30, R116: the activity of what one may view. */
	{ ACTION_ACTIVITY_READ, "OCRP" },
	{ ACTION_SECRET_SHOW, "OCRASI" },
	/* R37: custom roles are for owners to make. */
	{ ACTION_ROLE_READ, "OCRP" },
	{ ACTION_ROLE_WRITE, "OP" },
	/* R44, R45: who uses the workspace may resynchronise it. */
	{ ACTION_RESYNC, "OCP" },
	/* R29, R41: owners and contributors start runs, and use secrets. */
	{ ACTION_SECRET_USE, "OCASI" },
	{ ACTION_RUN_READ, "OCRAPI" },
	{ ACTION_RUN_WRITE, "OCAI" },
	/* R27, R28: owners and contributors make and attach targets; R43: the
	   identity uses them. */
	{ ACTION_TARGET_READ, "OCR" },
	{ ACTION_TARGET_WRITE, "OC" },
	{ ACTION_TARGET_USE, "OCAI" },
};

static bool
may(size_t row, char who)
{
	return strchr(table[row].who, who) != NULL;
}

static const struct {
	uint32_t role;
	char who;
} roles[] = { { ROLE_OWNER, 'O' }, { ROLE_CONTRIBUTOR, 'C' },
	{ ROLE_READER, 'R' }, { ROLE_AGENT, 'A' },
	{ ROLE_SECRETS_OFFICER, 'S' }, { ROLE_NONE, '-' }, { 6, '-' },
	{ ROLE_CUSTOM, '-' }, { NO_ID, '-' } };

/* The verdict is ALLOW as that principal, or the other one. */
static void
assert_verdict(const struct subject *s, const struct part *vault,
    const struct part *workspace, size_t row, bool allowed,
    struct principal who, enum verdict otherwise)
{
	struct principal as = { 99, 99 };
	enum verdict v = ask(s, vault, workspace, table[row].action, &as);
	const char *name = action_name(table[row].action);

	ck_assert_msg(v == (allowed ? VERDICT_ALLOW : otherwise),
	    "%s: verdict %d", name, (int)v);
	if (allowed)
		ck_assert_msg(as.kind == who.kind && as.id == who.id,
		    "%s: as %u %u", name, as.kind, as.id);
}

/* Whatever is asked, the verdict is this one. */
static void
assert_always(const struct subject *s, const struct part *vault,
    const struct part *workspace, enum verdict want)
{
	for (size_t i = 0; i < COUNT(table); i++)
		ck_assert_msg(ask(s, vault, workspace, table[i].action, NULL) ==
			want, "%s", action_name(table[i].action));
}

START_TEST(the_table_is_what_the_roles_are)
{
	static const char kinds[] = "OCRASP";
	const struct policy none = { 0 };
	uint64_t sets[6] = { 0 };

	for (size_t i = 0; i < COUNT(table); i++) {
		ck_assert_int_eq((int)table[i].action, (int)i + 1);
		for (size_t k = 0; k < 6; k++)
			if (may(i, kinds[k]))
				sets[k] |= action_bit(table[i].action);
	}
	ck_assert_str_eq(action_name((enum action)(COUNT(table) + 1)), "?");
	for (size_t i = 0; i < 5; i++)
		ck_assert_uint_eq(policy_role_actions(&none, roles[i].role),
		    sets[i]);
	ck_assert_uint_eq(policy_operator_actions(), sets[5]);
	for (uint32_t role = ROLE_SECRETS_OFFICER + 1; role <= 256; role++)
		ck_assert_uint_eq(policy_role_actions(&none, role), 0);
}
END_TEST

/* The ways a grant can be for the user. */
static const struct principal ways[] = { { PRINCIPAL_USER, USER },
	{ PRINCIPAL_GROUP, GROUP }, { PRINCIPAL_GROUP, EXTRA_GROUP } };

START_TEST(each_role_allows_what_the_table_says)
{
	struct subject s = user();

	for (size_t w = 0; w < COUNT(ways); w++)
		for (size_t r = 0; r < COUNT(roles); r++)
			for (size_t i = 0; i < COUNT(table); i++) {
				const struct grant g = {
					.principal = ways[w].kind,
					.role = roles[r].role,
					.id = ways[w].id };
				struct part p = of_grant(&g);
				bool yes = may(i, roles[r].who);

				assert_verdict(&s, &nothing, &p, i, yes,
				    ways[w], VERDICT_DENY);
				/* And from the scope of the vault. */
				assert_verdict(&s, &p, &nothing, i, yes,
				    ways[w], VERDICT_DENY);
				assert_verdict(&s, &p, NULL, i, yes,
				    ways[w], VERDICT_DENY);
			}
}
END_TEST

START_TEST(an_operator_may_what_the_table_says)
{
	const struct principal as = { PRINCIPAL_OPERATOR, 0 };
	struct subject who[] = { { .operator_group = NO_ID }, user(), user() };

	who[1].gid = OPERATOR_GROUP;
	who[2].operator_group = EXTRA_GROUP;
	for (size_t k = 0; k < COUNT(who); k++) {
		ck_assert(policy_is_operator(&who[k]));
		for (size_t i = 0; i < COUNT(table); i++)
			assert_verdict(&who[k], &nothing,
			    k == 0 ? NULL : &nothing, i, may(i, 'P'), as,
			    VERDICT_DENY);
	}
}
END_TEST

START_TEST(nobody_else_is_an_operator)
{
	struct subject s = user();

	ck_assert(!policy_is_operator(&s));
	s.gid = 0;
	ck_assert(!policy_is_operator(&s));
	for (size_t i = 0; i < COUNT(odd); i++) {
		s.operator_group = s.gid = odd[i];
		s.groups = &odd[i];
		s.group_count = 1;
		ck_assert(!policy_is_operator(&s));
	}
}
END_TEST

/* What an identity has in its workspace, as the workspace is made. */
static const struct grant canonical[] = { GRANT(IDENTITY, AGENT, HERE),
	GRANT(IDENTITY, SECRETS_OFFICER, HERE) };

START_TEST(an_identity_may_what_the_table_says)
{
	static const struct binding bindings[] = { BOUND(USER, NO_ID),
		BOUND(USER, GROUP) };
	const struct principal as = { PRINCIPAL_IDENTITY, HERE };
	const struct subject s = user();

	for (size_t k = 0; k < COUNT(bindings); k++)
		for (size_t i = 0; i < COUNT(table); i++) {
			const struct part p = { canonical, 2, &bindings[k],
				1 };

			assert_verdict(&s, &nothing, &p, i, may(i, 'I'), as,
			    VERDICT_DENY);
		}
}
END_TEST

START_TEST(a_binding_needs_the_uid_and_the_gid_that_it_names)
{
	static const struct binding no_match[] = {
		BOUND(USER + 1, NO_ID),
		BOUND(USER, GROUP + 1),
		BOUND(USER + 1, GROUP),
		/* A supplementary group is not the gid. */
		BOUND(USER, EXTRA_GROUP),
		BOUND(NO_ID, GROUP),
		BOUND(NO_ID, NO_ID),
		BOUND(OVERFLOW_ID, GROUP),
		BOUND(GROUP, USER),
	};
	struct subject s = user();

	for (size_t i = 0; i < COUNT(no_match); i++) {
		const struct part p = { canonical, 2, &no_match[i], 1 };

		assert_always(&s, &nothing, &p, VERDICT_NO_MATCH);
	}
}
END_TEST

START_TEST(an_identity_of_the_vault_is_none)
{
	const struct binding b = BOUND(USER, NO_ID);
	const struct part p = of_binding(&b);
	struct subject s = user();

	assert_always(&s, &p, NULL, VERDICT_NO_MATCH);
	assert_always(&s, &p, &nothing, VERDICT_NO_MATCH);
}
END_TEST

/* Grants that are for somebody else, or for nobody. */
static const struct grant not_for_user[] = {
	GRANT(USER, OWNER, USER + 1), GRANT(USER, OWNER, GROUP),
	GRANT(USER, OWNER, EXTRA_GROUP), GRANT(USER, OWNER, NO_ID),
	GRANT(USER, OWNER, OVERFLOW_ID), GRANT(GROUP, OWNER, USER),
	GRANT(GROUP, OWNER, GROUP + 9), GRANT(GROUP, OWNER, NO_ID),
	GRANT(GROUP, OWNER, OVERFLOW_ID), GRANT(NONE, OWNER, USER),
	GRANT(OPERATOR, OWNER, USER), GRANT(IDENTITY, OWNER, USER),
	GRANT(IDENTITY, OWNER, HERE), GRANT(IDENTITY, OWNER, 0),
	{ .principal = 255, .role = ROLE_OWNER, .id = USER },
	{ .principal = 255, .role = ROLE_OWNER, .id = GROUP },
};

START_TEST(a_grant_to_somebody_else_is_no_match)
{
	struct subject s = user();

	assert_always(&s, &nothing, &nothing, VERDICT_NO_MATCH);
	assert_always(&s, &nothing, NULL, VERDICT_NO_MATCH);
	for (size_t i = 0; i < COUNT(not_for_user); i++) {
		struct part p = of_grant(&not_for_user[i]);

		assert_always(&s, &p, &p, VERDICT_NO_MATCH);
	}
}
END_TEST

START_TEST(a_uid_that_stands_for_nobody_is_an_error)
{
	for (size_t i = 0; i < COUNT(odd); i++) {
		const struct grant grants[] = { GRANT(USER, OWNER, odd[i]),
			GRANT(GROUP, OWNER, GROUP),
			GRANT(IDENTITY, OWNER, HERE) };
		const struct binding b = BOUND(odd[i], NO_ID);
		const struct part all = { grants, 3, &b, 1 };
		struct subject s = user();

		s.uid = odd[i];
		s.operator_group = GROUP;
		assert_always(&s, &all, &all, VERDICT_ERROR);
		ck_assert(!policy_id_valid(odd[i]));
	}
	ck_assert(policy_id_valid(0) && policy_id_valid(65533) &&
	    policy_id_valid(65535) && policy_id_valid(0xfffffffe));
}
END_TEST

START_TEST(a_gid_that_stands_for_nobody_never_matches)
{
	const struct binding b = BOUND(USER, OVERFLOW_ID);
	const struct part bound = { canonical, 2, &b, 1 };
	struct subject s = user();

	for (size_t i = 0; i < COUNT(odd); i++) {
		const struct grant g = GRANT(GROUP, OWNER, odd[i]);
		const struct part granted = of_grant(&g);

		s.gid = odd[i];
		s.groups = &odd[i];
		s.group_count = 1;
		assert_always(&s, &granted, &granted, VERDICT_NO_MATCH);
	}
	s.gid = OVERFLOW_ID;
	assert_always(&s, &nothing, &bound, VERDICT_NO_MATCH);
}
END_TEST

START_TEST(each_of_many_groups_is_found_and_no_other)
{
	uint32_t many[1000];
	struct subject s = user();

	for (uint32_t i = 0; i < COUNT(many); i++)
		many[i] = 5001 + 2 * i;
	s.groups = many;
	for (s.group_count = 0; s.group_count < 1000; s.group_count += 37)
		for (uint32_t gid = 5000; gid < 7010; gid++) {
			const struct grant g = GRANT(GROUP, READER, gid);
			const struct part p = of_grant(&g);
			bool in = gid % 2 == 1 &&
			    gid < 5001 + 2 * s.group_count;

			if (ask(&s, &nothing, &p, ACTION_SECRET_LIST, NULL) !=
			    (in ? VERDICT_ALLOW : VERDICT_NO_MATCH))
				ck_abort_msg("%u of %zu groups", gid,
				    s.group_count);
		}
}
END_TEST

START_TEST(to_ask_for_no_action_is_an_error_for_everybody)
{
	const struct grant g = GRANT(USER, OWNER, USER);
	const struct part all = of_grant(&g);
	const struct subject s = user(), root = { .operator_group = NO_ID };

	ck_assert_int_eq(ask(&s, &all, &all, ACTION_NONE, NULL), VERDICT_ERROR);
	ck_assert_int_eq(ask(&root, &all, &all, ACTION_NONE, NULL), VERDICT_ERROR);
}
END_TEST

START_TEST(the_best_of_several_grants_stands_in_any_order)
{
	static const struct grant both[] = {
		GRANT(USER, READER, USER),
		GRANT(GROUP, CONTRIBUTOR, EXTRA_GROUP),
		GRANT(USER, READER, USER),
	};
	const struct principal reader = { PRINCIPAL_USER, USER };
	const struct principal group = { PRINCIPAL_GROUP, EXTRA_GROUP };
	struct subject s = user();

	for (size_t i = 0; i < COUNT(table); i++) {
		struct part p = { both, 2, NULL, 0 };
		bool as_reader = may(i, 'R');

		assert_verdict(&s, &nothing, &p, i, may(i, 'C'),
		    as_reader ? reader : group, VERDICT_DENY);
		p = (struct part){ both + 1, 2, NULL, 0 };
		assert_verdict(&s, &nothing, &p, i, may(i, 'C'), group,
		    VERDICT_DENY);
	}
}
END_TEST

/* A reader here who is an owner of the vault, and also bound, and root. */
START_TEST(what_one_scope_denies_another_may_allow)
{
	const struct grant reader[] = { GRANT(USER, READER, USER),
		canonical[0], canonical[1] };
	const struct grant owner = GRANT(GROUP, OWNER, GROUP);
	const struct binding b = BOUND(USER, GROUP);
	const struct part vault = of_grant(&owner);
	const struct part here = { reader, 3, &b, 1 };
	struct subject s = user();

	s.operator_group = GROUP;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct principal as = { PRINCIPAL_OPERATOR, 0 };

		if (may(i, 'R'))
			as = (struct principal){ PRINCIPAL_USER, USER };
		else if (may(i, 'I'))
			as = (struct principal){ PRINCIPAL_IDENTITY, HERE };
		else if (may(i, 'O'))
			as = (struct principal){ PRINCIPAL_GROUP, GROUP };
		assert_verdict(&s, &vault, &here, i, true, as,
		    VERDICT_ERROR);
	}
}
END_TEST

START_TEST(rights_in_one_workspace_are_none_in_another)
{
	static const struct grant grants[] = { GRANT(USER, OWNER, USER),
		GRANT(USER, OWNER, USER + 1) };
	const struct part here = of_grant(&grants[0]);
	const struct part theirs = of_grant(&grants[1]);
	struct subject s = user();

	ck_assert_int_eq(ask(&s, &nothing, &here, ACTION_SECRET_READ,
		NULL),
	    VERDICT_ALLOW);
	assert_always(&s, &nothing, &theirs, VERDICT_NO_MATCH);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("policy");
	TCase *t = tcase_create("policy");
	SRunner *sr;
	int failed;

	tcase_add_test(t, the_table_is_what_the_roles_are);
	tcase_add_test(t, each_role_allows_what_the_table_says);
	tcase_add_test(t, an_operator_may_what_the_table_says);
	tcase_add_test(t, nobody_else_is_an_operator);
	tcase_add_test(t, an_identity_may_what_the_table_says);
	tcase_add_test(t, a_binding_needs_the_uid_and_the_gid_that_it_names);
	tcase_add_test(t, an_identity_of_the_vault_is_none);
	tcase_add_test(t, a_grant_to_somebody_else_is_no_match);
	tcase_add_test(t, a_uid_that_stands_for_nobody_is_an_error);
	tcase_add_test(t, a_gid_that_stands_for_nobody_never_matches);
	tcase_add_test(t, each_of_many_groups_is_found_and_no_other);
	tcase_add_test(t, to_ask_for_no_action_is_an_error_for_everybody);
	tcase_add_test(t, the_best_of_several_grants_stands_in_any_order);
	tcase_add_test(t, what_one_scope_denies_another_may_allow);
	tcase_add_test(t, rights_in_one_workspace_are_none_in_another);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
