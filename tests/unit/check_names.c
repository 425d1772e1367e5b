#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cofre.h"
#include "names.h"
#include "sizes.h"
#include "sample.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* The three grammars of names.h. */
static const struct {
	bool (*is)(struct view v);
	const char *first; /* bytes that a name may begin with */
	const char *rest;  /* bytes that may follow */
	size_t max;
} grammars[] = {
	{ name_is_workspace, LOWER DIGITS, LOWER DIGITS "-_", 63 },
	{ name_is_secret, LOWER UPPER DIGITS, LOWER UPPER DIGITS "._-", 127 },
	{ name_is_field, LOWER UPPER, LOWER UPPER DIGITS "._-", 64 },
};

/* True when byte is one of the set's; a NUL never is. */
static bool
is_in(const char *set, unsigned byte)
{
	return byte != 0 && strchr(set, (int)byte) != NULL;
}

START_TEST(each_byte_alone_is_a_name_or_not)
{
	for (unsigned b = 0; b < 256; b++) {
		uint8_t name[1] = { (uint8_t)b };

		ck_assert_msg(grammars[_i].is((struct view){ name, 1 }) ==
			is_in(grammars[_i].first, b), "byte %u", b);
	}
}
END_TEST

START_TEST(each_byte_may_follow_or_not_wherever_it_stands)
{
	for (unsigned b = 0; b < 256; b++)
		for (size_t at = 1; at < 4; at++) {
			uint8_t name[4] = { 'a', 'b', 'c', 'd' };

			name[at] = (uint8_t)b;
			ck_assert_msg(
			    grammars[_i].is((struct view){ name, 4 }) ==
				is_in(grammars[_i].rest, b),
			    "byte %u at %zu", b, at);
		}
}
END_TEST

START_TEST(a_name_has_1_byte_to_its_limit)
{
	uint8_t name[200];

	memset(name, 'a', sizeof(name));
	for (size_t n = 0; n <= sizeof(name); n++)
		ck_assert_msg(grammars[_i].is((struct view){ name, n }) ==
			(n >= 1 && n <= grammars[_i].max), "%zu bytes", n);
	ck_assert(!grammars[_i].is((struct view){ NULL, 0 }));
}
END_TEST

START_TEST(the_limits_are_those_of_the_public_header)
{
	ck_assert_uint_eq(COFRE_WORKSPACE_NAME_MAX, 63);
	ck_assert_uint_eq(COFRE_SECRET_NAME_MAX, 127);
	ck_assert_uint_eq(COFRE_FIELD_NAME_MAX, 64);
}
END_TEST

/* Names that look like another one, or like a path, are none. */
static const char *const tricks[] = { "", ".", "..", "../x", "a/b", "/a",
	"a b", " a", "a ", "a\n", "-a", "_a", "a\xcc\x81", "\357\273\277a",
	"a\xc2\xa0", "\xd0\xb0", "a:b", "a%41", "a\\b", "a\x7f" };

START_TEST(no_name_has_a_trick)
{
	for (size_t i = 0; i < COUNT(tricks); i++)
		for (size_t g = 0; g < COUNT(grammars); g++)
			ck_assert_msg(!grammars[g].is(view_of(tricks[i])),
			    "'%s' is a name in grammar %zu", tricks[i], g);
	ck_assert(!name_is_workspace(view_of("ML")));
	ck_assert(!name_is_workspace(view_of("ml.prod")));
	ck_assert(name_is_workspace(view_of("ml-prod")));
	ck_assert(name_is_workspace(view_of("0")));
	ck_assert(name_is_secret(view_of("Store.2024_a-b")));
	ck_assert(name_is_field(view_of("AccountKey")));
	ck_assert(!name_is_field(view_of("2nd")));
}
END_TEST

