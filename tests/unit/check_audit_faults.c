/*
 * The activity log while a disk or a kernel fails: each call in turn, when a
 * log is made, when its next segment is, and when a torn end is kept aside.
 * It is said which file it was about, and no record is lost.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logdir.h"

#define SIZE (128u * 1024) /* zeros are written by halves */
#define STEPS 16	   /* more than a start has */
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The nth call fails with that, from now on; of those that can be interrupted
   alone, when it is EINTR. */
static struct {
	int nth, error;
	bool no_fallocate; /* the file system has none */
	bool lost;	   /* what was to be flushed: nobody knows */
} fault;

static bool
fails(bool waits)
{
	if (fault.nth == 0 || (fault.error == EINTR && !waits) ||
	    --fault.nth != 0)
		return false;
	errno = fault.error;
	return true;
}

#define WRAP(name, parameters, arguments, waits) \
	int __real_##name parameters; \
	int __wrap_##name parameters; \
	int __wrap_##name parameters \
	{ \
		return fails(waits) ? -1 : __real_##name arguments; \
	}

WRAP(fsync, (int fd), (fd), false)
WRAP(renameat, (int d, const char *from, int to, const char *name),
    (d, from, to, name), false)
WRAP(unlinkat, (int d, const char *name, int flags), (d, name, flags), false)

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fallocate(int fd, int mode, off_t at, off_t n);
int __wrap_fallocate(int fd, int mode, off_t at, off_t n);
void *__real_mmap(void *at, size_t n, int prot, int flags, int fd, off_t from);
void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t from);
int __real_openat(int d, const char *name, int flags, ...);
int __wrap_openat(int d, const char *name, int flags, ...);
ssize_t __real_pwrite(int fd, const void *from, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *from, size_t n, off_t at);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

int
__wrap_fdatasync(int fd)
{
	if (!fails(false))
		return __real_fdatasync(fd);
	fault.lost = true;
	return -1;
}

int
__wrap_fallocate(int fd, int mode, off_t at, off_t n)
{
	if (fails(true))
		return -1;
	if (!fault.no_fallocate)
		return __real_fallocate(fd, mode, at, n);
	errno = ENOSYS;
	return -1;
}

void *
__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t from)
{
	return fails(false) ? MAP_FAILED :
			      __real_mmap(at, n, prot, flags, fd, from);
}

int
__wrap_openat(int d, const char *name, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	return fails(false) ? -1 : __real_openat(d, name, flags, mode);
}

ssize_t
__wrap_pwrite(int fd, const void *from, size_t n, off_t at)
{
	return fails(true) ? -1 : __real_pwrite(fd, from, n, at);
}

void *
__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails(false) ? NULL : __real_reallocarray(p, n, size);
}

static void
set_fault(int nth, int error)
{
	fault.nth = nth;
	fault.error = error;
}

/* With the nth call failing.  NULL when it is refused, with a reason. */
static struct audit *
open_with_fault(int nth, int error, size_t size)
{
	char why[512] = "";
	struct audit *a;

	set_fault(nth, error);
	a = audit_open(logdir_fd(), size, why, sizeof(why));
	fault.nth = 0;
	if (a == NULL) {
		ck_assert_msg(strstr(why, strerror(error)) != NULL ||
			strcmp(why, "activity: can't be read") == 0, "%s",
		    why);
		ck_assert_msg(strncmp(why, "activity", 8) == 0, "%s", why);
	}
	return a;
}

START_TEST(a_log_that_cant_be_made_is_made_later)
{
	struct audit *a;

	fault.no_fallocate = _i >= STEPS;
	a = open_with_fault(_i % STEPS + 1, EIO, SIZE);
	if (a == NULL)
		a = logdir_open(SIZE);
	ck_assert(!logdir_has(SEGMENT_TEMPORARY));
	logdir_append_many(a, 0, 100);
	audit_close(a);
	logdir_reopen(SIZE, 100);
}
END_TEST

