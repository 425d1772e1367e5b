/*
 * Tests of the sentry without a process of its own: each look it takes, in a
 * time that is made up, and the words that both sides leave each other.
 * check_sentry.c has a real one.
 */
#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sample.h"
#include "sentry_impl.h"

#define SLOTS 8u
#define TURN (5 * SENTRY_STEP)
#define LISTENER 900 /* descriptors that only the wrapped calls see */
#define NEW 901
#define SELF 902
#define WAKE 903
#define MANY 5000u /* who connects as fast as he is refused */

static struct sentry s;

/* The world. */
static struct {
	uint64_t ms;	   /* what the clock says */
	unsigned step;	   /* it goes on by that at each look */
	unsigned looks;	   /* at most so many, then it is over */
	const char *stat;  /* what /proc says; NULL: a failure */
	unsigned waiting;  /* at the socket */
	int unread;	   /* bytes, at each connection; -1: can't be told */
	unsigned told, cut; /* who was told, and whose connection was ended */
	unsigned woken;
	uint32_t goes_on;  /* the turn that the daemon is in after the look */
	unsigned claim_at; /* it wants the sockets after so many were told */
	bool gives_back;   /* the sentry, when it is waited for */
	unsigned waits;
	int event;	   /* the descriptor that the next wait returns */
} world;

int __wrap_clock_gettime(clockid_t id, struct timespec *ts);
ssize_t __wrap_pread(int fd, void *to, size_t n, off_t at);
int __wrap_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags);
int __wrap_epoll_wait(int fd, struct epoll_event *ev, int n, int ms);
int __wrap_ioctl(int fd, unsigned long op, ...);
ssize_t __wrap_send(int fd, const void *from, size_t n, int flags);
int __wrap_shutdown(int fd, int how);
int __real_close(int fd);
int __wrap_close(int fd);
long __wrap_syscall(long nr, ...);

int
__wrap_clock_gettime(clockid_t id, struct timespec *ts)
{
	(void)id;
	ts->tv_sec = (time_t)(world.ms / 1000);
	ts->tv_nsec = (long)(world.ms % 1000) * 1000000;
	return 0;
}

ssize_t
__wrap_pread(int fd, void *to, size_t n, off_t at)
{
	size_t len = world.stat == NULL ? 0 : strlen(world.stat);

	ck_assert_int_eq(at, 0);
	ck_assert_int_eq(fd, s.stat_fd);
	ck_assert_uint_le(len, n);
	if (world.goes_on != 0)
		atomic_store(&s.page->turn, world.goes_on);
	if (world.stat == NULL)
		return -1;
	memcpy(to, world.stat, len);
	return (ssize_t)len;
}

int
__wrap_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
	ck_assert_int_eq(fd, LISTENER);
	ck_assert(a == NULL && n == NULL && (flags & SOCK_NONBLOCK) != 0);
	if (world.waiting == 0) {
		errno = EAGAIN;
		return -1;
	}
	world.waiting--;
	return NEW;
}

int
__wrap_epoll_wait(int fd, struct epoll_event *ev, int n, int ms)
{
	ck_assert(fd == s.epoll && n > 0);
	world.ms += world.step;
	if (world.looks-- <= 1)
		atomic_store(&s.page->over, true);
	if (world.event == 0)
		return ms == -1 ? -1 : 0; /* a signal, say */
	ev->data.fd = world.event;
	return 1;
}

int
__wrap_ioctl(int fd, unsigned long op, ...)
{
	va_list ap;

	(void)fd;
	va_start(ap, op);
	*va_arg(ap, int *) = world.unread;
	va_end(ap);
	return world.unread < 0 ? -1 : 0;
}

ssize_t
__wrap_send(int fd, const void *from, size_t n, int flags)
{
	(void)fd;
	ck_assert(from != NULL && n > 0);
	ck_assert((flags & MSG_DONTWAIT) != 0);
	if (++world.told == world.claim_at)
		(void)atomic_fetch_or(&s.page->turn, SENTRY_CLAIMED);
	return (ssize_t)n;
}

int
__wrap_shutdown(int fd, int how)
{
	ck_assert_int_lt(fd, (int)SLOTS);
	ck_assert_int_eq(how, SHUT_RDWR);
	world.cut++;
	return 0;
}

int
__wrap_close(int fd)
{
	return fd == NEW ? 0 : __real_close(fd);
}

