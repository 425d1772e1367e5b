/* Tests of src/localfs.c, with lists of mounts that are made up.
   check_witness_look.c asks the real one. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "localfs.h"
#include "sample.h"

#define MOUNTS "/proc/self/mountinfo"

static char file[64];

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int
__wrap_open(const char *path, int flags, ...)
{
	return __real_open(strcmp(path, MOUNTS) == 0 ? file : path, flags);
}

static void
make_file(const char *text, size_t behind)
{
	FILE *f = fopen(file, "w");
	size_t written = 0;

	ck_assert_ptr_nonnull(f);
	while (written < behind && putc('\n', f) == '\n')
		written++;
	ck_assert_uint_eq(written, behind);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static const struct {
	const char *line;
	bool local;
} mounts[] = {
	{ "36 1 8:1 / / rw - ext4 /dev/sda1 rw\n", true },
	{ "1 1 0:1 / / rw - tmpfs x\n36 1 8:1 / /a rw - xfs x\n", true },
	{ "36 1 8:1 / / rw - nfs4 server:/ rw\n", false },
	{ "36 1 8:1 / / rw - fuse.ext4 x rw\n", false },
	{ "361 1 8:1 / / rw - ext4 x rw\n", false },
	{ "36x 1 8:1 / / rw - ext4 x rw\n", false },
	{ "36 1 8:1 / / rw ext4 x rw\n", false },
	{ "36 1 8:1 / / rw - ext4 x rw", false }, /* was cut short */
	{ "", false },
};

START_TEST(a_mount_is_this_machines_by_its_line)
{
	make_file(mounts[_i].line, 0);
	ck_assert_int_eq(localfs(36), mounts[_i].local);
	/* So many mounts are not read. */
	make_file(mounts[_i].line, 1 << 20);
	ck_assert(!localfs(36));
	ck_assert_int_eq(unlink(file), 0);
	ck_assert(!localfs(36));
}
END_TEST

static void
setup(void)
{
	int fd;

	(void)snprintf(file, sizeof(file), "/tmp/check_localfs.XXXXXX");
	fd = mkstemp(file);
	ck_assert_int_ne(fd, -1);
	(void)close(fd);
}

static void
teardown(void)
{
	(void)unlink(file);
}

int
main(void)
{
	Suite *s = suite_create("localfs");
	TCase *t = tcase_create("localfs");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_mount_is_this_machines_by_its_line, 0,
	    (int)COUNT(mounts));
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
