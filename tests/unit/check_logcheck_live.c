/* The check of a log that a daemon is writing to. */
#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "logcheck_parts.h"

/* A segment that readdir() does not list. */
static uint64_t missed = LOGCHECK_LATER;

struct dirent *__real_readdir(DIR *d);
struct dirent *__wrap_readdir(DIR *d);

struct dirent *
__wrap_readdir(DIR *d)
{
	struct dirent *e;
	uint64_t first;

	do
		e = __real_readdir(d);
	while (e != NULL && logfmt_name_get(e->d_name, &first) &&
	    first == missed);
	return e;
}

/*
 * A writer that stands still inside record 70 for as long as the check waits
 * for it, and goes on when that has read so often since.
 */
static struct {
	bool still;
	bool waited;
	int reads;
	uint8_t rest[10 * LOG_CELL];
} writer;

ssize_t __real_pread(int fd, void *to, size_t len, off_t at);
ssize_t __wrap_pread(int fd, void *to, size_t len, off_t at);
int __real_nanosleep(const struct timespec *ts, struct timespec *left);
int __wrap_nanosleep(const struct timespec *ts, struct timespec *left);

int
__wrap_nanosleep(const struct timespec *ts, struct timespec *left)
{
	writer.waited = writer.still;
	return writer.still ? 0 : __real_nanosleep(ts, left);
}

ssize_t
__wrap_pread(int fd, void *to, size_t len, off_t at)
{
	if (writer.waited && writer.reads-- == 0) {
		logdir_poke(logdir_segment(62), logdir_at(9),
		    writer.rest + LOG_CELL, sizeof(writer.rest) - LOG_CELL);
		logdir_poke(logdir_segment(62), logdir_at(8), writer.rest, 8);
	}
	return __real_pread(fd, to, len, at);
}

/* Of what is made meanwhile a later name may be listed, and an earlier not. */
START_TEST(a_segment_made_while_the_directory_is_read_is_no_gap)
{
	make_log();
	missed = 31;
	assert_good(80);
	missed = 0;
	assert_good(49);
	missed = 62;
	assert_good(62);
}
END_TEST

START_TEST(a_writer_that_stood_still_and_goes_on_does_no_damage)
{
	static const uint8_t zeros[sizeof(writer.rest)];
	uint8_t mark[8] = { 0, 0, 0, 0, 0, 0, 0, 70 };
	int fd;

	make_log();
	fd = open(logdir_segment(62), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(pread(fd, writer.rest, sizeof(writer.rest),
	    logdir_at(8)), sizeof(writer.rest));
	(void)close(fd);
	logdir_poke(logdir_segment(62), LOG_MARK, mark, sizeof(mark));
	writer.still = true;
	for (int reads = 0; reads < 16; reads++) {
		struct logcheck l;

		logdir_poke(logdir_segment(62), logdir_at(8), zeros, 8);
		logdir_poke(logdir_segment(62), logdir_at(9), zeros,
		    sizeof(zeros) - LOG_CELL);
		writer.waited = false;
		writer.reads = reads;
		ck_assert_msg(check(&l) == COFRE_OK, "%d reads: cell %llu: %s",
		    reads, (unsigned long long)l.cell, l.reason);
		ck_assert(l.unfinished || l.records == 80);
	}
}
END_TEST

/* It waits for that when it is quicker than the checks are. */
static void
append_until_killed(void)
{
	struct audit *a = logdir_open(LOGDIR_SMALL);

	for (uint64_t i = 0; i < 20000; i++)
		(void)logdir_append(a, i,
		    i % 3 == 0 ? "a/name/that/fills/three/cells/a/name/that/"
		    "fills/three/cells/a/name/that/fills/three/cells" : "");
	for (;;)
		(void)pause();
}

START_TEST(a_log_that_is_written_to_meanwhile_is_good)
{
	uint64_t seen = 0;
	struct logcheck l;
	int status;
	pid_t pid;

	audit_close(logdir_open(LOGDIR_SMALL));
	if ((pid = fork()) == 0)
		append_until_killed();
	for (int i = 0; i < 40 || (seen < 500 && i < 2000); i++) {
		ck_assert_msg(check(&l) == COFRE_OK, "%s: cell %llu: %s",
		    l.file, (unsigned long long)l.cell, l.reason);
		ck_assert_uint_ge(l.records, seen);
		seen = l.records;
	}
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_uint_gt(seen, 0);
	ck_assert_int_eq(check(&l), COFRE_OK);
	logdir_reopen(LOGDIR_SMALL, l.records);
}
END_TEST

static void
add_tests(Suite *s)
{
	TCase *t = tcase_create("logcheck_live");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, logdir_setup, logdir_teardown);
	tcase_add_test(t,
	    a_segment_made_while_the_directory_is_read_is_no_gap);
	tcase_add_test(t,
	    a_writer_that_stood_still_and_goes_on_does_no_damage);
	tcase_add_test(t, a_log_that_is_written_to_meanwhile_is_good);
	suite_add_tcase(s, t);
}

int
main(void)
{
	Suite *s = suite_create("logcheck_live");
	SRunner *sr = srunner_create(s);
	int failed;

	add_tests(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
