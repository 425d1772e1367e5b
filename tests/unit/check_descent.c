/* Tests of client/descent.c: which processes are this one's. */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descent.h"
#include "failing.h"
#include "procstat.h"

static bool
is_mine(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	bool ret;

	ck_assert_int_ne(pidfd, -1);
	ret = descent_is_mine(pid, pidfd);
	(void)close(pidfd);
	return ret;
}

/* What depth generations of children say, and the last of them waits. */
static pid_t
last_of(int depth, int tell, bool orphan)
{
	pid_t child = fork(), self;
	int status;

	if (child != 0)
		return child;
	/* Orphans must not end with their parents, of which some are gone
	   before they could say so. */
	if (orphan)
		(void)alarm(60);
	else
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (depth > 1) {
		child = last_of(depth - 1, tell, orphan);
		if (!orphan)
			(void)waitpid(child, &status, 0);
		_exit(0);
	}
	self = getpid();
	(void)!write(tell, &self, sizeof(self));
	for (;;)
		(void)pause();
}

START_TEST(the_children_of_children_are_mine)
{
	pid_t child, last;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	child = last_of(_i, fds[1], false);
	ck_assert_int_eq(read(fds[0], &last, sizeof(last)), sizeof(last));
	ck_assert(is_mine(child));
	ck_assert(is_mine(last));
	(void)kill(child, SIGKILL);
	(void)kill(last, SIGKILL);
	(void)waitpid(child, NULL, 0);
}
END_TEST

START_TEST(an_orphan_of_mine_is_mine_while_i_am_its_reaper)
{
	pid_t child, last, parent = 0;
	int fds[2];

	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, _i == 0), 0);
	ck_assert_int_eq(pipe(fds), 0);
	child = last_of(3, fds[1], true);
	ck_assert_int_eq(read(fds[0], &last, sizeof(last)), sizeof(last));
	(void)waitpid(child, NULL, 0);
	/* The one between them may still be there for a moment. */
	while (_i == 0 && parent != getpid())
		ck_assert(procstat_parent(last, &parent));
	ck_assert_int_eq(_i == 0, is_mine(last));
	(void)kill(last, SIGKILL);
}
END_TEST

START_TEST(nobody_else_is_mine)
{
	pid_t child;
	int fds[2], stop[2];
	bool mine = true;

	ck_assert(!is_mine(getpid()));
	ck_assert(!is_mine(getppid()));
	ck_assert(!is_mine(1));
	ck_assert(!descent_is_mine(0, -1));
	ck_assert(!descent_is_mine(-1, -1));
	/* Two children of mine are not each other's. */
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(pipe(stop), 0);
	child = last_of(1, stop[1], false);
	if (fork() == 0) {
		mine = is_mine(child);
		(void)!write(fds[1], &mine, sizeof(mine));
		_exit(0);
	}
	ck_assert_int_eq(read(fds[0], &mine, sizeof(mine)), sizeof(mine));
	ck_assert(!mine);
	ck_assert(is_mine(child));
	(void)kill(child, SIGKILL);
}
END_TEST

START_TEST(one_that_has_exited_is_not_mine)
{
	pid_t child = fork();
	siginfo_t si;
	int pidfd;

	if (child == 0)
		_exit(0);
	pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)child, &si, WEXITED | WNOWAIT),
	    0);
	ck_assert(!descent_is_mine(child, pidfd)); /* a zombie */
	(void)waitpid(child, NULL, 0);
	ck_assert(!descent_is_mine(child, pidfd));
	(void)close(pidfd);
}
END_TEST

START_TEST(who_has_connected_is_held)
{
	struct ucred who = { 0 };
	int fds[2], pidfd = -1;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ck_assert(descent_peer(fds[0], &who, &pidfd));
	ck_assert_int_eq(who.pid, getpid());
	ck_assert_uint_eq(who.uid, geteuid());
	ck_assert_int_eq((int)syscall(SYS_pidfd_send_signal, pidfd, 0, NULL,
		0), 0);
	(void)close(pidfd);
	ck_assert(!descent_peer(-1, &who, &pidfd));
}
END_TEST

/* A kernel that does not know of it has another way; others fail. */
START_TEST(who_has_connected_is_held_by_older_kernels)
{
	struct ucred who = { 0 };
	int fds[2], pidfd = -1;
	bool held;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	failing_next("peerpidfd", 1, ENOPROTOOPT);
	held = descent_peer(fds[0], &who, &pidfd);
	ck_assert(failing_end());
	ck_assert(held);
	ck_assert_int_eq((int)syscall(SYS_pidfd_send_signal, pidfd, 0, NULL,
		0), 0);
	(void)close(pidfd);
	pidfd = -1;
	failing_next("peerpidfd", 1, EMFILE);
	held = descent_peer(fds[0], &who, &pidfd);
	ck_assert(failing_end());
	ck_assert(!held);
	ck_assert_int_eq(pidfd, -1);
}
END_TEST

/* Going up, and looking whether it is still so. */
START_TEST(a_way_that_changes_is_gone_again)
{
	static const struct {
		const char *call;
		unsigned nth;
		int error;
	} rows[] = { { "open", 2, ESRCH }, { "read", 1, EINTR },
		{ "read", 2, EINTR } };
	pid_t child, last;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	child = last_of(1, fds[1], false);
	ck_assert_int_eq(read(fds[0], &last, sizeof(last)), sizeof(last));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool mine;

		failing_next(rows[i].call, rows[i].nth, rows[i].error);
		mine = is_mine(last);
		ck_assert(failing_end());
		ck_assert(mine);
	}
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
}
END_TEST

static Suite *
descent_suite(void)
{
	Suite *s = suite_create("descent");
	TCase *t = tcase_create("descent");

	tcase_add_loop_test(t, the_children_of_children_are_mine, 1, 6);
	tcase_add_loop_test(t, an_orphan_of_mine_is_mine_while_i_am_its_reaper,
	    0, 2);
	tcase_add_test(t, nobody_else_is_mine);
	tcase_add_test(t, one_that_has_exited_is_not_mine);
	tcase_add_test(t, who_has_connected_is_held);
	tcase_add_test(t, who_has_connected_is_held_by_older_kernels);
	tcase_add_test(t, a_way_that_changes_is_gone_again);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(descent_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
