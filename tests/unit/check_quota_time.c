/* quota: the time of a turn that a uid may have, and who rests after it. */
#include <check.h>
#include <stdlib.h>

#include "quota.h"

#define CONNS 4u

static struct server *sv;
static struct conn conns[CONNS];

static void
setup(void)
{
	sv = calloc(1, sizeof(*sv));
	ck_assert_ptr_nonnull(sv);
	sv->config.max_connections = sv->config.max_per_uid = 100;
	sv->turns = 1;
}

static void
teardown(void)
{
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

static uint64_t now;

static uint64_t
stopwatch(void)
{
	return now;
}

/* One request that takes so many microseconds. */
static void
serve_for(struct conn *c, uint64_t us)
{
	quota_served(c);
	quota_look(sv);
	now += us * 1000;
	quota_took(c);
}

static void
next_turn(void)
{
	sv->turns++;
	sv->turn.count = 0;
	sv->rested = sv->moved = sv->starved = false;
	quota_look(sv);
}

/* However few requests it was that took the time. */
START_TEST(a_uid_has_so_much_time_of_a_turn)
{
	struct conn *c = conn_of(0, 2001), *second = conn_of(1, 2001);
	struct conn *other = conn_of(2, 2002);

	now = 1000000000;
	sv->stopwatch = stopwatch;
	serve_for(other, 1);
	next_turn();
	for (int turn = 0; turn < 3; turn++, next_turn()) {
		serve_for(c, 30);
		ck_assert(quota_may_serve(c));
		ck_assert(quota_may_serve(second));
		serve_for(second, 30);
		ck_assert(!quota_may_serve(c));
		ck_assert(!quota_may_serve(second));
		serve_for(other, 30);
		ck_assert(quota_may_serve(other));
	}
	/* While it writes it has more. */
	sv->vault.turn_bytes = 1;
	serve_for(c, 300);
	ck_assert(quota_may_serve(c));
	serve_for(c, 300);
	ck_assert(!quota_may_serve(c));
}
END_TEST

START_TEST(beside_others_who_ask_for_nothing_it_is_more)
{
	struct conn *c = conn_of(0, 2001), *other = conn_of(1, 2002);

	now = 1000000000;
	sv->stopwatch = stopwatch;
	next_turn();
	serve_for(c, 300);
	ck_assert(quota_may_serve(c));
	serve_for(c, 300);
	ck_assert(!quota_may_serve(c));
	next_turn();
	serve_for(other, 10);
	serve_for(c, 60);
	ck_assert(!quota_may_serve(c));
	now += 50000000; /* that is so long ago */
	next_turn();
	serve_for(c, 60);
	ck_assert(quota_may_serve(c));
}
END_TEST

START_TEST(who_is_alone_has_more_time_but_no_end_of_it)
{
	struct conn *c = conn_of(0, 2001), *second = conn_of(1, 2001);

	sv->stopwatch = stopwatch;
	serve_for(c, 1500);
	ck_assert(quota_may_serve(c));
	ck_assert(quota_may_serve(second));
	serve_for(c, 1500);
	ck_assert(!quota_may_serve(c));
	ck_assert(!quota_may_serve(second));
}
END_TEST

/* The answer stays as it is to the end of the turn. */
START_TEST(who_took_all_his_time_comes_last_in_the_next_turn)
{
	struct conn *c = conn_of(0, 2001), *other = conn_of(1, 2002);

	now = 1000000000;
	sv->stopwatch = stopwatch;
	serve_for(other, 1);
	next_turn();
	serve_for(c, 75);
	serve_for(other, 25);
	ck_assert(!quota_is_greedy(c));
	for (int turn = 0; turn < 3; turn++) {
		next_turn();
		ck_assert(quota_is_greedy(c));
		ck_assert(!quota_is_greedy(other));
		serve_for(c, 75);
		ck_assert(quota_is_greedy(c));
		ck_assert(!quota_is_greedy(other));
	}
	next_turn();
	ck_assert(quota_is_greedy(c));
	serve_for(c, 25);
	ck_assert(quota_is_greedy(c));
	next_turn();
	ck_assert(!quota_is_greedy(c));
}
END_TEST

START_TEST(who_took_much_more_than_his_time_rests)
{
	struct conn *c = conn_of(0, 2001), *other = conn_of(1, 2002);

	now = 1000000000;
	sv->stopwatch = stopwatch;
	next_turn();
	serve_for(other, 10);
	serve_for(c, 900);
	next_turn();
	ck_assert(!quota_may_serve(c));
	ck_assert(quota_may_serve(other));
	now += 900000;
	next_turn();
	ck_assert(quota_may_serve(c));
	serve_for(c, 75);
	next_turn();
	ck_assert(quota_may_serve(c));
}
END_TEST

START_TEST(a_request_sees_when_its_time_is_over)
{
	struct conn *c = conn_of(0, 2001), *other;

	quota_look(sv);
	ck_assert(!quota_is_over(c)); /* without a stopwatch never */
	now = 1000000000;
	sv->stopwatch = stopwatch;
	quota_look(sv);
	now += 1500000;
	ck_assert(!quota_is_over(c));
	other = conn_of(1, 2002);
	ck_assert(quota_is_over(c));
	quota_look(sv);
	ck_assert(!quota_is_over(c));
	now += 100000;
	ck_assert(!quota_is_over(c));
	serve_for(other, 10);
	now += 100000;
	ck_assert(quota_is_over(c));
	ck_assert(!quota_is_over(other));
}
END_TEST

/* A turn with a write of the connection's, the end of which takes so long. */
static void
write_for(struct conn *c, enum cofre_status st, uint64_t us)
{
	next_turn();
	serve_for(c, 10);
	sv->turn.entries[0] = (struct turn_entry){ .conn = c, .wrote = true,
		.record = { .uid = c->peer.uid, .status = (uint16_t)st } };
	sv->turn.count = 1;
	now += us * 1000;
	quota_look(sv);
	quota_wrote(sv, us * 1000);
	next_turn();
}

START_TEST(who_writes_rests_as_long_as_that_took)
{
	struct conn *c = conn_of(0, 2001), *other = conn_of(1, 2002);

	now = 1000000000;
	sv->stopwatch = stopwatch;
	next_turn();
	/* Nobody else is there, or wrote in vain. */
	write_for(c, COFRE_OK, 700);
	ck_assert(quota_may_serve(c));
	serve_for(other, 10);
	write_for(c, COFRE_DENIED, 700);
	ck_assert(quota_may_serve(c));
	write_for(c, COFRE_OK, 700);
	ck_assert(!quota_may_serve(c));
	ck_assert(quota_may_serve(other));
	sv->ready = c;
	ck_assert_int_eq(quota_timeout(sv), 1);
	sv->moved = true;
	ck_assert_int_eq(quota_timeout(sv), 0);
	now += 699999;
	next_turn();
	ck_assert(!quota_may_serve(c));
	now += 1;
	next_turn();
	ck_assert(quota_may_serve(c));
	ck_assert_int_eq(quota_timeout(sv), 0);
	sv->ready = NULL;
	/* What both have written was one commit. */
	serve_for(other, 10);
	sv->turn.entries[1] = (struct turn_entry){ .conn = other,
		.wrote = true, .record = { .uid = 2002 } };
	sv->turn.entries[0] = (struct turn_entry){ .conn = c, .wrote = true,
		.record = { .uid = 2001 } };
	sv->turn.count = 2;
	quota_wrote(sv, 700000);
	ck_assert(quota_may_serve(c));
	ck_assert(quota_may_serve(other));
	/* The other one has not been there for long. */
	now += 100000000;
	write_for(c, COFRE_OK, 700);
	ck_assert(quota_may_serve(c));
}
END_TEST

/* It reads, that is. */
static void
read_for(struct conn *c, uint64_t us)
{
	c->writes = false;
	serve_for(c, us);
}

/* A write that keeps the disk for so many microseconds, and a pause. */
static void
write_once(struct conn *c, unsigned us)
{
	c->writes = true;
	write_for(c, COFRE_OK, us);
	now += 10000000;
	sv->clock += 1000;
}

static void
write_many(struct conn *c, unsigned count)
{
	while (count-- > 0)
		write_once(c, 5000);
	next_turn();
}

START_TEST(who_has_kept_the_disk_long_waits_before_he_writes_again)
{
	struct conn *c = conn_of(0, 2001), *other = conn_of(1, 2002);

	now = 1000000000;
	sv->clock = 1000000;
	sv->stopwatch = stopwatch;
	next_turn();
	write_many(c, 10);
	read_for(other, 10);
	ck_assert(quota_may_write(c)); /* 10 s less 10 ms are owed */
	write_many(c, 1);
	read_for(other, 10);
	ck_assert(!quota_may_write(c));
	ck_assert(quota_may_serve(c)); /* what it reads waits for nothing */
	ck_assert(quota_may_write(other));
	sv->ready = c;
	ck_assert_int_eq(quota_timeout(sv), 1);
	/* 200 times as long, less what it has waited already. */
	sv->clock += 989000 - 1;
	next_turn();
	ck_assert(!quota_may_write(c));
	sv->clock += 1;
	ck_assert(!quota_may_write(c)); /* the answer of a turn stays */
	next_turn();
	ck_assert(quota_may_write(c));
	sv->ready = NULL;
}
END_TEST

/* However slow the disk is: for each write another one waits, a second at
   most. */
START_TEST(a_slow_disk_is_no_excuse)
{
	struct conn *c = conn_of(0, 2001), *other = conn_of(1, 2002);

	now = 1000000000;
	sv->clock = 1000000;
	sv->stopwatch = stopwatch;
	next_turn();
	write_many(c, 11);
	for (unsigned i = 0; i < 20; i++) {
		read_for(other, 10);
		ck_assert(!quota_may_write(c));
		sv->clock += 999000; /* and the pause behind the write */
		next_turn();
		ck_assert_msg(quota_may_write(c), "write %u", i);
		write_once(c, 30000);
		next_turn();
	}
}
END_TEST

START_TEST(the_disk_is_free_while_nobody_else_reads)
{
	struct conn *c = conn_of(0, 2001), *other = conn_of(1, 2002);

	now = 1000000000;
	sv->clock = 1000000;
	sv->stopwatch = stopwatch;
	next_turn();
	write_many(c, 50);
	ck_assert(quota_may_write(c));
	write_many(other, 1);
	ck_assert(quota_may_write(c));
	read_for(c, 10); /* it itself does not count, */
	ck_assert(quota_may_write(c));
	other->vain = true; /* nor what is refused */
	read_for(other, 10);
	ck_assert(quota_may_write(c));
	other->vain = false;
	read_for(other, 10);
	ck_assert(!quota_may_write(c));
	now += 50000000;
	next_turn();
	ck_assert(quota_may_write(c));
	/* However long that was, no more is owed than one second's wait. */
	read_for(other, 10);
	ck_assert(!quota_may_write(c));
	sv->clock += 1000000;
	next_turn();
	ck_assert(quota_may_write(c));
}
END_TEST

START_TEST(root_does_not_wait_for_the_disk)
{
	struct conn *c = conn_of(0, 0), *other = conn_of(1, 2002);

	now = 1000000000;
	sv->stopwatch = stopwatch;
	next_turn();
	write_many(c, 50);
	read_for(other, 10);
	ck_assert(quota_may_write(c));
}
END_TEST

START_TEST(who_shares_a_flush_owes_a_part_of_it)
{
	struct turn_entry *e = sv->turn.entries;

	sv->clock = 1000000;
	for (unsigned i = 0; i < 5; i++) /* 2001, 2002, and again */
		e[i] = (struct turn_entry){ .flushed = i < 3,
			.record = { .uid = 2001 + i % 2,
			    .status = COFRE_DENIED } };
	e[3].wrote = e[4].wrote = true; /* in vain */
	e[5] = (struct turn_entry){ .record = { .uid = 2003 } };
	sv->turn.count = 6;
	quota_flushed(sv, 3000000);
	ck_assert_uint_eq(budget_owed(&sv->disk, 2001, 0, sv->clock), 300000);
	ck_assert_uint_eq(budget_owed(&sv->disk, 2002, 0, sv->clock), 300000);
	ck_assert_uint_eq(budget_owed(&sv->disk, 2003, 0, sv->clock), 0);
	sv->turn.count = 0;
	quota_flushed(sv, 3000000); /* of the daemon's own records */
	ck_assert_uint_eq(budget_owed(&sv->disk, 2001, 0, sv->clock), 300000);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("quota_time");
	TCase *t = tcase_create("quota_time");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_uid_has_so_much_time_of_a_turn);
	tcase_add_test(t, beside_others_who_ask_for_nothing_it_is_more);
	tcase_add_test(t, who_is_alone_has_more_time_but_no_end_of_it);
	tcase_add_test(t, who_took_all_his_time_comes_last_in_the_next_turn);
	tcase_add_test(t, who_took_much_more_than_his_time_rests);
	tcase_add_test(t, a_request_sees_when_its_time_is_over);
	tcase_add_test(t, who_writes_rests_as_long_as_that_took);
	tcase_add_test(t,
	    who_has_kept_the_disk_long_waits_before_he_writes_again);
	tcase_add_test(t, a_slow_disk_is_no_excuse);
	tcase_add_test(t, the_disk_is_free_while_nobody_else_reads);
	tcase_add_test(t, root_does_not_wait_for_the_disk);
	tcase_add_test(t, who_shares_a_flush_owes_a_part_of_it);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
