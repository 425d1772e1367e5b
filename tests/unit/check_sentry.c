/*
 * Tests of src/sentry.c and src/sentry_watch.c: who is refused while the daemon
 * stands still.  check_sentry_process.c is about who is not, and about the
 * process.
 */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "frame.h"
#include "sentryroom.h"

/* A turn in which the first one was heard, and the daemon stands still until
   it is told; "!" for each that was refused then, and what is to be noted. */
static void
stand(void)
{
	uint64_t stood = 0, refused = 0;

	room_work();
	sentry_heard(&room.s, room.conn[0]);
	room_say('w');
	(void)room_wait_here();
	sentry_claim(&room.s);
	for (int i = 0; i < room.count; i++)
		room_say(sentry_refused(&room.s, room.conn[i]) ? '!' : '.');
	sentry_unclaim(&room.s);
	sentry_rest(&room.s);
	room_say(sentry_news(&room.s, &stood, &refused) ? 'n' : '-');
	room_say(stood >= SENTRY_LIMIT * 1000u ? 's' : '-');
	room_say((char)('0' + refused % 10));
	sentry_noted(&room.s, refused);
	room_say(sentry_news(&room.s, &stood, &refused) ? 'n' : '-');
	(void)room_wait_here();
}

/* A reply of the first one has left in part. */
static void
stand_half_way(void)
{
	sentry_sent(&room.s, room.conn[0], true);
	stand();
}

/* A request of the third one waits for a turn that is to come. */
static void
stand_before_it_is_served(void)
{
	room_work();
	sentry_heard(&room.s, room.conn[2]);
	sentry_keep(&room.s, room.conn[2], true);
	sentry_rest(&room.s);
	stand();
}

/* All were answered in this turn before the daemon stood still. */
static void
stand_behind_the_answer(void)
{
	room_work();
	sentry_heard(&room.s, room.conn[0]);
	sentry_sent(&room.s, room.conn[0], false);
	room_say('w');
	(void)room_wait_here();
	room_say(sentry_refused(&room.s, room.conn[0]) ? '!' : '.');
	sentry_rest(&room.s);
}

/* All that comes until the end, within a second of that time. */
static size_t
all(int fd, uint8_t *buf, size_t size, uint64_t since)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n;

	for (;;) {
		ck_assert_int_eq(poll(&p, 1, 10 * SECOND), 1);
		ck_assert_uint_lt(room_clock_ms(), since + SECOND);
		n = read(fd, buf + len, size - len);
		if (n <= 0)
			return len;
		len += (size_t)n;
	}
}

static void
is_refused(int fd, bool agent, uint64_t since)
{
	uint8_t got[64], want[FRAME_REFUSAL + AGENT_REFUSAL];
	size_t len = agent ? agent_refusal(want, OP_SSH_OTHER) :
			     frame_refusal(want, COFRE_BLOCKED);

	ck_assert_uint_eq(all(fd, got, sizeof(got), since), len);
	ck_assert_int_eq(memcmp(got, want, len), 0);
}

START_TEST(who_asks_is_refused_and_others_are_not)
{
	uint64_t since = room_clock_ms();
	int late;

	room_begin(ROOM_FEW, stand);
	ck_assert_int_eq(write(room.client[ROOM_AGENT], "ask", 3), 3);
	is_refused(room.client[0], false, since);
	is_refused(room.client[ROOM_AGENT], true, since);
	since = room_clock_ms();
	late = room_connect_late();
	ck_assert_int_eq(write(late, "hello", 5), 5);
	is_refused(late, false, since);
	since = room_clock_ms();
	ck_assert_int_eq(write(room.client[2], "ask", 3), 3);
	is_refused(room.client[2], false, since);
	room_quiet(room.client[3], 200);
	room_go_on();
	for (const char *p = "!!!.ns4-"; *p != '\0'; p++)
		ck_assert_int_eq(room_hear(), *p);
	/* It goes on: nothing is done to anybody any more. */
	ck_assert_int_eq(write(room.client[3], "ask", 3), 3);
	room_quiet(room.client[3], SECOND);
	room_finish();
}
END_TEST

START_TEST(nothing_comes_into_the_middle_of_a_reply)
{
	uint64_t since = room_clock_ms();
	uint8_t got[8];

	room_begin(ROOM_FEW, stand_half_way);
	ck_assert_uint_eq(all(room.client[0], got, sizeof(got), since), 0);
	room_go_on();
	room_finish();
}
END_TEST

START_TEST(who_waits_for_a_later_turn_is_refused_too)
{
	uint64_t since = room_clock_ms();

	room_begin(ROOM_FEW, stand_before_it_is_served);
	is_refused(room.client[2], false, since);
	room_go_on();
	room_finish();
}
END_TEST

START_TEST(who_is_answered_asks_no_more)
{
	room_begin(ROOM_FEW, stand_behind_the_answer);
	room_quiet(room.client[0], SECOND);
	room_go_on();
	ck_assert_int_eq(room_hear(), '.');
	room_finish();
}
END_TEST

/* A peer that does not read holds nobody up. */
START_TEST(a_thousand_are_refused_and_one_that_does_not_read)
{
	uint64_t since = room_clock_ms();
	int late[ROOM_FEW * 10], full;
	char junk[4096] = "";

	room_begin(ROOM_MANY, stand);
	/* Nothing more can be put into it: the daemon's end is ours too, here. */
	full = room.client[2];
	ck_assert_int_eq(fcntl(full, F_SETFL, O_NONBLOCK), 0);
	while (write(full, junk, sizeof(junk)) > 0)
		;
	for (int i = 3; i < ROOM_MANY; i++)
		ck_assert_int_eq(write(room.client[i], "ask", 3), 3);
	for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++)
		late[i] = room_connect_late();
	for (int i = 3; i < ROOM_MANY; i++)
		is_refused(room.client[i], false, since + SECOND);
	for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++)
		is_refused(late[i], false, since + SECOND);
	room_go_on();
	room_finish();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sentry");
	TCase *t = tcase_create("refusals");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_test(t, who_asks_is_refused_and_others_are_not);
	tcase_add_test(t, nothing_comes_into_the_middle_of_a_reply);
	tcase_add_test(t, who_waits_for_a_later_turn_is_refused_too);
	tcase_add_test(t, who_is_answered_asks_no_more);
	tcase_add_test(t, a_thousand_are_refused_and_one_that_does_not_read);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
