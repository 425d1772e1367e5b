/* What the sentry does. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sentry_impl.h"

#include "agent.h"
#include "frame.h"

#define SAMPLE_MS 100 /* between two looks at the daemon, */
#define PASS_MS 50    /* and while it stands still: who comes later waits it */
/* So many looks at a daemon that waits for events, and the sentry sleeps until
   it is woken: an idle machine is left alone, and a busy daemon seldom has
   somebody to wake. */
#define IDLE_LOOKS 20
/* A pause between two looks counts as no more: then the sentry did not run
   either, and neither may have stood still because of the disk. */
#define COUNTED_MS (2 * SAMPLE_MS)
#define ACCEPTS 1024 /* at a socket in one pass */

struct watch {
	struct sentry_page *page;
	const struct sentry *s;
	bool ended;	/* the daemon has */
	uint32_t turn;	/* at the last look */
	unsigned stood; /* milliseconds that the daemon stood still in it */
	unsigned idle;	/* looks in a row at which there was no turn */
	uint64_t at;	/* the last look, CLOCK_MONOTONIC, milliseconds */
	uint8_t frame[FRAME_REFUSAL], answer[AGENT_REFUSAL];
	size_t frame_len, answer_len;
};

static uint64_t
clock_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/*
 * The state of the process: R, S, D, T, t; '\0' when it is gone.  Its name
 * stands in front, in brackets, and no bracket behind them.
 */
static char
state_of(int stat_fd)
{
	char text[128];
	ssize_t n = pread(stat_fd, text, sizeof(text), 0);
	const char *end = n <= 0 ? NULL : memrchr(text, ')', (size_t)n);

	return end == NULL || end + 2 >= text + n ? '\0' : end[2];
}

static bool
is_claimed(const struct watch *w)
{
	return (atomic_load(&w->page->turn) & SENTRY_CLAIMED) != 0;
}

/* Whoever does not read what he was told is not waited for. */
static void
tell(const struct watch *w, int fd, bool agent)
{
	(void)send(fd, agent ? w->answer : w->frame,
	    agent ? w->answer_len : w->frame_len,
	    MSG_NOSIGNAL | MSG_DONTWAIT);
	atomic_fetch_add(&w->page->refused, 1);
}

/* Those who wait at that socket. */
static void
refuse_new(const struct watch *w, bool agent)
{
	int at = atomic_load(&w->page->listen[agent ? 1 : 0]), fd;

	for (int i = 0; at != -1 && i < ACCEPTS && !is_claimed(w); i++) {
		fd = accept4(at, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd == -1)
			return;
		tell(w, fd, agent);
		(void)close(fd);
	}
}

/* Does it have a request that is not answered? */
static bool
asks(struct sentry_slot *at, int fd, uint32_t turn)
{
	uint32_t heard = atomic_load_explicit(&at->heard, memory_order_relaxed);
	int unread = 0;

	return heard == turn || heard == SENTRY_KEPT ||
	    (ioctl(fd, FIONREAD, &unread) == 0 && unread > 0);
}

/* In the middle of a reply there is no room for another one; its end, which
   will not come, says enough. */
static void
refuse(const struct watch *w, struct sentry_slot *at, int fd)
{
	uint32_t kind = atomic_load_explicit(&at->kind, memory_order_acquire);

	if (kind == SENTRY_NONE || atomic_load(&at->refused) ||
	    !asks(at, fd, w->turn))
		return;
	atomic_store(&at->refused, true);
	if (!atomic_load(&at->part))
		tell(w, fd, kind == SENTRY_AGENT);
	(void)shutdown(fd, SHUT_RDWR);
}

/* The daemon stands still: take the sockets, if it has not gone on meanwhile,
   and refuse, until it wants them back. */
static void
pass(const struct watch *w)
{
	struct sentry_page *p = w->page;
	uint32_t expected = w->turn, high;

	if (!atomic_compare_exchange_strong(&p->turn, &expected,
		w->turn | SENTRY_SEIZED))
		return;
	atomic_store(&p->acted, w->turn);
	refuse_new(w, false);
	refuse_new(w, true);
	high = atomic_load(&p->high);
	for (uint32_t fd = 0; fd < high && !is_claimed(w); fd++)
		refuse(w, &p->slots[fd], (int)fd);
	(void)atomic_fetch_and(&p->turn, ~SENTRY_SEIZED);
	if (is_claimed(w))
		sentry_wake(&p->turn);
}

/*
 * Look at the daemon.  It stands still as long as each look finds it in the
 * same turn and asleep.  One that runs, was stopped, or is traced does not wait
 * for a disk.
 */
static void
look(struct watch *w)
{
	uint32_t turn = atomic_load(&w->page->turn) & ~(SENTRY_STEP - 1);
	uint64_t now = clock_ms(), since = now - w->at;
	bool same = turn != 0 && turn == w->turn;
	char state = same ? state_of(w->s->stat_fd) : 'R';

	w->idle = turn == 0 ? w->idle + 1 : 0;
	w->turn = turn;
	w->at = now;
	if (state == 'S' || state == 'D')
		w->stood += since < COUNTED_MS ? (unsigned)since : COUNTED_MS;
	else
		w->stood = 0;
	if (w->stood >= SENTRY_LIMIT)
		pass(w);
	w->ended = state == '\0'; /* it was not when this look began */
}

/* Until it is called, the daemon has ended, or the time is over (-1: never). */
static void
rest(struct watch *w, int ms)
{
	struct epoll_event events[2];
	int n = epoll_wait(w->s->epoll, events, 2, ms);

	for (int i = 0; i < n; i++)
		if (events[i].data.fd == w->s->self_fd)
			w->ended = true;
}

/* The daemon looks at this word when it begins a turn. */
static void
sleep_until_called(struct watch *w)
{
	struct sentry_page *p = w->page;

	atomic_store(&p->asleep, true);
	while (!w->ended && atomic_load(&p->turn) == 0 &&
	    !atomic_load(&p->over) && atomic_load(&p->asleep))
		rest(w, -1);
	atomic_store(&p->asleep, false);
	w->idle = 0;
}

void
sentry_watch(const struct sentry *s)
{
	struct watch w = { .page = s->page, .s = s };

	w.frame_len = frame_refusal(w.frame, COFRE_BLOCKED);
	w.answer_len = agent_refusal(w.answer, OP_SSH_OTHER);
	atomic_store(&s->page->state, SENTRY_READY);
	sentry_wake(&s->page->state);
	while (!w.ended && !atomic_load(&s->page->over)) {
		look(&w);
		if (w.idle > IDLE_LOOKS)
			sleep_until_called(&w);
		else
			rest(&w, w.stood >= SENTRY_LIMIT ? PASS_MS :
							   SAMPLE_MS);
	}
}
