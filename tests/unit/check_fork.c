/*
 * Tests of client/handle.c and watching.c: a handle in a child of the process
 * that opened it, which the daemon would refuse on its parent's connection.
 */
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "script.h"

static char dir[] = "/tmp/check_fork.XXXXXX";
static struct sockaddr_un at;
static int listener;

static void
setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/check_fork.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	at.sun_family = AF_UNIX;
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/s", dir);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC |
		SOCK_NONBLOCK, 0);
	ck_assert_int_ne(listener, -1);
	ck_assert_int_eq(bind(listener, (const struct sockaddr *)&at,
			     sizeof(at)), 0);
	ck_assert_int_eq(listen(listener, 4), 0);
}

static void
teardown(void)
{
	(void)close(listener);
	(void)unlink(at.sun_path);
	(void)rmdir(dir);
}

/* Ask once; nobody answers. */
static enum cofre_status
ask(cofre *c)
{
	cofre_secret *s = NULL;

	return cofre_get(c, "w", "n", 0, NULL, &s);
}

static int
in_child(cofre *c, enum cofre_status want)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		enum cofre_status s = ask(c);

		cofre_close(c);
		_exit(s == want ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* How many bytes have come on it; closed. */
static ssize_t
taken(int fd)
{
	char buf[512];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	(void)close(fd);
	return n;
}

START_TEST(a_child_gets_a_connection_of_its_own)
{
	cofre *c = NULL;
	int first, second;

	ck_assert_int_eq(cofre_open(&c, at.sun_path, 60), COFRE_OK);
	first = accept(listener, NULL, NULL);
	ck_assert_int_ne(first, -1);
	ck_assert_int_eq(in_child(c, COFRE_TIMEOUT), 0);
	second = accept(listener, NULL, NULL);
	ck_assert_msg(second != -1, "the child has connected");
	ck_assert_int_gt(taken(second), 0);
	/* The parent's is as it was: nothing on it, and still good. */
	ck_assert_int_eq(ask(c), COFRE_TIMEOUT);
	ck_assert_int_eq(accept(listener, NULL, NULL), -1);
	ck_assert_int_gt(taken(first), 0);
	cofre_close(c);
}
END_TEST

START_TEST(a_child_that_cannot_connect_is_told)
{
	cofre *c = NULL;

	ck_assert_int_eq(cofre_open(&c, at.sun_path, 60), COFRE_OK);
	ck_assert_int_eq(unlink(at.sun_path), 0);
	ck_assert_int_eq(in_child(c, COFRE_CLOSED), 0);
	cofre_close(c);
}
END_TEST

/* It has no buffers either, and is refused like any other without one. */
START_TEST(a_child_of_one_that_gave_up_has_no_connection)
{
	cofre *c = NULL;

	ck_assert_int_eq(cofre_open(&c, at.sun_path, 60), COFRE_OK);
	ck_assert_int_eq(ask(c), COFRE_TIMEOUT);
	ck_assert_int_eq(in_child(c, COFRE_CLOSED), 0);
	cofre_close(c);
}
END_TEST

/* Map whatever is free until the place of the parent's buffers is taken. */
static bool
fill(const void *from, const void *to)
{
	const size_t step = 64 * 1024;

	for (const char *p = from; p < (const char *)to; p += step) {
		size_t n = (size_t)((const char *)to - p);
		void *want = (void *)(uintptr_t)p;

		if (n > step)
			n = step;
		if (mmap(want, n, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			    MAP_ANONYMOUS | MAP_FIXED, -1, 0) != want)
			return false;
		memset(want, 1, n);
	}
	return true;
}

/* What the child has where its parent had buffers stays the child's. */
START_TEST(closing_in_a_child_takes_nothing_of_its_own)
{
	cofre *c = NULL;
	const char *base;
	size_t size;
	pid_t child;
	int status;

	ck_assert_int_eq(cofre_open(&c, at.sun_path, 60), COFRE_OK);
	base = c->mem.base;
	size = c->mem.size;
	if ((child = fork()) == 0) {
		if (!fill(base, base + size))
			_exit(2);
		cofre_close(c);
		for (size_t i = 0; i < size; i += 4096)
			if (((const volatile char *)base)[i] != 1)
				_exit(3);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "status %x", (unsigned)status);
	cofre_close(c);
}
END_TEST

/*
 * Watching.
 */

/* The daemon's side of a connection: greet, and wait for a request. */
static int
greet(struct script *p)
{
	char request[512];
	int fd = accept(p->listener, NULL, NULL);

	p->w.len = 0;
	script_put_hello(p);
	return fd != -1 && recv(fd, request, sizeof(request), 0) > 0 &&
		send(fd, p->buf, p->w.len, 0) == (ssize_t)p->w.len &&
		recv(fd, request, sizeof(request), 0) > 0 ?
	    fd :
	    -1;
}

/* It ends the first connection, and keeps the second one. */
static pid_t
make_daemon(struct script *p)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)close(greet(p));
		if (greet(p) != -1)
			(void)pause();
		_exit(1);
	}
	ck_assert_int_ne(pid, -1);
	return pid;
}

/* A child that does nothing, or closes the handle and ends. */
static pid_t
make_child(cofre *c, bool closes)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (closes)
			cofre_close(c);
		else
			(void)pause();
		_exit(0);
	}
	ck_assert_int_ne(pid, -1);
	return pid;
}

static void
end(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* Is there something to be told, for so long? */
static bool
is_readable(int fd, int ms)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, ms) == 1;
}

/* A handle that has fetched something, and can watch it. */
static void
open_watcher(struct script *p)
{
	cofre_secret *s = NULL;

	script_open(p, 5000);
	script_put_hello(p);
	script_put_secret(p, FIRST_ID, 1, script_one_field, 1);
	script_flush(p);
	ck_assert_int_eq(script_get(p, NULL, &s), COFRE_OK);
	cofre_secret_free(s);
}

/* A child has its parent's connections for as long as it lives: what the
   parent has closed is not readable for ever. */
START_TEST(a_connection_that_a_child_still_has_is_watched_no_more)
{
	static struct script p;
	struct cofre_change change;
	pid_t daemon, child;
	int fd = -1, status;

	open_watcher(&p);
	daemon = make_daemon(&p);
	ck_assert_int_eq(cofre_watch_fd(p.c, &fd), COFRE_OK);
	child = make_child(p.c, false);
	ck_assert(is_readable(fd, 5000));
	ck_assert_int_eq(cofre_watch_next(p.c, &change), COFRE_CLOSED);
	ck_assert_msg(!is_readable(fd, 0), "readable without a connection");
	ck_assert_int_eq(cofre_watch_fd(p.c, &fd), COFRE_OK);
	ck_assert(!is_readable(fd, 0));
	end(child);
	/* One that closes its handle ends nothing of its parent's. */
	child = make_child(p.c, true);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	end(daemon);
	ck_assert_msg(is_readable(fd, 5000), "a child has ended the watch");
	ck_assert_int_eq(cofre_watch_next(p.c, &change), COFRE_CLOSED);
	script_close(&p);
}
END_TEST

static Suite *
fork_suite(void)
{
	Suite *s = suite_create("fork");
	TCase *t = tcase_create("fork");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_child_gets_a_connection_of_its_own);
	tcase_add_test(t, a_child_that_cannot_connect_is_told);
	tcase_add_test(t, a_child_of_one_that_gave_up_has_no_connection);
	tcase_add_test(t, closing_in_a_child_takes_nothing_of_its_own);
	tcase_add_test(t,
	    a_connection_that_a_child_still_has_is_watched_no_more);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(fork_suite());
	int failed;

	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
