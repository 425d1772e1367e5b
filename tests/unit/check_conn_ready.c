/* conn: who comes first in a turn, and whose time is whose. */
#include <check.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn_parts.h"
#include "frame.h"

/* In the order in which they wait, but for those of who filled the turn. */
START_TEST(who_filled_a_turn_comes_behind_who_waited_in_it)
{
	const char *wants[] = { "bdac", "abcd" };
	struct conn *c[4];
	char found[5] = "";

	for (int i = 0; i < 4; i++) {
		c[i] = connect_one();
		c[i]->peer.uid = i % 2 == 0 ? 2001 : 2002;
		ck_assert(quota_admit(sv, c[i]->peer.uid));
		(void)close(peer_fd);
	}
	sv->turns = 5;
	for (int turn = 0; turn < 2; turn++) {
		size_t n = 0;

		quota_served(c[0]);
		sv->turn.full = turn == 0;
		for (int i = 0; i < 4; i++)
			conn_queue(c[i]);
		sv->turn.full = false;
		sv->turns++;
		for (struct conn *r = conn_take_ready(sv); r != NULL;
		     r = r->ready_next) {
			ck_assert_uint_lt(n, 4);
			r->queued = false;
			for (int i = 0; i < 4; i++)
				if (r == c[i])
					found[n++] = (char)('a' + i);
		}
		ck_assert_str_eq(found, wants[turn]);
		ck_assert_ptr_null(sv->ready);
		sv->turns++;
	}
}
END_TEST

static uint64_t now = 1000000000;

static uint64_t
stopwatch(void)
{
	return now;
}

/* A request that there is not, which is served all the same. */
static void
ask(int fd)
{
	uint8_t buf[FRAME_HEADER];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	(void)frame_begin(&w, FRAME_REQUEST, 60000, 1);
	frame_end(&w, 0);
	ck_assert_int_eq(send(fd, buf, w.len, 0), (ssize_t)w.len);
}

/* How much of the turn its uid has had. */
static uint64_t
took(const struct conn *c)
{
	for (size_t i = 0; i < sv->use_count; i++)
		if (sv->uses[i].uid == c->peer.uid)
			return sv->uses[i].served == 0 ? UINT64_MAX :
							 sv->uses[i].took;
	return UINT64_MAX;
}

/* It is served when there is much to be served, in the middle of reading. */
START_TEST(what_others_send_is_not_the_time_of_who_was_heard_first)
{
	struct conn *c[3];
	int fds[3];

	sv->audit = logdir_open(LOGDIR_LARGE);
	sv->config.log_segment = LOGDIR_LARGE;
	sv->stopwatch = stopwatch;
	for (int i = 0; i < 3; i++) {
		c[i] = connect_one();
		fds[i] = peer_fd;
	}
	c[1]->peer.uid = c[2]->peer.uid = 2001;
	ck_assert(quota_admit(sv, 2001) && quota_admit(sv, 2001));
	quota_look(sv);
	ask(fds[0]);
	conn_event(c[0], EPOLLIN);
	now += 1000000; /* and then all that the others send */
	ck_assert_int_eq(send(fds[1], frame, HEARD_MAX, 0), HEARD_MAX);
	conn_event(c[1], EPOLLIN);
	ask(fds[2]);
	conn_event(c[2], EPOLLIN);
	ck_assert_uint_eq(took(c[0]), 0);
	for (int i = 0; i < 3; i++)
		(void)close(fds[i]);
	conn_close_all(sv);
	audit_close(sv->audit);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conn_ready");
	TCase *t = tcase_create("conn_ready");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, logdir_setup, logdir_teardown);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, who_filled_a_turn_comes_behind_who_waited_in_it);
	tcase_add_test(t,
	    what_others_send_is_not_the_time_of_who_was_heard_first);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
