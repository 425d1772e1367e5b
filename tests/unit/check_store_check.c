/*
 * Tests of store_check.c: what the process that checks a store can still do,
 * and what becomes of one that ends otherwise than it should.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filter.h"
#include "in_sandbox.h"
#include "statedir.h"
#include "store_check.h"

/* What to do inside; its exit code, unless it is killed. */
typedef int inside_fn(int file);

static int
run(inside_fn *fn)
{
	int status;
	pid_t pid;

	statedir_write(STATEDIR_FILE, "0123456789", 10);
	statedir_write("other", "0123456789", 10);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		int file = open(STATEDIR_FILE, O_RDWR | O_CLOEXEC);
		char error[128];

		if (!sandbox_enter_checker(file, 1, true, error,
			sizeof(error)))
			_exit(99);
		_exit(fn(file));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static long number;

static int
make_call(int file)
{
	(void)file;
	(void)syscall(number, -1L, -1L, -1L, -1L, -1L, -1L);
	return 0;
}

static bool
is_let_past(const char *name)
{
	const char *rule, *s;

	for (size_t i = 0; name != NULL &&
	     (s = filter_row(FILTER_CHECKER, i, &rule)) != NULL; i++)
		if (strcmp(s, name) == 0)
			return true;
	return number == 335 || number == 336 || (IN_SANDBOX_ASAN &&
		name != NULL && strcmp(name, "sigaltstack") == 0);
}

START_TEST(a_call_that_is_not_in_its_table_kills)
{
	for (number = 16L * _i; number < 16L * (_i + 1); number++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE,
		    (int)number);
		int status = is_let_past(name) ? 0 : run(make_call);

		ck_assert_msg(is_let_past(name) || (WIFSIGNALED(status) &&
			WTERMSIG(status) == SIGSYS), "%ld %s", number,
		    name == NULL ? "" : name);
		free(name);
	}
}
END_TEST

static int
open_its_own(int file)
{
	(void)file;
	return open(STATEDIR_FILE, O_RDWR | O_CREAT, 0600) != -1 ? 0 : errno;
}

static int
open_another(int file)
{
	(void)file;
	return open("other", O_RDONLY) == -1 ? errno : 0;
}

static int
open_a_directory(int file)
{
	(void)file;
	return open(".", O_RDONLY) == -1 ? errno : 0;
}

static int
make_a_file(int file)
{
	(void)file;
	return open("new", O_RDWR | O_CREAT, 0600) == -1 ? errno : 0;
}

static int
open_passwd(int file)
{
	(void)file;
	return open("/etc/passwd", O_RDONLY) == -1 ? errno : 0;
}

static int
cut_it_short(int file)
{
	(void)file;
	return open(STATEDIR_FILE, O_RDWR | O_TRUNC) == -1 ? errno : 0;
}

static int
write_it(int file)
{
	return (int)syscall(SYS_write, file, "x", 1);
}

static int
write_it_in_place(int file)
{
	return (int)pwrite(file, "x", 1, 0);
}

static int
write_to_standard_error(int file)
{
	(void)file;
	return (int)write(2, "", 0);
}

static int
map_it_for_writing(int file)
{
	return mmap(NULL, 10, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) ==
	    MAP_FAILED;
}

