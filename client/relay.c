#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmd.h"
#include "descent.h"
#include "handle.h"
#include "upstream.h"

#define BACKLOG 16
/* How long it waits for the daemon where nothing else can be done meanwhile,
   and how long it takes no connection when it can't; milliseconds. */
#define CONNECT_SECONDS 1u
#define REST 1000
/* Descriptors: three of a pair, and one to look at who it is; and at first
   those of who waits for it and its command too. */
#define PAIR_ROOM 4u
#define ROOM (PAIR_ROOM + 4u)
/*
 * Making, and ending.
 */

/* The kernel tells of all bytes who sent them. */
static int
make_listener(const char *path)
{
	const int on = 1;
	struct sockaddr_un a;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	int error;

	if (fd == -1)
		return -1;
	if (upstream_address(&a, path) &&
	    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0 &&
	    bind(fd, (const struct sockaddr *)&a, sizeof(a)) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	error = errno;
	(void)close(fd);
	errno = error;
	return -1;
}

/* Can so many descriptors be had, at most ROOM?  False, with errno. */
static bool
has_room(int fd, size_t want)
{
	int fds[ROOM];
	size_t n = 0;
	int error;

	while (n < want && (fds[n] = fcntl(fd, F_DUPFD_CLOEXEC, 0)) != -1)
		n++;
	error = errno;
	for (size_t i = 0; i < n; i++)
		(void)close(fds[i]);
	errno = error;
	return n == want;
}

enum cofre_status
relay_open(struct relay *r, const char *path, const char *upstream,
    const char *workspace, struct problem *p)
{
	*r = (struct relay){ .listener = -1, .upstream = upstream,
		.workspace = workspace };
	r->pairs = calloc(RELAY_PAIRS, sizeof(*r->pairs));
	if (r->pairs == NULL)
		return problem_set(p, COFRE_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < RELAY_PAIRS; i++)
		r->pairs[i].client = -1;
	r->listener = make_listener(path);
	if (r->listener == -1)
		return problem_set(p, COFRE_INTERNAL, "make the socket %s: %s",
		    path, strerror(errno));
	if (!has_room(r->listener, ROOM))
		return problem_set(p, COFRE_INTERNAL,
		    "too few files may be open: %s", strerror(errno));
	return COFRE_OK;
}

static void
end_pair(struct relay_pair *pair)
{
	(void)close(pair->client);
	(void)close(pair->daemon);
	(void)close(pair->pidfd);
	pair->client = pair->daemon = pair->pidfd = -1;
}

void
relay_close(struct relay *r)
{
	for (size_t i = 0; r->pairs != NULL && i < RELAY_PAIRS; i++)
		if (r->pairs[i].client != -1)
			end_pair(&r->pairs[i]);
	free(r->pairs);
	r->pairs = NULL;
	if (r->listener != -1)
		(void)close(r->listener);
	r->listener = -1;
}

/*
 * Who connects.
 */

static void
refuse(struct relay *r, const char *text)
{
	if (!r->told)
		cmd_warn("%s", text);
	r->told = true;
}

static bool
is_welcome(struct relay *r, const struct ucred *who, int pidfd)
{
	char text[160];

	if (who->uid == geteuid() && descent_is_mine(who->pid, pidfd))
		return true;
	(void)snprintf(text, sizeof(text), "process %d of uid %u was refused "
	    "the ssh agent: it was not started from here", (int)who->pid,
	    (unsigned)who->uid);
	refuse(r, text);
	return false;
}

/* The daemon's side of a connection that begins, or -1. */
static int
introduce(struct relay *r, int fd, struct relay_pair *pair)
{
	struct ucred who;
	struct problem p;
	int daemon = -1;

	if (!descent_peer(fd, &who, &pair->pidfd))
		return -1;
	pair->pid = who.pid;
	if (is_welcome(r, &who, pair->pidfd) &&
	    upstream_begin(r->upstream, r->workspace, CONNECT_SECONDS, &daemon,
		&p) != COFRE_OK)
		refuse(r, p.text);
	if (daemon == -1)
		(void)close(pair->pidfd);
	return daemon;
}

static void
take_connection(struct relay *r)
{
	struct relay_pair *pair = r->pairs;
	int fd = !has_room(r->listener, PAIR_ROOM) ? -1 :
	    accept4(r->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd == -1) {
		/* It stays there, so that poll(2) would not wait any more. */
		r->rests = handle_now() + REST;
		return;
	}
	while (pair->client != -1) /* there is one: relay_wants() */
		pair++;
	pair->daemon = introduce(r, fd, pair);
	if (pair->daemon == -1) {
		(void)close(fd);
		return;
	}
	pair->client = fd;
	pair->begun = false;
	pair->limit = handle_now() + (int64_t)UPSTREAM_SECONDS * 1000;
	pair->signer = (struct signer){ .waiting = 0 };
	pair->up = pair->down = (struct relay_pipe){ .begin = 0 };
}

/* The daemon's first answer.  False when the pair is at its end. */
static bool
begin(struct relay *r, struct relay_pair *pair, short client, short daemon)
{
	struct relay_pipe *in = &pair->down;
	struct problem p;
	ssize_t n = -1;

	if (client != 0)
		return false;
	errno = EAGAIN;
	if (daemon != 0)
		n = recv(pair->daemon, in->bytes + in->end,
		    UPSTREAM_ANSWER - in->end, MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR) &&
	    handle_now() < pair->limit)
		return true;
	in->end += n > 0 ? (size_t)n : 0;
	if (n > 0 && in->end < UPSTREAM_ANSWER)
		return true;
	if (upstream_judge(in->bytes, n > 0 ? (ssize_t)in->end : n,
		r->workspace, &p) != COFRE_OK) {
		refuse(r, p.text);
		return false;
	}
	in->end = 0;
	pair->begun = true;
	return true;
}

