/*
 * known: processes that were looked at a moment ago, for when one connects
 * again: then nobody has to be asked about it.
 *
 * What stands here of a process is what a connection keeps that it has made
 * before, and is used as long as that would be: while the process is the same
 * (by the number of its inode, which no other one gets), executes the same
 * program (witness_same()), and is in the same cgroup, by the kernel's word at
 * each connect.  uid, gid and groups are none of it.
 */
#ifndef COFRE_KNOWN_H
#define COFRE_KNOWN_H

#include "server.h"

#define KNOWN_MAX 64u	   /* of those that have no connection; none where
			      connections need the descriptors */
#define KNOWN_TIME 1000000u /* microseconds that they stay */

struct known {
	uint64_t inode; /* peer_inode() */
	uint64_t cgroup; /* peer_cgroup() */
	int watch_fd; /* for witness_same() */
	unsigned users; /* connections */
	uint64_t until; /* when it is forgotten; while there are no users */
	struct facts facts;
	struct known *next; /* in its bucket */
	struct known *later, *earlier; /* while there are no users */
};

/*
 * What is known of the process with this inode that is in this cgroup; it is
 * the caller's until known_leave().  NULL: nothing.
 */
struct known *known_find(struct server *sv, uint64_t inode, uint64_t cgroup);

/* Know that from now on.  It is the caller's, as above; watch_fd is its own.
   NULL: no memory, and watch_fd stays the caller's. */
struct known *known_add(struct server *sv, uint64_t inode, uint64_t cgroup,
    int watch_fd, const struct facts *facts);

/* One connection less. */
void known_leave(struct server *sv, struct known *k);

/* Forget those whose time is over; or all that have no connection. */
void known_tick(struct server *sv);
void known_clear(struct server *sv);

/* Milliseconds until there is something to forget, or -1. */
int known_timeout(const struct server *sv);

#endif
