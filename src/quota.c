#include "quota_impl.h"

#define CONN_TURN 64u		/* requests of a connection in one turn */

/*
 * Nanoseconds of a turn for a uid: while others are served as well, all the
 * time or now and then; when it writes, for the commit takes longer than that
 * anyway, and gets cheaper the more it has; while others are connected, but
 * have not been served lately; and while nobody else is.
 */
#define TIME_BESIDE 25000u
#define TIME_SELDOM 50000u
#define TIME_WRITING 400000u
#define TIME_QUIET 500000u
#define TIME_ALONE 2000000u

/* Who has been served so short a time ago may be waiting again. */
#define LATELY QUOTA_LATELY
#define JUST_NOW 2000000u
#define REST_MAX 50000000u

/*
 * One request after the other that takes so long is followed by a rest so many
 * times as long, while others read all the time; but for no more than so much
 * of it, since that the machine stood still is nobody's.
 */
#define TIME_LONG 150000u
#define TIME_LONG_MOST 500000u
#define LONG_REST 4u

/* The disk: microseconds that a uid owes for one in which it has kept it; what
   it may owe before it waits, which is 50 ms of the disk; and at most. */
#define DISK_OWED 200u
#define DISK_PATIENCE (50000u * DISK_OWED)
#define DISK_MOST (DISK_PATIENCE + 4000000u)

/*
 * The log: nanoseconds that a cell of it costs a uid, which is 4 MiB a second;
 * how many it may be ahead before it waits, which is 1 MiB; and at most, so
 * that nobody waits for what he had while he was alone.
 */
#define LOG_CELL_TIME (1000000000u / ((4u << 20) / LOG_CELL))
#define LOG_PATIENCE 250000000u
#define LOG_MOST (LOG_PATIENCE + 20000000u)

/* Has somebody else been served in the last so many nanoseconds? */
static bool
has_others_since(const struct recent *recent, uint32_t uid, uint64_t now,
    uint64_t span)
{
	const struct recent *r = &recent[recent[0].uid == uid];

	return r->at > 0 && now < r->at + span;
}

static bool
has_others(const struct recent *recent, uint32_t uid, uint64_t now)
{
	return has_others_since(recent, uid, now, LATELY);
}

static void
note_served(struct recent *recent, uint32_t uid, uint64_t now)
{
	if (recent[0].uid != uid)
		recent[1] = recent[0];
	recent[0] = (struct recent){ uid, now };
}

/* How much time of this turn a uid may have. */
static uint64_t
time_share(const struct server *sv, uint32_t uid)
{
	if (sv->uids < 2)
		return TIME_ALONE;
	if (sv->vault.turn_bytes > 0)
		return TIME_WRITING;
	if (!has_others(sv->recent, uid, sv->stopped))
		return TIME_QUIET;
	return has_others_since(sv->recent, uid, sv->stopped, JUST_NOW) ?
	    TIME_BESIDE :
	    TIME_SELDOM;
}

/* Has it filled the log for so long that it must let others go first? */
static bool
fills_log(const struct server *sv, const struct uid_use *use)
{
	return use->logged > sv->stopped + LOG_PATIENCE &&
	    has_others(sv->readers, use->uid, sv->stopped);
}

void
quota_logged(struct server *sv, uint32_t uid, uint64_t cells)
{
	struct uid_use *use = quota_use(sv, uid);

	if (use == NULL || sv->stopwatch == NULL)
		return;
	if (use->logged < sv->stopped)
		use->logged = sv->stopped;
	use->logged += cells * LOG_CELL_TIME;
	if (use->logged > sv->stopped + LOG_MOST)
		use->logged = sv->stopped + LOG_MOST;
}

bool
quota_may_serve(const struct conn *c)
{
	const struct uid_use *use = quota_use(c->sv, c->peer.uid);
	uint64_t turn = c->sv->turns;

	if (use != NULL &&
	    (use->rests > c->sv->stopped || fills_log(c->sv, use))) {
		c->sv->rested = true;
		return false;
	}
	return (c->turn != turn || c->served < CONN_TURN) && use != NULL &&
	    (use->turn != turn ||
		(use->served < TURN_MAX - c->sv->turn.count &&
		    use->full != turn));
}

