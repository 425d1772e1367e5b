#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sourcedir.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Spoil the object at path. */
static void
foreign(const char *path)
{
	ck_assert_int_eq(chown(path, 1000, 0), 0);
}

static void
group_may_write(const char *path)
{
	ck_assert_int_eq(chmod(path, 0775), 0);
}

static void
all_may_write(const char *path)
{
	ck_assert_int_eq(chmod(path, 0757), 0);
}

static void
not_executable(const char *path)
{
	ck_assert_int_eq(chmod(path, 0644), 0);
}

static void
is_link(const char *path)
{
	char other[200];

	(void)snprintf(other, sizeof(other), "%s.other", path);
	ck_assert_int_eq(rename(path, other), 0);
	ck_assert_int_eq(symlink(other, path), 0);
}

static void
is_fifo(const char *path)
{
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkfifo(path, 0755), 0);
}

static void
is_directory(const char *path)
{
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0755), 0);
}

static void
is_socket(const char *path)
{
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mknod(path, S_IFSOCK | 0755, 0), 0);
}

static void
missing(const char *path)
{
	ck_assert_int_eq(unlink(path), 0);
}

static void
nothing(const char *path)
{
	(void)path;
}

static const struct {
	void (*spoil)(const char *path);
	const char *why; /* NULL: it is fine */
} files[] = {
	{ nothing, NULL },
	{ foreign, " belongs to uid 1000; it must be root's" },
	{ group_may_write, " has mode 0775: others than root may write" },
	{ all_may_write, " has mode 0757: others than root may write" },
	{ is_link, ": it is a symbolic link, which is not followed" },
	{ is_fifo, " is no regular file" },
	{ is_directory, " is no regular file" },
	{ is_socket, ": it is no regular file" },
	{ missing, ": there is no such source" },
	{ not_executable, " has mode 0644: it can't be executed" },
};

static void
check_problem(const struct problem *p, const char *path, const char *why)
{
	ck_assert_msg(strncmp(p->text, path, strlen(path)) == 0 &&
	    strncmp(p->text + strlen(path), why, strlen(why)) == 0,
	    "'%s', not '%s%s'", p->text, path, why);
}

START_TEST(a_program_is_roots_alone)
{
	const char *path = sourcedir_file("program");
	struct source_program program = { -1, true };
	struct problem p = { "" };
	struct source_dir dir;

	files[_i].spoil(path);
	ck_assert_int_eq(source_dir_open(sourcedir_path(), &dir, &p),
	    COFRE_OK);
	if (files[_i].why == NULL) {
		ck_assert_int_eq(source_dir_program(&dir, view_of("program"),
				     &program, &p), COFRE_OK);
		ck_assert_int_eq(fcntl(program.fd, F_GETFD), FD_CLOEXEC);
		ck_assert(!program.script);
		(void)close(program.fd);
	} else {
		ck_assert_int_eq(source_dir_program(&dir, view_of("program"),
				     &program, &p), COFRE_INVALID);
		ck_assert_int_eq(program.fd, -1);
		check_problem(&p, path, files[_i].why);
	}
	source_dir_close(&dir);
	source_dir_close(&dir);
}
END_TEST

/* All but the last, which is nothing for rules. */
START_TEST(the_rules_are_roots_alone)
{
	const char *path = sourcedir_file("rules");
	struct source_dir dir = { .fd = -1 };
	struct problem p = { "" };

	files[_i].spoil(path);
	if (files[_i].why == NULL) {
		ck_assert_int_eq(source_dir_open(sourcedir_path(), &dir, &p),
		    COFRE_OK);
		source_dir_close(&dir);
		return;
	}
	ck_assert_int_eq(source_dir_open(sourcedir_path(), &dir, &p),
	    COFRE_INVALID);
	ck_assert_int_eq(dir.fd, -1);
	check_problem(&p, path, files[_i].spoil == missing ?
		": it does not exist" : files[_i].why);
}
END_TEST

static const struct {
	void (*spoil)(const char *path);
	const char *why;
} directories[] = {
	{ foreign, " belongs to uid 1000; it must be root's" },
	{ group_may_write, " has mode 0775: others than root may write" },
	{ all_may_write, " has mode 0757: others than root may write" },
	{ is_link, " is no directory, or a symbolic link" },
};

START_TEST(the_directory_is_roots_alone)
{
	struct source_dir dir = { .fd = -1 };
	struct problem p = { "" };

	directories[_i].spoil(sourcedir_path());
	ck_assert_int_eq(source_dir_open(sourcedir_path(), &dir, &p),
	    COFRE_INVALID);
	ck_assert_int_eq(dir.fd, -1);
	check_problem(&p, sourcedir_path(), directories[_i].why);
}
END_TEST

START_TEST(what_is_no_directory_is_refused)
{
	struct source_dir dir;
	struct problem p = { "" };

	ck_assert_int_eq(source_dir_open("/nowhere/at/all", &dir, &p),
	    COFRE_INVALID);
	check_problem(&p, "/nowhere/at/all",
	    ": there is no such directory of sources");
	ck_assert_int_eq(source_dir_open(sourcedir_file("rules"), &dir, &p),
	    COFRE_INVALID);
	check_problem(&p, sourcedir_file("rules"), " is no directory");
}
END_TEST

