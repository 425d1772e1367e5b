#include "audit_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sort.h"

/*
 * Opening the log: find the segments, read the last one, and bring its end
 * in order.  The rules are in audit.h.
 */

#define DIRECTORY "activity"
#define LINE 64u /* bytes that are stored together */
#define MANY 32u /* cells that are looked at together */

struct opening {
	struct audit *a;
	char name[LOG_NAME_LEN]; /* the last segment */
	char *error;
	size_t error_size;
};

__attribute__((format(printf, 2, 3))) static bool
fail(struct opening *o, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(o->error, o->error_size, format, ap);
	va_end(ap);
	return false;
}

/* ---- the directory ---- */

static bool
open_directory(struct opening *o, int state_fd)
{
	struct stat st;

	if (mkdirat(state_fd, DIRECTORY, 0700) == -1 && errno != EEXIST)
		return fail(o, DIRECTORY ": can't be made: %s",
		    strerror(errno));
	/* Also when it is there: who made it may have been killed before. */
	if (fsync(state_fd) == -1)
		return fail(o, DIRECTORY ": its name can't be flushed: %s",
		    strerror(errno));
	o->a->dir = openat(state_fd, DIRECTORY,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (o->a->dir == -1 || fstat(o->a->dir, &st) == -1)
		return fail(o, DIRECTORY ": can't be opened: %s",
		    strerror(errno));
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return fail(o, DIRECTORY ": others than its owner may write "
		    "to it: chmod it to 0700");
	return true;
}

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Take the numbers of all segments from the directory. */
static bool
take_names(struct audit *a, DIR *d)
{
	struct dirent *e;

	for (errno = 0; (e = readdir(d)) != NULL; errno = 0) {
		uint64_t first;

		if (!logfmt_name_get(e->d_name, &first))
			continue;
		if (!audit_grow(a))
			return false;
		a->firsts[a->count++] = first;
	}
	return errno == 0;
}

static bool
list_segments(struct opening *o)
{
	struct audit *a = o->a;
	DIR *d;
	int fd, saved;
	bool good;

	fd = openat(a->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd == -1 ? NULL : fdopendir(fd);
	if (d == NULL) {
		saved = errno;
		if (fd != -1)
			(void)close(fd);
		return fail(o, DIRECTORY ": can't be read: %s",
		    strerror(saved));
	}
	good = take_names(a, d);
	(void)closedir(d);
	if (!good)
		return fail(o, DIRECTORY ": can't be read");
	if (unlinkat(a->dir, SEGMENT_TEMPORARY, 0) == -1 && errno != ENOENT)
		return fail(o, DIRECTORY "/" SEGMENT_TEMPORARY
		    ": can't be removed: %s", strerror(errno));
	if (a->count > 1)
		sort(a->firsts, a->count, sizeof(*a->firsts), compare);
	return true;
}

/* ---- a new log ---- */

static bool
begin(struct opening *o)
{
	struct audit *a = o->a;

	crypto_random(a->log_id, sizeof(a->log_id));
	logfmt_genesis(a->chain, a->log_id);
	if (!audit_prepare(a) || !audit_take(a))
		return fail(o, DIRECTORY
		    ": the first segment can't be made: %s", strerror(errno));
	return true;
}

/* ---- the last segment ---- */

static bool
open_last(struct opening *o)
{
	struct audit *a = o->a;
	struct log_segment head;
	uint64_t first = a->firsts[a->count - 1];

	logfmt_name_put(o->name, first);
	if (!segment_open(&a->now, a->dir, first))
		return fail(o, DIRECTORY "/%s: %s", o->name,
		    errno == EBADMSG ?
		    "is no segment file: its type or size can't be right" :
		    strerror(errno));
	if (!logfmt_segment_get(a->now.map, &head) || head.first != first)
		return fail(o, DIRECTORY "/%s: the header is damaged, or of "
		    "a version that this program does not know", o->name);
	memcpy(a->log_id, head.log_id, sizeof(a->log_id));
	memcpy(a->chain, head.chain, LOG_CHAIN_LEN);
	a->end = first;
	a->mark = head.mark;
	return true;
}

/* The header must go on where the segment before it, if it is kept, ends. */
static bool
check_link(struct opening *o)
{
	struct audit *a = o->a;
	uint8_t genesis[LOG_CHAIN_LEN];

	if (a->now.first == 0) {
		logfmt_genesis(genesis, a->log_id);
		if (crypto_equal(genesis, a->chain, LOG_CHAIN_LEN))
			return true;
	} else if (a->count == 1 || audit_follows(a, a->count - 1, a->chain))
		return true;
	return fail(o, DIRECTORY "/%s: does not go on where the segment "
	    "before it ends: the log was changed or damaged", o->name);
}

/* Read on from the end that is known, as long as the records follow. */
static void
walk(struct audit *a)
{
	uint8_t text[LOG_CELLS_MAX * LOG_CELL];
	struct log_record r;
	unsigned n;

	for (;; a->end += n) {
		struct view in = { segment_at(&a->now, a->end),
			(size_t)audit_left(a) * LOG_CELL };

		if (logfmt_get(in, a->end, a->chain, NULL, &r, &n, text) !=
		    LOG_OK)
			return;
		/* Without a tag anybody could have written it. */
		if (r.epoch != 0 && (r.flags & LOG_TAGGED) != 0)
			a->epoch = r.epoch;
	}
}

/* ---- its end ---- */

/* The number of the cell after the last one that is not zero. */
static uint64_t
last_used(const struct audit *a)
{
	uint64_t cell = a->now.first + a->now.cells;

	while (cell > a->end + MANY && logfmt_is_zero(
		segment_at(&a->now, cell - MANY), MANY * LOG_CELL))
		cell -= MANY;
	while (cell > a->end &&
	    logfmt_is_zero(segment_at(&a->now, cell - 1), LOG_CELL))
		cell--;
	return cell;
}

/* True when something is missing at the place where the records end. */
static bool
is_torn(const struct audit *a)
{
	const uint8_t *at = segment_at(&a->now, a->end);
	size_t cells = at[1];

	if (logfmt_is_zero(at, 8))
		return true;
	if (cells == 0 || cells > LOG_CELLS_MAX)
		return false;
	if (cells > audit_left(a))
		cells = (size_t)audit_left(a);
	for (size_t i = 0; i < cells * LOG_CELL; i += LINE)
		if (logfmt_is_zero(at + i, LINE))
			return true;
	return false;
}

static bool
write_all(int fd, const uint8_t *from, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pwrite(fd, from + done, len - done, (off_t)done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return fsync(fd) == 0;
}

/* A file for a torn end; its name is in name. */
static int
torn_file(int dir, uint64_t cell, char *name, size_t size)
{
	int fd = -1;

	(void)snprintf(name, size, "%016" PRIx64 ".torn", cell);
	for (unsigned i = 1; i < 1000; i++) {
		fd = openat(dir, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0600);
		if (fd != -1 || errno != EEXIST)
			break;
		(void)snprintf(name, size, "%016" PRIx64 ".%u.torn", cell, i);
	}
	return fd;
}

/* Copy the cells from the end to used elsewhere, and zero them. */
static bool
set_aside(struct opening *o, uint64_t used)
{
	struct audit *a = o->a;
	size_t len = (size_t)(used - a->end) * LOG_CELL;
	char name[40];
	bool good;
	int fd;

	fd = torn_file(a->dir, a->end, name, sizeof(name));
	good = fd != -1 && write_all(fd, segment_at(&a->now, a->end), len) &&
	    fsync(a->dir) == 0;
	if (!good) {
		(void)fail(o, DIRECTORY "/%s: its torn end can't be kept in "
		    "%s: %s", o->name, name, strerror(errno));
		if (fd != -1)
			(void)unlinkat(a->dir, name, 0);
	}
	if (fd != -1)
		(void)close(fd);
	if (!good)
		return false;
	segment_wipe(&a->now, a->end, used);
	if (fdatasync(a->now.fd) == -1)
		return fail(o, DIRECTORY "/%s: its torn end can't be "
		    "removed: %s", o->name, strerror(errno));
	(void)snprintf(a->note, sizeof(a->note),
	    "a crash left a torn end in " DIRECTORY "/%s: cells %" PRIu64
	    " to %" PRIu64 " are kept in " DIRECTORY "/%s", o->name, a->end,
	    used - 1, name);
	return true;
}

static bool
bring_end_in_order(struct opening *o)
{
	struct audit *a = o->a;
	uint64_t used = last_used(a);

	if (a->end < a->mark && used == a->end)
		return fail(o, DIRECTORY "/%s: ends at cell %" PRIu64
		    ", but there were records up to cell %" PRIu64
		    ": the log was cut or damaged", o->name, a->end, a->mark);
	if (a->end < a->mark || (used > a->end && !is_torn(a)))
		return fail(o, DIRECTORY "/%s: cell %" PRIu64 " does not "
		    "follow from the record before it: the log was changed "
		    "or damaged", o->name, a->end);
	/* A copy that was put back may have holes, where the zeros are. */
	if (!segment_reserve(&a->now,
		(size_t)(used - a->now.first + 1) * LOG_CELL))
		return fail(o, DIRECTORY "/%s: its space can't be had: %s",
		    o->name, strerror(errno));
	return used == a->end || set_aside(o, used);
}

/*
 * The newest epoch in the segments before the last one, from the last cell
 * back.  They are not verified here: audit_read() does that.
 */
static void
look_for_epoch(struct audit *a)
{
	uint8_t cells[64 * LOG_CELL];
	uint64_t cell, epoch;
	unsigned size;
	size_t n;

	for (size_t i = a->count - 1; i-- > 0;)
		for (cell = a->firsts[i + 1]; cell > a->firsts[i];) {
			n = cell - a->firsts[i] < 64 ?
			    (size_t)(cell - a->firsts[i]) : 64;
			cell -= n;
			n = audit_load(a, i, cell, n, cells);
			while (n-- > 0)
				if (logfmt_peek(cells + n * LOG_CELL,
					cell + n, &size, &epoch) &&
				    epoch != 0) {
					a->epoch = epoch;
					return;
				}
		}
}

static bool
resume(struct opening *o)
{
	struct audit *a = o->a;

	if (!open_last(o) || !check_link(o))
		return false;
	walk(a);
	if (!bring_end_in_order(o))
		return false;
	/* The last segment may not have its name on the disk yet, and whoever
	   named it was killed: without that no flush of it is worth much. */
	if (fsync(a->dir) == -1)
		return fail(o, DIRECTORY "/%s: its name can't be flushed: %s",
		    o->name, strerror(errno));
	if (a->epoch == 0)
		look_for_epoch(a);
	a->flushed = a->mark;
	audit_begin_ahead(a);
	return true;
}

struct audit *
audit_open(int state_fd, size_t segment_size, char *error, size_t error_size)
{
	struct audit *a = calloc(1, sizeof(*a));
	struct opening o = { a, "", error, error_size };
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (a == NULL) {
		(void)fail(&o, DIRECTORY ": out of memory");
		return NULL;
	}
	a->dir = a->old_fd = a->now.fd = a->next.fd = -1;
	(void)ahead_init(&a->ahead); /* audit_goes_ahead() tells */
	a->segment_size = segment_size;
	if (segment_size == 0 || segment_size % page != 0 ||
	    segment_size > AUDIT_SEGMENT_MAX)
		(void)fail(&o, DIRECTORY ": segments of %zu bytes can't be: "
		    "the size must be a multiple of %zu, and at most 1 GiB",
		    segment_size, page);
	else if (open_directory(&o, state_fd) && list_segments(&o))
		a->ready = a->count == 0 ? begin(&o) : resume(&o);
	if (a->ready)
		return a;
	audit_close(a);
	return NULL;
}
