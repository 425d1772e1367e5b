#include "wire.h"

#include <endian.h>
#include <string.h>

void
view_copy(char *to, struct view v)
{
	if (v.len > 0)
		memcpy(to, v.data, v.len);
	to[v.len] = '\0';
}

struct view
view_of(const char *s)
{
	return (struct view){ (const uint8_t *)s, strlen(s) };
}

bool
view_is(struct view v, const char *s)
{
	return view_equal(v, view_of(s));
}

bool
view_equal(struct view a, struct view b)
{
	return a.len == b.len &&
	    (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

void
wire_writer_init(struct wire_writer *w, void *data, size_t cap)
{
	*w = (struct wire_writer){ .data = data, .cap = cap };
}

void
wire_reader_init(struct wire_reader *r, struct view v)
{
	*r = (struct wire_reader){ .data = v.data, .len = v.len };
}

/* The place for n more bytes, or NULL when they do not fit. */
static inline uint8_t *
extend(struct wire_writer *w, size_t n)
{
	uint8_t *p;

	if (w->bad || n > w->cap - w->len) {
		w->bad = true;
		return NULL;
	}
	p = w->data + w->len;
	w->len += n;
	return p;
}

/* width is a constant wherever it is called: one store, then. */
static inline void
put_int(struct wire_writer *w, uint64_t v, size_t width)
{
	uint8_t *p;

	if (width < 8 && v >> (8 * width) != 0) {
		w->bad = true;
		return;
	}
	if ((p = extend(w, width)) == NULL)
		return;
	v = htobe64(v << (64 - 8 * width));
	memcpy(p, &v, width);
}

void
wire_put_u8(struct wire_writer *w, uint64_t v)
{
	put_int(w, v, 1);
}

void
wire_put_u16(struct wire_writer *w, uint64_t v)
{
	put_int(w, v, 2);
}

void
wire_put_u32(struct wire_writer *w, uint64_t v)
{
	put_int(w, v, 4);
}

void
wire_put_u64(struct wire_writer *w, uint64_t v)
{
	put_int(w, v, 8);
}

void
wire_put_bool(struct wire_writer *w, bool v)
{
	put_int(w, v ? 1 : 0, 1);
}

void
wire_put_bytes(struct wire_writer *w, struct view v)
{
	uint8_t *p;

	if ((p = extend(w, v.len)) != NULL && v.len > 0)
		memcpy(p, v.data, v.len);
}

void
wire_put_string(struct wire_writer *w, struct view v, size_t max)
{
	if (v.len > max) {
		w->bad = true;
		return;
	}
	put_int(w, v.len, 4);
	wire_put_bytes(w, v);
}

size_t
wire_string_begin(struct wire_writer *w)
{
	size_t at = w->len;

	put_int(w, 0, 4);
	return at;
}

void
wire_string_end(struct wire_writer *w, size_t at)
{
	struct wire_writer head;

	if (w->bad)
		return;
	wire_writer_init(&head, w->data + at, 4);
	put_int(&head, w->len - at - 4, 4);
	w->bad = head.bad;
}

/* Take n bytes, or NULL when there are not so many. */
static inline const uint8_t *
take(struct wire_reader *r, size_t n)
{
	const uint8_t *p;

	if (r->bad || n > r->len) {
		r->bad = true;
		return NULL;
	}
	p = r->data;
	r->data += n;
	r->len -= n;
	return p;
}

static inline uint64_t
get_int(struct wire_reader *r, size_t width)
{
	const uint8_t *p;
	uint64_t v = 0;

	if ((p = take(r, width)) == NULL)
		return 0;
	memcpy(&v, p, width);
	return be64toh(v) >> (64 - 8 * width);
}

uint8_t
wire_get_u8(struct wire_reader *r)
{
	return (uint8_t)get_int(r, 1);
}

uint16_t
wire_get_u16(struct wire_reader *r)
{
	return (uint16_t)get_int(r, 2);
}

uint32_t
wire_get_u32(struct wire_reader *r)
{
	return (uint32_t)get_int(r, 4);
}

uint64_t
wire_get_u64(struct wire_reader *r)
{
	return get_int(r, 8);
}

bool
wire_get_bool(struct wire_reader *r)
{
	uint64_t v = get_int(r, 1);

	if (v > 1)
		r->bad = true;
	return v == 1;
}

struct view
wire_get_bytes(struct wire_reader *r, size_t len)
{
	const uint8_t *p = take(r, len);

	return p == NULL ? (struct view){ NULL, 0 } : (struct view){ p, len };
}

struct view
wire_get_string(struct wire_reader *r, size_t max)
{
	size_t len = wire_get_u32(r);

	if (len > max)
		r->bad = true;
	return wire_get_bytes(r, len);
}

bool
wire_reader_done(const struct wire_reader *r)
{
	return !r->bad && r->len == 0;
}
