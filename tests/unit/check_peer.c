#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"
#include "sample.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#define OVERFLOW_ID 65534u

static int listener = -1;
static struct sockaddr_un addr;
static socklen_t addr_len;

/* Listen at an abstract address, which nobody has to remove. */
static void
setup(void)
{
	int n;

	addr.sun_family = AF_UNIX;
	n = snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1,
	    "check_peer.%d", (int)getpid());
	addr_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
	    (size_t)n);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ne(listener, -1);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&addr, addr_len),
	    0);
	ck_assert_int_eq(listen(listener, 4), 0);
}

static void
teardown(void)
{
	(void)close(listener);
}

/* Only root can be somebody else. */
static bool
is_root(void)
{
	if (geteuid() == 0)
		return true;
	(void)printf("skipped: not root\n");
	return false;
}

static int
connect_here(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&addr, addr_len) == -1)
		_exit(9);
	return fd;
}

struct client {
	pid_t pid;
	int fd; /* our end */
};

struct who {
	uint32_t uid, gid;
	size_t groups; /* supplementary: 5000, 5001 ... */
};

/* The child: become somebody, connect, and stay until the other end goes. */
static void
be(const struct who *who)
{
	static gid_t groups[2000];
	char byte;
	int fd;

	/* In falling order: they come back in the other one. */
	for (size_t i = 0; i < who->groups; i++)
		groups[who->groups - 1 - i] = (gid_t)(5000 + i);
	if (setgroups(who->groups, groups) == -1 ||
	    setresgid(who->gid, who->gid, who->gid) == -1 ||
	    setresuid(who->uid, who->uid, who->uid) == -1)
		_exit(8);
	fd = connect_here();
	(void)!read(fd, &byte, 1);
	_exit(0);
}

/* Take the connection of a new process. */
static struct client
client_of(const struct who *who)
{
	struct client c = { .pid = fork() };

	ck_assert_int_ne(c.pid, -1);
	if (c.pid == 0)
		be(who);
	c.fd = accept(listener, NULL, NULL);
	ck_assert_int_ne(c.fd, -1);
	return c;
}

