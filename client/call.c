#include "call.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handle.h"
#include "refusal.h"

/* Statuses from here on are the library's own and not on the wire. */
#define STATUS_LOCAL 64u
/* One poll(2) waits no longer than that, a call may. */
#define POLL_MAX_MS 3600000

enum cofre_status
call_fail(cofre *c, enum cofre_status s, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(c->error, sizeof(c->error), format, ap);
	va_end(ap);
	return s;
}

void
call_set_client(cofre *c, const char *name)
{
	(void)snprintf(c->client, sizeof(c->client), "%s", name);
}

void
call_set_retry(cofre *c, const char *text)
{
	c->retry = text;
}

void
call_set_verb(cofre *c, const char *verb)
{
	c->verb = verb;
}

/*
 * Building a request.
 */

/* The secret is out of the buffer as soon as it is sent. */
static void
wipe_out(cofre *c)
{
	secmem_wipe(c->out.data, c->out.len);
	c->out.len = 0;
}

void
call_done(cofre *c)
{
	wipe_out(c);
	secmem_wipe(c->in, c->in_max);
	c->in_len = c->in_max = 0;
}

static void
put_hello(cofre *c)
{
	const struct hello_request q = { PROTO_VERSION, PROTO_VERSION,
		view_of(c->client) };
	size_t at = frame_begin(&c->out, FRAME_REQUEST, OP_HELLO, c->id++);

	hello_request_put(&c->out, &q);
	frame_end(&c->out, at);
}

struct wire_writer *
call_begin(cofre *c, enum op_code op)
{
	handle_own(c);
	call_done(c);
	c->error[0] = '\0';
	wire_writer_init(&c->out, c->mem.base,
	    c->mem.base == NULL ? 0 : HANDLE_OUT_SIZE);
	c->id++;
	if (!c->greeted)
		put_hello(c);
	c->op = op;
	c->frame = frame_begin(&c->out, FRAME_REQUEST, (uint16_t)op, c->id);
	return &c->out;
}

/*
 * Sending and receiving.
 */

/* What to add: a write that was sent whole may have been done all the same. */
static const char *
doubt(const cofre *c, bool sent)
{
	const struct op *op = op_find((uint16_t)c->op);

	if (!sent || op == NULL || (op->flags & OPF_WRITE) == 0)
		return "";
	return ", but look first whether the change was made";
}

static enum cofre_status
fail_timeout(cofre *c)
{
	handle_give_up(c);
	return call_fail(c, COFRE_TIMEOUT,
	    "%s: no answer in %u ms; %s%s", c->what, c->timeout_ms, c->retry,
	    doubt(c, c->out.len == 0));
}

static enum cofre_status
fail_closed(cofre *c)
{
	handle_give_up(c);
	return call_fail(c, COFRE_CLOSED,
	    "%s: the daemon closed the connection before it answered; %s%s",
	    c->what, c->retry, doubt(c, !c->cut));
}

static enum cofre_status
fail_reply(cofre *c, const char *why)
{
	handle_give_up(c);
	return call_fail(c, COFRE_BAD_REPLY,
	    "%s: %s; the connection is closed: do cofred and this library "
	    "belong together?", c->what, why);
}

/* A broken connection of any kind. */
static enum cofre_status
fail_errno(cofre *c)
{
	if (errno == EPIPE || errno == ECONNRESET)
		return fail_closed(c);
	(void)call_fail(c, COFRE_CLOSED, "%s: %m; %s", c->what, c->retry);
	handle_give_up(c);
	return COFRE_CLOSED;
}

static enum cofre_status
wait_for(cofre *c, short events)
{
	struct pollfd p = { .fd = c->fd, .events = events };
	int64_t left;
	int n;

	do {
		left = c->deadline - handle_now();
		if (left < 0)
			left = 0;
		n = poll(&p, 1, left > POLL_MAX_MS ? POLL_MAX_MS : (int)left);
	} while ((n == -1 && errno == EINTR) || (n == 0 && left > POLL_MAX_MS));
	if (n == -1)
		return fail_errno(c);
	return n == 0 ? fail_timeout(c) : COFRE_OK;
}

/*
 * Send what is left.  The kernel tells the daemon the real ids of a sender,
 * unless it says itself which of its own it means: those by which it has
 * connected.
 */
static ssize_t
send_some(const cofre *c, size_t done, size_t end)
{
	const struct ucred me = { c->pid, c->uid, getegid() };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec iov = { c->out.data + done, end - done };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *h;

	if (c->explicit_ids) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof(control.room);
		h = CMSG_FIRSTHDR(&msg);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_CREDENTIALS;
		h->cmsg_len = CMSG_LEN(sizeof(me));
		memcpy(CMSG_DATA(h), &me, sizeof(me));
	}
	return sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/*
 * Send out from done to end.  A daemon that closes the connection meanwhile
 * may have said why: that is no error yet, the reply tells.
 */
static enum cofre_status
send_all(cofre *c, size_t done, size_t end)
{
	enum cofre_status s = COFRE_OK;
	ssize_t n;

	while (s == COFRE_OK && done < end) {
		n = send_some(c, done, end);
		if (n >= 0) {
			done += (size_t)n;
		} else if (errno == EAGAIN) {
			s = wait_for(c, POLLOUT);
		} else if (errno == EPIPE || errno == ECONNRESET) {
			c->cut = true;
			break;
		} else if (errno != EINTR) {
			s = fail_errno(c);
		}
	}
	return s;
}

