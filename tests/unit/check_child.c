/*
 * Tests of client/sources/child.c and program.c: a program of another that
 * can't be run, and a source that has no memory or nowhere to answer.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "failing.h"
#include "program.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

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

/*
 * A program that another runs.
 */

#define CANT "can't run cat: Too many open files"

static const struct {
	const char *program;
	const char *call;
	unsigned nth;
	int error;
	bool below; /* between fork and exec */
	enum cofre_status status;
	const char *says;
} runs[] = {
	{ "cat", "pipe2", 1, EMFILE, false, COFRE_NO_MEMORY, CANT },
	{ "cat", "pipe2", 2, EMFILE, false, COFRE_NO_MEMORY, CANT },
	{ "cat", "pipe2", 3, EMFILE, false, COFRE_NO_MEMORY, CANT },
	{ "cat", "fork", 1, EMFILE, false, COFRE_NO_MEMORY, CANT },
	{ "cat", "dup2", 1, EMFILE, true, COFRE_ARGUMENT, CANT },
	{ "cat", "dup2", 2, EMFILE, true, COFRE_ARGUMENT, CANT },
	/* A signal changes nothing. */
	{ "cat", "waitpid", 1, EINTR, false, COFRE_OK, "" },
	{ "no-such-program", "write", 1, EINTR, true, COFRE_ARGUMENT,
	    "can't run no-such-program: No such file or directory" },
	{ "no-such-program", "read", 1, EINTR, false, COFRE_ARGUMENT,
	    "can't run no-such-program: No such file or directory" },
	/* It has printed all, and nobody knows how it has ended. */
	{ "cat", "waitpid", 1, ECHILD, false, COFRE_ARGUMENT,
	    "cat was ended by signal 0" },
	{ "cat", "read", 2, EIO, false, COFRE_ARGUMENT,
	    "what the program prints: Input/output error" },
};

START_TEST(a_program_that_cant_be_run_says_why)
{
	const char *const argv[] = { runs[_i].program, NULL };
	const struct child c = { .argv = argv, .text = view_of("text"),
		.keep = { -1 }, .keep_count = 1 };
	struct problem p = { "" };
	struct input out;
	enum cofre_status s;
	size_t before;
	int code = -1;

	ck_assert_int_eq(input_init(&out, 100, &p), COFRE_OK);
	before = descriptors();
	if (runs[_i].below)
		failing_below(runs[_i].call, runs[_i].nth, runs[_i].error);
	else
		failing_next(runs[_i].call, runs[_i].nth, runs[_i].error);
	s = child_run(&c, &out, &code, &p);
	ck_assert_int_eq(failing_end(), !runs[_i].below);
	ck_assert_int_eq(s, runs[_i].status);
	ck_assert_int_eq(code, s == COFRE_OK ? 0 : -1);
	if (s == COFRE_OK)
		ck_assert(view_is(input_view(&out), "text"));
	else
		ck_assert_msg(strstr(p.text, runs[_i].says) != NULL, "%s",
		    p.text);
	ck_assert_uint_eq(descriptors(), before);
	while (runs[_i].error == ECHILD && waitpid(-1, NULL, 0) > 0)
		;
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	input_free(&out);
}
END_TEST

/*
 * A source.
 */

static size_t value_len = 1;

static enum cofre_status
answer(const struct request *q, json_t *to, struct problem *p)
{
	static uint8_t value[PROGRAM_TEXT_MAX];
	enum cofre_status s;

	(void)q;
	memset(value, 'v', sizeof(value));
	s = answer_field(to, "AccountKey", (struct view){ value, value_len },
	    p);
	return s == COFRE_OK ? answer_number(to, "slot", 1, p) : s;
}

static const struct program source = { "test",
	OPERATION_PULL | OPERATION_PROBE | OPERATION_REGENERATE, answer };

static char said[200];	/* on standard error */
static char printed[PROGRAM_TEXT_MAX];

static void
read_back(int fd, char *to, size_t size)
{
	ssize_t n = pread(fd, to, size - 1, 0);

	ck_assert_int_ge(n, 0);
	to[n] = '\0';
	(void)close(fd);
}

/* Run it, with the nth call of the name failing; was there one?  *code is
   its exit code. */
