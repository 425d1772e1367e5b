#include "failing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

static struct {
	const char *call; /* or NULL */
	unsigned left;	  /* of those calls, with the one that fails */
	int error;
	pid_t spared;
	bool struck;
} now;

void
failing_next(const char *call, unsigned nth, int error)
{
	now.call = call;
	now.left = nth;
	now.error = error;
	now.spared = 0;
	now.struck = false;
}

void
failing_below(const char *call, unsigned nth, int error)
{
	failing_next(call, nth, error);
	now.spared = getpid();
}

bool
failing_end(void)
{
	now.call = NULL;
	return now.struck;
}

/* Does this call fail?  errno says how. */
static bool
strikes(const char *call)
{
	if (now.call == NULL || strcmp(call, now.call) != 0 ||
	    now.spared == getpid() || now.left == 0 || --now.left > 0)
		return false;
	now.struck = true;
	errno = now.error;
	return true;
}

#define CALL_AS(call, type, bad, name, parameters, arguments)                \
	type __real_##name parameters;                                       \
	type __wrap_##name parameters;                                       \
	type __wrap_##name parameters                                        \
	{                                                                    \
		return strikes(call) ? (bad) : __real_##name arguments;      \
	}
#define CALL(type, bad, name, parameters, arguments)                         \
	CALL_AS(#name, type, bad, name, parameters, arguments)

CALL(int, -1, access, (const char *path, int mode), (path, mode))
CALL(int, -1, chdir, (const char *path), (path))
CALL(int, -1, close, (int fd), (fd))
CALL(int, -1, connect, (int fd, const struct sockaddr *to, socklen_t len),
    (fd, to, len))
CALL(int, -1, dup2, (int from, int to), (from, to))
CALL(int, -1, fchmod, (int fd, mode_t mode), (fd, mode))
CALL(int, -1, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
CALL(DIR *, NULL, fdopendir, (int fd), (fd))
CALL(pid_t, -1, fork, (void), ())
CALL(int, -1, memfd_create, (const char *name, unsigned flags), (name, flags))
CALL(char *, NULL, mkdtemp, (char *path), (path))
CALL(int, -1, pipe2, (int fds[2], int flags), (fds, flags))
CALL(int, -1, poll, (struct pollfd *fds, nfds_t n, int ms), (fds, n, ms))
CALL(ssize_t, -1, read, (int fd, void *to, size_t len), (fd, to, len))
CALL(ssize_t, -1, readlink, (const char *path, char *to, size_t len),
    (path, to, len))
CALL(ssize_t, -1, recv, (int fd, void *to, size_t len, int flags),
    (fd, to, len, flags))
CALL(ssize_t, -1, send, (int fd, const void *from, size_t len, int flags),
    (fd, from, len, flags))
CALL(ssize_t, -1, sendmsg, (int fd, const struct msghdr *m, int flags),
    (fd, m, flags))
CALL(int, -1, setrlimit, (int what, const struct rlimit *to), (what, to))
CALL(int, -1, socket, (int domain, int type, int protocol),
    (domain, type, protocol))
CALL(int, -1, socketpair, (int domain, int type, int protocol, int fds[2]),
    (domain, type, protocol, fds))
CALL(ssize_t, -1, write, (int fd, const void *from, size_t len),
    (fd, from, len))

/* What _FORTIFY_SOURCE makes of some. */
CALL_AS("open", int, -1, __open_2, (const char *path, int flags),
    (path, flags))
CALL_AS("openat", int, -1, __openat_2, (int dir, const char *path, int flags),
    (dir, path, flags))
CALL_AS("poll", int, -1, __poll_chk,
    (struct pollfd *fds, nfds_t n, int ms, size_t size), (fds, n, ms, size))
CALL_AS("read", ssize_t, -1, __read_chk,
    (int fd, void *to, size_t len, size_t size), (fd, to, len, size))

/* One that has the others closed when a program is executed. */
int __real_close_range(unsigned first, unsigned last, int flags);
int __wrap_close_range(unsigned first, unsigned last, int flags);

int
__wrap_close_range(unsigned first, unsigned last, int flags)
{
	return flags != 0 && strikes("close_range") ?
	    -1 : __real_close_range(first, last, flags);
}

/* One that waits: others are never interrupted. */
pid_t __real_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);

pid_t
__wrap_waitpid(pid_t pid, int *status, int options)
{
	return (options & WNOHANG) == 0 && strikes("waitpid") ?
	    -1 : __real_waitpid(pid, status, options);
}

/* The room that secret memory lies in: nobody else may be given none. */
void *__real_mmap(void *at, size_t len, int prot, int flags, int fd, off_t o);
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t o);

void *
__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t o)
{
	return prot == PROT_NONE && strikes("secmem") ?
	    MAP_FAILED : __real_mmap(at, len, prot, flags, fd, o);
}

/* Of a process that has connected. */
int __real_getsockopt(int fd, int level, int name, void *to, socklen_t *len);
int __wrap_getsockopt(int fd, int level, int name, void *to, socklen_t *len);

int
__wrap_getsockopt(int fd, int level, int name, void *to, socklen_t *len)
{
	return name == SO_PEERPIDFD && strikes("peerpidfd") ?
	    -1 : __real_getsockopt(fd, level, name, to, len);
}

/* With one more argument, if any. */
int __real_fcntl(int fd, int cmd, ...);
int __wrap_fcntl(int fd, int cmd, ...);

int
__wrap_fcntl(int fd, int cmd, ...)
{
	va_list ap;
	long value;

	va_start(ap, cmd);
	value = va_arg(ap, long);
	va_end(ap);
	if ((cmd == F_DUPFD_CLOEXEC && strikes("dupfd")) ||
	    (cmd == F_SETFL && strikes("setfl")))
		return -1;
	return __real_fcntl(fd, cmd, value);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);

int
__wrap_open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	return strikes("open") ? -1 : __real_open(path, flags, mode);
}

int
__wrap_openat(int dir, const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	return strikes("openat") ? -1 : __real_openat(dir, path, flags, mode);
}

int __real_prctl(int option, ...);
int __wrap_prctl(int option, ...);

int
__wrap_prctl(int option, ...)
{
	unsigned long value[4];
	va_list ap;

	va_start(ap, option);
	for (size_t i = 0; i < 4; i++)
		value[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if ((option == PR_SET_PDEATHSIG && strikes("pdeathsig")) ||
	    (option == PR_SET_CHILD_SUBREAPER && strikes("subreaper")) ||
	    (option == PR_SET_NO_NEW_PRIVS && strikes("no_new_privs")))
		return -1;
	return __real_prctl(option, value[0], value[1], value[2], value[3]);
}

#define ALLOCATION(name, parameters, arguments)                              \
	void *__real_##name parameters;                                      \
	void *__wrap_##name parameters;                                      \
	void *__wrap_##name parameters                                       \
	{                                                                    \
		return strikes("alloc") ? NULL : __real_##name arguments;    \
	}

ALLOCATION(malloc, (size_t size), (size))
ALLOCATION(calloc, (size_t n, size_t size), (n, size))
ALLOCATION(realloc, (void *p, size_t size), (p, size))
ALLOCATION(reallocarray, (void *p, size_t n, size_t size), (p, n, size))
