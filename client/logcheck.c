#include "logcheck.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "path.h"

#define BUFFER 512u /* cells that are read at once */
#define SIZE_UNIT 4096

struct names {
	uint64_t *firsts; /* ascending */
	size_t count;
	size_t capacity;
};

/* A segment, read through a buffer: it may change or shrink meanwhile. */
struct reader {
	int fd;
	uint64_t first; /* number of the first cell */
	uint64_t base;	/* number of the first cell in the buffer */
	size_t have;	/* cells in the buffer */
	uint8_t cells[BUFFER * LOG_CELL];
};

/* Note the bad place; only the first one counts.  Always false. */
__attribute__((format(printf, 3, 4))) static bool
bad(struct logcheck *l, uint64_t cell, const char *format, ...)
{
	va_list ap;

	l->cell = cell;
	va_start(ap, format);
	(void)vsnprintf(l->reason, sizeof(l->reason), format, ap);
	va_end(ap);
	return false;
}

/* ---- the directory ---- */

static int
compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static bool
add(struct names *n, uint64_t first)
{
	size_t more = n->capacity == 0 ? 64 : n->capacity * 2;
	uint64_t *p = n->firsts;

	if (n->count == n->capacity) {
		if ((p = reallocarray(p, more, sizeof(*p))) == NULL)
			return false;
		n->firsts = p;
		n->capacity = more;
	}
	p[n->count++] = first;
	return true;
}

static bool
is_torn(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && strcmp(name + len - 5, ".torn") == 0;
}

static bool
list(struct logcheck *l, int dir, struct names *n)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *e;
	uint64_t first;
	bool good = true;

	if (d == NULL) {
		if (fd != -1)
			(void)close(fd);
		return false;
	}
	for (errno = 0; good && (e = readdir(d)) != NULL; errno = 0) {
		if (is_torn(e->d_name))
			l->torn++;
		else if (logfmt_name_get(e->d_name, &first))
			good = add(n, first);
	}
	good = good && errno == 0;
	(void)closedir(d);
	if (n->count > 1)
		qsort(n->firsts, n->count, sizeof(*n->firsts), compare);
	return good;
}

static int
open_directory(const char *path)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	int dir = path_open(path, flags), inner;

	if (dir == -1)
		return -1;
	if ((inner = openat(dir, "activity", flags | O_NOFOLLOW)) == -1)
		return dir;
	(void)close(dir);
	return inner;
}

/* ---- one segment ---- */

