/* Tests of client/become.c: what is said of a program that can't be run. */
#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "become.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char dir[] = "/tmp/check_become.XXXXXX";

/* A file that is none of the kind, in a directory that it begins in. */
static void
setup(void)
{
	int fd;

	(void)strcpy(dir, "/tmp/check_become.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chmod(dir, 0755), 0);
	ck_assert_int_eq(chdir(dir), 0);
	fd = open("plain", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ck_assert_int_ne(fd, -1);
	(void)close(fd);
	ck_assert_int_eq(mkdir("closed", 0), 0);
}

static void
teardown(void)
{
	(void)unlink("plain");
	(void)rmdir("closed");
	(void)rmdir(dir);
}

#define NOT_FOUND "No such file or directory"
#define DENIED "Permission denied"

/* LONG stands for a directory that is longer than a path can be. */
static const struct {
	const char *path; /* PATH, or NULL */
	const char *program;
	int code;
	const char *why;
} rows[] = {
	{ "/nowhere", "plain", 127, NOT_FOUND },
	{ "", "missing", 127, NOT_FOUND },
	{ "/nowhere:", "plain", 126, DENIED },
	{ ":/nowhere", "plain", 126, DENIED },
	{ ".", "plain", 126, DENIED },
	{ "LONG:.", "plain", 126, DENIED },
	/* What can't be looked into is no reason, if it is not there. */
	{ "closed:/nowhere", "missing", 127, NOT_FOUND },
	{ "closed:.", "plain", 126, DENIED },
	{ "/nowhere", "./plain", 126, DENIED },
	{ "/nowhere", "./missing", 127, NOT_FOUND },
};

START_TEST(a_program_is_not_found_or_not_executed)
{
	struct cmd cmd = { .verb = "run exec", .umask = 022 };
	char long_path[2 * PATH_MAX] = "", program[32], said[200], text[100];
	char *argv[] = { program, NULL };
	int err = open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	ssize_t n;
	int code;

	ck_assert_int_ne(err, -1);
	(void)strcpy(program, rows[_i].program);
	ck_assert_int_eq(getrlimit(RLIMIT_CORE, &cmd.core), 0);
	memset(long_path, 'x', PATH_MAX);
	long_path[0] = '/';
	if (strncmp(rows[_i].path, "LONG", 4) == 0)
		(void)strcat(long_path, rows[_i].path + 4);
	else
		(void)strcpy(long_path, rows[_i].path);
	ck_assert_int_eq(setenv("PATH", long_path, 1), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(seteuid(61000), 0);
	ck_assert_int_ne(dup2(err, STDERR_FILENO), -1);
	code = become_program(&cmd, argv);
	(void)fflush(stderr);
	if (getuid() == 0)
		ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(code, rows[_i].code);
	n = pread(err, said, sizeof(said) - 1, 0);
	ck_assert_int_gt(n, 0);
	said[n] = '\0';
	(void)snprintf(text, sizeof(text), "can't execute %s: %s", program,
	    rows[_i].why);
	ck_assert_ptr_nonnull(strstr(said, text));
	(void)close(err);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("become");
	TCase *t = tcase_create("become");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_program_is_not_found_or_not_executed, 0,
	    (int)COUNT(rows));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
