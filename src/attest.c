#include "attest.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "witness.h"

#define SHARE (WITNESS_WORKERS / 2) /* of one uid */

/*
 * To read a program takes longer.  It is the second half of the workers that
 * does it, which leaves the first one, and one at a time for each uid.
 */
#define HASH_FIRST (WITNESS_WORKERS / 2)
#define HASH_TIMES 4u

#define WAIT_TIMES 10u /* attest_wait(): so many times look_timeout */

static uint64_t
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static uint64_t
limit(const struct server *sv, bool hash)
{
	return (uint64_t)sv->config.look_timeout * 1000 *
	    (hash ? HASH_TIMES : 1);
}

/*
 * Into the list, behind those whose turn is as early.  The turn of a uid's
 * question is after its last one's that waits, and not before the turn that
 * it is now: so uids take turns, whatever each of them asks.
 */
static void
append(struct asked *list, struct ask *a)
{
	struct ask *before = list->last;

	a->turn = list->turn;
	for (const struct ask *b = list->last; b != NULL; b = b->prev)
		if (b->uid == a->uid) {
			a->turn = b->turn + 1;
			break;
		}
	while (before != NULL && before->turn > a->turn)
		before = before->prev;
	a->prev = before;
	a->next = before != NULL ? before->next : list->first;
	if (a->next != NULL)
		a->next->prev = a;
	else
		list->last = a;
	if (before != NULL)
		before->next = a;
	else
		list->first = a;
}

static void
take_out(struct asked *list, struct ask *a)
{
	if (a->prev != NULL)
		a->prev->next = a->next;
	else
		list->first = a->next;
	if (a->next != NULL)
		a->next->prev = a->prev;
	else
		list->last = a->prev;
	a->next = a->prev = NULL;
}

/* Who can be asked that now, or NULL. */
static struct looker *
find_looker(struct asked *list, const struct ask *a)
{
	struct looker *found = NULL;
	unsigned share = 0, hashes = 0;

	for (unsigned i = WITNESS_WORKERS; i-- > 0;) {
		struct looker *l = &list->lookers[i];

		if (l->id != 0 && l->uid == a->uid) {
			share++;
			hashes += l->hash;
		} else if (l->id == 0 && !l->renewed &&
		    (!a->hash || i >= HASH_FIRST))
			found = l;
	}
	return share >= SHARE || (a->hash && hashes > 0) ? NULL : found;
}

static bool
any_idle(const struct asked *list)
{
	for (unsigned i = 0; i < WITNESS_WORKERS; i++)
		if (list->lookers[i].id == 0 && !list->lookers[i].renewed)
			return true;
	return false;
}

static void
send_to(struct server *sv, struct looker *l, struct ask *a)
{
	struct asked *list = &sv->asked;

	if (!witness_ask(sv->witness.worker[l - list->lookers], a->id, a->pid,
		a->hash, a->cgroup))
		return; /* it has ended: the keeper's socket will tell */
	take_out(list, a);
	list->turn = a->turn;
	a->looker = l;
	*l = (struct looker){ .id = a->id, .ask = a, .uid = a->uid,
		.hash = a->hash, .due = now() + limit(sv, a->hash) };
}

/* Ask what can be asked now; the rest goes when there are answers. */
static void
send_some(struct server *sv)
{
	struct asked *list = &sv->asked;
	struct ask *a, *next;
	struct looker *l;

	for (a = list->first; a != NULL && any_idle(list); a = next) {
		next = a->next;
		if ((l = find_looker(list, a)) != NULL)
			send_to(sv, l, a);
	}
}

bool
attest_ask(struct server *sv, struct ask *a)
{
	if (sv->witness.keeper == -1 || (a->pid == 0 && a->cgroup[0] == '\0'))
		return false;
	a->id = ++sv->asked.ids;
	a->looker = NULL;
	append(&sv->asked, a);
	send_some(sv);
	return true;
}

void
attest_forget(struct server *sv, struct ask *a)
{
	if (a->id == 0)
		return;
	if (a->looker != NULL)
		a->looker->ask = NULL;
	else
		take_out(&sv->asked, a);
	a->looker = NULL;
	a->id = 0;
}

