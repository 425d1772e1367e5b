/*
 * Sources that are programs: what they get, what they answer, and what comes
 * of those that do not.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "source_slot.h"
#include "sourcedir.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Nothing is left of anything: no process, no zombie. */
static void
check_nothing_left(void)
{
	ck_assert_uint_eq(sourcedir_processes(), 0);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

static const struct {
	const char *what;
	enum cofre_status status;
	const char *reason; /* all of it */
	const char *said;
} outcomes[] = {
	{ "good", COFRE_OK, "", "" },
	{ "garbage", COFRE_FORMAT,
	    "its answer, line 1, column 1: it is no JSON", "" },
	{ "none", COFRE_FORMAT, "its answer is empty", "" },
	{ "half", COFRE_FORMAT,
	    "its answer, line 1, column 28: it ends too early", "" },
	{ "exit3", COFRE_INTERNAL, "exit status 3",
	    "no \\u{1b}[31mnetwork\\u{1b}[0m" },
	{ "segv", COFRE_INTERNAL, "killed by signal 11", "" },
	{ "unknown", COFRE_INTERNAL, "exit status 97", "" },
	{ "error", COFRE_INTERNAL,
	    "it says: key  is \\u{1b}[31mrefused", "" },
	{ "refuse", COFRE_FORMAT, "its answer has a member that an answer to "
	    "pull does not have", "" },
	{ "flood", COFRE_TOO_LARGE, "it answered more than 256 KiB", "" },
};

START_TEST(a_source_answers_or_there_is_a_reason)
{
	const struct sourcedir_result *r = sourcedir_one("program",
	    outcomes[_i].what, 20000);

	ck_assert_str_eq(r->reason, outcomes[_i].reason);
	ck_assert_str_eq(r->said, outcomes[_i].said);
	ck_assert_int_eq(r->status, outcomes[_i].status);
	ck_assert_uint_eq(r->done, 1);
	check_nothing_left();
	if (r->status != COFRE_OK)
		return;
	ck_assert_str_eq(sourcedir_field(r, "AccountKey"), "fresh");
	ck_assert_uint_eq(r->slot, 1);
	ck_assert_uint_eq(r->serial, 7);
}
END_TEST

START_TEST(the_request_is_on_standard_input_alone)
{
	const struct sourcedir_result *r = sourcedir_one("program", "echo",
	    20000);

	ck_assert_str_eq(sourcedir_field(r, "request"),
	    "{\"version\":1,\"operation\":\"pull\",\"workspace\":\"ml-prod\","
	    "\"name\":\"store\",\"kind\":\"storage\",\"slot\":0,"
	    "\"arguments\":{\"do\":\"echo\"},\"fields\":{}}\n");
}
END_TEST

/* A line of /proc/self/status or limits. */
static void
check_line(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	ck_assert_msg(at != NULL && strchr("\n ", at[strlen(line)]) != NULL,
	    "no '%s' in:\n%s", line, text);
}

static void
check_status(const char *status)
{
	static const char *const lines[] = { "NoNewPrivs:\t1",
		"SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000",
		"CapInh:\t0000000000000000",
		"CapPrm:\t0000000000000000", "CapEff:\t0000000000000000",
		"CapAmb:\t0000000000000000", "Groups:\t" };
	unsigned uid[4], gid[4];

	for (size_t i = 0; i < COUNT(lines); i++)
		check_line(status, lines[i]);
	ck_assert_int_eq(sscanf(strstr(status, "\nUid:"), "\nUid: %u %u %u %u",
			     &uid[0], &uid[1], &uid[2], &uid[3]), 4);
	ck_assert_int_eq(sscanf(strstr(status, "\nGid:"), "\nGid: %u %u %u %u",
			     &gid[0], &gid[1], &gid[2], &gid[3]), 4);
	ck_assert(uid[0] >= 61184 && uid[0] <= 65519);
	for (int i = 0; i < 4; i++) {
		ck_assert_uint_eq(uid[i], uid[0]);
		ck_assert_uint_eq(gid[i], uid[0]);
	}
}

/*
 * The caller has everything that a source must not get: a secret in its
 * environment, open descriptors, groups, ignored and blocked signals.
 */
START_TEST(a_source_has_nothing_of_its_caller)
{
	const uint64_t ignore[4] = { 1 };
	const gid_t groups[] = { 7, 8 };
	const struct sourcedir_result *r;
	sigset_t set;

	ck_assert_int_eq(setenv("SECRET", "hunter2", 1), 0);
	ck_assert_int_eq(dup2(1, 17), 17);
	ck_assert_int_eq(dup2(1, 700), 700);
	ck_assert_int_eq(setgroups(2, groups), 0);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGRTMAX, SIG_IGN);
	(void)signal(SIGCHLD, SIG_IGN);
	/* Of libc's own, as others have started us. */
	ck_assert_int_eq(syscall(SYS_rt_sigaction, 32, ignore, NULL, 8), 0);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	ck_assert_int_eq(chdir("/tmp"), 0);
	r = sourcedir_one("program", "about", 20000);
	ck_assert_str_eq(sourcedir_field(r, "fds"), "0 1 2 ");
	ck_assert_str_eq(sourcedir_field(r, "environ"),
	    "PATH=/usr/local/bin:/usr/bin:/bin HOME=/ LC_ALL=C.UTF-8 ");
	ck_assert_str_eq(sourcedir_field(r, "cmdline"), "program ");
	/* cwd, argv[0], argc, leads its session, dies with its parent, umask */
	ck_assert_str_eq(sourcedir_field(r, "about"), "/ program 1 1 9 077");
	check_status(sourcedir_field(r, "status"));
	check_line(sourcedir_field(r, "limits"), "Max core file size        "
	    "0                    0 ");
	ck_assert_ptr_eq(signal(SIGCHLD, SIG_DFL), SIG_IGN);
}
END_TEST