static bool
serve(const char *request, const char *call, unsigned nth, int error,
    int *code)
{
	int in = memfd_create("in", MFD_CLOEXEC);
	int out = memfd_create("out", MFD_CLOEXEC);
	int err = memfd_create("err", MFD_CLOEXEC);
	int status;
	pid_t pid;

	ck_assert_int_ne(write(in, request, strlen(request)), -1);
	ck_assert_int_eq(lseek(in, 0, SEEK_SET), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		(void)dup2(in, STDIN_FILENO);
		(void)dup2(out, STDOUT_FILENO);
		(void)dup2(err, STDERR_FILENO);
		failing_next(call, nth, error);
		status = program_main(&source);
		_exit(status + (failing_end() ? 100 : 0));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	(void)close(in);
	read_back(out, printed, sizeof(printed));
	read_back(err, said, sizeof(said));
	*code = WEXITSTATUS(status) % 100;
	return WEXITSTATUS(status) >= 100;
}

#define REQUEST "{\"version\":1,\"operation\":\"pull\",\"kind\":\"storage\"}"
#define ANSWER "{\"fields\":{\"AccountKey\":\"v\"},\"slot\":1,"               \
	       "\"probe\":true,\"rotate\":true}\n"

/* No half of an answer. */
START_TEST(a_source_without_memory_answers_nothing)
{
	unsigned n = 0;
	int code;

	while (serve(REQUEST, "alloc", ++n, ENOMEM, &code)) {
		ck_assert_int_eq(code, 1);
		ck_assert_str_eq(printed, "");
		ck_assert_msg(strcmp(said, "test: out of memory\n") == 0 ||
			strcmp(said, "test: the request is no JSON\n") == 0,
		    "allocation %u: %s", n, said);
	}
	ck_assert_uint_gt(n, 10);
	ck_assert_int_eq(code, 0);
	ck_assert_str_eq(printed, ANSWER);
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(an_answer_that_cant_be_written_is_an_error)
{
	int code;

	ck_assert(serve(REQUEST, "write", 1, ENOSPC, &code));
	ck_assert_int_eq(code, 1);
	ck_assert_str_eq(said,
	    "test: can't write the answer: No space left on device\n");
}
END_TEST

/* As long as it can be with its newline, and one byte longer. */
START_TEST(an_answer_has_at_most_256_kib)
{
	const size_t most = PROGRAM_TEXT_MAX - strlen(ANSWER) + 1;
	int code;

	value_len = most;
	(void)serve(REQUEST, "none", 1, 0, &code);
	ck_assert_int_eq(code, 0);
	value_len = most + 1;
	(void)serve(REQUEST, "none", 1, 0, &code);
	ck_assert_int_eq(code, 1);
	ck_assert_str_eq(printed, "");
	ck_assert_str_eq(said, "test: the answer is too large\n");
	value_len = most + 20;
	(void)serve(REQUEST, "none", 1, 0, &code);
	ck_assert_str_eq(said, "test: the answer is too large\n");
}
END_TEST

static const struct {
	const char *request;
	const char *says;
} requests[] = {
	{ "", "the request is no JSON" },
	{ "[]", "the request is not of version 1" },
	{ "{\"version\":2}", "the request is not of version 1" },
	{ "{\"version\":1}", "the request has no kind" },
	{ "{\"version\":1,\"kind\":\"storage\"}",
	    "the request has no operation" },
	{ "{\"version\":1,\"kind\":\"storage\",\"operation\":\"push\"}",
	    "the operation 'push' is not known" },
	{ "{\"version\":1,\"kind\":\"storage\",\"arguments\":[]}",
	    "the request has arguments or fields that are no strings" },
	{ "{\"version\":1,\"kind\":\"storage\",\"fields\":{\"a\":1}}",
	    "the request has arguments or fields that are no strings" },
	{ "{\"version\":1,\"kind\":\"storage\",\"slot\":3}",
	    "the request has a slot that is not 0, 1 or 2" },
	{ "{\"version\":1,\"kind\":\"storage\",\"slot\":-1}",
	    "the request has a slot that is not 0, 1 or 2" },
	{ "{\"version\":1,\"kind\":\"storage\",\"slot\":\"1\"}",
	    "the request has a slot that is not 0, 1 or 2" },
};

START_TEST(a_request_that_is_none_is_told)
{
	size_t len = strlen(requests[_i].says);
	int code;

	(void)serve(requests[_i].request, "none", 1, 0, &code);
	ck_assert_int_eq(code, 1);
	ck_assert_str_eq(printed, "");
	ck_assert_int_eq(strncmp(said, "test: ", 6), 0);
	ck_assert_msg(strncmp(said + 6, requests[_i].says, len) == 0, "%s",
	    said);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("child");
	TCase *t = tcase_create("child");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, a_program_that_cant_be_run_says_why, 0,
	    (int)COUNT(runs));
	tcase_add_test(t, a_source_without_memory_answers_nothing);
	tcase_add_test(t, an_answer_that_cant_be_written_is_an_error);
	tcase_add_test(t, an_answer_has_at_most_256_kib);
	tcase_add_loop_test(t, a_request_that_is_none_is_told, 0,
	    (int)COUNT(requests));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
