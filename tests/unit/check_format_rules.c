/*
 * Tests of client/format*.c: what holds for every format, tried on many
 * texts made from a few.
 */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cofre.h"
#include "format.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What no error may show a piece of. */
#define SECRET "hunter2xyz"
#define KEY "kGtQvWzXb7Yj" "kGtQvWzXb7Yj" "kGtQvWzXb7Yj" "kGtQvWzXb7Yj" \
	    "kGtQvWzXb7Yj" "kGtQvWzXb7Yj" "kGtQvWzXb7Yj" "AA=="
#define SIG "q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k%3D"

static const struct seed {
	enum cofre_format format;
	enum cofre_kind kind;
	enum cofre_datastore datastore;
	const char *text;
	const char *secret;
	const char *joint; /* between pairs */
} seeds[] = {
	{ COFRE_FORMAT_CONNECTION_STRING, COFRE_KIND_STORAGE,
	    COFRE_DATASTORE_NONE,
	    "DefaultEndpointsProtocol=https;AccountName=abc;AccountKey=" KEY
	    ";BlobEndpoint=https://abc.example/", KEY, ";" },
	{ COFRE_FORMAT_SAS, COFRE_KIND_STORAGE, COFRE_DATASTORE_NONE,
	    "?sv=2019-02-02&sp=rl&se=2030-01-01T00%3A00%3A00Z&sig=" SIG, SIG,
	    "&" },
	{ COFRE_FORMAT_CONNECTION_STRING, COFRE_KIND_DATASTORE,
	    COFRE_DATASTORE_AZURE_FILE,
	    "AccountName=abc;SharedAccessSignature=sv=1&si=p&sig=" SIG, SIG,
	    ";" },
	{ COFRE_FORMAT_ADO, COFRE_KIND_DATASTORE, COFRE_DATASTORE_AZURE_SQL,
	    "Server=tcp:h,1433;Database=d;User ID=u;Password='" SECRET
	    "';Encrypt=True;", SECRET, ";" },
	{ COFRE_FORMAT_LIBPQ, COFRE_KIND_DATASTORE,
	    COFRE_DATASTORE_AZURE_POSTGRES,
	    "host=h,i port=1,2 user=u password='" SECRET "' dbname=d",
	    SECRET, " " },
	{ COFRE_FORMAT_POSTGRES_URI, COFRE_KIND_DATASTORE,
	    COFRE_DATASTORE_AZURE_POSTGRES,
	    "postgresql://u%40h:" SECRET "@[::1]:5432,h/d?sslmode=require",
	    SECRET, "&" },
	{ COFRE_FORMAT_MYSQL_URI, COFRE_KIND_DATASTORE,
	    COFRE_DATASTORE_AZURE_MYSQL,
	    "mysql://u:" SECRET "@h:3306/d?tls-versions=[a,b]&ssl-mode=x",
	    SECRET, "&" },
};

static enum cofre_status
parse(const struct seed *seed, const char *text, size_t len,
    cofre_secret **ret, char error[COFRE_ERROR_MAX])
{
	*ret = NULL;
	return cofre_parse(seed->format, seed->kind, seed->datastore, text,
	    len, ret, error);
}

static bool
same(const cofre_secret *a, const cofre_secret *b)
{
	if (cofre_secret_count(a) != cofre_secret_count(b))
		return false;
	for (size_t i = 0; i < cofre_secret_count(a); i++) {
		const char *name = cofre_secret_field_name(a, i);
		size_t n = 0;
		size_t m = 0;
		const char *x = cofre_secret_field(a, name, &n);
		const char *y = cofre_secret_field(b, name, &m);

		if (y == NULL || n != m || memcmp(x, y, n) != 0)
			return false;
	}
	return true;
}

/* No four bytes of the secret in a row. */
static void
check_silent(const char *error, const char *secret)
{
	char piece[5] = "";

	for (size_t i = 0; i + 4 <= strlen(secret); i++) {
		memcpy(piece, secret + i, 4);
		ck_assert_msg(strstr(error, piece) == NULL, "it tells: %s",
		    error);
	}
}

/* Either refused without a word of the secret, or it comes back. */
static void
check_text(const struct seed *seed, const char *text, size_t len)
{
	char error[COFRE_ERROR_MAX] = "";
	cofre_secret *s;
	cofre_secret *again;
	char *out = NULL;
	size_t n = 0;

	if (parse(seed, text, len, &s, error) != COFRE_OK) {
		ck_assert_ptr_null(s);
		ck_assert_str_ne(error, "");
		check_silent(error, seed->secret);
		return;
	}
	ck_assert_str_eq(error, "");
	ck_assert_msg(cofre_render(seed->format, s, &out, &n, error) ==
	    COFRE_OK, "%.*s: %s", (int)len, text, error);
	ck_assert_int_eq(parse(seed, out, n, &again, error), COFRE_OK);
	ck_assert_msg(same(s, again), "%.*s became %s", (int)len, text, out);
	cofre_text_free(out);
	cofre_secret_free(again);
	cofre_secret_free(s);
}