/* Let the process end well. */
static void
client_end(struct client *c)
{
	int status;

	(void)close(c->fd);
	ck_assert_int_eq(waitpid(c->pid, &status, 0), c->pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

START_TEST(a_pair_of_sockets_is_of_this_process)
{
	struct peer p;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ck_assert(peer_read(fds[0], &p));
	ck_assert_uint_eq(p.uid, getuid());
	ck_assert_uint_eq(p.gid, getgid());
	ck_assert_uint_eq(p.pid, (uint32_t)getpid());
	ck_assert_uint_eq(p.group_count, (size_t)getgroups(0, NULL));
	peer_free(&p);
}
END_TEST

/* Up to 32 groups fit at once; more than 1024 are taken as none. */
static const struct who whos[] = { { 2001, 2002, 0 }, { 2001, 2001, 1 },
	{ 1, 65533, 31 }, { 65535, 0, 32 }, { 0, 2002, 33 }, { 0, 0, 0 },
	{ 4294967294, 4294967294, 100 }, { 2001, 2002, 1024 },
	{ 2001, 2002, 1025 }, { 2001, 2002, 2000 } };

START_TEST(the_kernel_says_who_is_there)
{
	for (size_t i = 0; i < COUNT(whos) && is_root(); i++) {
		struct client c = client_of(&whos[i]);
		size_t groups = whos[i].groups <= PEER_GROUPS_MAX ?
		    whos[i].groups : 0;
		struct peer p;

		ck_assert(peer_read(c.fd, &p));
		ck_assert_uint_eq(p.uid, whos[i].uid);
		ck_assert_uint_eq(p.gid, whos[i].gid);
		ck_assert_uint_eq(p.pid, (uint32_t)c.pid);
		ck_assert_uint_eq(p.group_count, groups);
		ck_assert((p.groups == NULL) == (groups == 0));
		for (size_t g = 0; g < groups; g++)
			ck_assert(p.groups[g] == 5000 + g);
		peer_free(&p);
		client_end(&c);
	}
}
END_TEST

START_TEST(an_id_that_stands_for_nobody_is_refused)
{
	static const struct who nobody[] = { { OVERFLOW_ID, 2002, 0 },
		{ 2001, OVERFLOW_ID, 0 }, { OVERFLOW_ID, OVERFLOW_ID, 1 },
		{ 0, OVERFLOW_ID, 0 } };

	for (size_t i = 0; i < COUNT(nobody) && is_root(); i++) {
		struct client c = client_of(&nobody[i]);
		struct peer p;

		ck_assert_msg(!peer_read(c.fd, &p), "nobody %zu", i);
		peer_free(&p);
		client_end(&c);
	}
}
END_TEST

/* Write a line to a file of this process; false where that is not allowed. */
static bool
write_self(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd != -1 && write(fd, text, strlen(text)) ==
	    (ssize_t)strlen(text);

	(void)close(fd);
	return good;
}

/* In a user namespace in which uid 2001 has no name. */
static int
read_from_namespace(int fd)
{
	struct peer p;

	if (unshare(CLONE_NEWUSER) == -1 ||
	    !write_self("/proc/self/setgroups", "deny") ||
	    !write_self("/proc/self/uid_map", "0 0 1") ||
	    !write_self("/proc/self/gid_map", "0 0 1"))
		return 77;
	return peer_read(fd, &p) ? 1 : 0;
}

START_TEST(an_id_that_this_user_namespace_does_not_map_is_refused)
{
	static const struct who who = { 2001, 0, 0 };
	struct client c;
	int status;
	pid_t pid;

	if (!is_root())
		return;
	c = client_of(&who);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0)
		_exit(read_from_namespace(c.fd));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		(void)printf("skipped: no user namespaces\n");
	else
		ck_assert_int_eq(WEXITSTATUS(status), 0);
	client_end(&c);
}
END_TEST

/* Connect as one user, become another, and say so with a byte. */
static void
change_after_connect(void)
{
	char byte = 0;
	int fd;

	if (setresuid(2001, 2001, 0) == -1)
		_exit(8);
	fd = connect_here();
	if (setresuid(0, 0, 0) == -1 || setresuid(2003, 2003, 2003) == -1)
		_exit(7);
	(void)!write(fd, &byte, 1);
	(void)!read(fd, &byte, 1);
	_exit(0);
}

START_TEST(who_connected_counts_and_not_what_it_became)
{
	struct client c;
	struct peer p;
	char byte;

	if (!is_root())
		return;
	c.pid = fork();
	ck_assert_int_ne(c.pid, -1);
	if (c.pid == 0)
		change_after_connect();
	c.fd = accept(listener, NULL, NULL);
	ck_assert_int_eq(read(c.fd, &byte, 1), 1);
	ck_assert(peer_read(c.fd, &p));
	ck_assert_uint_eq(p.uid, 2001);
	peer_free(&p);
	client_end(&c);
}
END_TEST

START_TEST(what_is_no_connected_socket_is_refused)
{
	struct peer p;
	int pipe_fds[2], fd;

	ck_assert_int_eq(pipe(pipe_fds), 0);
	ck_assert(!peer_read(pipe_fds[0], &p));
	peer_free(&p);
	ck_assert(!peer_read(-1, &p));
	peer_free(&p);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert(!peer_read(fd, &p));
	ck_assert(p.pidfd == -1 && p.groups == NULL);
	peer_free(&p);
	peer_free(&p);
}
END_TEST

/* Whether the kernel gives the process behind a socket as a descriptor: the
   peer must have one then. */
static bool
has_pidfd(const struct peer *p)
{
	socklen_t len = sizeof(int);
	int pair[2], fd = -1;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	if (getsockopt(pair[0], SOL_SOCKET, SO_PEERPIDFD, &fd, &len) == -1)
		(void)printf("skipped: no SO_PEERPIDFD\n");
	else
		ck_assert_int_ne(p->pidfd, -1);
	(void)close(fd);
	(void)close(pair[0]);
	(void)close(pair[1]);
	return fd != -1;
}

static const struct who agent = { 2001, 2002, 0 };

START_TEST(the_descriptor_of_the_process_tells_when_it_ends)
{
	struct client c;
	struct pollfd ended = { .events = POLLIN };
	struct peer p;

	if (!is_root())
		return;
	c = client_of(&agent);
	ck_assert(peer_read(c.fd, &p));
	if (has_pidfd(&p)) {
		ck_assert_int_ne(fcntl(p.pidfd, F_GETFD) & FD_CLOEXEC, 0);
		ended.fd = p.pidfd;
		ck_assert_int_eq(poll(&ended, 1, 0), 0);
	}
	client_end(&c);
	if (p.pidfd != -1)
		ck_assert_int_eq(poll(&ended, 1, 5000), 1);
	peer_free(&p);
	ck_assert_int_eq(p.pidfd, -1);
}
END_TEST

START_TEST(without_a_descriptor_for_the_process_nobody_is_taken)
{
	struct rlimit limit, before;
	struct peer p;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ck_assert(peer_read(fds[0], &p));
	if (!has_pidfd(&p))
		return;
	peer_free(&p);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = (struct rlimit){ (rlim_t)fds[1] + 1, before.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	errno = 0;
	ck_assert(!peer_read(fds[0], &p));
	ck_assert_int_eq(errno, EMFILE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	peer_free(&p);
	ck_assert(peer_read(fds[0], &p));
	peer_free(&p);
}
END_TEST

/* Asked of a socket that is only for that. */
START_TEST(the_cgroup_is_told_as_the_kernel_numbers_it)
{
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	uint64_t one = peer_cgroup(pidfd);
	struct utsname u;
	int major, minor;

	ck_assert_int_ne(pidfd, -1);
	ck_assert_uint_eq(peer_cgroup(pidfd), one);
	ck_assert_uint_eq(peer_cgroup(-1), 0);
	ck_assert_uint_eq(peer_cgroup(STDERR_FILENO), 0);
	ck_assert_int_eq(uname(&u), 0);
	ck_assert_int_eq(sscanf(u.release, "%d.%d", &major, &minor), 2);
	if (major > 6 || (major == 6 && minor >= 13))
		ck_assert_uint_ne(one, 0);
	(void)close(pidfd);
}
END_TEST

START_TEST(what_the_kernel_has_is_known)
{
	struct peer p;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ck_assert(peer_read(fds[0], &p));
	ck_assert_int_eq(peer_has_pidfd(), p.pidfd != -1);
	peer_free(&p);
	(void)close(fds[0]);
	(void)close(fds[1]);
}
END_TEST

START_TEST(a_peer_that_has_ended_before_it_is_asked_for_does_no_harm)
{
	struct peer p;
	int status, fd;
	pid_t pid = fork();

	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		(void)connect_here();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	fd = accept(listener, NULL, NULL);
	ck_assert_int_ne(fd, -1);
	if (peer_read(fd, &p))
		ck_assert_uint_eq(p.uid, getuid());
	peer_free(&p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("peer");
	TCase *t = tcase_create("peer");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_pair_of_sockets_is_of_this_process);
	tcase_add_test(t, the_kernel_says_who_is_there);
	tcase_add_test(t, an_id_that_stands_for_nobody_is_refused);
	tcase_add_test(t,
	    an_id_that_this_user_namespace_does_not_map_is_refused);
	tcase_add_test(t, who_connected_counts_and_not_what_it_became);
	tcase_add_test(t, what_is_no_connected_socket_is_refused);
	tcase_add_test(t, the_descriptor_of_the_process_tells_when_it_ends);
	tcase_add_test(t,
	    without_a_descriptor_for_the_process_nobody_is_taken);
	tcase_add_test(t, the_cgroup_is_told_as_the_kernel_numbers_it);
	tcase_add_test(t, what_the_kernel_has_is_known);
	tcase_add_test(t,
	    a_peer_that_has_ended_before_it_is_asked_for_does_no_harm);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
