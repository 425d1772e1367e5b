#include "descent.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "procstat.h"

/* From linux/socket.h, for C libraries that are older than the kernel. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define GENERATIONS_MAX 256u
/* A process between two lost its own parent meanwhile: once more. */
#define READINGS 8

bool
descent_peer(int socket, struct ucred *who, int *pidfd)
{
	socklen_t len = sizeof(*who), fd_len = sizeof(*pidfd);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, who, &len) == -1)
		return false;
	if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, pidfd, &fd_len) == 0)
		return true;
	if (errno != ENOPROTOOPT)
		return false;
	*pidfd = (int)syscall(SYS_pidfd_open, who->pid, 0);
	return *pidfd != -1;
}

/* The numbers from pid up to self; 0 when the way does not lead there. */
static size_t
go_up(pid_t pid, pid_t self, pid_t way[GENERATIONS_MAX])
{
	size_t n = 0;

	for (way[n++] = pid; n < GENERATIONS_MAX; n++) {
		if (!procstat_parent(way[n - 1], &way[n]))
			return 0;
		if (way[n] == self)
			return n + 1;
		if (way[n] <= 1)
			return 0;
	}
	return 0;
}

static bool
is_still_so(const pid_t *way, size_t n)
{
	pid_t parent;

	while (--n > 0)
		if (!procstat_parent(way[n - 1], &parent) || parent != way[n])
			return false;
	return true;
}

bool
descent_is_mine(pid_t pid, int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	pid_t way[GENERATIONS_MAX] = { 0 };

	for (int i = 0; i < READINGS; i++) {
		size_t n = pid <= 0 ? 0 : go_up(pid, getpid(), way);

		if (poll(&p, 1, 0) != 0) /* it has exited */
			return false;
		if (n > 1 && is_still_so(way, n))
			return poll(&p, 1, 0) == 0;
	}
	return false;
}
