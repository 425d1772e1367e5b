#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "quota.h"
#include "sample.h"

#define POOL_CHUNKS 512u /* as many as the default of buffer_memory has */
/* What a request needs to come in, and its reply to go out. */
#define ROUND_TRIP (2 * FRAME_MAX / CHUNK_DATA + 2)
#define CONNS 64u

static struct server *sv;
static struct conn conns[CONNS];
static uint8_t bytes[CHUNK_DATA];

static void
setup(void)
{
	sv = calloc(1, sizeof(*sv));
	ck_assert_ptr_nonnull(sv);
	ck_assert(pool_init(&sv->pool, POOL_CHUNKS * 4096));
	sv->config.max_connections = 1000;
	sv->config.max_per_uid = 100;
	sv->config.request_timeout = 10000;
	sv->turns = 1;
	sv->clock = 5000000;
}

static void
teardown(void)
{
	for (size_t i = 0; i < CONNS; i++) {
		chain_truncate(&sv->pool, &conns[i].in, 0);
		chain_truncate(&sv->pool, &conns[i].out, 0);
	}
	pool_free(&sv->pool);
	free(sv->uses);
	free(sv);
}

/* Connection i, admitted for the uid. */
static struct conn *
conn_of(size_t i, uint32_t uid)
{
	conns[i] = (struct conn){ .sv = sv, .peer = { .uid = uid } };
	ck_assert(quota_admit(sv, uid));
	return &conns[i];
}

static void
hold(struct conn *c, struct chain *chain, size_t chunks)
{
	for (size_t i = 0; i < chunks; i++)
		chain_append(&sv->pool, chain,
		    (struct view){ bytes, sizeof(bytes) });
	quota_charge(c);
}

static void
let_go(struct conn *c, struct chain *chain, size_t chunks)
{
	chain_consume(&sv->pool, chain, chunks * CHUNK_DATA);
	quota_charge(c);
}

/* --- connections --- */

START_TEST(a_uid_has_so_many_connections_and_others_have_theirs)
{
	sv->config.max_per_uid = 3;
	for (int i = 0; i < 3; i++)
		ck_assert(quota_admit(sv, 2001));
	ck_assert(!quota_admit(sv, 2001));
	ck_assert(!quota_admit(sv, 2001));
	ck_assert(quota_admit(sv, 0));
	ck_assert(quota_admit(sv, 2002));
	/* One goes, one can come: the refused ones were not counted. */
	quota_forget(sv, 2001);
	ck_assert(quota_admit(sv, 2001));
	ck_assert(!quota_admit(sv, 2001));
}
END_TEST

START_TEST(the_daemon_has_so_many_connections_in_all)
{
	sv->config.max_connections = 5;
	sv->conn_count = 4;
	ck_assert(quota_admit(sv, 2001));
	sv->conn_count = 5;
	ck_assert(!quota_admit(sv, 2001));
	ck_assert(!quota_admit(sv, 2002));
	/* Root gets in all the same, but not without end. */
	ck_assert(quota_admit(sv, 0));
	sv->conn_count = 25;
	ck_assert(!quota_admit(sv, 0));
	sv->conn_count = 4;
	ck_assert(quota_admit(sv, 2002));
}
END_TEST

START_TEST(a_limit_that_was_lowered_counts_at_once)
{
	for (int i = 0; i < 10; i++)
		ck_assert(quota_admit(sv, 2001));
	sv->config.max_per_uid = 4;
	ck_assert(!quota_admit(sv, 2001));
	for (int i = 0; i < 7; i++)
		quota_forget(sv, 2001);
	ck_assert(quota_admit(sv, 2001));
	ck_assert(!quota_admit(sv, 2001));
}
END_TEST

START_TEST(whoever_was_never_here_is_no_matter)
{
	struct conn stranger = { .sv = sv, .peer = { .uid = 9 } };

	quota_forget(sv, 9);
	quota_leave(&stranger);
	quota_charge(&stranger);
	quota_served(&stranger);
	ck_assert(!quota_within_share(&stranger));
	ck_assert(!quota_may_serve(&stranger));
	ck_assert_uint_eq(sv->use_count, 0);
}
END_TEST

START_TEST(random_comings_and_goings_are_counted_as_a_model_does)
{
	uint64_t state = sample_seed("quota model");
	uint32_t count[200] = { 0 };

	sv->config.max_per_uid = 5;
	for (unsigned step = 0; step < 20000; step++) {
		uint32_t uid = sample_below(&state, COUNT(count));
		size_t known = 0;

		if (sample_below(&state, 2) == 0) {
			bool fits = count[uid] < 5;

			if (quota_admit(sv, uid) != fits)
				ck_abort_msg("step %u: uid %u with %u", step,
				    uid, count[uid]);
			count[uid] += fits;
		} else if (count[uid] > 0) {
			quota_forget(sv, uid);
			count[uid]--;
		}
		if (step % 100 != 0)
			continue;
		for (size_t i = 0; i < COUNT(count); i++)
			known += count[i] > 0;
		ck_assert_uint_eq(sv->use_count, known);
	}
}
END_TEST

