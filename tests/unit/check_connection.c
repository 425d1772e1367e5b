/*
 * Tests of client/handle.c and call.c: connecting, waiting, and every way
 * in which a connection ends.
 */
#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "script.h"

#define SHORT_MS 60u

/*
 * Connecting.
 */

START_TEST(an_unreachable_socket_is_named)
{
	cofre *c = NULL;
	cofre_secret *s = NULL;

	ck_assert_int_eq(cofre_open(&c, "/nowhere/cofre.sock", 0),
	    COFRE_UNREACHABLE);
	ck_assert_str_eq(cofre_error(c), "connect to /nowhere/cofre.sock: "
	    "No such file or directory; is cofred running?");
	ck_assert_int_eq(cofre_get(c, "w", "n", 0, NULL, &s), COFRE_CLOSED);
	cofre_close(c);
}
END_TEST

START_TEST(a_path_has_a_length)
{
	char path[109];
	cofre *c = NULL;

	ck_assert_int_eq(cofre_open(&c, "", 0), COFRE_ARGUMENT);
	cofre_close(c);
	memset(path, 'p', sizeof(path));
	path[108] = '\0';
	ck_assert_int_eq(cofre_open(&c, path, 0), COFRE_ARGUMENT);
	ck_assert_str_ne(cofre_error(c), "");
	cofre_close(c);
	path[107] = '\0';
	ck_assert_int_eq(cofre_open(&c, path, 0), COFRE_UNREACHABLE);
	cofre_close(c);
	ck_assert_int_eq(cofre_open(NULL, path, 0), COFRE_ARGUMENT);
}
END_TEST

/* A handle that never had buffers refuses calls like any other. */
START_TEST(a_handle_without_connection_refuses_calls)
{
	cofre_secret *s = NULL;
	cofre *c = NULL;
	struct view body;

	ck_assert_int_eq(cofre_open(&c, "", 0), COFRE_ARGUMENT);
	ck_assert_int_eq(cofre_get(c, "w", "n", 0, NULL, &s), COFRE_CLOSED);
	ck_assert(call_begin(c, OP_STATUS) != NULL);
	ck_assert_int_eq(call_run(c, "status", "", &body), COFRE_CLOSED);
	ck_assert_str_eq(cofre_error(c),
	    "status: this handle has no connection; open a new one");
	cofre_close(c);
}
END_TEST

START_TEST(the_environment_may_name_the_socket)
{
	struct script p;

	script_listen(&p, 1);
	ck_assert_int_eq(setenv("COFRE_SOCKET", p.addr.sun_path, 1), 0);
	ck_assert_int_eq(cofre_open(&p.c, NULL, 0), COFRE_OK);
	cofre_close(p.c);
	ck_assert_int_eq(setenv("COFRE_SOCKET", "", 1), 0);
	(void)cofre_open(&p.c, NULL, 0);
	ck_assert_str_eq(p.c->addr.sun_path, COFRE_DEFAULT_SOCKET);
	cofre_close(p.c);
	ck_assert_int_eq(setenv("COFRE_SOCKET", "/nowhere", 1), 0);
	ck_assert_int_eq(cofre_open(&p.c, p.addr.sun_path, 0), COFRE_OK);
	script_close(&p);
}
END_TEST

/* The kernel lets one more than the backlog wait. */
START_TEST(a_full_queue_ends_with_the_timeout)
{
	cofre *first = NULL;
	struct script p;

	script_listen(&p, 0);
	ck_assert_int_eq(cofre_open(&first, p.addr.sun_path, SHORT_MS),
	    COFRE_OK);
	ck_assert_int_eq(cofre_open(&p.c, p.addr.sun_path, SHORT_MS),
	    COFRE_UNREACHABLE);
	script_check_error(&p, "no place in the daemon's queue in 60 ms");
	cofre_close(first);
	script_close(&p);
}
END_TEST

