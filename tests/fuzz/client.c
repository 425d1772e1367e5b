#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "conn.h"
#include "loop.h"
#include "quota.h"
#include "ssh_agent.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#define GROUP 3000u
#define PIECES_MAX 64u /* of one message; then the rest of it */

static void
must(bool holds)
{
	if (!holds)
		abort();
}

void
bytes_append(struct bytes *b, struct view v)
{
	if (b->size - b->len < v.len) {
		b->size = 2 * b->size + v.len;
		b->data = realloc(b->data, b->size);
		must(b->data != NULL);
	}
	if (v.len > 0)
		memcpy(b->data + b->len, v.data, v.len);
	b->len += v.len;
}

/* May this process send in the name of others? */
static bool
can_pose(void)
{
	return geteuid() == 0;
}

static uint32_t
id_of(enum client_kind kind)
{
	static const uint32_t ids[CLIENT_KINDS] = {
		[CLIENT_OPERATOR] = 0, [CLIENT_USER] = 2001,
		[CLIENT_OTHER] = 2002, [CLIENT_STRANGER] = 2003,
		[CLIENT_UNSEEN] = 2001, [CLIENT_WEAK] = 2001,
		[CLIENT_REAL] = 0,
	};

	return can_pose() ? ids[kind] : geteuid();
}

static void
connect_really(struct client *c)
{
	const struct server *sv = c->house->sv;
	struct sockaddr_un at;
	socklen_t len = sizeof(at);

	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	must(c->fd != -1 && getsockname(c->agent ? sv->agent_fd :
	    sv->listen_fd, (struct sockaddr *)&at, &len) == 0);
	house_connect(c->house, c->fd, &at);
}

/* A pidfd of this process, which has made both ends of the socket: valgrind
   does not know pidfd_open(2). */
static int
own_pidfd(int fd)
{
	int pidfd = (int)syscall(SYS_pidfd_open, (int)getpid(), 0);
	socklen_t len = sizeof(pidfd);

	if (pidfd == -1 && errno == ENOSYS &&
	    getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) == -1)
		pidfd = -1;
	must(pidfd != -1);
	return pidfd;
}

/* As the daemon takes one that it has accepted. */
static bool
take(struct server *sv, int fd, struct peer *peer, bool agent)
{
	if (!quota_admit(sv, peer->uid))
		return false;
	if (conn_new(sv, fd, peer, agent))
		return true;
	quota_forget(sv, peer->uid);
	return false;
}

static void
connect_as(struct client *c)
{
	struct peer peer = { .uid = id_of(c->kind), .gid = can_pose() ?
		    id_of(c->kind) : getegid(), .pid = (uint32_t)getpid(),
		.pidfd = -1 };
	int pair[2], on = 1;

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0, pair) == 0);
	must(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on,
	    sizeof(on)) == 0);
	if (c->kind == CLIENT_UNSEEN)
		peer.pid = 0;
	else if (c->kind != CLIENT_WEAK)
		peer.pidfd = own_pidfd(pair[0]);
	if (c->kind == CLIENT_OTHER) {
		must((peer.groups = malloc(sizeof(*peer.groups))) != NULL);
		peer.groups[peer.group_count++] = GROUP;
	}
	if (take(c->house->sv, pair[0], &peer, c->agent)) {
		c->fd = pair[1];
		return;
	}
	peer_free(&peer);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

void
client_open(struct client *c, struct house *h, enum client_kind kind,
    bool agent)
{
	/* What comes from a pid that is not seen is refused, and ends it. */
	*c = (struct client){ .house = h, .fd = -1, .kind = kind,
		.agent = agent, .excused = kind == CLIENT_UNSEEN };
	if (kind == CLIENT_REAL)
		connect_really(c);
	else
		connect_as(c);
}

/* Send once, in somebody's name; how many bytes went. */
static size_t
send_some(struct client *c, struct view v)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct ucred who = { .pid = getpid(), .uid = id_of(c->kind),
		.gid = id_of(c->kind) + c->foreign };
	struct iovec iov = { (void *)(uintptr_t)v.data, v.len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *m;
	ssize_t n;

	if (can_pose()) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof(control.room);
		m = CMSG_FIRSTHDR(&msg);
		m->cmsg_level = SOL_SOCKET;
		m->cmsg_type = SCM_CREDENTIALS;
		m->cmsg_len = CMSG_LEN(sizeof(who));
		memcpy(CMSG_DATA(m), &who, sizeof(who));
	}
	n = sendmsg(c->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
	must(n >= 0 || errno == EAGAIN || errno == EPIPE ||
	    errno == ECONNRESET || errno == ENOTCONN);
	return n < 0 ? 0 : (size_t)n;
}

void
client_send(struct client *c, struct view v)
{
	unsigned pieces = 0;

	while (c->fd != -1 && !c->half && v.len > 0) {
		struct view part = v;
		size_t n;

		if (c->piece > 0 && part.len > c->piece &&
		    pieces++ < PIECES_MAX)
			part.len = c->piece;
		n = send_some(c, part);
		bytes_append(&c->sent, (struct view){ v.data, n });
		v.data += n;
		v.len -= n;
		if (n == 0)
			return;
		if (v.len > 0)
			(void)house_turn(c->house);
	}
}

void
client_half(struct client *c)
{
	if (c->fd != -1)
		(void)shutdown(c->fd, SHUT_WR);
	c->half = true;
}

