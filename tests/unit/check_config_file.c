/*
 * Configuration files: who may have written them, how they are read again,
 * and the lookup of the operator group.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "sizes.h"

static char dir[] = "/tmp/check_config.XXXXXX";

static int
make_file(const char *name, const char *text, mode_t mode)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	(void)unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_int_ne(fd, -1);
	ck_assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	return fd;
}

static void
check_refused(int fd, const char *reason)
{
	struct config c;
	char error[CONFIG_ERROR_MAX] = "";

	config_defaults(&c);
	ck_assert(!config_read_fd(&c, "f", fd, error));
	ck_assert_msg(strstr(error, reason) != NULL, "%s", error);
}

START_TEST(a_file_is_read_from_its_beginning_each_time)
{
	struct config c;
	char error[CONFIG_ERROR_MAX];
	int fd = make_file("c", "log = strict\n", 0644);

	config_defaults(&c);
	ck_assert(config_read_fd(&c, "f", fd, error));
	ck_assert(c.log_strict);
	ck_assert(pwrite(fd, "log=buffered \n", 14, 0) == 14);
	ck_assert_msg(config_read_fd(&c, "f", fd, error), "%s", error);
	ck_assert(!c.log_strict);
	(void)close(fd);
}
END_TEST

START_TEST(a_file_that_others_can_write_is_refused)
{
	int fd = make_file("c", "log = strict\n", 0664);

	check_refused(fd, "f: its group or others can write it");
	ck_assert_int_eq(fchmod(fd, 0646), 0);
	check_refused(fd, "f: its group or others can write it");
	(void)close(fd);
}
END_TEST

START_TEST(a_file_of_somebody_else_is_refused)
{
	int fd = make_file("c", "log = strict\n", 0644);
	char error[CONFIG_ERROR_MAX];
	struct config c;

	if (geteuid() == 0) {
		ck_assert_int_eq(fchown(fd, 2001, 2001), 0);
		check_refused(fd, "f: neither root nor the user");
		/* To the user himself it is not somebody else's. */
		ck_assert_int_eq(seteuid(2001), 0);
		config_defaults(&c);
		ck_assert_msg(config_read_fd(&c, "f", fd, error), "%s",
		    error);
		ck_assert(c.log_strict);
		ck_assert_int_eq(seteuid(0), 0);
	}
	(void)close(fd);
}
END_TEST

START_TEST(only_a_regular_file_is_read)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int pipes[2];

	check_refused(fd, "f: not a regular file");
	(void)close(fd);
	ck_assert_int_eq(pipe(pipes), 0);
	check_refused(pipes[0], "f: not a regular file");
	check_refused(-1, "f: Bad file descriptor");
}
END_TEST

START_TEST(a_file_over_the_limit_is_refused)
{
	int fd = make_file("c", "", 0600);
	struct config c;
	char error[CONFIG_ERROR_MAX];
	char line[1024];

	memset(line, '#', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (int i = 0; i < 64; i++)
		ck_assert(write(fd, line, sizeof(line)) == sizeof(line));
	config_defaults(&c);
	ck_assert_msg(config_read_fd(&c, "f", fd, error), "%s", error);
	ck_assert(write(fd, "\n", 1) == 1);
	check_refused(fd, "f: over 64 KiB");
	(void)close(fd);
}
END_TEST

START_TEST(a_replaced_file_is_noticed)
{
	int fd = make_file("c", "log = strict\n", 0600);
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/c", dir);
	ck_assert_int_eq(unlink(path), 0);
	check_refused(fd, "f: the file was replaced since the start");
	(void)close(fd);
}
END_TEST

static const struct {
	const char *name;
	uint32_t gid;
	const char *reason;
} groups[] = {
	{ "ops", 700, NULL },
	{ "nothere", 0, "operator_group: group nothere: is not there" },
	{ "root", 0, "group root: may not be root's group or nobody's" },
	{ "nogroup", 0, "group nogroup: may not be root's group" },
};

START_TEST(the_operator_group_is_looked_up)
{
	struct config c;
	char path[256], error[CONFIG_ERROR_MAX] = "";
	bool ok;

	(void)close(make_file("group",
	    "root:x:0:\nops:x:700:a,b\nnogroup:x:65534:\n", 0600));
	(void)snprintf(path, sizeof(path), "%s/group", dir);
	config_defaults(&c);
	ck_assert(config_resolve(&c, path, error));
	ck_assert_uint_eq(c.operator_group, NO_ID);
	ck_assert(config_set(&c, "operator_group", groups[_i].name, error));
	ok = config_resolve(&c, path, error);
	ck_assert_int_eq(ok, groups[_i].reason == NULL);
	if (ok)
		ck_assert_uint_eq(c.operator_group, groups[_i].gid);
	else {
		ck_assert_uint_eq(c.operator_group, NO_ID);
		ck_assert(strstr(error, groups[_i].reason) != NULL);
	}
}
END_TEST

START_TEST(a_group_file_that_is_missing_is_an_error)
{
	struct config c;
	char error[CONFIG_ERROR_MAX];

	config_defaults(&c);
	ck_assert(config_set(&c, "operator_group", "ops", error));
	ck_assert(!config_resolve(&c, "/nonexistent/group", error));
	ck_assert_str_eq(error,
	    "operator_group: group ops: No such file or directory");
}
END_TEST

static void
clean(void)
{
	static const char *const names[] = { "c", "group" };
	char path[256];

	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
}

int
main(void)
{
	Suite *s = suite_create("config file");
	TCase *t = tcase_create("config file");
	SRunner *sr;
	int failed;

	(void)umask(077);
	if (mkdtemp(dir) == NULL)
		return 99;
	tcase_add_test(t, a_file_is_read_from_its_beginning_each_time);
	tcase_add_test(t, a_file_that_others_can_write_is_refused);
	tcase_add_test(t, a_file_of_somebody_else_is_refused);
	tcase_add_test(t, only_a_regular_file_is_read);
	tcase_add_test(t, a_file_over_the_limit_is_refused);
	tcase_add_test(t, a_replaced_file_is_noticed);
	tcase_add_loop_test(t, the_operator_group_is_looked_up, 0,
	    sizeof(groups) / sizeof(groups[0]));
	tcase_add_test(t, a_group_file_that_is_missing_is_an_error);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	clean();
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
