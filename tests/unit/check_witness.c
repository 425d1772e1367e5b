/*
 * Tests of src/witness.c: the processes that look, what it answers, and what
 * it is left with.  check_witness_look.c is about what it sees.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sample.h"
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

static struct witness
witness(bool *can_look)
{
	char error[256] = "";
	struct witness w;

	ck_assert_msg(witness_start(&w, OTHER, OTHER, true, can_look, error,
			  sizeof(error)), "%s", error);
	return w;
}

static void
let_go(const struct witness *w)
{
	(void)close(w->keeper);
	for (unsigned i = 0; i < WITNESS_WORKERS; i++)
		(void)close(w->worker[i]);
}

/* The n-th child of a process that has one thread. */
static pid_t
child_of(pid_t pid, unsigned n)
{
	char path[64], text[128] = "", *at = text;
	long child = 0;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children",
	    (int)pid, (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
	(void)close(fd);
	for (unsigned i = 0; i <= n; i++)
		child = strtol(at, &at, 10);
	ck_assert_int_gt(child, 0);
	return (pid_t)child;
}

static pid_t
keeper_pid(void)
{
	return child_of(getpid(), 0);
}

static pid_t
worker_pid(unsigned n)
{
	return child_of(keeper_pid(), n);
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
	struct witness w = witness(&can_look);
	int watch_fd, own_fd;

	ck_assert_int_eq(can_look, geteuid() == 0);
	own_fd = witness_look((uint32_t)getpid(), false, &own);
	for (uint64_t id = 1; id < 200; id++) {
		int fd = w.worker[id % WITNESS_WORKERS];

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
	for (unsigned i = 0; i < WITNESS_WORKERS; i++)
		ck_assert_int_eq(witness_take(w.worker[i], &a, &watch_fd),
		    WITNESS_NONE);
	(void)close(own_fd);
	let_go(&w);
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
	struct witness w = witness(&can_look);
	int watch_fd;

	p.fd = w.worker[0];
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
	let_go(&w);
}
END_TEST

/* Descriptors that were handed over are not kept by it. */
START_TEST(the_witness_keeps_no_descriptor)
{
	bool can_look;
	struct witness w = witness(&can_look);
	int fd = w.worker[0], watch_fd, kept = 0;
	char path[64];
	pid_t pid = worker_pid(0);

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
		kept += access(path, F_OK) == 0;
	}
	ck_assert_int_eq(kept, 4); /* of the first three, and its socket */
	let_go(&w);
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
	char path[64], text[8192];
	struct witness w;
	bool can_look;
	int status;

	if (!is_root())
		return;
	w = witness(&can_look);
	for (unsigned n = 0; n <= WITNESS_WORKERS; n++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/status",
		    (int)(n == 0 ? keeper_pid() : worker_pid(n - 1)));
		status = open(path, O_RDONLY | O_CLOEXEC);
		memset(text, 0, sizeof(text));
		ck_assert_int_gt(read(status, text, sizeof(text) - 1), 0);
		for (size_t i = 0; i < COUNT(lines); i++)
			ck_assert_msg(strstr(text, lines[i]) != NULL, "%s%s",
			    lines[i], text);
		ck_assert_ptr_eq(strstr(text, "Seccomp_filters:\t2\n") != NULL ?
			text : NULL, n == 0 ? NULL : text);
		(void)close(status);
	}
	let_go(&w);
}
END_TEST

/* Signals that are meant for the daemon do not end it, the daemon's end
   does. */
