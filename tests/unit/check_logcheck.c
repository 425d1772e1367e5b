#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logcheck_parts.h"

static void
assert_bad(uint64_t first, uint64_t cell, const char *reason)
{
	struct logcheck l;
	char name[LOG_NAME_LEN];

	logfmt_name_put(name, first);
	ck_assert_int_eq(check(&l), COFRE_CORRUPT);
	ck_assert_str_eq(l.file, name);
	ck_assert_msg(l.cell == cell && strstr(l.reason, reason) != NULL,
	    "%llu: %s", (unsigned long long)l.cell, l.reason);
}

START_TEST(a_good_log_is_told_with_its_figures)
{
	struct audit *a = logdir_open(LOGDIR_SMALL);
	uint8_t chain[LOG_CHAIN_LEN];
	struct logcheck l;

	logdir_append_many(a, 1000, 50);
	ck_assert(audit_set_keys(a, &logdir_keys));
	for (uint64_t i = 0; i < 30; i++)
		(void)logdir_append(a, 2000 + i, "ml-prod/name");
	memcpy(chain, a->chain, sizeof(chain));
	audit_close(a);
	ck_assert_int_eq(check(&l), COFRE_OK);
	ck_assert_uint_eq(l.records, 80);
	ck_assert_uint_eq(l.untagged, 50);
	ck_assert_uint_eq(l.first, 0);
	ck_assert_uint_eq(l.end, l.last_cell + 2);
	ck_assert_uint_eq(l.first_time, 1000);
	ck_assert_uint_eq(l.last_time, 2029);
	ck_assert_uint_ge(l.segments, 3);
	ck_assert_mem_eq(l.chain, chain, sizeof(chain));
	ck_assert_str_eq(l.reason, "");
	ck_assert(!l.unfinished && l.torn == 0);
}
END_TEST

START_TEST(an_empty_log_is_good)
{
	audit_close(logdir_open(LOGDIR_SMALL));
	assert_good(0);
}
END_TEST

START_TEST(the_directory_itself_can_be_given)
{
	struct logcheck l = { .since = NULL };

	make_log();
	ck_assert_int_eq(logcheck_run(&l, logdir_path(""), &problem),
	    COFRE_OK);
	ck_assert_uint_eq(l.records, 80);
}
END_TEST

START_TEST(where_no_log_is_nothing_is_verified)
{
	struct logcheck l = { .since = NULL };

	ck_assert_int_eq(check(&l), COFRE_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(problem.text, "no activity log"));
	ck_assert_int_eq(logcheck_run(&l, "/nonexistent", &problem),
	    COFRE_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(problem.text, "No such file"));
}
END_TEST

/* The records are locked ones, so that nothing in them needs a key. */
START_TEST(every_changed_byte_of_a_full_segment_is_noticed)
{
	struct logcheck l;

	make_log();
	for (off_t at = 0; at < (off_t)LOGDIR_SMALL; at++) {
		bool mark = at >= (off_t)LOG_MARK && at < (off_t)LOG_MARK + 8;

		if (mark)
			continue;
		logdir_flip(logdir_segment(31), at);
		ck_assert_msg(check(&l) == COFRE_CORRUPT, "byte %lld",
		    (long long)at);
		ck_assert_int_eq(strncmp(l.file, "00000000000000", 14), 0);
		logdir_flip(logdir_segment(31), at);
	}
	assert_good(80);
}
END_TEST

START_TEST(changed_bytes_of_the_last_segment_are_noticed)
{
	struct logcheck l;

	make_log();
	for (off_t at = 5; at < (off_t)LOGDIR_SMALL; at += 213) {
		/* Just behind the end it may be an unfinished record. */
		logdir_flip(logdir_segment(62), at);
		ck_assert_msg(check(&l) == COFRE_CORRUPT || l.unfinished,
		    "byte %lld", (long long)at);
		logdir_flip(logdir_segment(62), at);
	}
}
END_TEST

START_TEST(the_bad_place_is_named)
{
	make_log();
	logdir_flip(logdir_segment(31), logdir_at(7) + 20);
	assert_bad(31, 38, "does not follow from the record");
	logdir_flip(logdir_segment(31), logdir_at(7) + 20);
	logdir_flip(logdir_segment(62), 33);
	assert_bad(62, 62, "the header is damaged");
}
END_TEST

START_TEST(a_segment_that_is_missing_is_noticed)
{
	make_log();
	ck_assert_int_eq(unlink(logdir_segment(31)), 0);
	assert_bad(0, 31, "the next one that is there begins at cell 62");
}
END_TEST

