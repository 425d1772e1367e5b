/*
 * Tests of client/handle.c: a handle in a child of the process that opened
 * it, which the daemon would refuse on its parent's connection.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handle.h"

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

static Suite *
fork_suite(void)
{
	Suite *s = suite_create("fork");
	TCase *t = tcase_create("fork");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_child_gets_a_connection_of_its_own);
	tcase_add_test(t, a_child_that_cannot_connect_is_told);
	tcase_add_test(t, a_child_of_one_that_gave_up_has_no_connection);
	tcase_add_test(t, closing_in_a_child_takes_nothing_of_its_own);
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
