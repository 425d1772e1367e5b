/*
 * Tests of client/format*.c: which values of a text are taken, and what is
 * said of one that is not.  What holds for all formats is in
 * check_format_rules.c.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "cofre.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define KEY16 "AAECAwQFBgcICQoL"
#define KEY KEY16 KEY16 KEY16 KEY16 KEY16 "AAECAw=="

static const struct subject {
	enum cofre_format format;
	enum cofre_kind kind;
	enum cofre_datastore datastore;
} storage = { COFRE_FORMAT_CONNECTION_STRING, COFRE_KIND_STORAGE, 0 },
  ado = { COFRE_FORMAT_ADO, COFRE_KIND_DATASTORE,
	  COFRE_DATASTORE_AZURE_SQL },
  libpq = { COFRE_FORMAT_LIBPQ, COFRE_KIND_DATASTORE,
	  COFRE_DATASTORE_AZURE_POSTGRES },
  postgres = { COFRE_FORMAT_POSTGRES_URI, COFRE_KIND_DATASTORE,
	  COFRE_DATASTORE_AZURE_POSTGRES },
  mysql = { COFRE_FORMAT_MYSQL_URI, COFRE_KIND_DATASTORE,
	  COFRE_DATASTORE_AZURE_MYSQL };

#define LABEL32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
#define LABEL254 LABEL32 LABEL32 LABEL32 LABEL32 LABEL32 LABEL32 LABEL32 \
	LABEL32
#define ACCOUNT "AccountName=abc;AccountKey=" KEY
#define BLOB ACCOUNT ";BlobEndpoint="
#define PROXY "UseDevelopmentStorage=true;DevelopmentStorageProxyUri="
#define USER "Server=h;User ID="
#define UNUSUAL "user: a value with control characters or unusual"

/* error NULL: it is taken, and comes back. */
static const struct {
	const struct subject *of;
	const char *text;
	const char *error;
} values[] = {
	{ &ado, "Server=h;Persist Security Info=no", NULL },
	{ &ado, "Server=h;Persist Security Info=yes",
	    "persist_security_info: only False" },
	{ &ado, "Server=h;Integrated Security=SSPI", NULL },
	{ &ado, "Server=h;Integrated Security=yes", NULL },
	{ &ado, "Server=h;Integrated Security=both",
	    "integrated_security: neither true nor false" },
	{ &ado, "Server=h;Encrypt=Strict", NULL },
	{ &ado, "Server=h;Encrypt=Mandatory", NULL },
	{ &ado, "Server=h;Encrypt=Optional", NULL },
	{ &ado, "Server=h;Encrypt=Perhaps", "encrypt: neither true nor" },
	{ &ado, "Server=h;Packet Size=123456789", NULL },
	{ &ado, "Server=h;Packet Size=1234567890", "packet_size: not a num" },
	{ &ado, "Server=h;Packet Size=", "packet_size: not a number" },
	{ &ado, "Server=h;Packet Size=1/", "packet_size: not a number" },
	{ &ado, "Server=h;Packet Size=1:", "packet_size: not a number" },
	/* What SqlClient takes for the end of a value must be in quotes. */
	{ &ado, USER "\xc2\xa1\xc3\xa9", NULL },
	{ &ado, USER "u\xc2\xa0", UNUSUAL },
	{ &ado, USER "\xe1\x9a\x80", UNUSUAL },		 /* U+1680 */
	{ &ado, USER "\xe1\xbf\xbf", NULL },		 /* U+1fff */
	{ &ado, USER "\xe2\x80\x80", UNUSUAL },		 /* U+2000 */
	{ &ado, USER "\xe2\x80\x8a", UNUSUAL },		 /* U+200a */
	{ &ado, USER "\xe2\x80\x8b", NULL },		 /* U+200b */
	{ &ado, USER "\xe2\x80\xa8", UNUSUAL },		 /* U+2028 */
	{ &ado, USER "\xe2\x80\xa9", UNUSUAL },		 /* U+2029 */
	{ &ado, USER "\xe2\x80\xaf", UNUSUAL },		 /* U+202f */
	{ &ado, USER "\xe2\x81\x9f", UNUSUAL },		 /* U+205f */
	{ &ado, USER "\xe3\x80\x80", UNUSUAL },		 /* U+3000 */
	{ &ado, USER "'\xe3\x80\x80'", NULL },

	{ &libpq, "host=a,b hostaddr=1.2.3.4,1.2.3.5", NULL },
	{ &libpq, "host=a,b hostaddr=1.2.3.4",
	    "hostaddr: there must be as many as hosts" },
	{ &libpq, "hostaddr=1.2.3.4", NULL },
	{ &libpq, "hostaddr=1.2.3.4 port=1,2",
	    "port: there must be one, or as many" },
	{ &libpq, "user='a\\", "user: nothing stands after the last" },

	{ &postgres, "postgresql://u@%40abc/d", NULL }, /* abstract */
	{ &postgres, "postgresql://u%0D@h/d", "user: the value has a line" },
	{ &postgres, "postgresql://u%00@h/d", "user: the value has a NUL" },
	{ &postgres, "postgresql://h/?user=%0A", "user: the value has a l" },

	{ &mysql, "mysql://u@%2Frun%2Fmysqld.sock", NULL },
	{ &mysql, "mysql://u@h%24/d", "server: not the name or address" },
	{ &mysql, "mysql://u@/d", "server: missing" },
	{ &mysql, "mysql://u@h/d?tls-versions=[a,%5B]",
	    "tls-versions: an item with a comma or bracket" },
	{ &mysql, "mysql://u@h/d?tls-versions=[a,%5D]",
	    "tls-versions: an item with a comma or bracket" },

	{ &storage, ACCOUNT ";AccountKeyName=", "AccountKeyName: not a na" },
	{ &storage, ACCOUNT ";AccountKeyName=a b", "AccountKeyName: not a" },
	{ &storage, BLOB "https://" LABEL254 "a/", "BlobEndpoint: the host" },
	{ &storage, BLOB "https://[::1]/", NULL },
	{ &storage, BLOB "https://[]/", "BlobEndpoint: the host is not" },
	{ &storage, BLOB "https://[::!]/", "BlobEndpoint: the host is not" },
	{ &storage, BLOB "https://[::1]x/", "BlobEndpoint: the host is not" },
	{ &storage, BLOB "https://[::1]:0/", "BlobEndpoint: the host is n" },
	{ &storage, BLOB "https://a..b/", "BlobEndpoint: the host is not" },
	{ &storage, PROXY "https://h:1/", NULL },
	{ &storage, PROXY "ftp://h/", "not an absolute https URI" },
};

