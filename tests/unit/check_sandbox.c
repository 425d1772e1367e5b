/*
 * How the sandbox is entered: what is done early, what is left of the
 * process then, what a kernel that lacks a part or a step that fails leads
 * to, and that LMDB works inside.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus.h"
#include "in_sandbox.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
check_exit(int status, int code)
{
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == code,
	    "status %x, %s", (unsigned)status, in_sandbox_error());
}

/* Run in a child process, and return its status. */
static int
run(int (*fn)(void))
{
	int status = -1;
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid == 0)
		_exit(fn());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

/* Early. */

static int
early(void)
{
	char error[128];

	return sandbox_early(error, sizeof(error)) ? 0 : 1;
}

static int
early_opens_standard_fds(void)
{
	(void)close(0);
	(void)close(2);
	if (early() != 0 || fcntl(0, F_GETFD) == -1 ||
	    fcntl(2, F_GETFD) == -1)
		return 1;
	return open("/dev/null", O_RDONLY) > 2 ? 0 : 2;
}

static int
early_sets_umask(void)
{
	(void)umask(0);
	return early() == 0 && umask(0) == 077 ? 0 : 1;
}

static int
early_allows_no_core(void)
{
	struct rlimit r;

	return early() == 0 && getrlimit(RLIMIT_CORE, &r) == 0 &&
	    r.rlim_cur == 0 && r.rlim_max == 0 &&
	    prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : 1;
}

static int
early_ignores_signals(void)
{
	return early() == 0 && raise(SIGPIPE) == 0 && raise(SIGXFSZ) == 0 ?
	    0 : 1;
}

