#include "audit_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* How many cells are looked at at once for the next record. */
#define LOOK 32u

uint64_t
audit_segment_end(const struct audit *a, size_t i)
{
	return i + 1 < a->count ? a->firsts[i + 1] : a->end;
}

/* The last segment that begins at the cell or before it. */
static size_t
find(const struct audit *a, uint64_t cell)
{
	size_t low = 0, high = a->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (a->firsts[middle] <= cell)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* The descriptor of an older segment; it stays open until another is read. */
static int
old(struct audit *a, size_t i)
{
	char name[LOG_NAME_LEN];

	if (a->old_fd != -1 && a->old_index == i)
		return a->old_fd;
	if (a->old_fd != -1)
		(void)close(a->old_fd);
	logfmt_name_put(name, a->firsts[i]);
	a->old_fd = openat(a->dir, name,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	a->old_index = i;
	return a->old_fd;
}

/* Is the oldest segment's file gone?  What can't be opened is still there. */
static bool
oldest_is_gone(const struct audit *a)
{
	char name[LOG_NAME_LEN];
	int fd;

	logfmt_name_put(name, a->firsts[0]);
	fd = openat(a->dir, name,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1)
		return errno == ENOENT;
	(void)close(fd);
	return false;
}

void
audit_drop_gone(struct audit *a)
{
	while (a->count > 1 && oldest_is_gone(a)) {
		/* It may be the one that is open, and all places change. */
		if (a->old_fd != -1)
			(void)close(a->old_fd);
		a->old_fd = -1;
		a->count--;
		memmove(a->firsts, a->firsts + 1,
		    a->count * sizeof(*a->firsts));
	}
}

/* Read len bytes, or up to the end of the file; how many they were. */
static size_t
read_at(int fd, uint8_t *to, size_t len, uint64_t at)
{
	size_t got = 0;
	ssize_t n;

	while (fd != -1 && got < len) {
		n = pread(fd, to + got, len - got, (off_t)(at + got));
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	return got;
}

size_t
audit_load(struct audit *a, size_t i, uint64_t cell, size_t n, uint8_t *to)
{
	uint64_t end = audit_segment_end(a, i);
	size_t got;

	if (cell >= end)
		return 0;
	if (n > end - cell)
		n = (size_t)(end - cell);
	if (i + 1 == a->count) {
		memcpy(to, segment_at(&a->now, cell), n * LOG_CELL);
		return n;
	}
	got = read_at(old(a, i), to, n * LOG_CELL,
	    (cell - a->firsts[i] + 1) * LOG_CELL);
	return got / LOG_CELL;
}

bool
audit_head(struct audit *a, size_t i, struct log_segment *head)
{
	uint8_t cell[LOG_CELL];

	if (i + 1 == a->count)
		memcpy(cell, a->now.map, LOG_CELL);
	else if (read_at(old(a, i), cell, LOG_CELL, 0) != LOG_CELL)
		return false;
	return logfmt_segment_get(cell, head) && head->first == a->firsts[i] &&
	    memcmp(head->log_id, a->log_id, sizeof(a->log_id)) == 0;
}

const uint8_t *
audit_chain_before(const uint8_t *in, uint64_t cell, unsigned before)
{
	const uint8_t *found = NULL;
	uint64_t epoch;
	unsigned n;

	for (unsigned back = 1; back <= before; back++) {
		const uint8_t *p = in - (size_t)back * LOG_CELL;

		if (!logfmt_peek(p, cell - back, &n, &epoch) || n != back)
			continue;
		if (found != NULL)
			return NULL;
		found = p + LOG_BODY;
	}
	return found;
}

bool
audit_follows(struct audit *a, size_t i, const uint8_t chain[LOG_CHAIN_LEN])
{
	uint8_t cells[LOG_CELLS_MAX * LOG_CELL];
	uint64_t cell = a->firsts[i], before = cell - a->firsts[i - 1];
	struct log_segment head;
	const uint8_t *p;

	if (before > LOG_CELLS_MAX)
		before = LOG_CELLS_MAX;
	if (!audit_head(a, i - 1, &head) ||
	    audit_load(a, i - 1, cell - before, before, cells) != before)
		return false;
	p = audit_chain_before(cells + before * LOG_CELL, cell,
	    (unsigned)before);
	return p != NULL && crypto_equal(p, chain, LOG_CHAIN_LEN);
}

/* Where the next thing that looks like a record begins, from cell on. */
static uint64_t
look_on(struct audit *a, size_t i, uint64_t cell)
{
	uint8_t cells[LOOK * LOG_CELL];
	uint64_t epoch;
	unsigned size;
	size_t n;

	for (; (n = audit_load(a, i, cell, LOOK, cells)) > 0; cell += n)
		for (size_t k = 0; k < n; k++)
			if (logfmt_peek(cells + k * LOG_CELL, cell + k, &size,
				&epoch))
				return cell + k;
	return audit_segment_end(a, i);
}

/* A record, and the cells before it that one record can fill. */
struct window {
	uint8_t cells[2 * LOG_CELLS_MAX * LOG_CELL];
	struct view record;
	unsigned before;
};

static void
window_load(struct window *w, struct audit *a, size_t i, uint64_t cell)
{
	uint64_t before = cell - a->firsts[i];
	size_t n;

	w->before = before < LOG_CELLS_MAX ? (unsigned)before : LOG_CELLS_MAX;
	n = audit_load(a, i, cell - w->before, w->before + LOG_CELLS_MAX,
	    w->cells);
	w->record.data = w->cells + w->before * LOG_CELL;
	w->record.len = n < w->before ? 0 : (n - w->before) * LOG_CELL;
}

/* Read the record in the window. */
static enum log_result
window_get(const struct window *w, struct audit *a, size_t i, uint64_t cell,
    struct log_record *r, unsigned *n, uint8_t *text)
{
	uint8_t chain[LOG_CHAIN_LEN];
	struct log_segment head;
	const uint8_t *p = head.chain;

	if (w->before > 0)
		p = audit_chain_before(w->record.data, cell, w->before);
	else if (!audit_head(a, i, &head) ||
	    (i > 0 && !audit_follows(a, i, head.chain)))
		p = NULL;
	if (p == NULL)
		return LOG_BROKEN;
	memcpy(chain, p, LOG_CHAIN_LEN);
	return logfmt_get(w->record, cell, chain, a->keys, r, n, text);
}

/* Move a plain text from the window to the caller's memory. */
static void
keep_text(struct log_record *r, uint8_t *text)
{
	if (!(r->flags & LOG_PLAIN))
		return;
	if (r->object.len > 0)
		memcpy(text, r->object.data, r->object.len);
	if (r->detail.len > 0)
		memcpy(text + r->object.len, r->detail.data, r->detail.len);
	r->object.data = text;
	r->detail.data = text + r->object.len;
}

enum log_result
audit_read(struct audit *a, uint64_t cell, struct log_record *r,
    uint64_t *next, uint8_t text[LOG_CELLS_MAX * LOG_CELL])
{
	enum log_result result;
	struct window w;
	unsigned n;
	size_t i;

	if (cell >= a->end) {
		*next = a->end;
		return LOG_END;
	}
	if (cell < a->firsts[0]) {
		*next = a->firsts[0];
		return LOG_BROKEN;
	}
	i = find(a, cell);
	window_load(&w, a, i, cell);
	result = window_get(&w, a, i, cell, r, &n, text);
	if (result == LOG_OK || result == LOG_FORGED) {
		keep_text(r, text);
		*next = cell + n;
		return result;
	}
	/* Zeros before the end are no end: something was there. */
	*next = look_on(a, i, cell + 1);
	return LOG_BROKEN;
}
