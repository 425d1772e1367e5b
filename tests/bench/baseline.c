#include "baseline.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "floor.h"
#include "process.h"

#define EVENTS 256
#define READ_SIZE (64u * 1024)

struct client {
	int fd;
	size_t len; /* bytes of a request that is not whole */
	uint8_t part[BASELINE_REQUEST];
};

struct service {
	int epoll, listen_fd;
	size_t reply_len;
	struct floor *floor; /* NULL: an echo */
	uint8_t *out;	     /* room for the answers to READ_SIZE bytes */
	uint8_t in[READ_SIZE + BASELINE_REQUEST];
};

static int
listen_at(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
	if (fd != -1 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	    chmod(path, 0666) == 0 && listen(fd, 512) == 0)
		return fd;
	warn("%s", path);
	if (fd != -1)
		(void)close(fd);
	return -1;
}

static void
drop(struct client *c)
{
	(void)close(c->fd);
	free(c);
}

static void
admit(struct service *s)
{
	int fd = accept4(s->listen_fd, NULL, NULL,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *c;
	struct epoll_event ev = { .events = EPOLLIN };

	if (fd == -1)
		return;
	if ((c = calloc(1, sizeof(*c))) == NULL) {
		(void)close(fd);
		return;
	}
	c->fd = fd;
	ev.data.ptr = c;
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) == -1)
		drop(c);
}

/* Send all of it; the client is one that reads. */
static bool
reply(const struct client *c, const uint8_t *p, size_t len)
{
	ssize_t n = send(c->fd, p, len, MSG_NOSIGNAL);

	while (n != (ssize_t)len) {
		struct pollfd full = { .fd = c->fd, .events = POLLOUT };

		if (n == -1 && errno != EAGAIN && errno != EINTR)
			return false;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
		(void)poll(&full, 1, 1000);
		n = send(c->fd, p, len, MSG_NOSIGNAL);
	}
	return true;
}

/* Answer count requests. */
static bool
answer(struct service *s, const struct client *c, size_t count)
{
	uint8_t *out = s->out;

	if (s->floor != NULL)
		for (size_t i = 0; i < count; i++, out += s->reply_len)
			if (!floor_get(s->floor, s->in + i * BASELINE_REQUEST,
				out + s->reply_len - FLOOR_VALUE))
				return false;
	return reply(c, s->out, count * s->reply_len);
}

static void
serve(struct service *s, struct client *c)
{
	size_t len = c->len, rest;
	ssize_t n;

	if (len > 0)
		memcpy(s->in, c->part, len);
	n = recv(c->fd, s->in + len, READ_SIZE, 0);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(c);
		return;
	}
	len += (size_t)n;
	rest = len % BASELINE_REQUEST;
	if (len > rest && !answer(s, c, len / BASELINE_REQUEST)) {
		drop(c);
		return;
	}
	if (rest > 0)
		memcpy(c->part, s->in + (len - rest), rest);
	c->len = rest;
}

static void
run(struct service *s)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		int n = epoll_wait(s->epoll, events, EVENTS, -1);

		if (s->floor != NULL)
			floor_begin(s->floor);
		for (int i = 0; i < n; i++)
			if (events[i].data.ptr == s)
				admit(s);
			else
				serve(s, events[i].data.ptr);
		if (s->floor != NULL)
			floor_end(s->floor);
	}
}

static void
start(const struct baseline *b, int fd)
{
	static struct service s;
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &s };
	size_t most = READ_SIZE / BASELINE_REQUEST + 1;
	char path[512];

	s.listen_fd = fd;
	s.reply_len = b->reply_len;
	if (b->secrets > 0) {
		(void)snprintf(path, sizeof(path), "%s/floor.mdb", b->dir);
		if ((s.floor = floor_open(path, b->secrets)) == NULL)
			return;
	}
	s.epoll = epoll_create1(EPOLL_CLOEXEC);
	s.out = calloc(most, b->reply_len);
	if (s.out == NULL ||
	    epoll_ctl(s.epoll, EPOLL_CTL_ADD, fd, &ev) == -1) {
		warn("baseline");
		return;
	}
	for (size_t i = 0; i < most; i++)
		memcpy(s.out + i * b->reply_len, BASELINE_MARK,
		    strlen(BASELINE_MARK));
	run(&s);
}

pid_t
baseline_start(const struct baseline *b)
{
	int fd = listen_at(b->socket);
	pid_t pid;

	if (fd == -1)
		return -1;
	pid = process_fork(b->dir);
	if (pid == 0) {
		start(b, fd);
		_exit(1);
	}
	(void)close(fd);
	return pid;
}