/* The characters that mean something somewhere, and some that do not. */
static const char marks[] = ";=&?'\"\\ %@:/#,[]+\t\x01\x7f\xc3\xffZ0";

START_TEST(a_changed_byte_is_refused_or_comes_back)
{
	const struct seed *seed = &seeds[_i];
	size_t len = strlen(seed->text);
	char text[512];

	for (size_t at = 0; at < len; at++)
		for (size_t m = 0; m < sizeof(marks); m++) {
			memcpy(text, seed->text, len);
			text[at] = marks[m];
			check_text(seed, text, len);
		}
}
END_TEST

START_TEST(an_added_byte_is_refused_or_comes_back)
{
	const struct seed *seed = &seeds[_i];
	size_t len = strlen(seed->text);
	char text[512];

	for (size_t at = 0; at <= len; at++)
		for (size_t m = 0; m < sizeof(marks); m++) {
			memcpy(text, seed->text, at);
			text[at] = marks[m];
			memcpy(text + at + 1, seed->text + at, len - at);
			check_text(seed, text, len + 1);
		}
}
END_TEST

START_TEST(a_missing_byte_or_end_is_refused_or_comes_back)
{
	const struct seed *seed = &seeds[_i];
	size_t len = strlen(seed->text);
	char text[512];

	for (size_t at = 0; at < len; at++) {
		check_text(seed, seed->text, at);
		memcpy(text, seed->text, at);
		memcpy(text + at, seed->text + at + 1, len - at - 1);
		check_text(seed, text, len - 1);
	}
}
END_TEST

START_TEST(no_format_takes_nul_cr_lf_or_bad_utf8)
{
	static const char *const bad[] = { "\r", "\n", "\xff", "\xc3",
		"\xed\xa0\x80", "\xc0\x80" };
	const struct seed *seed = &seeds[_i];
	char error[COFRE_ERROR_MAX];
	cofre_secret *s;
	char text[512];
	int n;

	for (size_t i = 0; i < COUNT(bad); i++) {
		n = snprintf(text, sizeof(text), "%s%s", seed->text, bad[i]);
		ck_assert_int_eq(parse(seed, text, (size_t)n, &s, error),
		    COFRE_FORMAT);
	}
	/* The final NUL of a C string is one too many. */
	ck_assert_int_eq(parse(seed, seed->text, strlen(seed->text) + 1, &s,
			     error), COFRE_FORMAT);
	ck_assert_int_eq(parse(seed, "", 0, &s, error), COFRE_FORMAT);
	ck_assert_int_eq(parse(seed, NULL, 0, &s, error), COFRE_FORMAT);
	ck_assert_int_eq(parse(seed, NULL, 1, &s, error), COFRE_ARGUMENT);
}
END_TEST

START_TEST(a_text_has_at_most_8192_bytes)
{
	const struct seed *seed = &seeds[_i];
	char error[COFRE_ERROR_MAX];
	cofre_secret *s;
	char text[8193];

	memset(text, 'a', sizeof(text));
	memcpy(text, seed->text, strlen(seed->text));
	ck_assert_int_eq(parse(seed, text, sizeof(text), &s, error),
	    COFRE_TOO_LARGE);
	ck_assert_int_ne(parse(seed, text, sizeof(text) - 1, &s, error),
	    COFRE_TOO_LARGE);
	cofre_secret_free(s);
}
END_TEST

/* A hand-made secret of the seed's kind: the seed, but for one field. */
static cofre_secret *
with_field(const struct seed *seed, const char *field, const char *value)
{
	char error[COFRE_ERROR_MAX];
	cofre_secret *model;
	cofre_secret *s = NULL;

	ck_assert_int_eq(parse(seed, seed->text, strlen(seed->text), &model,
			     error), COFRE_OK);
	ck_assert_int_eq(cofre_secret_new(&s, seed->kind, seed->datastore),
	    COFRE_OK);
	for (size_t i = 0; i < cofre_secret_count(model); i++) {
		const char *name = cofre_secret_field_name(model, i);
		size_t len = 0;
		const char *old = cofre_secret_field(model, name, &len);

		if (strcmp(name, field) != 0)
			ck_assert_int_eq(cofre_secret_add(s, name, 1, old,
					     len), COFRE_OK);
	}
	if (value != NULL)
		ck_assert_int_eq(cofre_secret_add(s, field, 1, value,
				     strlen(value)), COFRE_OK);
	cofre_secret_free(model);
	return s;
}

