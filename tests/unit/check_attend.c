/* Tests of client/attend.c and client/said.c: how a command ends, and what it
   says. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attend.h"
#include "handle.h"
#include "said.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct cmd cmd = { .verb = "test" };
static struct relay relay = { .listener = -1 };
static char text[SAID_MAX * 2];
static int in = -1; /* of the command */
static rlim_t room; /* for its descriptors; 0: as ever */

/* Run a script, with what it says on standard error in text. */
static int
run(char *script, struct attend *a)
{
	static char sh[] = "/bin/sh", option[] = "-c";
	char *argv[] = { sh, option, script, NULL };
	char path[] = "/tmp/check_attend.XXXXXX";
	int fd = mkstemp(path), before = dup(STDERR_FILENO);
	struct rlimit before_run, few;
	ssize_t n;
	int code;

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(getrlimit(RLIMIT_CORE, &cmd.core), 0);
	(void)unlink(path);
	(void)fflush(stderr);
	(void)dup2(fd, STDERR_FILENO);
	a->argv = argv;
	a->relay = &relay;
	a->in = in;
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before_run), 0);
	few = before_run;
	few.rlim_cur = room != 0 ? (rlim_t)before + room : few.rlim_cur;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	code = attend_run(&cmd, a);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before_run), 0);
	(void)fflush(stderr);
	(void)dup2(before, STDERR_FILENO);
	n = pread(fd, text, sizeof(text) - 1, 0);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	(void)close(fd);
	(void)close(before);
	return code;
}

static const struct {
	const char *script, *says;
} scripts[] = {
	{ "echo a; echo b >&2", "a\nb\n" },
	{ "printf 'a\\r\\nb'", "a\nb\n" },
	{ "printf '\\033]0;owned\\007\\n\\n' >&2", "\\u{1b}]0;owned\\u{7}\n\n" },
	{ "printf 'a\\200\\r\\ta\\\\n\\n'", "a\\x80\\r\\ta\\n\n" },
	{ "true", "" },
	/* What is in the background has it open, and is not waited for. */
	{ "echo a; sleep 20 & exit 3", "a\n" },
};

START_TEST(what_it_says_does_nothing_to_a_terminal)
{
	char script[128];
	struct attend a = { .quiet = true };

	(void)snprintf(script, sizeof(script), "%s", scripts[_i].script);
	ck_assert_int_eq(run(script, &a), strstr(script, "exit 3") ? 3 : 0);
	ck_assert_str_eq(text, scripts[_i].says);
}
END_TEST

START_TEST(no_more_than_is_read_is_passed_on)
{
	char script[] = "head -c 3000000 /dev/zero | tr '\\0' '\\033'; echo; "
			"yes | head -c 100000 >&2; exit 61";
	struct attend a = { .quiet = true };

	ck_assert_int_eq(run(script, &a), 61);
	ck_assert_ptr_nonnull(strstr(text, "\\u{1b}\\u{1b}"));
	ck_assert_ptr_nonnull(strstr(text, "more, which is left out"));
	ck_assert_ptr_null(strstr(text, "y\n"));
	ck_assert_uint_lt(strlen(text), SAID_MAX + 100);
}
END_TEST

static const struct {
	const char *script;
	int code;
	bool late;
} slow[] = {
	{ "sleep 30", 128 + SIGTERM, true },
	{ "exec sleep 30", 128 + SIGTERM, true },
	{ "trap '' TERM; sleep 30 & wait; sleep 30", 128 + SIGKILL, true },
	{ "trap 'exit 61' TERM; sleep 30 & wait", 61, true },
	{ "exit 61", 61, false },
};

START_TEST(it_has_its_time_and_no_more)
{
	char script[128];
	struct attend a = { .seconds = 1 };
	time_t begin = time(NULL);

	/* A relay that takes no connection for longer does not prolong it. */
	relay.rests = _i % 2 == 0 ? 0 : handle_now() + 60000;
	(void)snprintf(script, sizeof(script), "%s", slow[_i].script);
	ck_assert_int_eq(run(script, &a), slow[_i].code);
	ck_assert_int_eq(a.late, slow[_i].late);
	ck_assert_int_le(time(NULL) - begin, 10);
}
END_TEST

START_TEST(a_command_without_its_descriptors_is_not_run)
{
	char script[] = "echo it is run";
	struct attend a = { .quiet = true };

	in = 4000;
	ck_assert_int_eq(run(script, &a), 1);
	ck_assert_ptr_nonnull(strstr(text, "can't give the command its input "
	    "and output: Bad file descriptor"));
	ck_assert_ptr_null(strstr(text, "it is run"));
	/* None for its signals, and then one, but none for what it says. */
	in = -1;
	for (room = 1; room < 3; room++) {
		ck_assert_int_eq(run(script, &a), 1);
		ck_assert_ptr_nonnull(strstr(text, "can't keep track of the "
		    "command: Too many open files"));
		ck_assert_ptr_null(strstr(text, "it is run"));
	}
}
END_TEST

START_TEST(who_attends_stops_with_its_command_and_goes_on)
{
	char script[] = "kill -STOP $$; exit 61";
	struct attend a = { .quiet = true };
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(run(script, &a));
	ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
	ck_assert(WIFSTOPPED(status));
	ck_assert_int_eq(kill(child, SIGCONT), 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 61);
}
END_TEST

/* Kill who attends; does its command live on? */
static bool
lives_on(bool tied)
{
	char script[] = "echo $$ >&9; exec sleep 30";
	struct attend a = { .tied = tied };
	char number[16] = "";
	int fds[2];
	pid_t child, command;
	bool ret;

	ck_assert_int_eq(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		(void)dup2(fds[1], 9);
		_exit(run(script, &a));
	}
	(void)close(fds[1]);
	ck_assert_int_gt(read(fds[0], number, sizeof(number) - 1), 0);
	command = (pid_t)atoi(number);
	ck_assert_int_gt(command, 0);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	/* It is this process's now. */
	for (int i = 0; i < 100; i++) {
		if (waitpid(command, NULL, WNOHANG) == command)
			break;
		(void)usleep(10000);
	}
	ret = kill(command, 0) == 0;
	if (ret)
		(void)kill(command, SIGKILL);
	(void)close(fds[0]);
	return ret;
}

START_TEST(what_is_tied_ends_with_who_attends)
{
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	ck_assert(!lives_on(true));
	ck_assert(lives_on(false));
}
END_TEST

static Suite *
attend_suite(void)
{
	Suite *s = suite_create("attend");
	TCase *t = tcase_create("attend");

	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, what_it_says_does_nothing_to_a_terminal, 0,
	    (int)COUNT(scripts));
	tcase_add_test(t, no_more_than_is_read_is_passed_on);
	tcase_add_loop_test(t, it_has_its_time_and_no_more, 0,
	    (int)COUNT(slow));
	tcase_add_test(t, a_command_without_its_descriptors_is_not_run);
	tcase_add_test(t, who_attends_stops_with_its_command_and_goes_on);
	tcase_add_test(t, what_is_tied_ends_with_who_attends);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(attend_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
