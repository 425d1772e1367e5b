#include "conn.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "dispatch.h"
#include "frame.h"
#include "quota.h"
#include "tell.h"
#include "turn.h"
#include "witness.h"

#define OUT_MAX (64u * 1024) /* staged replies beyond which we wait */

/* It waits for something that is not its peer's to do. */
static bool
is_held(const struct conn *c)
{
	return c->paused || c->look.state == LOOK_OPEN;
}

/* A request has waited and is to be served again, before all others. */
static bool
is_due(const struct conn *c)
{
	return c->tell.body != NULL && !c->tell.waits;
}

/* True when there is enough to look at what is kept. */
static bool
has_frame(const struct conn *c)
{
	return is_due(c) || (c->in.size > 0 && c->in.size >= c->need);
}

/* Has it ended?  It has, too, when the sentry has refused it. */
static bool
is_gone(struct conn *c)
{
	if (!c->dead && sentry_refused(&c->sv->sentry, c->fd))
		conn_close(c);
	return c->dead;
}

/* Ask epoll for what can be used now; it is not told before more has come that
   nothing more is read for a while: mostly that is over sooner. */
static void
arm(struct conn *c)
{
	struct epoll_event ev = { .data.ptr = c };
	bool idle = c->out.size == 0 && !c->queued && !is_held(c);

	/* What it has sent is served, or its replies leave, later in the turn. */
	if (c->dirty || c->heard.len > 0)
		return;
	ev.events = c->out.size > 0 ? EPOLLOUT : idle ? EPOLLIN : 0;
	if (ev.events == c->armed || c->dead ||
	    (ev.events == 0 && c->armed == EPOLLIN && !c->more))
		return;
	c->armed = ev.events;
	if (epoll_ctl(c->sv->epoll, EPOLL_CTL_MOD, c->fd, &ev) == -1)
		conn_close(c); /* it would never be heard of again */
}

/*
 * Bring what its uid is charged with, its deadline and epoll up to date.  The
 * rest of a frame has to come in time also when it waits for buffers: they may
 * be those that other such frames hold.
 */
static void
settle(struct conn *c)
{
	if (c->dead)
		return;
	if (c->closing && c->out.size == 0) {
		conn_close(c);
		return;
	}
	if (c->tell.waits && c->in.size > 0) {
		tell_wake(c, true); /* which settles it */
		return;
	}
	sentry_keep(&c->sv->sentry, c->fd, c->queued || is_held(c));
	quota_charge(c);
	quota_deadline(c,
	    !c->greeted || c->out.size > 0 ||
		(c->in.size > 0 && !has_frame(c) && !is_held(c)));
	arm(c);
}

/* Can one more request of this connection be served in this turn? */
static bool
can_serve(struct conn *c)
{
	struct server *sv = c->sv;
	size_t room = FRAME_MAX + READ_MAX;

	/* What others have sent, and is not served, may have to be kept. */
	if (sv->heard_count > 0)
		room += HEARD_MAX + sv->heard_count * CHUNK_DATA;
	if (is_held(c) || c->tell.waits || c->closing || !turn_has_room(sv) ||
	    c->out.size >= OUT_MAX || !quota_may_go_on(c) ||
	    sentry_refused(&sv->sentry, c->fd))
		return false;
	if (chain_fits(&sv->pool, &c->out, room) && quota_within_share(c))
		return true;
	sv->starved = true;
	return false;
}

/* Has the request to wait, for the end of the turn or for the disk? */
static bool
must_wait(struct conn *c, const struct op *op)
{
	c->writes = op != NULL && (op->flags & (OPF_WRITE | OPF_ADMIN)) != 0;
	if (c->writes && !quota_may_write(c))
		return true;
	c->sv->moved = true;
	return turn_must_end(c->sv, c, op);
}

/* Keep bytes for later. */
static void
stash(struct conn *c, struct view rest)
{
	if (!chain_fits(&c->sv->pool, &c->in, rest.len)) {
		dispatch_reject(c->sv, c, COFRE_LIMIT, "no buffers");
		return;
	}
	chain_append(&c->sv->pool, &c->in, rest);
}

/*
 * Look at the frame that begins here, and serve it.  *size is its size, or
 * how much must be there to say more; false when it was not served whole.
 */
