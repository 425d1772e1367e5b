#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reveal.h"

#define VIEW(s) ((struct view){ (const uint8_t *)(s), sizeof(s) - 1 })

static cofre_secret *
make_secret(enum cofre_kind kind, enum cofre_datastore type)
{
	cofre_secret *s;

	ck_assert_int_eq(cofre_secret_new(&s, kind, type), COFRE_OK);
	return s;
}

static void
add(cofre_secret *s, const char *name, int is_secret, struct view v)
{
	ck_assert_int_eq(cofre_secret_add(s, name, is_secret, v.data, v.len),
	    COFRE_OK);
}

static void
reveal_is(const cofre_secret *s, const char *want)
{
	struct secmem m;
	struct view text;

	ck_assert_int_eq(reveal_json(s, "ml-prod/store", &m, &text), COFRE_OK);
	ck_assert_uint_eq(text.len, strlen(want));
	ck_assert_mem_eq(text.data, want, text.len);
	secmem_free(&m);
}

START_TEST(a_secret_is_an_object_with_its_fields)
{
	cofre_secret *s = make_secret(COFRE_KIND_STORAGE, 0);

	add(s, "AccountName", 0, VIEW("acc"));
	add(s, "AccountKey", 1, VIEW("a\"b\\c\n\x7f\xc3\xbc\xf0\x9f\x98\x80"));
	add(s, "bin", 1, VIEW("a\0b"));
	add(s, "bytes", 1, VIEW("\xff\xfe"));
	add(s, "none", 0, VIEW(""));
	reveal_is(s, "{\"name\": \"ml-prod/store\", \"kind\": \"storage\", "
	    "\"type\": null, \"version\": 0, \"created\": null, "
	    "\"expires\": null, \"fields\": {"
	    "\"AccountName\": {\"secret\": false, \"value\": \"acc\"}, "
	    "\"AccountKey\": {\"secret\": true, \"value\": "
	    "\"a\\\"b\\\\c\\u000A\\u007F\\u00FC\\uD83D\\uDE00\"}, "
	    "\"bin\": {\"secret\": true, \"encoding\": \"base64\", "
	    "\"value\": \"YQBi\"}, "
	    "\"bytes\": {\"secret\": true, \"encoding\": \"base64\", "
	    "\"value\": \"//4=\"}, "
	    "\"none\": {\"secret\": false, \"value\": \"\"}}}\n");
	cofre_secret_free(s);
}
END_TEST

START_TEST(a_datastore_has_its_type)
{
	cofre_secret *s = make_secret(COFRE_KIND_DATASTORE,
	    COFRE_DATASTORE_DBFS);

	reveal_is(s, "{\"name\": \"ml-prod/store\", \"kind\": \"datastore\", "
	    "\"type\": \"dbfs\", \"version\": 0, \"created\": null, "
	    "\"expires\": null, \"fields\": {}}\n");
	cofre_secret_free(s);
}
END_TEST

START_TEST(the_largest_secret_fits_and_another_library_reads_it_back)
{
	static uint8_t value[COFRE_VALUE_MAX];
	cofre_secret *s = make_secret(COFRE_KIND_GENERIC, 0);
	struct secmem m;
	struct view text;
	json_error_t error;
	json_t *all, *got;

	/* Six bytes of JSON for each: the most that one byte can become. */
	memset(value, 0x01, sizeof(value));
	add(s, "value", 1, (struct view){ value, sizeof(value) });
	ck_assert_int_eq(reveal_json(s, "a/b", &m, &text), COFRE_OK);
	all = json_loadb((const char *)text.data, text.len, 0, &error);
	ck_assert_msg(all != NULL, "%s", error.text);
	got = json_object_get(json_object_get(json_object_get(all, "fields"),
	    "value"), "value");
	ck_assert_uint_eq(json_string_length(got), sizeof(value));
	ck_assert_mem_eq(json_string_value(got), value, sizeof(value));
	json_decref(all);
	secmem_free(&m);
	cofre_secret_free(s);
}
END_TEST

START_TEST(a_secret_is_written_byte_for_byte)
{
	int fds[2];
	char got[8];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert(reveal_write(fds[1], VIEW("a\0\n\xff")));
	ck_assert_int_eq(read(fds[0], got, sizeof(got)), 4);
	ck_assert_mem_eq(got, "a\0\n\xff", 4);
	(void)close(fds[1]);
	ck_assert(!reveal_write(fds[1], VIEW("x")));
	(void)close(fds[0]);
}
END_TEST

START_TEST(only_a_file_that_others_can_read_is_exposed)
{
	FILE *f = tmpfile();
	int fds[2];

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fchmod(fileno(f), 0600), 0);
	ck_assert(!reveal_is_exposed(fileno(f)));
	ck_assert_int_eq(fchmod(fileno(f), 0640), 0);
	ck_assert(!reveal_is_exposed(fileno(f)));
	ck_assert_int_eq(fchmod(fileno(f), 0644), 0);
	ck_assert(reveal_is_exposed(fileno(f)));
	(void)fclose(f);
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert(!reveal_is_exposed(fds[1]));
	(void)close(fds[0]);
	(void)close(fds[1]);
	ck_assert(!reveal_is_exposed(-1));
}
END_TEST

static TCase *
secrets(void)
{
	TCase *tc = tcase_create("secrets");

	tcase_add_test(tc, a_secret_is_an_object_with_its_fields);
	tcase_add_test(tc, a_datastore_has_its_type);
	tcase_add_test(tc,
	    the_largest_secret_fits_and_another_library_reads_it_back);
	tcase_add_test(tc, a_secret_is_written_byte_for_byte);
	tcase_add_test(tc, only_a_file_that_others_can_read_is_exposed);
	return tc;
}

int
main(void)
{
	Suite *s = suite_create("reveal");
	SRunner *sr;
	int failed;

	suite_add_tcase(s, secrets());
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
