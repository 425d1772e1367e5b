/*
 * Sources when a system call fails: which step it was is told, and nothing is
 * left of it, neither a process nor a descriptor.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failing.h"
#include "sourcedir.h"

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

static void
check_nothing_left(size_t before)
{
	ck_assert_uint_eq(descriptors(), before);
	ck_assert_uint_eq(sourcedir_processes(), 0);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

static struct fault {
	const char *call;
	unsigned nth;
	int error;
	bool below; /* in the supervisor, or in the source */
} fault;

static void
arm(void)
{
	if (fault.below)
		failing_below(fault.call, fault.nth, fault.error);
	else
		failing_next(fault.call, fault.nth, fault.error);
}

/* Run the source; from then on that fails. */
static const struct sourcedir_result *
run_with(const char *source, struct fault f)
{
	static struct sourcedir_result result;
	struct sourcedir *d = sourcedir_open();

	fault = f;
	d->ready = arm;
	(void)sourcedir_add(d, source, strcmp(source, "script") == 0 ? "" :
								     "good");
	sourcedir_run(d);
	/* What fails below is counted there. */
	ck_assert_int_eq(failing_end(), !f.below);
	result = d->results[0];
	sourcedir_close(d);
	return &result;
}

#define GIVE "can't give it its descriptors: Too many open files"
#define FORK "can't fork: Too many open files"
#define LIMIT "can't limit it: Too many open files"

static const struct {
	const char *call;
	unsigned nth;
	bool below; /* in the supervisor, or in the source */
	bool script;
	const char *reason;
} steps[] = {
	{ "memfd_create", 1, false, false,
	    "can't make its request: Too many open files" },
	{ "fchmod", 1, false, false,
	    "can't make its request: Too many open files" },
	{ "pipe2", 1, false, false, GIVE },
	{ "pipe2", 2, false, false, GIVE },
	{ "socketpair", 1, false, false, GIVE },
	{ "setfl", 1, false, false, GIVE },
	{ "setfl", 2, false, false, GIVE },
	{ "fchown", 1, false, false, GIVE },
	{ "fchown", 2, false, false, GIVE },
	{ "fchown", 3, false, false, GIVE },
	{ "fork", 1, false, false, "can't start it: Too many open files" },
	{ "pdeathsig", 1, true, false, FORK },
	{ "subreaper", 1, true, false, FORK },
	{ "fork", 1, true, false, FORK },
	{ "dupfd", 1, true, false, GIVE },
	{ "dupfd", 5, true, false, GIVE },
	{ "dup2", 1, true, false, GIVE },
	{ "dup2", 2, true, false, GIVE },
	{ "dup2", 3, true, false, GIVE },
	{ "close_range", 1, true, false, GIVE },
	{ "close_range", 1, true, true, GIVE },
	{ "dup2", 4, true, true, GIVE },
	{ "no_new_privs", 1, true, false, LIMIT },
	{ "pdeathsig", 2, true, false, LIMIT },
	{ "setrlimit", 1, true, false, LIMIT },
	{ "chdir", 1, true, false, LIMIT },
};

START_TEST(the_step_that_fails_is_told)
{
	size_t before = descriptors();
	const struct sourcedir_result *r;

	sourcedir_write("script", "#!/bin/sh\necho '{\"fields\":{}}'\n", 0755);
	r = run_with(steps[_i].script ? "script" : "program",
	    (struct fault){ steps[_i].call, steps[_i].nth, EMFILE,
		steps[_i].below });
	ck_assert_str_eq(r->reason, steps[_i].reason);
	ck_assert_int_eq(r->status, COFRE_INTERNAL);
	ck_assert_uint_eq(r->field_count, 0);
	check_nothing_left(before);
}
END_TEST

/* A signal, and a kernel that does not know a flag, are no reasons. */
static const struct fault trifles[] = {
	{ "waitpid", 1, EINTR, false },
	{ "poll", 1, EINTR, false },
	{ "read", 1, EINTR, false },
	{ "recv", 1, EINTR, false },
	{ "poll", 1, EINTR, true },
	{ "memfd_create", 1, EINVAL, false },
	{ "recv", 1, EAGAIN, false },
	/* Somebody else has waited for its supervisor. */
	{ "waitpid", 1, ECHILD, false },
};

START_TEST(what_passes_is_no_failure)
{
	const struct sourcedir_result *r;
	size_t before = descriptors();

	r = run_with("program", trifles[_i]);
	ck_assert_str_eq(r->reason, "");
	ck_assert_str_eq(sourcedir_field(r, "AccountKey"), "fresh");
	check_nothing_left(before);
}
END_TEST

/* What is half heard is no answer. */
static const struct {
	const char *call;
	bool below;
	enum cofre_status status;
	const char *reason;
} deaf[] = {
	{ "read", false, COFRE_FORMAT, "its answer is empty" },
	{ "recv", false, COFRE_INTERNAL,
	    "its supervisor was killed before it had ended" },
	{ "poll", true, COFRE_INTERNAL,
	    "its supervisor was killed before it had ended" },
};

