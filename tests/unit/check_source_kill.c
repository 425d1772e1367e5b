/*
 * Sources that do not want to end, and commands that end before their
 * sources: nothing is left of either.
 */
#include <check.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "source_slot.h"
#include "sourcedir.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
check_nothing_left(void)
{
	ck_assert_uint_eq(sourcedir_processes(), 0);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

/* They answer, and have processes that would live for ever, with the
   answer's pipe open. */
static const char *const answered[] = { "away", "tree", "chase" };

START_TEST(what_a_source_leaves_is_killed_when_it_ends)
{
	int64_t begin = source_now();
	const struct sourcedir_result *r = sourcedir_one("program",
	    answered[_i], 20000);

	ck_assert_str_eq(r->reason, "");
	ck_assert_str_eq(sourcedir_field(r, "AccountKey"), "fresh");
	ck_assert(source_now() - begin < 10000);
	check_nothing_left();
}
END_TEST

/* They ignore every signal. */
static const char *const hanging[] = { "hang", "away-hang" };

START_TEST(what_hangs_is_killed_at_the_deadline)
{
	int64_t begin = source_now(), took;
	const struct sourcedir_result *r = sourcedir_one("program",
	    hanging[_i], 700);

	took = source_now() - begin;
	ck_assert_str_eq(r->reason, "timed out after 0.7 s");
	ck_assert_int_eq(r->status, COFRE_TIMEOUT);
	ck_assert_msg(took >= 700 && took < 1700, "it took %d ms", (int)took);
	check_nothing_left();
}
END_TEST

/*
 * A source with the rights of its supervisor, since the command is not
 * root's.
 */
static void
become_somebody(void)
{
	ck_assert_int_eq(setresgid(61001, 61001, 0), 0);
	ck_assert_int_eq(setresuid(61000, 61000, 0), 0);
}

START_TEST(a_killed_supervisor_leaves_nothing)
{
	const struct sourcedir_result *r;
	int reaper = 1;

	become_somebody();
	r = sourcedir_one("program", "kill-supervisor", 20000);
	ck_assert_str_eq(r->reason,
	    "its supervisor was killed before it had ended");
	ck_assert_int_eq(r->status, COFRE_INTERNAL);
	ck_assert_int_eq(setresuid(0, 0, 0), 0);
	check_nothing_left();
	ck_assert_int_eq(prctl(PR_GET_CHILD_SUBREAPER, &reaper), 0);
	ck_assert_int_eq(reaper, 0);
}
END_TEST

START_TEST(a_stopped_supervisor_leaves_nothing)
{
	int64_t begin = source_now(), took;
	const struct sourcedir_result *r;

	become_somebody();
	r = sourcedir_one("program", "stop-supervisor", 300);
	took = source_now() - begin;
	ck_assert_str_eq(r->reason, "timed out after 0.3 s");
	ck_assert_msg(took >= 800 && took < 1500, "it took %d ms", (int)took);
	ck_assert_int_eq(setresuid(0, 0, 0), 0);
	check_nothing_left();
}
END_TEST

/* It is stopped again and again, so that it gets to do little or nothing. */
START_TEST(a_supervisor_that_is_held_leaves_nothing)
{
	int64_t begin = source_now();
	enum cofre_status status;

	become_somebody();
	status = sourcedir_one("program", "hold-supervisor", 300)->status;
	ck_assert(status == COFRE_TIMEOUT || status == COFRE_INTERNAL);
	ck_assert(source_now() - begin < 8000);
	ck_assert_int_eq(setresuid(0, 0, 0), 0);
	check_nothing_left();
}
END_TEST

/* Root's supervisor is out of the source's reach. */
START_TEST(a_source_cant_reach_roots_supervisor)
{
	ck_assert_str_eq(sourcedir_one("program", "kill-supervisor",
	    500)->reason, "timed out after 0.5 s");
	check_nothing_left();
}
END_TEST

/* The command, with sources that run. */
static pid_t
start_command(unsigned jobs, const char *what)
{
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		struct sourcedir *d = sourcedir_open();

		if (strcmp(what, "stop-supervisor") == 0)
			become_somebody();
		/* Handlers of Check's, and of a sanitizer. */
		(void)signal(SIGSEGV, SIG_DFL);
		(void)signal(SIGTERM, SIG_DFL);
		(void)signal(SIGINT, SIG_DFL);
		for (unsigned i = 0; i < jobs; i++)
			(void)sourcedir_add(d, "program", what);
		sourcedir_run(d);
		_exit(0);
	}
	return pid;
}

