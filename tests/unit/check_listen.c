#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "listen.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char dir[64];
static char path[128];
static char error[256];

/* What the kernel says instead, when it is not 0. */
static int unlink_error, option_error;
static mode_t other_mode; /* of the socket that was made */

int __real_unlink(const char *name);
int __wrap_unlink(const char *name);
int __real_lstat(const char *name, struct stat *st);
int __wrap_lstat(const char *name, struct stat *st);
int __real_setsockopt(int fd, int level, int name, const void *value,
    socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value,
    socklen_t len);

int
__wrap_unlink(const char *name)
{
	errno = unlink_error;
	return errno != 0 ? -1 : __real_unlink(name);
}

int
__wrap_lstat(const char *name, struct stat *st)
{
	int r = __real_lstat(name, st);

	if (r == 0 && other_mode != 0)
		st->st_mode = other_mode;
	return r;
}

int
__wrap_setsockopt(int fd, int level, int name, const void *value,
    socklen_t len)
{
	errno = option_error;
	return name == SO_PASSRIGHTS && errno != 0 ? -1 :
	    __real_setsockopt(fd, level, name, value, len);
}

static void
setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/check_listen.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/s", dir);
	error[0] = '\0';
}

static void
teardown(void)
{
	(void)unlink(path);
	(void)rmdir(path);
	(void)rmdir(dir);
}

static struct sockaddr_un
address(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	memcpy(sun.sun_path, path, strlen(path));
	return sun;
}

static int
dial(void)
{
	const struct sockaddr_un sun = address();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

/* Somebody else's socket at the path. */
static int
squat(int type, bool listening)
{
	const struct sockaddr_un sun = address();
	int fd = socket(AF_UNIX, type, 0);

	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&sun, sizeof(sun)),
	    0);
	if (listening)
		ck_assert_int_eq(listen(fd, 0), 0);
	return fd;
}

static const mode_t modes[] = { 0666, 0600, 0660, 0 };
static const mode_t masks[] = { 0, 022, 077, 0777 };

START_TEST(the_socket_has_exactly_its_mode_under_any_umask)
{
	mode_t mode = modes[_i % 4], mask = masks[_i / 4];
	struct stat st;
	int fd;

	(void)umask(mask);
	fd = listen_open(path, mode, error, sizeof(error));
	ck_assert_msg(fd != -1, "%s", error);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode, S_IFSOCK | mode);
	ck_assert_uint_eq(umask(0), mask);
	(void)close(fd);
}
END_TEST

START_TEST(it_accepts_and_does_not_block)
{
	int fd = listen_open(path, 0666, error, sizeof(error));
	int client = dial();

	ck_assert_int_ne(client, -1);
	ck_assert((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_ne(accept(fd, NULL, NULL), -1);
	ck_assert_int_eq(accept(fd, NULL, NULL), -1);
	ck_assert_int_eq(errno, EAGAIN);
	(void)close(client);
	(void)close(fd);
}
END_TEST

START_TEST(six_hundred_clients_wait_without_being_refused)
{
	int fd = listen_open(path, 0666, error, sizeof(error));

	for (int i = 0; i < 600; i++)
		ck_assert_int_ne(dial(), -1);
	(void)close(fd);
}
END_TEST

static bool
can_send_fd(int from)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u;
	struct iovec iov = { (char[]){ "x" }, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = u.buf, .msg_controllen = sizeof(u.buf) };
	struct cmsghdr *c;

	memset(&u, 0, sizeof(u));
	c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	return sendmsg(from, &msg, MSG_NOSIGNAL) == 1;
}

START_TEST(no_client_can_send_a_descriptor)
{
	int fd = listen_open(path, 0666, error, sizeof(error));
	int value = -1;
	socklen_t len = sizeof(value);

	ck_assert_int_ne(fd, -1);
	if (getsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &value, &len) == 0) {
		ck_assert_int_eq(value, 0);
		ck_assert(!can_send_fd(dial()));
		ck_assert_int_eq(errno, EPERM);
	} else
		ck_assert_int_eq(errno, ENOPROTOOPT);
	(void)close(fd);
}
END_TEST

