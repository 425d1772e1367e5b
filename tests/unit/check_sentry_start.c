/*
 * A sentry that can't be started: whichever step fails, on its side or on the
 * daemon's, it is said why, and no process and no descriptor stays.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "sample.h"
#include "sandbox.h"
#include "sentry.h"

#define OTHER 2001u

static pid_t test;  /* who is the daemon */
static int left[2]; /* steps until the one that fails: its, the sentry's */
static bool hangs, dies;

static bool
fails(void)
{
	if (test == 0 || --left[getpid() != test] != 0)
		return false;
	errno = EPERM;
	return true;
}

void *__real_mmap(void *at, size_t n, int prot, int flags, int fd, off_t from);
void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t from);
long __real_syscall(long nr, ...);
long __wrap_syscall(long nr, ...);

#define WRAP(type, name, parameters, arguments, fail) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		return fails() ? (fail) : __real_##name arguments; \
	}

WRAP(int, epoll_create1, (int flags), (flags), -1)
WRAP(int, epoll_ctl, (int e, int op, int fd, struct epoll_event *ev),
    (e, op, fd, ev), -1)
WRAP(int, eventfd, (unsigned n, int flags), (n, flags), -1)
WRAP(int, getrlimit, (__rlimit_resource_t what, struct rlimit *r), (what, r),
    -1)
WRAP(bool, sandbox_enter_sentry, (pid_t daemon, bool required, char *error,
    size_t size), (daemon, required, error, size),
    (snprintf(error, size, "no sandbox") < 0))

bool __real_account_become(uid_t uid, gid_t gid);
bool __wrap_account_become(uid_t uid, gid_t gid);

bool
__wrap_account_become(uid_t uid, gid_t gid)
{
	while (hangs)
		(void)pause();
	if (dies)
		(void)raise(SIGKILL);
	return !fails() && __real_account_become(uid, gid);
}

void *
__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t from)
{
	return fails() ? MAP_FAILED :
			 __real_mmap(at, n, prot, flags, fd, from);
}

long
__wrap_syscall(long nr, ...)
{
	long a[5];
	va_list ap;

	va_start(ap, nr);
	for (size_t i = 0; i < COUNT(a); i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (nr == SYS_futex && hangs)
		return -1; /* its time is over at once */
	if (nr != SYS_futex && fails())
		return -1;
	return __real_syscall(nr, a[0], a[1], a[2], a[3], a[4], 0L);
}

static size_t
descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

static bool
start(struct sentry *s, char *error, size_t size)
{
	bool started;

	test = getpid();
	started = sentry_start(s, 64, OTHER, OTHER, true, error, size);
	test = 0;
	return started;
}

/* Nothing of it is there any more; but both have the same descriptors, and a
   sentry that is killed while it opens one leaves that. */
static void
check_nothing(const struct sentry *s, size_t before)
{
	ck_assert_ptr_null(s->page);
	ck_assert_uint_le(descriptors(), before + 1);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

static void
start_with_failures(int side)
{
	size_t before = descriptors();
	struct sentry s;
	int nth = 0;

	do {
		char error[256] = "";

		memset(left, 0, sizeof(left));
		left[side] = ++nth;
		if (start(&s, error, sizeof(error))) {
			sentry_end(&s);
			ck_assert_int_eq(waitpid(-1, NULL, 0) > 0, 1);
		} else {
			ck_assert_msg(strstr(error,
				"Operation not permitted") != NULL ||
				strcmp(error, "no sandbox") == 0,
			    "step %d: '%s'", nth, error);
		}
		check_nothing(&s, before);
	} while (nth < 16);
	ck_assert(side == 1 || left[0] > 0);
}

START_TEST(a_step_that_fails_is_told_and_undone)
{
	if (geteuid() == 0)
		start_with_failures(_i);
}
END_TEST

/* Without a word of its own: killed, or it does not come to one. */
START_TEST(a_sentry_that_says_nothing_is_not_waited_for)
{
	size_t before = descriptors();
	char error[256] = "";
	struct sentry s;

	if (geteuid() != 0)
		return;
	memset(left, 0, sizeof(left));
	dies = _i == 0;
	hangs = _i == 1;
	ck_assert(!start(&s, error, sizeof(error)));
	ck_assert_str_eq(error, "it ended at once");
	check_nothing(&s, before);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sentry start");
	TCase *t = tcase_create("start");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t, a_step_that_fails_is_told_and_undone, 0, 2);
	tcase_add_loop_test(t, a_sentry_that_says_nothing_is_not_waited_for,
	    0, 2);
	suite_add_tcase(suite, t);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
