/*
 * Runs that were there before the vault was opened: who is still one, who
 * was, and who may have been and is not seen.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attest.h"
#include "sample.h"
#include "watch.h"

#define START 1000u
#define INODE 5u

static struct server *sv;
static struct run *run;
static struct workspace workspace;

/* --- the witness, and the kernel, as the test has them --- */

static struct {
	struct ask *asked;
	struct witness_answer answer;
	const char *cgroup; /* what its file says; NULL: there is none */
	uint64_t inode;
	bool full; /* epoll takes nothing more */
} now;

bool __wrap_attest_ask(struct server *server, struct ask *a);
void __wrap_attest_wait(struct server *server, const size_t *left);
void __wrap_attest_forget(struct server *server, struct ask *a);
uint64_t __wrap_peer_inode(int fd);
int __wrap_epoll_ctl(int to, int what, int fd, struct epoll_event *ev);

bool
__wrap_attest_ask(struct server *server, struct ask *a)
{
	(void)server;
	now.asked = a;
	return true;
}

static int
cgroup_file(void)
{
	char path[] = "/tmp/check_watch.XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(write(fd, now.cgroup, strlen(now.cgroup)),
	    (ssize_t)strlen(now.cgroup));
	return fd;
}

void
__wrap_attest_wait(struct server *server, const size_t *left)
{
	(void)server;
	if (now.asked == NULL)
		return;
	ck_assert_uint_eq(*left, 1);
	now.asked->answered(now.asked, &now.answer,
	    now.cgroup == NULL ? -1 : cgroup_file());
	ck_assert_uint_eq(*left, 0);
}

void
__wrap_attest_forget(struct server *server, struct ask *a)
{
	(void)server;
	(void)a;
}

uint64_t
__wrap_peer_inode(int fd)
{
	(void)fd;
	return now.inode;
}

int
__wrap_epoll_ctl(int to, int what, int fd, struct epoll_event *ev)
{
	(void)to;
	(void)what;
	(void)fd;
	(void)ev;
	errno = ENOSPC;
	return now.full ? -1 : 0;
}

/* --- a run --- */

static void
setup(void)
{
	sv = calloc(1, sizeof(*sv));
	run = run_new(0);
	ck_assert(sv != NULL && run != NULL);
	memset(&now, 0, sizeof(now));
	now.inode = INODE;
	now.answer.facts.start = START;
	sv->vault.state = VAULT_OPEN;
	sv->has_inodes = true;
	memset(sv->boot_id, 1, sizeof(sv->boot_id));
	workspace.id = 7;
	workspace.state = WORKSPACE_LIVE;
	sv->vault.workspaces[1] = &workspace;
	sv->vault.scope_count = 2;
	memset(run->boot, 1, sizeof(run->boot));
	run->target = RUN_PROCESS;
	run->rights.workspace = workspace.id;
	run->pid = (uint32_t)getpid();
	run->start = START;
	run->inode = INODE;
	run->real_deadline = run->boot_deadline = UINT64_MAX;
	sv->vault.runs.list[sv->vault.runs.count++] = run;
}

static void
teardown(void)
{
	run_free(run);
	free(sv);
}

static void
resume(void)
{
	watch_resume(sv);
	ck_assert_uint_eq(sv->vault.runs.count, 1);
}

static void
assert_lives(void)
{
	resume();
	ck_assert(!run->rights.over && !run->gone);
}

/* It is over; gone: nobody is it any more. */
static void
assert_over(enum run_end why, bool gone)
{
	resume();
	ck_assert(run->rights.over);
	ck_assert_int_eq(run->ended, why);
	ck_assert(run->gone == gone);
	ck_assert_int_eq(run->watch_fd, -1);
}

START_TEST(a_process_that_is_the_same_goes_on)
{
	assert_lives();
	ck_assert_int_ne(run->watch_fd, -1);
}
END_TEST

/* Without a number for each process its start is all that is known. */
START_TEST(where_processes_have_no_number_their_start_counts)
{
	if (_i == 0)
		run->inode = 0;
	else
		sv->has_inodes = false;
	now.inode = INODE + 1;
	assert_lives();
}
END_TEST

