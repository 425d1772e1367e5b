#include "attest.h"

#include <unistd.h>

#include "witness.h"

/* So many questions at most are under way: their answers hold descriptors
   that the kernel counts, and fit the socket's buffer. */
#define FLIGHT_MAX 64u

static void
append(struct asked *a, struct conn *c)
{
	c->ask_prev = a->last;
	c->ask_next = NULL;
	if (a->last != NULL)
		a->last->ask_next = c;
	else
		a->first = c;
	a->last = c;
	if (a->unsent == NULL)
		a->unsent = c;
}

static void
take_out(struct asked *a, struct conn *c)
{
	if (c->ask_prev != NULL)
		c->ask_prev->ask_next = c->ask_next;
	else
		a->first = c->ask_next;
	if (c->ask_next != NULL)
		c->ask_next->ask_prev = c->ask_prev;
	else
		a->last = c->ask_prev;
	if (a->unsent == c)
		a->unsent = c->ask_next;
	c->ask_next = c->ask_prev = NULL;
	c->ask_id = 0;
}

/* Send what the witness takes now; the rest goes with the next answers. */
static void
send_some(struct server *sv)
{
	struct asked *a = &sv->asked;

	while (a->unsent != NULL && a->flight < FLIGHT_MAX &&
	    witness_ask(sv->witness_fd, a->unsent->ask_id,
		a->unsent->peer.pid)) {
		a->flight++;
		a->unsent = a->unsent->ask_next;
	}
}

bool
attest_ask(struct conn *c)
{
	struct server *sv = c->sv;

	if (sv->witness_fd == -1 || c->peer.pid == 0)
		return false;
	c->ask_id = ++sv->asked.ids;
	append(&sv->asked, c);
	send_some(sv);
	return true;
}

void
attest_forget(struct conn *c)
{
	if (c->ask_id != 0)
		take_out(&c->sv->asked, c);
}

/* Answers come in the order of the questions; whose connection has gone
   meanwhile is not in the list any more. */
static void
hand_on(struct server *sv, const struct witness_answer *answer, int watch_fd)
{
	struct conn *c = sv->asked.first;

	sv->asked.flight--;
	if (c != NULL && c->ask_id == answer->id) {
		take_out(&sv->asked, c);
		conn_attested(c, &answer->facts, answer->watched, watch_fd);
	} else if (watch_fd != -1)
		(void)close(watch_fd);
}

bool
attest_event(struct server *sv)
{
	struct witness_answer answer;
	enum witness_result r;
	int fd;

	while (sv->asked.flight > 0 &&
	    (r = witness_take(sv->witness_fd, &answer, &fd)) ==
		WITNESS_ANSWERED)
		hand_on(sv, &answer, fd);
	/* It says nothing unasked: what it says then is that it is gone. */
	if (sv->asked.flight == 0)
		r = witness_take(sv->witness_fd, &answer, &fd);
	send_some(sv);
	return r == WITNESS_NONE;
}
