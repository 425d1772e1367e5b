/*
 * Tests of src/attest.c, where the test is the witness: who is asked, and what
 * becomes of questions when a worker is late, says nonsense, or is gone.
 */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attest.h"
#include "sample.h"

#define LONG 60000u /* milliseconds: nobody is late */

static struct server sv;
static int keeper, worker[WITNESS_WORKERS]; /* the witness's ends */
static struct ask asks[2 * WITNESS_WORKERS];
static size_t answers, late, left;
static int poll_error; /* of the next poll(2); 0: none */

int __real_poll(struct pollfd *p, nfds_t n, int ms);
int __wrap_poll(struct pollfd *p, nfds_t n, int ms);

int
__wrap_poll(struct pollfd *p, nfds_t n, int ms)
{
	if (poll_error == 0)
		return __real_poll(p, n, ms);
	errno = poll_error;
	poll_error = 0;
	return -1;
}

static void
answered(struct ask *a, const struct witness_answer *answer, int fd)
{
	ck_assert_uint_eq(a->id, 0);
	ck_assert_int_eq(fd, -1);
	answers++;
	left--;
	late += answer->late;
}

static void
setup(void)
{
	int pair[2];

	memset(&sv, 0, sizeof(sv));
	memset(asks, 0, sizeof(asks));
	answers = late = 0;
	sv.config.look_timeout = LONG;
	for (unsigned i = 0; i <= WITNESS_WORKERS; i++) {
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair),
		    0);
		*(i == 0 ? &sv.witness.keeper :
			   &sv.witness.worker[i - 1]) = pair[0];
		*(i == 0 ? &keeper : &worker[i - 1]) = pair[1];
	}
}

static void
teardown(void)
{
	(void)close(sv.witness.keeper);
	(void)close(keeper);
	for (unsigned i = 0; i < WITNESS_WORKERS; i++) {
		(void)close(sv.witness.worker[i]);
		(void)close(worker[i]);
	}
}

static struct ask *
ask(size_t i, uint32_t uid, bool hash)
{
	asks[i] = (struct ask){ .uid = uid, .pid = 7, .hash = hash,
		.cgroup = "", .answered = answered };
	ck_assert(attest_ask(&sv, &asks[i]));
	left = i + 1;
	return &asks[i];
}

/* The id of the question that the worker has; 0: none. */
static uint64_t
question(unsigned i)
{
	uint8_t buf[WITNESS_QUESTION];
	struct wire_reader r;
	ssize_t n = recv(worker[i], buf, sizeof(buf), MSG_DONTWAIT);

	if (n <= 0)
		return 0;
	wire_reader_init(&r, (struct view){ buf, (size_t)n });
	return wire_get_u64(&r);
}

static void
answer(unsigned i, uint64_t id)
{
	uint8_t buf[WITNESS_ANSWER];
	struct wire_writer w;

	wire_writer_init(&w, buf, sizeof(buf));
	wire_put_u64(&w, id);
	wire_put_bool(&w, false);
	wire_put_u64(&w, 2);
	wire_put_u32(&w, 3);
	wire_put_u32(&w, 4);
	for (size_t n = 0; n < 3; n++)
		wire_put_string(&w, view_of(""), EXE_MAX);
	ck_assert_int_eq(send(worker[i], buf, w.len, 0), (ssize_t)w.len);
}

/* Which worker was to be made anew; -1: none. */
static int
renewed(void)
{
	uint8_t which;

	return recv(keeper, &which, 1, MSG_DONTWAIT) == 1 ? which : -1;
}

static void
say_nonsense(unsigned i)
{
	ck_assert_int_eq(send(worker[i], "nonsense", 8, 0), 8);
}

/* A program is read by the second half of them, one at a time for each uid,
   so that others are looked at meanwhile. */
START_TEST(a_uid_has_one_program_read_at_a_time)
{
	struct ask *first = ask(0, 1, true), *second = ask(1, 1, true);
	struct ask *others = ask(2, 2, true), *plain = ask(3, 1, false);
	unsigned has = WITNESS_WORKERS / 2;

	ck_assert_ptr_nonnull(first->looker);
	ck_assert_ptr_null(second->looker);
	ck_assert_ptr_nonnull(others->looker);
	ck_assert_ptr_nonnull(plain->looker);
	ck_assert(first->looker >= sv.asked.lookers + has);
	ck_assert(others->looker >= sv.asked.lookers + has);
	ck_assert(plain->looker < sv.asked.lookers + has);
	has = (unsigned)(first->looker - sv.asked.lookers);
	answer(has, question(has));
	ck_assert(attest_event(&sv, &sv.witness.worker[has]));
	ck_assert_uint_eq(answers, 1);
	ck_assert_ptr_eq(second->looker, &sv.asked.lookers[has]);
}
END_TEST

START_TEST(a_question_that_nobody_takes_is_not_lost)
{
	struct ask *a;

	for (unsigned i = 0; i < WITNESS_WORKERS; i++)
		(void)shutdown(worker[i], SHUT_RD);
	a = ask(0, 1, false);
	ck_assert_ptr_null(a->looker);
	ck_assert_ptr_eq(sv.asked.first, a);
	ck_assert_uint_eq(answers, 0);
	attest_forget(&sv, a);
	ck_assert_ptr_null(sv.asked.first);
	ck_assert_uint_eq(a->id, 0);
}
END_TEST

