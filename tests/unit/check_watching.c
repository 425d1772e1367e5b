/*
 * Tests of client/watching.c and line.c: what a handle has fetched, and what
 * it is told of newer versions; on the other side is the test.
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "script.h"
#include "sizes.h"

#define FETCHED_MAX 256u /* as in watching.c */
#define LINES_MAX 8u

static struct script p;
static uint32_t asked; /* the calls of that connection */
static pid_t greeter;
static int greeted; /* where it sends the connections */

static void
send_fd(int to, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	char byte = 0;
	struct iovec part = { &byte, 1 };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control) };

	control.head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) };
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	ck_assert_int_eq(sendmsg(to, &m, 0), 1);
}

/* The next connection that was greeted. */
static int
receive_fd(int flags)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec part = { &byte, 1 };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(greeted, &m, flags | MSG_CMSG_CLOEXEC) == 1)
		memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	return fd;
}

/* Answer the hello of whoever connects: the library waits for that. */
static _Noreturn void
greet(int to)
{
	for (;;) {
		p.fd = accept(p.listener, NULL, NULL);
		script_put_hello(&p);
		script_flush(&p);
		send_fd(to, p.fd);
		(void)close(p.fd);
	}
}

/* What is said from now on is said on the next connection. */
static void
take_line(void)
{
	if (p.fd != -1)
		script_hang_up(&p);
	p.fd = receive_fd(0);
	ck_assert_int_ne(p.fd, -1);
	asked = FIRST_ID;
}

static void
setup(void)
{
	int ends[2];

	script_listen(&p, 16);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
			     ends), 0);
	greeted = ends[0];
	greeter = fork();
	ck_assert_int_ne(greeter, -1);
	if (greeter == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		greet(ends[1]);
	}
	(void)close(ends[1]);
	ck_assert_int_eq(cofre_open(&p.c, p.addr.sun_path, 5000), COFRE_OK);
	take_line();
}

static void
teardown(void)
{
	(void)kill(greeter, SIGKILL);
	(void)waitpid(greeter, NULL, 0);
	(void)close(greeted);
	script_close(&p);
}

/* The handle fetches a secret, or is refused it. */
static void
fetch(const char *workspace, const char *name, enum cofre_status s)
{
	cofre_secret *secret = NULL;

	if (s == COFRE_OK)
		script_put_secret(&p, asked++, 3, script_one_field, 1);
	else
		script_put_status(&p, OP_SECRET_GET, asked++, s);
	script_flush(&p);
	ck_assert_int_eq(cofre_get(p.c, workspace, name, 0, NULL, &secret), s);
	cofre_secret_free(secret);
	(void)script_hear(&p);
}

/* Tell that a secret has that version now; NULL: none has changed. */
static enum cofre_status
told(const char *name, uint32_t version, uint32_t followed,
    struct cofre_change *change)
{
	const struct secret_watch_reply m = {
		view_of(name == NULL ? "" : name), version, followed };
	size_t at = script_reply(&p, OP_SECRET_WATCH, asked++, 0);

	secret_watch_reply_put(&p.w, &m);
	frame_end(&p.w, at);
	script_flush(&p);
	return cofre_watch_next(p.c, change);
}

START_TEST(a_change_is_told_once_and_for_what_was_fetched)
{
	struct cofre_change change = { .version = 9 };
	int fd = -1;

	fetch("ml", "token", COFRE_OK);
	ck_assert_int_eq(cofre_watch_fd(p.c, &fd), COFRE_OK);
	ck_assert_int_ne(fd, -1);
	take_line();
	ck_assert_int_eq(told("token", 4, 10, &change), COFRE_OK);
	ck_assert_str_eq(change.workspace, "ml");
	ck_assert_str_eq(change.name, "token");
	ck_assert_uint_eq(change.version, 4);
	/* As it is known; nothing; and what it follows is another one. */
	ck_assert_int_eq(told("token", 4, 10, &change), COFRE_NO_CHANGE);
	ck_assert_int_eq(told(NULL, 0, 0, &change), COFRE_NO_CHANGE);
	ck_assert_int_eq(told("token", 4, 11, &change), COFRE_OK);
	ck_assert_int_eq(cofre_watch_next(p.c, &change), COFRE_NO_CHANGE);
}
END_TEST

START_TEST(a_secret_that_was_refused_since_then_is_not_told)
{
	struct cofre_change change = { .version = 9 };
	int fd;

	fetch("ml", "token", COFRE_OK);
	ck_assert_int_eq(cofre_watch_fd(p.c, &fd), COFRE_OK);
	fetch("ml", "token", COFRE_DENIED);
	take_line();
	ck_assert_int_eq(told("token", 4, 10, &change), COFRE_NO_CHANGE);
	ck_assert_uint_eq(change.version, 9);
}
END_TEST

