#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
	r.object = view_of("alone");
	r.detail = view_of("");
	(void)audit_append(a, &r);
	ck_assert_int_eq(audit_read(a, 0, &got, &next, text), LOG_OK);
	ck_assert_ptr_eq(got.object.data, text);
	ck_assert(view_is(got.object, "/usr/bin/agent"));
	ck_assert(view_is(got.detail, "unit"));
	ck_assert_int_eq(audit_read(a, next, &got, &next, text), LOG_OK);
	ck_assert_uint_eq(got.object.len, 0);
	ck_assert(view_is(got.detail, "unit"));
	ck_assert_int_eq(audit_read(a, next, &got, &next, text), LOG_OK);
	ck_assert(view_is(got.object, "alone"));
	ck_assert_uint_eq(got.detail.len, 0);
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

/* One that stands at another's name tells of other cells. */
START_TEST(an_old_segment_under_another_name_is_broken)
{
	struct audit *a = logdir_open(LOGDIR_SMALL);
	char from[128];
	struct log_record r;
	uint64_t next;

	logdir_append_many(a, 0, 100);
	(void)strcpy(from, logdir_segment(0));
	ck_assert_int_eq(rename(from, logdir_segment(31)), 0);
	for (uint64_t cell = 31; cell < 62; cell = next) {
		ck_assert_int_eq(audit_read(a, cell, &r, &next, text),
		    LOG_BROKEN);
		ck_assert_uint_gt(next, cell);
	}
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
	ck_assert_int_eq(audit_read(a, 62, &r, &next, text), LOG_BROKEN);
	ck_assert_uint_eq(next, 63);
	ck_assert_int_eq(audit_read(a, 63, &r, &next, text), LOG_OK);
	ck_assert_int_eq(unlink(logdir_segment(0)), 0);
	ck_assert_int_eq(audit_read(a, 3, &r, &next, text), LOG_BROKEN);
	ck_assert_uint_eq(next, 31);
	audit_close(a);
	a = logdir_open(LOGDIR_SMALL);
	ck_assert_uint_eq(audit_first(a), 31);
	ck_assert_int_eq(audit_read(a, 3, &r, &next, text), LOG_BROKEN);
	ck_assert_uint_eq(next, 31);
	ck_assert_int_eq(audit_read(a, 31, &r, &next, text), LOG_OK);
	ck_assert_int_eq(audit_read(a, 62, &r, &next, text), LOG_BROKEN);
	audit_close(a);
}
END_TEST