static const char script[] =
    "#!/bin/sh\n"
    "x=$(cat /dev/stdin; id -u; cd /proc/self/fd; echo *)\n"
    "echo '{\"fields\":{\"x\":\"'$(echo \"$x\" | tr '\\n\"' '  ')'\"}}'\n";

/* The 3 is itself, what is above belongs to the shell. */
START_TEST(a_script_runs_and_can_open_its_input)
{
	const struct sourcedir_result *r;

	sourcedir_write("script", script, 0755);
	r = sourcedir_one("script", "", 20000);
	ck_assert_msg(r->status == COFRE_OK, "%s: %s", r->reason, r->said);
	ck_assert_ptr_nonnull(strstr(sourcedir_field(r, "x"),
	    "workspace : ml-prod"));
	ck_assert_ptr_nonnull(strstr(sourcedir_field(r, "x"), " 0 1 2 "));
}
END_TEST

static const struct {
	const char *name;
	const char *text;
	const char *reason;
} broken[] = {
	{ "script", "#!/nowhere/interpreter\n",
	    "can't execute it: No such file or directory" },
	{ "script", "no program at all\n",
	    "can't execute it: Exec format error" },
};

START_TEST(what_cant_be_executed_says_so)
{
	const struct sourcedir_result *r;

	sourcedir_write(broken[_i].name, broken[_i].text, 0755);
	r = sourcedir_one(broken[_i].name, "", 20000);
	ck_assert_str_eq(r->reason, broken[_i].reason);
	ck_assert_int_eq(r->status, COFRE_INTERNAL);
}
END_TEST

/* Somebody who is not root may not execute it. */
START_TEST(a_program_must_be_the_sources_users_too)
{
	ck_assert_int_eq(chmod(sourcedir_file("program"), 0700), 0);
	ck_assert_str_eq(sourcedir_one("program", "good", 20000)->reason,
	    "can't execute it: Permission denied");
}
END_TEST