START_TEST(a_secret_that_was_not_asked_for_ends_it)
{
	struct cofre_change change = { .version = 9 };
	int fd;

	fetch("ml", "token", COFRE_OK);
	ck_assert_int_eq(cofre_watch_fd(p.c, &fd), COFRE_OK);
	take_line();
	ck_assert_int_eq(told("other", 4, 10, &change), COFRE_BAD_REPLY);
	script_check_error(&p, "the answer can't be decoded");
	ck_assert_uint_eq(change.version, 9);
	/* The line is closed: there is nothing more to wait for. */
	ck_assert_int_eq(cofre_watch_next(p.c, &change), COFRE_CLOSED);
	script_check_error(&p, "nothing is watched");
}
END_TEST

START_TEST(a_workspace_with_many_secrets_has_more_lines)
{
	char name[16];
	int fd, lines = 0, one;

	for (unsigned i = 0; i <= WATCH_MAX; i++) {
		(void)snprintf(name, sizeof(name), "n%u", i);
		fetch("ml", name, COFRE_OK);
	}
	fetch("other", "n0", COFRE_OK);
	ck_assert_int_eq(cofre_watch_fd(p.c, &fd), COFRE_OK);
	/* Each was greeted before the next one was made. */
	for (; lines < 3; lines++) {
		one = receive_fd(0);
		ck_assert_int_ne(one, -1);
		(void)close(one);
	}
	ck_assert_int_eq(receive_fd(MSG_DONTWAIT), -1);
}
END_TEST

START_TEST(more_than_can_be_watched_is_refused_as_a_whole)
{
	char name[16];
	int fd = -1;

	for (unsigned i = 0; i <= LINES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "w%u", i);
		fetch(name, "token", COFRE_OK);
	}
	ck_assert_int_eq(cofre_watch_fd(p.c, &fd), COFRE_LIMIT);
	script_check_error(&p, "secrets of 8 workspaces at most");
	for (unsigned i = 0; i < FETCHED_MAX; i++) {
		(void)snprintf(name, sizeof(name), "n%u", i);
		fetch("w0", name, COFRE_OK);
	}
	ck_assert_int_eq(cofre_watch_fd(p.c, &fd), COFRE_LIMIT);
	script_check_error(&p, "a handle watches 256 secrets at most");
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(receive_fd(MSG_DONTWAIT), -1);
}
END_TEST

START_TEST(what_it_cannot_have_is_said)
{
	struct cofre_change change;
	struct rlimit before, none;
	int fd = -1, room;

	ck_assert_int_eq(cofre_watch_fd(NULL, &fd), COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_watch_next(NULL, &change), COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_watch_fd(p.c, NULL), COFRE_ARGUMENT);
	script_check_error(&p, "fd is NULL");
	ck_assert_int_eq(cofre_watch_next(p.c, NULL), COFRE_ARGUMENT);
	script_check_error(&p, "ret is NULL");
	ck_assert_int_eq(cofre_watch_fd(p.c, &fd), COFRE_ARGUMENT);
	script_check_error(&p, "has fetched nothing yet");
	fetch("ml", "token", COFRE_OK);
	/* No descriptor for the list, then one for it and none for a line. */
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	room = dup(p.fd);
	(void)close(room);
	for (int more = 0; more < 2; more++) {
		none.rlim_cur = (rlim_t)(room + more);
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
		ck_assert_int_eq(cofre_watch_fd(p.c, &fd), more == 0 ?
			COFRE_NO_MEMORY : COFRE_UNREACHABLE);
		script_check_error(&p, "Too many open files");
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	}
	ck_assert_int_eq(unlink(p.addr.sun_path), 0);
	ck_assert_int_eq(cofre_watch_fd(p.c, &fd), COFRE_UNREACHABLE);
	script_check_error(&p, p.addr.sun_path);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(cofre_watch_next(p.c, &change), COFRE_CLOSED);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("watching");
	TCase *t = tcase_create("watching");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_change_is_told_once_and_for_what_was_fetched);
	tcase_add_test(t, a_secret_that_was_refused_since_then_is_not_told);
	tcase_add_test(t, a_secret_that_was_not_asked_for_ends_it);
	tcase_add_test(t, a_workspace_with_many_secrets_has_more_lines);
	tcase_add_test(t, more_than_can_be_watched_is_refused_as_a_whole);
	tcase_add_test(t, what_it_cannot_have_is_said);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
