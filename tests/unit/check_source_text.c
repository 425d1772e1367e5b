#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "source_text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *text;
	const char *value;
	bool more;
	const char *then;
} cases[] = {
	{ "key hunter2 is bad", "hunter2", false, "key * is bad" },
	{ "hunter2hunter2", "hunter2", false, "**" },
	{ "hunter2", "hunter2", false, "*" },
	{ "hunter", "hunter2", false, "hunter" },
	{ "key hunter", "hunter2", true, "key " },
	{ "key h", "hunter2", true, "key " },
	{ "key hunter2", "hunter2", true, "key *" },
	{ "hunter2 hun", "hunter2", true, "* " },
	{ "aaaaaaaa", "aaaa", false, "**" },
	{ "abc abc", "abc", false, "abc abc" },
	{ "", "hunter2", true, "" },
	{ "hun", "hunter2hunter2", true, "" },
	{ "aaaaaaaaa b", "aaaa", false, "** b" },
	{ "key abcabca", "abcabcab", true, "key " },
};

/* Values that have to do with one another. */
static const struct {
	const char *text;
	const char *values[3];
	bool more;
	const char *then;
} several[] = {
	{ "login app/app-hunter2 refused", { "app-", "app-hunter2" }, false,
	    "login app/* refused" },
	{ "login app-/app-hunter2", { "app-", "app-hunter2" }, false,
	    "login */*" },
	{ "key app-hunt", { "app-", "app-hunter2" }, true, "key " },
	{ "key app-", { "app-", "app-hunter2" }, true, "key *" },
	{ "key app-hunt", { "app-", "app-hunter2" }, false, "key *hunt" },
	/* One within, at the end of, and over the end of another. */
	{ "a hunter2 b", { "unte", "hunter2" }, false, "a * b" },
	{ "a hunter2 b", { "ter2", "hunter2" }, false, "a * b" },
	{ "a hunter2000 b", { "ter2000", "hunter2" }, false, "a * b" },
	{ "a hunter2000", { "hunter2", "ter2000aa" }, true, "a *" },
	{ "a abcdefghij b", { "abcd", "cdefgh", "ghij" }, false, "a ** b" },
	{ "a onetwothree b", { "onet", "thre", "twothree" }, false,
	    "a ** b" },
	/* What is put there is not looked at again. */
	{ "hunter2abc", { "hunter2", "*abc" }, false, "*abc" },
	{ "a hunter2 abc", { "hunter2", "abc", "a" }, false, "a * abc" },
};

START_TEST(a_value_is_not_shown)
{
	char text[64];
	struct source_text t = { (uint8_t *)text, strlen(cases[_i].text) };
	const struct source_pair value = { view_of("k"),
		view_of(cases[_i].value) };
	const struct source_values values = { &value, 1 };

	(void)strcpy(text, cases[_i].text);
	source_text_scrub(&t, &values, 1, cases[_i].more);
	text[t.len] = '\0';
	ck_assert_str_eq(text, cases[_i].then);
}
END_TEST

/* In whatever order, and whether they are in one list or in two. */
static void
check_several(size_t i, const size_t order[3], size_t first)
{
	struct source_pair pairs[3];
	struct source_values values[2] = { { pairs, first },
		{ pairs + first, 3 - first } };
	char text[64];
	struct source_text t = { (uint8_t *)text, strlen(several[i].text) };

	for (size_t k = 0; k < 3; k++) {
		const char *v = several[i].values[order[k]];

		pairs[k] = (struct source_pair){ view_of("k"),
			view_of(v == NULL ? "" : v) };
	}
	(void)strcpy(text, several[i].text);
	source_text_scrub(&t, values, 2, several[i].more);
	text[t.len] = '\0';
	ck_assert_str_eq(text, several[i].then);
}

START_TEST(nothing_of_any_value_is_left)
{
	static const size_t orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 },
		{ 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

	for (size_t i = 0; i < COUNT(orders); i++)
		for (size_t first = 0; first <= 3; first++)
			check_several((size_t)_i, orders[i], first);
}
END_TEST

START_TEST(the_end_is_trimmed)
{
	char text[] = " a b \r\n\n";
	struct source_text t = { (uint8_t *)text, strlen(text) };

	source_text_trim(&t);
	ck_assert_uint_eq(t.len, 4);
	t.len = 1;
	source_text_trim(&t);
	ck_assert_uint_eq(t.len, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("source_text");
	TCase *t = tcase_create("source_text");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t, a_value_is_not_shown, 0, (int)COUNT(cases));
	tcase_add_loop_test(t, nothing_of_any_value_is_left, 0,
	    (int)COUNT(several));
	tcase_add_test(t, the_end_is_trimmed);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
