#include "logfmt.h"

#include <stdio.h>
#include <string.h>

#define TAG_AT (LOG_BODY + LOG_CHAIN_LEN)
#define EXTENSION_MAX ((LOG_CELLS_MAX - 1) * LOG_CELL)
#define SEAL_EXTRA (CRYPTO_NONCE_LEN + CRYPTO_TAG_LEN)
#define FLAGS_ALL 511u
#define SUM_AT 96u
#define SUM_LEN 16u

static const char magic[8] = { 'c', 'o', 'f', 'r', 'e', 'l', 'o', 'g' };

_Static_assert(TAG_AT + LOG_TAG_LEN == LOG_CELL, "a record is one cell");
_Static_assert(LOG_TAG_LEN == CRYPTO_SHORT_LEN, "a tag is a short hash");
_Static_assert(4 + OBJECT_MAX + 4 + DETAIL_MAX + SEAL_EXTRA <= EXTENSION_MAX &&
    4 + EXE_MAX + 4 + DETAIL_MAX <= EXTENSION_MAX, "the longest text fits");

bool
logfmt_is_zero(const uint8_t *p, size_t len)
{
	/* Equal to itself one byte further on, and zero there. */
	return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

/* ---- segments ---- */

void
logfmt_name_put(char name[LOG_NAME_LEN], uint64_t first)
{
	(void)snprintf(name, LOG_NAME_LEN, "%016llx.log",
	    (unsigned long long)first);
}

bool
logfmt_name_get(const char *name, uint64_t *first)
{
	static const char digits[] = "0123456789abcdef";
	const char *d;
	uint64_t v = 0;

	if (strlen(name) != LOG_NAME_LEN - 1 || strcmp(name + 16, ".log") != 0)
		return false;
	for (size_t i = 0; i < 16; i++) {
		if ((d = strchr(digits, name[i])) == NULL)
			return false;
		v = v << 4 | (uint64_t)(d - digits);
	}
	*first = v;
	return true;
}

static void
segment_sum(uint8_t sum[SUM_LEN], const uint8_t cell[LOG_CELL])
{
	struct view part = { cell, SUM_AT };

	crypto_blake2b(sum, SUM_LEN, NULL, &part, 1);
}

void
logfmt_segment_put(uint8_t cell[LOG_CELL], const struct log_segment *s)
{
	struct wire_writer w;

	memset(cell, 0, LOG_CELL);
	wire_writer_init(&w, cell, LOG_CELL);
	wire_put_bytes(&w, (struct view){ (const uint8_t *)magic,
	    sizeof(magic) });
	wire_put_u32(&w, LOG_VERSION);
	wire_put_u32(&w, 0);
	wire_put_bytes(&w, (struct view){ s->log_id, sizeof(s->log_id) });
	wire_put_u64(&w, s->first);
	wire_put_bytes(&w, (struct view){ s->chain, LOG_CHAIN_LEN });
	segment_sum(cell + SUM_AT, cell);
	wire_writer_init(&w, cell + LOG_MARK, 8);
	wire_put_u64(&w, s->mark);
}

bool
logfmt_segment_get(const uint8_t cell[LOG_CELL], struct log_segment *s)
{
	uint8_t sum[SUM_LEN];
	struct wire_reader r;
	struct view id, chain;

	segment_sum(sum, cell);
	if (memcmp(cell, magic, sizeof(magic)) != 0 ||
	    !crypto_equal(sum, cell + SUM_AT, SUM_LEN) ||
	    !logfmt_is_zero(cell + 72, SUM_AT - 72) ||
	    !logfmt_is_zero(cell + LOG_MARK + 8, 8))
		return false;
	wire_reader_init(&r, (struct view){ cell + 8, LOG_CELL - 8 });
	if (wire_get_u32(&r) != LOG_VERSION || wire_get_u32(&r) != 0)
		return false;
	id = wire_get_bytes(&r, sizeof(s->log_id));
	s->first = wire_get_u64(&r);
	chain = wire_get_bytes(&r, LOG_CHAIN_LEN);
	memcpy(s->log_id, id.data, id.len);
	memcpy(s->chain, chain.data, chain.len);
	wire_reader_init(&r, (struct view){ cell + LOG_MARK, 8 });
	s->mark = wire_get_u64(&r);
	return true;
}

void
logfmt_genesis(uint8_t chain[LOG_CHAIN_LEN], const uint8_t log_id[16])
{
	struct view parts[] = { view_of("cofre activity log"), { log_id, 16 } };

	crypto_blake2b(chain, LOG_CHAIN_LEN, NULL, parts, 2);
}

/* ---- the text of a record ---- */

/* What of a record's object and detail is kept. */
struct text {
	struct view object;
	struct view detail;
	bool cut;
	bool seal; /* it may hold names of the vault */
};

static struct view
cut(struct view v, size_t max, bool *was_cut)
{
	if (v.len <= max)
		return v;
	*was_cut = true;
	return (struct view){ v.data, max };
}

static size_t
object_max(uint8_t type)
{
	return type == LOG_CONNECTION ? EXE_MAX : OBJECT_MAX;
}

static struct text
text_of(const struct log_record *r)
{
	struct text t = { .cut = false };

	t.object = cut(r->object, object_max(r->type), &t.cut);
	t.detail = cut(r->detail, DETAIL_MAX, &t.cut);
	t.seal = r->type != LOG_SYSTEM && r->type != LOG_CONNECTION;
	return t;
}

/* How many cells a record with these texts has. */
static unsigned
cells_for(size_t object, size_t detail, bool seal)
{
	size_t n;

	if (object == 0 && detail == 0)
		return 1;
	n = 4 + object + 4 + detail + (seal ? SEAL_EXTRA : 0);
	return 1 + (unsigned)((n + LOG_CELL - 1) / LOG_CELL);
}

unsigned
logfmt_cells(const struct log_record *r)
{
	struct text t = text_of(r);

	return cells_for(t.object.len, t.detail.len, t.seal);
}

/* Both strings, and zeros: len bytes. */
static void
text_put(uint8_t *out, size_t len, const struct text *t)
{
	struct wire_writer w;

	memset(out, 0, len);
	wire_writer_init(&w, out, len);
	wire_put_string(&w, t->object, EXE_MAX);
	wire_put_string(&w, t->detail, DETAIL_MAX);
}

static bool
text_get(struct view in, unsigned cells, bool sealed, struct log_record *r)
{
	struct wire_reader rd;
	struct view object, detail;

	wire_reader_init(&rd, in);
	object = wire_get_string(&rd, object_max(r->type));
	detail = wire_get_string(&rd, DETAIL_MAX);
	if (rd.bad || !logfmt_is_zero(rd.data, rd.len) ||
	    cells_for(object.len, detail.len, sealed) != cells)
		return false;
	r->object = object;
	r->detail = detail;
	return true;
}

/* The associated data of a sealed text, in at. */
static struct view
number_of(uint8_t at[8], uint64_t cell)
{
	struct wire_writer w;

	wire_writer_init(&w, at, 8);
	wire_put_u64(&w, cell);
	return (struct view){ at, 8 };
}

static void
text_seal(uint8_t *out, size_t len, const struct text *t, uint64_t cell,
    const struct log_keys *keys)
{
	uint8_t plain[EXTENSION_MAX], ad[8];
	size_t n = len - SEAL_EXTRA;

	text_put(plain, n, t);
	crypto_random(out, CRYPTO_NONCE_LEN);
	crypto_aead_seal(out + CRYPTO_NONCE_LEN, keys->name, out,
	    number_of(ad, cell), (struct view){ plain, n });
}

static bool
text_open(struct view in, unsigned cells, const struct log_keys *keys,
    struct log_record *r, uint8_t *text)
{
	uint8_t ad[8];

	if (!crypto_aead_open(text, keys->name, in.data,
		number_of(ad, r->cell),
		(struct view){ in.data + CRYPTO_NONCE_LEN,
		    in.len - CRYPTO_NONCE_LEN }))
		return false;
	return text_get((struct view){ text, in.len - SEAL_EXTRA }, cells,
	    true, r);
}

/* ---- records ---- */

static void
body_put(uint8_t *out, const struct log_record *r, unsigned flags,
    unsigned cells)
{
	struct wire_writer w;

	wire_writer_init(&w, out, LOG_BODY);
	wire_put_u8(&w, r->type);
	wire_put_u8(&w, cells);
	wire_put_u16(&w, r->op);
	wire_put_u16(&w, r->status);
	wire_put_u16(&w, flags);
	wire_put_u64(&w, r->cell);
	wire_put_u64(&w, r->time);
	wire_put_u64(&w, r->connection);
	wire_put_u64(&w, r->workspace);
	wire_put_u64(&w, r->record);
	wire_put_u32(&w, r->version);
	wire_put_u32(&w, r->request);
	wire_put_u32(&w, r->duration);
	wire_put_u32(&w, r->uid);
	wire_put_u32(&w, (uint64_t)r->principal << 24);
	wire_put_u32(&w, r->principal_id);
	wire_put_u64(&w, r->epoch);
}

/* Take the body apart; false when it can't be one of ours. */
static bool
body_get(const uint8_t *in, struct log_record *r, unsigned *cells)
{
	struct wire_reader rd;
	uint32_t principal;

	*r = (struct log_record){ .type = 0 };
	wire_reader_init(&rd, (struct view){ in, LOG_BODY });
	r->type = wire_get_u8(&rd);
	*cells = wire_get_u8(&rd);
	r->op = wire_get_u16(&rd);
	r->status = wire_get_u16(&rd);
	r->flags = wire_get_u16(&rd);
	r->cell = wire_get_u64(&rd);
	r->time = wire_get_u64(&rd);
	r->connection = wire_get_u64(&rd);
	r->workspace = wire_get_u64(&rd);
	r->record = wire_get_u64(&rd);
	r->version = wire_get_u32(&rd);
	r->request = wire_get_u32(&rd);
	r->duration = wire_get_u32(&rd);
	r->uid = wire_get_u32(&rd);
	principal = wire_get_u32(&rd);
	r->principal = (uint8_t)(principal >> 24);
	r->principal_id = wire_get_u32(&rd);
	r->epoch = wire_get_u64(&rd);
	return r->type >= LOG_SYSTEM && r->type <= LOG_NOTE && *cells >= 1 &&
	    *cells <= LOG_CELLS_MAX && (principal & 0xffffff) == 0;
}

/* The flags, the size and what stands where no tag is must agree. */
static bool
form_is_right(const struct log_record *r, unsigned cells, const uint8_t *in)
{
	unsigned text = r->flags & (LOG_SEALED | LOG_PLAIN);

	if ((r->flags & ~FLAGS_ALL) != 0 || text == (LOG_SEALED | LOG_PLAIN) ||
	    (text != 0) != (cells > 1))
		return false;
	if (text != 0 && (r->flags & LOG_NO_NAME))
		return false;
	if (r->flags & LOG_TAGGED)
		return true;
	return text != LOG_SEALED &&
	    logfmt_is_zero(in + TAG_AT, LOG_TAG_LEN);
}

static void
chain_next(uint8_t next[LOG_CHAIN_LEN], const uint8_t chain[LOG_CHAIN_LEN],
    const uint8_t *in, unsigned cells)
{
	struct view parts[] = {
		{ chain, LOG_CHAIN_LEN },
		{ in, LOG_BODY },
		{ in + LOG_CELL, (cells - 1) * LOG_CELL },
	};

	crypto_blake2b(next, LOG_CHAIN_LEN, NULL, parts, 3);
}

static void
tag_make(uint8_t tag[LOG_TAG_LEN], const struct log_keys *keys,
    const uint8_t chain[LOG_CHAIN_LEN])
{
	crypto_short_hash(tag, keys->tag,
	    (struct view){ chain, LOG_CHAIN_LEN });
}

unsigned
logfmt_put(uint8_t *out, const struct log_record *r,
    const struct log_keys *keys, uint8_t chain[LOG_CHAIN_LEN])
{
	struct text t = text_of(r);
	unsigned cells = cells_for(t.object.len, t.detail.len, t.seal);
	unsigned flags = r->flags & LOG_CALLER;

	if (t.cut)
		flags |= LOG_TRUNCATED;
	if (keys != NULL)
		flags |= LOG_TAGGED;
	if (cells > 1 && t.seal && keys == NULL) {
		flags |= LOG_NO_NAME;
		cells = 1;
	} else if (cells > 1 && t.seal) {
		flags |= LOG_SEALED;
		text_seal(out + LOG_CELL, (cells - 1) * LOG_CELL, &t, r->cell,
		    keys);
	} else if (cells > 1) {
		flags |= LOG_PLAIN;
		text_put(out + LOG_CELL, (cells - 1) * LOG_CELL, &t);
	}
	body_put(out, r, flags, cells);
	chain_next(chain, chain, out, cells);
	memcpy(out + LOG_BODY, chain, LOG_CHAIN_LEN);
	memset(out + TAG_AT, 0, LOG_TAG_LEN);
	if (keys != NULL)
		tag_make(out + TAG_AT, keys, chain);
	return cells;
}

/* What a key shows of a record whose chain fits. */
static bool
is_genuine(const uint8_t *in, unsigned cells, const struct log_keys *keys,
    struct log_record *r, uint8_t *text)
{
	uint8_t tag[LOG_TAG_LEN];

	if (!(r->flags & LOG_TAGGED))
		return true;
	tag_make(tag, keys, in + LOG_BODY);
	if (!crypto_equal(tag, in + TAG_AT, LOG_TAG_LEN))
		return false;
	if (!(r->flags & LOG_SEALED))
		return true;
	return text_open((struct view){ in + LOG_CELL,
	    (cells - 1) * LOG_CELL }, cells, keys, r, text);
}

enum log_result
logfmt_get(struct view in, uint64_t cell, uint8_t chain[LOG_CHAIN_LEN],
    const struct log_keys *keys, struct log_record *r, unsigned *cells,
    uint8_t text[LOG_CELLS_MAX * LOG_CELL])
{
	uint8_t next[LOG_CHAIN_LEN];
	struct log_record got;
	unsigned n;

	if (in.len < LOG_CELL)
		return LOG_BROKEN;
	if (logfmt_is_zero(in.data, LOG_CELL))
		return LOG_END;
	if (!body_get(in.data, &got, &n) || got.cell != cell ||
	    (size_t)n * LOG_CELL > in.len || !form_is_right(&got, n, in.data))
		return LOG_BROKEN;
	chain_next(next, chain, in.data, n);
	if (!crypto_equal(next, in.data + LOG_BODY, LOG_CHAIN_LEN))
		return LOG_BROKEN;
	if ((got.flags & LOG_PLAIN) &&
	    !text_get((struct view){ in.data + LOG_CELL, (n - 1) * LOG_CELL },
		n, false, &got))
		return LOG_BROKEN;
	memcpy(chain, next, LOG_CHAIN_LEN);
	*cells = n;
	*r = got;
	if (keys != NULL && !is_genuine(in.data, n, keys, r, text))
		return LOG_FORGED;
	return LOG_OK;
}

bool
logfmt_peek(const uint8_t cell[LOG_CELL], uint64_t number, unsigned *cells,
    uint64_t *epoch)
{
	struct log_record r;

	if (!body_get(cell, &r, cells) || r.cell != number)
		return false;
	*epoch = (r.flags & LOG_TAGGED) != 0 ? r.epoch : 0;
	return true;
}