/* Read what is there, at least a byte. */
static enum cofre_status
fill(cofre *c)
{
	enum cofre_status s;
	ssize_t n;

	for (;;) {
		s = wait_for(c, POLLIN);
		if (s != COFRE_OK)
			return s;
		n = recv(c->fd, c->in + c->in_len,
		    HANDLE_IN_SIZE - c->in_len, MSG_DONTWAIT);
		if (n > 0)
			break;
		if (n == 0)
			return fail_closed(c);
		if (errno != EINTR && errno != EAGAIN)
			return fail_errno(c);
	}
	c->in_len += (size_t)n;
	if (c->in_len > c->in_max)
		c->in_max = c->in_len;
	return COFRE_OK;
}

/* Wait for a whole frame; *size is its length in the buffer. */
static enum cofre_status
read_frame(cofre *c, struct frame *f, size_t *size)
{
	enum cofre_status s = COFRE_OK;

	while (s == COFRE_OK) {
		switch (frame_parse((struct view){ c->in, c->in_len }, f,
		    size)) {
		case FRAME_OK:
			return COFRE_OK;
		case FRAME_BAD:
			return fail_reply(c,
			    "the answer's length is not possible");
		case FRAME_MORE:
			s = fill(c);
			break;
		}
	}
	return s;
}

/*
 * Wait for the reply with that operation and id, or one that is about the
 * connection and the end of it: both are 0.  The status that it carries goes
 * to *wire; *body is what follows it.
 */
static enum cofre_status
read_reply(cofre *c, enum op_code op, uint32_t id, uint32_t *wire,
    struct view *body, size_t *size)
{
	struct frame f = { 0 };
	struct wire_reader r;
	enum cofre_status s = read_frame(c, &f, size);
	bool last = f.op == 0 && f.id == 0;

	if (s != COFRE_OK)
		return s;
	if (f.version != PROTO_VERSION)
		return fail_reply(c,
		    "the answer is in another version of the protocol");
	if (f.kind != FRAME_REPLY || (!last && (f.op != op || f.id != id)))
		return fail_reply(c, "the answer is to another question");
	wire_reader_init(&r, f.body);
	*wire = wire_get_u32(&r);
	if (r.bad || *wire >= STATUS_LOCAL ||
	    ((*wire != 0 || last) && r.len > 0) || (*wire == 0 && last))
		return fail_reply(c, "the answer can't be decoded");
	c->cut |= last;
	*body = (struct view){ r.data, r.len };
	return COFRE_OK;
}

/* Read the answer to the hello and take it out of the buffer. */
static enum cofre_status
read_hello(cofre *c)
{
	struct hello_reply m;
	struct view body;
	uint32_t wire;
	size_t size;
	enum cofre_status s = read_reply(c, OP_HELLO, c->id - 1, &wire, &body,
	    &size);

	if (s != COFRE_OK)
		return s;
	if (wire != COFRE_OK) {
		handle_give_up(c);
		return refusal_at_connect(c, (enum cofre_status)wire);
	}
	if (!hello_reply_decode(body, &m))
		return fail_reply(c, "the daemon's hello can't be decoded");
	if (m.version != PROTO_VERSION) {
		handle_give_up(c);
		return refusal(c, COFRE_BAD_VERSION, "");
	}
	c->greeted = true;
	c->in_len -= size;
	memmove(c->in, c->in + size, c->in_len);
	return COFRE_OK;
}

/*
 * The hello goes alone: when its answer is there, the daemon has seen which
 * program this is, so that a request can count as that program's.  What was
 * sent before could be that of one which then executed another.
 */
static enum cofre_status
greet(cofre *c)
{
	enum cofre_status s = send_all(c, 0, c->frame);

	return s == COFRE_OK ? read_hello(c) : s;
}

/* Read the answer to the request: the last thing that may be there. */
static enum cofre_status
read_answer(cofre *c, const char *object, struct view *body)
{
	struct view rest;
	uint32_t wire;
	size_t size;
	enum cofre_status s = read_reply(c, c->op, c->id, &wire, &rest,
	    &size);

	if (s != COFRE_OK)
		return s;
	if (c->in_len != size)
		return fail_reply(c, "more came than the answer");
	if (wire != COFRE_OK) {
		if (c->cut)
			handle_give_up(c);
		return refusal(c, (enum cofre_status)wire, object);
	}
	if (c->cut)
		return fail_reply(c, "the answer came before the question");
	*body = rest;
	return COFRE_OK;
}

enum cofre_status
call_send(cofre *c, const char *verb, const char *object)
{
	enum cofre_status s;

	(void)snprintf(c->what, sizeof(c->what), "%s%s%s",
	    c->verb != NULL ? c->verb : verb,
	    *object == '\0' ? "" : " ", object);
	frame_end(&c->out, c->frame);
	if (c->fd == -1)
		s = call_fail(c, COFRE_CLOSED,
		    "%s: this handle has no connection; open a new one",
		    c->what);
	else if (c->out.bad)
		s = call_fail(c, COFRE_TOO_LARGE,
		    "%s: a name or value is over its size limit", c->what);
	else {
		c->cut = false;
		c->deadline = handle_now() + c->timeout_ms;
		s = COFRE_OK;
		if (!c->greeted)
			s = greet(c);
		if (s == COFRE_OK)
			s = send_all(c, c->frame, c->out.len);
		wipe_out(c);
	}
	if (s != COFRE_OK)
		call_done(c);
	return s;
}

enum cofre_status
call_answer(cofre *c, const char *object, struct view *body)
{
	enum cofre_status s = read_answer(c, object, body);

	if (s != COFRE_OK)
		call_done(c);
	return s;
}

enum cofre_status
call_run(cofre *c, const char *verb, const char *object, struct view *body)
{
	enum cofre_status s = call_send(c, verb, object);

	return s == COFRE_OK ? call_answer(c, object, body) : s;
}

enum cofre_status
call_bad_reply(cofre *c)
{
	return fail_reply(c, "the answer can't be decoded");
}