/* Its question is answered. */
static void
hand_on(struct looker *l, const struct witness_answer *answer, int fd)
{
	struct ask *a = l->ask;

	l->id = 0;
	l->ask = NULL;
	if (a != NULL) {
		a->looker = NULL;
		a->id = 0;
		a->answered(a, answer, fd);
	} else if (fd != -1)
		(void)close(fd);
}

static enum witness_result
take(struct server *sv, unsigned i)
{
	struct looker *l = &sv->asked.lookers[i];
	struct witness_answer answer;
	enum witness_result r;
	int fd;

	r = witness_take(sv->witness.worker[i], &answer, &fd);
	if (r != WITNESS_ANSWERED)
		return r;
	if (answer.id == 0) {
		l->renewed = false;
		l->due = 0;
	} else if (answer.id == l->id) {
		hand_on(l, &answer, fd);
		return r;
	}
	/* Or it was given up, and has answered nevertheless. */
	if (fd != -1)
		(void)close(fd);
	return r;
}

bool
attest_event(struct server *sv, const int *fd)
{
	if (fd == &sv->witness.keeper ||
	    take(sv, (unsigned)(fd - sv->witness.worker)) == WITNESS_GONE)
		return false;
	send_some(sv);
	return true;
}

/* It has not answered in time, or is not ready in time. */
static bool
give_up(struct server *sv, unsigned i)
{
	const struct witness_answer nothing = { .late = true,
		.facts = { .uid = NO_ID, .gid = NO_ID } };
	struct looker *l = &sv->asked.lookers[i];

	l->renewed = true;
	l->due = now() + limit(sv, true);
	if (l->id != 0) {
		sv->asked.late++;
		sv->asked.late_all++;
		sv->asked.late_uid = l->uid;
		hand_on(l, &nothing, -1);
	}
	return witness_renew(&sv->witness, i);
}

bool
attest_tick(struct server *sv)
{
	uint64_t clock = 0;

	for (unsigned i = 0; i < WITNESS_WORKERS; i++) {
		const struct looker *l = &sv->asked.lookers[i];

		if (l->id == 0 && !l->renewed)
			continue;
		if (clock == 0)
			clock = now();
		if (clock < l->due)
			continue;
		/* It may be the daemon that was late. */
		switch (take(sv, i)) {
		case WITNESS_NONE:
			if (!give_up(sv, i))
				return false;
			break;
		case WITNESS_ANSWERED:
			break;
		case WITNESS_GONE:
			return false;
		}
	}
	send_some(sv);
	return true;
}

int
attest_timeout(const struct server *sv)
{
	uint64_t due = UINT64_MAX, clock;

	for (unsigned i = 0; i < WITNESS_WORKERS; i++) {
		const struct looker *l = &sv->asked.lookers[i];

		if ((l->id != 0 || l->renewed) && l->due < due)
			due = l->due;
	}
	if (due == UINT64_MAX)
		return -1;
	clock = now();
	return due <= clock ? 0 : (int)((due - clock) / 1000) + 1;
}

/* It is no disk that the daemon waits for. */
static int
wait_for(struct server *sv, struct pollfd p[1 + WITNESS_WORKERS])
{
	int n, e;

	sentry_pause(&sv->sentry);
	n = poll(p, 1 + WITNESS_WORKERS, attest_timeout(sv));
	e = errno;
	sentry_resume(&sv->sentry);
	errno = e;
	return n;
}

void
attest_wait(struct server *sv, const size_t *left)
{
	uint64_t end = now() + WAIT_TIMES * limit(sv, false);
	struct pollfd p[1 + WITNESS_WORKERS];

	while (*left > 0 && now() < end) {
		p[0] = (struct pollfd){ sv->witness.keeper, POLLIN, 0 };
		for (unsigned i = 0; i < WITNESS_WORKERS; i++)
			p[1 + i] = (struct pollfd){ sv->witness.worker[i],
				POLLIN, 0 };
		if (wait_for(sv, p) == -1 && errno != EINTR)
			return;
		if (p[0].revents != 0)
			return;
		for (unsigned i = 0; i < WITNESS_WORKERS; i++)
			if (p[1 + i].revents != 0 &&
			    !attest_event(sv, &sv->witness.worker[i]))
				return;
		if (!attest_tick(sv))
			return;
	}
}