START_TEST(the_descriptor_is_not_inherited)
{
	struct script p;

	script_open(&p, 1000);
	ck_assert_int_eq(fcntl(p.c->fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	script_close(&p);
}
END_TEST

/*
 * The hello.
 */

START_TEST(a_refused_hello_is_the_calls_status)
{
	static const uint32_t statuses[] = { COFRE_BAD_VERSION, COFRE_LIMIT,
		COFRE_INTERNAL };
	cofre_secret *s = NULL;
	struct script p;

	script_open(&p, 1000);
	script_put_status(&p, OP_HELLO, HELLO_ID, statuses[_i]);
	script_flush(&p);
	ck_assert_uint_eq(script_get(&p, NULL, &s), statuses[_i]);
	script_check_error(&p,
	    cofre_status_text((enum cofre_status)statuses[_i]));
	script_check_closed(&p);
	script_close(&p);
}
END_TEST

START_TEST(a_hello_of_another_version_is_refused)
{
	const struct hello_reply m = { PROTO_VERSION + 1, view_of("cofred") };
	cofre_secret *s = NULL;
	struct script p;
	size_t at;

	script_open(&p, 1000);
	at = script_reply(&p, OP_HELLO, HELLO_ID, 0);
	hello_reply_put(&p.w, &m);
	frame_end(&p.w, at);
	script_put_secret(&p, FIRST_ID, 1, script_one_field, 1);
	script_flush(&p);
	ck_assert_int_eq(script_get(&p, NULL, &s), COFRE_BAD_VERSION);
	script_check_closed(&p);
	script_close(&p);
}
END_TEST

START_TEST(an_answer_without_a_hello_is_a_bad_reply)
{
	cofre_secret *s = NULL;
	struct script p;

	script_open(&p, 1000);
	script_put_secret(&p, FIRST_ID, 1, script_one_field, 1);
	script_flush(&p);
	ck_assert_int_eq(script_get(&p, NULL, &s), COFRE_BAD_REPLY);
	script_check_closed(&p);
	script_close(&p);
}
END_TEST

START_TEST(a_daemon_that_refuses_and_leaves_is_heard)
{
	cofre_secret *s = NULL;
	struct script p;

	script_open(&p, 1000);
	script_put_status(&p, OP_HELLO, HELLO_ID, COFRE_LIMIT);
	script_flush(&p);
	script_hang_up(&p);
	ck_assert_int_eq(script_get(&p, NULL, &s), COFRE_LIMIT);
	script_check_closed(&p);
	script_close(&p);
}
END_TEST

/*
 * The end of a connection.
 */

/* Cut at each byte, the daemon gone or just silent. */
START_TEST(an_answer_that_is_cut_off_is_no_answer)
{
	cofre_secret *s = NULL;
	struct script p;
	size_t len;

	script_open(&p, 1);
	script_put_hello(&p);
	script_put_secret(&p, FIRST_ID, 1, script_one_field, 1);
	len = p.w.len;
	script_close(&p);
	for (size_t cut = 0; cut < len; cut++) {
		script_open(&p, _i == 0 ? 1000 : 1);
		script_put_hello(&p);
		script_put_secret(&p, FIRST_ID, 1, script_one_field, 1);
		script_say(&p, p.buf, cut);
		if (_i == 0)
			ck_assert_int_eq(shutdown(p.fd, SHUT_WR), 0);
		ck_assert_int_eq(script_get(&p, NULL, &s),
		    _i == 0 ? COFRE_CLOSED : COFRE_TIMEOUT);
		ck_assert_ptr_null(s);
		script_check_error(&p, "open a new handle");
		script_check_closed(&p);
		script_close(&p);
	}
}
END_TEST

START_TEST(more_than_the_answer_is_a_bad_reply)
{
	cofre_secret *s = NULL;
	struct script p;

	script_open(&p, 1000);
	script_put_hello(&p);
	script_put_secret(&p, FIRST_ID, 1, script_one_field, 1);
	wire_put_u8(&p.w, 0);
	script_flush(&p);
	ck_assert_int_eq(script_get(&p, NULL, &s), COFRE_BAD_REPLY);
	script_check_error(&p, "more came than the answer");
	script_check_closed(&p);
	script_close(&p);
}
END_TEST

/* A connection that the daemon closed while it was idle. */
START_TEST(a_closed_idle_connection_is_noticed)
{
	cofre_secret *s = NULL;
	struct script p;

	script_open(&p, 1000);
	script_put_hello(&p);
	script_put_secret(&p, FIRST_ID, 1, script_one_field, 1);
	script_flush(&p);
	ck_assert_int_eq(script_get(&p, NULL, &s), COFRE_OK);
	cofre_secret_free(s);
	s = NULL;
	/* With and without unread bytes: a reset, or an end. */
	if (_i == 1)
		(void)script_hear(&p);
	script_hang_up(&p);
	ck_assert_int_eq(script_get(&p, NULL, &s), COFRE_CLOSED);
	script_check_error(&p, "the daemon closed the connection before it "
			     "answered; open a new handle");
	script_check_closed(&p);
	script_close(&p);
}
END_TEST

START_TEST(a_write_that_may_have_been_done_is_said_to)
{
	struct script p;

	script_open(&p, SHORT_MS);
	script_put_hello(&p);
	script_flush(&p);
	ck_assert_int_eq(cofre_delete(p.c, "ml-prod", "token"),
	    COFRE_TIMEOUT);
	script_check_error(&p, "look first whether the change was made");
	script_close(&p);
	script_open(&p, SHORT_MS);
	script_put_hello(&p);
	script_flush(&p);
	ck_assert_int_eq(shutdown(p.fd, SHUT_WR), 0);
	ck_assert_int_eq(cofre_delete(p.c, "ml-prod", "token"),
	    COFRE_CLOSED);
	script_check_error(&p, "look first whether the change was made");
	script_close(&p);
	script_open(&p, SHORT_MS);
	script_hang_up(&p);
	ck_assert_int_eq(cofre_delete(p.c, "ml-prod", "token"),
	    COFRE_CLOSED);
	ck_assert_ptr_null(strstr(cofre_error(p.c), "look first"));
	script_close(&p);
}
END_TEST

/* A daemon that does not read: the socket fills, and the time runs out. */
START_TEST(a_daemon_that_does_not_read_costs_the_timeout)
{
	const int small = 4096;
	static char value[COFRE_VALUE_MAX];
	cofre_secret *s;
	struct script p;

	memset(value, 'v', sizeof(value));
	memcpy(value, SCRIPT_SECRET, strlen(SCRIPT_SECRET));
	ck_assert_int_eq(cofre_secret_new(&s, COFRE_KIND_GENERIC, 0),
	    COFRE_OK);
	ck_assert_int_eq(cofre_secret_add(s, "value", 1, value,
			     sizeof(value)), COFRE_OK);
	script_open(&p, SHORT_MS);
	ck_assert_int_eq(setsockopt(p.c->fd, SOL_SOCKET, SO_SNDBUF, &small,
			     sizeof(small)), 0);
	ck_assert_int_eq(cofre_put(p.c, "ml-prod", "token", s, 0, 0, NULL),
	    COFRE_TIMEOUT);
	/* It never had the whole request. */
	ck_assert_ptr_null(strstr(cofre_error(p.c), "look first"));
	script_check_closed(&p);
	cofre_secret_free(s);
	script_close(&p);
}
END_TEST

static void
on_alarm(int signo)
{
	(void)signo;
}

/* Signals interrupt every wait, and change nothing. */
START_TEST(signals_neither_end_nor_lengthen_a_call)
{
	const struct itimerval often = { { 0, 2000 }, { 0, 2000 } };
	const struct itimerval never = { { 0, 0 }, { 0, 0 } };
	struct sigaction sa = { .sa_handler = on_alarm };
	cofre_secret *s = NULL;
	int64_t start;
	struct script p;

	ck_assert_int_eq(sigaction(SIGALRM, &sa, NULL), 0);
	script_open(&p, SHORT_MS);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
	start = handle_now();
	ck_assert_int_eq(script_get(&p, NULL, &s), COFRE_TIMEOUT);
	ck_assert_int_ge(handle_now() - start, SHORT_MS - 1);
	ck_assert_int_lt(handle_now() - start, 5000);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
	script_close(&p);
}
END_TEST

/* Byte by byte, from another process: every read comes short. */
START_TEST(an_answer_may_come_in_small_pieces)
{
	cofre_secret *s = NULL;
	struct script p;
	int status;
	pid_t pid;

	script_open(&p, 10000);
	script_put_hello(&p);
	script_put_secret(&p, FIRST_ID, 1, script_one_field, 1);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		for (size_t i = 0; i < p.w.len; i++) {
			(void)sched_yield();
			if (send(p.fd, p.buf + i, 1, MSG_NOSIGNAL) != 1)
				_exit(1);
		}
		_exit(0);
	}
	ck_assert_int_eq(script_get(&p, NULL, &s), COFRE_OK);
	ck_assert_str_eq(cofre_secret_field(s, "value", NULL), SCRIPT_SECRET);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	cofre_secret_free(s);
	script_close(&p);
}
END_TEST

static Suite *
connection_suite(void)
{
	Suite *s = suite_create("connection");
	TCase *t = tcase_create("connection");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, an_unreachable_socket_is_named);
	tcase_add_test(t, a_path_has_a_length);
	tcase_add_test(t, a_handle_without_connection_refuses_calls);
	tcase_add_test(t, the_environment_may_name_the_socket);
	tcase_add_test(t, a_full_queue_ends_with_the_timeout);
	tcase_add_test(t, the_descriptor_is_not_inherited);
	tcase_add_loop_test(t, a_refused_hello_is_the_calls_status, 0, 3);
	tcase_add_test(t, a_hello_of_another_version_is_refused);
	tcase_add_test(t, an_answer_without_a_hello_is_a_bad_reply);
	tcase_add_test(t, a_daemon_that_refuses_and_leaves_is_heard);
	tcase_add_loop_test(t, an_answer_that_is_cut_off_is_no_answer, 0, 2);
	tcase_add_test(t, more_than_the_answer_is_a_bad_reply);
	tcase_add_loop_test(t, a_closed_idle_connection_is_noticed, 0, 2);
	tcase_add_test(t, a_write_that_may_have_been_done_is_said_to);
	tcase_add_test(t, a_daemon_that_does_not_read_costs_the_timeout);
	tcase_add_test(t, signals_neither_end_nor_lengthen_a_call);
	tcase_add_test(t, an_answer_may_come_in_small_pieces);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(connection_suite());
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