/* futex(2) alone. */
long
__wrap_syscall(long nr, ...)
{
	_Atomic uint32_t *word;
	va_list ap;
	int op;

	ck_assert_int_eq(nr, SYS_futex);
	va_start(ap, nr);
	word = va_arg(ap, _Atomic uint32_t *);
	op = va_arg(ap, int);
	va_end(ap);
	if (op == 1) /* FUTEX_WAKE */
		return world.woken += word == &s.page->turn;
	world.waits++;
	if (world.gives_back)
		(void)atomic_fetch_and(word, ~SENTRY_SEIZED);
	return -1;
}

static void
setup(void)
{
	static _Alignas(struct sentry_page) uint8_t area[
	    sizeof(struct sentry_page) + SLOTS * sizeof(struct sentry_slot)];

	memset(area, 0, sizeof(area));
	memset(&world, 0, sizeof(world));
	s = (struct sentry){ .page = (void *)area, .slots = SLOTS,
		.stat_fd = -5, .self_fd = SELF, .wake_fd = WAKE, .epoll = -6 };
	atomic_store(&s.page->listen[0], LISTENER);
	atomic_store(&s.page->listen[1], -1);
	atomic_store(&s.page->turn, TURN);
	world.stat = "1 (cofred) D 1";
	world.ms = 1000000;
	world.step = 100;
	world.looks = 20;
}

/* The name of a process may have brackets too. */
static const struct {
	const char *text;
	bool stands; /* it waits for a disk */
	bool ended;
} stats[] = {
	{ "1 (cofred) D 1", true, false },
	{ "1 (cofred) S 1", true, false },
	{ "1 (x) R) D 1", true, false },
	{ "1 (cofred) R 1", false, false },
	{ "1 (cofred) T 1", false, false },
	{ "1 (cofred) t 1", false, false },
	{ "1 (x) D) R 1", false, false },
	{ NULL, false, true },
	{ "", false, true },
	{ "1 (cofred", false, true },
	{ "1 (cofred)", false, true },
	{ "1 (cofred) ", false, true },
};

START_TEST(whether_the_daemon_waits_is_read_from_its_state)
{
	world.stat = stats[_i].text;
	world.waiting = 3;
	sentry_watch(&s);
	ck_assert_uint_eq(world.told, stats[_i].stands ? 3 : 0);
	ck_assert_uint_eq(atomic_load(&s.page->refused), world.told);
	/* There is nobody left to watch then, and it looks no more. */
	ck_assert_int_eq(atomic_load(&s.page->over), !stats[_i].ended);
	ck_assert_uint_eq(atomic_load(&s.page->turn), TURN);
}
END_TEST

/* It did not run itself meanwhile: it can't know whether the daemon did. */
START_TEST(a_long_pause_between_two_looks_counts_as_a_short_one)
{
	world.waiting = 1;
	world.step = 100000;
	world.looks = 3;
	sentry_watch(&s);
	ck_assert_uint_eq(world.told, 0);
	setup();
	world.waiting = 1;
	world.step = 100000;
	world.looks = 5;
	sentry_watch(&s);
	ck_assert_uint_eq(world.told, 1);
}
END_TEST

/* Between the look and the act. */
START_TEST(a_daemon_that_goes_on_is_left_its_sockets)
{
	world.waiting = 1;
	world.goes_on = TURN + SENTRY_CLAIMED;
	sentry_watch(&s);
	ck_assert_uint_eq(world.told, 0);
	ck_assert_uint_eq(atomic_load(&s.page->acted), 0);
	ck_assert_uint_eq(atomic_load(&s.page->turn), TURN + SENTRY_CLAIMED);
}
END_TEST

/* It gives them back between two connections, and says so. */
START_TEST(a_daemon_that_wants_its_sockets_gets_them_at_once)
{
	for (int fd = 0; fd < 3; fd++) {
		sentry_join(&s, fd, false);
		atomic_store(&s.page->slots[fd].heard, TURN);
	}
	world.waiting = 3;
	world.claim_at = (unsigned)_i + 1;
	sentry_watch(&s);
	ck_assert_uint_eq(world.told, world.claim_at);
	ck_assert_uint_eq(world.woken, 1);
	ck_assert_uint_eq(atomic_load(&s.page->turn), TURN + SENTRY_CLAIMED);
}
END_TEST

START_TEST(who_connects_without_end_does_not_keep_it)
{
	sentry_join(&s, 2, false);
	atomic_store(&s.page->slots[2].heard, TURN);
	world.waiting = MANY;
	world.looks = 7; /* six are the limit, and one pass */
	sentry_watch(&s);
	ck_assert_uint_eq(world.cut, 1);
	ck_assert_uint_lt(world.told, MANY / 2);
}
END_TEST

