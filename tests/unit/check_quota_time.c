/* quota: the time of a turn that a uid may have, and who rests after it. */
#include <check.h>
#include <stdlib.h>

#include "quota_parts.h"

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
		serve_for(c, 15);
		ck_assert(quota_may_serve(c));
		ck_assert(quota_may_serve(second));
		serve_for(second, 15);
		ck_assert(!quota_may_serve(c));
		ck_assert(!quota_may_serve(second));
		serve_for(other, 15);
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
	serve_for(c, 30);
	ck_assert(!quota_may_serve(c));
	now += 2000000; /* it does not ask all the time */
	next_turn();
	serve_for(c, 30);
	ck_assert(quota_may_serve(c));
	serve_for(c, 30);
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
	serve_for(other, 20);
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
	serve_for(c, 20);
	ck_assert(quota_is_greedy(c));
	next_turn();
	ck_assert(!quota_is_greedy(c));
}
END_TEST

/* Only who was served in it has filled it. */
START_TEST(who_was_served_in_a_full_turn_comes_last_in_the_next_one)
{
	struct conn *c = conn_of(0, 2001), *other = conn_of(1, 2002);

	next_turn();
	next_turn();
	quota_served(c);
	quota_filled(c);
	quota_filled(other);
	ck_assert(!quota_is_greedy(c));
	ck_assert(!quota_may_serve(c));
	next_turn();
	ck_assert_uint_eq(sv->full + 1, sv->turns);
	ck_assert(quota_is_greedy(c));
	ck_assert(!quota_is_greedy(other));
	ck_assert(quota_may_serve(c));
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
	/* Likewise when the other one does not ask all the time. */
	serve_for(other, 10);
	now += 2000000;
	next_turn();
	serve_for(c, 101);
	next_turn();
	ck_assert(!quota_may_serve(c));
	now += 101000;
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

/* That the machine stood still for once is not held against anybody. */
START_TEST(one_long_request_after_the_other_is_followed_by_a_long_rest)
{
	struct conn *c = conn_of(0, 2001), *other = conn_of(1, 2002);

	now = 1000000000;
	sv->stopwatch = stopwatch;
	next_turn();
	for (int i = 0; i < 3; i++) {
		uint64_t us = i == 0 ? 300 : i == 1 ? 4 * 300 : 4 * 500;

		read_for(other, 10);
		read_for(c, i == 2 ? 1900 : 300);
		now += us * 1000 - 1;
		next_turn();
		ck_assert(!quota_may_serve(c));
		ck_assert(quota_may_serve(other));
		now += 1;
		next_turn();
		ck_assert(quota_may_serve(c));
	}
	/* Nobody was there just now. */
	read_for(other, 10);
	now += 2000000;
	quota_look(sv);
	read_for(c, 300);
	now += 300000;
	next_turn();
	ck_assert(quota_may_serve(c));
	/* The last one was long ago. */
	now += 50000000;
	next_turn();
	read_for(other, 10);
	read_for(c, 300);
	now += 300000;
	next_turn();
	ck_assert(quota_may_serve(c));
}
END_TEST

/* Who closes its connection and makes another one is who it was. */
START_TEST(who_comes_again_rests_all_the_same)
{
	struct conn *c = conn_of(0, 2001), *other = conn_of(1, 2002);

	now = 1000000000;
	sv->stopwatch = stopwatch;
	next_turn();
	read_for(other, 10);
	read_for(c, 900);
	next_turn();
	ck_assert(!quota_may_serve(c));
	quota_leave(c);
	ck_assert_uint_eq(sv->uids, 1);
	c = conn_of(2, 2001);
	ck_assert_uint_eq(sv->uids, 2);
	ck_assert(!quota_may_serve(c));
	now += 900000;
	next_turn();
	ck_assert(quota_may_serve(c));
	/* Then nothing is left of it, but for as long as the turn lasts, and
	   what it has asked for may be one of many. */
	now += 50000000;
	next_turn();
	quota_leave(c);
	ck_assert_uint_eq(sv->use_count, 1);
	quota_served(other);
	quota_leave(other);
	ck_assert_uint_eq(sv->use_count, 1);
	ck_assert_uint_eq(sv->uids, 0);
	next_turn();
	for (uint32_t uid = 0; uid < 40; uid++) {
		c = conn_of(3, 3000 + uid);
		quota_served(c);
		quota_leave(c);
		next_turn();
	}
	ck_assert_uint_le(sv->use_count, 16);
}
END_TEST

START_TEST(who_comes_again_has_no_other_share_of_the_turn)
{
	struct conn *c = conn_of(0, 2001), *other = conn_of(1, 2002);

	now = 1000000000;
	sv->stopwatch = stopwatch;
	next_turn();
	read_for(other, 10);
	read_for(c, 75);
	ck_assert(!quota_may_serve(c));
	quota_leave(c);
	c = conn_of(2, 2001);
	ck_assert(!quota_may_serve(c));
	next_turn();
	ck_assert(quota_may_serve(c));
}
END_TEST

/* Nor does that make its next long request the first one. */
START_TEST(who_comes_again_has_asked_for_one_long_thing_already)
{
	struct conn *c = conn_of(0, 2001), *other = conn_of(1, 2002);

	now = 1000000000;
	sv->stopwatch = stopwatch;
	next_turn();
	for (int i = 0; i < 2; i++) {
		read_for(other, 10);
		read_for(c, 300);
		ck_assert(!quota_may_serve(c));
		now += 300000;
		next_turn();
		ck_assert_int_eq(quota_may_serve(c), i == 0);
		if (i == 1)
			break;
		quota_leave(c);
		c = conn_of(2, 2001);
	}
	now += 3 * 300000 - 1;
	next_turn();
	ck_assert(!quota_may_serve(c));
	now += 1;
	next_turn();
	ck_assert(quota_may_serve(c));
}
END_TEST

/* A write in the same turn buys nobody off. */
START_TEST(who_has_to_rest_does_not_rest_less_for_a_commit)
{
	struct conn *c = conn_of(0, 2001), *other = conn_of(1, 2002);

	now = 1000000000;
	sv->stopwatch = stopwatch;
	next_turn();
	serve_for(other, 10);
	serve_for(c, 10); /* the write */
	serve_for(c, 5000);
	ck_assert(!quota_may_serve(c));
	sv->turn.entries[0] = (struct turn_entry){ .conn = c, .wrote = true,
		.record = { .uid = 2001, .status = COFRE_OK } };
	sv->turn.count = 1;
	now += 100000;
	quota_look(sv);
	quota_wrote(sv, 100000);
	now += 4800000;
	next_turn();
	ck_assert(!quota_may_serve(c));
	now += 110000;
	next_turn();
	ck_assert(quota_may_serve(c));
}
END_TEST

/* While it was served nobody else could be: they are there all the same. */
START_TEST(however_long_it_took_others_were_there)
{
	struct conn *c = conn_of(0, 2001), *other = conn_of(1, 2002);

	now = 1000000000;
	sv->stopwatch = stopwatch;
	next_turn();
	serve_for(other, 10);
	serve_for(c, 60000);
	next_turn();
	ck_assert(!quota_may_serve(c));
	now += 50000000;
	next_turn();
	ck_assert(quota_may_serve(c));
	serve_for(other, 10);
	write_for(c, COFRE_OK, 60000);
	ck_assert(!quota_may_serve(c));
	now += 50000000;
	next_turn();
	ck_assert(quota_may_serve(c));
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
	tcase_add_test(t,
	    who_was_served_in_a_full_turn_comes_last_in_the_next_one);
	tcase_add_test(t, who_took_much_more_than_his_time_rests);
	tcase_add_test(t, a_request_sees_when_its_time_is_over);
	tcase_add_test(t, who_writes_rests_as_long_as_that_took);
	tcase_add_test(t,
	    one_long_request_after_the_other_is_followed_by_a_long_rest);
	tcase_add_test(t, who_comes_again_rests_all_the_same);
	tcase_add_test(t, who_comes_again_has_no_other_share_of_the_turn);
	tcase_add_test(t,
	    who_comes_again_has_asked_for_one_long_thing_already);
	tcase_add_test(t, who_has_to_rest_does_not_rest_less_for_a_commit);
	tcase_add_test(t, however_long_it_took_others_were_there);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
