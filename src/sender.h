/*
 * sender: bytes from a connection, and which process has sent them.
 *
 * The kernel tells of each message who sent it (SCM_CREDENTIALS), and never
 * gives bytes of two senders in one call.  So a descriptor that was
 * inherited by, or passed to, another process gives that process nothing.
 */
#ifndef COFRE_SENDER_H
#define COFRE_SENDER_H

#include <sys/types.h>

#include "peer.h"

struct sender {
	bool known; /* the kernel has told */
	uint32_t uid;
	uint32_t gid;
	uint32_t pid;
};

/*
 * As recv(2) without waiting; who is set when the result is above 0.  There
 * is no room for descriptors, so that none is ever received.
 */
ssize_t sender_receive(int fd, void *to, size_t size, struct sender *who);

/* True when nothing lies there to be received. */
bool sender_has_none(int fd);

/*
 * How many bytes lie there to be received; the first of them, at most size,
 * are copied to to, and all stay.  False when it can't be told, or they can't
 * be seen in one piece: out-of-band data is in between.
 */
bool sender_peek(int fd, void *to, size_t size, size_t *all);

/*
 * True when the sender has the number and the ids of the process that has
 * connected.  While that process lives, no other one can have its number.
 */
bool sender_is_peer(const struct sender *who, const struct peer *p);

#endif
