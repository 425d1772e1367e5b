#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source_json.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define VALUE "hunter2xyz"

static const char good[] =
    "{\"fields\":{\"AccountKey\":\"" VALUE "\",\"User\":\"a\\u00e4\"},"
    "\"slot\":2,\"serial\":9223372036854775807,\"expires\":1790000000,"
    "\"probe\":true,\"rotate\":false}";

static enum cofre_status
parse(enum source_operation operation, const char *text,
    struct source_answer *a, struct problem *p)
{
	p->text[0] = '\0';
	return source_answer_parse(operation, view_of(text), a, p);
}

START_TEST(a_good_answer_is_taken_apart)
{
	struct source_answer a;
	struct problem p;

	ck_assert_int_eq(parse(SOURCE_PULL, good, &a, &p), COFRE_OK);
	ck_assert_uint_eq(a.field_count, 2);
	ck_assert(view_is(a.fields[0].name, "AccountKey"));
	ck_assert(view_is(a.fields[0].value, VALUE));
	ck_assert(view_is(a.fields[1].name, "User"));
	ck_assert(view_is(a.fields[1].value, "a\xc3\xa4"));
	ck_assert_uint_eq(a.slot, 2);
	ck_assert(a.has_serial && a.serial == INT64_MAX);
	ck_assert_uint_eq(a.expires, 1790000000);
	ck_assert(a.probe && !a.rotate && !a.failed);
	source_answer_free(&a);
	source_answer_free(&a);
	ck_assert_int_eq(parse(SOURCE_REGENERATE,
			     " {\"fields\": {\"k\": \"v\"}}\n\n", &a, &p),
	    COFRE_OK);
	ck_assert(!a.has_serial && a.slot == 0 && a.expires == 0);
	source_answer_free(&a);
}
END_TEST

START_TEST(a_probe_is_answered_otherwise)
{
	struct source_answer a;
	struct problem p;

	ck_assert_int_eq(parse(SOURCE_PROBE, "{\"ok\":true}", &a, &p),
	    COFRE_OK);
	ck_assert(a.ok);
	source_answer_free(&a);
	ck_assert_int_eq(parse(SOURCE_PROBE,
			     "{\"ok\":false,\"reason\":\"old\"}", &a, &p),
	    COFRE_OK);
	ck_assert(!a.ok && view_is(a.reason, "old"));
	source_answer_free(&a);
	ck_assert_int_eq(parse(SOURCE_PROBE, good, &a, &p), COFRE_FORMAT);
	ck_assert_int_eq(parse(SOURCE_PROBE, "{}", &a, &p), COFRE_FORMAT);
	ck_assert_str_eq(p.text, "its answer does not say whether it is ok");
	ck_assert_int_eq(parse(SOURCE_PULL, "{\"error\":\"away\"}", &a, &p),
	    COFRE_OK);
	ck_assert(a.failed && view_is(a.error, "away"));
	source_answer_free(&a);
}
END_TEST

/* Nothing that was cut off is taken for an answer, nor tells the value. */
START_TEST(an_answer_that_is_cut_anywhere_is_refused)
{
	struct source_answer a = { .slot = 77 };

	for (size_t n = 0; n < sizeof(good) - 1; n++) {
		uint8_t *text = malloc(n + 1);
		struct problem p = { "" };

		ck_assert_ptr_nonnull(text);
		memcpy(text, good, n);
		ck_assert_int_eq(source_answer_parse(SOURCE_PULL,
				     (struct view){ text, n }, &a, &p),
		    COFRE_FORMAT);
		ck_assert_str_ne(p.text, "");
		ck_assert_ptr_null(strstr(p.text, "hunter"));
		free(text);
	}
	ck_assert_uint_eq(a.slot, 77);
}
END_TEST

#define F "\"fields\":{\"k\":\"" VALUE "\"}"

