/* Tests of src/witness.def and src/keeper.def: what else ends the process. */
#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filter.h"
#include "in_sandbox.h"
#include "sample.h"
#include "sandbox.h"

static bool
is_in_table(enum filter which, const char *name)
{
	const char *rule, *s;

	for (size_t i = 0; (s = filter_row(which, i, &rule)) != NULL; i++)
		if (strcmp(s, name) == 0)
			return true;
	return false;
}

/* Two that the kernel lets past every filter, and one that a build with
   AddressSanitizer has a row for. */
static bool
is_let_past(enum filter which, const char *name, long nr)
{
	return nr == 335 || nr == 336 || (name != NULL &&
	    (is_in_table(which, name) || (IN_SANDBOX_ASAN &&
		strcmp(name, "sigaltstack") == 0)));
}

static int
status_of(enum filter which, long number, long a, long b, long c)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		struct sandbox s;
		char error[128];

		if (!sandbox_enter_keeper(&s, true, error, sizeof(error)) ||
		    (which == FILTER_WITNESS && !sandbox_enter_witness(true,
			error, sizeof(error))))
			_exit(9);
		(void)syscall(number, a, b, c, 0L, 0L, 0L);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static bool
is_killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

START_TEST(a_call_that_is_not_in_its_table_kills)
{
	for (long n = 16L * _i; n < 16L * (_i + 1); n++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE,
		    (int)n);

		for (unsigned w = FILTER_KEEPER; w <= FILTER_WITNESS; w++)
			if (!is_let_past(w, name, n))
				ck_assert_msg(is_killed(status_of(w, n, -1,
						  -1, -1)), "%ld %s", n,
				    name == NULL ? "" : name);
		free(name);
	}
}
END_TEST

static const struct open_case {
	int flags;
	bool killed;
} opens[] = {
	{ O_RDONLY | O_CLOEXEC, false },
	{ O_RDONLY, true },
	{ O_WRONLY | O_CLOEXEC, true },
	{ O_RDWR | O_CLOEXEC, true },
	{ O_RDONLY | O_CLOEXEC | O_CREAT, true },
	{ O_RDONLY | O_CLOEXEC | O_TRUNC, true },
	{ O_RDONLY | O_CLOEXEC | O_PATH, true },
};

START_TEST(it_opens_for_reading_alone)
{
	for (size_t i = 0; i < COUNT(opens); i++) {
		int status = status_of(FILTER_WITNESS, SYS_openat, AT_FDCWD,
		    (long)"/proc/self/stat", opens[i].flags);

		ck_assert_msg(is_killed(status) == opens[i].killed, "%zu", i);
	}
	ck_assert(!is_killed(status_of(FILTER_WITNESS, SYS_write, 2, (long)"", 0)));
	ck_assert(is_killed(status_of(FILTER_WITNESS, SYS_write, 3, (long)"", 0)));
}
END_TEST

/* What the keeper may do with processes: fork, and kill. */
static const struct keeper_case {
	long number, a, b, c;
	bool killed;
} keepers[] = {
	{ SYS_kill, 0x3fffffff, SIGKILL, 0, false },
	{ SYS_kill, 0x3fffffff, SIGTERM, 0, true },
	{ SYS_kill, 0x3fffffff, 0, 0, true },
	{ SYS_wait4, -1, 0, WNOHANG, false },
	{ SYS_wait4, -1, 0, 0, true },
	{ SYS_clone, SIGCHLD | CLONE_VM, 0, 0, true },
	{ SYS_clone, SIGCHLD | CLONE_NEWUSER, 0, 0, true },
	{ SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, false },
	{ SYS_prctl, PR_SET_DUMPABLE, 1, 0, true },
	{ SYS_prlimit64, 0, RLIMIT_NPROC, 0, false },
	{ SYS_prlimit64, 0, RLIMIT_CORE, 0, true },
	{ SYS_prlimit64, 1, RLIMIT_NPROC, 0, true },
	{ SYS_openat, AT_FDCWD, (long)"/proc/self/stat", O_RDWR | O_CLOEXEC,
	    true },
};

START_TEST(the_keeper_makes_and_ends_processes_alone)
{
	for (size_t i = 0; i < COUNT(keepers); i++) {
		const struct keeper_case *k = &keepers[i];

		ck_assert_msg(is_killed(status_of(FILTER_KEEPER, k->number,
				  k->a, k->b, k->c)) == k->killed, "%zu", i);
		if (k->number != SYS_openat)
			ck_assert_msg(is_killed(status_of(FILTER_WITNESS,
			    k->number, k->a, k->b, k->c)), "%zu", i);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("witness calls");
	TCase *t = tcase_create("calls");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, it_opens_for_reading_alone);
	tcase_add_test(t, the_keeper_makes_and_ends_processes_alone);
	tcase_add_loop_test(t, a_call_that_is_not_in_its_table_kills, 0,
	    512 / 16);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
