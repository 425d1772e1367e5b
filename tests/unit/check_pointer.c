#include <check.h>
#include <stdlib.h>

#include "pointer.h"
#include "sample.h"

static const char text[] =
    "{\"keys\": [{\"value\": \"a\"}, {\"value\": \"b\"}], \"\": \"empty\","
    " \"a/b\": \"slash\", \"m~n\": \"tilde\", \"~1\": \"both\","
    " \"0\": \"name\", \"-\": \"dash\"}";

static const struct {
	const char *pointer;
	const char *value; /* NULL: nothing is there */
} rows[] = {
	{ "/keys/0/value", "a" },
	{ "/keys/1/value", "b" },
	{ "/", "empty" },
	{ "/a~1b", "slash" },
	{ "/m~0n", "tilde" },
	{ "/~01", "both" },
	{ "/0", "name" },
	{ "/-", "dash" },
	{ "/keys/2/value", NULL },
	{ "/keys/10/value", NULL },
	{ "/keys/00/value", NULL },
	{ "/keys/-1/value", NULL },
	{ "/keys/-", NULL },
	{ "/keys/+0/value", NULL },
	{ "/keys/4294967296/value", NULL },
	{ "/keys/18446744073709551616/value", NULL },
	{ "/keys/0x0/value", NULL },
	{ "/keys/", NULL },
	{ "/keys/0/value/a", NULL },
	{ "/a/b", NULL },
	{ "/m~n", NULL },
	{ "/m~", NULL },
	{ "/m~2n", NULL },
	{ "keys", NULL },
	{ "/keys/0/value/", NULL },
};

START_TEST(a_pointer_finds_what_rfc_6901_says)
{
	json_t *all = json_loads(text, 0, NULL);
	const json_t *found = pointer_find(all, rows[_i].pointer);

	ck_assert_ptr_nonnull(all);
	if (rows[_i].value == NULL)
		ck_assert_msg(found == NULL, "%s", rows[_i].pointer);
	else
		ck_assert_pstr_eq(json_string_value(found), rows[_i].value);
	json_decref(all);
}
END_TEST

START_TEST(no_step_is_too_long)
{
	char pointer[1024] = "/";
	json_t *all = json_pack("{s:s}", "a", "b");

	for (size_t i = 1; i < sizeof(pointer) - 1; i++)
		pointer[i] = 'a';
	ck_assert_ptr_null(pointer_find(all, pointer));
	ck_assert_ptr_eq(pointer_find(all, ""), all);
	json_decref(all);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pointer");
	TCase *t = tcase_create("pointer");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t, a_pointer_finds_what_rfc_6901_says, 0,
	    COUNT(rows));
	tcase_add_test(t, no_step_is_too_long);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
