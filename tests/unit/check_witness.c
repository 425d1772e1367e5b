/*
 * Tests of src/witness.c: the process that looks, what it answers, and what
 * it is left with.  check_witness_look.c is about what it sees.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filter.h"
#include "in_sandbox.h"
#include "sample.h"
#include "sandbox.h"
#include "witness.h"

#define OTHER 2001u

static bool
is_root(void)
{
	if (geteuid() == 0)
		return true;
	(void)printf("skipped: not root\n");
	return false;
}

static int
witness(bool *can_look)
{
	char error[256] = "";
	int fd = witness_start(OTHER, OTHER, true, can_look, error,
	    sizeof(error));

	ck_assert_msg(fd != -1, "%s", error);
	return fd;
}

static pid_t
witness_pid(void)
{
	char text[64] = "";
	int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);

	ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
	(void)close(fd);
	return (pid_t)atoi(text);
}

static struct witness_answer
ask(int fd, uint64_t id, pid_t pid, int *watch_fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct witness_answer a;

	ck_assert(witness_ask(fd, id, (uint32_t)pid, false, ""));
	ck_assert_int_eq(poll(&p, 1, 10000), 1);
	ck_assert_int_eq(witness_take(fd, &a, watch_fd), WITNESS_ANSWERED);
	ck_assert_uint_eq(a.id, id);
	ck_assert_int_eq(a.watched, *watch_fd != -1);
	return a;
}

START_TEST(the_witness_tells_what_is_seen)
{
	struct witness_answer a;
	struct facts own;
	bool can_look;
	int fd = witness(&can_look), watch_fd, own_fd;

	ck_assert_int_eq(can_look, geteuid() == 0);
	own_fd = witness_look((uint32_t)getpid(), false, &own);
	for (uint64_t id = 1; id < 200; id++) {
		a = ask(fd, id, getpid(), &watch_fd);
		ck_assert_str_eq(a.facts.exe, own.exe);
		ck_assert_str_eq(a.facts.cgroup, own.cgroup);
		ck_assert_str_eq(a.facts.unit, own.unit);
		ck_assert_uint_eq(a.facts.start, own.start);
		ck_assert(witness_same(watch_fd));
		ck_assert((fcntl(watch_fd, F_GETFD) & FD_CLOEXEC) != 0);
		(void)close(watch_fd);
		a = ask(fd, id, 0, &watch_fd);
		ck_assert_int_eq(watch_fd, -1);
		ck_assert_str_eq(a.facts.exe, "");
	}
	ck_assert_int_eq(witness_take(fd, &a, &watch_fd), WITNESS_NONE);
	(void)close(own_fd);
	(void)close(fd);
}
END_TEST

/* The answer says that one was sent: its connection is closed then, and not
   taken for one of a process that can't be watched. */
START_TEST(a_descriptor_that_there_is_no_room_for_is_missed)
{
	struct pollfd p = { .events = POLLIN };
	struct witness_answer a;
	struct rlimit limit;
	bool can_look;
	int watch_fd;

	p.fd = witness(&can_look);
	ck_assert(witness_ask(p.fd, 1, (uint32_t)getpid(), false,
	    ""));
	ck_assert_int_eq(poll(&p, 1, 10000), 1);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)dup(p.fd);
	(void)close((int)limit.rlim_cur);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_int_eq(witness_take(p.fd, &a, &watch_fd),
	    WITNESS_ANSWERED);
	ck_assert_int_eq(watch_fd, -1);
	ck_assert(a.watched);
	(void)close(p.fd);
}
END_TEST

/* Descriptors that were handed over are not kept by it. */
START_TEST(the_witness_keeps_no_descriptor)
{
	bool can_look;
	int fd = witness(&can_look), watch_fd;
	char path[64];
	pid_t pid = witness_pid();

	if (!is_root())
		return;
	for (uint64_t id = 1; id < 50; id++) {
		(void)ask(fd, id, getpid(), &watch_fd);
		(void)close(watch_fd);
	}
	/* It has closed the last one when it answers the next question. */
	(void)ask(fd, 50, 0, &watch_fd);
	for (int i = 0; i < 20; i++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid,
		    i);
		ck_assert_int_eq(access(path, F_OK), i < 4 ? 0 : -1);
	}
	(void)close(fd);
}
END_TEST

START_TEST(the_witness_has_the_right_to_look_and_no_other)
{
	static const char *const lines[] = { "Uid:\t2001\t2001\t2001\t2001\n",
		"Gid:\t2001\t2001\t2001\t2001\n", "Groups:\t \n",
		"CapInh:\t0000000000000000\n", "CapPrm:\t0000000000080004\n",
		"CapEff:\t0000000000080004\n",
		"CapAmb:\t0000000000000000\n", "NoNewPrivs:\t1\n",
		"Seccomp:\t2\n" };
	char path[64], text[8192] = "";
	bool can_look;
	int fd, status;

	if (!is_root())
		return;
	fd = witness(&can_look);
	(void)snprintf(path, sizeof(path), "/proc/%d/status",
	    (int)witness_pid());
	status = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_gt(read(status, text, sizeof(text) - 1), 0);
	for (size_t i = 0; i < COUNT(lines); i++)
		ck_assert_msg(strstr(text, lines[i]) != NULL, "%s%s",
		    lines[i], text);
	(void)close(status);
	(void)close(fd);
}
END_TEST

