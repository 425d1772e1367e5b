/*
 * Refused requests: which have a record of their own, which are counted, and
 * that no number is lost.  The records themselves are shown by
 * tests/system/04-who-hogs-costs-itself.py.
 */
#include <check.h>
#include <stdlib.h>

#include "refusals.h"

#define SECOND ((uint64_t)1000000)
#define NOW (SECOND * 86400)

static struct refusals f;

static void
setup(void)
{
	f = (struct refusals){ .count = 0 };
}

static bool
counts(uint32_t uid, uint16_t op, uint64_t workspace, uint64_t clock)
{
	const struct log_record r = { .uid = uid, .op = op, .status = 3,
		.workspace = workspace };

	return refusals_count(&f, &r, clock);
}

/* How many of the uid were counted, in how many rows. */
static uint64_t
sum(uint32_t uid, size_t *rows)
{
	uint64_t n = 0;

	*rows = 0;
	for (size_t i = 0; i < f.count; i++)
		if (f.rows[i].uid == uid) {
			n += f.rows[i].count;
			++*rows;
		}
	return n;
}

static void
use_up(uint32_t uid)
{
	for (unsigned i = 0; i < REFUSALS_AT_ONCE; i++)
		ck_assert(!counts(uid, 1, 0, NOW));
}

START_TEST(the_first_have_a_record_each)
{
	size_t rows;

	use_up(7);
	ck_assert_uint_eq(f.due, 0);
	ck_assert(counts(7, 1, 0, NOW));
	ck_assert(counts(7, 1, 0, NOW + 1));
	ck_assert_uint_eq(sum(7, &rows), 2);
	ck_assert_uint_eq(rows, 1);
	ck_assert_uint_eq(f.due, NOW + REFUSALS_EVERY);
	/* Others have their own, and he has one more after a while. */
	ck_assert(!counts(8, 1, 0, NOW));
	ck_assert(!counts(7, 1, 0, NOW + REFUSALS_EACH));
	ck_assert(counts(7, 1, 0, NOW + REFUSALS_EACH));
}
END_TEST

START_TEST(kinds_are_told_apart)
{
	size_t rows;

	use_up(7);
	ck_assert(counts(7, 1, 0, NOW));
	ck_assert(counts(7, 2, 0, NOW));
	ck_assert(counts(7, 2, 5, NOW));
	ck_assert(counts(7, 2, 5, NOW));
	ck_assert_uint_eq(sum(7, &rows), 4);
	ck_assert_uint_eq(rows, 3);
}
END_TEST

/* Whoever tries everything has a row more, not the whole table. */
START_TEST(nobody_takes_the_table)
{
	size_t rows;

	use_up(7);
	for (uint16_t op = 1; op <= 1000; op++)
		ck_assert(counts(7, op, op, NOW));
	ck_assert_uint_eq(sum(7, &rows), 1000);
	ck_assert_uint_eq(rows, REFUSALS_UID + 1);
	use_up(8);
	ck_assert(counts(8, 1, 0, NOW));
}
END_TEST

/* Without a row for them they have records of their own. */
START_TEST(a_full_table_loses_nothing)
{
	uint32_t uid = 1;
	uint64_t n = 0;

	for (; f.count < REFUSALS_ROWS; uid++) {
		use_up(uid);
		for (uint16_t op = 1; op <= REFUSALS_UID; op++)
			n += counts(uid, op, 0, NOW);
	}
	ck_assert_uint_eq(n, REFUSALS_ROWS);
	use_up(uid);
	ck_assert(!counts(uid, 1, 0, NOW));
	/* What has a row goes on. */
	ck_assert(counts(1, 1, 0, NOW));
}
END_TEST

/* A number that is full begins again in another row. */
START_TEST(a_number_does_not_overflow)
{
	size_t rows;

	use_up(7);
	ck_assert(counts(7, 1, 0, NOW));
	f.rows[0].count = UINT32_MAX;
	ck_assert(counts(7, 1, 0, NOW));
	ck_assert_uint_eq(sum(7, &rows), (uint64_t)UINT32_MAX + 1);
	ck_assert_uint_eq(rows, 2);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("refusals");
	TCase *t = tcase_create("refusals");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, the_first_have_a_record_each);
	tcase_add_test(t, kinds_are_told_apart);
	tcase_add_test(t, nobody_takes_the_table);
	tcase_add_test(t, a_full_table_loses_nothing);
	tcase_add_test(t, a_number_does_not_overflow);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
