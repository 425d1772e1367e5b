#include "accept.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "frame.h"
#include "quota.h"

/* Tell a peer that has no connection yet why it gets none. */
static void
refuse(struct server *sv, int fd, uint32_t uid, enum cofre_status st,
    bool agent)
{
	uint8_t buf[FRAME_REFUSAL];
	size_t n = agent ? agent_refusal(buf, OP_SSH_OTHER) :
			   frame_refusal(buf, st);

	(void)send(fd, buf, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)close(fd);
	sv->refused++;
	sv->refused_uid = uid;
	sv->refused_status = st;
}

static bool
watch(struct server *sv, int *fd, bool on)
{
	struct epoll_event ev = { .events = on ? EPOLLIN : 0, .data.ptr = fd };

	return *fd == -1 ||
	    epoll_ctl(sv->epoll, EPOLL_CTL_MOD, *fd, &ev) == 0;
}

void
accept_pause(struct server *sv, bool pause)
{
	bool good;

	if (pause == sv->accept_paused || sv->listen_fd == -1)
		return;
	good = watch(sv, &sv->listen_fd, !pause);
	good = watch(sv, &sv->agent_fd, !pause) && good;
	/* What was not taken up again is tried in the next turn. */
	sv->accept_paused = pause || !good;
}

static void
take(struct server *sv, int fd, bool agent)
{
	struct peer peer;

	errno = 0;
	if (!peer_read(fd, &peer)) {
		bool full = errno == EMFILE || errno == ENFILE;

		refuse(sv, fd, peer.uid, full ? COFRE_LIMIT : COFRE_DENIED,
		    agent);
		if (full)
			accept_pause(sv, true);
	} else if (!quota_admit(sv, peer.uid)) {
		refuse(sv, fd, peer.uid, COFRE_LIMIT, agent);
		peer_free(&peer);
	} else if (!conn_new(sv, fd, &peer, agent)) {
		quota_forget(sv, peer.uid);
		refuse(sv, fd, peer.uid, COFRE_LIMIT, agent);
		peer_free(&peer);
	}
}

void
accept_some(struct server *sv, bool agent)
{
	int fd = accept4(agent ? sv->agent_fd : sv->listen_fd, NULL, NULL,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd != -1)
		take(sv, fd, agent);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
	    errno == ENOMEM)
		accept_pause(sv, true);
}