static int
early_empties_the_bounding_set(void)
{
	if (early() != 0)
		return 1;
	for (unsigned long cap = 0; geteuid() == 0 && cap < 41; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			return 2;
	return 0;
}

static int
close_from_keeps_what_is_below(void)
{
	int a = dup(0), b = dup(0);

	sandbox_close_from((unsigned)b);
	return fcntl(a, F_GETFD) != -1 && fcntl(b, F_GETFD) == -1 ? 0 : 1;
}

static int
clear_environment_leaves_none(void)
{
	if (setenv("COFRE_TEST", "x", 1) == -1)
		return 1;
	sandbox_clear_environment();
	return environ == NULL || environ[0] == NULL ? 0 : 2;
}

static int (*const earlies[])(void) = {
	early_opens_standard_fds,
	early_sets_umask,
	early_allows_no_core,
	early_ignores_signals,
	early_empties_the_bounding_set,
	close_from_keeps_what_is_below,
	clear_environment_leaves_none,
};

START_TEST(early_hygiene_holds)
{
	check_exit(run(earlies[_i]), 0);
}
END_TEST

/* What is left of the process. */

static bool
says(const char *status, const char *line)
{
	return strstr(status, line) != NULL;
}

static int
look_at_status(struct inside *in)
{
	static const char *const lines[] = { "CapInh:\t0000000000000000\n",
		"CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n",
		"CapAmb:\t0000000000000000\n", "NoNewPrivs:\t1\n",
		"Seccomp:\t2\n" };
	char text[8192] = "";

	if (pread(in->status, text, sizeof(text) - 1, 0) <= 0)
		return 1;
	for (size_t i = 0; i < COUNT(lines); i++)
		if (!says(text, lines[i]))
			return 10 + (int)i;
	return 0;
}

static int
look_at_limits(struct inside *in)
{
	char text[8192] = "";

	if (pread(in->limits, text, sizeof(text) - 1, 0) <= 0)
		return 1;
	return says(text, "\nMax processes             0                    0 ")
	    && says(text, "\nMax core file size        0                    0 ")
	    ? 0 : 2;
}

static int
look_as_other(struct inside *in)
{
	char text[8192] = "";

	if (pread(in->status, text, sizeof(text) - 1, 0) <= 0)
		return 1;
	if (!says(text, "CapBnd:\t0000000000000000\n") ||
	    !says(text, "Uid:\t2001\t2001\t2001\t2001\n") ||
	    !says(text, "Gid:\t2001\t2001\t2001\t2001\n") ||
	    !says(text, "Groups:\t \n"))
		return 2;
	return look_at_status(in);
}

static int
look_at_report(struct inside *in)
{
	return in->s.landlock_abi > 0 && in->s.seccomp &&
	    in->s.no_new_privs && in->s.no_caps && in->s.not_dumpable ?
	    0 : 1;
}

START_TEST(nothing_is_left_to_the_process)
{
	struct in_sandbox how = { .required = true,
		.inside = look_at_status };

	check_exit(in_sandbox_run(&how), 0);
	how.inside = look_at_report;
	check_exit(in_sandbox_run(&how), 0);
	how.inside = look_at_limits;
	check_exit(in_sandbox_run(&how), 0);
	how.inside = look_at_report;
	how.other_uid = true;
	check_exit(in_sandbox_run(&how), 0);
	how.inside = look_as_other;
	if (geteuid() == 0)
		check_exit(in_sandbox_run(&how), 0);
}
END_TEST

/* A change of the user makes a process dumpable again. */
static int
be_dumpable(struct inside *in)
{
	(void)in;
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

START_TEST(the_process_is_not_dumpable_whatever_was_before)
{
	const struct in_sandbox how = { .required = true,
		.before = be_dumpable, .inside = look_at_report };

	check_exit(in_sandbox_run(&how), 0);
}
END_TEST

static int
do_abort(struct inside *in)
{
	(void)in;
	abort();
}

START_TEST(abort_is_an_abort)
{
	const struct in_sandbox how = { .required = true,
		.inside = do_abort };
	int status = in_sandbox_run(&how);

	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
END_TEST

static int
cut_and_touch(struct inside *in)
{
	if (ftruncate(in->old, 4096) == -1)
		return 1;
	in->page[5000] = 1;
	return 0;
}

START_TEST(a_mapped_file_that_is_cut_short_ends_the_process)
{
	const struct in_sandbox how = { .required = true,
		.inside = cut_and_touch };

	check_exit(in_sandbox_run(&how), BUS_EXIT);
}
END_TEST

/* A kernel without a part, and steps that fail. */

static const struct step {
	const char *call;
	int error;
	bool required;
	const char *reason; /* NULL: the sandbox is entered */
} steps[] = {
	{ "landlock_create_ruleset", ENOSYS, true,
	    "Landlock: Function not implemented" },
	{ "landlock_create_ruleset", ENOSYS, false, NULL },
	{ "landlock_create_ruleset", EOPNOTSUPP, false, NULL },
	{ "landlock_create_ruleset", EPERM, false,
	    "Landlock: Operation not permitted" },
	{ "landlock_add_rule", EINVAL, false,
	    "Landlock rules: Invalid argument" },
	{ "landlock_restrict_self", E2BIG, false,
	    "Landlock rules: Argument list too long" },
	{ "seccomp", ENOSYS, true, "seccomp: Function not implemented" },
	{ "seccomp", ENOSYS, false, NULL },
	{ "seccomp", EOPNOTSUPP, false, NULL },
	{ "seccomp", EPERM, false, "seccomp: Operation not permitted" },
	{ "capset", EPERM, false,
	    "drop capabilities: Operation not permitted" },
	{ "prlimit64", EPERM, false, "setrlimit: Operation not permitted" },
	/* Only root can have a filter without no_new_privs. */
	{ "prctl", EPERM, false, "no_new_privs: Operation not permitted" },
};

static const struct step *step;

static int
deny_step(struct inside *in)
{
	(void)in;
	return in_sandbox_deny(step->call, step->error);
}

static int
see_step(struct inside *in)
{
	bool landlock = strncmp(step->call, "landlock", 8) == 0;

	return (in->s.landlock_abi == 0) == landlock &&
	    in->s.seccomp == landlock ? 0 : 1;
}

START_TEST(a_step_that_fails_is_an_error)
{
	const struct in_sandbox how = { .required = steps[_i].required,
		.before = deny_step, .inside = see_step };

	step = &steps[_i];
	if (geteuid() != 0 && strcmp(step->call, "prctl") == 0)
		return;
	check_exit(in_sandbox_run(&how),
	    step->reason == NULL ? 0 : IN_SANDBOX_FAILED);
	ck_assert_str_eq(in_sandbox_error(),
	    step->reason == NULL ? "" : step->reason);
}
END_TEST

/* Capabilities that capset(2) only pretends to drop are noticed. */
static int
pretend_capset(struct inside *in)
{
	(void)in;
	return in_sandbox_deny("capset", 0);
}

START_TEST(capabilities_that_stay_are_an_error)
{
	const struct in_sandbox how = { .before = pretend_capset,
		.inside = look_at_report };

	if (geteuid() != 0)
		return;
	check_exit(in_sandbox_run(&how), IN_SANDBOX_FAILED);
	ck_assert_str_eq(in_sandbox_error(),
	    "drop capabilities: Operation not permitted");
}
END_TEST

/* LMDB. */

static MDB_env *env;

static int
open_store(struct inside *in)
{
	(void)in;
	return mdb_env_create(&env) == 0 &&
		mdb_env_set_mapsize(env, 1 << 20) == 0 &&
		mdb_env_open(env, "data.mdb",
		    MDB_NOSUBDIR | MDB_NOTLS | MDB_NORDAHEAD, 0600) == 0 ?
	    0 : 1;
}

static int
put(unsigned key, size_t size)
{
	static char value[100000];
	MDB_val k = { sizeof(key), &key }, v = { size, value };
	MDB_txn *txn = NULL;
	MDB_dbi dbi;
	int r = mdb_txn_begin(env, NULL, 0, &txn);

	if (r == 0 && (r = mdb_dbi_open(txn, NULL, 0, &dbi)) == 0)
		r = mdb_put(txn, dbi, &k, &v, 0);
	if (r == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return r;
}

/* Fill the map, make it larger, write more, read all of it. */
static int
use_store(struct inside *in)
{
	unsigned key = 0;
	MDB_stat st;
	MDB_txn *txn;
	int r;

	(void)in;
	while ((r = put(key, key % 2 == 0 ? 10 : 100000)) == 0)
		key++;
	if (r != MDB_MAP_FULL || mdb_env_set_mapsize(env, 8 << 20) != 0)
		return 1;
	if (put(key, 100000) != 0 || put(key, 10) != 0)
		return 2;
	if (mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0 ||
	    mdb_stat(txn, 1, &st) != 0)
		return 3;
	mdb_txn_abort(txn);
	mdb_env_close(env);
	return st.ms_entries == key + 1 ? 0 : 4;
}

START_TEST(lmdb_works_inside)
{
	const struct in_sandbox how = { .other_uid = _i == 1,
		.required = true, .before = open_store, .inside = use_store };

	check_exit(in_sandbox_run(&how), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sandbox");
	TCase *t = tcase_create("sandbox");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, in_sandbox_setup, in_sandbox_teardown);
	tcase_add_loop_test(t, early_hygiene_holds, 0, (int)COUNT(earlies));
	tcase_add_test(t, nothing_is_left_to_the_process);
	tcase_add_test(t, the_process_is_not_dumpable_whatever_was_before);
	tcase_add_test(t, abort_is_an_abort);
	tcase_add_test(t, a_mapped_file_that_is_cut_short_ends_the_process);
	tcase_add_loop_test(t, a_step_that_fails_is_an_error, 0,
	    (int)COUNT(steps));
	tcase_add_test(t, capabilities_that_stay_are_an_error);
	tcase_add_loop_test(t, lmdb_works_inside, 0, 2);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