/* Characters of one to four bytes, at each place of a password. */
START_TEST(every_password_survives_every_database_format)
{
	static const char *const odd[] = { "\xc2\x80", "\xc2\xa0", "\xc3\xa9",
		"\xe2\x80\x83", "\xe2\x80\xa8", "\xf0\x9f\x94\x91", "''",
		"\"\"", "\\'", "%41", "a'b\"c", "==", ";;", "{}", "${x}" };
	const struct seed *seed = &seeds[_i];
	char password[32];

	for (unsigned i = 1; i < 0x80 + COUNT(odd); i++) {
		const char one[2] = { (char)i, '\0' };
		const char *c = i < 0x80 ? one : odd[i - 0x80];

		if (i == '\r' || i == '\n')
			continue;
		for (unsigned place = 0; place < 4; place++) {
			char error[COFRE_ERROR_MAX];
			cofre_secret *s;
			cofre_secret *again;
			char *out = NULL;
			size_t n;

			(void)snprintf(password, sizeof(password), "%s%s%s",
			    (place & 1) != 0 ? "p" : "", c,
			    (place & 2) != 0 ? "q" : "");
			s = with_field(seed, "password", password);
			ck_assert_msg(cofre_render(seed->format, s, &out, &n,
					  error) == COFRE_OK, "'%s': %s",
			    password, error);
			ck_assert_int_eq(parse(seed, out, n, &again, error),
			    COFRE_OK);
			ck_assert_str_eq(cofre_secret_field(again,
					     "password", NULL), password);
			cofre_text_free(out);
			cofre_secret_free(again);
			cofre_secret_free(s);
		}
	}
}
END_TEST

/* What would make another text of it, or none. */
static const struct {
	size_t seed;
	const char *field;
	const char *value; /* NULL: the field is missing */
	const char *error;
} unwritable[] = {
	{ 0, "AccountName", "abc;UseDevelopmentStorage=true",
	    "UseDevelopmentStorage: only" },
	{ 0, "AccountName", NULL, "AccountName is missing" },
	{ 0, "AccountKey", NULL, "neither AccountKey" },
	{ 0, "AccountKey", SECRET, "AccountKey: not the base64" },
	{ 0, "BlobEndpoint", "https://h/;AccountKeyName=x",
	    "BlobEndpoint: the value can't be written" },
	{ 0, "AccountName", "abc\n", "line break" },
	{ 1, "SharedAccessSignature", NULL, "SharedAccessSignature: missing" },
	{ 1, "SharedAccessSignature", "x", "a SAS parameter without" },
	{ 1, "se", "2999-01-01", "se: the value can't be written" },
	{ 3, "server", NULL, "server: missing" },
	{ 3, "server", "h;Encrypt=False", "encrypt: neither true nor" },
	{ 3, "server", "tcp:h", "server: only tcp: may stand" },
	{ 3, "port", "1433;Enlist=no", "port: the value can't be" },
	{ 3, "trust_server_certificate", "True", "only False" },
	{ 4, "port", "x", "port: not a port" },
	{ 5, "port", "1,2,3", "port: there must be" },
	{ 6, "scheme", "jdbc", "scheme: neither" },
	{ 6, "server", NULL, "server: missing" },
	{ 6, "user", NULL, "user: missing" },
	{ 6, "user", "", "user: the value is empty" },
	{ 6, "server", "a,b", "server: a host is not valid" },
};

START_TEST(what_would_not_come_back_is_not_given_out)
{
	const struct seed *seed = &seeds[unwritable[_i].seed];
	char error[COFRE_ERROR_MAX] = "";
	char *out = NULL;
	size_t len = 77;
	cofre_secret *s = with_field(seed, unwritable[_i].field,
	    unwritable[_i].value);

	ck_assert_int_eq(cofre_render(seed->format, s, &out, &len, error),
	    COFRE_FORMAT);
	ck_assert_ptr_null(out);
	ck_assert_uint_eq(len, 77);
	ck_assert_msg(strstr(error, unwritable[_i].error) != NULL, "got: %s",
	    error);
	check_silent(error, seed->secret);
	cofre_secret_free(s);
}
END_TEST

