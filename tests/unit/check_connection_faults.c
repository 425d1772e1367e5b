/*
 * Tests of client/handle.c and call.c when calls fail: a signal changes
 * nothing, everything else is told, and no handle is left half open.
 */
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failing.h"
#include "script.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *call;
	int error;
	enum cofre_status status;
	const char *says;
} connects[] = {
	{ "connect", EINTR, COFRE_OK, "" },
	{ "connect", EACCES, COFRE_UNREACHABLE,
	    ": Permission denied; may this user reach the socket?" },
	{ "connect", EPERM, COFRE_UNREACHABLE,
	    ": Operation not permitted; may this user reach the socket?" },
	{ "connect", ECONNREFUSED, COFRE_UNREACHABLE,
	    ": Connection refused; is cofred running?" },
	{ "connect", EAGAIN, COFRE_UNREACHABLE,
	    ": no place in the daemon's queue in 1000 ms; try again later" },
	{ "socket", EMFILE, COFRE_UNREACHABLE,
	    "make a socket: Too many open files" },
};

START_TEST(why_there_is_no_connection_is_told)
{
	struct script p;
	enum cofre_status s;

	script_listen(&p, 1);
	failing_next(connects[_i].call, 1, connects[_i].error);
	s = cofre_open(&p.c, p.addr.sun_path, 1000);
	ck_assert(failing_end());
	ck_assert_int_eq(s, connects[_i].status);
	ck_assert_int_eq(handle_is_connected(p.c), s == COFRE_OK);
	script_check_error(&p, connects[_i].says);
	script_close(&p);
}
END_TEST

/* Whether the variable is not there or is empty. */
START_TEST(there_is_a_socket_that_is_meant_without_words)
{
	cofre *c = NULL;
	enum cofre_status s;

	(void)unsetenv("COFRE_SOCKET");
	if (_i == 1)
		ck_assert_int_eq(setenv("COFRE_SOCKET", "", 1), 0);
	failing_next("connect", 1, ECONNREFUSED);
	s = cofre_open(&c, NULL, 0);
	ck_assert(failing_end());
	ck_assert_int_eq(s, COFRE_UNREACHABLE);
	ck_assert_ptr_nonnull(strstr(cofre_error(c),
	    "connect to " COFRE_DEFAULT_SOCKET ": "));
	cofre_close(c);
}
END_TEST

#define CLOSED "the daemon closed the connection before it answered"

/* Calls of a get, of which the answer lies there already. */
static const struct {
	const char *call;
	int error;
	enum cofre_status status;
	const char *says;
} gets[] = {
	{ "sendmsg", EINTR, COFRE_OK, "" },
	{ "sendmsg", EAGAIN, COFRE_OK, "" },
	{ "poll", EINTR, COFRE_OK, "" },
	{ "recv", EINTR, COFRE_OK, "" },
	{ "recv", EAGAIN, COFRE_OK, "" },
	{ "sendmsg", ENOBUFS, COFRE_CLOSED, ": No buffer space available; " },
	{ "poll", ENOMEM, COFRE_CLOSED, ": Cannot allocate memory; " },
	{ "recv", EIO, COFRE_CLOSED, ": Input/output error; " },
	{ "recv", ECONNRESET, COFRE_CLOSED, CLOSED },
	{ "recv", EPIPE, COFRE_CLOSED, CLOSED },
	/* Nobody can have answered what was not sent. */
	{ "sendmsg", EPIPE, COFRE_BAD_REPLY,
	    "the answer came before the question" },
	{ "sendmsg", ECONNRESET, COFRE_BAD_REPLY,
	    "the answer came before the question" },
};

START_TEST(a_call_is_done_or_its_connection_given_up)
{
	cofre_secret *secret = NULL;
	struct script p;
	enum cofre_status s;

	script_open(&p, 1000);
	script_put_hello(&p);
	script_put_secret(&p, FIRST_ID, 1, script_one_field, 1);
	script_flush(&p);
	failing_next(gets[_i].call, 1, gets[_i].error);
	s = script_get(&p, NULL, &secret);
	ck_assert(failing_end());
	ck_assert_int_eq(s, gets[_i].status);
	ck_assert_int_eq(secret != NULL, s == COFRE_OK);
	script_check_error(&p, gets[_i].says);
	if (s != COFRE_OK)
		script_check_closed(&p);
	cofre_secret_free(secret);
	script_close(&p);
}
END_TEST

/* Longer than poll(2) can wait. */
START_TEST(a_call_may_take_weeks)
{
	cofre_secret *secret = NULL;
	struct script p;

	script_open(&p, UINT_MAX);
	script_put_hello(&p);
	script_put_secret(&p, FIRST_ID, 1, script_one_field, 1);
	script_flush(&p);
	ck_assert_int_eq(script_get(&p, NULL, &secret), COFRE_OK);
	cofre_secret_free(secret);
	script_close(&p);
}
END_TEST

/* A child that gets no memory has no connection; the parent keeps his. */
START_TEST(a_child_without_memory_has_no_connection)
{
	cofre_secret *secret = NULL;
	struct script p;
	int status;
	pid_t pid;

	script_open(&p, 1000);
	script_put_hello(&p);
	script_put_secret(&p, FIRST_ID, 1, script_one_field, 1);
	script_flush(&p);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		failing_next("secmem", 1, ENOMEM);
		status = script_get(&p, NULL, &secret) == COFRE_CLOSED &&
		    failing_end() && secret == NULL &&
		    !handle_is_connected(p.c);
		_exit(status ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(script_get(&p, NULL, &secret), COFRE_OK);
	cofre_secret_free(secret);
	script_close(&p);
}
END_TEST

/* The daemon is told the ids by which the process acts. */
START_TEST(an_effective_gid_is_said)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	cofre_secret *secret = NULL;
	struct ucred who;
	struct script p;
	struct iovec iov;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room) };
	const int on = 1;

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(setegid(61000), 0);
	script_open(&p, 1000);
	ck_assert_int_eq(setsockopt(p.fd, SOL_SOCKET, SO_PASSCRED, &on,
			     sizeof(on)), 0);
	script_put_hello(&p);
	script_put_secret(&p, FIRST_ID, 1, script_one_field, 1);
	script_flush(&p);
	ck_assert_int_eq(script_get(&p, NULL, &secret), COFRE_OK);
	iov = (struct iovec){ p.in, sizeof(p.in) };
	ck_assert_int_gt(recvmsg(p.fd, &m, 0), 0);
	ck_assert_ptr_nonnull(CMSG_FIRSTHDR(&m));
	memcpy(&who, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(who));
	ck_assert_uint_eq(who.gid, 61000);
	ck_assert_int_eq(setegid(0), 0);
	cofre_secret_free(secret);
	script_close(&p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("connection faults");
	TCase *t = tcase_create("connection faults");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, why_there_is_no_connection_is_told, 0,
	    (int)COUNT(connects));
	tcase_add_loop_test(t, there_is_a_socket_that_is_meant_without_words,
	    0, 2);
	tcase_add_loop_test(t, a_call_is_done_or_its_connection_given_up, 0,
	    (int)COUNT(gets));
	tcase_add_test(t, a_call_may_take_weeks);
	tcase_add_test(t, a_child_without_memory_has_no_connection);
	tcase_add_test(t, an_effective_gid_is_said);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
