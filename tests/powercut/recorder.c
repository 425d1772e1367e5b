/*
 * recorder: writes down what the daemon writes to its files.
 *
 * Preloaded into cofred (LD_PRELOAD), it stands between the daemon, with
 * LMDB, and libc, and puts each call that changes a file, and each reply,
 * into a file that is mapped from the start on (trace.h), so that the
 * sandbox sees no call that is not the daemon's own.  The log is written
 * through a mapping: at each call it is compared with a copy, and what has
 * changed since is put down first.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "trace.h"

#define FDS 1024
#define MAPPINGS 8
#define WORD 8u
#define CELL 128u /* of the log, as in logfmt.h */

struct mapping {
	int fd;
	uint8_t *at, *copy;
	size_t size;
};

static uint8_t *trace; /* NULL: nothing is recorded */
static bool is_file[FDS];
static uint64_t place[FDS]; /* where the next write(2) goes */
static struct mapping mappings[MAPPINGS];

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static off_t (*real_lseek)(int, off_t, int);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_fallocate)(int, int, off_t, off_t);
static void *(*real_mmap)(void *, size_t, int, int, int, off_t);
static int (*real_munmap)(void *, size_t);
static int (*real_renameat)(int, const char *, int, const char *);
static int (*real_unlinkat)(int, const char *, int);
static int (*real_mkdirat)(int, const char *, mode_t);
static ssize_t (*real_send)(int, const void *, size_t, int);
static int (*real_epoll_wait)(int, struct epoll_event *, int, int);

static void
spare_the_children(void)
{
	trace = NULL;
}

/* The addresses are data here: ISO C has no cast from one to a function. */
static void
find(void *to, const char *name)
{
	void *at = dlsym(RTLD_NEXT, name);

	memcpy(to, &at, sizeof(at));
}

/* An event of length bytes; they are put where it says. */
static uint8_t *
put(enum trace_kind kind, int fd, uint64_t offset, uint64_t length,
    uint64_t bytes)
{
	const struct trace_event e = { kind, fd, offset, length };
	uint64_t used;
	uint8_t *at;

	memcpy(&used, trace, sizeof(used));
	at = trace + sizeof(used) + used;
	if (used + sizeof(e) + bytes + 64 > TRACE_MAX)
		abort();
	memcpy(at, &e, sizeof(e));
	used += sizeof(e) + (bytes + WORD - 1) / WORD * WORD;
	memcpy(trace, &used, sizeof(used));
	return at + sizeof(e);
}

static void
put_bytes(
    enum trace_kind kind, int fd, uint64_t offset, const void *p, size_t n)
{
	memcpy(put(kind, fd, offset, n, n), p, n);
}

/* Runs of cells of a mapping that are other than they were. */
static void
compare(struct mapping *m)
{
	size_t from, to;

	for (from = 0; from < m->size; from = to + CELL) {
		to = from;
		while (to < m->size &&
		       memcmp(m->at + to, m->copy + to, CELL) != 0)
			to += CELL;
		if (to > from) {
			memcpy(m->copy + from, m->at + from, to - from);
			put_bytes(TRACE_MAPPED, m->fd, from, m->copy + from,
			    to - from);
		}
	}
}

static void
look(void)
{
	for (size_t i = 0; trace != NULL && i < MAPPINGS; i++)
		if (mappings[i].at != NULL)
			compare(&mappings[i]);
}

static bool
known(int fd)
{
	return trace != NULL && fd >= 0 && fd < FDS && is_file[fd];
}

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("POWERCUT_TRACE");
	int fd;

	find(&real_open, "open");
	find(&real_openat, "openat");
	find(&real_close, "close");
	find(&real_write, "write");
	find(&real_pwrite, "pwrite");
	find(&real_writev, "writev");
	find(&real_lseek, "lseek");
	find(&real_fsync, "fsync");
	find(&real_fdatasync, "fdatasync");
	find(&real_ftruncate, "ftruncate");
	find(&real_fallocate, "fallocate");
	find(&real_mmap, "mmap");
	find(&real_munmap, "munmap");
	find(&real_renameat, "renameat");
	find(&real_unlinkat, "unlinkat");
	find(&real_mkdirat, "mkdirat");
	find(&real_send, "send");
	find(&real_epoll_wait, "epoll_wait");
	fd = path == NULL ? -1 : real_open(path, O_RDWR | O_CLOEXEC);
	if (fd == -1)
		return;
	trace = real_mmap(
	    NULL, TRACE_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)real_close(fd);
	if (trace == MAP_FAILED)
		abort();
	(void)put(TRACE_BEGIN, -1, 0, 0, 0);
	(void)pthread_atfork(NULL, NULL, spare_the_children);
}

/* A file was opened. */
static int
opened(int fd, const char *name, int flags)
{
	int saved = errno;

	if (trace == NULL || fd < 0 || fd >= FDS)
		return fd;
	is_file[fd] = true;
	place[fd] = 0;
	put_bytes(
	    TRACE_OPEN, fd, (uint64_t)(unsigned)flags, name, strlen(name) + 1);
	errno = saved;
	return fd;
}

int
open(const char *name, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, int) : 0;
	va_end(ap);
	look();
	return opened(real_open(name, flags, mode), name, flags);
}

int
openat(int dir, const char *name, int flags, ...)
{
	va_list ap;
	int mode;

	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, int) : 0;
	va_end(ap);
	look();
	return opened(real_openat(dir, name, flags, mode), name, flags);
}