void
client_read(struct client *c)
{
	uint8_t buf[16384];
	ssize_t n = 1;

	while (c->fd != -1 && !c->over && n > 0) {
		n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n > 0)
			bytes_append(&c->got, (struct view){ buf, (size_t)n });
		else if (n == 0 || errno != EAGAIN)
			c->over = true;
	}
}

void
client_close(struct client *c)
{
	if (c->fd != -1)
		(void)close(c->fd);
	free(c->sent.data);
	free(c->got.data);
	*c = (struct client){ .fd = -1 };
}

/* --- what came back --- */

static struct view
rest(const struct bytes *b, size_t at)
{
	return (struct view){ b->data + at, b->len - at };
}

bool
client_next(const struct client *c, size_t *sent, size_t *got,
    struct exchange *x)
{
	struct wire_reader r;
	size_t size;

	*x = (struct exchange){ .answered = false };
	if (c->sent.len == 0 || c->agent ||
	    frame_parse(rest(&c->sent, *sent), &x->request, &size) != FRAME_OK)
		return false;
	*sent += size;
	if (c->got.len == 0 ||
	    frame_parse(rest(&c->got, *got), &x->reply, &size) != FRAME_OK)
		return true;
	*got += size;
	x->answered = true;
	wire_reader_init(&r, x->reply.body);
	x->status = wire_get_u32(&r);
	must(!r.bad && x->reply.kind == FRAME_REPLY &&
	    x->reply.version == PROTO_VERSION && size <= FRAME_MAX);
	must(x->status == COFRE_OK || r.len == 0);
	return true;
}

/* Why the connection is closed: to nothing that was asked.  (A request may
   have these numbers too, and is that of an operation that is none.) */
static bool
is_rejection(const struct frame *f, uint32_t status)
{
	return f->op == 0 && f->id == 0 && status != COFRE_OK &&
	    status != COFRE_UNKNOWN_OPERATION;
}

/* What is left is no more than that. */
static bool
ends_with_rejection(const struct client *c, size_t got)
{
	struct wire_reader r;
	struct frame f;
	size_t size;

	if (c->got.len == got)
		return true;
	if (frame_parse(rest(&c->got, got), &f, &size) != FRAME_OK)
		return false;
	wire_reader_init(&r, f.body);
	return is_rejection(&f, wire_get_u32(&r)) &&
	    got + size == c->got.len && r.len == 0;
}

static void
check_frames(const struct client *c, bool whole)
{
	size_t sent = 0, got = 0;
	struct exchange x;

	while (client_next(c, &sent, &got, &x)) {
		if (!x.answered) {
			must(c->got.len == got || c->excused || !whole);
			must(!whole || c->excused);
			return;
		}
		if (x.reply.op == x.request.op &&
		    x.reply.id == x.request.id &&
		    !is_rejection(&x.reply, x.status))
			continue;
		must(is_rejection(&x.reply, x.status) && got == c->got.len);
		return;
	}
	must(ends_with_rejection(c, got) || c->excused || !whole);
}

static bool
is_answer(const struct ssh_agent_request *q, uint8_t number)
{
	switch (q->kind) {
	case SSH_ASKS_LIST:
		return number == SSH_AGENT_LIST_ANSWER ||
		    number == SSH_AGENT_FAILURE;
	case SSH_ASKS_SIGN:
		return number == SSH_AGENT_SIGN_ANSWER ||
		    number == SSH_AGENT_FAILURE;
	case SSH_ASKS_BIND:
		return number == SSH_AGENT_SUCCESS ||
		    number == SSH_AGENT_EXTENSION_FAILURE;
	case SSH_ASKS_QUERY:
		return number == SSH_AGENT_EXTENSION_ANSWER ||
		    number == SSH_AGENT_SUCCESS ||
		    number == SSH_AGENT_FAILURE;
	case SSH_ASKS_EXTENSION:
		return number == SSH_AGENT_SUCCESS ||
		    number == SSH_AGENT_FAILURE;
	case SSH_ASKS_DAMAGED:
	case SSH_ASKS_REFUSED:
		break;
	}
	return number == SSH_AGENT_FAILURE;
}

/* The same for an ssh client. */
static void
check_messages(const struct client *c, bool whole)
{
	struct view message, reply;
	size_t sent = 0, got = 0, size;
	struct ssh_agent_request q;
	enum ssh_agent_frame f = SSH_FRAME_MORE;

	while (c->sent.len > sent && (f = ssh_agent_cut(rest(&c->sent, sent),
		    &message, &size)) == SSH_FRAME_WHOLE && size <= FRAME_MAX) {
		ssh_agent_get(message, &q);
		sent += size;
		if (c->got.len == got || ssh_agent_cut(rest(&c->got, got),
			&reply, &size) != SSH_FRAME_WHOLE) {
			must(!whole || c->excused);
			return;
		}
		got += size;
		must(size <= FRAME_MAX);
		/* Or it is the last one: the connection was refused. */
		must(is_answer(&q, reply.data[0]) || (got == c->got.len &&
		    reply.data[0] == SSH_AGENT_FAILURE));
	}
	/* To half a message, or one that is too long, a failure. */
	must(c->got.len == got || (got + 5 == c->got.len &&
	    c->got.data[got + 4] == SSH_AGENT_FAILURE) || c->excused ||
	    !whole);
}

void
client_check(const struct client *c, bool whole)
{
	if (c->agent)
		check_messages(c, whole);
	else
		check_frames(c, whole);
}
