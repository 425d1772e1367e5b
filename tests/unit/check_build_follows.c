/* Tests of client/build.c: a datastore that follows a storage credential. */
#include <check.h>

#include "build.h"
#include "secret.h"

static struct problem problem;

static struct build
following(void)
{
	struct build b = { .kind = COFRE_KIND_DATASTORE,
		.datastore = COFRE_DATASTORE_AZURE_FILE, .follows = "store" };

	b.meta.items[b.meta.count++] = "container=c";
	return b;
}

START_TEST(it_reads_nothing_and_has_no_key)
{
	const struct build b = following();
	cofre_secret *s;

	ck_assert_int_eq(build_check(&b, &problem), COFRE_OK);
	ck_assert_int_eq(build_secret(&b, &s, &problem), COFRE_OK);
	ck_assert_uint_eq(cofre_secret_count(s), 1);
	ck_assert_str_eq(cofre_secret_field(s, "container", NULL), "c");
	ck_assert_str_eq(secret_follows(s), "store");
	cofre_secret_free(s);
}
END_TEST

START_TEST(what_would_be_a_key_is_refused)
{
	struct build b = following();

	b.file = "/dev/null";
	ck_assert_int_eq(build_check(&b, &problem), COFRE_ARGUMENT);
	b.file = NULL;
	b.format = "connection-string";
	ck_assert_int_eq(build_check(&b, &problem), COFRE_ARGUMENT);
	b.format = NULL;
	b.fields.items[b.fields.count++] = "SharedAccessSignature=-";
	ck_assert_int_eq(build_check(&b, &problem), COFRE_ARGUMENT);
	b.fields.items[0] = "AccountKey=-";
	ck_assert_int_eq(build_check(&b, &problem), COFRE_ARGUMENT);
	b.fields.items[0] = "client_secret=-";
	ck_assert_int_eq(build_check(&b, &problem), COFRE_OK);
}
END_TEST

START_TEST(names_and_types_that_do_not_fit_are_refused)
{
	struct build b = following();

	b.follows = "w/store";
	ck_assert_int_eq(build_check(&b, &problem), COFRE_ARGUMENT);
	b.follows = "";
	ck_assert_int_eq(build_check(&b, &problem), COFRE_ARGUMENT);
	b.follows = "store";
	b.datastore = COFRE_DATASTORE_AZURE_SQL;
	ck_assert_int_eq(build_check(&b, &problem), COFRE_ARGUMENT);
	b.datastore = COFRE_DATASTORE_AZURE_DATA_LAKE_GEN2;
	ck_assert_int_eq(build_check(&b, &problem), COFRE_OK);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("build_follows");
	TCase *tc = tcase_create("follows");
	SRunner *sr;
	int failed;

	tcase_add_test(tc, it_reads_nothing_and_has_no_key);
	tcase_add_test(tc, what_would_be_a_key_is_refused);
	tcase_add_test(tc, names_and_types_that_do_not_fit_are_refused);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
