#include <check.h>
#include <stdio.h>
#include <string.h>

#include "options.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct line {
	bool json;
	const char *field;
	struct option_number version;
	struct option_list meta;
	const char *first; /* argument */
	size_t count;
	struct problem p;
};

#define WORDS_MAX (2 * COFRE_FIELDS_MAX + 8)

/* getopt_long(3) wants words that it could write to, and reorders them. */
static enum option_result
parse(struct line *l, size_t count, const char *const *words)
{
	static char copy[WORDS_MAX][64];
	static char *argv[WORDS_MAX + 1];
	const struct option_row rows[] = {
		{ "json", 0, OPTION_FLAG, NULL, &l->json, "" },
		{ "field", 'f', OPTION_TEXT, "F", &l->field, "" },
		{ "version", 0, OPTION_NUMBER, "N", &l->version, "" },
		{ "meta", 0, OPTION_LIST, "M", &l->meta, "" },
	};
	const struct option_usage u = { "verb A [B]", "", rows, 4, 1, 2 };
	enum option_result r;
	char **args;

	ck_assert_uint_le(count, WORDS_MAX);
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(copy[i], sizeof(copy[i]), "%s", words[i]);
		argv[i] = copy[i];
	}
	argv[count] = NULL;
	memset(l, 0, sizeof(*l));
	r = options_parse(&u, (int)count, argv, &args, &l->count, &l->p);
	if (r == OPTION_RUN)
		l->first = args[0];
	return r;
}

#define PARSE(l, ...)                                                        \
	parse(l, COUNT(((const char *[]){ "verb", __VA_ARGS__ })),           \
	    (const char *[]){ "verb", __VA_ARGS__ })

START_TEST(options_stand_before_and_after_the_arguments)
{
	struct line l;

	ck_assert_int_eq(PARSE(&l, "--json", "a", "--field", "F", "b",
	    "--version=3"), OPTION_RUN);
	ck_assert(l.json);
	ck_assert_str_eq(l.field, "F");
	ck_assert(l.version.given);
	ck_assert_uint_eq(l.version.value, 3);
	ck_assert_uint_eq(l.count, 2);
}
END_TEST

START_TEST(a_letter_stands_for_its_option)
{
	struct line l;

	ck_assert_int_eq(PARSE(&l, "-f", "F", "a"), OPTION_RUN);
	ck_assert_str_eq(l.field, "F");
	ck_assert_int_eq(PARSE(&l, "a", "-fF"), OPTION_RUN);
	ck_assert_str_eq(l.field, "F");
}
END_TEST

START_TEST(two_dashes_end_the_options)
{
	struct line l;

	ck_assert_int_eq(PARSE(&l, "--", "--json"), OPTION_RUN);
	ck_assert(!l.json);
	ck_assert_uint_eq(l.count, 1);
	ck_assert_str_eq(l.first, "--json");
}
END_TEST

START_TEST(a_list_collects_its_values)
{
	struct line l;

	ck_assert_int_eq(PARSE(&l, "--meta", "a=1", "x", "--meta=b=2"),
	    OPTION_RUN);
	ck_assert_uint_eq(l.meta.count, 2);
	ck_assert_str_eq(l.meta.items[0], "a=1");
	ck_assert_str_eq(l.meta.items[1], "b=2");
}
END_TEST

START_TEST(help_is_asked_for_in_two_ways)
{
	struct line l;

	ck_assert_int_eq(PARSE(&l, "--help"), OPTION_HELP);
	ck_assert_int_eq(PARSE(&l, "-h"), OPTION_HELP);
}
END_TEST

static void
assert_bad(struct line *l, enum option_result r, const char *why)
{
	ck_assert_int_eq(r, OPTION_BAD);
	ck_assert_msg(strstr(l->p.text, why) != NULL, "%s", l->p.text);
}

