/* What can fail in a run: libc's allocations, and the calls of the program. */
#include "rehearsal.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <link.h>
#include <poll.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Nothing fails before main() has begun. */
static struct met before;
struct rehearsal rehearsal = { .met = &before };

/* An address is data here: ISO C has no cast from one to a function. */
void
rehearsal_find(void *to, const char *name)
{
	void *at = dlsym(RTLD_NEXT, name);

	if (at == NULL)
		abort();
	memcpy(to, &at, sizeof(at));
}

/*
 * libseccomp is spared: it crashes without memory, or makes a filter with
 * holes, and nobody here can mend that.
 */
static uintptr_t spared_from, spared_to;
/* libc's own is spared while it looks for an account: it asserts. */
static int sparing;

static int
take_library(struct dl_phdr_info *info, size_t size, void *p)
{
	(void)size;
	(void)p;
	if (strstr(info->dlpi_name, "libseccomp") == NULL)
		return 0;
	spared_from = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD)
			spared_to = info->dlpi_addr +
			    info->dlpi_phdr[i].p_vaddr +
			    info->dlpi_phdr[i].p_memsz;
	return 1;
}

void
rehearsal_spare(void)
{
	(void)dl_iterate_phdr(take_library, NULL);
}

/* Who has called the function in which this stands. */
#define CALLER __builtin_return_address(0)

/* Is it this one's turn?  Processes of one rehearsal count together. */
static int
turn(int kind, const void *from)
{
	uint32_t n = __atomic_add_fetch(&rehearsal.met->counts[kind], 1,
	    __ATOMIC_SEQ_CST);

	if (n <= PLACES_MAX)
		rehearsal.met->places[kind][n - 1] =
		    (uint32_t)(uintptr_t)from;
	return rehearsal.what == kind && n == rehearsal.nth;
}

static int
fails(int kind, int error, const void *from)
{
	if (!turn(kind, from))
		return 0;
	errno = error;
	return 1;
}

/* The same for an allocation, by who asks for it. */
static int
has_none(const void *from)
{
	uintptr_t at = (uintptr_t)from;

	return !sparing && (at < spared_from || at >= spared_to) &&
	    fails(FAIL_ALLOCATION, ENOMEM, from);
}

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

void *
malloc(size_t size)
{
	return has_none(CALLER) ? NULL :
						       __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
	return has_none(CALLER) ?
	    NULL :
	    __libc_calloc(n, size);
}

void *
realloc(void *p, size_t size)
{
	return has_none(CALLER) ?
	    NULL :
	    __libc_realloc(p, size);
}

void *
reallocarray(void *p, size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	return has_none(CALLER) ?
	    NULL :
	    __libc_realloc(p, all);
}

/* A function that goes on to libc's, unless it fails with an errno. */
#define CALL(type, name, parameters, arguments, error) \
	type name parameters \
	{ \
		static type(*real) parameters; \
\
		if (fails(FAIL_CALL, error, CALLER)) \
			return (type)-1; \
		if (real == NULL) \
			rehearsal_find(&real, #name); \
		return real arguments; \
	}

/*
 * What is known of descriptors since they were made: the sandbox may not
 * allow to ask.  What was opened by a name has all that it has at once, so that
 * nobody waits; what keeps packets or signals gives and takes each as a whole.
 */
#define NOTED_MAX 1024
enum { NO_WAIT = 1, IN_WHOLES = 2 };
static uint8_t noted[NOTED_MAX];

static int
note(int fd, uint8_t what)
{
	if (fd >= 0 && fd < NOTED_MAX)
		noted[fd] = what;
	return fd;
}

static bool
is_noted(int fd, uint8_t what)
{
	return fd >= 0 && fd < NOTED_MAX && (noted[fd] & what) != 0;
}

static int
is_interrupted(int fd, bool at_once, const void *from)
{
	return !at_once && !is_noted(fd, NO_WAIT) &&
	    fails(INTERRUPT, EINTR, from);
}

/* How much of a size is done. */
static size_t
part(int fd, size_t size, const void *from)
{
	return size > 1 && !is_noted(fd, IN_WHOLES) && turn(HALVE, from) ?
	    size / 2 :
	    size;
}

/* The same of one that may wait for its first argument, a descriptor, unless
   it is asked not to. */
#define WAIT(type, name, parameters, arguments, error, at_once) \
	type name parameters \
	{ \
		static type(*real) parameters; \
\
		if (fails(FAIL_CALL, error, CALLER) || \
		    is_interrupted(fd, at_once, CALLER)) \
			return (type)-1; \
		if (real == NULL) \
			rehearsal_find(&real, #name); \
		return real arguments; \
	}

CALL(int, accept4, (int fd, struct sockaddr *a, socklen_t *n, int flags),
    (fd, a, n, flags), EMFILE)
CALL(int, bind, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n),
    EADDRINUSE)
CALL(int, chdir, (const char *path), (path), EIO)
CALL(int, dup, (int fd), (fd), EMFILE)
CALL(int, dup2, (int fd, int to), (fd, to), EBUSY)
CALL(int, epoll_create1, (int flags), (flags), EMFILE)
CALL(int, epoll_ctl, (int e, int op, int fd, struct epoll_event *ev),
    (e, op, fd, ev), ENOMEM)
CALL(int, fallocate, (int fd, int mode, off_t at, off_t n),
    (fd, mode, at, n), EIO)
CALL(int, fchdir, (int fd), (fd), EIO)
CALL(int, fchmod, (int fd, mode_t mode), (fd, mode), EIO)
CALL(int, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid), EIO)
CALL(int, fdatasync, (int fd), (fd), EIO)
CALL(int, flock, (int fd, int how), (fd, how), EIO)
CALL(pid_t, fork, (void), (), EAGAIN)
CALL(int, fstat, (int fd, struct stat *to), (fd, to), EIO)
CALL(int, fstatat, (int d, const char *name, struct stat *to, int flags),
    (d, name, to, flags), EIO)
