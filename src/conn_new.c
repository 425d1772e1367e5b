/* How a connection begins, and whose it is. */
#include "conn.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#include "attest.h"
#include "quota.h"

#define TICKS 100u /* of /proc/PID/stat, in a second, on every architecture */

struct subject
conn_subject(const struct conn *c)
{
	/* A process that can't be watched, or told from a later one with its
	   number, could be any program by now. */
	bool unseen = c->peer.pid == 0 ||
	    (conn_weak(c) != 0 && c->sv->config.attestation_required);

	return (struct subject){
		.uid = c->peer.uid,
		.gid = c->peer.gid,
		.groups = c->peer.groups,
		.group_count = c->peer.group_count,
		.operator_group = c->sv->config.operator_group,
		.nobody = unseen,
	};
}

uint16_t
conn_weak(const struct conn *c)
{
	return (uint16_t)((c->peer.pidfd == -1 ? LOG_NO_PIDFD : 0) |
	    (c->watch_fd == -1 ? LOG_NO_WATCH : 0));
}

/* Now, as the kernel counts the start of a process. */
static uint64_t
boot_ticks(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * TICKS +
	    (uint64_t)ts.tv_nsec / (1000000000 / TICKS);
}

/* Begin to read from it. */
static bool
listen_to(struct conn *c)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };

	c->armed = EPOLLIN;
	return epoll_ctl(c->sv->epoll, EPOLL_CTL_ADD, c->fd, &ev) == 0;
}

/*
 * Without a pidfd the process that was looked at may be another one, that
 * got its number: not when it is older than the connection.
 */
static bool
is_its_process(const struct conn *c, const struct facts *f)
{
	return c->peer.pidfd != -1 ? peer_lives(&c->peer) :
	    f->start != 0 && f->start <= c->born;
}

void
conn_attested(struct conn *c, const struct facts *facts, bool watched,
    int watch_fd)
{
	c->watch_fd = watch_fd;
	if (is_its_process(c, facts) && (!watched || watch_fd != -1) &&
	    listen_to(c))
		c->facts = *facts;
	else
		conn_close(c);
}

bool
conn_new(struct server *sv, int fd, struct peer *peer)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return false;
	c->sv = sv;
	c->fd = fd;
	c->peer = *peer;
	c->watch_fd = -1;
	c->born = boot_ticks();
	/* The low bit says that it is the process that this is about. */
	ev.data.u64 = (uint64_t)(uintptr_t)c | 1;
	if ((peer->pidfd != -1 &&
		epoll_ctl(sv->epoll, EPOLL_CTL_ADD, peer->pidfd, &ev) == -1) ||
	    (!attest_ask(c) && !listen_to(c))) {
		if (peer->pidfd != -1)
			(void)epoll_ctl(sv->epoll, EPOLL_CTL_DEL, peer->pidfd,
			    NULL);
		free(c);
		return false;
	}
	c->next = sv->conns;
	if (sv->conns != NULL)
		sv->conns->prev = c;
	sv->conns = c;
	sv->conn_count++;
	quota_deadline(c, true);
	return true;
}