/* Nobody is refused of whom it is not known that he asks. */
START_TEST(who_asks_nothing_is_left_alone)
{
	const int unread[] = { -1, 0, 1 };

	for (size_t i = 0; i < COUNT(unread); i++) {
		setup();
		sentry_join(&s, 2, false);
		world.unread = unread[i];
		sentry_watch(&s);
		ck_assert_uint_eq(world.cut, unread[i] > 0);
		ck_assert_int_eq(sentry_refused(&s, 2), unread[i] > 0);
	}
}
END_TEST

/* It sleeps until a turn, the end, or a word. */
START_TEST(an_idle_sentry_sees_that_the_daemon_has_ended)
{
	atomic_store(&s.page->turn, 0);
	world.looks = 1000;
	world.event = SELF;
	sentry_watch(&s);
	ck_assert_uint_eq(world.looks, 999);
	setup();
	atomic_store(&s.page->turn, 0);
	world.looks = 1000;
	sentry_watch(&s);
	ck_assert(!atomic_load(&s.page->asleep));
}
END_TEST

/*
 * The daemon's side.
 */

/* Zero is no turn: all would look idle in it. */
START_TEST(the_number_of_a_turn_is_never_none)
{
	s.counter = 0U - SENTRY_STEP;
	sentry_work(&s, 0);
	ck_assert_uint_eq(s.number, SENTRY_STEP);
	ck_assert_uint_eq(atomic_load(&s.page->turn), SENTRY_STEP);
}
END_TEST

START_TEST(a_turn_ends_when_the_sentry_has_given_the_sockets_back)
{
	sentry_work(&s, 0);
	(void)atomic_fetch_or(&s.page->turn, SENTRY_SEIZED);
	atomic_store(&s.page->acted, s.number);
	world.gives_back = true;
	sentry_rest(&s);
	ck_assert_uint_eq(world.waits, 1);
	ck_assert_uint_eq(atomic_load(&s.page->turn), 0);
	ck_assert_uint_eq(s.stood, world.ms * 1000);
	/* One that stands still itself is not waited for without end. */
	sentry_work(&s, 0);
	(void)atomic_fetch_or(&s.page->turn, SENTRY_SEIZED);
	world.gives_back = false;
	world.waits = 0;
	sentry_claim(&s);
	ck_assert_uint_eq(world.waits, 100);
}
END_TEST

START_TEST(a_descriptor_without_a_place_is_nobody)
{
	const int fds[] = { -1, SLOTS, 1 << 30 };
	struct sentry none = { .page = NULL };
	uint64_t stood, refused;

	for (size_t i = 0; i < COUNT(fds); i++) {
		sentry_join(&s, fds[i], false);
		sentry_heard(&s, fds[i]);
		sentry_keep(&s, fds[i], true);
		sentry_sent(&s, fds[i], true);
		ck_assert(!sentry_refused(&s, fds[i]));
		sentry_leave(&s, fds[i]);
	}
	ck_assert_uint_eq(atomic_load(&s.page->high), 0);
	/* And without a sentry nobody has one. */
	sentry_work(&none, 1);
	sentry_claim(&none);
	sentry_unclaim(&none);
	sentry_pause(&none);
	sentry_resume(&none);
	sentry_rest(&none);
	sentry_listen(&none, false, LISTENER);
	sentry_join(&none, 1, false);
	ck_assert(!sentry_refused(&none, 1));
	ck_assert(!sentry_news(&none, &stood, &refused));
	ck_assert_uint_eq(none.number, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sentry watch");
	TCase *t = tcase_create("watch");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_loop_test(t, whether_the_daemon_waits_is_read_from_its_state,
	    0, (int)COUNT(stats));
	tcase_add_test(t,
	    a_long_pause_between_two_looks_counts_as_a_short_one);
	tcase_add_test(t, a_daemon_that_goes_on_is_left_its_sockets);
	tcase_add_loop_test(t,
	    a_daemon_that_wants_its_sockets_gets_them_at_once, 0, 6);
	tcase_add_test(t, who_connects_without_end_does_not_keep_it);
	tcase_add_test(t, who_asks_nothing_is_left_alone);
	tcase_add_test(t, an_idle_sentry_sees_that_the_daemon_has_ended);
	tcase_add_test(t, the_number_of_a_turn_is_never_none);
	tcase_add_test(t,
	    a_turn_ends_when_the_sentry_has_given_the_sockets_back);
	tcase_add_test(t, a_descriptor_without_a_place_is_nobody);
	suite_add_tcase(suite, t);
	sr = srunner_create(suite);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
