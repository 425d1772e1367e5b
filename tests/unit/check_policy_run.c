/* What a run may: its own secrets, and nothing that its uid may besides. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "sample.h"

static const struct run_secret secrets[] = {
	{ .record = 1, .name = "a" },
	{ .record = 2, .name = "b" },
	{ .record = 3, .name = "c" }, /* behind the last one */
};
static struct policy_scope vault, own, other;
static struct policy policy;
static struct run_rights rights;
static struct subject subject;

/* Its uid is 0, an operator, and owns everything. */
static void
setup(void)
{
	static const struct policy_scope *const scopes[] = { &vault, &own,
		&other };
	const struct grant owner = { .principal = PRINCIPAL_USER,
		.role = ROLE_OWNER };

	memset(&vault, 0, sizeof(vault));
	vault.grants[vault.grant_count++] = owner;
	own = other = vault;
	own.id = 7;
	other.id = 8;
	policy = (struct policy){ scopes, COUNT(scopes), NULL, 0 };
	rights = (struct run_rights){ 7, 0x01020304, false, true, secrets,
		2 };
	subject = (struct subject){ .uid = 0, .gid = 0,
		.operator_group = NO_ID, .run = &rights };
}

static enum verdict
ask(enum action action, const struct policy_scope *scope, const char *name,
    bool partial, struct principal *as)
{
	const struct question q = { action, scope, view_of(name), partial };

	return policy_check(&subject, &policy, &q, as);
}

static bool
may(enum action action, const struct policy_scope *scope, const char *name,
    bool partial)
{
	struct principal as = { 99, 99 };
	bool allowed = ask(action, scope, name, partial, &as) == VERDICT_ALLOW;

	if (allowed) {
		ck_assert_uint_eq(as.kind, PRINCIPAL_RUN);
		ck_assert_uint_eq(as.id, 0x01020304);
	}
	return allowed;
}

static bool
is_reading(enum action action)
{
	return action == ACTION_SECRET_READ || action == ACTION_SECRET_SHOW ||
	    action == ACTION_SECRET_LIST;
}

START_TEST(of_all_actions_it_may_read_its_secrets_and_use_targets)
{
	static const char *const names[] = { "a", "b", "c", "", "A", "ab" };

	for (unsigned i = 1; i < 64; i++) {
		enum action action = (enum action)i;

		for (size_t n = 0; n < COUNT(names); n++)
			ck_assert_msg(may(action, &own, names[n], false) ==
				((is_reading(action) && n < 2) ||
				    action == ACTION_TARGET_USE),
			    "action %u of '%s'", i, names[n]);
		ck_assert(may(action, &own, "", true) ==
		    (is_reading(action) || action == ACTION_TARGET_USE));
	}
}
END_TEST

START_TEST(it_uses_no_targets_where_its_starter_could_not)
{
	rights.targets = false;
	ck_assert(!may(ACTION_TARGET_USE, &own, "", false));
	ck_assert(!may(ACTION_TARGET_USE, &own, "a", false));
	ck_assert(!may(ACTION_TARGET_USE, &own, "", true));
	ck_assert(may(ACTION_SECRET_READ, &own, "a", false));
}
END_TEST

START_TEST(elsewhere_it_may_nothing)
{
	const struct policy_scope *scopes[] = { &other, &vault, NULL };

	for (unsigned i = 1; i < 64; i++)
		for (size_t n = 0; n < COUNT(scopes); n++) {
			ck_assert(!may((enum action)i, scopes[n], "a", false));
			ck_assert(!may((enum action)i, scopes[n], "", true));
		}
}
END_TEST

START_TEST(once_it_is_over_it_may_nothing)
{
	rights.over = true;
	for (unsigned i = 1; i < 64; i++) {
		ck_assert(!may((enum action)i, &own, "a", false));
		ck_assert(!may((enum action)i, &own, "", true));
	}
}
END_TEST

/* It can't give away what its uid has. */
START_TEST(it_holds_no_action_to_give)
{
	ck_assert_uint_eq(policy_actions(&subject, &policy, &own,
	    view_of("")), 0);
	subject.run = NULL;
	ck_assert_uint_ne(policy_actions(&subject, &policy, &own,
	    view_of("")), 0);
	ck_assert(!may(ACTION_NONE, &own, "a", false));
}
END_TEST

/* Where it reads it knows the workspace, and no other one. */
START_TEST(it_knows_its_workspace_until_it_is_over)
{
	ck_assert(policy_knows(&subject, &policy, &own));
	ck_assert(!policy_knows(&subject, &policy, &other));
	rights.over = true;
	ck_assert(!policy_knows(&subject, &policy, &own));
}
END_TEST

/* By a token: its process can't be seen. */
START_TEST(who_is_nobody_else_may_be_a_run)
{
	subject.nobody = true;
	ck_assert(may(ACTION_SECRET_READ, &own, "a", false));
	ck_assert(!may(ACTION_SECRET_READ, &own, "c", false));
	subject.run = NULL;
	ck_assert(!may(ACTION_SECRET_READ, &own, "a", false));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("policy of runs");
	TCase *t = tcase_create("policy of runs");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t,
	    of_all_actions_it_may_read_its_secrets_and_use_targets);
	tcase_add_test(t, it_uses_no_targets_where_its_starter_could_not);
	tcase_add_test(t, elsewhere_it_may_nothing);
	tcase_add_test(t, once_it_is_over_it_may_nothing);
	tcase_add_test(t, it_holds_no_action_to_give);
	tcase_add_test(t, it_knows_its_workspace_until_it_is_over);
	tcase_add_test(t, who_is_nobody_else_may_be_a_run);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