START_TEST(an_interruption_makes_no_difference)
{
	struct audit *a;

	fault.no_fallocate = _i >= 4;
	a = open_with_fault(_i % 4 + 1, EINTR, SIZE);
	ck_assert_ptr_nonnull(a);
	logdir_append_many(a, 0, 1000);
	logdir_kill(a);
	logdir_reopen(SIZE, 1000);
}
END_TEST

/* Twenty records, of which the thirteenth lost its beginning. */
static void
make_torn(void)
{
	struct audit *a = logdir_open(LOGDIR_SMALL);

	logdir_append_many(a, 0, 20);
	logdir_kill(a);
	logdir_blank(12, 0, 8);
}

START_TEST(an_interruption_keeps_no_torn_end_from_being_kept)
{
	struct audit *a;

	make_torn();
	a = open_with_fault(_i + 1, EINTR, LOGDIR_SMALL);
	ck_assert_ptr_nonnull(a);
	logdir_assert(a, 12);
	ck_assert(logdir_has("000000000000000c.torn"));
	audit_close(a);
}
END_TEST

/* Thirty-one records are a segment; whatever could be appended stays. */
START_TEST(a_segment_that_cant_be_made_loses_nothing)
{
	struct audit *a = logdir_open(LOGDIR_SMALL);
	uint64_t n = 0;

	logdir_append_many(a, 0, 20);
	set_fault(_i + 1, EIO);
	for (n = 20; n < 100 && audit_room(a, 1); n++) {
		struct log_record r = logdir_record(n);

		(void)audit_append(a, &r);
		if (n % 10 == 0 && !audit_flush(a))
			break;
	}
	fault.nth = 0;
	ck_assert(!fault.lost || audit_broken(a));
	if (audit_broken(a)) {
		ck_assert(!audit_room(a, 1));
		ck_assert(!audit_flush(a));
		ck_assert(!audit_flush_soon(a));
		n = audit_end(a);
		logdir_kill(a);
		a = logdir_open(LOGDIR_SMALL);
	}
	logdir_append_many(a, n, 100 - n);
	audit_close(a);
	logdir_reopen(LOGDIR_SMALL, 100);
}
END_TEST

START_TEST(a_torn_end_is_kept_aside_or_stays)
{
	struct audit *a;

	make_torn();
	a = open_with_fault(_i + 1, EIO, LOGDIR_SMALL);
	if (a == NULL)
		a = logdir_open(LOGDIR_SMALL);
	logdir_assert(a, 12);
	ck_assert(logdir_has("000000000000000c.torn") ||
	    logdir_has("000000000000000c.1.torn"));
	audit_close(a);
}
END_TEST

START_TEST(torn_ends_have_a_thousand_names_and_no_more)
{
	char name[40];

	make_torn();
	ck_assert_int_eq(close(open(logdir_path("000000000000000c.torn"),
			     O_WRONLY | O_CREAT, 0600)), 0);
	for (unsigned i = 1; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "000000000000000c.%u.torn",
		    i);
		ck_assert_int_eq(close(open(logdir_path(name),
				     O_WRONLY | O_CREAT, 0600)), 0);
	}
	logdir_assert_refused("can't be kept in 000000000000000c.999.torn: "
	    "File exists");
	ck_assert_int_eq(unlink(logdir_path("000000000000000c.7.torn")), 0);
	logdir_reopen(LOGDIR_SMALL, 12);
}
END_TEST

/* What no crash leaves: a record that says it is larger than any. */
START_TEST(what_says_it_has_an_impossible_size_is_not_torn)
{
	const uint8_t sizes[] = { 0, LOG_CELLS_MAX + 1, 255 };
	uint8_t head[8] = { LOG_REQUEST };

	audit_close(logdir_open(LOGDIR_SMALL));
	for (size_t i = 0; i < COUNT(sizes); i++) {
		head[1] = sizes[i];
		logdir_poke(logdir_segment(0), logdir_at(0), head,
		    sizeof(head));
		logdir_assert_refused("does not follow from the record before");
	}
}
END_TEST