static const struct {
	uint8_t code;
	const char *name;
	bool stored;
} kinds[] = {
	{ COFRE_KIND_STORAGE, "storage", true },
	{ COFRE_KIND_REGISTRY, "registry", true },
	{ COFRE_KIND_DATASTORE, "datastore", true },
	{ COFRE_KIND_GENERIC, "generic", true },
	{ COFRE_KIND_CERTIFICATE, "certificate", false },
	{ COFRE_KIND_KEY, "key", false },
	{ COFRE_KIND_SSH_KEY, "ssh-key", false },
};

START_TEST(each_kind_is_found_by_code_and_name)
{
	for (size_t i = 0; i < COUNT(kinds); i++) {
		ck_assert_uint_eq(kinds[i].code, i + 1);
		ck_assert_str_eq(kind_name(kinds[i].code), kinds[i].name);
		ck_assert_uint_eq(kind_find(kinds[i].name), kinds[i].code);
		ck_assert(kind_is_stored(kinds[i].code) == kinds[i].stored);
	}
}
END_TEST

static const struct {
	uint8_t code;
	const char *name;
} datastores[] = {
	{ COFRE_DATASTORE_AZURE_BLOB, "azure-blob" },
	{ COFRE_DATASTORE_AZURE_FILE, "azure-file" },
	{ COFRE_DATASTORE_AZURE_DATA_LAKE_GEN1, "azure-data-lake-gen1" },
	{ COFRE_DATASTORE_AZURE_DATA_LAKE_GEN2, "azure-data-lake-gen2" },
	{ COFRE_DATASTORE_AZURE_SQL, "azure-sql" },
	{ COFRE_DATASTORE_AZURE_POSTGRES, "azure-postgres" },
	{ COFRE_DATASTORE_AZURE_MYSQL, "azure-mysql" },
	{ COFRE_DATASTORE_DBFS, "dbfs" },
};

START_TEST(each_datastore_type_is_found_by_code_and_name)
{
	for (size_t i = 0; i < COUNT(datastores); i++) {
		ck_assert_uint_eq(datastores[i].code, i + 1);
		ck_assert_str_eq(datastore_name(datastores[i].code),
		    datastores[i].name);
		ck_assert_uint_eq(datastore_find(datastores[i].name),
		    datastores[i].code);
	}
	ck_assert_str_eq(datastore_name(0), "");
}
END_TEST

START_TEST(no_other_code_or_name_is_known)
{
	for (unsigned i = COUNT(kinds) + 1; i < 256; i++) {
		ck_assert_str_eq(kind_name((uint8_t)i), "?");
		ck_assert(!kind_is_stored((uint8_t)i));
	}
	for (unsigned i = COUNT(datastores) + 1; i < 256; i++)
		ck_assert_str_eq(datastore_name((uint8_t)i), "?");
	ck_assert_str_eq(kind_name(0), "?");
	ck_assert(!kind_is_stored(0));
	ck_assert_uint_eq(kind_find(""), 0);
	ck_assert_uint_eq(kind_find("Storage"), 0);
	ck_assert_uint_eq(kind_find("?"), 0);
	ck_assert_uint_eq(datastore_find(""), 0);
	ck_assert_uint_eq(datastore_find("azure"), 0);
}
END_TEST

/* What may never be stored as metadata, which a reader would see. */
static const struct {
	uint8_t kind;
	const char *field;
} secrets[] = {
	{ COFRE_KIND_STORAGE, "AccountKey" },
	{ COFRE_KIND_STORAGE, "SharedAccessSignature" },
	{ COFRE_KIND_REGISTRY, "password" },
	{ COFRE_KIND_REGISTRY, "password2" },
	{ COFRE_KIND_DATASTORE, "password" },
	{ COFRE_KIND_DATASTORE, "sslpassword" },
	{ COFRE_KIND_DATASTORE, "client_secret" },
	{ COFRE_KIND_DATASTORE, "certificate" },
	{ COFRE_KIND_DATASTORE, "AccountKey" },
	{ COFRE_KIND_DATASTORE, "SharedAccessSignature" },
	{ COFRE_KIND_DATASTORE, "AccessToken" },
	{ COFRE_KIND_GENERIC, "value" },
};

