/* Two processes with one number that begin in one tick of the clock. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"
#include "runs.h"
#include "sample.h"
#include "watch.h"

static struct runs rs;

static void
setup(void)
{
	struct run *r = run_new(1);

	ck_assert_ptr_nonnull(r);
	r->target = RUN_PROCESS;
	r->pid = 101;
	r->start = 5000;
	r->uid = 1000;
	rs.list[rs.count++] = r;
}

static void
teardown(void)
{
	run_free(rs.list[0]);
}

/* The run's inode, and the other process's; 0: not known. */
static const struct {
	uint64_t run, other;
	bool same;
} rows[] = {
	{ 77, 77, true },
	{ 77, 78, false },
	{ UINT64_C(1) << 32 | 77, 77, false },
	{ 0, 78, true },
	{ 77, 0, true },
	{ 0, 0, true },
};

START_TEST(another_inode_is_another_process)
{
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct run_caller caller = { .pid = 101, .start = 5000,
			.inode = rows[i].other, .uid = 1000, .cgroup = "" };
		struct run other = *rs.list[0];

		rs.list[0]->inode = rows[i].run;
		other.inode = rows[i].other;
		ck_assert_msg((runs_match(&rs, &caller) != NULL) ==
			rows[i].same, "row %zu", i);
		ck_assert_msg(runs_has_target(&rs, &other) == rows[i].same,
		    "row %zu", i);
	}
}
END_TEST

/* A pidfd of it, while it waits to be ended. */
static pid_t
begin(int *pidfd)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	*pidfd = watch_open_process((uint32_t)pid);
	ck_assert_int_ne(*pidfd, -1);
	return pid;
}

START_TEST(no_two_processes_have_one_inode)
{
	int first, second, again;
	pid_t pids[2];

	if (!peer_has_inodes()) {
		(void)printf("skipped: the kernel has no pidfs\n");
		return;
	}
	pids[0] = begin(&first);
	pids[1] = begin(&second);
	again = watch_open_process((uint32_t)pids[0]);
	ck_assert_uint_ne(peer_inode(first), 0);
	ck_assert_uint_ne(peer_inode(first), peer_inode(second));
	ck_assert_uint_eq(peer_inode(first), peer_inode(again));
	for (size_t i = 0; i < 2; i++) {
		(void)kill(pids[i], SIGKILL);
		(void)waitpid(pids[i], NULL, 0);
	}
	ck_assert_uint_eq(peer_inode(first), peer_inode(again));
	ck_assert_uint_eq(peer_inode(-1), 0);
	(void)close(first);
	(void)close(second);
	(void)close(again);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("run_inode");
	TCase *t = tcase_create("inodes");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, another_inode_is_another_process);
	tcase_add_test(t, no_two_processes_have_one_inode);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
