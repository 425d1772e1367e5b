#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "logdir.h"

/* The last directories that were flushed; which of them can't be. */
static ino_t directories[2];
static int flushed, failing = -1;

int __real_fsync(int fd);
int __wrap_fsync(int fd);

int
__wrap_fsync(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1 || !S_ISDIR(st.st_mode))
		return __real_fsync(fd);
	directories[flushed % 2] = st.st_ino;
	errno = EIO;
	return flushed++ == failing ? -1 : __real_fsync(fd);
}

/* ---- files ---- */

START_TEST(a_new_log_is_one_file_with_all_its_space)
{
	struct audit *a = logdir_open(LOGDIR_LARGE);
	struct stat st;

	ck_assert_uint_eq(audit_first(a), 0);
	ck_assert_uint_eq(audit_end(a), 0);
	ck_assert_ptr_null(audit_open_note(a));
	ck_assert_int_eq(stat(logdir_segment(0), &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
	ck_assert_int_eq(st.st_size, LOGDIR_LARGE);
	ck_assert_int_ge(st.st_blocks * 512, LOGDIR_LARGE);
	ck_assert_int_eq(stat(logdir_path(""), &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFDIR | 0700);
	ck_assert(!logdir_has(SEGMENT_TEMPORARY));
	audit_close(a);
}
END_TEST

START_TEST(a_log_goes_on_where_it_ended)
{
	for (uint64_t i = 0; i < 10; i++) {
		struct audit *a = logdir_open(LOGDIR_LARGE);

		ck_assert_uint_eq(audit_end(a), 3 * i);
		logdir_append_many(a, 3 * i, 3);
		audit_close(a);
	}
	logdir_reopen(LOGDIR_LARGE, 30);
}
END_TEST

/* Who made it may have been killed before they were. */
START_TEST(a_log_goes_on_when_its_names_are_on_the_disk)
{
	struct stat state, activity;

	audit_close(logdir_open(LOGDIR_SMALL));
	ck_assert_int_eq(stat(logdir_state(), &state), 0);
	ck_assert_int_eq(stat(logdir_path("."), &activity), 0);
	flushed = 0;
	audit_close(logdir_open(LOGDIR_SMALL));
	ck_assert_int_eq(flushed, 2);
	ck_assert_uint_eq(directories[0], state.st_ino);
	ck_assert_uint_eq(directories[1], activity.st_ino);
	for (flushed = failing = 0; failing < 2; failing++, flushed = 0)
		logdir_assert_refused("can't be flushed: Input/output error");
}
END_TEST

START_TEST(a_killed_process_loses_no_record)
{
	struct audit *a;
	pid_t pid;
	int status;

	for (uint64_t i = 0; i < 3; i++) {
		pid = fork();
		if (pid == 0) {
			a = logdir_open(LOGDIR_SMALL);
			logdir_append_many(a, 50 * i, 50);
			(void)raise(SIGKILL);
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFSIGNALED(status));
		a = logdir_open(LOGDIR_SMALL);
		ck_assert_ptr_null(audit_open_note(a));
		logdir_assert(a, 50 * (i + 1));
		logdir_kill(a);
	}
}
END_TEST

START_TEST(segments_follow_one_another_without_a_gap)
{
	struct audit *a = logdir_open(LOGDIR_SMALL);
	uint64_t starts = 0;

	for (uint64_t i = 0; i < 200; i++) {
		uint64_t before = audit_end(a);

		ck_assert_uint_eq(logdir_append(a, i, i % 3 == 0 ? "" :
		    "/a/name/that/is/long/enough/to/need/more/than/one/cell"),
		    before);
		if (a->now.first == before)
			starts++;
		if (i % 7 == 0)
			(void)audit_set_keys(a, i % 14 == 0 ? &logdir_keys : NULL);
	}
	ck_assert_uint_ge(starts, 6);
	ck_assert_uint_eq(starts, a->count);
	logdir_assert(a, 200);
	for (size_t i = 0; i < a->count; i++)
		ck_assert_int_eq(access(logdir_segment(a->firsts[i]), F_OK), 0);
	audit_close(a);
	a = logdir_open(LOGDIR_SMALL);
	ck_assert(audit_set_keys(a, &logdir_keys));
	logdir_assert(a, 200);
	audit_close(a);
}
END_TEST

START_TEST(a_segment_may_be_filled_to_its_last_cell)
{
	struct audit *a = logdir_open(LOGDIR_SMALL);

	logdir_append_many(a, 0, 31);
	ck_assert_uint_eq(a->count, 1);
	ck_assert_uint_eq(audit_left(a), 0);
	logdir_kill(a);
	a = logdir_open(LOGDIR_SMALL);
	logdir_append_many(a, 31, 31);
	ck_assert_uint_eq(a->count, 2);
	logdir_kill(a);
	logdir_reopen(LOGDIR_SMALL, 62);
}
END_TEST

START_TEST(the_next_segment_is_made_at_three_quarters)
{
	struct audit *a = logdir_open(LOGDIR_SMALL);

	for (uint64_t i = 0; i < 31; i++) {
		ck_assert(logdir_has(SEGMENT_TEMPORARY) == (i > 24));
		logdir_append_many(a, i, 1);
	}
	/* A killed daemon leaves it; the next one removes it. */
	ck_assert(logdir_has(SEGMENT_TEMPORARY));
	logdir_poke(logdir_path(SEGMENT_TEMPORARY), 0, "cofrelog", 8);
	logdir_reopen(LOGDIR_SMALL, 31);
	ck_assert(!logdir_has(SEGMENT_TEMPORARY));
	logdir_kill(a);
}
END_TEST

START_TEST(room_is_for_all_cells_in_one_segment)
{
	struct audit *a = logdir_open(LOGDIR_SMALL);

	logdir_append_many(a, 0, 20);
	ck_assert(audit_room(a, 11));
	ck_assert_uint_eq(a->count, 1);
	ck_assert(audit_room(a, 12));
	ck_assert_uint_eq(a->count, 2);
	ck_assert_uint_eq(audit_left(a), 31);
	ck_assert(!audit_room(a, 32));
	logdir_append_many(a, 20, 1);
	logdir_assert(a, 21);
	audit_close(a);
	/* An empty segment gives way to a larger one. */
	a = logdir_open(LOGDIR_SMALL);
	logdir_append_many(a, 21, 20);
	ck_assert(audit_room(a, 31));
	audit_close(a);
	a = logdir_open(LOGDIR_LARGE);
	ck_assert(audit_room(a, 40));
	ck_assert_uint_eq(a->count, 3);
	logdir_append_many(a, 41, 40);
	logdir_assert(a, 81);
	audit_close(a);
	logdir_reopen(LOGDIR_SMALL, 81);
}
END_TEST

/* Append n records in a process of its own, which must be ended. */
static void
assert_ended(struct log_record r, int n)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct audit *a = logdir_open(LOGDIR_SMALL);

		while (n-- > 0)
			(void)audit_append(a, &r);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

START_TEST(append_without_room_ends_the_process)
{
	assert_ended(logdir_record(0), 32);
}
END_TEST

START_TEST(a_record_without_a_type_ends_the_process)
{
	assert_ended((struct log_record){ .type = _i > 0 ? 255 : 0 }, 1);
}
END_TEST

START_TEST(close_of_nothing_is_allowed)
{
	audit_close(NULL);
}
END_TEST

/* ---- flushing ---- */

START_TEST(the_mark_follows_what_was_flushed)
{
	struct audit *a = logdir_open(LOGDIR_LARGE);

	logdir_append_many(a, 0, AUDIT_MARK_STEP - 1);
	ck_assert(audit_flush(a));
	ck_assert_uint_eq(logdir_mark(0), 0);
	logdir_append_many(a, AUDIT_MARK_STEP - 1, 1);
	ck_assert_uint_eq(logdir_mark(0), 0);
	ck_assert(audit_flush(a));
	ck_assert_uint_eq(logdir_mark(0), AUDIT_MARK_STEP);
	logdir_append_many(a, AUDIT_MARK_STEP, 1);
	audit_close(a);
	ck_assert_uint_eq(logdir_mark(0), AUDIT_MARK_STEP + 1);
}
END_TEST

START_TEST(a_full_segment_is_marked_to_its_end)
{
	struct audit *a = logdir_open(LOGDIR_SMALL);

	logdir_append_many(a, 0, 32);
	logdir_kill(a);
	ck_assert_uint_eq(logdir_mark(0), 31);
	ck_assert_uint_eq(logdir_mark(31), 31);
}
END_TEST

START_TEST(after_a_failed_flush_there_is_no_room)
{
	struct audit *a = logdir_open(LOGDIR_SMALL);
	int fd = dup(a->now.fd);

	logdir_append_many(a, 0, 1);
	(void)close(a->now.fd);
	ck_assert(!audit_flush(a));
	ck_assert_int_eq(dup2(fd, a->now.fd), a->now.fd);
	ck_assert(!audit_flush(a));
	ck_assert(!audit_room(a, 1));
	audit_close(a);
	a = logdir_open(LOGDIR_SMALL);
	ck_assert(audit_room(a, 1));
	logdir_assert(a, 1);
	audit_close(a);
}
END_TEST

/* ---- no space ---- */

/*
 * Fill the first segment with room refused at its end, then go on.  room
 * asks for a cell while there is no space.
 */
static void
assert_refused_and_resumed(struct audit *a, bool (*room)(struct audit *),
    void (*relieve)(void))
{
	struct log_record r = logdir_record(0);
	uint64_t n = 0;

	for (; n < 1000 && room(a); r.time = ++n)
		(void)audit_append(a, &r);
	ck_assert_uint_ge(n, 31);
	ck_assert_uint_lt(n, 1000);
	ck_assert(!room(a));
	ck_assert(audit_flush(a));
	ck_assert(!logdir_has(SEGMENT_TEMPORARY));
	logdir_assert(a, n);
	relieve();
	logdir_append_many(a, n, 40);
	logdir_assert(a, n + 40);
	audit_close(a);
	logdir_reopen(LOGDIR_SMALL, n + 40);
}

static bool
room_under_limit(struct audit *a)
{
	bool room;

	logdir_limit_files(LOGDIR_SMALL - 1);
	room = audit_room(a, 1);
	logdir_limit_files(RLIM_INFINITY);
	return room;
}

static bool
room_for_one(struct audit *a)
{
	return audit_room(a, 1);
}

static void
nothing(void)
{
}

START_TEST(no_segment_can_be_made_over_the_file_size_limit)
{
	assert_refused_and_resumed(logdir_open(LOGDIR_SMALL), room_under_limit, nothing);
}
END_TEST

static void
remove_ballast(void)
{
	ck_assert_int_eq(unlinkat(logdir_fd(), "ballast", 0), 0);
}

START_TEST(no_segment_can_be_made_on_a_full_disk)
{
	static const uint8_t page[LOGDIR_SMALL] = { 1 };
	struct audit *a;
	int fd;

	if (!logdir_mount("tmpfs", "size=256k"))
		return;
	a = logdir_open(LOGDIR_SMALL);
	fd = openat(logdir_fd(), "ballast", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (write(fd, page, sizeof(page)) == (ssize_t)sizeof(page))
		continue;
	ck_assert_int_eq(errno, ENOSPC);
	(void)close(fd);
	assert_refused_and_resumed(a, room_for_one, remove_ballast);
}
END_TEST

START_TEST(without_fallocate_zeros_are_written)
{
	struct audit *a;
	struct stat st;

	if (!logdir_mount("ramfs", NULL))
		return;
	a = logdir_open(LOGDIR_LARGE);
	ck_assert_int_eq(stat(logdir_segment(0), &st), 0);
	ck_assert_int_eq(st.st_size, LOGDIR_LARGE);
	logdir_append_many(a, 0, 1000);
	logdir_kill(a);
	logdir_reopen(LOGDIR_LARGE, 1000);
}
END_TEST

START_TEST(a_new_log_without_space_says_why)
{
	logdir_refused_under(LOGDIR_SMALL - 1,
	    "activity: the first segment can't be made: File too");
	audit_close(logdir_open(LOGDIR_SMALL));
}
END_TEST

#define LARGER ((size_t)4 << 20)

START_TEST(what_was_written_is_flushed_ahead)
{
	struct audit *a = logdir_open(LARGER);
	uint64_t all = LARGER / LOG_CELL;

	ck_assert(audit_goes_ahead(a));
	logdir_append_many(a, 0, AUDIT_AHEAD_STEP - 1);
	ck_assert_uint_eq(a->asked, 0);
	logdir_append_many(a, AUDIT_AHEAD_STEP - 1, 1);
	ck_assert_uint_eq(a->asked, AUDIT_AHEAD_STEP);
	/* The mark says what is known to be there, and this is not. */
	ck_assert_uint_eq(logdir_mark(0), 0);
	logdir_append_many(a, AUDIT_AHEAD_STEP, all - AUDIT_AHEAD_STEP);
	ck_assert_uint_eq(a->now.first, all - 1);
	ck_assert_uint_eq(a->asked, all - 1);
	audit_close(a);
	logdir_reopen(LARGER, all);
}
END_TEST

static void
add_tests(Suite *s)
{
	TCase *t = tcase_create("files");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, logdir_setup, logdir_teardown);
	tcase_add_test(t, a_new_log_is_one_file_with_all_its_space);
	tcase_add_test(t, a_log_goes_on_where_it_ended);
	tcase_add_test(t, a_log_goes_on_when_its_names_are_on_the_disk);
	tcase_add_test(t, a_killed_process_loses_no_record);
	tcase_add_test(t, segments_follow_one_another_without_a_gap);
	tcase_add_test(t, a_segment_may_be_filled_to_its_last_cell);
	tcase_add_test(t, the_next_segment_is_made_at_three_quarters);
	tcase_add_test(t, room_is_for_all_cells_in_one_segment);
	tcase_add_test(t, append_without_room_ends_the_process);
	tcase_add_loop_test(t, a_record_without_a_type_ends_the_process, 0, 2);
	tcase_add_test(t, close_of_nothing_is_allowed);
	tcase_add_test(t, the_mark_follows_what_was_flushed);
	tcase_add_test(t, a_full_segment_is_marked_to_its_end);
	tcase_add_test(t, after_a_failed_flush_there_is_no_room);
	tcase_add_test(t, no_segment_can_be_made_over_the_file_size_limit);
	tcase_add_test(t, no_segment_can_be_made_on_a_full_disk);
	tcase_add_test(t, without_fallocate_zeros_are_written);
	tcase_add_test(t, a_new_log_without_space_says_why);
	tcase_add_test(t, what_was_written_is_flushed_ahead);
	suite_add_tcase(s, t);
}

int
main(void)
{
	Suite *s = suite_create("audit");
	SRunner *sr = srunner_create(s);
	int failed;

	add_tests(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
