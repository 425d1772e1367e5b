/* quota: how long a uid may keep the disk, and how much it may write to the
   log, while others read. */
#include <check.h>
#include <stdlib.h>

#include "logdir.h"
#include "quota_parts.h"
#include "turn.h"

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

/* However slow the disk is: for each write another one waits, four seconds at
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
		sv->clock += 3999000; /* and the pause behind the write */
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
	/* However long that was, no more is owed than a wait of four seconds. */
	read_for(other, 10);
	ck_assert(!quota_may_write(c));
	sv->clock += 3998000 - 1; /* and two pauses */
	next_turn();
	ck_assert(!quota_may_write(c));
	sv->clock += 1;
	next_turn();
	ck_assert(quota_may_write(c));
}
END_TEST

/* A mebibyte at once, and then four of them a second. */
START_TEST(who_fills_the_log_waits_for_others)
{
	struct conn *c = conn_of(0, 2001), *other = conn_of(1, 2002);
	const uint64_t cells = (1u << 20) / LOG_CELL;

	now = 1000000000;
	sv->stopwatch = stopwatch;
	next_turn();
	read_for(other, 10);
	quota_logged(sv, 2001, cells);
	ck_assert(quota_may_serve(c));
	quota_logged(sv, 2001, 4);
	ck_assert(!quota_may_serve(c));
	ck_assert(quota_may_serve(other));
	sv->ready = c;
	ck_assert_int_eq(quota_timeout(sv), 1);
	sv->ready = NULL;
	now += 4 * 1000000000ull / (4 * cells);
	next_turn();
	ck_assert(quota_may_serve(c));
	/* Who closes its connection and makes another one is who it was. */
	quota_logged(sv, 2001, 4);
	quota_leave(c);
	for (uint32_t uid = 0; uid < 40; uid++)
		quota_leave(conn_of(2, 3000 + uid));
	c = conn_of(3, 2001);
	ck_assert(!quota_may_serve(c));
	/* Nobody else was served what he may lately; and what was filled then
	   is not waited for. */
	now += 50000000;
	next_turn();
	quota_logged(sv, 2001, 1000 * cells);
	ck_assert(quota_may_serve(c));
	other->vain = true;
	read_for(other, 10);
	ck_assert(quota_may_serve(c));
	other->vain = false;
	read_for(other, 10);
	ck_assert(!quota_may_serve(c));
	now += 20000000;
	next_turn();
	ck_assert(quota_may_serve(c));
	/* Those who have gone, and owe nothing, are forgotten. */
	quota_leave(c);
	now += 250000000 * 2;
	next_turn();
	for (uint32_t uid = 0; uid < 40; uid++)
		quota_leave(conn_of(2, 3000 + uid));
	ck_assert_uint_le(sv->use_count, 16);
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

/* So the last one of many writes waits for more than one turn. */
START_TEST(what_does_not_fit_the_turn_waits_for_the_next_one_that_may_write)
{
	struct conn *c = conn_of(0, 2001), *second = conn_of(2, 2001);
	struct conn *other = conn_of(1, 2002);

	now = 1000000000;
	sv->clock = 1000000;
	sv->stopwatch = stopwatch;
	next_turn();
	write_many(c, 50); /* alone, and more than can be owed */
	read_for(other, 10);
	second->writes = true;
	ck_assert(!quota_may_go_on(second));
	sv->clock += 4000000;
	next_turn();
	ck_assert(quota_may_go_on(second));
	sv->vault.turn_bytes = 1;
	serve_for(c, 500);
	ck_assert(!quota_may_go_on(second));
	sv->vault.turn_bytes = 0;
	write_for(c, COFRE_OK, 30000);
	now += 30000000;
	next_turn();
	read_for(other, 10);
	ck_assert(!quota_may_go_on(second));
	sv->clock += 4000000 - 1;
	next_turn();
	ck_assert(!quota_may_go_on(second));
	sv->clock += 1;
	next_turn();
	ck_assert(quota_may_go_on(second));
}
END_TEST

/* Who has sent his next write meanwhile is asked before all others: they have
   read just before the disk was kept, for however long that was. */
START_TEST(a_disk_that_takes_long_hides_nobody)
{
	struct conn *c = conn_of(0, 2001), *other = conn_of(1, 2002);

	now = 1000000000;
	sv->clock = 1000000;
	sv->stopwatch = stopwatch;
	next_turn();
	read_for(other, 10);
	c->writes = true;
	write_for(c, COFRE_OK, 60000);
	ck_assert(!quota_may_write(c));
	/* Likewise behind a flush. */
	now += 45000000;
	next_turn();
	now += 60000000;
	quota_look(sv);
	quota_flushed(sv, 60000000);
	next_turn();
	ck_assert(!quota_may_write(c));
	/* They have read nothing since, and not because of the disk. */
	now += 5000000;
	next_turn();
	ck_assert(quota_may_write(c));
}
END_TEST

/* All stand still for a while when a segment is taken into use. */
static uint64_t
slow_segments(void)
{
	return now + sv->audit->count * 10000000;
}

START_TEST(who_comes_at_a_segments_end_does_not_rest_for_it)
{
	struct conn *c = conn_of(0, 2001), *other = conn_of(1, 2002);

	now = 1000000000;
	sv->audit = logdir_open(LOGDIR_SMALL);
	sv->stopwatch = slow_segments;
	for (unsigned i = 0; i < 20; i++) {
		next_turn();
		sv->turn.cells = 0;
		read_for(other, 10);
		quota_served(c);
		quota_look(sv);
		ck_assert(turn_reserve(sv));
		now += 10000;
		quota_took(c);
		ck_assert_msg(quota_may_serve(c), "turn %u", i);
		logdir_append_many(sv->audit, i * 10, 10);
	}
	ck_assert_uint_gt(sv->audit->count, 3);
	audit_close(sv->audit);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("quota_disk");
	TCase *t = tcase_create("quota_disk");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, logdir_setup, logdir_teardown);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t,
	    who_has_kept_the_disk_long_waits_before_he_writes_again);
	tcase_add_test(t, a_slow_disk_is_no_excuse);
	tcase_add_test(t,
	    what_does_not_fit_the_turn_waits_for_the_next_one_that_may_write);
	tcase_add_test(t, a_disk_that_takes_long_hides_nobody);
	tcase_add_test(t, the_disk_is_free_while_nobody_else_reads);
	tcase_add_test(t, who_fills_the_log_waits_for_others);
	tcase_add_test(t, who_comes_at_a_segments_end_does_not_rest_for_it);
	tcase_add_test(t, root_does_not_wait_for_the_disk);
	tcase_add_test(t, who_shares_a_flush_owes_a_part_of_it);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