static int
map_code(int file)
{
	(void)file;
	return mmap(NULL, 10, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
}

static int
map_it(int file)
{
	return mmap(NULL, 10, PROT_READ, MAP_SHARED, file, 0) == MAP_FAILED;
}

static int
take_all_memory(int file)
{
	(void)file;
	if (IN_SANDBOX_ASAN)
		return ENOMEM;
	errno = 0;
	for (unsigned i = 0; i < 64; i++)
		if (mmap(NULL, 4u << 20, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			return errno;
	return 0;
}

static int
take_all_time(int file)
{
	volatile int go = file;

	while (go != 0)
		;
	return 0;
}

static int
stop_another(int file)
{
	(void)file;
	return (int)syscall(SYS_tgkill, getppid(), getppid(), SIGABRT);
}

static const struct attempt {
	inside_fn *fn;
	int code;   /* the exit code that it must have, */
	int signal; /* or what must end it */
} attempts[] = {
	{ open_its_own, 0, 0 },
	{ open_another, EACCES, 0 },
	{ open_a_directory, EACCES, 0 },
	{ make_a_file, EACCES, 0 },
	{ open_passwd, EACCES, 0 },
	{ cut_it_short, 0, SIGSYS },
	{ write_it, 0, SIGSYS },
	{ write_it_in_place, 0, SIGSYS },
	{ write_to_standard_error, 0, SIGSYS },
	{ map_it_for_writing, 0, SIGSYS },
	{ map_code, 0, SIGSYS },
	{ map_it, 0, 0 },
	{ take_all_memory, ENOMEM, 0 },
	{ take_all_time, 0, SIGXCPU },
	{ stop_another, 0, SIGSYS },
};

START_TEST(it_reads_one_file_and_does_nothing_else)
{
	const struct attempt *a = &attempts[_i];
	int status = run(a->fn);

	if (a->signal != 0)
		ck_assert_msg(WIFSIGNALED(status) &&
			WTERMSIG(status) == a->signal, "%x", status);
	else
		ck_assert_msg(WIFEXITED(status) &&
			WEXITSTATUS(status) == a->code, "%x", status);
	ck_assert_uint_eq(statedir_size(STATEDIR_FILE), 10);
}
END_TEST

START_TEST(none_and_an_empty_one_are_no_store_yet)
{
	ck_assert_str_eq(statedir_checked(), "");
	statedir_write(STATEDIR_FILE, "", 0);
	ck_assert_str_eq(statedir_checked(), "");
	ck_assert_uint_eq(statedir_size(STATEDIR_FILE), 0);
}
END_TEST

START_TEST(what_is_no_store_is_told)
{
	statedir_write(STATEDIR_FILE, "0123456789", 10);
	ck_assert_ptr_nonnull(strstr(statedir_checked(), "cut short"));
	ck_assert_int_eq(unlink(STATEDIR_FILE), 0);
	ck_assert_int_eq(mkfifo(STATEDIR_FILE, 0600), 0);
	ck_assert_ptr_nonnull(strstr(statedir_checked(), "not a regular"));
	ck_assert_int_eq(unlink(STATEDIR_FILE), 0);
	ck_assert_int_eq(symlink("other", STATEDIR_FILE), 0);
	ck_assert_ptr_nonnull(strstr(statedir_checked(), "symbolic links"));
}
END_TEST

/* --- what the process says, and how it ends --- */

/* In the place of its sandbox, by the linker: what a process does that was
   taken over by what it read. */
static enum { AS_EVER, SILENT, UNPRINTABLE, NO_TIME, CRASH } taken_over;

bool __real_sandbox_enter_checker(int file, unsigned seconds, bool required,
    char *error, size_t error_size);
bool __wrap_sandbox_enter_checker(int file, unsigned seconds, bool required,
    char *error, size_t error_size);
bool
__wrap_sandbox_enter_checker(int file, unsigned seconds, bool required,
    char *error, size_t error_size)
{
	switch (taken_over) {
	case AS_EVER:
		return __real_sandbox_enter_checker(file, seconds, required,
		    error, error_size);
	case SILENT:
		break;
	case UNPRINTABLE:
		(void)memcpy(error, "a\033[2J\177b", 8);
		break;
	case NO_TIME:
		(void)raise(SIGXCPU);
		break;
	case CRASH:
		(void)raise(SIGILL);
		break;
	}
	return false;
}

START_TEST(what_it_says_is_shown_and_does_nothing_to_a_terminal)
{
	store_close(statedir_open(64 * MIB));
	taken_over = SILENT;
	ck_assert_str_eq(statedir_checked(),
	    "store data.mdb: it could not be checked");
	taken_over = UNPRINTABLE;
	ck_assert_str_eq(statedir_checked(), "store data.mdb: a?[2J?b");
	taken_over = NO_TIME;
	ck_assert_ptr_nonnull(strstr(statedir_checked(), "takes too long"));
	taken_over = CRASH;
	ck_assert_ptr_nonnull(strstr(statedir_checked(), "ended by signal 4"));
	taken_over = AS_EVER;
	ck_assert_str_eq(statedir_checked(), "");
}
END_TEST

/* What is said of a whole store when a call of the process fails. */
static int
checked_without(const char *call)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		const char *why;

		if (in_sandbox_deny(call, EPERM) != 0)
			_exit(9);
		why = statedir_checked();
		_exit(why[0] == '\0' ? 0 :
			strncmp(why, "store data.mdb: ", 16) == 0 ? 1 : 2);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(one_that_cannot_be_checked_is_refused)
{
	static const char *const calls[] = { "landlock_restrict_self",
		"seccomp", "pipe2", "clone", "capset", "prlimit64" };

	store_close(statedir_open(64 * MIB));
	ck_assert_str_eq(statedir_checked(), "");
	ck_assert_int_eq(checked_without("swapon"), 0);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		ck_assert_msg(checked_without(calls[i]) == 1, "%s", calls[i]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("store_check");
	TCase *t = tcase_create("store_check");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, statedir_setup, statedir_teardown);
	tcase_add_loop_test(t, a_call_that_is_not_in_its_table_kills, 0, 32);
	tcase_add_loop_test(t, it_reads_one_file_and_does_nothing_else, 0,
	    sizeof(attempts) / sizeof(attempts[0]));
	tcase_add_test(t, none_and_an_empty_one_are_no_store_yet);
	tcase_add_test(t, what_is_no_store_is_told);
	tcase_add_test(t,
	    what_it_says_is_shown_and_does_nothing_to_a_terminal);
	tcase_add_test(t, one_that_cannot_be_checked_is_refused);
	suite_add_tcase(suite, t);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
