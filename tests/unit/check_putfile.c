/* Tests of client/putfile.c and privatedir.c: files for other programs. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "privatedir.h"
#include "putfile.h"

static char dir[] = "/tmp/check_putfile.XXXXXX";
static struct problem p;

/* The tests are in a directory of their own. */
static void
setup(void)
{
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
}

static void
teardown(void)
{
	(void)unlink("file");
	(void)rmdir("sub");
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}

static enum cofre_status
put(const char *path, const char *text)
{
	return putfile(path, view_of(text), "--output", &p);
}

static void
check_file(const char *text)
{
	char got[64];
	int fd = open("file", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, got, sizeof(got));
	struct stat st;

	ck_assert_int_eq(n, (ssize_t)strlen(text));
	ck_assert_mem_eq(got, text, strlen(text));
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	(void)close(fd);
}

/* So many names are in the directory. */
static size_t
names(const char *path)
{
	DIR *d = opendir(path);
	size_t n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n - 2;
}

/* No file of this process gets longer than that, or as it was before: the
   test's own are longer. */
static void
limit_files(rlim_t bytes)
{
	const struct rlimit few = { bytes, RLIM_INFINITY };

	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &few), 0);
}

START_TEST(a_file_is_replaced_and_nothing_is_left_beside_it)
{
	(void)umask(077);
	ck_assert_int_eq(put("file", "one"), COFRE_OK);
	check_file("one");
	ck_assert_int_eq(put("./file", "another"), COFRE_OK);
	check_file("another");
	ck_assert_uint_eq(names("."), 1);
}
END_TEST

START_TEST(a_disk_that_is_full_leaves_the_old_file)
{
	enum cofre_status got;

	ck_assert_int_eq(put("file", "one"), COFRE_OK);
	limit_files(3);
	got = put("file", "another");
	limit_files(RLIM_INFINITY);
	ck_assert_int_eq(got, COFRE_INTERNAL);
	ck_assert_str_eq(p.text,
	    "--output file can't be written: File too large");
	check_file("one");
	ck_assert_uint_eq(names("."), 1);
}
END_TEST

START_TEST(what_can_be_no_file_is_named)
{
	char path[5000];

	ck_assert_int_eq(mkdir("sub", 0700), 0);
	ck_assert_int_eq(put("sub/", "one"), COFRE_ARGUMENT);
	ck_assert_str_eq(p.text, "--output sub/ can't be written: Is a directory");
	ck_assert_int_eq(put("sub", "one"), COFRE_ARGUMENT);
	ck_assert_str_eq(p.text, "--output sub can't be written: Is a directory");
	ck_assert_int_eq(put("none/file", "one"), COFRE_ARGUMENT);
	ck_assert_str_eq(p.text,
	    "--output none/file can't be written: No such file or "
	    "directory");
	memset(path, '/', sizeof(path));
	memcpy(path + sizeof(path) - 5, "file", 5);
	ck_assert_int_eq(put(path, "one"), COFRE_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(p.text, "File name too long"));
	ck_assert_uint_eq(names("."), 1);
}
END_TEST

START_TEST(a_private_file_is_made_once_and_goes_with_its_directory)
{
	struct privatedir d;
	char path[PRIVATEDIR_PATH], got[8];
	struct stat st;
	size_t len;
	bool good;
	int error;

	ck_assert(privatedir_make(&d));
	ck_assert_int_eq(stat(d.path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
	ck_assert(privatedir_write(&d, "a", view_of("first")));
	ck_assert(!privatedir_write(&d, "a", view_of("second")));
	ck_assert_int_eq(errno, EEXIST);
	ck_assert_int_eq(stat(privatedir_path(&d, "a", path), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	/* All of it, and no more of it than there is room for. */
	ck_assert(privatedir_read(&d, "a", got, sizeof(got), &len));
	ck_assert_uint_eq(len, 5);
	ck_assert_mem_eq(got, "first", 5);
	ck_assert(privatedir_read(&d, "a", got, 3, &len));
	ck_assert_uint_eq(len, 3);
	/* A link that somebody has put there leads nowhere. */
	ck_assert_int_eq(symlink(privatedir_path(&d, "a", path), "file"), 0);
	ck_assert_int_eq(renameat(AT_FDCWD, "file", d.fd, "b"), 0);
	ck_assert(!privatedir_read(&d, "b", got, sizeof(got), &len));
	ck_assert_int_eq(errno, ELOOP);
	ck_assert_uint_eq(len, 0);
	/* What is no file can't be read. */
	ck_assert(!privatedir_read(&d, ".", got, sizeof(got), &len));
	ck_assert_int_eq(errno, EISDIR);
	limit_files(3);
	good = privatedir_write(&d, "c", view_of("longer"));
	error = errno;
	limit_files(RLIM_INFINITY);
	ck_assert(!good);
	ck_assert_int_eq(error, EFBIG);
	(void)snprintf(path, sizeof(path), "%s", d.path);
	privatedir_remove(&d);
	ck_assert_int_eq(d.fd, -1);
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("putfile");
	TCase *t = tcase_create("putfile");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_file_is_replaced_and_nothing_is_left_beside_it);
	tcase_add_test(t, a_disk_that_is_full_leaves_the_old_file);
	tcase_add_test(t, what_can_be_no_file_is_named);
	tcase_add_test(t,
	    a_private_file_is_made_once_and_goes_with_its_directory);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