int
close(int fd)
{
	look();
	if (known(fd)) {
		is_file[fd] = false;
		(void)put(TRACE_CLOSE, fd, 0, 0, 0);
	}
	return real_close(fd);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	ssize_t r;

	look();
	r = real_write(fd, p, n);
	if (r > 0 && known(fd)) {
		put_bytes(TRACE_WRITE, fd, place[fd], p, (size_t)r);
		place[fd] += (uint64_t)r;
	}
	return r;
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	ssize_t r;

	look();
	r = real_pwrite(fd, p, n, at);
	if (r > 0 && known(fd))
		put_bytes(TRACE_WRITE, fd, (uint64_t)at, p, (size_t)r);
	return r;
}

/* To a file one event for each piece, to a client one for all. */
static void
put_pieces(int fd, const struct iovec *v, int n, size_t left)
{
	uint8_t *at = known(fd) ? NULL : put(TRACE_SEND, fd, 0, left, left);

	for (int i = 0; i < n && left > 0; i++) {
		size_t len = v[i].iov_len < left ? v[i].iov_len : left;

		if (at != NULL) {
			memcpy(at, v[i].iov_base, len);
			at += len;
		} else {
			put_bytes(
			    TRACE_WRITE, fd, place[fd], v[i].iov_base, len);
			place[fd] += len;
		}
		left -= len;
	}
}

ssize_t
writev(int fd, const struct iovec *v, int n)
{
	ssize_t r;

	look();
	r = real_writev(fd, v, n);
	if (r > 0 && trace != NULL)
		put_pieces(fd, v, n, (size_t)r);
	return r;
}

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	ssize_t r;

	look();
	r = real_send(fd, p, n, flags);
	if (r > 0 && trace != NULL)
		put_bytes(TRACE_SEND, fd, 0, p, (size_t)r);
	return r;
}

off_t
lseek(int fd, off_t at, int whence)
{
	off_t r = real_lseek(fd, at, whence);

	if (r >= 0 && known(fd))
		place[fd] = (uint64_t)r;
	return r;
}

int
fsync(int fd)
{
	int r;

	look();
	r = real_fsync(fd);
	if (r == 0 && known(fd))
		(void)put(TRACE_SYNC, fd, 0, 0, 0);
	return r;
}

int
fdatasync(int fd)
{
	int r;

	look();
	r = real_fdatasync(fd);
	if (r == 0 && known(fd))
		(void)put(TRACE_SYNC, fd, 0, 0, 0);
	return r;
}

int
ftruncate(int fd, off_t size)
{
	int r;

	look();
	r = real_ftruncate(fd, size);
	if (r == 0 && known(fd))
		(void)put(TRACE_SIZE, fd, 0, (uint64_t)size, 0);
	return r;
}

int
fallocate(int fd, int mode, off_t at, off_t n)
{
	int r;

	look();
	r = real_fallocate(fd, mode, at, n);
	if (r == 0 && known(fd))
		(void)put(TRACE_GROW, fd, 0, (uint64_t)(at + n), 0);
	return r;
}

/* The log's segments are what is mapped for writing, but for LMDB's lock
   files, in which nothing lasts. */
static void
keep_mapping(void *at, size_t size, int fd)
{
	size_t i = 0;
	void *copy;

	while (i < MAPPINGS && mappings[i].at != NULL)
		i++;
	copy = real_mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (i == MAPPINGS || copy == MAP_FAILED)
		abort();
	memcpy(copy, at, size);
	mappings[i] = (struct mapping){ fd, at, copy, size };
}

void *
mmap(void *want, size_t size, int prot, int flags, int fd, off_t at)
{
	void *p;

	look();
	p = real_mmap(want, size, prot, flags, fd, at);
	if (p != MAP_FAILED && known(fd) && (prot & PROT_WRITE) != 0 &&
	    (flags & MAP_SHARED) != 0)
		keep_mapping(p, size, fd);
	return p;
}

int
munmap(void *at, size_t size)
{
	look();
	for (size_t i = 0; trace != NULL && i < MAPPINGS; i++)
		if (mappings[i].at == at && at != NULL) {
			(void)real_munmap(mappings[i].copy, mappings[i].size);
			mappings[i].at = NULL;
		}
	return real_munmap(at, size);
}

int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	size_t a = strlen(from) + 1, b = strlen(to) + 1;
	uint8_t *at;
	int r;

	look();
	r = real_renameat(from_dir, from, to_dir, to);
	if (r == 0 && trace != NULL) {
		at = put(TRACE_RENAME, -1, 0, a + b, a + b);
		memcpy(at, from, a);
		memcpy(at + a, to, b);
	}
	return r;
}

int
unlinkat(int dir, const char *name, int flags)
{
	int r;

	look();
	r = real_unlinkat(dir, name, flags);
	if (r == 0 && trace != NULL)
		put_bytes(TRACE_UNLINK, -1, 0, name, strlen(name) + 1);
	return r;
}

int
mkdirat(int dir, const char *name, mode_t mode)
{
	int r;

	look();
	r = real_mkdirat(dir, name, mode);
	if (r == 0 && trace != NULL)
		put_bytes(TRACE_MKDIR, -1, 0, name, strlen(name) + 1);
	return r;
}

int
epoll_wait(int fd, struct epoll_event *events, int n, int timeout)
{
	look();
	return real_epoll_wait(fd, events, n, timeout);
}
