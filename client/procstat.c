#include "procstat.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* proc_pid_stat(5): behind the name stand field 3 and the others. */
#define FIELD_AFTER_NAME 3
#define FIELD_PARENT 4
#define FIELD_START 22

/* The digits up to the next blank; false when there are none. */
static bool
take_number(struct view text, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i = 0;

	for (; i < text.len && text.data[i] != ' '; i++) {
		unsigned d = (unsigned)(text.data[i] - '0');

		if (text.data[i] < '0' || d > 9 || v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*ret = v;
	return i > 0 && i < text.len;
}

static bool
take_field(struct view text, int wanted, uint64_t *ret)
{
	const uint8_t *p = text.len == 0 ? NULL :
	    memrchr(text.data, ')', text.len);
	int field = FIELD_AFTER_NAME - 1;

	if (p == NULL)
		return false;
	while (field < wanted) {
		size_t left = text.len - (size_t)(p - text.data);

		p = memchr(p, ' ', left);
		if (p == NULL)
			return false;
		p++;
		field++;
	}
	return take_number((struct view){ p,
	    text.len - (size_t)(p - text.data) }, ret);
}

bool
procstat_parse(struct view text, uint64_t *start)
{
	return take_field(text, FIELD_START, start);
}

static bool
read_stat(const char *path, int field, uint64_t *ret)
{
	uint8_t text[2048];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	int error;

	if (fd == -1)
		return false;
	do
		n = read(fd, text, sizeof(text));
	while (n == -1 && errno == EINTR);
	error = errno;
	(void)close(fd);
	errno = n == -1 ? error : EPROTO;
	return n > 0 &&
	    take_field((struct view){ text, (size_t)n }, field, ret);
}

bool
procstat_self(uint64_t *start)
{
	return read_stat("/proc/self/stat", FIELD_START, start);
}

/* A pidfd polls readable once its process has exited. */
static bool
has_exited(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) != 0;
}

bool
procstat_start(pid_t pid, uint64_t *start)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	uint64_t found;
	char path[48];
	bool good;
	int error;

	if (pidfd == -1)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	good = read_stat(path, FIELD_START, &found);
	error = errno;
	if (has_exited(pidfd)) {
		good = false;
		error = ESRCH;
	}
	(void)close(pidfd);
	if (good)
		*start = found;
	errno = error;
	return good;
}

bool
procstat_parent(pid_t pid, pid_t *parent)
{
	uint64_t found;
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (!read_stat(path, FIELD_PARENT, &found))
		return false;
	*parent = (pid_t)found;
	return true;
}
