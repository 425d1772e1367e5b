/*
 * Tests of client/runspec.c, and of hex.c below it: what the command line
 * says of a run.
 */
#include <check.h>
#include <string.h>

#include "hex.h"
#include "runspec.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define EIGHT "0123456789abcdef0123456789abcdef"

static const struct {
	const char *text;
	uint32_t seconds; /* 0: refused */
} lifetimes[] = {
	{ "1s", 1 }, { "90s", 90 }, { "15m", 900 }, { "1h", 3600 },
	{ "24h", 86400 }, { "1440m", 86400 }, { "86400s", 86400 },
	{ "86401s", 0 }, { "1441m", 0 }, { "25h", 0 }, { "0s", 0 },
	{ "0h", 0 }, { "", 0 }, { "h", 0 }, { "1", 0 }, { "90", 0 },
	{ "1d", 0 }, { "1H", 0 }, { "-1s", 0 }, { "+1s", 0 }, { "01s", 0 },
	{ "1.5h", 0 }, { "1 h", 0 }, { " 1h", 0 }, { "1h ", 0 },
	{ "1h30m", 0 }, { "4294967297s", 0 }, { "71582789m", 0 },
	{ "000000000000000000001s", 0 },
};

START_TEST(a_lifetime_is_a_number_with_a_unit)
{
	uint32_t seconds = 7;
	struct problem p;
	enum cofre_status s = runspec_lifetime(lifetimes[_i].text, &seconds,
	    &p);

	if (lifetimes[_i].seconds != 0) {
		ck_assert_int_eq(s, COFRE_OK);
		ck_assert_uint_eq(seconds, lifetimes[_i].seconds);
		return;
	}
	ck_assert_int_eq(s, COFRE_ARGUMENT);
	ck_assert_uint_eq(seconds, 7);
	ck_assert_ptr_nonnull(strstr(p.text, "24h is the longest"));
}
END_TEST

START_TEST(a_snapshot_is_sha256_and_64_digits)
{
	static const char *const bad[] = { "", "sha256:", "sha256:" EIGHT,
		"sha256:" EIGHT EIGHT "0", EIGHT EIGHT,
		"SHA256:" EIGHT EIGHT, "sha512:" EIGHT EIGHT,
		"sha256:" EIGHT "0123456789ABCDEF0123456789ABCDEF",
		"sha256:" EIGHT "0123456789abcdef0123456789abcdeg" };
	uint8_t digest[SHA256_LEN] = { 0 };
	struct problem p;

	ck_assert_int_eq(runspec_snapshot("sha256:" EIGHT EIGHT, digest, &p),
	    COFRE_OK);
	ck_assert_uint_eq(digest[0], 0x01);
	ck_assert_uint_eq(digest[31], 0xef);
	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_int_eq(runspec_snapshot(bad[i], digest, &p),
		    COFRE_ARGUMENT);
}
END_TEST

START_TEST(an_id_is_8_to_32_digits)
{
	static const char *const good[] = { "01234567", "deadbeef0", EIGHT };
	static const char *const bad[] = { "", "0123456", EIGHT "0",
		"0123456g", "DEADBEEF", "01234567 ", "01234567\n",
		"0x123456" };
	struct problem p;

	for (size_t i = 0; i < COUNT(good); i++)
		ck_assert_int_eq(runspec_id(good[i], &p), COFRE_OK);
	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_int_eq(runspec_id(bad[i], &p), COFRE_ARGUMENT);
}
END_TEST

START_TEST(hex_goes_there_and_back)
{
	const uint8_t bytes[] = { 0x00, 0x7f, 0x80, 0xff, 0x1a };
	uint8_t back[5] = { 0 };
	char text[11];

	ck_assert_str_eq(hex_encode(text, (struct view){ bytes, 5 }),
	    "007f80ff1a");
	ck_assert(hex_decode(view_of(text), back, 5));
	ck_assert_mem_eq(back, bytes, 5);
	ck_assert(!hex_decode(view_of(text), back, 4));
	ck_assert(!hex_decode(view_of("007F80ff1a"), back, 5));
	ck_assert(!hex_decode(view_of("007f80ff1"), back, 5));
	ck_assert(!hex_is_digits(view_of("")));
}
END_TEST

