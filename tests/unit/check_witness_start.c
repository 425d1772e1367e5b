/*
 * A witness that can't be started, or whose kernel is odd: it is said why, and
 * nothing of it stays.  check_witness.c is about one that looks.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sample.h"
#include "sandbox.h"
#include "witness.h"

#define OTHER 2001u

static char nonsense[8] = "nothing";
static const char *failing = ""; /* the call that fails, */
static int nth = 1;		 /* and which one of them */
static int interrupts;		 /* so many calls are interrupted */

static bool
fails(const char *name)
{
	if (strcmp(name, failing) != 0 || --nth != 0)
		return false;
	errno = EPERM;
	return true;
}

static bool
is_interrupted(void)
{
	errno = EINTR;
	return interrupts > 0 && interrupts-- > 0;
}

#define WRAP(type, name, parameters, arguments, fail) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		return fails(#name) ? (fail) : __real_##name arguments; \
	}

WRAP(int, socketpair, (int domain, int type, int protocol, int fds[2]),
    (domain, type, protocol, fds), -1)
WRAP(pid_t, fork, (void), (), -1)
WRAP(int, dup2, (int fd, int to), (fd, to), -1)
WRAP(bool, account_become, (uid_t uid, gid_t gid), (uid, gid), false)

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
ssize_t __real_readlink(const char *path, char *to, size_t n);
ssize_t __wrap_readlink(const char *path, char *to, size_t n);
ssize_t __real_recvmsg(int fd, struct msghdr *m, int flags);
ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags);
int __real_poll(struct pollfd *p, nfds_t n, int ms);
int __wrap_poll(struct pollfd *p, nfds_t n, int ms);
bool __real_sandbox_enter_keeper(struct sandbox *s, bool required,
    char *error, size_t size);
bool __wrap_sandbox_enter_keeper(struct sandbox *s, bool required,
    char *error, size_t size);
void __real_witness_serve(int fd);
void __wrap_witness_serve(int fd);

int
__wrap_open(const char *path, int flags, ...)
{
	return strcmp(path, "/dev/null") == 0 && fails("open") ? -1 :
	    __real_open(path, flags);
}

ssize_t
__wrap_readlink(const char *path, char *to, size_t n)
{
	if (strcmp(path, "/proc/self") == 0) {
		if (fails("readlink"))
			return -1;
		if (fails("other /proc")) {
			memcpy(to, "1", 1);
			return 1;
		}
	}
	return __real_readlink(path, to, n);
}

ssize_t
__wrap_recvmsg(int fd, struct msghdr *m, int flags)
{
	return is_interrupted() ? -1 : __real_recvmsg(fd, m, flags);
}

int
__wrap_poll(struct pollfd *p, nfds_t n, int ms)
{
	return strcmp(failing, "receiving") != 0 && is_interrupted() ?
	    -1 :
	    __real_poll(p, n, ms);
}

bool
__wrap_sandbox_enter_keeper(struct sandbox *s, bool required, char *error,
    size_t size)
{
	(void)snprintf(error, size, "no sandbox for it");
	if (fails("keeper"))
		return false;
	error[0] = '\0';
	return __real_sandbox_enter_keeper(s, required, error, size);
}

/* As if it had been asked already. */
static size_t
put_answer(uint8_t *to, size_t size)
{
	struct wire_writer w;

	wire_writer_init(&w, to, size);
	wire_put_u64(&w, 7);
	wire_put_bool(&w, false);
	wire_put_u64(&w, 0);
	wire_put_u32(&w, 0);
	wire_put_u32(&w, 0);
	for (unsigned i = 0; i < 3; i++)
		wire_put_string(&w, view_of(""), EXE_MAX);
	return w.len;
}

