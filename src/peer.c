#include "peer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "policy.h"
#include "sort.h"

/* From linux/socket.h, for C libraries that are older than the kernel. */
#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#define PIDFS 0x50494446 /* PIDFS_MAGIC of linux/magic.h */

static int
compare_ids(const void *a, const void *b)
{
	const gid_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
read_groups(int fd, struct peer *p)
{
	gid_t few[32];
	socklen_t len = sizeof(few);
	gid_t *list;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, few, &len) == -1) {
		if (errno != ERANGE || len > PEER_GROUPS_MAX * sizeof(gid_t) ||
		    (list = malloc(len)) == NULL)
			return;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, list, &len) ==
		    -1) {
			free(list);
			return;
		}
	} else if (len == 0 || (list = malloc(len)) == NULL)
		return;
	else
		memcpy(list, few, len);
	if (len % sizeof(gid_t) != 0) { /* half a list is none */
		free(list);
		return;
	}
	p->groups = list;
	p->group_count = len / sizeof(gid_t);
	sort(p->groups, p->group_count, sizeof(gid_t), compare_ids);
}

/* False when the kernel has one, and did not give it, or gives half. */
static bool
read_pidfd(int fd, int *ret)
{
	int pidfd = -1;
	socklen_t len = sizeof(pidfd);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) == -1)
		return errno == ENOPROTOOPT;
	if (len != sizeof(pidfd) || pidfd < 0)
		return false;
	*ret = pidfd;
	return true;
}

bool
peer_read(int fd, struct peer *p)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	*p = (struct peer){ .pidfd = -1 };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1 ||
	    len != sizeof(cred))
		return false;
	p->uid = cred.uid;
	p->gid = cred.gid;
	p->pid = cred.pid > 0 ? (uint32_t)cred.pid : 0;
	if (!policy_id_valid(p->uid) || !policy_id_valid(p->gid))
		return false;
	if (!read_pidfd(fd, &p->pidfd))
		return false;
	read_groups(fd, p);
	return true;
}

bool
peer_has_pidfd(void)
{
	int pair[2], pidfd = -1;
	socklen_t len = sizeof(pidfd);
	bool has;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		return false;
	has = getsockopt(pair[0], SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) == 0;
	if (has)
		(void)close(pidfd);
	(void)close(pair[0]);
	(void)close(pair[1]);
	return has;
}

bool
peer_has_inodes(void)
{
	int pidfd = (int)syscall(SYS_pidfd_open, (int)getpid(), 0);
	struct statfs fs;
	bool has = pidfd != -1 && fstatfs(pidfd, &fs) == 0 &&
	    fs.f_type == PIDFS && peer_inode(pidfd) != 0;

	if (pidfd != -1)
		(void)close(pidfd);
	return has;
}

uint64_t
peer_inode(int fd)
{
	struct stat st;

	return fd != -1 && fstat(fd, &st) == 0 ? st.st_ino : 0;
}

uint64_t
peer_cgroup(int pidfd)
{
	struct peer_info info = { .mask = PEER_INFO_CGROUP };

	return pidfd != -1 && ioctl(pidfd, PEER_GET_INFO, &info) == 0 &&
		(info.mask & PEER_INFO_CGROUP) != 0 ?
	    info.cgroup :
	    0;
}

bool
peer_lives(const struct peer *p)
{
	struct pollfd alive = { .fd = p->pidfd, .events = POLLIN };

	return p->pidfd == -1 || poll(&alive, 1, 0) == 0;
}

void
peer_free(struct peer *p)
{
	if (p->pidfd != -1)
		(void)close(p->pidfd);
	p->pidfd = -1;
	free(p->groups);
	p->groups = NULL;
	p->group_count = 0;
}
