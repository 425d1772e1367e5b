/* The reading of a connection, without its requests. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "quota.h"
#include "sample.h"

#define LENGTH 100000u /* of a frame that takes more than one reading */
#define UID 2001u

static struct server *sv;
static uint8_t frame[LENGTH];
static int peer_fd; /* of the last one that was made */

static void
setup(void)
{
	sv = calloc(1, sizeof(*sv));
	ck_assert_ptr_nonnull(sv);
	config_defaults(&sv->config);
	ck_assert(pool_init(&sv->pool, 512 * 1024));
	ck_assert(secmem_init(&sv->io, READ_MAX, false, true));
	sv->in = sv->io.base;
	sv->epoll = epoll_create1(EPOLL_CLOEXEC);
	ck_assert_int_ne(sv->epoll, -1);
	memset(&sv->witness, 0xff, sizeof(sv->witness));
	sv->turns = 1;
	sv->clock = 5000000;
	frame[1] = (LENGTH - 4) >> 16;
	frame[2] = (LENGTH - 4) >> 8 & 0xff;
	frame[3] = (LENGTH - 4) & 0xff;
}

static void
teardown(void)
{
	conn_close_all(sv);
	conn_bury(sv);
	(void)close(sv->epoll);
	pool_free(&sv->pool);
	secmem_free(&sv->io);
	free(sv->uses);
	free(sv);
}

/* One that has said hello; its peer is at peer_fd. */
static struct conn *
connect_one(void)
{
	struct peer peer = { .uid = UID, .gid = UID, .pidfd = -1 };
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    pair), 0);
	ck_assert(quota_admit(sv, UID));
	ck_assert(conn_new(sv, pair[0], &peer, false));
	peer_fd = pair[1];
	sv->conns->greeted = true;
	quota_deadline(sv->conns, false);
	return sv->conns;
}

/* The first reading of the frame. */
static void
begin(struct conn *c)
{
	ck_assert_int_eq(send(peer_fd, frame, LENGTH - 1, 0), LENGTH - 1);
	conn_event(c, EPOLLIN);
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
			conn_event(c, EPOLLIN);
		else
			conn_serve_ready(sv);
		ck_assert(c->queued && sv->starved);
		ck_assert_uint_eq(c->in.size, READ_MAX);
		ck_assert_uint_eq(c->deadline, due);
	}
	chain_truncate(&sv->pool, &others, 0);
	conn_serve_ready(sv);
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
	conn_event(c, EPOLLIN);
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
	/* One that does not take its replies is not served, */
	hold(a, &a->out, 1);
	ck_assert(!quota_within_share(a));
	ck_assert(quota_within_share(b));
	chain_truncate(&sv->pool, &a->out, 0);
	quota_charge(a);
	/* nor one that waits for something else. */
	a->paused = true;
	ck_assert(quota_within_share(b));
	a->paused = false;
	a->look.state = LOOK_OPEN;
	ck_assert(quota_within_share(b));
	a->look.state = LOOK_NONE;
	a->tell.waits = true;
	ck_assert(quota_within_share(b));
	a->tell.waits = false;
	ck_assert(!quota_within_share(b));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conn");
	TCase *t = tcase_create("conn");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t,
	    a_frame_that_has_begun_has_a_deadline_without_buffers_too);
	tcase_add_test(t, a_long_frame_comes_in_with_the_least_buffers);
	tcase_add_test(t, one_that_has_something_kept_may_always_go_on);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