CALL(int, fsync, (int fd), (fd), EIO)
CALL(int, ftruncate, (int fd, off_t size), (fd, size), EIO)
CALL(int, getsockname, (int fd, struct sockaddr *a, socklen_t *n), (fd, a, n),
    ENOBUFS)
CALL(int, getsockopt, (int fd, int level, int name, void *to, socklen_t *n),
    (fd, level, name, to, n), ENOBUFS)
CALL(int, listen, (int fd, int n), (fd, n), EIO)
CALL(int, lstat, (const char *path, struct stat *to), (path, to), EIO)
CALL(int, memfd_create, (const char *name, unsigned flags), (name, flags),
    EMFILE)
CALL(int, mkdir, (const char *path, mode_t mode), (path, mode), EIO)
CALL(int, mkdirat, (int d, const char *path, mode_t mode), (d, path, mode),
    EIO)
CALL(int, mlock, (const void *at, size_t n), (at, n), ENOMEM)
CALL(int, pipe2, (int fds[2], int flags), (fds, flags), EMFILE)
CALL(ssize_t, readlink, (const char *path, char *to, size_t n),
    (path, to, n), EIO)
CALL(ssize_t, readlinkat, (int d, const char *path, char *to, size_t n),
    (d, path, to, n), EIO)
CALL(int, renameat, (int d, const char *from, int to, const char *name),
    (d, from, to, name), EIO)
CALL(int, setgroups, (size_t n, const gid_t *to), (n, to), EPERM)
CALL(int, setresgid, (gid_t r, gid_t e, gid_t s), (r, e, s), EPERM)
CALL(int, setresuid, (uid_t r, uid_t e, uid_t s), (r, e, s), EPERM)
CALL(int, setsockopt, (int fd, int level, int name, const void *at,
    socklen_t n), (fd, level, name, at, n), ENOMEM)
CALL(int, socket, (int domain, int type, int protocol),
    (domain, type, protocol), EMFILE)
CALL(int, stat, (const char *path, struct stat *to), (path, to), EIO)
CALL(int, unlinkat, (int d, const char *path, int flags), (d, path, flags),
    EIO)
CALL(void *, mmap, (void *p, size_t n, int prot, int flags, int fd, off_t at),
    (p, n, prot, flags, fd, at), ENOMEM)
CALL(int, connect, (int fd, const struct sockaddr *a, socklen_t n),
    (fd, a, n), ECONNREFUSED)
WAIT(int, epoll_wait, (int fd, struct epoll_event *ev, int n, int ms),
    (fd, ev, n, ms), EIO, false)
#define NOT_NOW ((flags & MSG_DONTWAIT) != 0)
WAIT(ssize_t, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags),
    EIO, NOT_NOW)
WAIT(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags),
    (fd, m, flags), EIO, NOT_NOW)
CALL(ssize_t, pread, (int fd, void *to, size_t n, off_t at),
    (fd, to, n, at), EIO)
CALL(ssize_t, pwrite, (int fd, const void *from, size_t n, off_t at),
    (fd, from, n, at), ENOSPC)
