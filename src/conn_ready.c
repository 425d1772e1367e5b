/* Who waits for the next turn, and who comes first in it. */
#include "conn.h"

#include "quota.h"
#include "turn.h"

struct line {
	struct conn *first, *last;
};

static void
append(struct line *l, struct conn *c)
{
	c->ready_next = NULL;
	if (l->first == NULL)
		l->first = c;
	else
		l->last->ready_next = c;
	l->last = c;
}

void
conn_queue(struct conn *c)
{
	struct line all = { c->sv->ready, c->sv->ready_last };

	if (c->queued)
		return;
	if (!turn_has_room(c->sv))
		quota_filled(c);
	c->queued = true;
	append(&all, c);
	c->sv->ready = all.first;
	c->sv->ready_last = all.last;
}

struct conn *
conn_take_ready(struct server *sv)
{
	struct line lines[2] = { { NULL, NULL }, { NULL, NULL } };
	struct conn *c = sv->ready, *next;

	sv->ready = NULL;
	if (sv->full + 1 != sv->turns)
		return c; /* nobody had all of his time */
	for (; c != NULL; c = next) {
		next = c->ready_next;
		append(&lines[quota_is_greedy(c)], c);
	}
	if (lines[0].first == NULL)
		return lines[1].first;
	lines[0].last->ready_next = lines[1].first;
	return lines[0].first;
}

void
conn_forget_ready(struct server *sv)
{
	struct conn *c = sv->ready, *next;

	sv->ready = NULL;
	for (; c != NULL; c = next) {
		next = c->ready_next;
		c->queued = false;
		if (!c->dead)
			conn_queue(c);
	}
}
