#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define LISTEN_FD 3 /* the first one that systemd passes */
#define SEND_WAIT 200000 /* microseconds that a full queue may cost */

/* Digits alone, above 0; 0 for everything else. */
static uint64_t
parse_number(const char *s)
{
	uint64_t v = 0;

	if (s == NULL || strlen(s) > 18)
		return 0;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return 0;
		v = v * 10 + (uint64_t)(*s - '0');
	}
	return v;
}

/* A path, or an abstract name that is written with @. */
static bool
parse_address(const char *name, struct sockaddr_un *sun, socklen_t *len)
{
	size_t n = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || n < 2 ||
	    n >= sizeof(sun->sun_path))
		return false;
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	memcpy(sun->sun_path, name, n);
	if (name[0] == '@')
		sun->sun_path[0] = '\0';
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n +
	    (name[0] == '/' ? 1 : 0));
	return true;
}

static int
connect_to(const char *name)
{
	const struct timeval wait = { 0, SEND_WAIT };
	struct sockaddr_un sun;
	socklen_t len;
	int fd;

	if (!parse_address(name, &sun, &len))
		return -1;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) ==
		-1 ||
	    connect(fd, (const struct sockaddr *)&sun, len) == -1) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

unsigned
notify_passed(void)
{
	const char *count = getenv("LISTEN_FDS");
	uint64_t n;

	/* Meant for a process that this one was started by. */
	if (count == NULL || getenv("LISTEN_PID") == NULL ||
	    parse_number(getenv("LISTEN_PID")) != (uint64_t)getpid())
		return 0;
	n = parse_number(count);
	return n > NOTIFY_SOCKETS ? NOTIFY_SOCKETS : (unsigned)n;
}

/* True when the variable is not there, or is this process's number. */
static bool
is_for_us(const char *variable)
{
	const char *pid = getenv(variable);

	return pid == NULL || parse_number(pid) == (uint64_t)getpid();
}

void
notify_open(struct notify *n)
{
	const char *name = getenv("NOTIFY_SOCKET");

	n->fd = name == NULL ? -1 : connect_to(name);
	n->watchdog = 0;
	if (n->fd != -1 && is_for_us("WATCHDOG_PID"))
		n->watchdog = parse_number(getenv("WATCHDOG_USEC")) / 2;
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_PID");
	(void)unsetenv("WATCHDOG_USEC");
}

void
notify_send(const struct notify *n, const char *state)
{
	if (n->fd != -1)
		(void)!send(n->fd, state, strlen(state), MSG_NOSIGNAL);
}

void
notify_ping(struct notify *n, uint64_t clock)
{
	if (n->watchdog == 0 || clock < n->ping_at)
		return;
	notify_send(n, "WATCHDOG=1");
	n->ping_at = clock + n->watchdog;
}

int
notify_timeout(const struct notify *n, uint64_t clock)
{
	if (n->watchdog == 0)
		return -1;
	return clock >= n->ping_at ? 0 :
				     (int)((n->ping_at - clock) / 1000) + 1;
}

static bool
has_option(int fd, int name, int value)
{
	int got = -1;
	socklen_t len = sizeof(got);

	return getsockopt(fd, SOL_SOCKET, name, &got, &len) == 0 &&
	    got == value;
}

static bool
is_listening(int fd)
{
	return has_option(fd, SO_DOMAIN, AF_UNIX) &&
	    has_option(fd, SO_TYPE, SOCK_STREAM) &&
	    has_option(fd, SO_ACCEPTCONN, 1) &&
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

/* Take the listening sockets out of what the variables tell. */
static bool
take_fds(int fds[NOTIFY_SOCKETS], char *error, size_t error_size)
{
	const char *pid = getenv("LISTEN_PID");
	const char *count = getenv("LISTEN_FDS");
	unsigned n = notify_passed();

	/* Meant for a process that this one was started by. */
	if (pid == NULL || count == NULL || !is_for_us("LISTEN_PID"))
		return true;
	if (n == 0 || parse_number(count) > NOTIFY_SOCKETS) {
		(void)snprintf(error, error_size,
		    "LISTEN_FDS: the service manager must pass one socket, or "
		    "%u", NOTIFY_SOCKETS);
		return false;
	}
	for (unsigned i = 0; i < n; i++) {
		if (!is_listening(LISTEN_FD + (int)i)) {
			(void)snprintf(error, error_size,
			    "LISTEN_FDS: descriptor %d is not a listening "
			    "AF_UNIX stream socket", LISTEN_FD + (int)i);
			return false;
		}
		fds[i] = LISTEN_FD + (int)i;
	}
	return true;
}

bool
notify_listen_fds(int fds[NOTIFY_SOCKETS], char *error, size_t error_size)
{
	bool ok;

	for (unsigned i = 0; i < NOTIFY_SOCKETS; i++)
		fds[i] = -1;
	ok = take_fds(fds, error, error_size);
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	return ok;
}