/* Fill the buffer from the cell on. */
static void
fill(struct reader *r, uint64_t cell)
{
	uint64_t at = (cell - r->first + 1) * LOG_CELL;
	size_t got = 0;
	ssize_t n;

	while (got < sizeof(r->cells)) {
		n = pread(r->fd, r->cells + got, sizeof(r->cells) - got,
		    (off_t)(at + got));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	r->base = cell;
	r->have = got / LOG_CELL;
}

/* The cells from one on: a whole record's, if the file has so many. */
static struct view
look(struct reader *r, uint64_t cell)
{
	size_t skip;

	if (cell < r->base || cell - r->base + LOG_CELLS_MAX > r->have)
		fill(r, cell);
	skip = (size_t)(cell - r->base);
	return (struct view){ r->cells + skip * LOG_CELL,
		(r->have - skip) * LOG_CELL };
}

/* Open a segment and take its header. */
static bool
open_segment(struct logcheck *l, int dir, struct reader *r,
    struct log_segment *head)
{
	uint8_t cell[LOG_CELL];
	struct stat st;

	r->fd = openat(dir, l->file,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (r->fd == -1 || fstat(r->fd, &st) == -1)
		return bad(l, r->first, "it can't be opened: %s",
		    strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size == 0 ||
	    st.st_size % SIZE_UNIT != 0)
		return bad(l, r->first, "its type or size can't be right");
	if (pread(r->fd, cell, LOG_CELL, 0) != (ssize_t)LOG_CELL ||
	    !logfmt_segment_get(cell, head) || head->first != r->first)
		return bad(l, r->first, "the header is damaged, or of a "
		    "version that this program does not know");
	return true;
}

/* The segment must go on where the one before it ended. */
static bool
check_link(struct logcheck *l, const struct log_segment *head)
{
	uint8_t genesis[LOG_CHAIN_LEN];

	if (l->segments == 0) {
		l->first = l->end = head->first;
		memcpy(l->log_id, head->log_id, sizeof(l->log_id));
		memcpy(l->chain, head->chain, LOG_CHAIN_LEN);
		logfmt_genesis(genesis, l->log_id);
		if (head->first == 0 &&
		    memcmp(genesis, head->chain, LOG_CHAIN_LEN) != 0)
			return bad(l, 0, "the log does not begin as it must");
		/* The record that has it may be the last one not here. */
		if (head->first > 0 && l->known != NULL &&
		    memcmp(l->known, head->chain, LOG_CHAIN_LEN) == 0)
			l->known_at = head->first - 1;
		return true;
	}
	if (memcmp(l->log_id, head->log_id, sizeof(l->log_id)) != 0)
		return bad(l, head->first, "it belongs to another log");
	if (memcmp(l->chain, head->chain, LOG_CHAIN_LEN) != 0)
		return bad(l, head->first, "it does not follow from the last "
		    "record of the segment before it");
	return true;
}

static void
count_record(struct logcheck *l, const struct log_record *r, unsigned cells)
{
	if (l->records++ == 0)
		l->first_time = r->time;
	l->last_time = r->time;
	l->last_cell = r->cell;
	if (!(r->flags & LOG_TAGGED))
		l->untagged++;
	l->end = r->cell + cells;
	if (l->known != NULL && l->known_at == LOGCHECK_LATER &&
	    memcmp(l->known, l->chain, LOG_CHAIN_LEN) == 0)
		l->known_at = r->cell;
}

/* Read records as long as they follow from one another. */
static enum log_result
walk(struct logcheck *l, struct reader *r)
{
	uint8_t text[LOG_CELLS_MAX * LOG_CELL];
	enum log_result result;
	struct log_record record;
	struct view in;
	unsigned cells;

	for (;;) {
		in = look(r, l->end);
		if (in.len == 0)
			return LOG_END;
		result = logfmt_get(in, l->end, l->chain, NULL, &record,
		    &cells, text);
		if (result != LOG_OK)
			return result;
		count_record(l, &record, cells);
	}
}

/* The first cell from one on that is not zero; LATER when there is none. */
static uint64_t
first_used(struct reader *r, uint64_t cell)
{
	for (fill(r, cell); r->have > 0; fill(r, r->base + r->have))
		for (size_t i = 0; i < r->have; i++)
			if (!logfmt_is_zero(r->cells + i * LOG_CELL, LOG_CELL))
				return r->base + i;
	return LOGCHECK_LATER;
}

/*
 * A record becomes visible with its first 8 bytes.  What a killed process
 * leaves is bytes of one that did not, and nothing behind its place.
 */
static bool
is_unfinished(struct reader *r, uint64_t end)
{
	struct view in = look(r, end);

	return in.len > 0 && logfmt_is_zero(in.data, 8) &&
	    first_used(r, end + LOG_CELLS_MAX) == LOGCHECK_LATER;
}

/*
 * Read the segment to its end, and see that there is nothing behind it.  In
 * the last segment a daemon may be writing just there: then what looks bad
 * is looked at once more, a moment later.
 */
static bool
check_records(struct logcheck *l, struct reader *r, bool last)
{
	static const struct timespec moment = { 0, 50 * 1000 * 1000 };
	enum log_result result;
	uint64_t used, before;

	for (bool waited = false;;) {
		before = l->end;
		fill(r, l->end);
		result = walk(l, r);
		used = first_used(r, l->end);
		if (used == LOGCHECK_LATER)
			return true;
		if (!last)
			break;
		if (l->end > before) {
			waited = false;
			continue;
		}
		if (!waited) {
			(void)nanosleep(&moment, NULL);
			waited = true;
			continue;
		}
		if (is_unfinished(r, l->end))
			return l->unfinished = true;
		/* Its writer may have gone on since the records were read. */
		fill(r, l->end);
		result = walk(l, r);
		if (l->end == before)
			break;
		waited = false;
	}
	if (result == LOG_END)
		return bad(l, used, "there is something behind the end of "
		    "the records, which is at cell %" PRIu64, l->end);
	return bad(l, l->end, "it does not follow from the record before it");
}

/*
 * Is there a segment that goes on where this one ends, before the next one
 * that was listed?  Of those that are made while the directory is read a
 * later one may be listed, and an earlier one not.
 */
static bool
is_unlisted(int dir, uint64_t first, uint64_t end, uint64_t next)
{
	char name[LOG_NAME_LEN];
	struct stat st;

	logfmt_name_put(name, end);
	return first < end && end < next &&
	    fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Check one segment; next is where the following one that was listed begins,
   or LATER. */
static bool
check_segment(struct logcheck *l, int dir, struct reader *r, uint64_t next)
{
	struct log_segment head;
	bool last = next == LOGCHECK_LATER;

	if (!open_segment(l, dir, r, &head) || !check_link(l, &head))
		return false;
	l->segments++;
	if (!check_records(l, r, last))
		return false;
	if (l->end < head.mark)
		return bad(l, l->end, "the records end here, but there were "
		    "records up to cell %" PRIu64, head.mark);
	if (!last && l->end != next &&
	    !is_unlisted(dir, r->first, l->end, next))
		return bad(l, l->end, "the segment ends here, but the next "
		    "one that is there begins at cell %" PRIu64, next);
	return true;
}

static bool
check_all(struct logcheck *l, int dir, const struct names *n, size_t from)
{
	struct reader *r = malloc(sizeof(*r));
	bool good = r != NULL || bad(l, 0, "out of memory");
	uint64_t first = n->firsts[from], next;

	for (size_t i = from; good && i < n->count; first = l->end) {
		*r = (struct reader){ .fd = -1, .first = first };
		logfmt_name_put(l->file, first);
		next = i + 1 < n->count ? n->firsts[i + 1] : LOGCHECK_LATER;
		good = check_segment(l, dir, r, next);
		/* One that was not listed comes first. */
		if (next == LOGCHECK_LATER || l->end == next)
			i++;
		if (r->fd != -1)
			(void)close(r->fd);
	}
	free(r);
	if (good && l->known != NULL && l->known_at == LOGCHECK_LATER)
		return bad(l, l->end, "no record has the chain value that "
		    "was given: the log was cut or written anew");
	return good;
}

/* The place in the list of the segment to begin with. */
static bool
find_since(const char *since, const struct names *n, size_t *from)
{
	const char *name = since == NULL ? NULL : strrchr(since, '/');
	uint64_t first;

	*from = 0;
	if (since == NULL)
		return n->count > 0;
	if (!logfmt_name_get(name == NULL ? since : name + 1, &first))
		return false;
	while (*from < n->count && n->firsts[*from] != first)
		(*from)++;
	return *from < n->count;
}

enum cofre_status
logcheck_run(struct logcheck *l, const char *path, struct problem *p)
{
	struct names n = { NULL, 0, 0 };
	enum cofre_status s = COFRE_ARGUMENT;
	int dir = open_directory(path);
	size_t from;

	l->known_at = LOGCHECK_LATER;
	if (dir == -1 || !list(l, dir, &n))
		(void)problem_set(p, s, "can't read %s: %s", path,
		    strerror(errno));
	else if (n.count == 0)
		(void)problem_set(p, s, "%s holds no activity log", path);
	else if (!find_since(l->since, &n, &from))
		(void)problem_set(p, s, "%s has no segment '%s'", path,
		    l->since);
	else
		s = check_all(l, dir, &n, from) ? COFRE_OK : COFRE_CORRUPT;
	if (dir != -1)
		(void)close(dir);
	free(n.firsts);
	return s;
}