START_TEST(the_fields_that_hold_a_secret_are_known)
{
	for (size_t i = 0; i < COUNT(secrets); i++)
		ck_assert_msg(field_is_secret(secrets[i].kind,
		    view_of(secrets[i].field)), "%s", secrets[i].field);
}
END_TEST

START_TEST(other_fields_and_other_kinds_are_free)
{
	ck_assert(!field_is_secret(COFRE_KIND_STORAGE,
	    view_of("AccountName")));
	ck_assert(!field_is_secret(COFRE_KIND_STORAGE, view_of("password")));
	ck_assert(!field_is_secret(COFRE_KIND_REGISTRY, view_of("value")));
	ck_assert(!field_is_secret(COFRE_KIND_GENERIC, view_of("valu")));
	ck_assert(!field_is_secret(COFRE_KIND_GENERIC, view_of("values")));
	ck_assert(!field_is_secret(COFRE_KIND_GENERIC, view_of("Value")));
	ck_assert(!field_is_secret(COFRE_KIND_GENERIC, view_of("")));
	ck_assert(!field_is_secret(0, view_of("password")));
}
END_TEST

START_TEST(a_path_leads_nowhere_else)
{
	static const char *const good[] = { "/a", "/a.slice/b.scope", "/a b" };
	static const char *const bad[] = { "", "/", "a", "a/b", "/a/", "//a",
		"/..", "/a/../b", "/./a", "/a/.", "/a\n", "/a\x7f" };
	char text[CGROUP_MAX + 2];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(name_is_path(view_of(good[i])), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!name_is_path(view_of(bad[i])), "%s", bad[i]);
	ck_assert(!name_is_path((struct view){ (const uint8_t *)"/a\0b", 4 }));
	memset(text, 'x', sizeof(text));
	text[0] = '/';
	text[CGROUP_MAX + 1] = '\0';
	ck_assert(!name_is_path(view_of(text)));
	text[CGROUP_MAX] = '\0';
	ck_assert(name_is_path(view_of(text)));
}
END_TEST

START_TEST(a_role_is_words_of_letters_and_digits)
{
	static const char *const good[] = { "a", "Z", "0", "9 lives", "a.b_c-d",
		"on call" };
	static const char *const bad[] = { "", " a", "a ", "-a", "_a", ".a",
		"a\n", "a/b", "a\xc2\xa0z" };
	char text[ROLE_NAME_MAX + 2];

	for (size_t i = 0; i < COUNT(good); i++)
		ck_assert_msg(name_is_role(view_of(good[i])), "%s", good[i]);
	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!name_is_role(view_of(bad[i])), "%s", bad[i]);
	memset(text, 'x', sizeof(text));
	text[ROLE_NAME_MAX + 1] = '\0';
	ck_assert(!name_is_role(view_of(text)));
	text[ROLE_NAME_MAX] = '\0';
	ck_assert(name_is_role(view_of(text)));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("names");
	TCase *t = tcase_create("names");
	const int n = (int)COUNT(grammars);
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t, each_byte_alone_is_a_name_or_not, 0, n);
	tcase_add_loop_test(t,
	    each_byte_may_follow_or_not_wherever_it_stands, 0, n);
	tcase_add_loop_test(t, a_name_has_1_byte_to_its_limit, 0, n);
	tcase_add_test(t, a_path_leads_nowhere_else);
	tcase_add_test(t, a_role_is_words_of_letters_and_digits);
	tcase_add_test(t, the_limits_are_those_of_the_public_header);
	tcase_add_test(t, no_name_has_a_trick);
	tcase_add_test(t, each_kind_is_found_by_code_and_name);
	tcase_add_test(t, each_datastore_type_is_found_by_code_and_name);
	tcase_add_test(t, no_other_code_or_name_is_known);
	tcase_add_test(t, the_fields_that_hold_a_secret_are_known);
	tcase_add_test(t, other_fields_and_other_kinds_are_free);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