START_TEST(a_socket_that_nobody_listens_on_is_replaced)
{
	int old = _i == 0 ? squat(SOCK_STREAM, true) :
			    squat(SOCK_STREAM, false);
	int fd;

	if (_i == 0)
		(void)close(old);
	fd = listen_open(path, 0600, error, sizeof(error));
	ck_assert_msg(fd != -1, "%s", error);
	ck_assert_int_ne(dial(), -1);
	(void)close(fd);
}
END_TEST

START_TEST(a_socket_with_a_listener_is_left_alone)
{
	int other = squat(SOCK_STREAM, true);
	struct stat before, after;

	/* The second time its backlog is full. */
	while (_i == 1 && dial() != -1)
		continue;
	ck_assert_int_eq(lstat(path, &before), 0);
	ck_assert_int_eq(listen_open(path, 0600, error, sizeof(error)), -1);
	ck_assert(strstr(error, "another process listens") != NULL);
	ck_assert_int_eq(lstat(path, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	(void)close(other);
}
END_TEST

START_TEST(a_socket_of_another_kind_is_left_alone)
{
	int other = squat(_i == 0 ? SOCK_DGRAM : SOCK_SEQPACKET, _i == 1);

	ck_assert_int_eq(listen_open(path, 0600, error, sizeof(error)), -1);
	ck_assert(strstr(error, "wrong type") != NULL);
	ck_assert_int_eq(access(path, F_OK), 0);
	(void)close(other);
}
END_TEST

START_TEST(what_is_no_socket_is_left_alone)
{
	if (_i == 0)
		ck_assert_int_ne(open(path, O_CREAT | O_WRONLY, 0600), -1);
	else if (_i == 1)
		ck_assert_int_eq(mkdir(path, 0700), 0);
	else if (_i == 2)
		ck_assert_int_eq(symlink("/nonexistent", path), 0);
	else
		ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(listen_open(path, 0600, error, sizeof(error)), -1);
	ck_assert_msg(strstr(error, "is not a socket") != NULL, "%s", error);
	ck_assert(faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
}
END_TEST

/* A link to a socket with no listener: neither of the two goes. */
START_TEST(a_link_to_a_socket_is_left_alone)
{
	char link[160];
	int old = squat(SOCK_STREAM, false);

	(void)snprintf(link, sizeof(link), "%s.link", path);
	ck_assert_int_eq(symlink(path, link), 0);
	ck_assert_int_eq(listen_open(link, 0600, error, sizeof(error)), -1);
	ck_assert(strstr(error, "is not a socket") != NULL);
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_int_eq(unlink(link), 0);
	(void)close(old);
}
END_TEST

static const struct {
	const char *path;
	const char *reason;
} bad_paths[] = {
	{ "", ": the path of a socket has 1 to 107 bytes, this one 0" },
	{ "/nonexistent/s", "the directory of the socket does not exist" },
	{ "/dev/null/s", "Not a directory" },
	{ "/tmp", "is not a socket" },
};

START_TEST(a_bad_path_gives_a_clear_reason)
{
	ck_assert_int_eq(listen_open(bad_paths[_i].path, 0600, error,
			     sizeof(error)), -1);
	ck_assert_msg(strstr(error, bad_paths[_i].reason) != NULL, "%s",
	    error);
}
END_TEST

START_TEST(a_path_has_at_most_107_bytes)
{
	char name[128];
	size_t n = strlen(dir);
	int fd;

	memset(name, 'x', sizeof(name));
	memcpy(name, dir, n);
	name[n] = '/';
	name[108] = '\0';
	ck_assert_int_eq(listen_open(name, 0600, error, sizeof(error)), -1);
	ck_assert(strstr(error, "1 to 107 bytes, this one 108") != NULL);
	name[107] = '\0';
	fd = listen_open(name, 0600, error, sizeof(error));
	ck_assert_msg(fd != -1, "%s", error);
	ck_assert(listen_is_at(fd, name));
	ck_assert_int_eq(unlink(name), 0);
	(void)close(fd);
}
END_TEST

START_TEST(where_a_socket_is_bound_is_told)
{
	int fd = listen_open(path, 0600, error, sizeof(error));
	int pair[2], inet = socket(AF_INET, SOCK_STREAM, 0);
	char other[160];

	ck_assert(listen_is_at(fd, path));
	(void)snprintf(other, sizeof(other), "%s2", path);
	ck_assert(!listen_is_at(fd, other));
	ck_assert(!listen_is_at(fd, dir));
	ck_assert(!listen_is_at(fd, ""));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert(!listen_is_at(pair[0], path));
	ck_assert(!listen_is_at(pair[0], ""));
	ck_assert(!listen_is_at(inet, path));
	ck_assert(!listen_is_at(-1, path));
	(void)close(fd);
}
END_TEST

START_TEST(an_adopted_socket_is_prepared_the_same_way)
{
	int fd = squat(SOCK_STREAM, true);
	int value = -1;
	socklen_t len = sizeof(value);

	ck_assert(listen_adopt(fd, error, sizeof(error)));
	ck_assert((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	if (getsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &value, &len) == 0)
		ck_assert_int_eq(value, 0);
	ck_assert(!listen_adopt(-1, error, sizeof(error)));
	ck_assert_str_eq(error, "listening socket: Bad file descriptor");
	(void)close(fd);
}
END_TEST

/* Nobody but the daemon's clients shall connect, and no descriptor come. */
START_TEST(a_socket_that_is_not_as_it_should_be_is_not_used)
{
	const char *text;
	int fd;

	option_error = EPERM;
	ck_assert_int_eq(listen_open(path, 0600, error, sizeof(error)), -1);
	ck_assert_str_eq(error, "SO_PASSRIGHTS: Operation not permitted");
	option_error = ENOPROTOOPT; /* an older kernel */
	fd = listen_open(path, 0600, error, sizeof(error));
	ck_assert_int_ne(fd, -1);
	(void)close(fd);
	option_error = 0;
	other_mode = S_IFSOCK | 0666;
	ck_assert_int_eq(listen_open(path, 0600, error, sizeof(error)), -1);
	text = error + strlen(path);
	ck_assert_str_eq(text, ": the socket did not get its mode: does its "
	    "directory have a default access list?");
	ck_assert_int_eq(access(path, F_OK), -1); /* it is not left */
	other_mode = S_IFREG | 0600;
	ck_assert_int_eq(listen_open(path, 0600, error, sizeof(error)), -1);
	ck_assert_int_eq(access(path, F_OK), 0); /* that is not ours */
}
END_TEST

START_TEST(an_old_socket_that_cant_be_removed_is_named)
{
	char longer[200];
	int fd = squat(SOCK_STREAM, true);

	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	ck_assert(!listen_is_at(fd, longer));
	(void)close(fd);
	unlink_error = EACCES;
	ck_assert_int_eq(listen_open(path, 0600, error, sizeof(error)), -1);
	ck_assert_ptr_nonnull(strstr(error, "/s: Permission denied"));
	unlink_error = 0;
	fd = listen_open(path, 0600, error, sizeof(error));
	ck_assert_int_ne(fd, -1);
	(void)close(fd);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("listen");
	TCase *t = tcase_create("listen");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, the_socket_has_exactly_its_mode_under_any_umask,
	    0, 16);
	tcase_add_test(t, it_accepts_and_does_not_block);
	tcase_add_test(t, six_hundred_clients_wait_without_being_refused);
	tcase_add_test(t, no_client_can_send_a_descriptor);
	tcase_add_loop_test(t, a_socket_that_nobody_listens_on_is_replaced, 0,
	    2);
	tcase_add_loop_test(t, a_socket_with_a_listener_is_left_alone, 0, 2);
	tcase_add_loop_test(t, a_socket_of_another_kind_is_left_alone, 0, 2);
	tcase_add_loop_test(t, what_is_no_socket_is_left_alone, 0, 4);
	tcase_add_test(t, a_link_to_a_socket_is_left_alone);
	tcase_add_loop_test(t, a_bad_path_gives_a_clear_reason, 0,
	    (int)COUNT(bad_paths));
	tcase_add_test(t, a_path_has_at_most_107_bytes);
	tcase_add_test(t, where_a_socket_is_bound_is_told);
	tcase_add_test(t, an_adopted_socket_is_prepared_the_same_way);
	tcase_add_test(t, a_socket_that_is_not_as_it_should_be_is_not_used);
	tcase_add_test(t, an_old_socket_that_cant_be_removed_is_named);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
