#include "sender.h"

#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

ssize_t
sender_receive(int fd, void *to, size_t size, struct sender *who)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec iov = { to, size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room) };
	const struct cmsghdr *c;
	struct ucred cred;
	ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*who = (struct sender){ .known = false };
	if (n <= 0 || (c = CMSG_FIRSTHDR(&msg)) == NULL ||
	    c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS ||
	    c->cmsg_len != CMSG_LEN(sizeof(cred)))
		return n;
	memcpy(&cred, CMSG_DATA(c), sizeof(cred));
	*who = (struct sender){ .known = true, .uid = cred.uid,
		.gid = cred.gid,
		.pid = cred.pid > 0 ? (uint32_t)cred.pid : 0 };
	return n;
}

bool
sender_has_none(int fd)
{
	int waiting;

	return ioctl(fd, FIONREAD, &waiting) == 0 && waiting == 0;
}

bool
sender_peek(int fd, void *to, size_t size, size_t *all)
{
	struct iovec iov = { to, size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int waiting;
	ssize_t n;

	if (ioctl(fd, FIONREAD, &waiting) == -1 || waiting < 0)
		return false;
	*all = (size_t)waiting;
	if (*all == 0)
		return true;
	n = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_PEEK);
	return n > 0 && ((size_t)n == size || (size_t)n == *all);
}

bool
sender_is_peer(const struct sender *who, const struct peer *p)
{
	return who->known && who->uid == p->uid && who->gid == p->gid &&
	    who->pid == p->pid;
}