/* --- buffers --- */

static size_t
chunks_of(uint32_t uid)
{
	for (size_t i = 0; i < sv->use_count; i++)
		if (sv->uses[i].uid == uid)
			return sv->uses[i].chunks;
	return 0;
}

START_TEST(a_uid_is_charged_for_the_chunks_of_its_connections)
{
	struct conn *a = conn_of(0, 2001), *b = conn_of(1, 2001);
	struct conn *other = conn_of(2, 2002);

	hold(a, &a->in, 3);
	hold(a, &a->out, 2);
	hold(b, &b->out, 4);
	hold(other, &other->in, 1);
	quota_charge(a);
	ck_assert_uint_eq(chunks_of(2001), 9);
	ck_assert_uint_eq(chunks_of(2002), 1);
	let_go(a, &a->in, 2);
	ck_assert_uint_eq(chunks_of(2001), 7);
	/* A connection that goes takes its charge along. */
	quota_leave(a);
	ck_assert_uint_eq(a->counted, 0);
	ck_assert_uint_eq(chunks_of(2001), 4);
	quota_leave(b);
	ck_assert_uint_eq(chunks_of(2001), 0);
	ck_assert_uint_eq(sv->use_count, 1);
	ck_assert_uint_eq(chunks_of(2002), 1);
}
END_TEST

/* Take buffers one by one until the share is used up; returns how many. */
static size_t
be_greedy(struct conn *c)
{
	size_t n = 0;

	for (; quota_within_share(c); n++) {
		ck_assert_uint_gt(sv->pool.left, 0);
		hold(c, &c->out, 1);
	}
	return n;
}

START_TEST(a_greedy_uid_leaves_as_much_as_it_holds)
{
	struct conn *a = conn_of(0, 2001), *again = conn_of(1, 2001);
	struct conn *other = conn_of(2, 2002);
	size_t n = be_greedy(a);

	ck_assert_uint_gt(n, POOL_CHUNKS / 4);
	ck_assert_uint_le(n, POOL_CHUNKS / 2);
	ck_assert_uint_ge(sv->pool.left, n);
	/* More connections do not help it. */
	ck_assert(!quota_within_share(again));
	/* Another uid is not concerned. */
	ck_assert(quota_within_share(other));
	let_go(a, &a->out, n / 2);
	ck_assert(quota_within_share(a));
	ck_assert(quota_within_share(again));
}
END_TEST

START_TEST(however_many_are_greedy_a_newcomer_finds_room)
{
	struct conn *newcomer = conn_of(CONNS - 1, 9999);
	size_t before = POOL_CHUNKS;

	for (uint32_t i = 0; i < 12; i++) {
		size_t n = be_greedy(conn_of(i, 3000 + i));

		ck_assert_uint_gt(n, 0);
		ck_assert_uint_le(n, before);
		before = n;
		ck_assert(quota_within_share(newcomer));
		ck_assert_msg(sv->pool.left >= ROUND_TRIP,
		    "%zu chunks are left by %u", sv->pool.left, i + 1);
	}
}
END_TEST

/* --- turns --- */

/* How many requests of the connection are served in this turn. */
static unsigned
serve_all(struct conn *c)
{
	unsigned n = 0;

	for (; quota_may_serve(c) && n < TURN_MAX; n++) {
		quota_served(c);
		sv->turn.count++; /* as its entry does */
	}
	return n;
}

START_TEST(neither_a_connection_nor_a_uid_fills_a_turn)
{
	struct conn *other = conn_of(CONNS - 1, 2002);
	unsigned in_all = 0, most = 0;

	for (int turn = 0; turn < 2; turn++) {
		in_all = 0;
		for (size_t i = 0; i < 20; i++) {
			struct conn *c = turn == 0 ? conn_of(i, 2001) :
			    &conns[i];
			unsigned n = serve_all(c);

			most = n > most ? n : most;
			in_all += n;
		}
		ck_assert_uint_gt(most, 0);
		ck_assert_uint_lt(most, TURN_MAX / 4);
		ck_assert_uint_gt(in_all, most);
		ck_assert_uint_le(in_all, TURN_MAX / 2);
		ck_assert(quota_may_serve(other));
		ck_assert_uint_eq(serve_all(other), most);
		sv->turns++;
		sv->turn.count = 0;
	}
}
END_TEST

/* What took long was all that its uid gets. */
START_TEST(one_that_is_spent_waits_for_the_next_turn)
{
	struct conn *c = conn_of(0, 2001), *second = conn_of(1, 2001);
	struct conn *other = conn_of(2, 2002);

	quota_served(c);
	quota_spent(c);
	ck_assert(!quota_may_serve(c));
	ck_assert(!quota_may_serve(second));
	ck_assert(quota_may_serve(other));
	sv->turns++;
	ck_assert(quota_may_serve(c));
	ck_assert(quota_may_serve(second));
}
END_TEST