static bool
take_frame(struct conn *c, struct view in, size_t *size)
{
	struct frame f;

	switch (c->agent == NULL ? frame_parse(in, &f, size) :
				   agent_parse(c->agent, in, &f, size)) {
	case FRAME_MORE:
		return false;
	case FRAME_BAD:
		dispatch_reject(c->sv, c, COFRE_BAD_FRAME, "frame length");
		return false;
	case FRAME_OK:
		break;
	}
	if (must_wait(c, op_find(f.op)))
		return false;
	dispatch(c->sv, c, &f);
	quota_took(c);
	c->writes = false;
	quota_deadline(c, false);
	/* One that waits for an answer is served again. */
	return c->look.state != LOOK_OPEN;
}

static void
serve_due(struct conn *c)
{
	const struct frame f = { .version = PROTO_VERSION,
		.kind = FRAME_REQUEST, .op = OP_SECRET_WATCH,
		.id = c->tell.id, .body = { c->tell.body, c->tell.len } };

	c->sv->moved = true;
	dispatch(c->sv, c, &f);
	quota_took(c);
	if (c->look.state != LOOK_OPEN && !c->tell.waits)
		tell_end(c);
}

/* Serve what is there; what can't be served now is kept. */
static void
process(struct conn *c, struct view in)
{
	c->need = 4;
	while (in.len > 0 && can_serve(c)) {
		if (!take_frame(c, in, &c->need))
			break;
		in.data += c->need;
		in.len -= c->need;
		c->need = 4;
	}
	if (in.len == 0 || c->closing || c->dead)
		return;
	stash(c, in);
	if (has_frame(c) && !c->closing && !is_held(c))
		conn_queue(c);
}

/* Serve the frames that are kept, as far as the turn allows it. */
static void
serve_kept(struct conn *c)
{
	struct server *sv = c->sv;
	size_t n;

	while (has_frame(c) && can_serve(c)) {
		if (is_due(c)) {
			serve_due(c);
			continue;
		}
		n = c->need;
		chain_copy(&c->in, sv->kept, n);
		if (take_frame(c, (struct view){ sv->kept, n }, &c->need)) {
			chain_consume(&sv->pool, &c->in, n);
			c->need = 4;
		}
		secmem_wipe(sv->kept, n);
	}
	if (has_frame(c) && !c->closing && !is_held(c))
		conn_queue(c);
}

static void
end_of_input(struct conn *c)
{
	if (c->in.size > 0 && turn_has_room(c->sv))
		dispatch_reject(c->sv, c, COFRE_BAD_FRAME, "half a frame");
	else
		conn_close(c);
}

/* How many bytes to ask for: the rest of a frame, or a batch of them. */
static size_t
wanted(const struct conn *c)
{
	size_t rest = c->need - c->in.size;

	return c->in.size > 0 && rest < READ_MAX ? rest : READ_MAX;
}

/* Bytes that go on with a frame that has begun. */
static void
go_on(struct conn *c, struct view in)
{
	stash(c, in);
	if (!c->closing && has_frame(c))
		serve_kept(c);
}

/* The processes of one batch of connections that were looked at. */
#define LOOKS 16
struct looks {
	int fd[LOOKS]; /* what was asked, or -1 */
	bool same[LOOKS];
};

/* All of a batch is received by now: for what one process has sent by several
   of its connections one look at it is enough.  No descriptor of another one
   takes that number meanwhile: they come with answers of the witness. */
static bool
is_same(struct looks *l, int watch_fd)
{
	unsigned at = (unsigned)watch_fd % LOOKS;

	if (l->fd[at] != watch_fd) {
		l->same[at] = witness_same(watch_fd);
		l->fd[at] = watch_fd;
	}
	return l->same[at];
}

/* Somebody else than who has connected, or another program?  From then on
   nobody can say which bytes of a frame are whose, so that stays. */
static void
notice_sender(struct conn *c, struct looks *l)
{
	bool same = sender_is_peer(&c->speaker, &c->peer) && !c->over;

	if (c->foreign)
		return;
	c->executed = same && c->watch_fd != -1 && !is_same(l, c->watch_fd);
	c->foreign = !same || c->executed;
	c->sender = c->speaker;
}

