#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logdir.h"

/* ---- what a crash leaves ---- */

/* Twenty records: ten that were flushed and marked, ten that were not. */
static void
make_unflushed(void)
{
	struct audit *a = logdir_open(LOGDIR_SMALL);

	logdir_append_many(a, 0, 10);
	audit_close(a);
	ck_assert_uint_eq(logdir_mark(0), 10);
	a = logdir_open(LOGDIR_SMALL);
	logdir_append_many(a, 10, 6);
	ck_assert(audit_set_keys(a, &logdir_keys));
	(void)logdir_append(a, 16, "long/enough-for-two-cells");
	logdir_append_many(a, 17, 3);
	logdir_kill(a);
}

/* Reading ends at a cell; the rest is kept, and the log goes on. */
static void
assert_torn(uint64_t cell, uint64_t records)
{
	char name[40];
	struct audit *a = logdir_open(LOGDIR_SMALL);
	struct stat st;

	(void)snprintf(name, sizeof(name), "%016llx.torn",
	    (unsigned long long)cell);
	ck_assert_ptr_nonnull(audit_open_note(a));
	ck_assert_ptr_nonnull(strstr(audit_open_note(a), name));
	ck_assert_int_eq(stat(logdir_path(name), &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
	ck_assert_int_eq(st.st_size % LOG_CELL, 0);
	ck_assert_int_gt(st.st_size, 0);
	ck_assert_uint_eq(audit_end(a), cell);
	ck_assert(logfmt_is_zero(segment_at(&a->now, cell),
	    (size_t)audit_left(a) * LOG_CELL));
	logdir_assert(a, records);
	logdir_append_many(a, records, 40);
	logdir_kill(a);
	a = logdir_open(LOGDIR_SMALL);
	ck_assert_ptr_null(audit_open_note(a));
	logdir_assert(a, records + 40);
	audit_close(a);
}

static const struct tear {
	uint64_t cell;
	off_t from;
	size_t len;
} tears[] = {
	{ 10, 0, LOG_CELL },	 /* the first that was not flushed */
	{ 12, 0, LOG_CELL },	 /* one */
	{ 12, 0, 4 * LOG_CELL }, /* a sector */
	{ 12, 0, 8 },		 /* its first bytes */
	{ 12, 0, 64 },
	{ 12, 64, 64 },		 /* its second half */
	{ 12, 64, 192 },
	{ 16, 0, 8 },
	{ 16, LOG_CELL, LOG_CELL }, /* its extension */
	{ 16, LOG_CELL + 64, 64 },
	{ 20, 0, 64 },		 /* of the last one */
};

START_TEST(a_torn_end_is_kept_aside_and_the_log_goes_on)
{
	const struct tear *t = &tears[_i];

	make_unflushed();
	logdir_blank(t->cell, t->from, t->len);
	/* All records before that place have one cell, but the 17th. */
	assert_torn(t->cell, t->cell > 16 ? t->cell - 1 : t->cell);
}
END_TEST

START_TEST(bytes_of_a_record_that_was_never_seen_are_kept_aside)
{
	make_unflushed();
	logdir_poke(logdir_segment(0), logdir_at(21) + 8, "left", 4);
	assert_torn(21, 20);
}
END_TEST

START_TEST(what_is_kept_is_what_was_there)
{
	uint8_t before[9 * LOG_CELL], kept[sizeof(before) + 1];
	int fd;

	make_unflushed();
	logdir_blank(12, 0, 8);
	fd = open(logdir_segment(0), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(pread(fd, before, sizeof(before), logdir_at(12)),
	    sizeof(before));
	(void)close(fd);
	audit_close(logdir_open(LOGDIR_SMALL));
	fd = open(logdir_path("000000000000000c.torn"), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(read(fd, kept, sizeof(kept)), sizeof(before));
	ck_assert_mem_eq(kept, before, sizeof(before));
	(void)close(fd);
}
END_TEST

START_TEST(a_repair_that_was_cut_off_is_done_again)
{
	make_unflushed();
	logdir_blank(12, 0, 8);
	ck_assert_int_ge(creat(logdir_path("000000000000000c.torn"), 0600), 0);
	audit_close(logdir_open(LOGDIR_SMALL));
	ck_assert(logdir_has("000000000000000c.1.torn"));
}
END_TEST

START_TEST(a_torn_end_that_can_not_be_kept_is_not_removed)
{
	make_unflushed();
	logdir_blank(12, 0, 8);
	logdir_refused_under(0,
	    "can't be kept in 000000000000000c.torn: File too");
	ck_assert(!logdir_has("000000000000000c.torn"));
	assert_torn(12, 12);
}
END_TEST

/*
 * A power cut: of what was written since the flush, any part is on the disk,
 * and the rest is as it was.  part says which, in units of size bytes.
 */
static void
mix(uint8_t *to, const uint8_t *old, const uint8_t *new, size_t size,
    const uint8_t *part)
{
	for (size_t i = 0; i < LOGDIR_SMALL / size; i++)
		memcpy(to + i * size, (part[i] ? new : old) + i * size, size);
}

static void
read_segment(uint8_t *to)
{
	int fd = open(logdir_segment(0), O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(pread(fd, to, LOGDIR_SMALL, 0), LOGDIR_SMALL);
	(void)close(fd);
}

/* The file before and after records that were not flushed. */
static void
make_versions(uint8_t *old, uint8_t *new)
{
	struct log_record r = { .type = LOG_CONNECTION,
		.object = view_of("/usr/bin/agent") };
	struct audit *a = logdir_open(LOGDIR_SMALL);

	logdir_append_many(a, 0, 5);
	audit_close(a);
	read_segment(old);
	a = logdir_open(LOGDIR_SMALL);
	ck_assert(audit_set_keys(a, &logdir_keys));
	while (audit_left(a) > 8) {
		r.time = audit_end(a);
		(void)audit_append(a, &r);
		(void)logdir_append(a, r.time, "a/name");
		(void)logdir_append(a, r.time, "");
	}
	logdir_kill(a);
	read_segment(new);
}

/* The log opens, has the flushed records, can go on, and is then whole. */
static void
assert_survives(const uint8_t *file, const uint8_t *new)
{
	struct audit *a;

	logdir_poke(logdir_segment(0), 0, file, LOGDIR_SMALL);
	a = logdir_open(LOGDIR_SMALL);
	ck_assert_uint_ge(audit_end(a), 5);
	ck_assert((audit_open_note(a) == NULL) ==
	    (memcmp(file, new, LOGDIR_SMALL) == 0 ||
		logfmt_is_zero(file + logdir_at(audit_end(a)), LOGDIR_SMALL -
		    (size_t)logdir_at(audit_end(a)))));
	ck_assert_mem_eq(a->now.map, new,
	    (size_t)logdir_at(audit_end(a)));
	logdir_append_many(a, 0, 1);
	logdir_kill(a);
	a = logdir_open(LOGDIR_SMALL);
	ck_assert_ptr_null(audit_open_note(a));
	logdir_kill(a);
}

START_TEST(whatever_sectors_a_power_cut_loses_the_log_opens)
{
	uint8_t old[LOGDIR_SMALL], new[LOGDIR_SMALL], file[LOGDIR_SMALL];
	uint8_t part[LOGDIR_SMALL / 512];

	make_versions(old, new);
	for (unsigned set = 0; set < 256; set++) {
		for (unsigned i = 0; i < 8; i++)
			part[i] = set >> i & 1;
		mix(file, old, new, 512, part);
		assert_survives(file, new);
	}
}
END_TEST

START_TEST(whatever_lines_a_power_cut_loses_the_log_opens)
{
	uint8_t old[LOGDIR_SMALL], new[LOGDIR_SMALL], file[LOGDIR_SMALL];
	uint8_t part[LOGDIR_SMALL / 64];
	uint32_t x = 1; /* a sequence that is always the same */

	make_versions(old, new);
	for (unsigned round = 0; round < 300; round++) {
		for (size_t i = 0; i < sizeof(part); i++) {
			x = x * 1664525 + 1013904223;
			part[i] = (x >> 24) % 16 > round % 16;
		}
		mix(file, old, new, 64, part);
		assert_survives(file, new);
	}
}
END_TEST

START_TEST(a_copy_with_holes_gets_its_space_back)
{
	uint8_t file[LOGDIR_SMALL];
	struct stat st;
	struct audit *a = logdir_open(LOGDIR_LARGE);

	logdir_append_many(a, 0, 10);
	audit_close(a);
	read_segment(file);
	ck_assert_int_eq(unlink(logdir_segment(0)), 0);
	ck_assert_int_eq(close(creat(logdir_segment(0), 0600)), 0);
	logdir_poke(logdir_segment(0), 0, file, sizeof(file));
	ck_assert_int_eq(truncate(logdir_segment(0), LOGDIR_LARGE), 0);
	logdir_reopen(LOGDIR_LARGE, 10);
	ck_assert_int_eq(stat(logdir_segment(0), &st), 0);
	ck_assert_int_ge(st.st_blocks * 512, LOGDIR_LARGE);
}
END_TEST

/* ---- what a crash does not do ---- */

START_TEST(a_changed_record_is_refused_wherever_it_is)
{
	const off_t places[] = { 1, 3, 9, 20, 79, 80, 111 };
	char want[80];

	make_unflushed();
	for (uint64_t cell = 0; cell < 20; cell += 5)
		for (size_t i = 0; i < 7; i++) {
			logdir_flip(logdir_segment(0), logdir_at(cell) + places[i]);
			(void)snprintf(want, sizeof(want),
			    "activity/0000000000000000.log: cell %llu does",
			    (unsigned long long)cell);
			logdir_assert_refused(want);
			logdir_flip(logdir_segment(0), logdir_at(cell) + places[i]);
		}
	logdir_reopen(LOGDIR_SMALL, 20);
}
END_TEST

START_TEST(what_was_flushed_can_not_be_torn)
{
	make_unflushed();
	logdir_blank(9, 0, LOG_CELL);
	logdir_assert_refused("0000000000000000.log: cell 9 does not follow");
}
END_TEST

START_TEST(an_end_before_the_mark_is_refused)
{
	make_unflushed();
	logdir_blank(7, 0, 14 * LOG_CELL);
	logdir_assert_refused("0000000000000000.log: ends at cell 7, but there were "
	    "records up to cell 10");
}
END_TEST

static void
damage_header(void)
{
	logdir_flip(logdir_segment(31), 33);
}

static void
truncate_file(void)
{
	ck_assert_int_eq(truncate(logdir_segment(31), 100), 0);
}

static void
empty_file(void)
{
	ck_assert_int_eq(truncate(logdir_segment(31), 0), 0);
}

static void
break_link(void)
{
	logdir_flip(logdir_segment(0), logdir_at(30) + LOG_BODY);
}

static void
plant_segment(void)
{
	uint8_t cells[LOGDIR_SMALL] = { 0 };
	struct log_segment s = { .first = 50, .mark = 50 };
	int fd = open(logdir_segment(50), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	logfmt_segment_put(cells, &s);
	ck_assert_int_eq(write(fd, cells, LOGDIR_SMALL), LOGDIR_SMALL);
	(void)close(fd);
}

static void
rename_segment(void)
{
	char from[128];

	(void)strcpy(from, logdir_segment(31));
	ck_assert_int_eq(rename(from, logdir_segment(32)), 0);
}

static void
link_segment(void)
{
	char from[128];

	(void)strcpy(from, logdir_segment(31));
	ck_assert_int_eq(rename(from, logdir_path("x")), 0);
	ck_assert_int_eq(symlink("x", logdir_segment(31)), 0);
}

static void
make_directory(void)
{
	ck_assert_int_eq(unlink(logdir_segment(31)), 0);
	ck_assert_int_eq(mkdir(logdir_segment(31), 0700), 0);
}

static void
make_fifo(void)
{
	ck_assert_int_eq(unlink(logdir_segment(31)), 0);
	ck_assert_int_eq(mkfifo(logdir_segment(31), 0600), 0);
}

static void
open_directory_to_others(void)
{
	ck_assert_int_eq(chmod(logdir_path(""), 0770), 0);
}

static const struct damage {
	void (*make)(void);
	const char *why;
} damages[] = {
	{ damage_header, "activity/000000000000001f.log: the header is" },
	{ truncate_file, "activity/000000000000001f.log: is no segment" },
	{ empty_file, "activity/000000000000001f.log: is no segment" },
	{ break_link, "activity/000000000000001f.log: does not go on" },
	{ plant_segment, "activity/0000000000000032.log: does not go on" },
	{ rename_segment, "activity/0000000000000020.log: the header is" },
	{ link_segment, "activity/000000000000001f.log: Too many levels" },
	{ make_directory, "activity/000000000000001f.log: Is a directory" },
	{ make_fifo, "activity/000000000000001f.log: is no segment" },
	{ open_directory_to_others, "activity: others than its owner may" },
};

START_TEST(a_damaged_log_is_refused_with_the_file_that_is_damaged)
{
	struct audit *a = logdir_open(LOGDIR_SMALL);

	logdir_append_many(a, 0, 40);
	audit_close(a);
	damages[_i].make();
	logdir_assert_refused(damages[_i].why);
}
END_TEST

START_TEST(a_segment_size_that_can_not_be_is_refused)
{
	static const size_t sizes[] = { 0, 1, 4095, 5000,
		AUDIT_SEGMENT_MAX + 4096 };
	char error[256];

	for (size_t i = 0; i < 5; i++) {
		ck_assert_ptr_null(audit_open(logdir_fd(), sizes[i], error,
		    sizeof(error)));
		ck_assert_ptr_nonnull(strstr(error, "multiple of"));
	}
}
END_TEST

static void
add_tests(Suite *s)
{
	TCase *t = tcase_create("crashes");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, logdir_setup, logdir_teardown);
	tcase_add_loop_test(t, a_torn_end_is_kept_aside_and_the_log_goes_on,
	    0, sizeof(tears) / sizeof(tears[0]));
	tcase_add_test(t,
	    bytes_of_a_record_that_was_never_seen_are_kept_aside);
	tcase_add_test(t, what_is_kept_is_what_was_there);
	tcase_add_test(t, a_repair_that_was_cut_off_is_done_again);
	tcase_add_test(t, a_torn_end_that_can_not_be_kept_is_not_removed);
	tcase_add_test(t, whatever_sectors_a_power_cut_loses_the_log_opens);
	tcase_add_test(t, whatever_lines_a_power_cut_loses_the_log_opens);
	tcase_add_test(t, a_copy_with_holes_gets_its_space_back);
	tcase_add_test(t, a_changed_record_is_refused_wherever_it_is);
	tcase_add_test(t, what_was_flushed_can_not_be_torn);
	tcase_add_test(t, an_end_before_the_mark_is_refused);
	tcase_add_loop_test(t,
	    a_damaged_log_is_refused_with_the_file_that_is_damaged, 0,
	    sizeof(damages) / sizeof(damages[0]));
	tcase_add_test(t, a_segment_size_that_can_not_be_is_refused);
	suite_add_tcase(s, t);
}

int
main(void)
{
	Suite *s = suite_create("audit_crash");
	SRunner *sr = srunner_create(s);
	int failed;

	add_tests(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
