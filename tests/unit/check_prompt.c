#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "prompt.h"

#define ASK "Say it: "
#define MAX 5000u
/* A terminal, and a process that asks on it. */
struct stage {
	int master;
	int slave;
	size_t min; /* of a new one, which is asked for twice; 0: once */
	pid_t asker;
};

/* What the asker does: exit code 0 when it got want, else the status. */
static void
ask(const struct stage *s, const char *want)
{
	struct problem p;
	struct input in;
	enum cofre_status st = input_init(&in, MAX, &p);

	/* The test runner's own handlers would end the test. */
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGINT, SIG_DFL);
	/* In a group of its own it can be stopped; and it ends with the test. */
	if (st != COFRE_OK || setpgid(0, 0) == -1 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		_exit(100);
	st = s->min == 0 ? prompt_secret_fd(&in, s->slave, ASK, &p) :
	    prompt_twice_fd(&in, s->min, s->slave, ASK, ASK, &p);
	if (st != COFRE_OK)
		_exit((int)st);
	_exit(in.len == strlen(want) && memcmp(in.data, want, in.len) == 0 ?
	    0 : 101);
}

static void
stage_start(struct stage *s, size_t min, const char *want)
{
	s->min = min;
	s->master = posix_openpt(O_RDWR | O_NOCTTY);
	ck_assert_int_ne(s->master, -1);
	ck_assert_int_eq(grantpt(s->master), 0);
	ck_assert_int_eq(unlockpt(s->master), 0);
	s->slave = open(ptsname(s->master), O_RDWR | O_NOCTTY);
	ck_assert_int_ne(s->slave, -1);
	s->asker = fork();
	ck_assert_int_ne(s->asker, -1);
	if (s->asker == 0)
		ask(s, want);
}

/* Read what the terminal shows, until it has shown text. */
static void
stage_shows(const struct stage *s, const char *text)
{
	char shown[512] = "";
	size_t len = 0;

	while (strstr(shown, text) == NULL) {
		ssize_t n = read(s->master, shown + len,
		    sizeof(shown) - 1 - len);

		ck_assert_int_gt((int)n, 0);
		len += (size_t)n;
		shown[len] = '\0';
	}
	ck_assert_msg(strstr(shown, "typed") == NULL, "%s", shown);
}

static void
stage_type(const struct stage *s, const char *text, size_t len)
{
	ck_assert_int_eq(write(s->master, text, len), (int)len);
}

static bool
stage_echoes(const struct stage *s)
{
	struct termios t;

	ck_assert_int_eq(tcgetattr(s->slave, &t), 0);
	return (t.c_lflag & ECHO) != 0;
}

/* Wait for the end; the terminal must be as it was. */
static int
stage_end(const struct stage *s)
{
	int status;

	ck_assert_int_eq(waitpid(s->asker, &status, 0), s->asker);
	ck_assert(stage_echoes(s));
	(void)close(s->master);
	(void)close(s->slave);
	return status;
}