START_TEST(a_log_whose_first_segments_are_gone_tells_where_it_begins)
{
	struct logcheck l;

	make_log();
	ck_assert_int_eq(unlink(logdir_segment(0)), 0);
	ck_assert_int_eq(check(&l), COFRE_OK);
	ck_assert_uint_eq(l.first, 31);
	ck_assert_uint_eq(l.records, 49);
}
END_TEST

START_TEST(a_part_of_the_log_can_be_checked)
{
	struct logcheck l = { .since = logdir_segment(62) };

	make_log();
	logdir_flip(logdir_segment(0), logdir_at(3));
	l.since = "/some/where/000000000000003e.log";
	ck_assert_int_eq(logcheck_run(&l, logdir_state(), &problem),
	    COFRE_OK);
	ck_assert_uint_eq(l.first, 62);
	l.since = "000000000000003f.log";
	ck_assert_int_eq(logcheck_run(&l, logdir_state(), &problem),
	    COFRE_ARGUMENT);
	l.since = "x";
	ck_assert_int_eq(logcheck_run(&l, logdir_state(), &problem),
	    COFRE_ARGUMENT);
}
END_TEST

START_TEST(a_segment_of_another_log_is_noticed)
{
	uint8_t cell[LOG_CELL];
	struct log_segment head;
	int fd;

	make_log();
	fd = open(logdir_segment(31), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(pread(fd, cell, LOG_CELL, 0), LOG_CELL);
	(void)close(fd);
	ck_assert(logfmt_segment_get(cell, &head));
	head.log_id[3] ^= 1;
	logfmt_segment_put(cell, &head);
	logdir_poke(logdir_segment(31), 0, cell, LOG_CELL);
	assert_bad(31, 31, "another log");
	head.log_id[3] ^= 1;
	head.chain[3] ^= 1;
	logfmt_segment_put(cell, &head);
	logdir_poke(logdir_segment(31), 0, cell, LOG_CELL);
	assert_bad(31, 31, "does not follow from the last record");
}
END_TEST

START_TEST(what_is_no_segment_file_is_bad_and_nothing_waits_for_it)
{
	make_log();
	ck_assert_int_eq(truncate(logdir_segment(62), 4000), 0);
	assert_bad(62, 62, "type or size");
	ck_assert_int_eq(unlink(logdir_segment(62)), 0);
	ck_assert_int_eq(mkfifo(logdir_segment(62), 0600), 0);
	assert_bad(62, 62, "type or size");
	ck_assert_int_eq(unlink(logdir_segment(62)), 0);
	ck_assert_int_eq(symlink("0000000000000000.log", logdir_segment(62)),
	    0);
	assert_bad(62, 62, "Too many levels");
}
END_TEST

START_TEST(a_tail_that_was_on_the_disk_and_is_gone_is_noticed)
{
	static const uint8_t zeros[5 * LOG_CELL];

	make_log();
	logdir_poke(logdir_segment(62), logdir_at(13), zeros, sizeof(zeros));
	assert_bad(62, 75, "there were records up to cell 80");
}
END_TEST

/* What it can't see, and what a noted chain value is good for. */
START_TEST(only_a_known_chain_value_shows_a_tail_cut_off_with_care)
{
	static const uint8_t zeros[5 * LOG_CELL];
	uint8_t chain[LOG_CHAIN_LEN], mark[8] = { 0, 0, 0, 0, 0, 0, 0, 70 };
	struct logcheck l;

	make_log();
	ck_assert_int_eq(check(&l), COFRE_OK);
	memcpy(chain, l.chain, sizeof(chain));
	l = (struct logcheck){ .known = chain };
	ck_assert_int_eq(logcheck_run(&l, logdir_state(), &problem),
	    COFRE_OK);
	ck_assert_uint_eq(l.known_at, 79);
	logdir_poke(logdir_segment(62), logdir_at(13), zeros, sizeof(zeros));
	logdir_poke(logdir_segment(62), LOG_MARK, mark, sizeof(mark));
	assert_good(75);
	l = (struct logcheck){ .known = chain };
	ck_assert_int_eq(logcheck_run(&l, logdir_state(), &problem),
	    COFRE_CORRUPT);
	ck_assert_ptr_nonnull(strstr(l.reason, "no record has the chain"));
}
END_TEST

START_TEST(a_noted_value_is_known_where_the_kept_log_begins)
{
	struct logcheck l = { .since = NULL };
	struct audit *a = logdir_open(LOGDIR_SMALL);
	uint8_t chain[LOG_CHAIN_LEN];

	logdir_append_many(a, 1000, 31);
	memcpy(chain, a->chain, sizeof(chain));
	logdir_append_many(a, 1031, 62);
	audit_close(a);
	l = (struct logcheck){ .known = chain,
		.since = "000000000000001f.log" };
	ck_assert_msg(logcheck_run(&l, logdir_state(), &problem) ==
	    COFRE_OK, "%s", l.reason);
	ck_assert_uint_eq(l.known_at, 30);
	ck_assert_int_eq(unlink(logdir_segment(0)), 0);
	l = (struct logcheck){ .known = chain };
	ck_assert_int_eq(logcheck_run(&l, logdir_state(), &problem),
	    COFRE_OK);
	ck_assert_uint_eq(l.known_at, 30);
	ck_assert_int_eq(unlink(logdir_segment(31)), 0);
	l = (struct logcheck){ .known = chain };
	ck_assert_int_eq(logcheck_run(&l, logdir_state(), &problem),
	    COFRE_CORRUPT);
}
END_TEST

START_TEST(bytes_that_a_killed_daemon_left_are_told_not_blamed)
{
	struct logcheck l;

	make_log();
	logdir_poke(logdir_segment(62), logdir_at(18) + 8, "left", 4);
	ck_assert_int_eq(check(&l), COFRE_OK);
	ck_assert(l.unfinished);
	ck_assert_uint_eq(l.records, 80);
	logdir_poke(logdir_segment(62), logdir_at(24), "left", 4);
	assert_bad(62, 80, "does not follow");
}
END_TEST

START_TEST(a_torn_end_that_was_kept_aside_is_told)
{
	struct logcheck l;
	struct audit *a;

	make_log();
	logdir_poke(logdir_segment(62), logdir_at(18) + 8, "left", 4);
	a = logdir_open(LOGDIR_SMALL);
	ck_assert_ptr_nonnull(audit_open_note(a));
	audit_close(a);
	ck_assert_int_eq(check(&l), COFRE_OK);
	ck_assert_uint_eq(l.torn, 1);
	ck_assert(!l.unfinished);
}
END_TEST

START_TEST(a_segment_that_overlaps_is_noticed)
{
	uint8_t cell[LOG_CELL];
	struct log_segment head;
	int fd;

	make_log();
	fd = open(logdir_segment(0), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(pread(fd, cell, LOG_CELL, 0), LOG_CELL);
	(void)close(fd);
	ck_assert(logfmt_segment_get(cell, &head));
	head.first = 30;
	logfmt_segment_put(cell, &head);
	fd = open(logdir_segment(30), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(ftruncate(fd, LOGDIR_SMALL), 0);
	(void)close(fd);
	logdir_poke(logdir_segment(30), 0, cell, LOG_CELL);
	assert_bad(0, 31, "the next one that is there begins at cell 30");
}
END_TEST

static void
add_tests(Suite *s)
{
	TCase *t = tcase_create("logcheck");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, logdir_setup, logdir_teardown);
	tcase_add_test(t, a_good_log_is_told_with_its_figures);
	tcase_add_test(t, an_empty_log_is_good);
	tcase_add_test(t, the_directory_itself_can_be_given);
	tcase_add_test(t, where_no_log_is_nothing_is_verified);
	tcase_add_test(t, every_changed_byte_of_a_full_segment_is_noticed);
	tcase_add_test(t, changed_bytes_of_the_last_segment_are_noticed);
	tcase_add_test(t, the_bad_place_is_named);
	tcase_add_test(t, a_segment_that_is_missing_is_noticed);
	tcase_add_test(t,
	    a_log_whose_first_segments_are_gone_tells_where_it_begins);
	tcase_add_test(t, a_part_of_the_log_can_be_checked);
	tcase_add_test(t, a_segment_of_another_log_is_noticed);
	tcase_add_test(t,
	    what_is_no_segment_file_is_bad_and_nothing_waits_for_it);
	tcase_add_test(t, a_tail_that_was_on_the_disk_and_is_gone_is_noticed);
	tcase_add_test(t,
	    only_a_known_chain_value_shows_a_tail_cut_off_with_care);
	tcase_add_test(t,
	    a_noted_value_is_known_where_the_kept_log_begins);
	tcase_add_test(t,
	    bytes_that_a_killed_daemon_left_are_told_not_blamed);
	tcase_add_test(t, a_torn_end_that_was_kept_aside_is_told);
	tcase_add_test(t, a_segment_that_overlaps_is_noticed);
	suite_add_tcase(s, t);
}

int
main(void)
{
	Suite *s = suite_create("logcheck");
	SRunner *sr = srunner_create(s);
	int failed;

	add_tests(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