START_TEST(a_worker_that_says_nonsense_is_the_witness_gone)
{
	(void)ask(0, 1, false);
	ck_assert(!attest_event(&sv, &sv.witness.keeper));
	ck_assert(attest_event(&sv, &sv.witness.worker[0])); /* says nothing */
	say_nonsense(0);
	ck_assert(!attest_event(&sv, &sv.witness.worker[0]));
	/* Likewise when it is looked at because it is late. */
	sv.asked.lookers[0].due = 0;
	say_nonsense(0);
	ck_assert(!attest_tick(&sv));
	ck_assert_uint_eq(answers, 0);
}
END_TEST

/* Once, however long the next worker takes to be ready. */
START_TEST(what_is_late_is_answered_once_with_nothing)
{
	uint64_t id;

	sv.config.look_timeout = 0;
	(void)ask(0, 1, false);
	id = question(0);
	ck_assert_int_eq(attest_timeout(&sv), 0);
	ck_assert(attest_tick(&sv));
	ck_assert_uint_eq(late, 1);
	ck_assert_int_eq(renewed(), 0);
	ck_assert(attest_tick(&sv));
	ck_assert_int_eq(renewed(), 0); /* again: it is not ready */
	ck_assert_uint_eq(answers, 1);
	ck_assert_uint_eq(sv.asked.late_all, 1);
	ck_assert_uint_eq(sv.asked.late_uid, 1);
	/* It answers after all, and then another one is ready. */
	answer(0, id);
	ck_assert(attest_event(&sv, &sv.witness.worker[0]));
	ck_assert(sv.asked.lookers[0].renewed);
	answer(0, 0);
	ck_assert(attest_event(&sv, &sv.witness.worker[0]));
	ck_assert(!sv.asked.lookers[0].renewed);
	ck_assert_uint_eq(answers, 1);
	ck_assert_int_eq(attest_timeout(&sv), -1);
}
END_TEST

/* The daemon was late itself: the answer is there. */
START_TEST(an_answer_that_is_there_is_not_late)
{
	sv.config.look_timeout = 0;
	(void)ask(0, 1, false);
	answer(0, question(0));
	ck_assert(attest_tick(&sv));
	ck_assert_uint_eq(answers, 1);
	ck_assert_uint_eq(late, 0);
	ck_assert_int_eq(renewed(), -1);
}
END_TEST

START_TEST(a_keeper_that_takes_no_word_is_the_witness_gone)
{
	sv.config.look_timeout = 0;
	(void)ask(0, 1, false);
	(void)close(keeper);
	ck_assert(!attest_tick(&sv));
	ck_assert_uint_eq(late, 1); /* who has asked is told nevertheless */
}
END_TEST

/*
 * Waiting.
 */

START_TEST(a_wait_ends_with_the_last_answer)
{
	for (unsigned i = 0; i < 2; i++) {
		(void)ask(i, 1, false);
		answer(i, question(i));
	}
	poll_error = EINTR;
	attest_wait(&sv, &left);
	ck_assert_uint_eq(left, 0);
	ck_assert_uint_eq(answers, 2);
	attest_wait(&sv, &left);
}
END_TEST

static void
no_memory(void)
{
	poll_error = ENOMEM;
}

static void
no_keeper(void)
{
	(void)shutdown(keeper, SHUT_RDWR);
}

static void
nonsense(void)
{
	say_nonsense(0);
}

/* It has no room for a word more, and the worker is late; another one, which
   does not answer either, is not. */
static void
deaf_keeper(void)
{
	(void)ask(1, 2, false);
	while (send(sv.witness.keeper, "", 1, MSG_DONTWAIT) == 1)
		;
	sv.asked.lookers[0].due = 0;
}

static void
no_time(void)
{
	sv.config.look_timeout = 0;
}

static void (*const ends[])(void) = { no_memory, no_keeper, nonsense,
	deaf_keeper, no_time };

START_TEST(a_wait_for_what_does_not_come_ends)
{
	(void)ask(0, 1, false);
	ends[_i]();
	attest_wait(&sv, &left);
	ck_assert_uint_eq(answers, late);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("attest");
	TCase *t = tcase_create("attest");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_uid_has_one_program_read_at_a_time);
	tcase_add_test(t, a_question_that_nobody_takes_is_not_lost);
	tcase_add_test(t, a_worker_that_says_nonsense_is_the_witness_gone);
	tcase_add_test(t, what_is_late_is_answered_once_with_nothing);
	tcase_add_test(t, an_answer_that_is_there_is_not_late);
	tcase_add_test(t, a_keeper_that_takes_no_word_is_the_witness_gone);
	tcase_add_test(t, a_wait_ends_with_the_last_answer);
	tcase_add_loop_test(t, a_wait_for_what_does_not_come_ends, 0,
	    (int)COUNT(ends));
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
