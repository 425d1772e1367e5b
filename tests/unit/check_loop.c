/*
 * What the loop waits for, and who is taken at the sockets: what can't be
 * watched ends the start, and who finds no room is told, and not forgotten.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "accept.h"
#include "agent.h"
#include "frame.h"
#include "loop.h"
#include "sample.h"
#include "sentry_impl.h"

static struct server *sv;
static int steps;	/* until the one that fails */
static int accept_error, peer_error;
static int pair[2];	/* a client, and its connection */
static uint32_t events; /* that the listening socket is watched for */

int __wrap_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags);
int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags);
int __wrap_epoll_ctl(int e, int op, int fd, struct epoll_event *ev);
bool __wrap_peer_read(int fd, struct peer *p);

int
__wrap_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
	ck_assert(fd == sv->listen_fd || fd == sv->agent_fd);
	ck_assert(a == NULL && n == NULL);
	ck_assert_int_eq(flags, SOCK_NONBLOCK | SOCK_CLOEXEC);
	errno = accept_error;
	return errno != 0 ? -1 : pair[1];
}

int
__wrap_epoll_create1(int flags)
{
	return --steps == 0 ? -1 : __real_epoll_create1(flags);
}

int
__wrap_epoll_ctl(int e, int op, int fd, struct epoll_event *ev)
{
	ck_assert_int_ne(e, -1);
	(void)op;
	if (--steps == 0)
		return -1;
	if (fd == sv->listen_fd)
		events = ev->events;
	return 0;
}

bool
__wrap_peer_read(int fd, struct peer *p)
{
	ck_assert_int_eq(fd, pair[1]);
	*p = (struct peer){ .uid = 7, .pidfd = -1 };
	errno = peer_error;
	return false;
}

static void
setup(void)
{
	sv = calloc(1, sizeof(*sv));
	ck_assert_ptr_nonnull(sv);
	sv->listen_fd = 1001;
	sv->agent_fd = 1002;
	accept_error = peer_error = steps = 0;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
}

static void
teardown(void)
{
	(void)close(pair[0]);
	free(sv);
}

/* Two epolls; the ends, two sockets, signals, the keeper, the workers, and
   the sentry. */
#define WATCHED (2 + 5 + (int)WITNESS_WORKERS + 1)

START_TEST(nothing_is_left_out_of_what_is_waited_for)
{
	struct sentry_page page;

	sv->sentry.page = &page;
	for (int n = 1; n <= WATCHED; n++) {
		steps = n;
		ck_assert_msg(!loop_init(sv), "without step %d", n);
		if (sv->epoll != -1)
			(void)close(sv->epoll);
		if (sv->ends != -1)
			(void)close(sv->ends);
	}
	steps = WATCHED + 1;
	ck_assert(loop_init(sv));
	ck_assert_int_eq(steps, 1);
	/* Where there is no agent's socket, and no sentry, it takes less. */
	sv->sentry.page = NULL;
	sv->agent_fd = -1;
	steps = WATCHED - 1;
	ck_assert(loop_init(sv));
}
END_TEST

static const struct {
	int error;
	bool pauses;
} errors[] = {
	{ EMFILE, true }, { ENFILE, true }, { ENOBUFS, true },
	{ ENOMEM, true }, { EAGAIN, false }, { ECONNABORTED, false },
	{ EINTR, false },
};

/* The kernel keeps them until there is room; to ask again at once would be to
   ask without end. */
START_TEST(without_room_nobody_is_taken_until_the_next_turn)
{
	accept_error = errors[_i].error;
	events = EPOLLIN;
	accept_some(sv, false);
	ck_assert_int_eq(sv->accept_paused, errors[_i].pauses);
	ck_assert_uint_eq(events, errors[_i].pauses ? 0 : EPOLLIN);
	accept_pause(sv, false);
	ck_assert(!sv->accept_paused);
	ck_assert_uint_eq(events, EPOLLIN);
}
END_TEST

START_TEST(what_cant_be_taken_up_again_is_tried_again)
{
	for (int n = 1; n <= 2; n++) {
		accept_pause(sv, true);
		steps = n;
		accept_pause(sv, false);
		ck_assert_msg(sv->accept_paused, "step %d", n);
		accept_pause(sv, false);
		ck_assert(!sv->accept_paused);
	}
	sv->listen_fd = -1; /* it takes nobody any more */
	accept_pause(sv, true);
	ck_assert(!sv->accept_paused);
}
END_TEST

/* In the words of his protocol. */
START_TEST(who_is_not_known_is_told_why_he_is_not_taken)
{
	const int known[] = { EMFILE, ENFILE, 0 };
	uint8_t told[256], want[256];
	bool agent = _i % 2 == 1;
	bool full = known[_i / 2] != 0;
	size_t n;

	peer_error = known[_i / 2];
	accept_some(sv, agent);
	n = agent ? agent_refusal(want, OP_SSH_OTHER) :
		    frame_refusal(want, full ? COFRE_LIMIT : COFRE_DENIED);
	ck_assert_int_eq(recv(pair[0], told, sizeof(told), 0), (ssize_t)n);
	ck_assert_mem_eq(told, want, n);
	ck_assert_int_eq(recv(pair[0], told, sizeof(told), 0), 0);
	ck_assert_uint_eq(sv->refused, 1);
	ck_assert_uint_eq(sv->refused_uid, 7);
	ck_assert_int_eq(sv->refused_status,
	    full ? COFRE_LIMIT : COFRE_DENIED);
	ck_assert_int_eq(sv->accept_paused, full);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("loop");
	TCase *t = tcase_create("loop");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, nothing_is_left_out_of_what_is_waited_for);
	tcase_add_loop_test(t,
	    without_room_nobody_is_taken_until_the_next_turn, 0,
	    (int)COUNT(errors));
	tcase_add_test(t, what_cant_be_taken_up_again_is_tried_again);
	tcase_add_loop_test(t, who_is_not_known_is_told_why_he_is_not_taken,
	    0, 6);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
