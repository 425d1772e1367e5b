/*
 * faults: what a kernel or a libc says when it fails, said to the daemon.
 *
 * Preloaded into cofred (LD_PRELOAD), it stands between the daemon, with
 * LMDB, and libc: the nth call or allocation fails, a getsockopt() tells
 * what is wrong or only half, and the clocks have been set.  The test says
 * which in a page that both have mapped (faults.py); the sandbox is none the
 * wiser, because all that it lets through is still asked for by the daemon.
 * A ptrace(2) injector would have to suspend the sandbox to do the same.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

enum { FAIL_NOTHING, FAIL_CALL, FAIL_ALLOCATION };

/* faults.py has the same, as "=IIiIIIiiqqq". */
struct control {
	uint32_t what;	 /* to fail */
	uint32_t nth;	 /* which one of them, from 1; 0: none */
	int32_t error;	 /* its errno */
	uint32_t count;	 /* of them so far */
	uint32_t option; /* of getsockopt(), at SOL_SOCKET; 0: none */
	uint32_t cut;	 /* 1: it succeeds, with a length of ... */
	int32_t length;
	int32_t option_error; /* otherwise it fails so */
	int64_t real;	      /* nanoseconds ahead of the clock, */
	int64_t boot;	      /* and of the time since boot */
	int64_t live;	      /* allocations that were not freed */
};

static struct control none;
static volatile struct control *control = &none;
static int (*real_clock)(clockid_t, struct timespec *);
static int (*real_epoll_ctl)(int, int, int, struct epoll_event *);
static int (*real_epoll_wait)(int, struct epoll_event *, int, int);
static int (*real_accept4)(int, struct sockaddr *, socklen_t *, int);
static int (*real_poll)(struct pollfd *, nfds_t, int);
static ssize_t (*real_recvmsg)(int, struct msghdr *, int);
static ssize_t (*real_send)(int, const void *, size_t, int);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fdatasync)(int);
static int (*real_fsync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_fallocate)(int, int, off_t, off_t);
static void *(*real_mmap)(void *, size_t, int, int, int, off_t);
static int (*real_getsockopt)(int, int, int, void *, socklen_t *);
static long (*real_syscall)(long, ...);

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void __libc_free(void *);

static void
spare_the_witness(void)
{
	control = &none;
}

/* The addresses are data here: ISO C has no cast from one to a function. */
static void
find(void *to, const char *name)
{
	void *at = dlsym(RTLD_NEXT, name);

	memcpy(to, &at, sizeof(at));
}

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("FAULTS");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void *at;

	find(&real_clock, "clock_gettime");
	find(&real_epoll_ctl, "epoll_ctl");
	find(&real_epoll_wait, "epoll_wait");
	find(&real_accept4, "accept4");
	find(&real_poll, "poll");
	find(&real_recvmsg, "recvmsg");
	find(&real_send, "send");
	find(&real_writev, "writev");
	find(&real_pread, "pread");
	find(&real_pwrite, "pwrite");
	find(&real_fdatasync, "fdatasync");
	find(&real_fsync, "fsync");
	find(&real_ftruncate, "ftruncate");
	find(&real_fallocate, "fallocate");
	find(&real_mmap, "mmap");
	find(&real_getsockopt, "getsockopt");
	find(&real_syscall, "syscall");
	if (fd == -1)
		return;
	at = real_mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (at == MAP_FAILED)
		abort();
	control = at;
	(void)pthread_atfork(NULL, NULL, spare_the_witness);
}

/* Is this the one? */
static int
fails(uint32_t what)
{
	if (control->what != what || ++control->count != control->nth)
		return 0;
	errno = control->error;
	return 1;
}

static void *
count(void *p)
{
	control->live += p != NULL;
	return p;
}

void *
malloc(size_t size)
{
	return fails(FAIL_ALLOCATION) ? NULL : count(__libc_malloc(size));
}

void *
calloc(size_t n, size_t size)
{
	return fails(FAIL_ALLOCATION) ? NULL : count(__libc_calloc(n, size));
}

void *
realloc(void *p, size_t size)
{
	void *to;

	if (fails(FAIL_ALLOCATION))
		return NULL;
	to = __libc_realloc(p, size);
	return p == NULL ? count(to) : to;
}

void
free(void *p)
{
	control->live -= p != NULL;
	__libc_free(p);
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int64_t ahead = id == CLOCK_REALTIME ? control->real :
	    id == CLOCK_BOOTTIME	     ? control->boot :
					       0;
	int ret = real_clock(id, ts);

	ts->tv_sec += ahead / 1000000000;
	return ret;
}

#define CALL(type, name, parameters, arguments) \
	type name parameters \
	{ \
		return fails(FAIL_CALL) ? (type)-1 : real_##name arguments; \
	}

CALL(int, epoll_ctl, (int e, int op, int fd, struct epoll_event *ev),
    (e, op, fd, ev))
CALL(int, epoll_wait, (int e, struct epoll_event *ev, int n, int ms),
    (e, ev, n, ms))
CALL(int, accept4, (int fd, struct sockaddr *a, socklen_t *n, int flags),
    (fd, a, n, flags))
CALL(int, poll, (struct pollfd * p, nfds_t n, int ms), (p, n, ms))
CALL(ssize_t, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags))
CALL(ssize_t, send, (int fd, const void *p, size_t n, int flags),
    (fd, p, n, flags))
CALL(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n))
CALL(ssize_t, pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at))
CALL(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at),
    (fd, p, n, at))
CALL(int, fdatasync, (int fd), (fd))
CALL(int, fsync, (int fd), (fd))
CALL(int, ftruncate, (int fd, off_t n), (fd, n))
CALL(int, fallocate, (int fd, int mode, off_t at, off_t n), (fd, mode, at, n))
CALL(void *, mmap, (void *p, size_t n, int prot, int flags, int fd, off_t at),
    (p, n, prot, flags, fd, at))

/* A success that has told less than it could: the rest is as it was. */
static int
cut_short(int fd, int option, void *to, socklen_t *len)
{
	uint8_t told[4096];
	socklen_t room = *len, n = (socklen_t)control->length;
	int pidfd = -1;

	if (room > sizeof(told) ||
	    real_getsockopt(fd, SOL_SOCKET, option, told, len) == -1)
		return -1;
	if (option == SO_PEERPIDFD) {
		memcpy(&pidfd, told, sizeof(pidfd));
		(void)close(pidfd);
	}
	memcpy(to, told, n < room ? n : room);
	*len = n;
	return 0;
}

int
getsockopt(int fd, int level, int option, void *to, socklen_t *len)
{
	if (fails(FAIL_CALL))
		return -1;
	if (level != SOL_SOCKET || control->option != (uint32_t)option ||
	    option == 0)
		return real_getsockopt(fd, level, option, to, len);
	if (!control->cut) {
		errno = control->option_error;
		return -1;
	}
	return cut_short(fd, option, to, len);
}

/* pidfd_open(2), for one, has no function in every libc. */
long
syscall(long number, ...)
{
	long a[6], r;
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_pidfd_open && fails(FAIL_CALL))
		return -1;
	r = real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (number == SYS_clone && r == 0) /* the sentry, not by fork(2) */
		spare_the_witness();
	return r;
}
