/* The daemon's side of what it shares with its sentry. */
#include "sentry.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "sentry_impl.h"

/* The sentry gives the sockets back between two connections, at once.  One
   that does not in this time stands still, or has ended, which ends the
   daemon. */
#define SHORT_MS 10
#define SHORT_WAITS 100

void
sentry_wait(_Atomic uint32_t *word, uint32_t value,
    const struct timespec *time)
{
	(void)syscall(SYS_futex, word, FUTEX_WAIT, value, time, NULL, 0);
}

void
sentry_wake(_Atomic uint32_t *word)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* Its number is not looked at, and it is never read: each write wakes who waits
   at the epoll.  By writev(2), which the daemon may use for all. */
void
sentry_call(const struct sentry *s)
{
	uint64_t one = 1;
	const struct iovec iov = { &one, sizeof(one) };

	(void)!writev(s->wake_fd, &iov, 1);
}

/* The place of a descriptor, or NULL. */
static struct sentry_slot *
slot_of(const struct sentry *s, int fd)
{
	return s->page == NULL || fd < 0 || (size_t)fd >= s->slots ?
	    NULL :
	    &s->page->slots[fd];
}

static void
set(_Atomic uint32_t *word, uint32_t value)
{
	atomic_store_explicit(word, value, memory_order_relaxed);
}

static uint32_t
get(_Atomic uint32_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

/* The sentry may sleep, and is not to miss that the daemon does not: each
   stores first and looks at the other's word then, in one order for both. */
static void
begin(struct sentry *s, uint32_t number)
{
	struct sentry_page *p = s->page;

	s->number = number;
	s->claims = 0;
	atomic_store(&p->turn, number);
	if (atomic_load(&p->asleep)) {
		atomic_store(&p->asleep, false);
		sentry_call(s);
	}
}

void
sentry_work(struct sentry *s, uint64_t clock)
{
	if (s->page == NULL)
		return;
	s->counter += SENTRY_STEP;
	if (s->counter == 0) /* which is none */
		s->counter = SENTRY_STEP;
	s->began = clock;
	begin(s, s->counter);
}

static uint64_t
clock_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* The turn was one in which the sentry had to act. */
static void
note(struct sentry *s)
{
	s->stood += clock_us() - s->began;
	set(&s->page->acted, 0);
}

static void
leave(struct sentry *s)
{
	struct sentry_page *p = s->page;
	uint32_t expected = s->number;

	if (!atomic_compare_exchange_strong(&p->turn, &expected, 0)) {
		sentry_claim(s);
		atomic_store(&p->turn, 0);
	}
	if (get(&p->acted) != 0)
		note(s);
	s->number = 0;
	s->claims = 0;
}

void
sentry_rest(struct sentry *s)
{
	if (s->page != NULL && s->number != 0)
		leave(s);
}

void
sentry_pause(struct sentry *s)
{
	s->was = s->number;
	sentry_rest(s);
}

void
sentry_resume(struct sentry *s)
{
	if (s->page == NULL || s->was == 0)
		return;
	s->began = clock_us();
	begin(s, s->was);
}

void
sentry_claim(struct sentry *s)
{
	const struct timespec moment = { 0, SHORT_MS * 1000000 };
	struct sentry_page *p = s->page;
	uint32_t now;

	if (p == NULL || s->number == 0 || s->claims++ > 0)
		return;
	now = atomic_fetch_or(&p->turn, SENTRY_CLAIMED) | SENTRY_CLAIMED;
	for (int i = 0; (now & SENTRY_SEIZED) != 0 && i < SHORT_WAITS; i++) {
		sentry_wait(&p->turn, now, &moment);
		now = atomic_load(&p->turn);
	}
}

void
sentry_unclaim(struct sentry *s)
{
	if (s->page != NULL && s->claims > 0 && --s->claims == 0)
		atomic_store_explicit(&s->page->turn, s->number,
		    memory_order_release);
}

void
sentry_listen(struct sentry *s, bool agent, int fd)
{
	if (s->page == NULL)
		return;
	sentry_claim(s);
	atomic_store(&s->page->listen[agent ? 1 : 0], fd);
	sentry_unclaim(s);
}

void
sentry_join(struct sentry *s, int fd, bool agent)
{
	struct sentry_slot *at = slot_of(s, fd);

	if (at == NULL)
		return;
	if ((uint32_t)fd >= get(&s->page->high))
		set(&s->page->high, (uint32_t)fd + 1);
	set(&at->heard, 0);
	atomic_store_explicit(&at->part, false, memory_order_relaxed);
	atomic_store_explicit(&at->refused, false, memory_order_relaxed);
	atomic_store_explicit(&at->kind, agent ? SENTRY_AGENT : SENTRY_COFRE,
	    memory_order_release);
}

void
sentry_leave(struct sentry *s, int fd)
{
	struct sentry_slot *at = slot_of(s, fd);

	if (at != NULL)
		set(&at->kind, SENTRY_NONE);
}

void
sentry_heard(struct sentry *s, int fd)
{
	struct sentry_slot *at = slot_of(s, fd);

	if (at != NULL)
		set(&at->heard, s->number);
}

void
sentry_keep(struct sentry *s, int fd, bool keeps)
{
	struct sentry_slot *at = slot_of(s, fd);

	if (at != NULL && keeps != (get(&at->heard) == SENTRY_KEPT))
		set(&at->heard, keeps ? SENTRY_KEPT : s->number);
}

void
sentry_sent(struct sentry *s, int fd, bool part)
{
	struct sentry_slot *at = slot_of(s, fd);

	if (at == NULL)
		return;
	atomic_store_explicit(&at->part, part, memory_order_relaxed);
	if (!part)
		set(&at->heard, 0);
}

bool
sentry_refused(const struct sentry *s, int fd)
{
	struct sentry_slot *at = slot_of(s, fd);

	return at != NULL &&
	    atomic_load_explicit(&at->refused, memory_order_acquire);
}

bool
sentry_news(const struct sentry *s, uint64_t *stood, uint64_t *refused)
{
	if (s->page == NULL || s->stood == 0)
		return false;
	*stood = s->stood;
	*refused = atomic_load(&s->page->refused) - s->noted;
	return true;
}

void
sentry_noted(struct sentry *s, uint64_t refused)
{
	s->stood = 0;
	s->noted += refused;
}
