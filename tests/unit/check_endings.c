/*
 * Ends of old versions in memory: noted, taken out, and never more of them
 * than secrets have versions.
 */
#include <check.h>
#include <stdlib.h>

#include "endings.h"

#define NOON ((uint64_t)1000000 * 86400)
#define MANY 100000u

static void
add(struct endings *es, uint64_t record, uint32_t version, uint64_t until)
{
	const struct version_row row = { .version = version, .until = until };

	ck_assert_int_eq(endings_add(es, 1, record, &row), COFRE_OK);
}

/* The end that was noted last of the version, or 0. */
static uint64_t
until_of(const struct endings *es, uint64_t record, uint32_t version)
{
	const struct ending *found = NULL;

	for (size_t i = 0; i < es->count; i++) {
		const struct ending *e = &es->list[i];

		if (e->record == record && e->version == version &&
		    (found == NULL || e->noted > found->noted))
			found = e;
	}
	return found == NULL ? 0 : found->until;
}

START_TEST(the_earliest_is_due)
{
	struct endings es = { .count = 0 };

	add(&es, 5, 1, NOON + 2);
	add(&es, 5, 2, NOON + 1);
	add(&es, 6, 1, NOON + 3);
	add(&es, 6, 2, 0); /* it has no end */
	ck_assert_uint_eq(es.count, 3);
	ck_assert_uint_eq(es.due, NOON + 1);
	endings_remove(&es, 0);
	ck_assert_uint_eq(until_of(&es, 5, 1), 0);
	ck_assert_uint_eq(until_of(&es, 5, 2), NOON + 1);
	ck_assert_uint_eq(until_of(&es, 6, 1), NOON + 3);
	endings_forget(&es);
	ck_assert_uint_eq(es.count, 0);
}
END_TEST

/* A secret that is replaced over and over has VERSIONS_MAX versions. */
START_TEST(one_secret_has_no_more_than_its_versions)
{
	struct endings es = { .count = 0 };
	size_t most = 0;

	for (uint32_t version = 1; version <= MANY; version++) {
		if (version % 7 == 0)
			add(&es, 4, 9, NOON);
		add(&es, 5, version, NOON + version);
		most = es.size > most ? es.size : most;
	}
	ck_assert_uint_le(most, 4 * VERSIONS_MAX);
	for (uint32_t n = 0; n < VERSIONS_MAX; n++)
		ck_assert_uint_eq(until_of(&es, 5, MANY - n), NOON + MANY - n);
	ck_assert_uint_eq(until_of(&es, 4, 9), NOON);
	endings_forget(&es);
}
END_TEST

/* Commits that fail note the same version again, with another end. */
START_TEST(a_version_has_one_end_the_last)
{
	struct endings es = { .count = 0 };

	for (uint32_t n = 1; n <= MANY; n++) {
		add(&es, 5, 1, NOON + MANY - n);
		ck_assert_uint_eq(until_of(&es, 5, 1), NOON + MANY - n);
	}
	ck_assert_uint_le(es.size, 16);
	/* Also once the list has grown over it. */
	for (uint64_t record = 6; record < 100; record++)
		add(&es, record, 1, NOON + 1);
	ck_assert_uint_eq(until_of(&es, 5, 1), NOON);
	ck_assert_uint_eq(es.count, 95);
	endings_forget(&es);
}
END_TEST

/* Many secrets have as many as they have, and lose none. */
START_TEST(what_is_there_is_kept)
{
	struct endings es = { .count = 0 };

	for (uint32_t version = 1; version <= 8; version++)
		for (uint64_t record = 1; record <= 5000; record++)
			add(&es, record, version, NOON + version);
	ck_assert_uint_eq(es.count, 40000);
	for (uint64_t record = 1; record <= 5000; record += 499)
		for (uint32_t version = 1; version <= 8; version++)
			ck_assert_uint_eq(until_of(&es, record, version),
			    NOON + version);
	endings_forget(&es);
}
END_TEST

/* One that ends late stays, however many go before it is looked at again. */
START_TEST(those_that_are_gone_push_nobody_out)
{
	struct endings es = { .count = 0 };

	add(&es, 5, 1, NOON);
	for (uint32_t version = 2; version <= 2000; version++) {
		add(&es, 5, version, 1);
		for (size_t i = 0; i < es.count; i++)
			es.list[i].gone = es.list[i].version != 1;
	}
	ck_assert_uint_eq(until_of(&es, 5, 1), NOON);
	endings_forget(&es);
}
END_TEST

START_TEST(a_purged_workspace_has_none)
{
	struct endings es = { .count = 0 };
	const struct version_row row = { .version = 1, .until = NOON };

	for (uint64_t record = 1; record <= 100; record++)
		ck_assert_int_eq(endings_add(&es, 1 + record % 2, record,
				     &row), COFRE_OK);
	endings_drop(&es, 2);
	ck_assert_uint_eq(es.count, 50);
	for (uint64_t record = 1; record <= 100; record++)
		ck_assert_uint_eq(until_of(&es, record, 1),
		    record % 2 == 0 ? NOON : 0);
	endings_forget(&es);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("endings");
	TCase *t = tcase_create("endings");
	SRunner *sr;
	int failed;

	tcase_add_test(t, the_earliest_is_due);
	tcase_add_test(t, one_secret_has_no_more_than_its_versions);
	tcase_add_test(t, a_version_has_one_end_the_last);
	tcase_add_test(t, what_is_there_is_kept);
	tcase_add_test(t, those_that_are_gone_push_nobody_out);
	tcase_add_test(t, a_purged_workspace_has_none);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