/*
 * Bytes.
 */

/* Is it the process that has connected, and not only its number? */
static bool
is_peer(const struct relay_pair *pair, const struct ucred *who)
{
	struct pollfd alive = { pair->pidfd, POLLIN, 0 };

	return who->pid == pair->pid && who->uid == geteuid() &&
	    poll(&alive, 1, 0) == 0;
}

/* As recv(2); EPERM when another process has sent them. */
static ssize_t
receive(const struct relay_pair *pair, void *to, size_t size)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec part = { to, size };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(pair->client, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *c = n <= 0 ? NULL : CMSG_FIRSTHDR(&m);
	struct ucred who;

	if (n <= 0)
		return n;
	errno = EPERM;
	if (c == NULL || c->cmsg_level != SOL_SOCKET ||
	    c->cmsg_type != SCM_CREDENTIALS ||
	    c->cmsg_len != CMSG_LEN(sizeof(who)))
		return -1;
	memcpy(&who, CMSG_DATA(c), sizeof(who));
	if (!is_peer(pair, &who))
		n = -1;
	errno = EPERM;
	return n;
}

/* Whose signature passes there? */
static void
note(struct relay *r, struct relay_pair *pair, bool up, struct view bytes)
{
	struct view by;

	if (up)
		signer_asks(&pair->signer, bytes);
	else if (signer_answers(&pair->signer, bytes, &by)) {
		memcpy(r->signer, by.data, by.len);
		r->signer_len = by.len;
	}
}

/* Take what has come in; false when the pair is at its end. */
static bool
fill(struct relay *r, struct relay_pair *pair, bool up,
    struct relay_pipe *pipe)
{
	uint8_t *to = pipe->bytes + pipe->end;
	size_t size = sizeof(pipe->bytes) - pipe->end;
	ssize_t n = up ? receive(pair, to, size) :
			 recv(pair->daemon, to, size, MSG_DONTWAIT);

