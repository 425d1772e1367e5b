/* Sending what is staged on a connection. */
#include "conn.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define IOV_MAX_SEND 34 /* a frame of any size */

/* Send from the front of the chain; a reply is mostly in one chunk. */
static ssize_t
send_some(const struct conn *c)
{
	struct iovec iov[IOV_MAX_SEND];

	if (chain_iov(&c->out, iov, 1) == 1 && c->out.chunks == 1)
		return send(c->fd, iov[0].iov_base, iov[0].iov_len,
		    MSG_NOSIGNAL | MSG_DONTWAIT);
	return writev(c->fd, iov, chain_iov(&c->out, iov, IOV_MAX_SEND));
}

void
conn_flush(struct conn *c)
{
	ssize_t n;

	sentry_claim(&c->sv->sentry);
	while (c->out.size > 0) {
		n = send_some(c);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			if (errno != EAGAIN)
				conn_close(c);
			break;
		}
		chain_consume(&c->sv->pool, &c->out, (size_t)n);
	}
	if (!c->dead)
		sentry_sent(&c->sv->sentry, c->fd, c->out.size > 0);
	sentry_unclaim(&c->sv->sentry);
	if (!c->dead)
		conn_go_on(c);
}