/* Its bytes stand at the end of those that are served together. */
static void
hear(struct conn *c, size_t n)
{
	struct server *sv = c->sv;

	c->heard = (struct view){ sv->in + sv->heard_bytes, n };
	c->heard_next = NULL;
	if (sv->heard == NULL)
		sv->heard = c;
	else
		sv->heard_last->heard_next = c;
	sv->heard_last = c;
	sv->heard_count++;
	sv->heard_bytes += n;
	c->more = false;
	sentry_heard(&sv->sentry, c->fd);
}

/* What recvmsg(2) says. */
static ssize_t
receive(struct conn *c)
{
	ssize_t n = sender_receive(c->fd, c->sv->in + c->sv->heard_bytes,
	    wanted(c), &c->speaker);

	if (n > 0)
		hear(c, (size_t)n);
	else if (n == 0)
		end_of_input(c);
	else if (errno != EAGAIN && errno != EINTR)
		conn_close(c);
	return n;
}

static void
read_some(struct conn *c)
{
	if (c->heard.len > 0)
		return;
	if (c->tell.waits) { /* no longer, then: it is read after the answer */
		tell_wake(c, true);
		return;
	}
	if (c->sv->heard_bytes >= HEARD_MAX)
		conn_serve_heard(c->sv);
	if (has_frame(c) || !can_serve(c))
		conn_queue(c); /* no room for an answer now: the next turn */
	else
		(void)receive(c);
}

bool
conn_begin(struct conn *c)
{
	ssize_t n;

	if (c->sv->heard_bytes >= HEARD_MAX)
		conn_serve_heard(c->sv);
	if (!can_serve(c))
		return false; /* epoll tells of it again */
	n = receive(c);
	c->facts.sure = conn_is_sure(c, c->heard,
	    n > 0 ? !sender_has_none(c->fd) : n < 0 && errno != EAGAIN);
	settle(c);
	return true;
}

void
conn_serve_heard(struct server *sv)
{
	struct conn *c = sv->heard, *next;
	struct looks looks;
	struct view in;

	if (c == NULL)
		return;
	for (size_t i = 0; i < LOOKS; i++)
		looks.fd[i] = -1;
	sv->heard = NULL;
	conn_note_ends(sv);
	for (; c != NULL; c = next) {
		next = c->heard_next;
		in = c->heard;
		c->heard.len = 0;
		sv->heard_count--;
		if (is_gone(c))
			continue;
		quota_look(sv); /* what has come before it is not its own */
		notice_sender(c, &looks);
		if (c->in.size > 0)
			go_on(c, in);
		else
			process(c, in);
		settle(c);
	}
	secmem_wipe(sv->in, sv->heard_bytes);
	sv->heard_bytes = 0;
}

void
conn_event(struct conn *c, uint32_t events)
{
	if (is_gone(c))
		return;
	if (c->dirty)
		; /* what is staged leaves at the end of the turn, recorded */
	else if ((events & EPOLLOUT) != 0)
		conn_flush(c);
	else if ((events & EPOLLIN) != 0) {
		if (!(c->more = c->queued || is_held(c)))
			read_some(c);
	} else if ((events & (EPOLLHUP | EPOLLERR)) != 0)
		conn_close(c);
	settle(c);
}

void
conn_serve_ready(struct server *sv)
{
	struct conn *c = conn_take_ready(sv), *next;

	for (; c != NULL; c = next) {
		next = c->ready_next;
		c->queued = false;
		if (is_gone(c))
			continue;
		if (!quota_may_go_on(c)) { /* as it is, at little cost */
			conn_queue(c);
			continue;
		}
		quota_look(sv);
		if (c->out.size > 0 && !c->dirty)
			; /* it has to take its replies first */
		else if (has_frame(c))
			serve_kept(c);
		else
			read_some(c); /* it waited for its turn to be read */
		settle(c);
	}
}

void
conn_go_on(struct conn *c)
{
	if (has_frame(c) && c->out.size == 0 && !c->closing && !is_held(c))
		conn_queue(c);
	settle(c);
}

bool
conn_idle(const struct conn *c)
{
	return c->out.size == 0 && !has_frame(c) && !is_held(c);
}
