/* The reading of a connection, without its requests. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn_parts.h"
#include "sample.h"

/* As the loop does when there is something to read. */
static void
hear(struct conn *c)
{
	conn_event(c, EPOLLIN);
	conn_serve_heard(sv);
}

static void
serve_ready(void)
{
	conn_serve_ready(sv);
	conn_serve_heard(sv);
}

/* The first reading of the frame. */
static void
begin(struct conn *c)
{
	ck_assert_int_eq(send(peer_fd, frame, LENGTH - 1, 0), LENGTH - 1);
	hear(c);
	ck_assert_uint_eq(c->in.size, READ_MAX);
}

/* Somebody else has all buffers but so many. */
static void
leave(struct chain *others, size_t chunks)
{
	static const uint8_t bytes[CHUNK_DATA];

	while (sv->pool.left > chunks)
		chain_append(&sv->pool, others,
		    (struct view){ bytes, sizeof(bytes) });
}

START_TEST(a_frame_that_has_begun_has_a_deadline_without_buffers_too)
{
	struct conn *c = connect_one();
	struct chain others = { .size = 0 };
	uint64_t due;

	begin(c);
	due = c->deadline;
	ck_assert_uint_ne(due, 0);
	leave(&others, 10);
	for (int i = 0; i < 3; i++) {
		sv->turns++;
		sv->clock += 1000;
		if (i == 0)
			hear(c);
		else
			serve_ready();
		ck_assert(c->queued && sv->starved);
		ck_assert_uint_eq(c->in.size, READ_MAX);
		ck_assert_uint_eq(c->deadline, due);
	}
	chain_truncate(&sv->pool, &others, 0);
	serve_ready();
	ck_assert_uint_eq(c->in.size, LENGTH - 1);
	ck_assert(!c->queued);
	ck_assert_uint_eq(c->deadline, due);
	(void)close(peer_fd);
}
END_TEST

/* Alone, with the least buffer_memory that there can be. */
START_TEST(a_long_frame_comes_in_with_the_least_buffers)
{
	struct conn *c = connect_one();

	begin(c);
	sv->turns++;
	hear(c);
	ck_assert_uint_eq(c->in.size, LENGTH - 1);
	ck_assert(!sv->starved);
	(void)close(peer_fd);
}
END_TEST

static void
hold(struct conn *c, struct chain *chain, size_t chunks)
{
	static const uint8_t bytes[CHUNK_DATA];

	while (chunks-- > 0)
		chain_append(&sv->pool, chain,
		    (struct view){ bytes, sizeof(bytes) });
	quota_charge(c);
}

/* There is none for a word either: it is closed all the same. */
START_TEST(who_is_too_slow_is_closed_without_buffers_too)
{
	struct conn *c = connect_one();
	struct chain others = { .size = 0 };

	sv->audit = logdir_open(LOGDIR_LARGE);
	sv->config.log_segment = LOGDIR_LARGE;
	ck_assert_int_eq(send(peer_fd, frame, 6, 0), 6);
	hear(c);
	ck_assert_uint_eq(c->in.size, 6);
	ck_assert_uint_ne(c->deadline, 0);
	leave(&others, 0);
	sv->clock = c->deadline;
	conn_expire(sv);
	ck_assert(c->dead);
	chain_consume(&sv->pool, &others, others.size);
	audit_close(sv->audit);
}
END_TEST

/* Each could wait for the buffers that the others have. */
START_TEST(one_that_has_something_kept_may_always_go_on)
{
	struct conn *a = connect_one(), *none = connect_one();
	struct conn *b = connect_one();

	hold(a, &a->in, 10);
	hold(b, &b->in, 10);
	ck_assert(quota_within_share(a));
	ck_assert(!quota_within_share(b));
	ck_assert(!quota_within_share(none));
	/* While a reply is not taken nobody goes on: it has a deadline, and
	   otherwise one after the other would leave one lying. */
	hold(a, &a->out, 1);
	ck_assert(!quota_within_share(a));
	ck_assert(!quota_within_share(b));
	sv->turns++;
	ck_assert(!quota_within_share(b));
	chain_truncate(&sv->pool, &a->out, 0);
	quota_charge(a);
	/* One that waits for something else is not served, from the next turn
	   on: there is one in each. */
	sv->turns++;
	ck_assert(quota_within_share(a));
	a->paused = true;
	ck_assert(!quota_within_share(b));
	sv->turns++;
	ck_assert(quota_within_share(b));
	a->paused = false;
	a->look.state = LOOK_OPEN;
	sv->turns++;
	ck_assert(quota_within_share(b));
	a->look.state = LOOK_NONE;
	a->tell.waits = true;
	sv->turns++;
	ck_assert(quota_within_share(b));
	a->tell.waits = false;
	ck_assert(quota_within_share(b));
	sv->turns++;
	ck_assert(!quota_within_share(b));
}
END_TEST

/* Each of them sends the beginning of a frame, its number in it. */
static void
send_some(int fd, size_t i)
{
	const uint8_t some[] = { 0, 0, 0, 99, (uint8_t)i, (uint8_t)~i };

	ck_assert_int_eq(send(fd, some, sizeof(some), 0), sizeof(some));
}

