#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resync.h"
#include "sample.h"

#define WORKSPACE 7
#define UID 1000u

static struct resync *r;
static uint8_t bytes[RESYNC_BYTES_MAX + 1];

static void
setup(void)
{
	r = resync_new(WORKSPACE, UID, false);
	ck_assert_ptr_nonnull(r);
}

static void
teardown(void)
{
	resync_free(r);
}

/* What is staged of the record: so many bytes of a sealed row. */
static struct staged
item(uint64_t record, size_t sealed)
{
	struct staged s = { .record = record, .version = 3,
		.outcome = RESYNC_VALUE, .changed = sealed > 0,
		.slot = 2, .retire = 1, .serial = 5, .expires = 6,
		.sealed = { sealed > 0 ? bytes : NULL, sealed }, .head = 1000 };

	(void)snprintf(s.name, sizeof(s.name), "secret-%llu",
	    (unsigned long long)record);
	return s;
}

static enum cofre_status
add(uint64_t record, size_t sealed)
{
	const struct staged s = item(record, sealed);

	return resync_add(r, &s);
}

START_TEST(a_new_one_has_nothing_in_it)
{
	struct resync *dry = resync_new(WORKSPACE + 1, UID + 1, true);

	ck_assert_ptr_nonnull(dry);
	ck_assert(dry->dry_run && !r->dry_run);
	ck_assert_uint_eq(r->workspace, WORKSPACE);
	ck_assert_uint_eq(r->uid, UID);
	ck_assert_uint_eq(r->touched, 0);
	ck_assert_uint_eq(r->count, 0);
	ck_assert_uint_eq(r->bytes, 0);
	resync_free(dry);
	resync_free(NULL);
}
END_TEST

START_TEST(what_is_staged_is_a_copy)
{
	struct staged s = item(1, 100);

	memset(bytes, 'v', 100);
	ck_assert_int_eq(resync_add(r, &s), COFRE_OK);
	memset(bytes, 'x', sizeof(bytes));
	memset(&s, 'x', sizeof(s));
	ck_assert_uint_eq(r->count, 1);
	ck_assert_uint_eq(r->items[0].record, 1);
	ck_assert_uint_eq(r->items[0].version, 3);
	ck_assert_uint_eq(r->items[0].outcome, RESYNC_VALUE);
	ck_assert_uint_eq(r->items[0].slot, 2);
	ck_assert_uint_eq(r->items[0].retire, 1);
	ck_assert_uint_eq(r->items[0].serial, 5);
	ck_assert_uint_eq(r->items[0].expires, 6);
	ck_assert_str_eq(r->items[0].name, "secret-1");
	ck_assert_uint_eq(r->items[0].sealed.len, 100);
	for (size_t i = 0; i < 100; i++)
		ck_assert_uint_eq(r->items[0].sealed.data[i], 'v');
}
END_TEST

START_TEST(what_came_to_nothing_has_no_row)
{
	ck_assert_int_eq(add(1, 0), COFRE_OK);
	ck_assert_ptr_null(r->items[0].sealed.data);
	ck_assert(!r->items[0].changed && !r->items[0].skipped);
	ck_assert_uint_eq(r->bytes, 0);
}
END_TEST

/* All stay as they were staged, in that order, however many there are. */
START_TEST(each_secret_is_staged_once)
{
	for (uint64_t i = 1; i <= 100; i++)
		ck_assert_int_eq(add(i, i), COFRE_OK);
	for (uint64_t i = 1; i <= 100; i++) {
		ck_assert_int_eq(add(i, 1000), COFRE_CONFLICT);
		ck_assert_int_eq(add(i, 0), COFRE_CONFLICT);
	}
	ck_assert_uint_eq(r->count, 100);
	ck_assert_uint_eq(r->bytes, 5050);
	for (size_t i = 0; i < 100; i++) {
		ck_assert_uint_eq(r->items[i].record, i + 1);
		ck_assert_uint_eq(r->items[i].sealed.len, i + 1);
	}
}
END_TEST

START_TEST(the_number_of_secrets_has_a_limit)
{
	for (uint64_t i = 1; i <= RESYNC_ITEMS_MAX; i++)
		ck_assert_int_eq(add(i, 0), COFRE_OK);
	ck_assert_int_eq(add(RESYNC_ITEMS_MAX + 1, 0), COFRE_LIMIT);
	ck_assert_int_eq(add(1, 0), COFRE_CONFLICT);
	ck_assert_uint_eq(r->count, RESYNC_ITEMS_MAX);
}
END_TEST

START_TEST(the_bytes_have_a_limit)
{
	ck_assert_int_eq(add(1, RESYNC_BYTES_MAX + 1), COFRE_LIMIT);
	ck_assert_uint_eq(r->count, 0);
	ck_assert_uint_eq(r->bytes, 0);
	ck_assert_int_eq(add(1, RESYNC_BYTES_MAX - 10), COFRE_OK);
	ck_assert_int_eq(add(2, 11), COFRE_LIMIT);
	ck_assert_int_eq(add(2, 10), COFRE_OK);
	ck_assert_int_eq(add(3, 1), COFRE_LIMIT);
	/* What has no row has room. */
	ck_assert_int_eq(add(3, 0), COFRE_OK);
	ck_assert_uint_eq(r->count, 3);
	ck_assert_uint_eq(r->bytes, RESYNC_BYTES_MAX);
}
END_TEST

START_TEST(what_a_failed_turn_has_staged_is_taken_back)
{
	size_t need = 0;

	for (uint64_t i = 1; i <= 5; i++) {
		struct staged s = item(i, i == 4 ? 0 : 100 * i);

		s.turn = i < 3 ? 7 : 8;
		ck_assert_int_eq(resync_add(r, &s), COFRE_OK);
		if (i == 2)
			need = resync_need(r);
	}
	resync_take_back(r, 9);
	ck_assert_uint_eq(r->count, 5);
	resync_take_back(r, 8);
	ck_assert_uint_eq(r->count, 2);
	ck_assert_uint_eq(r->bytes, 300);
	ck_assert_uint_eq(resync_need(r), need);
	/* It can be staged again. */
	ck_assert_int_eq(add(3, 10), COFRE_OK);
	ck_assert_int_eq(add(2, 10), COFRE_CONFLICT);
	resync_take_back(r, 0);
	resync_take_back(r, 7);
	ck_assert_uint_eq(r->count, 0);
	ck_assert_uint_eq(r->bytes, 0);
	resync_take_back(r, 7);
}
END_TEST

START_TEST(a_commit_needs_room_for_all_of_it)
{
	size_t before = resync_need(r), after;

	for (uint64_t i = 1; i <= 50; i++) {
		ck_assert_int_eq(add(i, i % 2 == 0 ? 0 : 3000), COFRE_OK);
		after = resync_need(r);
		/* Its head and its body, and their keys. */
		ck_assert_uint_ge(after, before + 1000 +
			(i % 2 == 0 ? 0 : 3000) + 2 * ROW_KEY_MAX);
		before = after;
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("resync");
	TCase *t = tcase_create("resync");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_new_one_has_nothing_in_it);
	tcase_add_test(t, what_is_staged_is_a_copy);
	tcase_add_test(t, what_came_to_nothing_has_no_row);
	tcase_add_test(t, each_secret_is_staged_once);
	tcase_add_test(t, the_number_of_secrets_has_a_limit);
	tcase_add_test(t, the_bytes_have_a_limit);
	tcase_add_test(t, what_a_failed_turn_has_staged_is_taken_back);
	tcase_add_test(t, a_commit_needs_room_for_all_of_it);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
