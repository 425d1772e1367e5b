/* Tests of client/build.c and sdkauth.c: what is no secret of its kind is
   named, and nothing is stored of it. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "build.h"
#include "sdkauth.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define UUID "01234567-89ab-cdef-0123-456789ABCDEF"
#define PRINCIPAL "{\"tenantId\": \"" UUID "\", \"clientId\": \"" UUID      \
		  "\", \"clientSecret\": \"hunter2\"}"
#define OF(type) .kind = COFRE_KIND_DATASTORE, .datastore = (type)

static char long_text[COFRE_VALUE_MAX + 2];

static const struct {
	struct build build;
	const char *input;
	const char *why; /* NULL: it is stored */
} rows[] = {
	{ { OF(COFRE_DATASTORE_AZURE_DATA_LAKE_GEN1), .format = "sdk-auth" },
	    PRINCIPAL, NULL },
	{ { OF(COFRE_DATASTORE_AZURE_DATA_LAKE_GEN2), .format = "sdk-auth" },
	    PRINCIPAL, NULL },
	{ { OF(COFRE_DATASTORE_AZURE_SQL), .format = "sdk-auth" }, PRINCIPAL,
	    NULL },
	{ { OF(COFRE_DATASTORE_AZURE_SQL), .format = "sdk-auth" }, "{}",
	    "tenantId is missing" },
	/* The other format that the type has is told with what is wrong. */
	{ { OF(COFRE_DATASTORE_AZURE_SQL) }, PRINCIPAL,
	    "with --format it may be sdk-auth" },
	{ { OF(COFRE_DATASTORE_AZURE_POSTGRES) }, "host=h",
	    "with --format it may be libpq" },
	{ { OF(COFRE_DATASTORE_AZURE_BLOB) }, "x",
	    "with --format it may be sas" },
	{ { .kind = COFRE_KIND_STORAGE }, "x",
	    "with --format it may be sas" },
	{ { OF(COFRE_DATASTORE_AZURE_MYSQL) }, "mysql://u@h/d?x=y",
	    "mysql-uri: pair 1" },
	{ { OF(COFRE_DATASTORE_AZURE_SQL), .format = "ado" }, "x",
	    "ado: pair 1" },
	/* What stands for a descriptor is read from there. */
	{ { OF(COFRE_DATASTORE_AZURE_SQL), .format = "sdk-auth",
	      .file = "/dev/stdin" },
	    PRINCIPAL, NULL },
	{ { OF(COFRE_DATASTORE_AZURE_SQL), .format = "sdk-auth",
	      .file = "/dev/fd/0" },
	    PRINCIPAL, NULL },
	{ { .kind = COFRE_KIND_GENERIC, .file = "/dev/fd/x" }, "",
	    "/dev/fd/x: No such file or directory" },
	{ { .kind = COFRE_KIND_GENERIC, .file = "/dev/null" }, "",
	    "/dev/null is empty: nothing is stored" },
	{ { .kind = COFRE_KIND_GENERIC, .file = "/nowhere/x" }, "",
	    "/nowhere/x: No such file or directory" },
	{ { .kind = COFRE_KIND_GENERIC,
	      .fields = { { "a=/nowhere/x", "b=-" }, 2 } },
	    "y", "/nowhere/x: No such file or directory" },
	{ { .kind = COFRE_KIND_GENERIC, .meta = { { "a=b", "a=c" }, 2 } },
	    "y", "field a is there twice" },
	{ { .kind = COFRE_KIND_REGISTRY, .server = long_text,
	      .username = "u" },
	    "y", "field server: " },
	{ { .kind = COFRE_KIND_REGISTRY, .server = "s", .username = long_text,
	      .meta = { { "a=b" }, 1 } },
	    "y", "field username: " },
};

/* Make standard input a pipe with this text. */
static void
feed(const char *text)
{
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], text, strlen(text)),
	    (int)strlen(text));
	(void)close(fds[1]);
	ck_assert_int_eq(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	(void)close(fds[0]);
}

START_TEST(what_is_wrong_with_a_secret_is_told)
{
	const struct build *b = &rows[_i].build;
	struct problem problem = { "" };
	cofre_secret *secret = NULL;
	enum cofre_status s;

	memset(long_text, 'x', sizeof(long_text) - 1);
	ck_assert_msg(build_check(b, &problem) == COFRE_OK, "%s",
	    problem.text);
	feed(rows[_i].input);
	s = build_secret(b, &secret, &problem);
	if (rows[_i].why == NULL) {
		ck_assert_msg(s == COFRE_OK, "%s", problem.text);
		ck_assert_str_eq(cofre_secret_field(secret, "client_secret",
		    NULL), "hunter2");
	} else {
		ck_assert_int_ne(s, COFRE_OK);
		ck_assert_ptr_null(secret);
		ck_assert_msg(strstr(problem.text, rows[_i].why) != NULL,
		    "%s", problem.text);
	}
	ck_assert_ptr_null(strstr(problem.text, "hunter2"));
	cofre_secret_free(secret);
}
END_TEST

