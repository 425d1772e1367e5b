#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16 */
#endif

#define BACKLOG 1024
#define SOCKET_PATH_MAX (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

static bool
fail(char *error, size_t error_size, const char *path, const char *why)
{
	(void)snprintf(error, error_size, "%s: %s", path, why);
	return false;
}

static bool
set_address(struct sockaddr_un *sun, const char *path, char *error,
    size_t error_size)
{
	size_t len = strlen(path);

	if (len == 0 || len > SOCKET_PATH_MAX) {
		(void)snprintf(error, error_size,
		    "%s: the path of a socket has 1 to %zu bytes, this one "
		    "%zu", path, SOCKET_PATH_MAX, len);
		return false;
	}
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	memcpy(sun->sun_path, path, len);
	return true;
}

/*
 * Bind so that the file is born with its mode: the mode of the socket
 * before bind(2) is what it can have at most, and the umask takes nothing
 * more away.  errno is that of bind().
 */
static bool
bind_mode(int fd, const struct sockaddr_un *sun, mode_t mode)
{
	mode_t saved;
	int r, e;

	if (fchmod(fd, mode) == -1)
		return false;
	saved = umask(0777 & ~mode);
	r = bind(fd, (const struct sockaddr *)sun, sizeof(*sun));
	e = errno;
	(void)umask(saved);
	errno = e;
	return r == 0;
}

/* What stands at the path: only a socket that nobody listens on goes. */
static bool
remove_stale(const struct sockaddr_un *sun, char *error, size_t error_size)
{
	const char *path = sun->sun_path;
	struct stat st;
	int fd, r, e;

	if (lstat(path, &st) == -1)
		return fail(error, error_size, path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return fail(error, error_size, path,
		    "there is something that is not a socket; it is left "
		    "alone");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return fail(error, error_size, path, strerror(errno));
	r = connect(fd, (const struct sockaddr *)sun, sizeof(*sun));
	e = errno;
	(void)close(fd);
	/* EAGAIN is a listener with a full backlog. */
	if (r == 0 || e == EAGAIN)
		return fail(error, error_size, path,
		    "another process listens on this socket");
	if (e != ECONNREFUSED)
		return fail(error, error_size, path, strerror(e));
	if (unlink(path) == -1)
		return fail(error, error_size, path, strerror(errno));
	return true;
}

static bool
bind_or_replace(int fd, const struct sockaddr_un *sun, mode_t mode,
    char *error, size_t error_size)
{
	if (bind_mode(fd, sun, mode))
		return true;
	if (errno == EADDRINUSE) {
		if (!remove_stale(sun, error, error_size))
			return false;
		if (bind_mode(fd, sun, mode))
			return true;
	}
	if (errno == ENOENT)
		return fail(error, error_size, sun->sun_path,
		    "the directory of the socket does not exist");
	return fail(error, error_size, sun->sun_path, strerror(errno));
}

/* An access list of the directory could have changed the mode. */
static bool
check_mode(const char *path, mode_t mode, char *error, size_t error_size)
{
	struct stat st;

	if (lstat(path, &st) == -1)
		return fail(error, error_size, path, strerror(errno));
	if (S_ISSOCK(st.st_mode) && (st.st_mode & 07777) == mode)
		return true;
	if (S_ISSOCK(st.st_mode))
		(void)unlink(path);
	return fail(error, error_size, path,
	    "the socket did not get its mode: does its directory have a "
	    "default access list?");
}

int
listen_open(const char *path, mode_t mode, char *error, size_t error_size)
{
	struct sockaddr_un sun;
	int fd;

	if (!set_address(&sun, path, error, error_size))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1) {
		(void)fail(error, error_size, path, strerror(errno));
		return -1;
	}
	if (!bind_or_replace(fd, &sun, mode, error, error_size)) {
		(void)close(fd);
		return -1;
	}
	if (check_mode(path, mode, error, error_size) &&
	    listen_adopt(fd, error, error_size)) {
		if (listen(fd, BACKLOG) == 0)
			return fd;
		(void)fail(error, error_size, path, strerror(errno));
	}
	(void)close(fd);
	return -1;
}

bool
listen_adopt(int fd, char *error, size_t error_size)
{
	const int off = 0, on = 1;
	int flags = fcntl(fd, F_GETFL);

	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		return fail(error, error_size, "listening socket",
		    strerror(errno));
	/* Each connection inherits both, before a byte of it can be sent. */
	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == -1)
		return fail(error, error_size, "SO_PASSCRED",
		    strerror(errno));
	if (setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off)) ==
		-1 && errno != ENOPROTOOPT)
		return fail(error, error_size, "SO_PASSRIGHTS",
		    strerror(errno));
	return true;
}

bool
listen_is_at(int fd, const char *path)
{
	struct sockaddr_un sun;
	socklen_t len = sizeof(sun);
	size_t n = strlen(path);

	memset(&sun, 0, sizeof(sun));
	return getsockname(fd, (struct sockaddr *)&sun, &len) == 0 &&
	    sun.sun_family == AF_UNIX && n > 0 && n <= SOCKET_PATH_MAX &&
	    strncmp(sun.sun_path, path, sizeof(sun.sun_path)) == 0;
}