static const struct {
	const char *text;
	const char *why;
} bad[] = {
	{ "", "is empty" },
	{ "  \n", "ends too early" },
	{ "[]", "is no JSON object" },
	{ "\"" VALUE "\"", "it is no JSON" },
	{ "{}", "has no fields" },
	{ "{\"slot\":1}", "has no fields" },
	{ "{\"fields\":{}}", "has no fields" },
	{ "{\"fields\":[\"" VALUE "\"]}", "fields is no object" },
	{ "{" F "} x", "something follows" },
	{ "{" F "}{}", "something follows" },
	{ "{" F "," F "}", "a name is there twice" },
	{ "{\"fields\":{\"k\":\"" VALUE "\",\"k\":\"x\"}}",
	    "a name is there twice" },
	{ "{\"fields\":{\"Key\":\"" VALUE "\",\"kEY\":\"x\"}}",
	    "field 2 has the name of another one" },
	{ "{" F ",\"" VALUE "\":1}", "has a member that an answer to pull" },
	{ "{" F ",\"ok\":true}", "has a member that an answer to pull" },
	{ "{" F ",\"error\":\"x\"}", "an error, and something else" },
	{ "{\"error\":1}", "error is no string" },
	{ "{\"fields\":{\"k\":1}}", "field 1 is no string" },
	{ "{\"fields\":{\"k\":null}}", "field 1 is no string" },
	{ "{\"fields\":{\"k\":\"\"}}", "field 1 is empty" },
	{ "{\"fields\":{\"" VALUE "/\":\"v\"}}",
	    "the name of field 1 is not valid" },
	{ "{\"fields\":{\"\":\"v\"}}", "the name of field 1 is not valid" },
	{ "{" F ",\"slot\":3}", "slot is out of range" },
	{ "{" F ",\"slot\":-1}", "slot is out of range" },
	{ "{" F ",\"slot\":1.0}", "slot is no whole number" },
	{ "{" F ",\"slot\":\"1\"}", "slot is no whole number" },
	{ "{" F ",\"serial\":-1}", "serial is out of range" },
	{ "{" F ",\"serial\":9223372036854775808}", "a number is too large" },
	{ "{" F ",\"expires\":253402300800}", "expires is out of range" },
	{ "{" F ",\"probe\":1}", "probe is neither true nor false" },
	{ "{" F ",\"rotate\":null}", "rotate is neither true nor false" },
	{ "{\"fields\":{\"k\":\"" VALUE "\\u0000\"}}", "it has a NUL" },
	{ "{\"fields\":{\"k\\u0000\":\"" VALUE "\"}}", "it has a NUL" },
	{ "{\"fields\":{\"k\":\"" VALUE "\xff\"}}", "it is no UTF-8" },
	{ "{\"fields\":{\"k\":\"" VALUE "\xc0\x80\"}}", "it is no UTF-8" },
	{ "{\"fields\":{\"k\":\"" VALUE "\n\"}}", "it is no JSON" },
	{ "{\"fields\":{\"k\":" VALUE "}}", "it is no JSON" },
};

START_TEST(a_bad_answer_says_why_without_the_value)
{
	struct source_answer a = { .slot = 77 };
	struct problem p;

	ck_assert_int_eq(parse(SOURCE_PULL, bad[_i].text, &a, &p),
	    COFRE_FORMAT);
	ck_assert_msg(strstr(p.text, bad[_i].why) != NULL, "%s", p.text);
	ck_assert_ptr_null(strstr(p.text, VALUE));
	ck_assert_uint_eq(a.slot, 77);
}
END_TEST

START_TEST(a_raw_nul_is_refused)
{
	static const uint8_t text[] = "{" F "}\0";
	struct source_answer a;
	struct problem p;

	ck_assert_int_eq(source_answer_parse(SOURCE_PULL,
			     (struct view){ text, sizeof(text) - 1 }, &a, &p),
	    COFRE_FORMAT);
}
END_TEST

/* count fields, each with len bytes. */
static enum cofre_status
parse_fields(unsigned count, size_t len)
{
	static char text[SOURCE_ANSWER_MAX + 2];
	struct source_answer a;
	struct problem p;
	size_t n = (size_t)sprintf(text, "{\"fields\":{");
	enum cofre_status s;

	for (unsigned i = 0; i < count; i++) {
		n += (size_t)sprintf(text + n, "%s\"f%03u\":\"",
		    i > 0 ? "," : "", i);
		memset(text + n, 'v', len);
		n += len;
		text[n++] = '"';
	}
	(void)sprintf(text + n, "}}");
	s = parse(SOURCE_PULL, text, &a, &p);
	if (s == COFRE_OK) {
		ck_assert_uint_le(count, COFRE_FIELDS_MAX);
		ck_assert_uint_eq(a.field_count, count);
		ck_assert_uint_eq(a.fields[count - 1].value.len, len);
		source_answer_free(&a);
	}
	return s;
}

