/*
 * Any bytes as an activity log: no crash, nothing is read outside of them,
 * and what is taken for a record keeps the rules of logfmt.h.
 *
 * The bytes are read twice: as they are, and with the chain value (and with
 * keys the tag) of each record put right, so that what comes after those
 * checks is reached too.
 */
#include <stdlib.h>
#include <string.h>

#include "logfmt.h"

#define CELLS_MAX 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t tag_key[KEY_LEN] = { 1 }, name_key[KEY_LEN] = { 2 };
static const struct log_keys keys = { tag_key, name_key };

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static bool
is_inside(struct view v, const uint8_t *base, size_t len)
{
	return v.len == 0 ||
	    (v.data >= base && v.data + v.len <= base + len);
}

static void
check_record(const struct log_record *r, unsigned cells, struct view in,
    const uint8_t *text)
{
	must(r->type >= LOG_SYSTEM && r->type <= LOG_NOTE);
	must(cells >= 1 && cells <= LOG_CELLS_MAX);
	must((size_t)cells * LOG_CELL <= in.len);
	must(r->object.len <=
	    (r->type == LOG_CONNECTION ? EXE_MAX : OBJECT_MAX));
	must(r->detail.len <= DETAIL_MAX);
	must(is_inside(r->object, in.data, in.len) ||
	    is_inside(r->object, text, LOG_CELLS_MAX * LOG_CELL));
	must(is_inside(r->detail, in.data, in.len) ||
	    is_inside(r->detail, text, LOG_CELLS_MAX * LOG_CELL));
}

/* Make the chain value, and the tag, what they should be. */
static void
mend(uint8_t *at, size_t len, const uint8_t *chain)
{
	size_t cells = at[1];
	struct view parts[3];

	if (cells == 0 || cells > LOG_CELLS_MAX || cells * LOG_CELL > len)
		return;
	parts[0] = (struct view){ chain, LOG_CHAIN_LEN };
	parts[1] = (struct view){ at, LOG_BODY };
	parts[2] = (struct view){ at + LOG_CELL, (cells - 1) * LOG_CELL };
	crypto_blake2b(at + LOG_BODY, LOG_CHAIN_LEN, NULL, parts, 3);
	if (at[7] & LOG_TAGGED)
		crypto_short_hash(at + LOG_BODY + LOG_CHAIN_LEN, tag_key,
		    (struct view){ at + LOG_BODY, LOG_CHAIN_LEN });
}

/* What is taken as it is can be made again, byte for byte. */
static void
check_same(const struct log_record *r, unsigned cells, const uint8_t *in,
    const uint8_t *before, const struct log_keys *k)
{
	uint8_t out[LOG_CELLS_MAX * LOG_CELL], chain[LOG_CHAIN_LEN];

	if ((r->flags & (LOG_SEALED | LOG_NO_NAME)) != 0 ||
	    ((r->flags & LOG_TAGGED) != 0) != (k != NULL) ||
	    ((r->flags & LOG_PLAIN) != 0 && r->type > LOG_CONNECTION))
		return;
	memcpy(chain, before, LOG_CHAIN_LEN);
	must(logfmt_put(out, r, k, chain) == cells);
	must(memcmp(out, in, (size_t)cells * LOG_CELL) == 0);
}

static void
walk(uint8_t *cells, size_t len, const struct log_keys *k, bool mended)
{
	uint8_t text[LOG_CELLS_MAX * LOG_CELL] = { 0 };
	uint8_t chain[LOG_CHAIN_LEN] = { 0 }, before[LOG_CHAIN_LEN];
	enum log_result result;
	struct log_record r;
	uint64_t at = 0;
	unsigned n = 0;

	for (;; at += n) {
		struct view in = { cells + at * LOG_CELL,
			len - (size_t)at * LOG_CELL };

		if (mended && in.len >= LOG_CELL)
			mend(cells + at * LOG_CELL, in.len, chain);
		memcpy(before, chain, LOG_CHAIN_LEN);
		result = logfmt_get(in, at, chain, k, &r, &n, text);
		if (result != LOG_OK && result != LOG_FORGED)
			return;
		check_record(&r, n, in, text);
		if (result == LOG_OK)
			check_same(&r, n, in.data, before, k);
	}
}

/* A header is what the one function takes and the other one makes. */
static void
check_header(const uint8_t cell[LOG_CELL])
{
	uint8_t out[LOG_CELL];
	struct log_segment s;

	if (!logfmt_segment_get(cell, &s))
		return;
	logfmt_segment_put(out, &s);
	must(memcmp(out, cell, LOG_CELL) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *cells = malloc(size + 1);

	if (cells == NULL || size > CELLS_MAX * LOG_CELL || !crypto_init()) {
		free(cells);
		return 0;
	}
	for (unsigned i = 0; i < 4; i++) {
		/* The end of the block is the end of the bytes. */
		uint8_t *copy = cells + 1;

		if (size > 0)
			memcpy(copy, data, size);
		if (size >= LOG_CELL)
			check_header(copy);
		walk(copy, size, i & 1 ? &keys : NULL, (i & 2) != 0);
	}
	free(cells);
	return 0;
}