START_TEST(the_witness_ends_with_the_daemon)
{
	const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	bool can_look;
	struct witness w = witness(&can_look);
	int status, watch_fd;
	pid_t pids[] = { keeper_pid(), worker_pid(0) };

	for (size_t n = 0; n < COUNT(pids); n++)
		for (size_t i = 0; i < COUNT(signals); i++)
			ck_assert_int_eq(kill(pids[n], signals[i]), 0);
	(void)ask(w.worker[0], 1, getpid(), &watch_fd);
	(void)close(watch_fd);
	let_go(&w);
	ck_assert_int_eq(waitpid(pids[0], &status, 0), pids[0]);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
END_TEST

/* The workers end with the keeper, those that stand still too. */
START_TEST(a_keeper_that_has_ended_is_noticed)
{
	struct pollfd p = { .events = POLLIN };
	struct witness_answer a;
	bool can_look;
	struct witness w = witness(&can_look);
	int watch_fd;
	pid_t pid = keeper_pid();

	ck_assert_int_eq(kill(worker_pid(1), SIGSTOP), 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	for (unsigned i = 0; i <= WITNESS_WORKERS; i++) {
		p.fd = i == 0 ? w.keeper : w.worker[i - 1];
		ck_assert_int_eq(poll(&p, 1, 10000), 1);
		ck_assert_int_eq(witness_take(p.fd, &a, &watch_fd),
		    WITNESS_GONE);
		ck_assert_int_eq(watch_fd, -1);
	}
	(void)signal(SIGPIPE, SIG_IGN);
	ck_assert(!witness_ask(w.worker[0], 1, 1, false, ""));
	ck_assert(!witness_renew(&w, 0));
	let_go(&w);
}
END_TEST

/* More often than there may be processes that do not end. */
/* It was killed: on a busy machine that takes a moment. */
static bool
is_gone(pid_t pid)
{
	for (unsigned i = 0; i < 10000000; i++) {
		if (kill(pid, 0) == -1)
			return true;
		(void)sched_yield();
	}
	return false;
}

START_TEST(a_worker_that_stands_still_is_made_anew)
{
	struct pollfd p = { .events = POLLIN };
	struct witness_answer a;
	bool can_look;
	struct witness w = witness(&can_look);
	int watch_fd;

	for (uint64_t id = 1; id < 60; id++) {
		unsigned i = id % WITNESS_WORKERS;
		/* The first one, and then who was made last but three. */
		pid_t old = worker_pid(id < WITNESS_WORKERS ? 1 : 0);

		if (id % 3 == 0)
			ck_assert_int_eq(kill(old, SIGSTOP), 0);
		p.fd = w.worker[i];
		ck_assert(witness_renew(&w, i));
		ck_assert_int_eq(poll(&p, 1, 10000), 1);
		ck_assert_int_eq(witness_take(p.fd, &a, &watch_fd),
		    WITNESS_ANSWERED);
		ck_assert_uint_eq(a.id, 0);
		ck_assert_int_eq(watch_fd, -1);
		ck_assert(is_gone(old));
		(void)ask(p.fd, id, getpid(), &watch_fd);
		ck_assert(witness_same(watch_fd));
		(void)close(watch_fd);
	}
	let_go(&w);
}
END_TEST

/* What is no question ends a worker, as what is no answer ends the daemon. */
START_TEST(nonsense_is_no_question_and_no_answer)
{
	static const char text[64] = "nonsense";
	const size_t sizes[] = { 1, 11, 13, 64 };
	struct witness_answer a;
	int pair[2], watch_fd, status;
	bool can_look;

	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct witness w = witness(&can_look);
		pid_t pid = keeper_pid();

		ck_assert_int_gt(send(w.worker[0], text, sizes[i], 0), 0);
		ck_assert_int_eq(poll(&(struct pollfd){ w.worker[0], POLLIN,
				     0 }, 1, 0), 0);
		ck_assert_int_gt(send(w.keeper, text, sizes[i], 0), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		let_go(&w);
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

/* An answer with these texts. */
static size_t
put_answer(uint8_t buf[WITNESS_ANSWER], struct view exe, struct view cgroup,
    struct view sha256)
{
	struct wire_writer w;

	wire_writer_init(&w, buf, WITNESS_ANSWER);
	wire_put_u64(&w, 1);
	wire_put_bool(&w, false);
	wire_put_u64(&w, 2);
	wire_put_u32(&w, 3);
	wire_put_u32(&w, 4);
	wire_put_string(&w, exe, EXE_MAX);
	wire_put_string(&w, cgroup, CGROUP_MAX);
	wire_put_string(&w, sha256, SHA256_LEN);
	ck_assert(!w.bad);
	return w.len;
}

/* A text with a NUL in it would be another one to whoever compares it, and
   half a digest none. */
START_TEST(an_answer_has_one_form)
{
	static const uint8_t bytes[SHA256_LEN] = "/a\0/b";
	const struct view good = { bytes, 2 }, bad = { bytes, 5 };
	const struct view digest = { bytes, SHA256_LEN };
	const struct view none = { NULL, 0 };
	const struct {
		struct view exe, cgroup, sha256;
		enum witness_result result;
	} rows[] = {
		{ good, good, digest, WITNESS_ANSWERED },
		{ good, good, none, WITNESS_ANSWERED },
		{ none, none, none, WITNESS_ANSWERED },
		{ bad, good, none, WITNESS_GONE },
		{ good, bad, none, WITNESS_GONE },
		{ good, good, good, WITNESS_GONE },
	};
	uint8_t buf[WITNESS_ANSWER];
	struct witness_answer a;
	int pair[2], watch_fd;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t len = put_answer(buf, rows[i].exe, rows[i].cgroup,
		    rows[i].sha256);

		ck_assert_int_eq(send(pair[1], buf, len, 0), (ssize_t)len);
		ck_assert_msg(witness_take(pair[0], &a, &watch_fd) ==
		    rows[i].result, "row %zu", i);
	}
	(void)close(pair[0]);
	(void)close(pair[1]);
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
	tcase_add_test(t, a_keeper_that_has_ended_is_noticed);
	tcase_add_test(t, a_worker_that_stands_still_is_made_anew);
	tcase_add_test(t, nonsense_is_no_question_and_no_answer);
	tcase_add_test(t, an_answer_has_one_form);
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