START_TEST(greedy_uids_leave_room_for_one_more)
{
	struct conn *other = conn_of(CONNS - 1, 2009);

	for (size_t i = 0; i < CONNS - 1; i++)
		(void)serve_all(conn_of(i, 2001 + (uint32_t)i % 3));
	ck_assert_uint_lt(sv->turn.count, TURN_MAX);
	ck_assert(quota_may_serve(other));
	sv->turn.count = 0;
}
END_TEST

/* --- deadlines --- */

/* The list of those with a deadline is these, and right in both ways. */
static void
assert_timed(const char *want)
{
	char found[CONNS + 1] = "";
	const struct conn *last = NULL;
	size_t n = 0;

	for (const struct conn *c = sv->timed; c != NULL; c = c->timed_next) {
		ck_assert_ptr_eq(c->timed_prev, last);
		ck_assert_uint_ne(c->deadline, 0);
		ck_assert(last == NULL || last->deadline <= c->deadline);
		found[n++] = (char)('a' + (c - conns));
		last = c;
	}
	found[n] = '\0';
	ck_assert_ptr_eq(sv->timed_last, last);
	ck_assert_str_eq(found, want);
}

START_TEST(deadlines_stand_in_the_order_in_which_they_are_due)
{
	for (size_t i = 0; i < 5; i++)
		(void)conn_of(i, 2001);
	assert_timed("");
	quota_deadline(&conns[2], true);
	ck_assert_uint_eq(conns[2].deadline, 15000000);
	sv->clock += 10;
	quota_deadline(&conns[0], true);
	sv->clock += 10;
	quota_deadline(&conns[4], true);
	assert_timed("cae");
	/* One that runs is not set back. */
	quota_deadline(&conns[2], true);
	ck_assert_uint_eq(conns[2].deadline, 15000000);
	assert_timed("cae");
	/* Out of the middle, the end, and the beginning. */
	quota_deadline(&conns[1], false);
	quota_deadline(&conns[0], false);
	ck_assert_uint_eq(conns[0].deadline, 0);
	assert_timed("ce");
	quota_deadline(&conns[0], true);
	assert_timed("cea");
	quota_deadline(&conns[0], false);
	assert_timed("ce");
	quota_deadline(&conns[2], false);
	assert_timed("e");
	quota_deadline(&conns[4], false);
	quota_deadline(&conns[4], false);
	assert_timed("");
}
END_TEST

START_TEST(deadlines_are_in_order_when_the_timeout_was_changed)
{
	for (size_t i = 0; i < 4; i++)
		(void)conn_of(i, 2001);
	quota_deadline(&conns[0], true);
	sv->config.request_timeout = 100;
	quota_deadline(&conns[1], true);
	ck_assert_uint_eq(conns[1].deadline, 5100000);
	assert_timed("ba");
	quota_deadline(&conns[2], true);
	sv->config.request_timeout = 20000;
	quota_deadline(&conns[3], true);
	assert_timed("bcad");
	quota_deadline(&conns[0], false);
	assert_timed("bcd");
}
END_TEST

START_TEST(random_deadlines_stay_a_list)
{
	uint64_t state = sample_seed("deadline model");
	char order[CONNS + 1] = "";

	for (size_t i = 0; i < 20; i++)
		(void)conn_of(i, 2001);
	for (unsigned step = 0; step < 2000; step++) {
		size_t i = sample_below(&state, 20);
		bool on = sample_below(&state, 2) == 0;
		char *at = strchr(order, 'a' + (int)i);

		sv->clock += sample_below(&state, 2);
		quota_deadline(&conns[i], on);
		if (on && at == NULL) {
			size_t n = strlen(order);

			order[n] = (char)('a' + i);
			order[n + 1] = '\0';
		} else if (!on && at != NULL)
			memmove(at, at + 1, strlen(at));
		if (step % 10 == 0)
			assert_timed(order);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("quota");
	TCase *t = tcase_create("quota");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t,
	    a_uid_has_so_many_connections_and_others_have_theirs);
	tcase_add_test(t, the_daemon_has_so_many_connections_in_all);
	tcase_add_test(t, a_limit_that_was_lowered_counts_at_once);
	tcase_add_test(t, whoever_was_never_here_is_no_matter);
	tcase_add_test(t,
	    random_comings_and_goings_are_counted_as_a_model_does);
	tcase_add_test(t,
	    a_uid_is_charged_for_the_chunks_of_its_connections);
	tcase_add_test(t, a_greedy_uid_leaves_as_much_as_it_holds);
	tcase_add_test(t, however_many_are_greedy_a_newcomer_finds_room);
	tcase_add_test(t, neither_a_connection_nor_a_uid_fills_a_turn);
	tcase_add_test(t, one_that_is_spent_waits_for_the_next_turn);
	tcase_add_test(t, greedy_uids_leave_room_for_one_more);
	tcase_add_test(t,
	    deadlines_stand_in_the_order_in_which_they_are_due);
	tcase_add_test(t,
	    deadlines_are_in_order_when_the_timeout_was_changed);
	tcase_add_test(t, random_deadlines_stay_a_list);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
