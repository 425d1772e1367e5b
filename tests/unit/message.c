#include "message.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"

#define BYTES_MAX (256u * 1024) /* of any sample */
#define TEXT_MAX (KRL_MAX + 1) /* of any string, and one byte over */

uint64_t
fill_int(struct fill *f, uint64_t max)
{
	uint64_t v = sample_next(&f->state);

	v = v << 32 | sample_next(&f->state);
	switch (f->mode) {
	case FILL_LEAST:
		return 0;
	case FILL_MOST:
		return max;
	case FILL_RANDOM:
		break;
	}
	return max == UINT64_MAX ? v : v % (max + 1);
}

/* Bytes that every sample's strings are made of: no two runs are alike. */
static const uint8_t *
pattern(void)
{
	static uint8_t bytes[TEXT_MAX];

	for (size_t i = 0; bytes[1] == 0 && i < TEXT_MAX; i++)
		bytes[TEXT_MAX - 1 - i] =
		    (uint8_t)((TEXT_MAX - 1 - i) * 167 ^ i >> 8);
	return bytes;
}

/* How long the next string, or how large the next count, is to be. */
static size_t
extent(struct fill *f, size_t max)
{
	if (f->limits++ == f->over)
		return max + 1;
	if (f->mode == FILL_LEAST)
		return 0;
	return f->mode == FILL_MOST ? max :
	    sample_below(&f->state, max < 12 ? (uint32_t)max + 1 : 13);
}

struct view
fill_text(struct fill *f, size_t max)
{
	size_t n = extent(f, max);

	ck_assert_uint_le(n, TEXT_MAX);
	return (struct view){ pattern() + (n < 100 ? f->limits : 0), n };
}

struct list
fill_list(struct fill *f, uint32_t max)
{
	struct list l = { .count = (uint32_t)extent(f, max) };

	/* Decoding does not look into lists, so any bytes will do. */
	l.items.data = pattern();
	l.items.len = l.count == 0 ? 0 : 5;
	return l;
}

uint8_t
fill_bool(struct fill *f, bool v)
{
	return f->bools++ == f->odd ? f->odd_value : v;
}

/* A sample: the struct, and its bytes. */
struct sample {
	void *m, *back;
	uint8_t *bytes;
	struct wire_writer w;
	struct fill fill;
};

static void
sample_begin(struct sample *s, const struct message *k, enum fill_mode mode,
    unsigned over)
{
	s->m = calloc(1, k->size);
	s->back = calloc(1, k->size);
	s->bytes = calloc(1, BYTES_MAX);
	ck_assert(s->m != NULL && s->back != NULL && s->bytes != NULL);
	s->fill = (struct fill){ .mode = mode, .state = 1, .over = over,
		.odd = NO_FIELD };
	k->fill(&s->fill, s->m);
	wire_writer_init(&s->w, s->bytes, BYTES_MAX);
}

static void
sample_end(struct sample *s)
{
	free(s->m);
	free(s->back);
	free(s->bytes);
}

static bool
decodes(const struct sample *s, const struct message *k, size_t len)
{
	return k->decode((struct view){ s->bytes, len }, s->back);
}

void
message_check_round_trip(const struct message *k)
{
	static const enum fill_mode modes[] = { FILL_LEAST, FILL_RANDOM,
		FILL_MOST };
	struct sample s;

	for (size_t i = 0; i < COUNT(modes); i++) {
		sample_begin(&s, k, modes[i], NO_FIELD);
		k->put(&s.w, s.m);
		ck_assert_msg(!s.w.bad, "%s is not written", k->name);
		ck_assert_msg(decodes(&s, k, s.w.len), "%s is not read",
		    k->name);
		ck_assert_msg(k->equal(s.m, s.back), "%s comes back changed",
		    k->name);
		sample_end(&s);
	}
}

void
message_check_cut(const struct message *k)
{
	struct sample s;

	sample_begin(&s, k, FILL_RANDOM, NO_FIELD);
	k->put(&s.w, s.m);
	ck_assert_msg(!s.w.bad, "%s is not written", k->name);
	for (size_t cut = 0; cut < s.w.len; cut++)
		ck_assert_msg(!decodes(&s, k, cut), "%s is read, cut at %zu",
		    k->name, cut);
	ck_assert_msg(!decodes(&s, k, s.w.len + 1),
	    "%s is read with a byte more", k->name);
	sample_end(&s);
}

unsigned
message_check_limits(const struct message *k)
{
	struct sample s;
	unsigned count = 1;

	for (unsigned i = 0; i < count; i++) {
		sample_begin(&s, k, FILL_RANDOM, i);
		count = s.fill.limits;
		k->put(&s.w, s.m);
		ck_assert_msg(s.w.bad == (count > 0),
		    "%s is written with its limit %u passed", k->name, i);
		wire_writer_init(&s.w, s.bytes, BYTES_MAX);
		k->put_loose(&s.w, s.m, &s.fill);
		ck_assert(!s.w.bad);
		ck_assert_msg(decodes(&s, k, s.w.len) == (count == 0),
		    "%s is read with its limit %u passed", k->name, i);
		sample_end(&s);
	}
	return count;
}

unsigned
message_check_booleans(const struct message *k)
{
	struct sample s;
	unsigned count = 1;

	for (unsigned i = 0; i < count; i++)
		for (unsigned v = 0; v < 256; v++) {
			sample_begin(&s, k, FILL_RANDOM, NO_FIELD);
			s.fill.odd = i;
			s.fill.odd_value = (uint8_t)v;
			k->put_loose(&s.w, s.m, &s.fill);
			count = s.fill.bools;
			ck_assert_msg(decodes(&s, k, s.w.len) ==
				(count == 0 || v < 2),
			    "%s: boolean %u as %u", k->name, i, v);
			sample_end(&s);
		}
	return count;
}

void
message_check_room(const struct message *k)
{
	struct sample s;
	size_t n;

	sample_begin(&s, k, FILL_RANDOM, NO_FIELD);
	k->put(&s.w, s.m);
	n = s.w.len;
	for (size_t room = 0; room < n; room++) {
		wire_writer_init(&s.w, s.bytes, room);
		k->put(&s.w, s.m);
		ck_assert_msg(s.w.bad && s.w.len <= room,
		    "%s is written into %zu bytes", k->name, room);
	}
	sample_end(&s);
}