/* Signals that are meant for the daemon do not end it, the daemon's end
   does. */
START_TEST(the_witness_ends_with_the_daemon)
{
	const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	bool can_look;
	int fd = witness(&can_look), status, watch_fd;
	pid_t pid = witness_pid();

	for (size_t i = 0; i < COUNT(signals); i++)
		ck_assert_int_eq(kill(pid, signals[i]), 0);
	(void)ask(fd, 1, getpid(), &watch_fd);
	(void)close(watch_fd);
	(void)close(fd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

START_TEST(a_witness_that_has_ended_is_noticed)
{
	struct witness_answer a;
	bool can_look;
	int fd = witness(&can_look), watch_fd;
	pid_t pid = witness_pid();

	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(witness_take(fd, &a, &watch_fd), WITNESS_GONE);
	ck_assert_int_eq(watch_fd, -1);
	(void)signal(SIGPIPE, SIG_IGN);
	ck_assert(!witness_ask(fd, 1, 1, false, ""));
	(void)close(fd);
}
END_TEST

/* What is no question ends it, as what is no answer ends the daemon. */
START_TEST(nonsense_is_no_question_and_no_answer)
{
	static const char text[64] = "nonsense";
	const size_t sizes[] = { 1, 11, 13, 64 };
	struct witness_answer a;
	int pair[2], watch_fd, status;
	bool can_look;

	for (size_t i = 0; i < COUNT(sizes); i++) {
		int fd = witness(&can_look);
		pid_t pid = witness_pid();

		ck_assert_int_gt(send(fd, text, sizes[i], 0), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		(void)close(fd);
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair),
		    0);
		ck_assert_int_gt(send(pair[1], text, sizes[i], 0), 0);
		ck_assert_int_eq(witness_take(pair[0], &a, &watch_fd),
		    WITNESS_GONE);
		ck_assert_int_eq(watch_fd, -1);
		(void)close(pair[0]);
		(void)close(pair[1]);
	}
}
END_TEST

/* Its filter. */

static bool
is_in_table(const char *name)
{
	const char *rule, *s;

	for (size_t i = 0; (s = filter_row(FILTER_WITNESS, i, &rule)) != NULL;
	    i++)
		if (strcmp(s, name) == 0)
			return true;
	return false;
}

/* Two that the kernel lets past every filter, and one that a build with
   AddressSanitizer has a row for. */
static bool
is_let_past(const char *name, long nr)
{
	return nr == 335 || nr == 336 || (name != NULL &&
	    (is_in_table(name) || (IN_SANDBOX_ASAN &&
		strcmp(name, "sigaltstack") == 0)));
}

static int
status_of(long number, long a, long b, long c)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		struct sandbox s;
		char error[128];

		if (!sandbox_enter_witness(&s, true, error, sizeof(error)))
			_exit(9);
		(void)syscall(number, a, b, c, 0L, 0L, 0L);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static bool
is_killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

START_TEST(a_call_that_is_not_in_its_table_kills)
{
	for (long n = 16L * _i; n < 16L * (_i + 1); n++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE,
		    (int)n);

		if (!is_let_past(name, n))
			ck_assert_msg(is_killed(status_of(n, -1, -1, -1)),
			    "%ld %s", n, name == NULL ? "" : name);
		free(name);
	}
}
END_TEST

static const struct open_case {
	int flags;
	bool killed;
} opens[] = {
	{ O_RDONLY | O_CLOEXEC, false },
	{ O_RDONLY, true },
	{ O_WRONLY | O_CLOEXEC, true },
	{ O_RDWR | O_CLOEXEC, true },
	{ O_RDONLY | O_CLOEXEC | O_CREAT, true },
	{ O_RDONLY | O_CLOEXEC | O_TRUNC, true },
	{ O_RDONLY | O_CLOEXEC | O_PATH, true },
};

START_TEST(it_opens_for_reading_alone)
{
	for (size_t i = 0; i < COUNT(opens); i++) {
		int status = status_of(SYS_openat, AT_FDCWD,
		    (long)"/proc/self/stat", opens[i].flags);

		ck_assert_msg(is_killed(status) == opens[i].killed, "%zu", i);
	}
	ck_assert(!is_killed(status_of(SYS_write, 2, (long)"", 0)));
	ck_assert(is_killed(status_of(SYS_write, 3, (long)"", 0)));
}
END_TEST

static Suite *
witness_suite(void)
{
	Suite *s = suite_create("witness");
	TCase *t = tcase_create("witness");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, the_witness_tells_what_is_seen);
	tcase_add_test(t, a_descriptor_that_there_is_no_room_for_is_missed);
	tcase_add_test(t, the_witness_keeps_no_descriptor);
	tcase_add_test(t, the_witness_has_the_right_to_look_and_no_other);
	tcase_add_test(t, the_witness_ends_with_the_daemon);
	tcase_add_test(t, a_witness_that_has_ended_is_noticed);
	tcase_add_test(t, nonsense_is_no_question_and_no_answer);
	tcase_add_test(t, it_opens_for_reading_alone);
	tcase_add_loop_test(t, a_call_that_is_not_in_its_table_kills, 0,
	    512 / 16);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(witness_suite());
	int failed;

	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