static int
exit_code(int status)
{
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(what_is_typed_arrives_and_is_not_shown)
{
	struct stage s;

	stage_start(&s, 0, "typed secret");
	stage_shows(&s, ASK);
	ck_assert(!stage_echoes(&s));
	stage_type(&s, "typed secret\n", 13);
	stage_shows(&s, "\n");
	ck_assert_int_eq(exit_code(stage_end(&s)), 0);
}
END_TEST

START_TEST(two_that_differ_are_said_to_and_a_short_one_ends_it)
{
	struct stage s;

	stage_start(&s, 6, "typed");
	stage_shows(&s, ASK);
	stage_type(&s, "typed a\n", 8);
	stage_shows(&s, ASK);
	stage_type(&s, "typed b\n", 8);
	stage_shows(&s, "The two differ: try again.\r\n" ASK);
	stage_type(&s, "typed\n", 6);
	ck_assert_int_eq(exit_code(stage_end(&s)), 0);
}
END_TEST

START_TEST(the_end_of_input_ends_a_line_too)
{
	struct stage s;

	stage_start(&s, 0, "typed");
	stage_shows(&s, ASK);
	stage_type(&s, "typed\004\004", 7);
	ck_assert_int_eq(exit_code(stage_end(&s)), 0);
}
END_TEST

START_TEST(nothing_typed_is_an_error)
{
	static const char *const nothing[] = { "\n", "\004" };
	struct stage s;

	stage_start(&s, 0, "");
	stage_shows(&s, ASK);
	stage_type(&s, nothing[_i], 1);
	ck_assert_int_eq(exit_code(stage_end(&s)), COFRE_ARGUMENT);
}
END_TEST

START_TEST(a_line_that_the_terminal_may_have_cut_is_refused)
{
	char line[4096];
	struct stage s;

	memset(line, 'x', sizeof(line));
	line[4095] = '\n';
	stage_start(&s, 0, "");
	stage_shows(&s, ASK);
	stage_type(&s, line, 4096);
	ck_assert_int_eq(exit_code(stage_end(&s)), COFRE_TOO_LARGE);
}
END_TEST

START_TEST(the_longest_line_arrives_whole)
{
	char line[PROMPT_MAX + 2];
	struct stage s;

	memset(line, 'x', PROMPT_MAX);
	line[PROMPT_MAX] = '\0';
	stage_start(&s, 0, line);
	stage_shows(&s, ASK);
	line[PROMPT_MAX] = '\n';
	stage_type(&s, line, PROMPT_MAX + 1);
	ck_assert_int_eq(exit_code(stage_end(&s)), 0);
}
END_TEST

START_TEST(a_signal_ends_it_with_the_terminal_as_it_was)
{
	static const int signals[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT };
	struct stage s;
	int status;
	/* nohup(1) may have this test ignore one of them. */
	(void)signal(signals[_i], SIG_DFL);
	stage_start(&s, 0, "");
	stage_shows(&s, ASK);
	ck_assert(!stage_echoes(&s));
	ck_assert_int_eq(kill(s.asker, signals[_i]), 0);
	status = stage_end(&s);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), signals[_i]);
}
END_TEST

START_TEST(an_interrupt_that_is_typed_ends_it)
{
	struct stage s;

	/* The terminal is nobody's controlling one: it sends no signal, but
	   it must take the character out of the line. */
	stage_start(&s, 0, "b");
	stage_shows(&s, ASK);
	stage_type(&s, "a\003b\n", 4);
	ck_assert_int_eq(exit_code(stage_end(&s)), 0);
}
END_TEST

START_TEST(a_stopped_program_gives_the_terminal_back_and_asks_again)
{
	struct stage s;
	int status;

	stage_start(&s, 0, "typed later");
	stage_shows(&s, ASK);
	ck_assert_int_eq(kill(s.asker, SIGTSTP), 0);
	ck_assert_int_eq(waitpid(s.asker, &status, WUNTRACED), s.asker);
	ck_assert(WIFSTOPPED(status));
	ck_assert(stage_echoes(&s));
	ck_assert_int_eq(kill(s.asker, SIGCONT), 0);
	stage_shows(&s, ASK);
	ck_assert(!stage_echoes(&s));
	stage_type(&s, "typed later\n", 12);
	ck_assert_int_eq(exit_code(stage_end(&s)), 0);
}
END_TEST

START_TEST(what_is_no_terminal_is_refused)
{
	struct problem p;
	struct input in;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(input_init(&in, 16, &p), COFRE_OK);
	ck_assert_int_eq(prompt_secret_fd(&in, fds[0], ASK, &p),
	    COFRE_ARGUMENT);
	input_free(&in);
	(void)close(fds[0]);
	(void)close(fds[1]);
}
END_TEST

/* Input from descriptors and files. */

static struct input in;
static int pipe_fds[2];
static struct problem problem;

static void
setup(void)
{
	ck_assert_int_eq(pipe(pipe_fds), 0);
	ck_assert_int_eq(input_init(&in, 8, &problem), COFRE_OK);
}

static void
teardown(void)
{
	input_free(&in);
	(void)close(pipe_fds[0]);
	(void)close(pipe_fds[1]);
}

static void
feed(const char *text)
{
	size_t len = strlen(text);

	ck_assert_int_eq(write(pipe_fds[1], text, len), (int)len);
}

static void
feed_end(void)
{
	ck_assert_int_eq(close(pipe_fds[1]), 0);
	pipe_fds[1] = -1;
}

static void
input_is(const char *want)
{
	ck_assert_msg(view_is(input_view(&in), want), "%.*s", (int)in.len,
	    in.data);
}

START_TEST(a_descriptor_is_read_to_its_end)
{
	feed("12345678");
	feed_end();
	ck_assert_int_eq(input_fd(&in, pipe_fds[0], "it", &problem), COFRE_OK);
	input_is("12345678");
}
END_TEST