/* The directory is root's, and the way to it leads through a link. */
static enum cofre_status
open_behind(uid_t owner, struct source_dir *dir, struct problem *p)
{
	static char path[128];
	char link[96];
	enum cofre_status s;

	(void)snprintf(link, sizeof(link), "%s.link", sourcedir_path());
	(void)snprintf(path, sizeof(path), "%s/%s", link,
	    strrchr(sourcedir_path(), '/') + 1);
	ck_assert_int_eq(symlink("/tmp", link), 0);
	ck_assert_int_eq(lchown(link, owner, 0), 0);
	s = source_dir_open(path, dir, p);
	ck_assert_int_eq(unlink(link), 0);
	if (s != COFRE_OK)
		check_problem(p, path, " is behind a symbolic link of another");
	return s;
}

START_TEST(a_link_on_the_way_is_roots_alone)
{
	struct source_dir dir = { .fd = -1 };
	struct problem p = { "" };

	ck_assert_int_eq(open_behind(1000, &dir, &p), COFRE_INVALID);
	ck_assert_int_eq(dir.fd, -1);
	ck_assert_int_eq(open_behind(0, &dir, &p), COFRE_OK);
	ck_assert_int_eq(fcntl(dir.fd, F_GETFD), FD_CLOEXEC);
	source_dir_close(&dir);
}
END_TEST

START_TEST(bad_rules_are_told_with_file_and_line)
{
	struct source_dir dir;
	struct problem p = { "" };

	sourcedir_write("rules", "program *\nprogram\n", 0644);
	ck_assert_int_eq(source_dir_open(sourcedir_path(), &dir, &p),
	    COFRE_FORMAT);
	check_problem(&p, sourcedir_file("rules"),
	    ": line 2: the workspace is missing");
}
END_TEST

START_TEST(rules_that_are_too_long_are_refused)
{
	char *text = malloc(SOURCE_RULES_MAX + 2);
	struct source_dir dir;
	struct problem p = { "" };

	ck_assert_ptr_nonnull(text);
	memset(text, '\n', SOURCE_RULES_MAX + 2);
	text[SOURCE_RULES_MAX] = '\0';
	sourcedir_write("rules", text, 0644);
	ck_assert_int_eq(source_dir_open(sourcedir_path(), &dir, &p),
	    COFRE_OK);
	ck_assert_uint_eq(dir.rules_len, SOURCE_RULES_MAX);
	source_dir_close(&dir);
	text[SOURCE_RULES_MAX] = '\n';
	text[SOURCE_RULES_MAX + 1] = '\0';
	sourcedir_write("rules", text, 0644);
	ck_assert_int_eq(source_dir_open(sourcedir_path(), &dir, &p),
	    COFRE_FORMAT);
	free(text);
}
END_TEST

START_TEST(a_name_leads_nowhere_else)
{
	static const char *const names[] = { "", ".", "..", "../etc/passwd",
		"/etc/passwd", "a/b", "rules" };
	struct source_program program = { -1, false };
	struct source_dir dir;
	struct problem p;

	ck_assert_int_eq(source_dir_open(sourcedir_path(), &dir, &p),
	    COFRE_OK);
	ck_assert_int_eq(chmod(sourcedir_file("rules"), 0755), 0);
	for (size_t i = 0; i < COUNT(names); i++)
		ck_assert_int_eq(source_dir_program(&dir, view_of(names[i]),
				     &program, &p), COFRE_INVALID);
	ck_assert_int_eq(program.fd, -1);
	source_dir_close(&dir);
}
END_TEST

/* What is checked is what is used: a path that leads elsewhere by now does
   not matter. */
START_TEST(the_directory_is_the_one_that_was_opened)
{
	struct source_program program = { -1, false };
	struct source_dir dir;
	struct problem p;
	char away[96];

	ck_assert_int_eq(source_dir_open(sourcedir_path(), &dir, &p),
	    COFRE_OK);
	(void)snprintf(away, sizeof(away), "%s.away", sourcedir_path());
	sourcedir_write("script", "#!/bin/sh\n", 0755);
	ck_assert_int_eq(rename(sourcedir_path(), away), 0);
	ck_assert_int_eq(source_dir_program(&dir, view_of("script"),
			     &program, &p), COFRE_OK);
	ck_assert(program.script);
	(void)close(program.fd);
	source_dir_close(&dir);
	ck_assert_int_eq(rename(away, sourcedir_path()), 0);
}
END_TEST

static void
teardown(void)
{
	char command[160];

	sourcedir_teardown();
	(void)snprintf(command, sizeof(command), "rm -rf '%s.other'",
	    sourcedir_path());
	ck_assert_int_eq(system(command), 0);
}

static Suite *
dir_suite(void)
{
	Suite *s = suite_create("source_dir");
	TCase *t = tcase_create("source_dir");

	tcase_add_checked_fixture(t, sourcedir_setup, teardown);
	tcase_add_loop_test(t, a_program_is_roots_alone, 0,
	    (int)COUNT(files));
	tcase_add_loop_test(t, the_rules_are_roots_alone, 0,
	    (int)COUNT(files) - 1);
	tcase_add_loop_test(t, the_directory_is_roots_alone, 0,
	    (int)COUNT(directories));
	tcase_add_test(t, what_is_no_directory_is_refused);
	tcase_add_test(t, a_link_on_the_way_is_roots_alone);
	tcase_add_test(t, bad_rules_are_told_with_file_and_line);
	tcase_add_test(t, rules_that_are_too_long_are_refused);
	tcase_add_test(t, a_name_leads_nowhere_else);
	tcase_add_test(t, the_directory_is_the_one_that_was_opened);
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
	sr = srunner_create(dir_suite());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