/* It says something before it is ready. */
void
__wrap_witness_serve(int fd)
{
	uint8_t answer[64];
	struct iovec iov = { nonsense, sizeof(nonsense) };
	const struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (strcmp(failing, "answer") == 0) {
		iov.iov_base = answer;
		iov.iov_len = put_answer(answer, sizeof(answer));
	}
	if (strcmp(failing, "early") == 0 || strcmp(failing, "answer") == 0)
		(void)sendmsg(fd, &m, 0);
	else
		__real_witness_serve(fd);
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

static const struct failure {
	const char *call;
	int nth;
	const char *why;
	bool root; /* only root does so */
} failures[] = {
	{ "socketpair", 1, "Operation not permitted", false },
	{ "socketpair", 3, "Operation not permitted", false },
	{ "fork", 1, "Operation not permitted", false },
	{ "open", 1, "Operation not permitted", false },
	{ "dup2", 1, "Operation not permitted", false },
	{ "dup2", 2, "Operation not permitted", false },
	{ "dup2", 3, "Operation not permitted", false },
	{ "dup2", 7, "Operation not permitted", false },
	{ "account_become", 1, "Operation not permitted", true },
	{ "readlink", 1, "/proc is not there, or not that of this PID",
	    false },
	{ "other /proc", 1, "/proc is not there, or not that of this PID",
	    false },
	{ "keeper", 1, "no sandbox for it", false },
	{ "early", 1, "a worker ended at once", false },
	{ "answer", 1, "a worker ended at once", false },
};

START_TEST(a_witness_that_cant_be_started_is_told_and_leaves_nothing)
{
	const struct failure *f = &failures[_i];
	size_t before = descriptors();
	char error[256] = "";
	struct witness w;
	bool can_look;

	if (f->root && geteuid() != 0)
		return;
	failing = f->call;
	nth = f->nth;
	ck_assert(!witness_start(&w, OTHER, OTHER, true, &can_look, error,
	    sizeof(error)));
	ck_assert_msg(strstr(error, f->why) != NULL, "%s", error);
	ck_assert_int_eq(w.keeper, -1);
	for (unsigned i = 0; i < WITNESS_WORKERS; i++)
		ck_assert_int_eq(w.worker[i], -1);
	ck_assert_uint_eq(descriptors(), before);
	/* The keeper has ended, too. */
	while (waitpid(-1, NULL, 0) > 0)
		;
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

START_TEST(an_interruption_makes_no_difference)
{
	struct pollfd p = { .events = POLLIN };
	struct witness_answer a;
	char error[256] = "";
	struct witness w;
	bool can_look;
	int fd;

	failing = _i < 8 ? "" : "receiving"; /* or waiting, too */
	interrupts = _i % 8;
	ck_assert_msg(witness_start(&w, OTHER, OTHER, true, &can_look, error,
			  sizeof(error)), "%s", error);
	/* The keeper, too, and the worker that it makes anew. */
	ck_assert(witness_renew(&w, 1));
	p.fd = w.worker[1];
	ck_assert_int_eq(__real_poll(&p, 1, 10000), 1);
	interrupts = 0;
	ck_assert_int_eq(witness_take(p.fd, &a, &fd), WITNESS_ANSWERED);
	ck_assert_uint_eq(a.id, 0);
	ck_assert_int_eq(fd, -1);
	(void)close(w.keeper);
	for (unsigned i = 0; i < WITNESS_WORKERS; i++)
		(void)close(w.worker[i]);
	ck_assert_int_gt(waitpid(-1, NULL, 0), 0);
}
END_TEST

/* A descriptor that comes with what is no answer is not kept. */
START_TEST(nonsense_leaves_no_descriptor)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { nonsense, sizeof(nonsense) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct witness_answer a;
	int pair[2], fd = STDIN_FILENO;
	size_t before;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	before = descriptors();
	memset(&control, 0, sizeof(control));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	ck_assert_int_eq(sendmsg(pair[1], &m, 0), sizeof(nonsense));
	ck_assert_int_eq(witness_take(pair[0], &a, &fd), WITNESS_GONE);
	ck_assert_uint_eq(descriptors(), before);
	(void)close(pair[0]);
	(void)close(pair[1]);
}
END_TEST

/* It comes later; from what is no socket none does. */
START_TEST(an_answer_that_is_not_there_yet_is_none)
{
	struct witness_answer a;
	int pair[2], fd;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	ck_assert_int_eq(witness_take(pair[0], &a, &fd), WITNESS_NONE);
	interrupts = 1;
	ck_assert_int_eq(witness_take(pair[0], &a, &fd), WITNESS_NONE);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(witness_take(-1, &a, &fd), WITNESS_GONE);
	ck_assert_int_eq(fd, -1);
	(void)close(pair[0]);
	(void)close(pair[1]);
}
END_TEST

START_TEST(a_cgroup_that_is_too_long_is_not_asked_about)
{
	char cgroup[CGROUP_MAX + 2], buf[16];
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	memset(cgroup, 'x', sizeof(cgroup));
	cgroup[CGROUP_MAX + 1] = '\0';
	ck_assert(!witness_ask(pair[0], 1, 1, false, cgroup));
	ck_assert_int_eq(recv(pair[1], buf, sizeof(buf), MSG_DONTWAIT), -1);
	cgroup[CGROUP_MAX] = '\0';
	ck_assert(witness_ask(pair[0], 1, 1, false, cgroup));
	(void)close(pair[0]);
	(void)close(pair[1]);
}
END_TEST

/* It is made a little later. */
START_TEST(a_worker_that_cant_be_made_at_once_is_made_nevertheless)
{
	char error[256] = "";
	struct witness w;
	bool can_look;

	failing = "fork";
	nth = 1 + _i; /* the first process is the keeper */
	ck_assert_msg(witness_start(&w, OTHER, OTHER, true, &can_look, error,
			  sizeof(error)), "%s", error);
	(void)close(w.keeper);
	for (unsigned i = 0; i < WITNESS_WORKERS; i++)
		(void)close(w.worker[i]);
	ck_assert_int_gt(waitpid(-1, NULL, 0), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("witness start");
	TCase *t = tcase_create("start");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t,
	    a_witness_that_cant_be_started_is_told_and_leaves_nothing, 0,
	    (int)COUNT(failures));
	tcase_add_loop_test(t, an_interruption_makes_no_difference, 1,
	    12);
	tcase_add_loop_test(t,
	    a_worker_that_cant_be_made_at_once_is_made_nevertheless, 1,
	    1 + (int)WITNESS_WORKERS);
	tcase_add_test(t, nonsense_leaves_no_descriptor);
	tcase_add_test(t, an_answer_that_is_not_there_yet_is_none);
	tcase_add_test(t, a_cgroup_that_is_too_long_is_not_asked_about);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