	if (n == -1)
		return errno == EAGAIN || errno == EINTR;
	if (pair->pid == r->noted)
		note(r, pair, up, (struct view){ to, (size_t)n });
	pipe->closed = n == 0;
	pipe->end += (size_t)n;
	return true;
}

/* Send what is there, and pass on that nothing more comes. */
static bool
drain(int fd, struct relay_pipe *pipe)
{
	ssize_t n;

	if (pipe->end > pipe->begin) {
		n = send(fd, pipe->bytes + pipe->begin,
		    pipe->end - pipe->begin, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n == -1)
			return errno == EAGAIN || errno == EINTR;
		pipe->begin += (size_t)n;
	}
	if (pipe->begin < pipe->end)
		return true;
	pipe->begin = pipe->end = 0;
	return !pipe->closed || shutdown(fd, SHUT_WR) == 0;
}

/*
 * Wait for input only when the last of it has gone.  With nothing to wait for
 * the descriptor is left out: that its other end is gone can't be masked.
 */
static struct pollfd
wants(int fd, const struct relay_pipe *in, const struct relay_pipe *out)
{
	const short events = (short)((!in->closed && in->end == 0 ? POLLIN :
								    0) |
	    (out->end > 0 ? POLLOUT : 0));

	return (struct pollfd){ events == 0 ? -1 : fd, events, 0 };
}

/* How long until then? */
static int
wait_until(int64_t then)
{
	int64_t now = handle_now();

	return then > now ? (int)(then - now) : 0;
}

size_t
relay_wants(const struct relay *r, struct pollfd fds[RELAY_FDS], int *timeout)
{
	size_t n = 1, pairs = 0;
	int64_t first = r->rests > handle_now() ? r->rests : 0;

	for (size_t i = 0; r->pairs != NULL && i < RELAY_PAIRS; i++) {
		const struct relay_pair *p = &r->pairs[i];

		if (p->client == -1)
			continue;
		pairs++;
		if (p->begun) {
			fds[n++] = wants(p->client, &p->up, &p->down);
			fds[n++] = wants(p->daemon, &p->down, &p->up);
			continue;
		}
		/* Of the client only that it has gone. */
		fds[n++] = (struct pollfd){ p->client, 0, 0 };
		fds[n++] = (struct pollfd){ p->daemon, POLLIN, 0 };
		first = first == 0 || p->limit < first ? p->limit : first;
	}
	fds[0] = (struct pollfd){ pairs == RELAY_PAIRS ||
		r->rests > handle_now() ? -1 : r->listener, POLLIN, 0 };
	*timeout = first == 0 ? -1 : wait_until(first);
	return n;
}

/* False when the pair is at its end: the daemon has said all. */
static bool
serve_pair(struct relay *r, struct relay_pair *p, short client, short daemon)
{
	const short ready = POLLIN | POLLHUP | POLLERR;

	if (!p->begun)
		return begin(r, p, client, daemon);
	if ((client & ready) != 0 && !p->up.closed && p->up.end == 0 &&
	    !fill(r, p, true, &p->up))
		return false;
	if ((daemon & ready) != 0 && !p->down.closed && p->down.end == 0 &&
	    !fill(r, p, false, &p->down))
		return false;
	/* What has closed is empty: nothing is taken before the last has gone. */
	return drain(p->daemon, &p->up) && drain(p->client, &p->down) &&
	    !p->down.closed;
}

void
relay_serve(struct relay *r, const struct pollfd fds[RELAY_FDS])
{
	const struct pollfd *next = fds + 1;

	for (size_t i = 0; r->pairs != NULL && i < RELAY_PAIRS; i++) {
		struct relay_pair *p = &r->pairs[i];

		if (p->client == -1)
			continue;
		if (!serve_pair(r, p, next[0].revents, next[1].revents)) {
			end_pair(p);
			r->rests = 0;
		}
		next += 2;
	}
	if (fds[0].fd != -1 && fds[0].revents != 0)
		take_connection(r);
}