START_TEST(an_option_that_is_not_written_out_is_refused)
{
	struct line l;

	assert_bad(&l, PARSE(&l, "a", "--jso"), "--json");
	assert_bad(&l, PARSE(&l, "a", "--fie", "F"), "--field");
	assert_bad(&l, PARSE(&l, "a", "--fie=F"), "--field");
	/* The value must not pass for the option. */
	assert_bad(&l, PARSE(&l, "a", "--fie", "--field"), "--field");
}
END_TEST

START_TEST(what_is_wrong_with_an_option_is_told)
{
	struct line l;

	assert_bad(&l, PARSE(&l, "a", "--nope"), "unknown option --nope");
	assert_bad(&l, PARSE(&l, "a", "-z"), "unknown option -z");
	assert_bad(&l, PARSE(&l, "a", "--socket", "/x"), "before the verb");
	assert_bad(&l, PARSE(&l, "a", "--socket=/x"), "before the verb");
	assert_bad(&l, PARSE(&l, "a", "--sockets"), "unknown option --sockets");
	assert_bad(&l, PARSE(&l, "a", "--field"), "--field needs a value");
	assert_bad(&l, PARSE(&l, "a", "--json=1"), "--json takes no value");
	assert_bad(&l, PARSE(&l, "a", "--field=F", "-f", "G"), "twice");
	assert_bad(&l, PARSE(&l, "a", "--version", "1", "--version=1"),
	    "twice");
	assert_bad(&l, PARSE(&l, "a", "--version", "-1"), "a number");
	assert_bad(&l, PARSE(&l, "a", "--version", "4294967296"), "a number");
}
END_TEST

START_TEST(a_value_that_is_not_taken_is_not_repeated)
{
	struct line l;

	assert_bad(&l, PARSE(&l, "a", "--password=hunter2"), "--password");
	ck_assert_ptr_null(strstr(l.p.text, "hunter2"));
	assert_bad(&l, PARSE(&l, "a", "--json=hunter2"), "--json");
	ck_assert_ptr_null(strstr(l.p.text, "hunter2"));
	assert_bad(&l, PARSE(&l, "a", "b", "hunter2"), "too many");
	ck_assert_ptr_null(strstr(l.p.text, "hunter2"));
}
END_TEST

START_TEST(the_number_of_arguments_is_checked)
{
	struct line l;

	assert_bad(&l, PARSE(&l, "--json"), "missing argument");
	assert_bad(&l, PARSE(&l, "a", "b", "c"), "too many arguments");
}
END_TEST

START_TEST(a_list_has_an_end)
{
	const char *words[WORDS_MAX] = { "verb", "a" };
	size_t count = 2;
	struct line l;

	for (unsigned i = 0; i < COFRE_FIELDS_MAX; i++) {
		words[count++] = "--meta";
		words[count++] = "a=1";
	}
	ck_assert_int_eq(parse(&l, count, words), OPTION_RUN);
	ck_assert_uint_eq(l.meta.count, COFRE_FIELDS_MAX);
	words[count++] = "--meta";
	words[count++] = "a=1";
	assert_bad(&l, parse(&l, count, words), "more than 64");
}
END_TEST

static TCase *
options(void)
{
	TCase *tc = tcase_create("options");

	tcase_add_test(tc, options_stand_before_and_after_the_arguments);
	tcase_add_test(tc, a_letter_stands_for_its_option);
	tcase_add_test(tc, two_dashes_end_the_options);
	tcase_add_test(tc, a_list_collects_its_values);
	tcase_add_test(tc, help_is_asked_for_in_two_ways);
	tcase_add_test(tc, an_option_that_is_not_written_out_is_refused);
	tcase_add_test(tc, what_is_wrong_with_an_option_is_told);
	tcase_add_test(tc, a_value_that_is_not_taken_is_not_repeated);
	tcase_add_test(tc, the_number_of_arguments_is_checked);
	tcase_add_test(tc, a_list_has_an_end);
	return tc;
}

int
main(void)
{
	Suite *s = suite_create("options");
	SRunner *sr;
	int failed;

	suite_add_tcase(s, options());
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
