/*
 * Tests of client/path.c: which links are followed, and how far.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "path.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char root[] = "/tmp/check_path.XXXXXX";

static void
make_file(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(write(fd, name, strlen(name)), (int)strlen(name));
	(void)close(fd);
}

/* Every test is in a directory of its own. */
static void
setup(void)
{
	(void)strcpy(root, "/tmp/check_path.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert_int_eq(chdir(root), 0);
	ck_assert_int_eq(mkdir("dir", 0700), 0);
	make_file("file");
	make_file("dir/inner");
}

static void
teardown(void)
{
	char command[64];

	ck_assert_int_eq(chdir("/"), 0);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", root);
	ck_assert_int_eq(system(command), 0);
}

/* The file that was opened, by what it holds; or the error. */
static void
check_opens(const char *path, const char *holds, int error)
{
	char text[16] = "";
	int fd;

	errno = 0;
	fd = path_open(path, O_RDONLY);
	if (holds == NULL) {
		ck_assert_msg(fd == -1 && errno == error, "%.40s: %s", path,
		    strerror(errno));
		return;
	}
	ck_assert_msg(fd != -1, "%.40s: %s", path, strerror(errno));
	ck_assert_int_eq(read(fd, text, sizeof(text) - 1),
	    (int)strlen(holds));
	ck_assert_str_eq(text, holds);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	(void)close(fd);
}

static const struct {
	const char *link; /* "link" leads there; NULL: there is none */
	const char *path;
	const char *holds;
	int error;
} rows[] = {
	{ NULL, "file", "file", 0 },
	{ NULL, "./dir//inner", "dir/inner", 0 },
	{ NULL, "dir/../file", "file", 0 },
	{ NULL, "", NULL, ENOENT },
	{ NULL, "missing", NULL, ENOENT },
	{ NULL, "missing/x", NULL, ENOENT },
	{ NULL, "file/x", NULL, ENOTDIR },
	{ NULL, "file/", NULL, ENOTDIR },
	{ "file", "link", "file", 0 },
	{ "dir", "link/inner", "dir/inner", 0 },
	{ "dir/inner", "link", "dir/inner", 0 },
	{ "./dir/../dir", "link/../file", "file", 0 },
	{ "missing", "link", NULL, ENOENT },
	{ "link", "link", NULL, ELOOP },
	{ "link", "link/x", NULL, ELOOP },
	{ "file", "link/", NULL, ENOTDIR },
	{ "/", "link/nowhere", NULL, ENOENT },
};

START_TEST(a_path_leads_where_its_links_do)
{
	if (rows[_i].link != NULL)
		ck_assert_int_eq(symlink(rows[_i].link, "link"), 0);
	check_opens(rows[_i].path, rows[_i].holds, rows[_i].error);
}
END_TEST

START_TEST(an_absolute_path_begins_at_the_root)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/dir/inner", root);
	check_opens(path, "dir/inner", 0);
	ck_assert_int_eq(symlink(path, "link"), 0);
	check_opens("link", "dir/inner", 0);
}
END_TEST

START_TEST(forty_links_are_followed_and_no_more)
{
	char from[16] = "file", to[16];

	for (unsigned i = 1; i <= 41; i++) {
		(void)snprintf(to, sizeof(to), "l%u", i);
		ck_assert_int_eq(symlink(from, to), 0);
		(void)strcpy(from, to);
	}
	check_opens("l40", "file", 0);
	check_opens("l41", NULL, ELOOP);
}
END_TEST

/* Also what a path becomes by a link has no more than the kernel takes. */
START_TEST(a_path_is_no_longer_than_the_kernels)
{
	char path[PATH_MAX + 64] = "";

	while (strlen(path) < PATH_MAX - 64)
		(void)strcat(path, "./dir/../");
	(void)strcat(path, "file");
	check_opens(path, "file", 0);
	memmove(path + 5, path, strlen(path) + 1);
	memcpy(path, "link/", 5);
	ck_assert_int_eq(symlink("dir/../.", "link"), 0);
	check_opens(path, "file", 0);
	ck_assert_int_eq(unlink("link"), 0);
	memset(path, '/', PATH_MAX);
	memcpy(path + PATH_MAX - 5, "/file", 6);
	ck_assert_uint_eq(strlen(path), PATH_MAX);
	check_opens(path, NULL, ENAMETOOLONG);
	memcpy(path, "link", 4);
	path[PATH_MAX - 1] = '\0';
	ck_assert_int_eq(symlink("dir/../.", "link"), 0);
	check_opens(path, NULL, ENAMETOOLONG);
}
END_TEST

/* root and the caller are trusted, nobody else. */
START_TEST(a_link_of_another_user_is_not_followed)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(symlink("file", "link"), 0);
	ck_assert_int_eq(symlink("dir", "way"), 0);
	ck_assert_int_eq(lchown("link", 61000, 61000), 0);
	ck_assert_int_eq(lchown("way", 61000, 61000), 0);
	check_opens("link", NULL, ELOOP);
	check_opens("way/inner", NULL, ELOOP);
	ck_assert_int_eq(lchown("link", 0, 0), 0);
	ck_assert_int_eq(chmod(".", 0755), 0);
	ck_assert_int_eq(chmod("file", 0644), 0);
	ck_assert_int_eq(chmod("dir", 0755), 0);
	ck_assert_int_eq(chmod("dir/inner", 0644), 0);
	ck_assert_int_eq(seteuid(61000), 0);
	check_opens("link", "file", 0);
	check_opens("way/inner", "dir/inner", 0);
	ck_assert_int_eq(seteuid(0), 0);
	ck_assert_int_eq(seteuid(61001), 0);
	check_opens("way/inner", NULL, ELOOP);
	ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("path");
	TCase *t = tcase_create("path");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_path_leads_where_its_links_do, 0,
	    (int)COUNT(rows));
	tcase_add_test(t, an_absolute_path_begins_at_the_root);
	tcase_add_test(t, forty_links_are_followed_and_no_more);
	tcase_add_test(t, a_path_is_no_longer_than_the_kernels);
	tcase_add_test(t, a_link_of_another_user_is_not_followed);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
