#include "handle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "call.h"
#include "watching.h"

#define TIMEOUT_DEFAULT_MS 10000u

int64_t
handle_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void
handle_give_up(cofre *c)
{
	if (c->fd != -1 && c->epoll != -1)
		(void)epoll_ctl(c->epoll, EPOLL_CTL_DEL, c->fd, NULL);
	if (c->fd != -1)
		(void)close(c->fd);
	c->fd = c->epoll = -1;
}

bool
handle_is_connected(const cofre *c)
{
	return c != NULL && c->fd != -1;
}

static bool
set_path(cofre *c, const char *path)
{
	const char *env = secure_getenv("COFRE_SOCKET");

	if (path == NULL)
		path = env != NULL && *env != '\0' ? env :
						     COFRE_DEFAULT_SOCKET;
	if (*path == '\0' || strlen(path) >= sizeof(c->addr.sun_path))
		return false;
	c->addr.sun_family = AF_UNIX;
	memcpy(c->addr.sun_path, path, strlen(path) + 1);
	return true;
}

/*
 * Only the connecting itself waits in the kernel, for a place in the
 * daemon's queue and for no longer than the send timeout; all else polls.
 */
static bool
try_connect(cofre *c, int fd)
{
	struct timeval t;
	int64_t left;

	do {
		left = c->deadline - handle_now();
		if (left < 1)
			left = 1;
		t.tv_sec = (time_t)(left / 1000);
		t.tv_usec = (suseconds_t)(left % 1000 * 1000);
		if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) ==
		    -1)
			return false;
		if (connect(fd, (const struct sockaddr *)&c->addr,
			sizeof(c->addr)) == 0)
			return true;
	} while (errno == EINTR && handle_now() < c->deadline);
	return false;
}

static enum cofre_status
connect_failed(cofre *c)
{
	const char *hint = "is cofred running?";

	if (errno == EACCES || errno == EPERM)
		hint = "may this user reach the socket?";
	else if (errno == EAGAIN || errno == EINTR)
		return call_fail(c, COFRE_UNREACHABLE,
		    "connect to %s: no place in the daemon's queue in %u ms; "
		    "try again later", c->addr.sun_path, c->timeout_ms);
	return call_fail(c, COFRE_UNREACHABLE, "connect to %s: %m; %s",
	    c->addr.sun_path, hint);
}

static enum cofre_status
connect_daemon(cofre *c)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	enum cofre_status s;

	if (fd == -1)
		return call_fail(c, COFRE_UNREACHABLE, "make a socket: %m");
	c->deadline = handle_now() + c->timeout_ms;
	if (!try_connect(c, fd)) {
		s = connect_failed(c);
		(void)close(fd);
		return s;
	}
	c->fd = fd;
	c->uid = geteuid();
	c->explicit_ids = geteuid() != getuid() || getegid() != getgid();
	return COFRE_OK;
}

static enum cofre_status
make_buffers(cofre *c)
{
	if (!secmem_init(&c->mem, HANDLE_OUT_SIZE + HANDLE_IN_SIZE +
		RUN_TOKEN_MAX + 1, false, true))
		return call_fail(c, COFRE_NO_MEMORY,
		    "open: no memory for the buffers: %m");
	c->in = (uint8_t *)c->mem.base + HANDLE_OUT_SIZE;
	c->token = (char *)c->in + HANDLE_IN_SIZE;
	return COFRE_OK;
}

/*
 * The parent's buffers are not there, and at their addresses there may be
 * something of the child's own: they are not given back, only forgotten.
 */
static void
forget_parent(cofre *c)
{
	c->epoll = -1; /* in which the parent's connection stays */
	handle_give_up(c);
	c->pid = getpid();
	c->greeted = false;
	c->out = (struct wire_writer){ .len = 0 };
	c->in = NULL;
	c->token = NULL;
	c->in_len = c->in_max = 0;
	c->mem = (struct secmem){ .base = NULL };
}

void
handle_own(cofre *c)
{
	bool connected = c->fd != -1;

	if (c->pid == getpid())
		return;
	forget_parent(c);
	if (make_buffers(c) == COFRE_OK && connected)
		(void)connect_daemon(c);
}

enum cofre_status
cofre_open(cofre **ret, const char *path, unsigned timeout_ms)
{
	cofre *c;

	if (ret == NULL)
		return COFRE_ARGUMENT;
	*ret = c = calloc(1, sizeof(*c));
	if (c == NULL)
		return COFRE_NO_MEMORY;
	c->fd = c->epoll = -1;
	c->pid = getpid();
	c->uid = geteuid();
	c->timeout_ms = timeout_ms == 0 ? TIMEOUT_DEFAULT_MS : timeout_ms;
	call_set_client(c, "libcofre " COFRE_VERSION);
	call_set_retry(c, "open a new handle to try again");
	if (!set_path(c, path))
		return call_fail(c, COFRE_ARGUMENT,
		    "open: the path of the socket must have 1 to %zu bytes",
		    sizeof(c->addr.sun_path) - 1);
	if (make_buffers(c) != COFRE_OK)
		return COFRE_NO_MEMORY;
	return connect_daemon(c);
}

void
cofre_close(cofre *c)
{
	if (c == NULL)
		return;
	if (c->pid != getpid())
		forget_parent(c);
	watching_free(c);
	handle_give_up(c);
	call_done(c);
	secmem_free(&c->mem);
	free(c);
}

const char *
cofre_error(const cofre *c)
{
	return c == NULL ? "there is no handle: out of memory" : c->error;
}