START_TEST(oldest_segments_that_were_moved_away_are_no_damage)
{
	struct audit *a = logdir_open(LOGDIR_SMALL);
	struct log_record r;
	uint64_t next;

	logdir_append_many(a, 0, 130);
	ck_assert_int_eq(audit_read(a, 3, &r, &next, text), LOG_OK);
	audit_drop_gone(a);
	ck_assert_uint_eq(audit_first(a), 0);
	ck_assert_int_eq(unlink(logdir_segment(62)), 0);
	audit_drop_gone(a);
	ck_assert_uint_eq(audit_first(a), 0);
	ck_assert_int_eq(audit_read(a, 62, &r, &next, text), LOG_BROKEN);
	ck_assert_int_eq(audit_read(a, 93, &r, &next, text), LOG_BROKEN);
	ck_assert_int_eq(unlink(logdir_segment(0)), 0);
	audit_drop_gone(a);
	ck_assert_uint_eq(audit_first(a), 31);
	ck_assert_int_eq(audit_read(a, 31, &r, &next, text), LOG_OK);
	ck_assert_int_eq(unlink(logdir_segment(31)), 0);
	audit_drop_gone(a);
	ck_assert_uint_eq(audit_first(a), 93);
	ck_assert_int_eq(audit_read(a, 93, &r, &next, text), LOG_OK);
	ck_assert_uint_eq(r.time, 93);
	ck_assert_int_eq(unlink(logdir_segment(93)), 0);
	ck_assert_int_eq(unlink(logdir_segment(124)), 0);
	audit_drop_gone(a);
	ck_assert_uint_eq(audit_first(a), 124);
	logdir_append_many(a, 130, 10);
	ck_assert_int_eq(audit_read(a, 124, &r, &next, text), LOG_OK);
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

/* How many records can't be read, or are told to be bad. */
static unsigned
count_bad(struct audit *a)
{
	enum log_result result;
	struct log_record r;
	unsigned bad = 0;
	uint64_t next;

	for (uint64_t cell = audit_first(a);
	     (result = audit_read(a, cell, &r, &next, text)) != LOG_END;
	     cell = next)
		bad += result != LOG_OK;
	return bad;
}

/* The chain value of the record at a cell of the first segment. */
static void
take_chain(uint8_t chain[LOG_CHAIN_LEN], uint64_t cell)
{
	int fd = open(logdir_segment(0), O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(pread(fd, chain, LOG_CHAIN_LEN,
	    logdir_at(cell) + LOG_BODY), LOG_CHAIN_LEN);
	(void)close(fd);
}

/* The chain value in the first segment's header. */
static void
take_first_chain(uint8_t chain[LOG_CHAIN_LEN])
{
	int fd = open(logdir_segment(0), O_RDONLY | O_CLOEXEC);
	struct log_segment head;
	uint8_t cell[LOG_CELL];

	ck_assert_int_eq(pread(fd, cell, LOG_CELL, 0), LOG_CELL);
	(void)close(fd);
	ck_assert(logfmt_segment_get(cell, &head));
	memcpy(chain, head.chain, LOG_CHAIN_LEN);
}

/*
 * Without a key: in place of the record of three cells another one, whose
 * text ends like a record of one cell that has the old one's chain value.
 */
static void
put_false_text(uint64_t cell)
{
	struct log_record r = { .type = LOG_SYSTEM, .time = 1, .cell = cell };
	uint8_t cells[LOG_CELLS_MAX * LOG_CELL], chain[LOG_CHAIN_LEN];
	uint8_t behind[2 * LOG_CELL], *last = behind + LOG_CELL;

	memset(behind, 'x', sizeof(behind));
	last[0] = LOG_REQUEST;
	last[1] = 1;
	memset(last + 8, 0, 8);
	last[15] = (uint8_t)(cell + 2);
	memset(last + 64, 0, 4); /* principal: none */
	take_chain(last + LOG_BODY, cell);
	take_chain(chain, cell - 1);
	/* Each string has its length in four bytes before it. */
	r.object = (struct view){ behind + 4, 200 };
	r.detail = (struct view){ last + LOG_BODY, LOG_CHAIN_LEN };
	ck_assert_uint_eq(logfmt_put(cells, &r, NULL, chain), 3);
	logdir_poke(logdir_segment(0), logdir_at(cell), cells, 3 * LOG_CELL);
}

/* Without a key: other records from that cell to the end of the segment. */
static void
put_false_end(uint64_t cell)
{
	uint8_t out[LOG_CELLS_MAX * LOG_CELL], chain[LOG_CHAIN_LEN];
	struct log_record r = logdir_record(4711);

	if (cell > 0)
		take_chain(chain, cell - 1);
	else
		take_first_chain(chain);
	for (r.cell = cell; r.cell < 31; r.cell++) {
		ck_assert_uint_eq(logfmt_put(out, &r, NULL, chain), 1);
		logdir_poke(logdir_segment(0), logdir_at(r.cell), out,
		    LOG_CELL);
	}
}

/* A record of three cells at that cell, and many behind it. */
static void
make_with_text(uint64_t cell)
{
	static const char object[] =
	    "a/name/that/fills/three/cells/a/name/that/fills/three/cells/"
	    "a/name/that/fills/three/cells/a/name/that/fills/three/cells/";
	struct audit *a = logdir_open(LOGDIR_SMALL);

	ck_assert(audit_set_keys(a, &logdir_keys));
	logdir_append_many(a, 0, cell);
	ck_assert_uint_eq(logdir_append(a, cell, object), cell);
	ck_assert_uint_eq(logdir_append(a, cell + 1, ""), cell + 3);
	logdir_append_many(a, cell + 2, 20);
	ck_assert_uint_eq(count_bad(a), 0);
	audit_close(a);
}

START_TEST(no_text_stands_in_for_the_record_before)
{
	struct audit *a;

	make_with_text(10);
	put_false_text(10);
	a = logdir_open(LOGDIR_SMALL);
	ck_assert(audit_set_keys(a, &logdir_keys));
	ck_assert_uint_gt(count_bad(a), 0);
	audit_close(a);
}
END_TEST

START_TEST(no_text_stands_in_for_the_last_record_of_a_segment)
{
	make_with_text(28);
	ck_assert(logdir_has("000000000000001f.log"));
	put_false_text(28);
	logdir_assert_refused("does not go on where the segment");
}
END_TEST

START_TEST(an_old_segment_cant_end_in_another_way)
{
	static const uint64_t from[] = { 30, 17, 0 };
	struct audit *a = logdir_open(LOGDIR_SMALL);

	ck_assert(audit_set_keys(a, &logdir_keys));
	logdir_append_many(a, 0, 100);
	ck_assert_uint_eq(count_bad(a), 0);
	audit_close(a);
	for (size_t i = 0; i < sizeof(from) / sizeof(*from); i++) {
		put_false_end(from[i]);
		a = logdir_open(LOGDIR_SMALL);
		ck_assert(audit_set_keys(a, &logdir_keys));
		ck_assert_uint_eq(count_bad(a), 1);
		audit_close(a);
	}
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
	tcase_add_test(t, an_old_segment_under_another_name_is_broken);
	tcase_add_test(t,
	    old_segments_that_are_gone_or_cut_are_broken_not_fatal);
	tcase_add_test(t,
	    oldest_segments_that_were_moved_away_are_no_damage);
	tcase_add_test(t, a_record_made_without_the_key_is_forged);
	tcase_add_test(t, no_text_stands_in_for_the_record_before);
	tcase_add_test(t, no_text_stands_in_for_the_last_record_of_a_segment);
	tcase_add_test(t, an_old_segment_cant_end_in_another_way);
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