START_TEST(what_no_rule_allows_is_not_run)
{
	const struct sourcedir_result *r;

	sourcedir_write("rules", "program ml-dev do=*\nprogram * do=good\n",
	    0644);
	ck_assert_int_eq(sourcedir_one("program", "good", 20000)->status,
	    COFRE_OK);
	r = sourcedir_one("program", "hang", 20000);
	ck_assert_int_eq(r->status, COFRE_DENIED);
	ck_assert_ptr_nonnull(strstr(r->reason, "/rules allows it; it would "
	    "be: program ml-prod do=hang"));
	r = sourcedir_one("missing", "good", 20000);
	ck_assert_int_eq(r->status, COFRE_DENIED);
	sourcedir_write("rules", "missing * do=*\n", 0644);
	r = sourcedir_one("missing", "good", 20000);
	ck_assert_int_eq(r->status, COFRE_INVALID);
	ck_assert_ptr_nonnull(strstr(r->reason, "there is no such source"));
}
END_TEST

/* 1 GiB: nobody keeps it, nor waits for it in vain. */
START_TEST(errors_are_capped_and_escaped)
{
	const struct sourcedir_result *r = sourcedir_one("program",
	    "flood-errors", 60000);

	ck_assert_int_eq(r->status, COFRE_OK);
	ck_assert_int_eq(strncmp(r->said,
			     "secret-error\\n\\u{1b}[31mred\\u{0}xxx", 32), 0);
	ck_assert_uint_gt(strlen(r->said), 4000);
	ck_assert_uint_lt(strlen(r->said), 4200);
}
END_TEST

static struct sourcedir_result *
probe(const char *what)
{
	static const struct source_pair fields[] = {
		{ { (const uint8_t *)"AccountKey", 10 },
		    { (const uint8_t *)"hunter2xyz", 10 } },
	};
	static struct sourcedir_result r;
	struct sourcedir *d = sourcedir_open();
	struct source_job *job = sourcedir_add(d, "program", what);

	job->request.operation = SOURCE_PROBE;
	job->request.fields = fields;
	job->request.field_count = 1;
	sourcedir_run(d);
	r = d->results[0];
	sourcedir_close(d);
	return &r;
}

START_TEST(a_value_that_is_tried_is_not_told_with_the_error)
{
	const struct sourcedir_result *r = probe("exit-value");

	ck_assert_str_eq(r->said, "tried *, and *");
	ck_assert_str_eq(r->reason, "exit status 1");
	r = probe("error");
	ck_assert_str_eq(r->reason, "it says: key * is \\u{1b}[31mrefused");
	r = probe("refuse");
	ck_assert_int_eq(r->status, COFRE_OK);
	ck_assert(!r->ok);
	ck_assert_str_eq(r->probe_reason, "* is wrong");
}
END_TEST

/* So that 1,000 of them do not take 1,000 times as long. */
START_TEST(a_hundred_jobs_run_at_once)
{
	struct sourcedir *d = sourcedir_open();

	for (int i = 0; i < 100; i++)
		(void)sourcedir_add(d, "program", i % 10 == 3 ? "exit3" :
			i % 10 == 5 ? "away" : "good");
	d->options.at_once = 64;
	sourcedir_run(d);
	for (int i = 0; i < 100; i++) {
		ck_assert_uint_eq(d->results[i].done, 1);
		ck_assert_str_eq(d->results[i].reason, i % 10 == 3 ?
			"exit status 3" : "");
	}
	check_nothing_left();
	sourcedir_close(d);
}
END_TEST

/* 64 that hang, one deadline. */
START_TEST(sources_wait_beside_one_another)
{
	struct sourcedir *d = sourcedir_open();
	int64_t begin = source_now(), took;

	for (int i = 0; i < 64; i++)
		(void)sourcedir_add(d, "program", "hang");
	d->options.at_once = 64;
	d->options.deadline_ms = 1000;
	sourcedir_run(d);
	took = source_now() - begin;
	ck_assert_msg(took >= 1000 && took < 8000, "it took %d ms",
	    (int)took);
	for (int i = 0; i < 64; i++)
		ck_assert_str_eq(d->results[i].reason, "timed out after 1 s");
	check_nothing_left();
	sourcedir_close(d);
}
END_TEST

struct again {
	struct source_pool *pool;
	struct source_job *more;
	unsigned done;
};