START_TEST(another_process_is_not_the_run)
{
	if (_i == 0)
		now.inode = INODE + 1;
	else
		now.answer.facts.start = START + 1;
	assert_over(RUN_END_UNSEEN, true);
}
END_TEST

START_TEST(a_process_that_has_exited_is_over)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT),
	    0);
	run->pid = (uint32_t)pid;
	if (_i == 1)
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	assert_over(RUN_END_UNSEEN, true);
}
END_TEST

/* It may still be there: it has no rights, and is no one else. */
START_TEST(a_process_that_is_not_seen_is_over_and_not_gone)
{
	struct rlimit all, none;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &all), 0);
	none = all;
	none.rlim_cur = 0;
	if (_i == 0)
		now.answer.late = true;
	else if (_i == 1)
		now.full = true;
	else
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	resume();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &all), 0);
	ck_assert(run->rights.over && !run->gone);
	ck_assert_int_eq(run->ended, RUN_END_UNSEEN);
}
END_TEST

START_TEST(no_run_outlives_a_reboot)
{
	run->target = (uint8_t)(_i / 2);
	/* Which start of the machine this is may not be known. */
	memset(sv->boot_id, _i % 2 == 0 ? 2 : 0, sizeof(sv->boot_id));
	if (_i % 2 == 1)
		memset(run->boot, 0, sizeof(run->boot));
	assert_over(RUN_END_REBOOT, true);
	ck_assert_ptr_null(now.asked);
}
END_TEST

START_TEST(a_token_is_good_until_its_run_is_over)
{
	run->target = RUN_TOKEN_ONLY;
	run->rights.over = _i == 1;
	resume();
	ck_assert(run->rights.over == (_i == 1));
	ck_assert_ptr_null(now.asked);
}
END_TEST

START_TEST(a_run_of_a_workspace_that_is_deleted_is_over)
{
	workspace.state = WORKSPACE_DELETED;
	resume();
	ck_assert(run->rights.over);
	ck_assert_int_eq(run->ended, RUN_END_WORKSPACE);
}
END_TEST

/* --- cgroups --- */

static const struct {
	const char *says;
	bool watched; /* the witness has found it */
	uint64_t inode;
	bool full;
	bool lives, gone;
} cgroups[] = {
	{ "populated 1\n", true, INODE, false, true, false },
	{ "populated 1\n", true, 0, false, true, false },
	{ "populated 0\n", true, INODE, false, false, true },
	{ "populated 1\n", true, INODE + 1, false, false, true },
	{ "populated 1\n", true, INODE, true, false, false },
	{ NULL, true, INODE, false, false, false },
	{ NULL, false, INODE, false, false, true },
};

START_TEST(a_cgroup_goes_on_while_somebody_is_in_it)
{
	run->target = RUN_CGROUP;
	run->pid = 0;
	(void)strcpy(run->cgroup, "/a");
	run->inode = cgroups[_i].inode;
	now.cgroup = cgroups[_i].says;
	now.answer.watched = cgroups[_i].watched;
	now.full = cgroups[_i].full;
	if (cgroups[_i].lives)
		assert_lives();
	else
		assert_over(RUN_END_UNSEEN, cgroups[_i].gone);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("watch_resume");
	TCase *t = tcase_create("watch_resume");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_process_that_is_the_same_goes_on);
	tcase_add_loop_test(t,
	    where_processes_have_no_number_their_start_counts, 0, 2);
	tcase_add_loop_test(t, another_process_is_not_the_run, 0, 2);
	tcase_add_loop_test(t, a_process_that_has_exited_is_over, 0, 2);
	tcase_add_loop_test(t,
	    a_process_that_is_not_seen_is_over_and_not_gone, 0, 3);
	tcase_add_loop_test(t, no_run_outlives_a_reboot, 0, 6);
	tcase_add_loop_test(t, a_token_is_good_until_its_run_is_over, 0, 2);
	tcase_add_test(t, a_run_of_a_workspace_that_is_deleted_is_over);
	tcase_add_loop_test(t, a_cgroup_goes_on_while_somebody_is_in_it, 0,
	    COUNT(cgroups));
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
