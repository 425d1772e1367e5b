/* Tests of client/prompt.c: a terminal that goes away, or that can't be asked
   on; and what comes between. */
#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "prompt.h"

#define ASK "Say it: "
#define AGAIN "Again: "
#define MAX 100u

static int master, slave;
static struct problem p;
static struct input in;

static void
setup(void)
{
	master = posix_openpt(O_RDWR | O_NOCTTY);
	ck_assert_int_ne(master, -1);
	ck_assert_int_eq(grantpt(master), 0);
	ck_assert_int_eq(unlockpt(master), 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	ck_assert_int_ne(slave, -1);
	in = (struct input){ 0 };
}

/* In the process that asks: what is secret is not there after a fork. */
static void
make_input(void)
{
	if (input_init(&in, MAX, &p) != COFRE_OK)
		_exit(100);
}

static void
teardown(void)
{
	input_free(&in);
	(void)close(master);
	(void)close(slave);
}

/* Read what the terminal shows, up to text. */
static void
shows(const char *text)
{
	char shown[512] = "";
	size_t len = 0;

	while (strstr(shown, text) == NULL) {
		ssize_t n = read(master, shown + len, sizeof(shown) - 1 - len);

		ck_assert_int_gt((int)n, 0);
		len += (size_t)n;
		shown[len] = '\0';
	}
}

static void
types(const char *line)
{
	ck_assert_int_eq(write(master, line, strlen(line)),
	    (ssize_t)strlen(line));
}

static int
end_of(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* In a process that has nothing of the master: what it is told is part. */
static _Noreturn void
is_refused(bool twice, const char *part)
{
	enum cofre_status s;

	make_input();
	(void)close(master);
	(void)signal(SIGHUP, SIG_IGN);
	s = twice ? prompt_twice_fd(&in, 1, slave, ASK, AGAIN, &p) :
	    prompt_secret_fd(&in, slave, ASK, &p);
	_exit(s == COFRE_ARGUMENT && strstr(p.text, part) != NULL ? 0 : 1);
}

START_TEST(a_terminal_that_goes_ends_the_question)
{
	pid_t pid = fork();

	if (pid == 0)
		is_refused(_i > 0, "nothing was typed");
	shows(ASK);
	if (_i == 2) {
		types("typed\n");
		shows(AGAIN);
	}
	(void)close(slave);
	(void)close(master);
	ck_assert_int_eq(end_of(pid), 0);
	master = slave = -1;
}
END_TEST

START_TEST(nothing_is_asked_where_nobody_answers)
{
	make_input();
	(void)close(master);
	master = -1;
	ck_assert_int_eq(prompt_secret_fd(&in, slave, ASK, &p),
	    COFRE_ARGUMENT);
	ck_assert_str_eq(p.text,
	    "can't ask on the terminal: Input/output error");
	ck_assert_int_eq(prompt_twice_fd(&in, 1, slave, ASK, AGAIN, &p),
	    COFRE_ARGUMENT);
	ck_assert_uint_eq(in.len, 0);
}
END_TEST

/* Who can't watch for signals does not hide what is typed. */
START_TEST(without_a_descriptor_it_does_not_ask)
{
	struct rlimit before, few;
	struct termios t;
	sigset_t blocked;

	make_input();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = (rlim_t)slave + 1;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	ck_assert_int_eq(prompt_secret_fd(&in, slave, ASK, &p),
	    COFRE_ARGUMENT);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_str_eq(p.text,
	    "can't ask on the terminal: Too many open files");
	ck_assert_int_eq(tcgetattr(slave, &t), 0);
	ck_assert((t.c_lflag & ECHO) != 0);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, NULL, &blocked), 0);
	ck_assert_int_eq(sigismember(&blocked, SIGINT), 0);
}
END_TEST

static void
nothing(int number)
{
	(void)number;
}

/* Wait until it waits, as the kernel tells it. */
static void
waits(pid_t pid)
{
	char path[32], state = '?';
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	while (state != 'S') {
		f = fopen(path, "re");
		ck_assert_ptr_nonnull(f);
		ck_assert_int_eq(fscanf(f, "%*d (%*[^)]) %c", &state), 1);
		(void)fclose(f);
		(void)sched_yield();
	}
}

START_TEST(a_signal_that_is_not_for_it_does_not_disturb_it)
{
	struct sigaction a = { .sa_handler = nothing };
	pid_t pid = fork();

	if (pid == 0) {
		make_input();
		(void)sigaction(SIGUSR1, &a, NULL);
		if (prompt_secret_fd(&in, slave, ASK, &p) != COFRE_OK)
			_exit(1);
		_exit(in.len == 5 && memcmp(in.data, "typed", 5) == 0 ? 0 : 2);
	}
	shows(ASK);
	for (int i = 0; i < 3; i++) {
		waits(pid);
		ck_assert_int_eq(kill(pid, SIGUSR1), 0);
	}
	types("typed\n");
	ck_assert_int_eq(end_of(pid), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("prompt_gone");
	TCase *t = tcase_create("prompt_gone");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_terminal_that_goes_ends_the_question, 0, 3);
	tcase_add_test(t, nothing_is_asked_where_nobody_answers);
	tcase_add_test(t, without_a_descriptor_it_does_not_ask);
	tcase_add_test(t, a_signal_that_is_not_for_it_does_not_disturb_it);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
