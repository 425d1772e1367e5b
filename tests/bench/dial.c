#include "dial.h"

#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define FDS_MAX 65536

static uid_t connected_as[FDS_MAX];

void
dial_as(uid_t uid)
{
	if (getuid() == 0 && seteuid(uid) == -1)
		warn("seteuid %u", (unsigned)uid);
}

int
dial_plain(const char *path)
{
	const struct timeval patience = { .tv_sec = WAIT_MS / 1000 };
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
	if (fd == -1)
		return -1;
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == -1) {
		(void)close(fd);
		return -1;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
	    sizeof(patience));
	if (fd < FDS_MAX)
		connected_as[fd] = geteuid();
	return fd;
}

bool
dial_probe(const char *path)
{
	int fd = dial_plain(path);

	if (fd != -1)
		(void)close(fd);
	return fd != -1;
}

int
dial_connect(const char *path, uid_t uid)
{
	int fd;

	dial_as(uid);
	fd = dial_plain(path);
	if (fd == -1)
		warn("%s", path);
	dial_as(getuid());
	return fd;
}

/* As send(2), saying as whom the socket was connected: else the kernel says
   who this is by then, and cofred serves none but the one that connected. */
static ssize_t
send_as(int fd, const void *data, size_t len)
{
	const struct ucred me = { getpid(),
		fd < FDS_MAX ? connected_as[fd] : getuid(), getgid() };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec iov = { (void *)(uintptr_t)data, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *h;

	if (me.uid != getuid()) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.room;
		msg.msg_controllen = sizeof(control.room);
		h = CMSG_FIRSTHDR(&msg);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_CREDENTIALS;
		h->cmsg_len = CMSG_LEN(sizeof(me));
		memcpy(CMSG_DATA(h), &me, sizeof(me));
	}
	return sendmsg(fd, &msg, MSG_NOSIGNAL);
}

bool
dial_send(int fd, const void *data, size_t len)
{
	const uint8_t *p = data;
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n) {
		n = send_as(fd, p, len);
		if (n == -1) {
			warn("send");
			return false;
		}
	}
	return true;
}

bool
dial_receive(int fd, void *data, size_t len)
{
	uint8_t *p = data;
	ssize_t n;

	for (; len > 0; p += n, len -= (size_t)n) {
		n = recv(fd, p, len, 0);
		if (n <= 0) {
			warnx("recv: %s",
			    n == 0 ? "end of file" : strerror(errno));
			return false;
		}
	}
	return true;
}

bool
dial_fill(const char *path, size_t count, bool (*set)(int fd, size_t i))
{
	int fd = dial_connect(path, getuid());
	bool good = fd != -1;

	for (size_t i = 0; good && i < count; i++)
		good = set(fd, i);
	if (fd != -1)
		(void)close(fd);
	return good;
}
