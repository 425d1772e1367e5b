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
};

START_TEST(a_value_is_not_shown)
{
	char text[64];
	struct source_text t = { (uint8_t *)text, strlen(cases[_i].text) };
	const struct source_pair value = { view_of("k"),
		view_of(cases[_i].value) };

	(void)strcpy(text, cases[_i].text);
	source_text_scrub(&t, &value, 1, cases[_i].more);
	text[t.len] = '\0';
	ck_assert_str_eq(text, cases[_i].then);
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
	tcase_add_test(t, the_end_is_trimmed);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