START_TEST(limits_are_the_vaults)
{
	char *text = malloc(SOURCE_ANSWER_MAX + 2);
	struct source_answer a;
	struct problem p;

	ck_assert_int_eq(parse_fields(COFRE_FIELDS_MAX, 8), COFRE_OK);
	ck_assert_int_eq(parse_fields(COFRE_FIELDS_MAX + 1, 8),
	    COFRE_TOO_LARGE);
	ck_assert_int_eq(parse_fields(1, COFRE_VALUE_MAX), COFRE_OK);
	ck_assert_int_eq(parse_fields(1, COFRE_VALUE_MAX + 1),
	    COFRE_TOO_LARGE);
	ck_assert_int_eq(parse_fields(2, COFRE_SECRET_MAX / 2 - 4), COFRE_OK);
	ck_assert_int_eq(parse_fields(2, COFRE_SECRET_MAX / 2 - 3),
	    COFRE_TOO_LARGE);
	ck_assert_ptr_nonnull(text);
	memset(text, ' ', SOURCE_ANSWER_MAX + 1);
	memcpy(text, "{" F "}", strlen("{" F "}"));
	text[SOURCE_ANSWER_MAX] = '\0';
	ck_assert_int_eq(parse(SOURCE_PULL, text, &a, &p), COFRE_OK);
	source_answer_free(&a);
	text[SOURCE_ANSWER_MAX] = ' ';
	text[SOURCE_ANSWER_MAX + 1] = '\0';
	ck_assert_int_eq(parse(SOURCE_PULL, text, &a, &p), COFRE_TOO_LARGE);
	free(text);
}
END_TEST

START_TEST(a_request_is_one_object)
{
	const struct source_pair arguments[] = {
		{ view_of("server"), view_of("r.example/\"x\"") } };
	const struct source_pair fields[] = {
		{ view_of("AccountKey"), view_of("a\nb") } };
	const struct source_request q = { SOURCE_PROBE, view_of("w"),
		view_of("n"), view_of("storage"), arguments, 1, 2, fields,
		1 };
	struct source_bytes b;
	struct problem p;

	ck_assert_int_eq(source_request_make(&q, &b, &p), COFRE_OK);
	ck_assert(view_is((struct view){ b.data, b.len },
	    "{\"version\":1,\"operation\":\"probe\",\"workspace\":\"w\","
	    "\"name\":\"n\",\"kind\":\"storage\",\"slot\":2,"
	    "\"arguments\":{\"server\":\"r.example/\\\"x\\\"\"},"
	    "\"fields\":{\"AccountKey\":\"a\\nb\"}}\n"));
	source_bytes_free(&b);
	source_bytes_free(&b);
}
END_TEST

START_TEST(a_value_that_is_no_text_is_named_not_shown)
{
	const struct source_pair fields[] = {
		{ view_of("AccountKey"), view_of(VALUE "\xff") } };
	const struct source_request q = { .operation = SOURCE_PROBE,
		.fields = fields, .field_count = 1 };
	struct source_bytes b;
	struct problem p;

	ck_assert_int_eq(source_request_make(&q, &b, &p), COFRE_INVALID);
	ck_assert_ptr_nonnull(strstr(p.text, "field AccountKey is no UTF-8"));
	ck_assert_ptr_null(strstr(p.text, VALUE));
}
END_TEST

/* An allocator that counts. */
static size_t taken, given;

static void *
watched_take(size_t n)
{
	taken++;
	return malloc(n);
}

static void
watched_give(void *p)
{
	given += p != NULL;
	free(p);
}

START_TEST(the_allocator_is_given_back)
{
	struct source_allocator before = { watched_take, watched_give };
	struct source_answer a;
	json_malloc_t take;
	json_free_t give;
	struct problem p;

	json_set_alloc_funcs(watched_take, watched_give);
	ck_assert_int_eq(parse(SOURCE_PULL, good, &a, &p), COFRE_OK);
	source_answer_free(&a);
	ck_assert_int_eq(parse(SOURCE_PULL, "{", &a, &p), COFRE_FORMAT);
	ck_assert_uint_eq(taken + given, 0);
	json_get_alloc_funcs(&take, &give);
	ck_assert(take == watched_take && give == watched_give);
	/* Ours is another one. */
	source_allocator_set(&before);
	json_get_alloc_funcs(&take, &give);
	ck_assert(take != watched_take && give != watched_give);
	source_allocator_reset(&before);
}
END_TEST

static Suite *
json_suite(void)
{
	Suite *s = suite_create("source_json");
	TCase *t = tcase_create("source_json");

	tcase_add_test(t, a_good_answer_is_taken_apart);
	tcase_add_test(t, a_probe_is_answered_otherwise);
	tcase_add_test(t, an_answer_that_is_cut_anywhere_is_refused);
	tcase_add_loop_test(t, a_bad_answer_says_why_without_the_value, 0,
	    (int)COUNT(bad));
	tcase_add_test(t, a_raw_nul_is_refused);
	tcase_add_test(t, limits_are_the_vaults);
	tcase_add_test(t, a_request_is_one_object);
	tcase_add_test(t, a_value_that_is_no_text_is_named_not_shown);
	tcase_add_test(t, the_allocator_is_given_back);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(json_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
