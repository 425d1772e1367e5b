#include "audit_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus.h"

bool
audit_grow(struct audit *a)
{
	uint64_t *p;
	size_t n;

	if (a->count < a->capacity)
		return true;
	n = a->capacity == 0 ? 16 : a->capacity * 2;
	if ((p = reallocarray(a->firsts, n, sizeof(*p))) == NULL)
		return false;
	a->firsts = p;
	a->capacity = n;
	return true;
}

uint64_t
audit_left(const struct audit *a)
{
	return a->now.first + a->now.cells - a->end;
}

bool
audit_prepare(struct audit *a)
{
	if (a->next.fd != -1)
		return true;
	a->files++;
	return audit_grow(a) &&
	    segment_make(&a->next, a->dir, a->segment_size);
}

/* Tell the segment that all its records are on the disk. */
static void
set_mark(struct audit *a)
{
	a->mark = a->flushed;
	segment_mark(&a->now, a->mark);
}

bool
audit_take(struct audit *a)
{
	struct log_segment head = { .first = a->end, .mark = a->end };
	bool good, named;

	a->files++;
	if (a->now.fd != -1) {
		if (!audit_flush(a))
			return false;
		set_mark(a);
	}
	memcpy(head.log_id, a->log_id, sizeof(head.log_id));
	memcpy(head.chain, a->chain, LOG_CHAIN_LEN);
	good = segment_publish(&a->next, a->dir, &head, &named);
	if (!named) {
		segment_drop(&a->next, a->dir);
		return false;
	}
	/* It has its name, but perhaps not for long: nothing may rely on it. */
	a->broken = !good;
	/* An empty segment had the same name, and is replaced. */
	if (a->now.fd == -1 || a->now.first != a->end)
		a->firsts[a->count++] = a->end;
	segment_close(&a->now);
	a->now = a->next;
	a->next = (struct segment){ .fd = -1 };
	audit_begin_ahead(a);
	a->flushed = a->mark = a->end;
	a->retry = 0;
	return good;
}

void
audit_begin_ahead(struct audit *a)
{
	char name[LOG_NAME_LEN];

	logfmt_name_put(name, a->now.first);
	ahead_open(&a->ahead, a->dir, name);
	a->asked = a->end;
	a->ask_at = a->end + AUDIT_AHEAD_STEP;
}

bool
audit_goes_ahead(const struct audit *a)
{
	return a->ahead.context != 0 && a->ahead.fd != -1;
}

/* Make the next segment in good time; it may fail, to be tried later. */
static void
prepare_early(struct audit *a)
{
	if (a->next.fd != -1 || audit_left(a) > a->now.cells / 4 ||
	    a->end < a->retry)
		return;
	if (!audit_prepare(a))
		a->retry = a->end + a->now.cells / 32 + 1;
}

bool
audit_room(struct audit *a, size_t cells)
{
	if (a->broken)
		return false;
	if (cells <= audit_left(a)) {
		prepare_early(a);
		return true;
	}
	return cells <= a->segment_size / LOG_CELL - 1 && audit_prepare(a) &&
	    audit_take(a);
}

uint64_t
audit_files(const struct audit *a)
{
	return a->files;
}

/* While the flush before is under way another one is asked for later. */
static void
go_ahead(struct audit *a)
{
	if (ahead_flush(&a->ahead)) {
		a->asked = a->end;
		a->ask_at = a->end + AUDIT_AHEAD_STEP;
	} else
		a->ask_at = a->end + AUDIT_AHEAD_STEP / 8;
}

uint64_t
audit_append(struct audit *a, const struct log_record *r)
{
	uint8_t out[LOG_CELLS_MAX * LOG_CELL];
	struct log_record numbered = *r;
	uint64_t cell = a->end;
	unsigned n;

	/* Only a bug of the caller's comes here, and there is no record then. */
	if (r->type < LOG_SYSTEM || r->type > LOG_NOTE ||
	    logfmt_cells(r) > audit_left(a))
		abort();
	numbered.cell = cell;
	/* A segment begins with the newest epoch, so that none before it has
	   to be looked through for that. */
	if (cell == a->now.first && a->keys != NULL && r->epoch == 0)
		numbered.epoch = a->epoch;
	n = logfmt_put(out, &numbered, a->keys, a->chain);
	segment_write(&a->now, cell, out, n);
	a->end += n;
	if (r->epoch != 0)
		a->epoch = r->epoch;
	if (a->end >= a->ask_at)
		go_ahead(a);
	return cell;
}

bool
audit_flush(struct audit *a)
{
	if (a->broken)
		return false;
	if (a->flushed == a->end)
		return true;
	bus_check();
	/*
	 * A failure is for good: the kernel may have dropped the pages, and
	 * a second call would say that all is well.
	 */
	if (fdatasync(a->now.fd) == -1) {
		a->broken = true;
		return false;
	}
	a->flushed = a->end;
	if (a->flushed - a->mark >= AUDIT_MARK_STEP)
		set_mark(a);
	return true;
}

bool
audit_flush_soon(struct audit *a)
{
	if (a->broken || !audit_goes_ahead(a))
		return false;
	if (a->asked < a->end)
		go_ahead(a);
	if (a->asked < a->end)
		a->ask_at = a->end;
	return true;
}

bool
audit_broken(const struct audit *a)
{
	return a->broken;
}

bool
audit_set_keys(struct audit *a, const struct log_keys *keys)
{
	uint8_t text[LOG_CELLS_MAX * LOG_CELL];
	struct log_segment head;
	struct log_record r;
	unsigned n;

	a->keys = keys;
	if (keys == NULL)
		return true;
	if (!audit_head(a, a->count - 1, &head))
		return false;
	for (uint64_t at = a->now.first; at < a->end; at += n) {
		struct view in = { segment_at(&a->now, at),
			(size_t)(a->end - at) * LOG_CELL };

		if (logfmt_get(in, at, head.chain, keys, &r, &n, text) !=
		    LOG_OK)
			return false;
	}
	return crypto_equal(head.chain, a->chain, LOG_CHAIN_LEN);
}

uint64_t
audit_end(const struct audit *a)
{
	return a->end;
}

uint64_t
audit_first(const struct audit *a)
{
	return a->firsts[0];
}

uint64_t
audit_last_epoch(const struct audit *a)
{
	return a->epoch;
}

const char *
audit_open_note(const struct audit *a)
{
	return a->note[0] == '\0' ? NULL : a->note;
}

void
audit_close(struct audit *a)
{
	if (a == NULL)
		return;
	if (a->ready && audit_flush(a))
		set_mark(a);
	ahead_close(&a->ahead);
	segment_close(&a->now);
	segment_drop(&a->next, a->dir);
	if (a->old_fd != -1)
		(void)close(a->old_fd);
	if (a->dir != -1)
		(void)close(a->dir);
	free(a->firsts);
	free(a);
}