static const struct {
	const char *text;
	const char *name; /* NULL: refused */
	enum runspec_content content;
	const char *part;
	const char *label;
} secrets[] = {
	{ "store", "store", RUNSPEC_ONLY, "", "store" },
	{ "store=key", "store", RUNSPEC_ONLY, "", "key" },
	{ "sql:password", "sql", RUNSPEC_FIELD, "password", "sql" },
	{ "sql:password=pw", "sql", RUNSPEC_FIELD, "password", "pw" },
	{ "sql:pgpass", "sql", RUNSPEC_PGPASS, "pgpass", "sql" },
	{ "sql:json=all", "sql", RUNSPEC_JSON, "json", "all" },
	{ "s:sas", "s", RUNSPEC_FORMAT, "sas", "s" },
	{ "s:ado", "s", RUNSPEC_FORMAT, "ado", "s" },
	{ "s:libpq", "s", RUNSPEC_FORMAT, "libpq", "s" },
	{ "s:mysql-uri", "s", RUNSPEC_FORMAT, "mysql-uri", "s" },
	{ "s:postgres-uri", "s", RUNSPEC_FORMAT, "postgres-uri", "s" },
	{ "s:connection-string=c.1", "s", RUNSPEC_FORMAT,
	    "connection-string", "c.1" },
	{ "s:JSON", "s", RUNSPEC_FIELD, "JSON", "s" },
	{ "", NULL, 0, "", "" }, { ":f", NULL, 0, "", "" },
	{ "=l", NULL, 0, "", "" }, { "s:", NULL, 0, "", "" },
	{ "s=", NULL, 0, "", "" }, { "s:=l", NULL, 0, "", "" },
	{ "s:f=", NULL, 0, "", "" }, { "s:f:g", NULL, 0, "", "" },
	{ "s=a=b", NULL, 0, "", "" }, { "s=a:b", NULL, 0, "", "" },
	{ "s=a}b", NULL, 0, "", "" }, { "w/s", NULL, 0, "", "" },
	{ "s:1f", NULL, 0, "", "" }, { "s =l", NULL, 0, "", "" },
};

START_TEST(a_secret_has_a_part_and_a_label)
{
	struct runspec_secret s = { .name = "old" };
	struct problem p;

	if (secrets[_i].name == NULL) {
		ck_assert_int_eq(runspec_secret(secrets[_i].text, &s, &p),
		    COFRE_ARGUMENT);
		ck_assert_str_eq(s.name, "old");
		return;
	}
	ck_assert_int_eq(runspec_secret(secrets[_i].text, &s, &p), COFRE_OK);
	ck_assert_str_eq(s.name, secrets[_i].name);
	ck_assert_int_eq(s.content, secrets[_i].content);
	ck_assert_str_eq(s.part, secrets[_i].part);
	ck_assert_str_eq(s.label, secrets[_i].label);
}
END_TEST

/* Who writes --secret NAME=VALUE is not shown the value once more. */
START_TEST(an_error_shows_no_more_than_the_name)
{
	struct runspec_secret s;
	struct problem p;

	ck_assert_int_eq(runspec_secret("store=hunter2 xyz", &s, &p),
	    COFRE_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(p.text, "--secret store:"));
	ck_assert_ptr_null(strstr(p.text, "hunter2"));
	ck_assert_int_eq(runspec_secret("hunter2 xyz", &s, &p),
	    COFRE_ARGUMENT);
	ck_assert_ptr_null(strstr(p.text, "hunter2"));
}
END_TEST

START_TEST(names_have_their_limits)
{
	char text[2 * COFRE_SECRET_NAME_MAX + 3];
	struct runspec_secret s;
	struct problem p;

	memset(text, 'n', sizeof(text));
	text[COFRE_SECRET_NAME_MAX] = '\0';
	ck_assert_int_eq(runspec_secret(text, &s, &p), COFRE_OK);
	ck_assert_uint_eq(strlen(s.name), COFRE_SECRET_NAME_MAX);
	text[COFRE_SECRET_NAME_MAX] = '=';
	text[2 * COFRE_SECRET_NAME_MAX + 1] = '\0';
	ck_assert_int_eq(runspec_secret(text, &s, &p), COFRE_OK);
	ck_assert_uint_eq(strlen(s.label), COFRE_SECRET_NAME_MAX);
	text[2 * COFRE_SECRET_NAME_MAX + 1] = 'n';
	text[2 * COFRE_SECRET_NAME_MAX + 2] = '\0';
	ck_assert_int_eq(runspec_secret(text, &s, &p), COFRE_ARGUMENT);
	text[COFRE_SECRET_NAME_MAX] = 'n';
	ck_assert_int_eq(runspec_secret(text, &s, &p), COFRE_ARGUMENT);
}
END_TEST

static Suite *
runspec_suite(void)
{
	Suite *s = suite_create("runspec");
	TCase *t = tcase_create("runspec");

	tcase_add_loop_test(t, a_lifetime_is_a_number_with_a_unit, 0,
	    (int)COUNT(lifetimes));
	tcase_add_test(t, a_snapshot_is_sha256_and_64_digits);
	tcase_add_test(t, an_id_is_8_to_32_digits);
	tcase_add_test(t, hex_goes_there_and_back);
	tcase_add_loop_test(t, a_secret_has_a_part_and_a_label, 0,
	    (int)COUNT(secrets));
	tcase_add_test(t, an_error_shows_no_more_than_the_name);
	tcase_add_test(t, names_have_their_limits);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(runspec_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