START_TEST(too_long_a_text_is_not_given_out)
{
	char error[COFRE_ERROR_MAX] = "";
	char value[4000];
	char *out = NULL;
	cofre_secret *s;

	memset(value, '%', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	s = with_field(&seeds[5], "password", value);
	ck_assert_int_eq(cofre_render(COFRE_FORMAT_POSTGRES_URI, s, &out,
			     NULL, error), COFRE_FORMAT);
	ck_assert_str_eq(error, "the text would be longer than 8192 bytes");
	cofre_secret_free(s);
}
END_TEST

/* A reader's notes are not needed, nor are fields of other purposes. */
START_TEST(other_fields_do_not_disturb)
{
	char error[COFRE_ERROR_MAX] = "";
	char *out = NULL;
	cofre_secret *s = with_field(&seeds[1], "sp", NULL);

	ck_assert_int_eq(cofre_secret_add(s, "containerName", 0, "c", 1),
	    COFRE_OK);
	ck_assert_int_eq(cofre_render(COFRE_FORMAT_SAS, s, &out, NULL, NULL),
	    COFRE_OK);
	ck_assert_str_eq(out, seeds[1].text + 1);
	cofre_text_free(out);
	ck_assert_int_eq(cofre_render(COFRE_FORMAT_ADO, s, &out, NULL, error),
	    COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_render(COFRE_FORMAT_SAS, NULL, &out, NULL,
			     error), COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_render(COFRE_FORMAT_SAS, s, NULL, NULL,
			     error), COFRE_ARGUMENT);
	cofre_secret_free(s);
}
END_TEST

START_TEST(an_option_of_another_format_is_left_out)
{
	cofre_secret *s = with_field(&seeds[6], "ssl_mode", "REQUIRED");
	char *out;

	ck_assert_int_eq(cofre_render(COFRE_FORMAT_MYSQL_URI, s, &out, NULL,
			     NULL), COFRE_OK);
	ck_assert_ptr_null(strstr(out, "REQUIRED"));
	cofre_text_free(out);
	cofre_secret_free(s);
}
END_TEST

START_TEST(formats_have_names_and_kinds_have_formats)
{
	cofre_secret *s = NULL;

	for (size_t i = 0; i < COUNT(seeds); i++)
		ck_assert_int_eq(format_find(format_name(seeds[i].format)),
		    seeds[i].format);
	ck_assert_str_eq(format_name((enum cofre_format)0), "?");
	ck_assert_int_eq(format_find("xml"), 0);
	ck_assert_int_eq(format_default(COFRE_KIND_STORAGE, 0),
	    COFRE_FORMAT_CONNECTION_STRING);
	ck_assert_int_eq(format_default(COFRE_KIND_DATASTORE,
			     COFRE_DATASTORE_AZURE_POSTGRES),
	    COFRE_FORMAT_POSTGRES_URI);
	ck_assert_int_eq(format_default(COFRE_KIND_GENERIC, 0), 0);
	ck_assert_int_eq(format_default(COFRE_KIND_DATASTORE,
			     COFRE_DATASTORE_DBFS), 0);
	ck_assert_int_eq(cofre_parse(COFRE_FORMAT_SAS, COFRE_KIND_GENERIC, 0,
			     "x", 1, &s, NULL), COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_parse((enum cofre_format)7,
			     COFRE_KIND_STORAGE, 0, "x", 1, &s, NULL),
	    COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_parse(COFRE_FORMAT_SAS, COFRE_KIND_STORAGE, 0,
			     "x", 1, NULL, NULL), COFRE_ARGUMENT);
}
END_TEST

static Suite *
rules_suite(void)
{
	Suite *s = suite_create("format rules");
	TCase *t = tcase_create("format rules");
	const int n = (int)COUNT(seeds);

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, a_changed_byte_is_refused_or_comes_back, 0, n);
	tcase_add_loop_test(t, an_added_byte_is_refused_or_comes_back, 0, n);
	tcase_add_loop_test(t,
	    a_missing_byte_or_end_is_refused_or_comes_back, 0, n);
	tcase_add_loop_test(t, no_format_takes_nul_cr_lf_or_bad_utf8, 0, n);
	tcase_add_loop_test(t, a_text_has_at_most_8192_bytes, 0, n);
	tcase_add_loop_test(t, every_password_survives_every_database_format,
	    3, n);
	tcase_add_loop_test(t, what_would_not_come_back_is_not_given_out, 0,
	    (int)COUNT(unwritable));
	tcase_add_test(t, too_long_a_text_is_not_given_out);
	tcase_add_test(t, other_fields_do_not_disturb);
	tcase_add_test(t, an_option_of_another_format_is_left_out);
	tcase_add_test(t, formats_have_names_and_kinds_have_formats);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(rules_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