START_TEST(a_byte_more_than_allowed_is_refused)
{
	feed("123456789");
	feed_end();
	ck_assert_int_eq(input_fd(&in, pipe_fds[0], "it", &problem),
	    COFRE_TOO_LARGE);
	ck_assert_str_eq(problem.text, "it holds more than 8 bytes");
}
END_TEST

START_TEST(a_line_is_read_and_no_byte_after_it)
{
	char rest[8];

	feed("12345678\nnext");
	ck_assert_int_eq(input_line(&in, pipe_fds[0], &problem), COFRE_OK);
	input_is("12345678");
	ck_assert_int_eq(read(pipe_fds[0], rest, sizeof(rest)), 4);
	ck_assert_mem_eq(rest, "next", 4);
}
END_TEST

START_TEST(a_last_line_needs_no_newline)
{
	feed("1234");
	feed_end();
	ck_assert_int_eq(input_line(&in, pipe_fds[0], &problem), COFRE_OK);
	input_is("1234");
}
END_TEST

START_TEST(a_line_that_is_too_long_or_missing_is_refused)
{
	feed("123456789\n");
	ck_assert_int_eq(input_line(&in, pipe_fds[0], &problem),
	    COFRE_TOO_LARGE);
	ck_assert_int_eq(read(pipe_fds[0], in.data, 1), 1);
	feed_end();
	ck_assert_int_eq(input_line(&in, pipe_fds[0], &problem),
	    COFRE_ARGUMENT);
}
END_TEST

START_TEST(one_newline_is_stripped)
{
	feed("ab\n\n");
	feed_end();
	ck_assert_int_eq(input_fd(&in, pipe_fds[0], "it", &problem), COFRE_OK);
	input_strip(&in);
	input_is("ab\n");
	input_strip(&in);
	input_strip(&in);
	input_is("ab");
}
END_TEST

START_TEST(a_descriptor_can_be_named_as_a_file)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/dev/fd/%d", pipe_fds[0]);
	feed("abc");
	feed_end();
	ck_assert_int_eq(input_file(&in, path, &problem), COFRE_OK);
	input_is("abc");
}
END_TEST

START_TEST(what_cannot_be_read_is_named)
{
	ck_assert_int_eq(input_file(&in, "/nonexistent/file", &problem),
	    COFRE_ARGUMENT);
	ck_assert_str_eq(problem.text,
	    "can't read /nonexistent/file: No such file or directory");
	ck_assert_int_eq(input_file(&in, "/", &problem), COFRE_ARGUMENT);
	ck_assert_str_eq(problem.text, "can't read /: Is a directory");
}
END_TEST

START_TEST(an_input_that_was_never_made_is_freed)
{
	input_free(&(struct input){ 0 });
}
END_TEST

static TCase *
terminals(void)
{
	TCase *tc = tcase_create("terminals");

	tcase_add_test(tc, what_is_typed_arrives_and_is_not_shown);
	tcase_add_test(tc, two_that_differ_are_said_to_and_a_short_one_ends_it);
	tcase_add_test(tc, the_end_of_input_ends_a_line_too);
	tcase_add_loop_test(tc, nothing_typed_is_an_error, 0, 2);
	tcase_add_test(tc, a_line_that_the_terminal_may_have_cut_is_refused);
	tcase_add_test(tc, the_longest_line_arrives_whole);
	tcase_add_loop_test(tc, a_signal_ends_it_with_the_terminal_as_it_was,
	    0, 4);
	tcase_add_test(tc, an_interrupt_that_is_typed_ends_it);
	tcase_add_test(tc,
	    a_stopped_program_gives_the_terminal_back_and_asks_again);
	tcase_add_test(tc, what_is_no_terminal_is_refused);
	return tc;
}

static TCase *
inputs(void)
{
	TCase *tc = tcase_create("inputs");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_descriptor_is_read_to_its_end);
	tcase_add_test(tc, a_byte_more_than_allowed_is_refused);
	tcase_add_test(tc, a_line_is_read_and_no_byte_after_it);
	tcase_add_test(tc, a_last_line_needs_no_newline);
	tcase_add_test(tc, a_line_that_is_too_long_or_missing_is_refused);
	tcase_add_test(tc, one_newline_is_stripped);
	tcase_add_test(tc, a_descriptor_can_be_named_as_a_file);
	tcase_add_test(tc, what_cannot_be_read_is_named);
	tcase_add_test(tc, an_input_that_was_never_made_is_freed);
	return tc;
}

int
main(void)
{
	Suite *s = suite_create("prompt");
	SRunner *sr;
	int failed;

	suite_add_tcase(s, terminals());
	suite_add_tcase(s, inputs());
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