void
quota_served(struct conn *c)
{
	struct uid_use *use = quota_use(c->sv, c->peer.uid);
	uint64_t turn = c->sv->turns;

	c->served = c->turn == turn ? c->served + 1 : 1;
	c->turn = turn;
	if (use == NULL)
		return;
	if (use->turn != turn)
		use->took = use->served = 0;
	use->served++;
	use->turn = turn;
}

void
quota_look(struct server *sv)
{
	if (sv->stopwatch != NULL)
		sv->stopped = sv->stopwatch();
}

bool
quota_is_over(const struct conn *c)
{
	const struct server *sv = c->sv;

	return sv->stopwatch != NULL &&
	    sv->stopwatch() - sv->stopped >= time_share(sv, c->peer.uid);
}

/* It has kept others waiting for so long: now it is for them, who were there
   just before that.  What it rests already is not made less. */
static void
rest(const struct server *sv, struct uid_use *use, uint64_t took)
{
	uint64_t until = sv->stopped + (took < REST_MAX ? took : REST_MAX);

	if (until > use->rests &&
	    has_others_since(sv->recent, use->uid, sv->stopped, LATELY + took))
		use->rests = until;
}

/* Has the one who was served last besides it written in this turn, too? */
static bool
other_wrote(const struct server *sv, uint32_t uid)
{
	const struct uid_use *use =
	    quota_use(sv, sv->recent[sv->recent[0].uid == uid].uid);

	return use != NULL && use->wrote == sv->turns;
}

static bool
has_kept_disk(const struct turn_entry *e)
{
	return e->flushed || (e->wrote && e->record.status == COFRE_OK);
}

/* Is it the first of its uid for which the turn waits? */
static bool
is_its_first(const struct turn *t, size_t i)
{
	if (!has_kept_disk(&t->entries[i]))
		return false;
	for (size_t j = 0; j < i; j++)
		if (t->entries[j].record.uid == t->entries[i].record.uid &&
		    has_kept_disk(&t->entries[j]))
			return false;
	return true;
}

/* Let the uid owe so much more, up to what anybody may owe. */
static void
owe(struct server *sv, uint32_t uid, uint64_t us)
{
	uint64_t left = DISK_MOST - budget_owed(&sv->disk, uid, 0, sv->clock);

	(void)budget_take(&sv->disk, uid, 0, sv->clock, us < left ? us : left,
	    DISK_MOST);
}

/* Nobody could be served for so long: who was there is there all the same. */
static void
stand(struct recent *recent, uint64_t took)
{
	for (size_t i = 0; i < 2; i++)
		if (recent[i].at > 0)
			recent[i].at += took;
}

void
quota_flushed(struct server *sv, uint64_t took)
{
	uint64_t us = took / 1000 * DISK_OWED;
	unsigned uids = 0;

	stand(sv->recent, took);
	stand(sv->readers, took);
	for (size_t i = 0; i < sv->turn.count; i++)
		uids += is_its_first(&sv->turn, i);
	for (size_t i = 0; i < sv->turn.count; i++)
		if (is_its_first(&sv->turn, i))
			owe(sv, sv->turn.entries[i].record.uid, us / uids);
}

bool
quota_owes(const struct server *sv, uint32_t uid)
{
	return uid != 0 && has_others(sv->readers, uid, sv->stopped) &&
	    budget_owed(&sv->disk, uid, 0, sv->clock) > DISK_PATIENCE;
}

bool
quota_may_write(const struct conn *c)
{
	struct server *sv = c->sv;
	struct uid_use *use = quota_use(sv, c->peer.uid);

	if (use == NULL || use->uid == 0 ||
	    (use->barred != sv->turns && !quota_owes(sv, use->uid)))
		return true;
	use->barred = sv->turns;
	sv->rested = true;
	return false;
}

bool
quota_may_go_on(const struct conn *c)
{
	return quota_may_serve(c) && (!c->writes || quota_may_write(c));
}

void
quota_wrote(struct server *sv, uint64_t took)
{
	struct uid_use *use;

	for (size_t i = 0; i < sv->turn.count; i++) {
		const struct turn_entry *e = &sv->turn.entries[i];

		if (e->wrote && e->record.status == COFRE_OK &&
		    (use = quota_use(sv, e->record.uid)) != NULL)
			use->wrote = sv->turns;
	}
	for (size_t i = 0; i < sv->use_count; i++)
		if (sv->uses[i].wrote == sv->turns &&
		    !other_wrote(sv, sv->uses[i].uid))
			rest(sv, &sv->uses[i], took);
	quota_flushed(sv, took);
}

