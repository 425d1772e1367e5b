/*
 * In which user namespaces the kernel's word about a peer's ids can be
 * taken: real ones, made by root; another user sees its own alone.  And what
 * a kernel could say besides.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What the kernel says instead, if anything. */
static struct said {
	const char *text; /* of the maps; NULL: as it is */
	int open_error, read_error;
	bool no_proc;
	const char *problem; /* a part of it; NULL: none */
} said;

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
ssize_t __real_read(int fd, void *to, size_t n);
ssize_t __wrap_read(int fd, void *to, size_t n);
int __real_access(const char *path, int mode);
int __wrap_access(const char *path, int mode);

int
__wrap_open(const char *path, int flags, ...)
{
	errno = said.open_error;
	return errno != 0 ? -1 : __real_open(path, flags);
}

ssize_t
__wrap_read(int fd, void *to, size_t n)
{
	errno = said.read_error;
	if (errno != 0)
		return -1;
	if (said.text == NULL)
		return __real_read(fd, to, n);
	ck_assert_uint_lt(strlen(said.text), n);
	memcpy(to, said.text, strlen(said.text));
	return (ssize_t)strlen(said.text);
}

int
__wrap_access(const char *path, int mode)
{
	return said.no_proc ? -1 : __real_access(path, mode);
}

static bool
write_map(pid_t pid, const char *which, const char *map)
{
	char path[64];
	int fd;
	bool ok;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, which);
	fd = open(path, O_WRONLY);
	ok = write(fd, map, strlen(map)) == (ssize_t)strlen(map);
	(void)close(fd);
	return ok;
}

static const struct {
	const char *uids;
	const char *gids;
	bool problem;
} maps[] = {
	{ "0 0 4294967295\n", "0 0 4294967295\n", false },
	{ "0 0 1000\n1000 1000 4294966295\n", "0 0 4294967295\n", false },
	{ "0 0 1\n", "0 0 4294967295\n", true },
	{ "0 0 4294967295\n", "0 0 65534\n", true },
	{ "0 0 1\n2001 2001 1\n", "0 0 4294967295\n", true },
	{ "1 0 1\n0 1 1\n2 2 4294967293\n", "0 0 4294967295\n", true },
	{ "0 1 1\n1 0 1\n2 2 4294967293\n", "0 0 4294967295\n", true },
	{ "0 100000 65536\n", "0 100000 65536\n", true },
	{ NULL, NULL, true },
};

/* In a namespace whose maps the parent writes. */
static _Noreturn void
look_from_namespace(int ready, int go)
{
	char c = 'x';

	if (unshare(CLONE_NEWUSER) == -1)
		_exit(77);
	if (write(ready, &c, 1) != 1 || read(go, &c, 1) != 1)
		_exit(78);
	_exit(sandbox_identity_problem() != NULL ? 1 : 0);
}

START_TEST(only_a_map_of_every_id_to_itself_is_no_problem)
{
	int pair[2], status = -1;
	char c;
	pid_t pid;

	ck_assert_ptr_null(sandbox_identity_problem());
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		(void)close(pair[0]);
		look_from_namespace(pair[1], pair[1]);
	}
	(void)close(pair[1]);
	if (geteuid() == 0 && read(pair[0], &c, 1) == 1) {
		ck_assert(maps[_i].uids == NULL ||
		    (write_map(pid, "uid_map", maps[_i].uids) &&
			write_map(pid, "gid_map", maps[_i].gids)));
		ck_assert(write(pair[0], "x", 1) == 1);
	}
	(void)close(pair[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (geteuid() == 0 && WEXITSTATUS(status) != 77)
		ck_assert_int_eq(WEXITSTATUS(status), maps[_i].problem);
}
END_TEST

#define WHOLE "0 0 4294967295\n"
#define NOT_EACH "does not map every user"
#define UNREAD "can't be read"

static const struct said answers[] = {
	{ .text = WHOLE },
	{ .text = "", .problem = NOT_EACH },
	{ .text = "0 0 4294967295", .problem = NOT_EACH },
	{ .text = "0 0 4294967295 1\n", .problem = NOT_EACH },
	{ .text = "0 0\n", .problem = NOT_EACH },
	{ .text = WHOLE "x", .problem = NOT_EACH },
	{ .read_error = EIO, .problem = UNREAD },
	{ .open_error = EACCES, .problem = UNREAD },
	{ .open_error = ENOENT, .no_proc = true, .problem = UNREAD },
	{ .open_error = ENOENT }, /* it has no user namespaces */
};

START_TEST(what_is_not_surely_each_id_itself_is_a_problem)
{
	const char *problem;

	said = answers[_i];
	problem = sandbox_identity_problem();
	memset(&said, 0, sizeof(said));
	if (answers[_i].problem == NULL)
		ck_assert_ptr_null(problem);
	else {
		ck_assert_ptr_nonnull(problem);
		ck_assert_ptr_nonnull(strstr(problem, answers[_i].problem));
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sandbox ids");
	TCase *t = tcase_create("ids");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t, only_a_map_of_every_id_to_itself_is_no_problem,
	    0, (int)COUNT(maps));
	tcase_add_loop_test(t, what_is_not_surely_each_id_itself_is_a_problem,
	    0, (int)COUNT(answers));
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
