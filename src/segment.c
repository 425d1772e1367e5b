#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit.h"
#include "bus.h"

#define BLOCK 4096u
#define OPEN_FLAGS (O_RDWR | O_CLOEXEC | O_NOFOLLOW)

static bool
write_zeros(int fd, size_t from, size_t size)
{
	static const uint8_t zeros[64 * 1024];
	ssize_t n;

	for (size_t at = from; at < size; at += (size_t)n) {
		size_t len = size - at;

		if (len > sizeof(zeros))
			len = sizeof(zeros);
		n = pwrite(fd, zeros, len, (off_t)at);
		if (n == -1 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			return false;
	}
	return true;
}

static bool
reserve(int fd, size_t from, size_t size)
{
	int r;

	do
		r = fallocate(fd, 0, 0, (off_t)size);
	while (r == -1 && errno == EINTR);
	if (r == 0)
		return true;
	if (errno != EOPNOTSUPP && errno != ENOSYS)
		return false;
	return write_zeros(fd, from, size);
}

/* How it is called when it is cut short. */
static void
tell(const struct segment *s, const char *name)
{
	char path[LOG_NAME_LEN + 16];

	(void)snprintf(path, sizeof(path), "activity/%s", name);
	bus_file(s->fd, s->size, path);
}

static bool
map(struct segment *s, size_t size, const char *name)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd,
	    0);

	if (p == MAP_FAILED)
		return false;
	s->map = p;
	s->size = size;
	tell(s, name);
	s->cells = size / LOG_CELL - 1;
	return true;
}

bool
segment_make(struct segment *s, int dir, size_t size)
{
	*s = (struct segment){ .fd = -1 };
	if (unlinkat(dir, SEGMENT_TEMPORARY, 0) == -1 && errno != ENOENT)
		return false;
	s->fd = openat(dir, SEGMENT_TEMPORARY,
	    OPEN_FLAGS | O_CREAT | O_EXCL, 0600);
	if (s->fd == -1)
		return false;
	if (reserve(s->fd, 0, size) && map(s, size, SEGMENT_TEMPORARY))
		return true;
	segment_drop(s, dir);
	return false;
}

bool
segment_publish(struct segment *s, int dir, const struct log_segment *head,
    bool *named)
{
	char name[LOG_NAME_LEN];

	*named = false;
	s->first = head->first;
	logfmt_segment_put(s->map, head);
	logfmt_name_put(name, head->first);
	if (fsync(s->fd) == -1 ||
	    renameat(dir, SEGMENT_TEMPORARY, dir, name) == -1)
		return false;
	*named = true;
	tell(s, name);
	return fsync(dir) == 0;
}

bool
segment_open(struct segment *s, int dir, uint64_t first)
{
	char name[LOG_NAME_LEN];
	struct stat st;

	*s = (struct segment){ .fd = -1, .first = first };
	logfmt_name_put(name, first);
	s->fd = openat(dir, name, OPEN_FLAGS | O_NONBLOCK);
	if (s->fd == -1)
		return false;
	if (fstat(s->fd, &st) == -1)
		goto out;
	errno = EBADMSG;
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)BLOCK ||
	    st.st_size > (off_t)AUDIT_SEGMENT_MAX || st.st_size % BLOCK != 0)
		goto out;
	if (map(s, (size_t)st.st_size, name))
		return true;
out:
	segment_close(s);
	return false;
}

bool
segment_reserve(const struct segment *s, size_t from)
{
	return reserve(s->fd, from, s->size);
}

void
segment_close(struct segment *s)
{
	int saved = errno;

	bus_forget(s->fd);
	if (s->map != NULL)
		(void)munmap(s->map, s->size);
	if (s->fd != -1)
		(void)close(s->fd);
	*s = (struct segment){ .fd = -1 };
	errno = saved;
}

void
segment_drop(struct segment *s, int dir)
{
	int saved = errno;

	if (s->fd != -1)
		(void)unlinkat(dir, SEGMENT_TEMPORARY, 0);
	segment_close(s);
	errno = saved;
}

uint8_t *
segment_at(const struct segment *s, uint64_t cell)
{
	return s->map + (cell - s->first + 1) * LOG_CELL;
}

/* Store 8 bytes at once, after everything that was stored before. */
static void
store(uint8_t *to, const uint8_t from[8])
{
	uint64_t v;

	memcpy(&v, from, 8);
	__atomic_store_n((uint64_t *)(void *)to, v, __ATOMIC_RELEASE);
}

void
segment_write(struct segment *s, uint64_t cell, const uint8_t *record,
    unsigned n)
{
	uint8_t *at = segment_at(s, cell);

	memcpy(at + 8, record + 8, (size_t)n * LOG_CELL - 8);
	store(at, record);
}

void
segment_wipe(struct segment *s, uint64_t from, uint64_t end)
{
	static const uint8_t zeros[8];
	uint8_t *at = segment_at(s, from);

	store(at, zeros);
	atomic_thread_fence(memory_order_seq_cst);
	memset(at + 8, 0, (size_t)(end - from) * LOG_CELL - 8);
}

void
segment_mark(struct segment *s, uint64_t cell)
{
	struct wire_writer w;
	uint8_t bytes[8];

	wire_writer_init(&w, bytes, sizeof(bytes));
	wire_put_u64(&w, cell);
	store(s->map + LOG_MARK, bytes);
}