/* In the last cell there is room for its beginning alone. */
START_TEST(a_record_that_is_cut_by_its_segment_is_torn)
{
	uint8_t head[LOG_CELL / 2] = { LOG_REQUEST, LOG_CELLS_MAX };
	struct audit *a = logdir_open(LOGDIR_SMALL);

	logdir_append_many(a, 0, 30);
	logdir_kill(a);
	logdir_poke(logdir_segment(0), logdir_at(30), head, sizeof(head));
	logdir_reopen(LOGDIR_SMALL, 30);
	ck_assert(logdir_has("000000000000001e.torn"));
}
END_TEST

/* A header that was made anew, for another beginning. */
static void
put_header(uint64_t first, uint64_t named, uint8_t chain)
{
	struct log_segment s = { .first = first, .mark = first };
	uint8_t cells[LOGDIR_SMALL] = { 0 };
	int fd = open(logdir_segment(named), O_WRONLY | O_CREAT | O_CLOEXEC,
	    0600);

	memset(s.chain, chain, sizeof(s.chain));
	logfmt_segment_put(cells, &s);
	ck_assert_int_eq(write(fd, cells, sizeof(cells)), sizeof(cells));
	(void)close(fd);
}

START_TEST(a_log_begins_with_its_own_id)
{
	audit_close(logdir_open(LOGDIR_SMALL));
	put_header(0, 0, 7);
	logdir_assert_refused("0000000000000000.log: does not go on");
	ck_assert_int_eq(unlink(logdir_segment(0)), 0);
	/* When what was before was moved away nobody knows better. */
	put_header(31, 31, 7);
	audit_close(logdir_open(LOGDIR_SMALL));
	/* But not another one that begins in its midst. */
	put_header(33, 33, 7);
	logdir_assert_refused("0000000000000021.log: does not go on");
}
END_TEST

START_TEST(a_file_of_an_impossible_size_is_no_segment)
{
	const off_t sizes[] = { LOGDIR_SMALL + 1,
		(off_t)AUDIT_SEGMENT_MAX + 4096 };

	audit_close(logdir_open(LOGDIR_SMALL));
	for (size_t i = 0; i < COUNT(sizes); i++) {
		ck_assert_int_eq(truncate(logdir_segment(0), sizes[i]), 0);
		logdir_assert_refused("is no segment file");
	}
}
END_TEST

/* The header is what all that follows is held against. */
START_TEST(keys_do_not_fit_a_header_that_was_changed)
{
	struct audit *a = logdir_open(LOGDIR_SMALL);

	logdir_append_many(a, 0, 3);
	ck_assert(audit_set_keys(a, &logdir_keys));
	ck_assert(audit_set_keys(a, NULL));
	a->now.map[33] ^= 1;
	ck_assert(!audit_set_keys(a, &logdir_keys));
	a->now.map[33] ^= 1;
	ck_assert(audit_set_keys(a, &logdir_keys));
	audit_close(a);
}
END_TEST

/* Where that is allowed the log is in memory: what is flushed here needs no
   disk. */
static void
setup(void)
{
	logdir_setup();
	(void)logdir_mount("tmpfs", NULL);
}

int
main(void)
{
	Suite *s = suite_create("audit faults");
	TCase *t = tcase_create("faults");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, logdir_teardown);
	tcase_add_loop_test(t, a_log_that_cant_be_made_is_made_later, 0,
	    2 * STEPS);
	tcase_add_loop_test(t, an_interruption_makes_no_difference, 0, 8);
	tcase_add_loop_test(t,
	    an_interruption_keeps_no_torn_end_from_being_kept, 0, 2);
	tcase_add_loop_test(t, a_segment_that_cant_be_made_loses_nothing, 0,
	    36);
	tcase_add_loop_test(t, a_torn_end_is_kept_aside_or_stays, 0, STEPS);
	tcase_add_test(t, torn_ends_have_a_thousand_names_and_no_more);
	tcase_add_test(t, what_says_it_has_an_impossible_size_is_not_torn);
	tcase_add_test(t, a_record_that_is_cut_by_its_segment_is_torn);
	tcase_add_test(t, a_log_begins_with_its_own_id);
	tcase_add_test(t, a_file_of_an_impossible_size_is_no_segment);
	tcase_add_test(t, keys_do_not_fit_a_header_that_was_changed);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
