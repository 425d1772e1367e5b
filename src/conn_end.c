/* How a connection ends. */
#include "conn.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "attest.h"
#include "dispatch.h"
#include "known.h"
#include "quota.h"
#include "tell.h"
#include "turn.h"

#define ENDS 64 /* told at once */

static void
unlink_conn(struct conn *c)
{
	struct server *sv = c->sv;

	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		sv->conns = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	sv->conn_count--;
}

void
conn_close(struct conn *c)
{
	struct server *sv = c->sv;

	if (c->dead)
		return;
	c->dead = true;
	quota_deadline(c, false);
	unlink_conn(c);
	sentry_claim(&sv->sentry);
	sentry_leave(&sv->sentry, c->fd);
	(void)close(c->fd);
	sentry_unclaim(&sv->sentry);
	if (c->known != NULL)
		known_leave(sv, c->known);
	else if (c->watch_fd != -1)
		(void)close(c->watch_fd);
	attest_forget(sv, &c->ask);
	conn_look_end(c);
	resync_free(c->resync);
	c->resync = NULL;
	tell_end(c);
	chain_consume(&sv->pool, &c->in, c->in.size);
	chain_consume(&sv->pool, &c->out, c->out.size);
	quota_leave(c);
	if (sv->waiting.conn == c)
		sv->waiting.conn = NULL;
	c->dead_next = sv->dead;
	sv->dead = c;
}

void
conn_expire(struct server *sv)
{
	while (sv->timed != NULL && sv->timed->deadline <= sv->clock) {
		struct conn *c = sv->timed;

		quota_deadline(c, false);
		if (c->in.size > 0 && c->out.size == 0 && turn_has_room(sv)) {
			dispatch_reject(sv, c, COFRE_BAD_FRAME, "too slow");
			if (c->dirty)
				continue;
		} /* or there was no buffer for a word */
		conn_close(c);
	}
}

void
conn_note_ends(struct server *sv)
{
	struct epoll_event events[ENDS];
	int n;

	do {
		n = epoll_wait(sv->ends, events, ENDS, 0);
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;

			if (c->over) /* it was told again when reaped */
				continue;
			c->over = true;
			c->over_next = sv->over;
			sv->over = c;
		}
	} while (n == ENDS);
}

void
conn_close_over(struct server *sv)
{
	while (sv->over != NULL) {
		struct conn *c = sv->over;

		sv->over = c->over_next;
		conn_close(c);
	}
}

void
conn_close_all(struct server *sv)
{
	while (sv->conns != NULL)
		conn_close(sv->conns);
}

void
conn_bury(struct server *sv)
{
	if (sv->dead != NULL)
		conn_forget_ready(sv);
	while (sv->dead != NULL) {
		struct conn *c = sv->dead;

		sv->dead = c->dead_next;
		peer_free(&c->peer);
		/* It has the name of the workspace that was chosen. */
		if (c->agent != NULL)
			secmem_wipe(c->agent, sizeof(*c->agent));
		free(c->agent);
		secmem_wipe(c, sizeof(*c));
		free(c);
	}
}