START_TEST(a_value_comes_back_or_its_field_is_named)
{
	const struct subject *of = values[_i].of;
	char error[COFRE_ERROR_MAX] = "";
	const char *text = values[_i].text;
	cofre_secret *s = NULL, *again = NULL;
	enum cofre_status status;
	char *out = NULL;
	size_t len;

	status = cofre_parse(of->format, of->kind, of->datastore, text,
	    strlen(text), &s, error);
	if (values[_i].error != NULL) {
		ck_assert_int_eq(status, COFRE_FORMAT);
		ck_assert_ptr_null(s);
		ck_assert_msg(strstr(error, values[_i].error) != NULL,
		    "'%s': %s", text, error);
		return;
	}
	ck_assert_msg(status == COFRE_OK, "'%s': %s", text, error);
	ck_assert_int_eq(cofre_render(of->format, s, &out, &len, error),
	    COFRE_OK);
	ck_assert_int_eq(cofre_parse(of->format, of->kind, of->datastore, out,
			     len, &again, error), COFRE_OK);
	ck_assert_uint_eq(cofre_secret_count(again), cofre_secret_count(s));
	for (size_t i = 0; i < cofre_secret_count(s); i++) {
		const char *name = cofre_secret_field_name(s, i);

		ck_assert_str_eq(cofre_secret_field(again, name, NULL),
		    cofre_secret_field(s, name, NULL));
	}
	cofre_text_free(out);
	cofre_secret_free(again);
	cofre_secret_free(s);
}
END_TEST

/* Fields that somebody has put there one by one. */
static const struct {
	const struct subject *of;
	const char *field;
	const char *value;
	const char *text; /* what is made of it, or */
	const char *error;
} made[] = {
	/* What reads a file of whoever uses the text is never in one. */
	{ &libpq, "passfile", "/tmp/x", "host=h", NULL },
	{ &libpq, "service", "x", "host=h", NULL },
	{ &postgres, "servicefile", "/tmp/x", "postgresql://h", NULL },
	{ &mysql, "password", "p", NULL, "user: missing" },
	{ &mysql, "user", "[u", "%5Bu@h", NULL },
	{ &mysql, "tls-versions", "[a", NULL,
	    "tls-versions: a list must be written [a,b]" },
	{ &mysql, "tls-versions", "[a]", "h?tls-versions=[a]", NULL },
	{ &ado, "user", "", NULL, "user: the value is empty" },
};

START_TEST(what_no_text_may_say_is_not_in_one)
{
	const struct subject *of = made[_i].of;
	char error[COFRE_ERROR_MAX] = "";
	cofre_secret *s = NULL;
	char *out = NULL;

	ck_assert_int_eq(cofre_secret_new(&s, of->kind, of->datastore),
	    COFRE_OK);
	ck_assert_int_eq(cofre_secret_add(s, "server", 0, "h", 1), COFRE_OK);
	ck_assert_int_eq(cofre_secret_add(s, made[_i].field, 0,
			     made[_i].value, strlen(made[_i].value)),
	    COFRE_OK);
	if (made[_i].error == NULL) {
		ck_assert_int_eq(cofre_render(of->format, s, &out, NULL,
				     error), COFRE_OK);
		ck_assert_str_eq(out, made[_i].text);
	} else {
		ck_assert_int_eq(cofre_render(of->format, s, &out, NULL,
				     error), COFRE_FORMAT);
		ck_assert_ptr_null(out);
		ck_assert_str_eq(error, made[_i].error);
	}
	cofre_text_free(out);
	cofre_secret_free(s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("format values");
	TCase *t = tcase_create("format values");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, a_value_comes_back_or_its_field_is_named, 0,
	    (int)COUNT(values));
	tcase_add_loop_test(t, what_no_text_may_say_is_not_in_one, 0,
	    (int)COUNT(made));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