static const struct {
	int signal;
	const char *what;
} deaths[] = {
	{ SIGKILL, "away-hang" }, { SIGTERM, "away-hang" },
	{ SIGINT, "away-hang" }, { SIGSEGV, "away-hang" },
	{ SIGKILL, "stop-supervisor" },
};

/* Two for each source: itself, and what has got away. */
START_TEST(a_command_that_is_killed_takes_its_sources_along)
{
	const unsigned jobs = 5;
	pid_t command = start_command(jobs, deaths[_i].what);
	int64_t end = source_now() + 20000;
	unsigned left;
	int status;

	while (sourcedir_processes() < 2 * jobs) {
		ck_assert_msg(source_now() < end, "they do not start");
		(void)sched_yield();
	}
	ck_assert_int_eq(kill(command, deaths[_i].signal), 0);
	ck_assert_int_eq(waitpid(command, &status, 0), command);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) ==
	    deaths[_i].signal);
	end = source_now() + 1000;
	while ((left = sourcedir_processes()) > 0) {
		ck_assert_msg(source_now() < end, "%u live on", left);
		(void)sched_yield();
	}
}
END_TEST

/* Children that are not the sources' are let live. */
START_TEST(only_what_is_not_ours_is_killed)
{
	pid_t one = fork(), two;
	siginfo_t si = { .si_pid = 0 };

	if (one == 0)
		for (;;)
			(void)pause();
	two = fork();
	if (two == 0)
		for (;;)
			(void)pause();
	ck_assert(one > 0 && two > 0);
	ck_assert(source_child_can_kill());
	ck_assert(!source_child_kill(&one, 1, true));
	ck_assert(source_child_kill(&one, 1, true));
	ck_assert_int_eq(waitpid(two, NULL, WNOHANG), -1);
	ck_assert_int_eq(waitid(P_PID, (id_t)one, &si, WEXITED | WNOHANG |
		WNOWAIT), 0);
	ck_assert_int_eq(si.si_pid, 0);
	ck_assert(!source_child_kill(NULL, 0, true));
	ck_assert_int_eq(waitpid(one, NULL, WNOHANG), -1);
}
END_TEST

static Suite *
kill_suite(void)
{
	Suite *s = suite_create("source_kill");
	TCase *t = tcase_create("source_kill");

	tcase_add_checked_fixture(t, sourcedir_setup, sourcedir_teardown);
	tcase_add_loop_test(t, what_a_source_leaves_is_killed_when_it_ends, 0,
	    (int)COUNT(answered));
	tcase_add_loop_test(t, what_hangs_is_killed_at_the_deadline, 0,
	    (int)COUNT(hanging));
	tcase_add_test(t, a_killed_supervisor_leaves_nothing);
	tcase_add_test(t, a_stopped_supervisor_leaves_nothing);
	tcase_add_test(t, a_supervisor_that_is_held_leaves_nothing);
	tcase_add_test(t, a_source_cant_reach_roots_supervisor);
	tcase_add_loop_test(t,
	    a_command_that_is_killed_takes_its_sources_along, 0,
	    (int)COUNT(deaths));
	tcase_add_test(t, only_what_is_not_ours_is_killed);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr;
	int failed;

	if (!sourcedir_is_root())
		return 77;
	sr = srunner_create(kill_suite());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