/* And that is what the connection has kept. */
static bool
has_some(const struct conn *c, size_t i)
{
	uint8_t some[6];

	if (c->in.size != sizeof(some))
		return false;
	chain_copy(&c->in, some, sizeof(some));
	return some[3] == 99 && some[4] == (uint8_t)i &&
	    some[5] == (uint8_t)~i;
}

#define MANY 60u /* more than the chunks that a request may need */

/* Connect, send, and receive all of it, which is not served yet. */
static void
hear_many(struct conn *c[MANY], int fd[MANY])
{
	for (size_t i = 0; i < MANY; i++) {
		c[i] = connect_one();
		fd[i] = peer_fd;
		send_some(fd[i], i);
	}
	for (size_t i = 0; i < MANY; i++)
		conn_event(c[i], EPOLLIN);
}

START_TEST(what_is_heard_together_stays_apart)
{
	static const uint8_t zeros[MANY * 6];
	struct conn *c[MANY];
	int fd[MANY];

	hear_many(c, fd);
	ck_assert_uint_eq(sv->heard_count, MANY);
	ck_assert_uint_eq(c[0]->in.size, 0);
	conn_close(c[1]);
	conn_serve_heard(sv);
	ck_assert_ptr_null(sv->heard);
	ck_assert_uint_eq(sv->heard_count, 0);
	ck_assert_mem_eq(sv->in, zeros, sizeof(zeros));
	for (size_t i = 0; i < MANY; i++) {
		ck_assert_msg(i == 1 || has_some(c[i], i), "%zu", i);
		(void)close(fd[i]);
	}
}
END_TEST

/* What was received can be kept: nobody is sent away for want of buffers. */
START_TEST(no_more_is_heard_than_there_are_buffers_for)
{
	const size_t request = (FRAME_MAX + READ_MAX) / CHUNK_DATA + 1;
	struct chain others = { .size = 0 };
	struct conn *c[MANY];
	size_t kept = 0;
	int fd[MANY];

	leave(&others, request + (size_t)_i);
	hear_many(c, fd);
	conn_serve_heard(sv);
	for (size_t i = 0; i < MANY; i++) {
		ck_assert(!c[i]->closing && !c[i]->dead);
		ck_assert(has_some(c[i], i) || c[i]->queued);
		kept += has_some(c[i], i);
		(void)close(fd[i]);
	}
	ck_assert_uint_gt(kept, 0);
	chain_truncate(&sv->pool, &others, 0);
}
END_TEST

START_TEST(many_bytes_are_heard_in_parts)
{
	struct conn *a = connect_one(), *b, *last;
	int a_fd = peer_fd, b_fd;

	ck_assert_int_eq(send(a_fd, frame, HEARD_MAX, 0), HEARD_MAX);
	b = connect_one();
	b_fd = peer_fd;
	send_some(b_fd, 1);
	last = connect_one();
	send_some(peer_fd, 2);
	conn_event(b, EPOLLIN);
	conn_event(a, EPOLLIN);
	ck_assert_uint_eq(sv->heard_count, 2);
	ck_assert_uint_eq(sv->heard_bytes, 6 + HEARD_MAX);
	conn_event(last, EPOLLIN);
	ck_assert_uint_eq(sv->heard_count, 1);
	ck_assert(has_some(b, 1));
	ck_assert_uint_eq(a->in.size, HEARD_MAX);
	conn_serve_heard(sv);
	ck_assert(has_some(last, 2));
	(void)close(a_fd);
	(void)close(b_fd);
	(void)close(peer_fd);
}
END_TEST

/*
 * A process that has ended may have given its number to another one.  A pipe
 * stands for the pidfd: both are readable once it is over.
 */
START_TEST(who_has_ended_sends_nothing)
{
	struct conn *lives, *gone;
	int ends[2], other[2], fd;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(other, O_CLOEXEC), 0);
	lives = connect_as(other[0]);
	fd = peer_fd;
	gone = connect_as(ends[0]);
	send_some(fd, 1);
	send_some(peer_fd, 2);
	conn_event(lives, EPOLLIN);
	conn_event(gone, EPOLLIN);
	/* It may end before or after its bytes were received. */
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	conn_serve_heard(sv);
	/* Told again, it is over once. */
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	conn_note_ends(sv);
	ck_assert_ptr_null(sv->over->over_next);
	ck_assert(!lives->foreign && has_some(lives, 1));
	ck_assert(gone->foreign && !gone->dead);
	conn_close_over(sv);
	ck_assert(!lives->dead && gone->dead);
	conn_bury(sv);
	conn_note_ends(sv);
	ck_assert_ptr_null(sv->over);
	(void)close(fd);
	(void)close(peer_fd);
	(void)close(ends[1]);
	(void)close(other[1]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conn");
	TCase *t = tcase_create("conn");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, logdir_setup, logdir_teardown);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t,
	    a_frame_that_has_begun_has_a_deadline_without_buffers_too);
	tcase_add_test(t, a_long_frame_comes_in_with_the_least_buffers);
	tcase_add_test(t, who_is_too_slow_is_closed_without_buffers_too);
	tcase_add_test(t, one_that_has_something_kept_may_always_go_on);
	tcase_add_test(t, what_is_heard_together_stays_apart);
	tcase_add_loop_test(t, no_more_is_heard_than_there_are_buffers_for, 0,
	    MANY + 4);
	tcase_add_test(t, many_bytes_are_heard_in_parts);
	tcase_add_test(t, who_has_ended_sends_nothing);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
