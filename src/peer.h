/*
 * peer: who is at the other end of a connection, by the kernel's word.
 */
#ifndef COFRE_PEER_H
#define COFRE_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sizes.h"

/* Linux's pidfd_info, as far as all kernels with PIDFD_GET_INFO have it. */
struct peer_info {
	uint64_t mask; /* what is asked for, and what was told */
	uint64_t cgroup;
	uint32_t others[12]; /* process ids, ids, the exit code */
};
#define PEER_INFO_CGROUP 4u
#define PEER_GET_INFO _IOWR(0xff, 11, struct peer_info)

/* What was so at connect(2), whatever the process became since. */
struct peer {
	uint32_t uid;
	uint32_t gid;
	uint32_t pid;
	int pidfd; /* -1: the kernel gives none (before 6.5) */
	uint32_t *groups; /* supplementary, in rising order; may be NULL */
	size_t group_count;
};

/*
 * Ask the kernel about a connected socket.  False when it does not say, says
 * half, or says an id that stands for nobody (the overflow id).  pid 0,
 * of a process that can't be seen from this pid namespace, is kept, and is
 * nobody to policy.  errno is EMFILE or ENFILE when there
 * was no descriptor for the pidfd: a connection is never taken without one
 * on a kernel that has them.  More than PEER_GROUPS_MAX groups are
 * taken as none: groups only ever allow.
 */
bool peer_read(int fd, struct peer *p);

/* True when this kernel gives pidfds of peers. */
bool peer_has_pidfd(void);

/*
 * True when this kernel has an inode for each process, with a number that no
 * other one gets until the machine is started anew (pidfs, Linux 6.9).  Asked
 * before the sandbox is closed.
 */
bool peer_has_inodes(void);

/* The number of a pidfd's inode, or another file's; 0: it can't be told.  Of
   a pidfd only where there are such inodes: else it is the same for all. */
uint64_t peer_inode(int fd);

/*
 * The number of the cgroup (v2) that the process is in now, which no other one
 * gets until the machine is started anew; 0: it can't be told (before Linux
 * 6.13).
 */
uint64_t peer_cgroup(int pidfd);

/* False once the process that has connected has ended; true where the kernel
   gives no pidfd to tell by. */
bool peer_lives(const struct peer *p);

/* Close and free what peer_read() got. */
void peer_free(struct peer *p);

#endif
