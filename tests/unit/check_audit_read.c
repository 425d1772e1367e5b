#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "logdir.h"

static uint8_t text[LOG_CELLS_MAX * LOG_CELL];

START_TEST(any_cell_can_be_asked_for)
{
	static const char object[] = "ml-prod/some-name";
	uint64_t starts[120], next;
	struct audit *a = logdir_open(LOGDIR_SMALL);
	struct log_record r;
	size_t k = 0;

	ck_assert(audit_set_keys(a, &logdir_keys));
	for (uint64_t i = 0; i < 120; i++)
		starts[i] = logdir_append(a, i, i % 2 == 0 ? object : "");
	for (uint64_t cell = audit_end(a) - 1; cell-- > 0;) {
		bool start = false;

		for (k = 0; k < 120 && !start; k++)
			start = starts[k] == cell;
		ck_assert_int_eq(audit_read(a, cell, &r, &next, text),
		    start ? LOG_OK : LOG_BROKEN);
		if (!start) {
			ck_assert_uint_eq(next, cell + 1);
			continue;
		}
		ck_assert_uint_eq(r.time, k - 1);
		ck_assert(view_is(r.object, k % 2 == 1 ? object : ""));
	}
	ck_assert_int_eq(audit_read(a, audit_end(a), &r, &next, text),
	    LOG_END);
	ck_assert_int_eq(audit_read(a, UINT64_MAX, &r, &next, text), LOG_END);
	ck_assert_uint_eq(next, audit_end(a));
	audit_close(a);
}
END_TEST

START_TEST(plain_text_lives_as_long_as_the_buffer)
{
	struct log_record r = { .type = LOG_CONNECTION, .connection = 7,
		.object = view_of("/usr/bin/agent"),
		.detail = view_of("unit") }, got;
	struct audit *a = logdir_open(LOGDIR_SMALL);
	uint64_t next;

	(void)audit_append(a, &r);
	r.type = LOG_SYSTEM;
	r.object = view_of("");
	(void)audit_append(a, &r);
	ck_assert_int_eq(audit_read(a, 0, &got, &next, text), LOG_OK);
	ck_assert_ptr_eq(got.object.data, text);
	ck_assert(view_is(got.object, "/usr/bin/agent"));
	ck_assert(view_is(got.detail, "unit"));
	ck_assert_int_eq(audit_read(a, next, &got, &next, text), LOG_OK);
	ck_assert_uint_eq(got.object.len, 0);
	ck_assert(view_is(got.detail, "unit"));
	audit_close(a);
}
END_TEST

START_TEST(a_bad_place_in_an_old_segment_hides_nothing_else)
{
	unsigned ok = 0, broken = 0;
	struct audit *a = logdir_open(LOGDIR_SMALL);
	enum log_result result;
	struct log_record r;
	uint64_t next;

	logdir_append_many(a, 0, 100);
	logdir_flip(logdir_segment(0), logdir_at(5) + 20);
	logdir_blank(9, 0, 2 * LOG_CELL);
	for (uint64_t cell = 0;
	     (result = audit_read(a, cell, &r, &next, text)) != LOG_END;
	     cell = next) {
		ok += result == LOG_OK;
		broken += result == LOG_BROKEN;
	}
	/* 5; 9 with 10, for 11 has nothing to follow. */
	ck_assert_uint_eq(broken, 3);
	ck_assert_uint_eq(ok, 96);
	audit_close(a);
}
END_TEST

START_TEST(old_segments_that_are_gone_or_cut_are_broken_not_fatal)
{
	struct audit *a = logdir_open(LOGDIR_SMALL);
	struct log_record r;
	uint64_t next;

	logdir_append_many(a, 0, 100);
	ck_assert_int_eq(truncate(logdir_segment(31), 3 * LOG_CELL), 0);
	ck_assert_int_eq(audit_read(a, 31, &r, &next, text), LOG_OK);
	ck_assert_int_eq(audit_read(a, 35, &r, &next, text), LOG_BROKEN);
	ck_assert_uint_eq(next, 62);
	ck_assert_int_eq(unlink(logdir_segment(0)), 0);
	ck_assert_int_eq(audit_read(a, 3, &r, &next, text), LOG_BROKEN);
	ck_assert_uint_eq(next, 31);
	audit_close(a);
	a = logdir_open(LOGDIR_SMALL);
	ck_assert_uint_eq(audit_first(a), 31);
	ck_assert_int_eq(audit_read(a, 3, &r, &next, text), LOG_BROKEN);
	ck_assert_uint_eq(next, 31);
	ck_assert_int_eq(audit_read(a, 62, &r, &next, text), LOG_OK);
	audit_close(a);
}
END_TEST

