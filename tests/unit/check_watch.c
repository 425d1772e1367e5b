/* What ends a run by itself: its clocks, its process, its cgroup. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sample.h"
#include "watch.h"

#define SECOND 1000000u

static struct server *sv;
static struct run *run;

/* One run, until 10 s of CLOCK_REALTIME and 20 s of CLOCK_BOOTTIME. */
static void
setup(void)
{
	sv = calloc(1, sizeof(*sv));
	run = run_new(1);
	ck_assert(sv != NULL && run != NULL);
	sv->vault.state = VAULT_OPEN;
	run->target = RUN_PROCESS;
	run->real_deadline = 10 * SECOND;
	run->boot_deadline = 20 * SECOND;
	sv->vault.runs.list[sv->vault.runs.count++] = run;
	sv->vault.runs.changes++;
}

static void
teardown(void)
{
	run_free(run);
	free(sv);
}

START_TEST(the_clock_that_is_first_ends_it)
{
	static const struct {
		uint64_t real, boot;
		bool over;
		int left; /* milliseconds */
	} rows[] = {
		{ 0, 0, false, 1000 },
		{ 10 * SECOND - 1, 20 * SECOND - 1, false, 1 },
		{ 9 * SECOND + 500000, 0, false, 501 },
		{ 0, 19 * SECOND + 500000, false, 501 },
		{ 10 * SECOND, 0, true, 100 },
		{ 0, 20 * SECOND, true, 100 }, /* the clock was set back */
		{ 11 * SECOND, 0, true, 100 },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		run->rights.over = run->untold = false;
		sv->vault.runs.untold = false;
		sv->vault.runs.changes++;
		sv->now = rows[i].real;
		sv->boot_clock = rows[i].boot;
		watch_tick(sv);
		ck_assert_msg(run->rights.over == rows[i].over, "row %zu", i);
		ck_assert_int_eq(run->ended, rows[i].over ? RUN_END_LIFETIME :
							    RUN_END_NONE);
		ck_assert_int_eq(watch_timeout(sv), rows[i].left);
	}
}
END_TEST

START_TEST(nothing_is_due_without_a_run_that_goes_on)
{
	run->rights.over = true;
	ck_assert_int_eq(watch_timeout(sv), -1);
	sv->vault.runs.count = 0;
	ck_assert_int_eq(watch_timeout(sv), -1);
	watch_tick(sv);
}
END_TEST

/* The process has exited, before anybody has asked for its exit code. */
/* The daemon can be killed when a workspace was deleted, and before the rows
   of its runs say that they are over. */
START_TEST(a_run_does_not_outlive_a_deleted_workspace)
{
	static struct workspace ws = { .id = 7, .slot = 1 };

	run->target = RUN_TOKEN_ONLY;
	run->rights.workspace = 7;
	memset(run->boot, 1, sizeof(run->boot));
	memset(sv->boot_id, 1, sizeof(sv->boot_id));
	sv->vault.workspaces[1] = &ws;
	for (int deleted = 0; deleted < 2; deleted++) {
		ws.state = deleted ? WORKSPACE_DELETED : WORKSPACE_LIVE;
		watch_resume(sv);
		ck_assert_int_eq(run->rights.over, deleted);
		ck_assert_int_eq(run->ended, deleted ? RUN_END_WORKSPACE :
						       RUN_END_NONE);
	}
}
END_TEST

START_TEST(a_process_lives_until_it_has_exited)
{
	pid_t pid = fork();
	int fd;

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	fd = watch_open_process((uint32_t)pid);
	ck_assert_int_ne(fd, -1);
	ck_assert(watch_lives(fd));
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT), 0);
	ck_assert(!watch_lives(fd));
	(void)waitpid(pid, NULL, 0);
	ck_assert(!watch_lives(fd));
	(void)close(fd);
	ck_assert_int_eq(watch_open_process((uint32_t)pid), -1);
	ck_assert_int_eq(watch_open_process(0), -1);
	ck_assert_int_eq(watch_open_process(0xffffffff), -1);
}
END_TEST

START_TEST(a_cgroup_is_populated_when_its_file_says_so)
{
	static const struct {
		const char *text;
		bool populated;
	} rows[] = {
		{ "populated 1\nfrozen 0\n", true },
		{ "populated 0\nfrozen 1\n", false },
		{ "", false },
	};
	char path[] = "/tmp/check_watch.XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(unlink(path), 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		ck_assert_int_eq(ftruncate(fd, 0), 0);
		ck_assert_int_eq(pwrite(fd, rows[i].text, strlen(rows[i].text),
		    0), (ssize_t)strlen(rows[i].text));
		ck_assert(watch_is_populated(fd) == rows[i].populated);
	}
	(void)close(fd);
	ck_assert(!watch_is_populated(-1));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("watch");
	TCase *t = tcase_create("watch");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_clock_that_is_first_ends_it);
	tcase_add_test(t, nothing_is_due_without_a_run_that_goes_on);
	tcase_add_test(t, a_run_does_not_outlive_a_deleted_workspace);
	tcase_add_test(t, a_process_lives_until_it_has_exited);
	tcase_add_test(t, a_cgroup_is_populated_when_its_file_says_so);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