/* What a source leaves is killed, also when it can't be listed at once. */
START_TEST(what_cant_be_listed_is_looked_for_again)
{
	struct sourcedir *d = sourcedir_open();
	size_t before = descriptors();

	fault = (struct fault){ "open", 1, EMFILE, true };
	d->ready = arm;
	(void)sourcedir_add(d, "program", "away");
	sourcedir_run(d);
	(void)failing_end();
	ck_assert_int_eq(d->results[0].status, COFRE_OK);
	check_nothing_left(before);
	sourcedir_close(d);
}
END_TEST

/* Rules that are read with an interruption are whole. */
START_TEST(interrupted_rules_are_whole)
{
	struct sourcedir *d;

	failing_next("read", 1, EINTR);
	d = sourcedir_open();
	ck_assert(failing_end());
	(void)sourcedir_add(d, "program", "good");
	sourcedir_run(d);
	ck_assert_int_eq(d->results[0].status, COFRE_OK);
	sourcedir_close(d);
}
END_TEST

START_TEST(an_answer_that_cant_be_read_is_none)
{
	const struct sourcedir_result *r;
	size_t before = descriptors();

	r = run_with("program", (struct fault){ deaf[_i].call, 1, EIO,
		deaf[_i].below });
	ck_assert_str_eq(r->reason, deaf[_i].reason);
	ck_assert_int_eq(r->status, deaf[_i].status);
	ck_assert_uint_eq(r->field_count, 0);
	check_nothing_left(before);
}
END_TEST

static void
count(void *arg, struct source_job *job, const struct source_result *r)
{
	(void)job;
	(void)r;
	++*(unsigned *)arg;
}

/* What it had begun is ended, and nobody is told of a result. */
START_TEST(a_pool_that_cant_wait_leaves_nothing)
{
	struct sourcedir *d = sourcedir_open();
	size_t before = descriptors();
	struct source_pool *pool = NULL;
	struct problem p = { "" };
	unsigned done = 0;

	(void)sourcedir_add(d, "program", "hang");
	(void)sourcedir_add(d, "program", "hang");
	d->options.at_once = SOURCE_AT_ONCE_MAX + 1;
	ck_assert_int_eq(source_pool_new(&d->dir, &d->options, &pool, &p),
	    COFRE_OK);
	source_pool_add(pool, &d->jobs[0]);
	source_pool_add(pool, &d->jobs[1]);
	failing_next("poll", 1, ENOMEM);
	ck_assert_int_eq(source_pool_run(pool, count, &done, &p),
	    COFRE_INTERNAL);
	ck_assert(failing_end());
	ck_assert_str_eq(p.text, "poll: Cannot allocate memory");
	ck_assert_uint_eq(done, 0);
	check_nothing_left(before);
	source_pool_free(pool);
	sourcedir_close(d);
}
END_TEST

/* Without /proc nobody could kill what a source leaves. */
static const char *const blind[] = { "readlink", "access" };

START_TEST(nothing_is_run_that_could_not_be_killed)
{
	struct sourcedir *d = sourcedir_open();
	struct source_pool *pool = NULL;
	struct problem p = { "" };

	failing_next(blind[_i], 1, ENOENT);
	ck_assert_int_eq(source_pool_new(&d->dir, &d->options, &pool, &p),
	    COFRE_INVALID);
	ck_assert(failing_end());
	ck_assert_ptr_null(pool);
	ck_assert_ptr_nonnull(strstr(p.text, "/proc is not mounted"));
	sourcedir_close(d);
}
END_TEST

static const char *const memories[] = { "alloc", "secmem" };

START_TEST(without_memory_there_is_no_pool)
{
	struct sourcedir *d = sourcedir_open();
	struct source_pool *pool = NULL;
	struct problem p = { "" };

	failing_next(memories[_i], 1, ENOMEM);
	ck_assert_int_eq(source_pool_new(&d->dir, &d->options, &pool, &p),
	    COFRE_NO_MEMORY);
	ck_assert(failing_end());
	ck_assert_ptr_null(pool);
	ck_assert_str_eq(p.text, "out of memory");
	sourcedir_close(d);
}
END_TEST

static Suite *
faults_suite(void)
{
	Suite *s = suite_create("source faults");
	TCase *t = tcase_create("source faults");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, sourcedir_setup, sourcedir_teardown);
	tcase_add_loop_test(t, the_step_that_fails_is_told, 0,
	    (int)COUNT(steps));
	tcase_add_loop_test(t, what_passes_is_no_failure, 0,
	    (int)COUNT(trifles));
	tcase_add_test(t, what_cant_be_listed_is_looked_for_again);
	tcase_add_test(t, interrupted_rules_are_whole);
	tcase_add_loop_test(t, an_answer_that_cant_be_read_is_none, 0,
	    (int)COUNT(deaf));
	tcase_add_test(t, a_pool_that_cant_wait_leaves_nothing);
	tcase_add_loop_test(t, nothing_is_run_that_could_not_be_killed, 0,
	    (int)COUNT(blind));
	tcase_add_loop_test(t, without_memory_there_is_no_pool, 0,
	    (int)COUNT(memories));
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
	sr = srunner_create(faults_suite());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