START_TEST(a_record_made_without_the_key_is_forged)
{
	static const uint8_t other[KEY_LEN] = { 9 };
	const struct log_keys wrong = { other, logdir_keys.name };
	struct audit *a = logdir_open(LOGDIR_SMALL);
	struct log_record r;
	uint64_t next;

	ck_assert(audit_set_keys(a, &logdir_keys));
	(void)logdir_append(a, 0, "a/b");
	ck_assert(audit_set_keys(a, NULL));
	(void)logdir_append(a, 1, "a/b");
	ck_assert(audit_set_keys(a, &logdir_keys));
	ck_assert(!audit_set_keys(a, &wrong));
	ck_assert_int_eq(audit_read(a, 0, &r, &next, text), LOG_FORGED);
	ck_assert_uint_eq(next, 2);
	ck_assert_uint_eq(r.object.len, 0);
	ck_assert_int_eq(audit_read(a, 2, &r, &next, text), LOG_OK);
	ck_assert_uint_eq(r.flags, LOG_NO_NAME);
	/* What changes while the daemon runs is noticed with the keys too. */
	ck_assert(audit_set_keys(a, &logdir_keys));
	logdir_flip(logdir_segment(0), logdir_at(2) + 30);
	ck_assert(!audit_set_keys(a, &logdir_keys));
	audit_close(a);
}
END_TEST

START_TEST(an_epoch_without_a_tag_is_nobodys)
{
	struct audit *a = logdir_open(LOGDIR_SMALL);
	struct log_record r = logdir_record(0);

	r.epoch = UINT64_MAX;
	(void)audit_append(a, &r);
	audit_close(a);
	a = logdir_open(LOGDIR_SMALL);
	ck_assert_uint_eq(audit_last_epoch(a), 0);
	audit_close(a);
}
END_TEST

START_TEST(the_newest_epoch_is_found_across_segments)
{
	struct audit *a = logdir_open(LOGDIR_SMALL);
	struct log_record r = logdir_record(0);

	ck_assert_uint_eq(audit_last_epoch(a), 0);
	ck_assert(audit_set_keys(a, &logdir_keys));
	logdir_append_many(a, 0, 10);
	r.epoch = 7;
	(void)audit_append(a, &r);
	r.epoch = 6; /* a store that was put back, and taken */
	(void)audit_append(a, &r);
	ck_assert_uint_eq(audit_last_epoch(a), 6);
	audit_close(a);
	a = logdir_open(LOGDIR_SMALL);
	ck_assert_uint_eq(audit_last_epoch(a), 6);
	logdir_append_many(a, 0, 100);
	audit_close(a);
	a = logdir_open(LOGDIR_SMALL);
	ck_assert_uint_eq(a->count, 4);
	ck_assert_uint_eq(audit_last_epoch(a), 6);
	audit_close(a);
}
END_TEST

static void
add_tests(Suite *s)
{
	TCase *t = tcase_create("reading");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, logdir_setup, logdir_teardown);
	tcase_add_test(t, any_cell_can_be_asked_for);
	tcase_add_test(t, plain_text_lives_as_long_as_the_buffer);
	tcase_add_test(t, a_bad_place_in_an_old_segment_hides_nothing_else);
	tcase_add_test(t,
	    old_segments_that_are_gone_or_cut_are_broken_not_fatal);
	tcase_add_test(t, a_record_made_without_the_key_is_forged);
	tcase_add_test(t, an_epoch_without_a_tag_is_nobodys);
	tcase_add_test(t, the_newest_epoch_is_found_across_segments);
	suite_add_tcase(s, t);
}

int
main(void)
{
	Suite *s = suite_create("audit_read");
	SRunner *sr = srunner_create(s);
	int failed;

	add_tests(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