WAIT(ssize_t, read, (int fd, void *to, size_t n), (fd, to, part(fd, n, CALLER)), EIO,
    false)
WAIT(ssize_t, write, (int fd, const void *from, size_t n),
    (fd, from, part(fd, n, CALLER)), ENOSPC, false)
/* Who asks for all gets all. */
WAIT(ssize_t, recv, (int fd, void *to, size_t n, int flags),
    (fd, to, (flags & MSG_WAITALL) != 0 ? n : part(fd, n, CALLER), flags), EIO,
    NOT_NOW)
WAIT(ssize_t, send, (int fd, const void *from, size_t n, int flags),
    (fd, from, part(fd, n, CALLER), flags), EIO, NOT_NOW)

int
poll(struct pollfd *p, nfds_t n, int ms)
{
	static int (*real)(struct pollfd *, nfds_t, int);

	/* Who does not wait is not interrupted. */
	if (fails(FAIL_CALL, ENOMEM, CALLER) ||
	    (ms != 0 && fails(INTERRUPT, EINTR, CALLER)))
		return -1;
	if (real == NULL)
		rehearsal_find(&real, "poll");
	return real(p, n, ms);
}

int
signalfd(int fd, const sigset_t *set, int flags)
{
	static int (*real)(int, const sigset_t *, int);

	if (fails(FAIL_CALL, EMFILE, CALLER))
		return -1;
	if (real == NULL)
		rehearsal_find(&real, "signalfd");
	return note(real(fd, set, flags),
	    (flags & SFD_NONBLOCK) != 0 ? NO_WAIT | IN_WHOLES : IN_WHOLES);
}

int
socketpair(int domain, int type, int protocol, int fds[2])
{
	static int (*real)(int, int, int, int[2]);
	uint8_t what = (type & SOCK_SEQPACKET) == SOCK_SEQPACKET ? IN_WHOLES :
								   0;

	if (fails(FAIL_CALL, EMFILE, CALLER))
		return -1;
	if (real == NULL)
		rehearsal_find(&real, "socketpair");
	if (real(domain, type, protocol, fds) == -1)
		return -1;
	(void)note(fds[0], what);
	(void)note(fds[1], what);
	return 0;
}

/* Those that are given a mode when they make a file. */
#define OPENS(flags) (((flags) & (O_CREAT | O_TMPFILE)) != 0)

int
open(const char *path, int flags, ...)
{
	static int (*real)(const char *, int, ...);
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (OPENS(flags))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	if (fails(FAIL_CALL, EMFILE, CALLER))
		return -1;
	if (real == NULL)
		rehearsal_find(&real, "open");
	return note(real(path, flags, mode), NO_WAIT);
}

int
openat(int dir, const char *path, int flags, ...)
{
	static int (*real)(int, const char *, int, ...);
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (OPENS(flags))
		mode = va_arg(ap, mode_t);
	va_end(ap);
	if (fails(FAIL_CALL, EMFILE, CALLER))
		return -1;
	if (real == NULL)
		rehearsal_find(&real, "openat");
	return note(real(dir, path, flags, mode), NO_WAIT);
}

int
fcntl(int fd, int what_of, ...)
{
	static int (*real)(int, int, ...);
	long value;
	va_list ap;

	va_start(ap, what_of);
	value = va_arg(ap, long);
	va_end(ap);
	if (fails(FAIL_CALL, EMFILE, CALLER))
		return -1;
	if (real == NULL)
		rehearsal_find(&real, "fcntl");
	return real(fd, what_of, value);
}

int
prctl(int option, ...)
{
	static int (*real)(int, ...);
	long a[4];
	va_list ap;

	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (fails(FAIL_CALL, EINVAL, CALLER))
		return -1;
	if (real == NULL)
		rehearsal_find(&real, "prctl");
	return real(option, a[0], a[1], a[2], a[3]);
}

struct passwd *
getpwuid(uid_t uid)
{
	static struct passwd *(*real)(uid_t);
	struct passwd *found;

	if (real == NULL)
		rehearsal_find(&real, "getpwuid");
	sparing++;
	found = real(uid);
	sparing--;
	return found;
}

int
getgrouplist(const char *name, gid_t gid, gid_t *to, int *n)
{
	static int (*real)(const char *, gid_t, gid_t *, int *);
	int ret;

	if (real == NULL)
		rehearsal_find(&real, "getgrouplist");
	sparing++;
	ret = real(name, gid, to, n);
	sparing--;
	return ret;
}
