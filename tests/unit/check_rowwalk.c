#include <check.h>
#include <stdlib.h>

#include "crypto.h"
#include "rowwalk.h"
#include "sample.h"
#include "statedir.h"

static const uint8_t tally_key[KEY_LEN];
static struct store *s;
static struct rowwalk walk;

/* Three rows: slots 1 and 2, and the header, whose key is shorter. */
static const struct row_id ids[] = {
	{ .table = TABLE_HEADER },
	{ .table = TABLE_SLOT, .record = 1 },
	{ .table = TABLE_SLOT, .record = 2 },
};
static struct row_key keys[COUNT(ids)];

static struct view
key(size_t i)
{
	return (struct view){ keys[i].bytes, keys[i].len };
}

static void
setup(void)
{
	statedir_setup();
	ck_assert(crypto_init());
	s = statedir_open(16 * MIB);
	ck_assert_int_eq(store_begin(s, 4096, false), COFRE_OK);
	for (size_t i = 0; i < COUNT(ids); i++) {
		keys[i] = row_key(&ids[i]);
		ck_assert_int_eq(store_put(s, key(i), view_of("value")),
		    COFRE_OK);
	}
	ck_assert_int_eq(store_commit(s), COFRE_OK);
	walk = (struct rowwalk){ .store = s, .tally_key = tally_key };
}

static void
teardown(void)
{
	store_close(s);
	statedir_teardown();
}

/* The row as the store has it. */
static struct view
value(size_t i)
{
	struct view v;

	ck_assert_int_eq(store_get(s, key(i), &v), COFRE_OK);
	return v;
}

static bool
next(struct view k, struct view v)
{
	struct row_id id;

	return rowwalk_next(&walk, k, v, &id);
}

START_TEST(rows_in_their_order_are_counted)
{
	for (size_t i = 0; i < COUNT(ids); i++)
		ck_assert(next(key(i), value(i)));
	ck_assert_uint_eq(walk.sum.rows, COUNT(ids));
}
END_TEST

/* Otherwise a row could be counted twice, and make up for another. */
START_TEST(a_row_that_comes_again_or_too_late_is_refused)
{
	ck_assert(next(key(1), value(1)));
	ck_assert(!next(key(1), value(1)));
	ck_assert(!next(key(0), value(0)));
	ck_assert_uint_eq(walk.sum.rows, 1);
	ck_assert(next(key(2), value(2)));
	ck_assert_uint_eq(walk.sum.rows, 2);
}
END_TEST

/* A key that another one begins with comes before that, and not after it. */
START_TEST(a_longer_key_comes_after_its_beginning)
{
	walk.last = keys[1];
	walk.last.len = 1;
	ck_assert(next(key(1), value(1)));
	walk.last = keys[0];
	walk.last.bytes[walk.last.len++] = 0;
	ck_assert(!next(key(0), value(0)));
}
END_TEST

/* What a walk shows must be what a look-up finds, and not a copy. */
START_TEST(a_row_that_can_not_be_looked_up_so_is_refused)
{
	struct view v = value(0);

	ck_assert(!next(key(0), view_of("value")));
	ck_assert(!next(key(0), (struct view){ v.data, v.len - 1 }));
	ck_assert(!next(view_of("\x09"), v)); /* there is none */
	ck_assert(!next(view_of("x"), v)); /* no key */
	ck_assert_uint_eq(walk.sum.rows, 0);
	ck_assert(next(key(0), v));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rowwalk");
	TCase *t = tcase_create("rowwalk");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, rows_in_their_order_are_counted);
	tcase_add_test(t, a_row_that_comes_again_or_too_late_is_refused);
	tcase_add_test(t, a_longer_key_comes_after_its_beginning);
	tcase_add_test(t, a_row_that_can_not_be_looked_up_so_is_refused);
	suite_add_tcase(suite, t);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
