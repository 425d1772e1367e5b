#include "quota.h"

#include <stdlib.h>

/* What one request may need: to come in, and to be answered, twice. */
#define REQUEST_CHUNKS (2 * (FRAME_MAX + READ_MAX) / CHUNK_DATA)
#define ROOT_EXTRA 8u /* connections that are kept for uid 0 */
#define CONN_TURN 64u		/* requests of a connection in one turn */

static struct uid_use *
find(const struct server *sv, uint32_t uid)
{
	for (size_t i = 0; i < sv->use_count; i++)
		if (sv->uses[i].uid == uid)
			return &sv->uses[i];
	return NULL;
}

static struct uid_use *
add(struct server *sv, uint32_t uid)
{
	if (sv->use_count == sv->use_size) {
		size_t size = sv->use_size == 0 ? 16 : sv->use_size * 2;
		struct uid_use *uses =
		    realloc(sv->uses, size * sizeof(*uses));

		if (uses == NULL)
			return NULL;
		sv->uses = uses;
		sv->use_size = size;
	}
	sv->uses[sv->use_count] = (struct uid_use){ .uid = uid };
	return &sv->uses[sv->use_count++];
}

bool
quota_admit(struct server *sv, uint32_t uid)
{
	struct uid_use *use = find(sv, uid);

	/* Root gets in when all others have taken every place. */
	if (sv->conn_count >= sv->config.max_connections +
		    (uid == 0 ? ROOT_EXTRA : 0) ||
	    (use == NULL && (use = add(sv, uid)) == NULL) ||
	    use->connections >= sv->config.max_per_uid)
		return false;
	use->connections++;
	return true;
}

void
quota_charge(struct conn *c)
{
	struct uid_use *use = find(c->sv, c->peer.uid);
	size_t chunks = c->in.chunks + c->out.chunks;

	if (use == NULL || chunks == c->counted)
		return;
	use->chunks += chunks - c->counted;
	c->counted = chunks;
}

void
quota_leave(struct conn *c)
{
	struct uid_use *use = find(c->sv, c->peer.uid);

	if (use == NULL)
		return;
	use->chunks -= c->counted;
	c->counted = 0;
	quota_forget(c->sv, c->peer.uid);
}

void
quota_forget(struct server *sv, uint32_t uid)
{
	struct uid_use *use = find(sv, uid);

	if (use != NULL && --use->connections == 0)
		*use = sv->uses[--sv->use_count];
}

/* Has it sent something that could be served now? */
static bool
can_go_on(const struct conn *c)
{
	return c->in.size > 0 && c->out.size == 0 && !c->paused &&
	    c->look.state != LOOK_OPEN && !c->tell.waits;
}

/*
 * Is it the oldest connection of its uid that has something kept, and can go
 * on?  If none did, each would wait for the buffers that the others hold.  A
 * frame that has begun has a deadline, and what is whole is served: so it will
 * be another one's turn.
 */
static bool
is_first(const struct conn *c)
{
	const struct conn *first = NULL;

	for (const struct conn *t = c->sv->conns; t != NULL; t = t->next)
		if (t->peer.uid == c->peer.uid && can_go_on(t))
			first = t;
	return first == c;
}

bool
quota_within_share(const struct conn *c)
{
	const struct uid_use *use = find(c->sv, c->peer.uid);

	return use != NULL && (use->chunks == 0 ||
	    use->chunks + REQUEST_CHUNKS < c->sv->pool.left || is_first(c));
}

bool
quota_may_serve(const struct conn *c)
{
	const struct uid_use *use = find(c->sv, c->peer.uid);
	uint64_t turn = c->sv->turns;

	return (c->turn != turn || c->served < CONN_TURN) && use != NULL &&
	    (use->turn != turn ||
		use->served < TURN_MAX - c->sv->turn.count);
}

void
quota_served(struct conn *c)
{
	struct uid_use *use = find(c->sv, c->peer.uid);
	uint64_t turn = c->sv->turns;

	c->served = c->turn == turn ? c->served + 1 : 1;
	c->turn = turn;
	if (use == NULL)
		return;
	use->served = use->turn == turn ? use->served + 1 : 1;
	use->turn = turn;
}

void
quota_spent(struct conn *c)
{
	struct uid_use *use = find(c->sv, c->peer.uid);

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
		return sv->starved && !sv->moved ? 10 : 0;
	if (sv->timed == NULL)
		return -1;
	left = sv->timed->deadline > sv->clock ?
	    sv->timed->deadline - sv->clock :
	    0;
	return (int)(left / 1000) + 1;
}