static void
add_more(void *arg, struct source_job *job, const struct source_result *r)
{
	struct again *a = arg;

	ck_assert_int_eq(r->status, COFRE_OK);
	if (a->done++ < 3)
		source_pool_add(a->pool, a->done == 1 ? a->more : job);
}

START_TEST(what_is_done_can_ask_for_more)
{
	struct sourcedir *d = sourcedir_open();
	struct again a = { .more = sourcedir_add(d, "program", "good") };
	struct problem p;

	(void)sourcedir_add(d, "program", "good");
	ck_assert_int_eq(source_pool_new(&d->dir, NULL, &a.pool, &p),
	    COFRE_OK);
	source_pool_add(a.pool, &d->jobs[1]);
	ck_assert_int_eq(source_pool_run(a.pool, add_more, &a, &p), COFRE_OK);
	ck_assert_uint_eq(a.done, 4);
	source_pool_free(a.pool);
	source_pool_free(NULL);
	sourcedir_close(d);
}
END_TEST

START_TEST(what_is_stopped_ends_at_once)
{
	struct sourcedir *d = sourcedir_open();
	int64_t begin = source_now();
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(close(fds[1]), 0);
	for (int i = 0; i < 20; i++)
		(void)sourcedir_add(d, "program", "away-hang");
	d->options.stop_fd = fds[0];
	sourcedir_run(d);
	ck_assert(source_now() - begin < 10000);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(d->results[i].status, COFRE_CLOSED);
		ck_assert_str_eq(d->results[i].reason, "it was stopped");
	}
	check_nothing_left();
	sourcedir_close(d);
}
END_TEST

/* Somebody who is not root runs sources as himself.  The way back is for the
   teardown alone; an exec takes it away. */
START_TEST(another_users_sources_are_run_by_that_user)
{
	const struct sourcedir_result *r;
	const gid_t none = 61001;

	ck_assert_int_eq(setgroups(1, &none), 0);
	ck_assert_int_eq(setresgid(61001, 61001, 0), 0);
	ck_assert_int_eq(setresuid(61000, 61000, 0), 0);
	r = sourcedir_one("program", "about", 20000);
	check_line(sourcedir_field(r, "status"),
	    "Uid:\t61000\t61000\t61000\t61000");
	check_line(sourcedir_field(r, "status"), "NoNewPrivs:\t1");
	ck_assert_str_eq(sourcedir_field(r, "fds"), "0 1 2 ");
	r = sourcedir_one("program", "away-hang", 500);
	ck_assert_str_eq(r->reason, "timed out after 0.5 s");
	ck_assert_int_eq(setresuid(0, 0, 0), 0);
	check_nothing_left();
}
END_TEST

static Suite *
run_suite(void)
{
	Suite *s = suite_create("source_run");
	TCase *t = tcase_create("source_run");

	tcase_add_checked_fixture(t, sourcedir_setup, sourcedir_teardown);
	tcase_add_loop_test(t, a_source_answers_or_there_is_a_reason, 0,
	    (int)COUNT(outcomes));
	tcase_add_test(t, the_request_is_on_standard_input_alone);
	tcase_add_test(t, a_source_has_nothing_of_its_caller);
	tcase_add_test(t, a_script_runs_and_can_open_its_input);
	tcase_add_loop_test(t, what_cant_be_executed_says_so, 0,
	    (int)COUNT(broken));
	tcase_add_test(t, a_program_must_be_the_sources_users_too);
	tcase_add_test(t, what_no_rule_allows_is_not_run);
	tcase_add_test(t, errors_are_capped_and_escaped);
	tcase_add_test(t, a_value_that_is_tried_is_not_told_with_the_error);
	tcase_add_test(t, a_hundred_jobs_run_at_once);
	tcase_add_test(t, sources_wait_beside_one_another);
	tcase_add_test(t, what_is_done_can_ask_for_more);
	tcase_add_test(t, what_is_stopped_ends_at_once);
	tcase_add_test(t, another_users_sources_are_run_by_that_user);
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
	sr = srunner_create(run_suite());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