/* A type that has no text is told what it has. */
static const struct {
	struct build build;
	const char *why;
	bool sdk; /* "or --format sdk-auth" */
} textless[] = {
	{ { OF(COFRE_DATASTORE_AZURE_DATA_LAKE_GEN1) }, "has no text", true },
	{ { OF(COFRE_DATASTORE_AZURE_DATA_LAKE_GEN2) }, "has no text", true },
	{ { OF(COFRE_DATASTORE_AZURE_BLOB), .format = "sdk-auth" },
	    "is for the datastore types", false },
	{ { .kind = COFRE_KIND_CERTIFICATE }, "has no text", false },
};

START_TEST(a_type_without_a_text_says_what_it_has)
{
	struct problem problem = { "" };

	ck_assert_int_eq(build_check(&textless[_i].build, &problem),
	    COFRE_ARGUMENT);
	ck_assert_msg(strstr(problem.text, textless[_i].why) != NULL, "%s",
	    problem.text);
	ck_assert_int_eq(strstr(problem.text, "or --format sdk-auth") != NULL,
	    textless[_i].sdk);
}
END_TEST

/* In place of a digit, of a dash, and of a character of the secret. */
static const struct {
	const char *id, *secret;
	const char *why;
} principals[] = {
	{ UUID, "~!", NULL },
	{ "fedcba98-7654-3210-FEDC-BA9876543210", "x", NULL },
	{ "/1234567-89ab-cdef-0123-456789ABCDEF", "x", "clientId is no UUID" },
	{ ":1234567-89ab-cdef-0123-456789ABCDEF", "x", "clientId is no UUID" },
	{ "@1234567-89ab-cdef-0123-456789ABCDEF", "x", "clientId is no UUID" },
	{ "G1234567-89ab-cdef-0123-456789ABCDEF", "x", "clientId is no UUID" },
	{ "`1234567-89ab-cdef-0123-456789ABCDEF", "x", "clientId is no UUID" },
	{ "g1234567-89ab-cdef-0123-456789ABCDEF", "x", "clientId is no UUID" },
	{ "01234567-89ab-cdef-0123a456789ABCDEF", "x", "clientId is no UUID" },
	{ "01234567-89ab-cdef-0123-456789ABCDE", "x", "clientId is no UUID" },
	{ "01234567-89ab-cdef-0123-456789ABCDEF0", "x",
	    "clientId is no UUID" },
	{ UUID, "x\x7f", "clientSecret is empty, or has characters" },
	{ UUID, "x y", "clientSecret is empty, or has characters" },
	{ UUID, "\xc3\xa9", "clientSecret is empty, or has characters" },
	{ UUID, "", "clientSecret is empty, or has characters" },
};

START_TEST(a_principal_has_ids_and_a_secret)
{
	struct problem problem = { "" };
	cofre_secret *secret = NULL;
	enum cofre_status s;
	char text[300];

	(void)snprintf(text, sizeof(text), "{\"tenantId\": \"" UUID "\", "
	    "\"clientId\": \"%s\", \"clientSecret\": \"%s\"}",
	    principals[_i].id, principals[_i].secret);
	ck_assert_int_eq(cofre_secret_new(&secret, COFRE_KIND_DATASTORE,
	    COFRE_DATASTORE_AZURE_SQL), COFRE_OK);
	s = sdkauth_parse(view_of(text), secret, &problem);
	if (principals[_i].why == NULL) {
		ck_assert_int_eq(s, COFRE_OK);
	} else {
		ck_assert_int_eq(s, COFRE_FORMAT);
		ck_assert_msg(strstr(problem.text, principals[_i].why) !=
			NULL, "%s", problem.text);
	}
	cofre_secret_free(secret);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("build texts");
	TCase *t = tcase_create("build texts");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, what_is_wrong_with_a_secret_is_told, 0,
	    (int)COUNT(rows));
	tcase_add_loop_test(t, a_type_without_a_text_says_what_it_has, 0,
	    (int)COUNT(textless));
	tcase_add_loop_test(t, a_principal_has_ids_and_a_secret, 0,
	    (int)COUNT(principals));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
