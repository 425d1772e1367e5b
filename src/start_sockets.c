/* Start: the sockets, signals, and how many descriptors there are. */
#include "start.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include "known.h"
#include "listen.h"
#include "loop.h"

#define OWN_DESCRIPTORS 80u /* files, the log, and some connections of root */
#define EACH 3u		    /* descriptors of a connection */
#define LOCKED_MEMORY (64u << 20) /* of RLIMIT_MEMLOCK, when started as root */

static bool __attribute__((format(printf, 1, 2)))
fail(const char *format, ...)
{
	char text[CONFIG_ERROR_MAX + 256];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	(void)fprintf(stderr, "cofred: %s\n", text);
	return false;
}

/* Raise a soft limit to want, and as root the hard one too. */
static void
raise_limit(__rlimit_resource_t what, rlim_t want)
{
	struct rlimit limit;

	if (getrlimit(what, &limit) == -1 || limit.rlim_cur >= want)
		return;
	limit.rlim_cur = want;
	if (limit.rlim_max < want) {
		rlim_t hard = limit.rlim_max;

		limit.rlim_max = want;
		if (setrlimit(what, &limit) == 0)
			return;
		limit.rlim_cur = limit.rlim_max = hard;
	}
	(void)setrlimit(what, &limit);
}

/* A connection has a socket, a pidfd and what its process is watched with;
   some more are the daemon's own, and each run has one, of its process. */
size_t
start_descriptors(const struct server *sv)
{
	return (size_t)sv->config.max_connections * EACH + OWN_DESCRIPTORS +
	    KNOWN_MAX + RUNS_MAX;
}

static void
fit_descriptors(struct server *sv)
{
	struct rlimit limit;
	uint32_t want = sv->config.max_connections;

	raise_limit(RLIMIT_NOFILE, start_descriptors(sv));
	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		limit.rlim_cur = 0;
	sv->known.most = limit.rlim_cur >=
		(rlim_t)want * EACH + OWN_DESCRIPTORS + KNOWN_MAX ?
	    KNOWN_MAX :
	    0;
	if (limit.rlim_cur > (rlim_t)want * EACH + OWN_DESCRIPTORS)
		limit.rlim_cur = (rlim_t)want * EACH + OWN_DESCRIPTORS;
	sv->most_connections = limit.rlim_cur > OWN_DESCRIPTORS + 16 ?
	    (uint32_t)(limit.rlim_cur - OWN_DESCRIPTORS) / EACH :
	    8;
	if (sv->most_connections >= want)
		return;
	sv->config.max_connections = sv->most_connections;
	(void)fail("only %llu descriptors: max_connections is %u instead "
		   "of %u (raise LimitNOFILE)",
	    (unsigned long long)limit.rlim_cur, sv->most_connections, want);
}

static bool
open_signals(struct server *sv)
{
	sigset_t set_;

	(void)sigemptyset(&set_);
	(void)sigaddset(&set_, SIGTERM);
	(void)sigaddset(&set_, SIGINT);
	(void)sigaddset(&set_, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set_, NULL) == -1 ||
	    (sv->signal_fd = signalfd(-1, &set_, SFD_NONBLOCK |
		     SFD_CLOEXEC)) == -1)
		return fail("signals: %s", strerror(errno));
	return true;
}

/* The socket that the service manager has passed for that path; -1: none. */
static int
take_passed(int passed[NOTIFY_SOCKETS], const char *path)
{
	for (size_t i = 0; i < NOTIFY_SOCKETS; i++)
		if (passed[i] != -1 && listen_is_at(passed[i], path)) {
			int fd = passed[i];

			passed[i] = -1;
			return fd;
		}
	return -1;
}

/* Take the socket at that path, or make it. */
static bool
open_socket(const struct server *sv, int passed[NOTIFY_SOCKETS],
    const char *path, int *fd, bool *made)
{
	char error[CONFIG_ERROR_MAX];

	*fd = take_passed(passed, path);
	*made = *fd == -1;
	if (!*made)
		return listen_adopt(*fd, error, sizeof(error)) ||
		    fail("%s", error);
	*fd = listen_open(path, sv->config.socket_mode, error, sizeof(error));
	return *fd != -1 || fail("%s", error);
}

/* What was passed must be what the configuration names. */
static bool
check_passed(const struct server *sv, const int passed[NOTIFY_SOCKETS])
{
	const struct config *c = &sv->config;

	for (size_t i = 0; i < NOTIFY_SOCKETS; i++)
		if (passed[i] != -1 && !listen_is_at(passed[i], c->socket) &&
		    !listen_is_at(passed[i], c->agent_socket))
			return fail("a socket that was passed is not at %s%s%s"
			    ": the socket unit and cofred's 'socket' and "
			    "'agent_socket' must agree", c->socket,
			    c->agent_socket[0] != '\0' ? ", nor at " : "",
			    c->agent_socket);
	return true;
}

bool
start_sockets(struct start *st, struct server *sv)
{
	const struct config *c = &sv->config;
	int passed[NOTIFY_SOCKETS];
	char error[CONFIG_ERROR_MAX];

	notify_open(&sv->notify);
	if (!notify_listen_fds(passed, error, sizeof(error)))
		return fail("%s", error);
	if (!check_passed(sv, passed) ||
	    !open_socket(sv, passed, c->socket, &sv->listen_fd,
		&st->socket_made) ||
	    (c->agent_socket[0] != '\0' &&
		!open_socket(sv, passed, c->agent_socket, &sv->agent_fd,
		    &st->agent_made)))
		return false;
	sentry_listen(&sv->sentry, false, sv->listen_fd);
	sentry_listen(&sv->sentry, true, sv->agent_fd);
	sandbox_clear_environment();
	fit_descriptors(sv);
	raise_limit(RLIMIT_MEMLOCK, LOCKED_MEMORY);
	return open_signals(sv) && (loop_init(sv) ||
	    fail("epoll: %s", strerror(errno)));
}
