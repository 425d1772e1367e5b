/* Tests of client/expand.c: where a secret's file is asked for. */
#include <check.h>
#include <stdlib.h>

#include "expand.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *text;
	const char *made;
	bool store; /* asks for it */
	bool key;
} rows[] = {
	{ "", "", false, false },
	{ "plain", "plain", false, false },
	{ "{store}", "/fd/5", true, false },
	{ "--file={store}", "--file=/fd/5", true, false },
	{ "{store},{k.1},{store}", "/fd/5,/fd/6,/fd/5", true, true },
	{ "{store}{k.1}", "/fd/5/fd/6", true, true },
	{ "{{store}", "{store}", false, false },
	{ "{{{store}", "{/fd/5", true, false },
	{ "{{store}}", "{store}}", false, false },
	{ "{{{{", "{{", false, false },
	{ "{{.Id}}", "{.Id}}", false, false },
	{ "${store}", "${store}", false, false },
	{ "$ {store}", "$ /fd/5", true, false },
	{ "${x} {store}", "${x} /fd/5", true, false },
	{ "${{ x }}", "${{ x }}", false, false },
	{ "${x:-{store}}", "${x:-/fd/5}", true, false },
	{ "{\"a\": {\"b\": []}}", "{\"a\": {\"b\": []}}", false, false },
	{ "{\"a\": \"{store}\"}", "{\"a\": \"/fd/5\"}", true, false },
	{ "f() { echo {a,b}; }", "f() { echo {a,b}; }", false, false },
	{ "{stor}{storee}{STORE}{ store}{store }",
	    "{stor}{storee}{STORE}{ store}{store }", false, false },
	{ "{store", "{store", false, false },
	{ "store}", "store}", false, false },
	{ "{", "{", false, false },
	{ "{}", "{}", false, false },
	{ "{st{store}", "{st/fd/5", true, false },
};

START_TEST(labels_become_paths_and_the_rest_stays)
{
	struct expand_label labels[] = { { "store", "/fd/5", false },
		{ "k.1", "/fd/6", false } };
	char *made;

	expand_look(rows[_i].text, labels, 2);
	ck_assert_int_eq(labels[0].used, rows[_i].store);
	ck_assert_int_eq(labels[1].used, rows[_i].key);
	made = expand_make(rows[_i].text, labels, 2);
	ck_assert_str_eq(made, rows[_i].made);
	free(made);
}
END_TEST

START_TEST(looking_needs_no_paths)
{
	struct expand_label labels[] = { { "a", NULL, false },
		{ "b", NULL, false } };

	expand_look("x", labels, 2);
	ck_assert(!labels[0].used && !labels[1].used);
	expand_look("{b}", labels, 2);
	ck_assert(!labels[0].used && labels[1].used);
	expand_look("nothing", labels, 2);
	ck_assert(labels[1].used);
}
END_TEST

START_TEST(what_is_put_in_is_not_looked_at_again)
{
	struct expand_label labels[] = { { "a", "{b}{{", false },
		{ "b", "wrong", false } };
	char *made = expand_make("{a}", labels, 2);

	ck_assert_str_eq(made, "{b}{{");
	ck_assert(!labels[1].used);
	free(made);
}
END_TEST

static Suite *
expand_suite(void)
{
	Suite *s = suite_create("expand");
	TCase *t = tcase_create("expand");

	tcase_add_loop_test(t, labels_become_paths_and_the_rest_stays, 0,
	    (int)COUNT(rows));
	tcase_add_test(t, looking_needs_no_paths);
	tcase_add_test(t, what_is_put_in_is_not_looked_at_again);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(expand_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
