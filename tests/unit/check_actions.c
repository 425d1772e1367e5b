#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "sample.h"

START_TEST(each_action_has_a_name_and_a_bit_of_its_own)
{
	static const char *const names[] = {
#define ACTION(bit, ID, name, plane) name,
#include "actions.def"
#undef ACTION
	};

	for (size_t i = 0; i < COUNT(names); i++) {
		ck_assert_str_eq(action_name((enum action)i), names[i]);
		ck_assert_uint_eq(action_bit((enum action)i),
		    (uint64_t)1 << i);
		ck_assert_int_eq((int)action_at(i), (int)i);
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(names[i], names[j]);
	}
	ck_assert_str_eq(action_name((enum action)COUNT(names)), "?");
	ck_assert_int_eq((int)action_at(COUNT(names)), ACTION_NONE);
}
END_TEST

START_TEST(principals_have_names)
{
	ck_assert_str_eq(principal_name(PRINCIPAL_NONE), "none");
	ck_assert_str_eq(principal_name(PRINCIPAL_OPERATOR), "operator");
	ck_assert_str_eq(principal_name(PRINCIPAL_USER), "user");
	ck_assert_str_eq(principal_name(PRINCIPAL_GROUP), "group");
	ck_assert_str_eq(principal_name(PRINCIPAL_IDENTITY), "identity");
	ck_assert_str_eq(principal_name(PRINCIPAL_UNIT), "unit");
	ck_assert_str_eq(principal_name(PRINCIPAL_RUN), "run");
	for (unsigned i = PRINCIPAL_RUN + 1; i < 256; i++)
		ck_assert_str_eq(principal_name((uint8_t)i), "?");
}
END_TEST

START_TEST(an_action_is_found_by_its_whole_name)
{
	static const char *const none[] = { "", "none", "*",
		"workspaces/*", "workspaces", "workspaces/read ",
		" workspaces/read", "workspaces/read/", "workspaces//read",
		"workspaces/secrets/value" };

	ck_assert_int_eq((int)action_find(view_of("workspaces/read")),
	    ACTION_WORKSPACE_READ);
	ck_assert_int_eq(
	    (int)action_find(view_of("Workspaces/Secrets/VALUE/read")),
	    ACTION_SECRET_READ);
	for (size_t i = 0; i < COUNT(none); i++)
		ck_assert_msg(action_find(view_of(none[i])) == ACTION_NONE,
		    "'%s'", none[i]);
}
END_TEST

START_TEST(a_star_is_any_bytes_and_no_other_is_special)
{
	static const struct {
		const char *pattern;
		const char *name;
		bool match;
	} rows[] = {
		{ "*", "a/b", true }, { "*", "", true }, { "", "", true },
		{ "", "a", false }, { "a", "a", true }, { "A", "a", true },
		{ "a*", "a", true }, { "a*", "ab/c", true },
		{ "*c", "a/b/c", true }, { "*c", "a/b/cd", false },
		{ "a/*/c", "a/b/c", true }, { "a/*/c", "a/x/y/c", true },
		{ "a/*/c", "a/c", false }, { "a*b*c", "aXbbXbcXc", true },
		{ "a*b*c", "aXbbXbcX", false }, { "**", "a", true },
		{ "*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
		{ "?", "a", false }, { "[a]", "a", false },
		{ "a.c", "abc", false }, { "\\*", "*", false },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		ck_assert_msg(action_match(view_of(rows[i].pattern),
				  rows[i].name) == rows[i].match,
		    "'%s' and '%s'", rows[i].pattern, rows[i].name);
}
END_TEST

START_TEST(no_wildcard_leaves_its_plane)
{
	uint64_t control = action_expand(view_of("*"), PLANE_CONTROL);
	uint64_t data = action_expand(view_of("*"), PLANE_DATA);
	uint64_t vault = action_expand(view_of("*"), PLANE_VAULT);

	ck_assert_uint_eq(data, action_bit(ACTION_SECRET_READ) |
		action_bit(ACTION_SECRET_USE) |
		action_bit(ACTION_TARGET_USE));
	ck_assert_uint_eq(control & data, 0);
	ck_assert_uint_eq(vault, action_bit(ACTION_VAULT_MANAGE) |
		action_bit(ACTION_VAULT_READ) | action_bit(ACTION_ROLE_READ) |
		action_bit(ACTION_ROLE_WRITE));
	ck_assert_uint_eq(action_expand(
	    view_of("workspaces/secrets/*"), PLANE_CONTROL) & data, 0);
	ck_assert_uint_eq(action_expand(
	    view_of("workspaces/secrets/value/read"), PLANE_CONTROL), 0);
	ck_assert_uint_eq(action_expand(view_of("*/read"), PLANE_CONTROL),
	    action_bit(ACTION_WORKSPACE_READ) |
		action_bit(ACTION_IDENTITY_READ) |
		action_bit(ACTION_GRANT_READ) |
		action_bit(ACTION_SECRET_LIST) |
		action_bit(ACTION_SECRET_SHOW) |
		action_bit(ACTION_ACTIVITY_READ) |
		action_bit(ACTION_RUN_READ) |
		action_bit(ACTION_TARGET_READ));
	ck_assert_uint_eq(action_expand(view_of("none"), PLANE_VAULT), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("actions");
	TCase *t = tcase_create("actions");
	SRunner *sr;
	int failed;

	tcase_add_test(t, each_action_has_a_name_and_a_bit_of_its_own);
	tcase_add_test(t, principals_have_names);
	tcase_add_test(t, an_action_is_found_by_its_whole_name);
	tcase_add_test(t, a_star_is_any_bytes_and_no_other_is_special);
	tcase_add_test(t, no_wildcard_leaves_its_plane);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