static void
fill(struct server *sv, struct uid_use *use)
{
	if (use->full == sv->turns)
		return;
	use->fuller = use->full;
	use->full = sv->full = sv->turns;
}

/* It has had much more of the turn than its time. */
static void
rest_from(const struct server *sv, struct uid_use *use)
{
	uint64_t took = use->took;

	rest(sv, use, took);
	if (took <= TIME_LONG)
		return;
	if (sv->stopped < use->long_at + LATELY &&
	    has_others_since(sv->readers, use->uid, sv->stopped, JUST_NOW))
		rest(sv, use, LONG_REST *
		    (took < TIME_LONG_MOST ? took : TIME_LONG_MOST));
	use->long_at = sv->stopped;
}

void
quota_took(struct conn *c)
{
	struct uid_use *use = quota_use(c->sv, c->peer.uid);
	uint64_t before = c->sv->stopped, share;

	if (use == NULL || c->sv->stopwatch == NULL)
		return;
	quota_look(c->sv);
	note_served(c->sv->recent, use->uid, c->sv->stopped);
	if (!c->writes && !c->vain)
		note_served(c->sv->readers, use->uid, c->sv->stopped);
	use->took += c->sv->stopped - before;
	share = time_share(c->sv, use->uid);
	if (use->took < share)
		return;
	if (use->took > 2 * (share < TIME_SELDOM ? TIME_SELDOM : share))
		rest_from(c->sv, use);
	fill(c->sv, use);
}

void
quota_filled(struct conn *c)
{
	struct uid_use *use = quota_use(c->sv, c->peer.uid);

	if (use != NULL && use->turn == c->sv->turns)
		fill(c->sv, use);
}

bool
quota_is_greedy(const struct conn *c)
{
	const struct uid_use *use = quota_use(c->sv, c->peer.uid);

	return use != NULL &&
	    (use->full == c->sv->turns ? use->fuller : use->full) + 1 ==
		c->sv->turns;
}

void
quota_spent(struct conn *c)
{
	struct uid_use *use = quota_use(c->sv, c->peer.uid);

	c->turn = c->sv->turns;
	c->served = CONN_TURN;
	if (use != NULL) {
		use->turn = c->sv->turns;
		use->served = TURN_MAX;
	}
}

static void
take_out(struct conn *c)
{
	struct server *sv = c->sv;

	if (c->timed_prev != NULL)
		c->timed_prev->timed_next = c->timed_next;
	else
		sv->timed = c->timed_next;
	if (c->timed_next != NULL)
		c->timed_next->timed_prev = c->timed_prev;
	else
		sv->timed_last = c->timed_prev;
	c->timed_next = c->timed_prev = NULL;
	c->deadline = 0;
}

void
quota_deadline(struct conn *c, bool on)
{
	struct server *sv = c->sv;
	struct conn *before;

	if (on == (c->deadline != 0))
		return;
	if (!on) {
		take_out(c);
		return;
	}
	c->deadline = sv->clock + (uint64_t)sv->config.request_timeout * 1000;
	/* The last one set is the last one due, unless the time was changed. */
	before = sv->timed_last;
	while (before != NULL && before->deadline > c->deadline)
		before = before->timed_prev;
	c->timed_prev = before;
	c->timed_next = before != NULL ? before->timed_next : sv->timed;
	if (c->timed_next != NULL)
		c->timed_next->timed_prev = c;
	else
		sv->timed_last = c;
	if (before != NULL)
		before->timed_next = c;
	else
		sv->timed = c;
}

int
quota_timeout(const struct server *sv)
{
	uint64_t left;

	if (sv->ready != NULL)
		return sv->moved ? 0 : sv->rested ? 1 : sv->starved ? 10 : 0;
	if (sv->timed == NULL)
		return -1;
	left = sv->timed->deadline > sv->clock ?
	    sv->timed->deadline - sv->clock :
	    0;
	return (int)(left / 1000) + 1;
}
