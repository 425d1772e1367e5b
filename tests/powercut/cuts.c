#include "cuts.h"

#define SIZES UINT64_MAX /* the piece of a file that is its length */

uint64_t
cuts_any(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* Chosen for this image and this piece. */
static uint64_t
draw(const struct choice *c, const struct op *o, uint64_t piece)
{
	return cuts_any(c->seed ^ cuts_any(o->inode ^ cuts_any(piece)));
}

/* ---- what is there ---- */

static uint64_t
all(const struct choice *c, const struct op *o, uint64_t piece)
{
	(void)o;
	(void)piece;
	return c->cut;
}

static uint64_t
none(const struct choice *c, const struct op *o, uint64_t piece)
{
	(void)c;
	(void)o;
	(void)piece;
	return 0;
}

/* Lengths of a file, and names, are kept in their order: up to some time. */
static uint64_t
in_order(const struct choice *c, const struct op *o)
{
	uint64_t window = UINT64_C(8) << c->seed % 10;
	uint64_t back = draw(c, o, o->kind == OP_NAME ? 0 : SIZES) % window;

	if (c->seed >> 10 & 1 || back > c->cut)
		return c->cut;
	return c->cut - back;
}

/* Each piece by itself is there or not, few of them, half, or most. */
static uint64_t
lost(const struct choice *c, const struct op *o, uint64_t piece)
{
	static const unsigned shares[] = { 1, 2, 4, 6, 7 };

	if (o->kind != OP_DATA)
		return in_order(c, o);
	return draw(c, o, piece) % 8 < shares[(c->seed >> 16) % 5] ? c->cut :
								     0;
}

/* Each piece is as it was at a time of its own. */
static uint64_t
of_a_time(const struct choice *c, const struct op *o, uint64_t piece)
{
	uint64_t window = UINT64_C(8) << (c->seed >> 16) % 10;
	uint64_t back = draw(c, o, piece) % window;

	if (o->kind != OP_DATA)
		return in_order(c, o);
	return back > c->cut ? 0 : c->cut - back;
}

static uint64_t
either(const struct choice *c, const struct op *o, uint64_t piece)
{
	return c->seed >> 32 & 1 ? lost(c, o, piece) : of_a_time(c, o, piece);
}

/* Each change of a length, and each name, is there or not. */
static uint64_t
names(const struct choice *c, const struct op *o, uint64_t piece)
{
	if (o->kind == OP_DATA)
		return c->cut;
	return draw(c, o, o->kind == OP_NAME ? piece : o->tick) % 2 == 0 ?
		   c->cut :
		   0;
}

/*
 * The write that was under way has lost sectors: those from one on, those
 * before one, or one.  All before it is there.
 */
static uint64_t
torn(const struct choice *c, const struct op *o, uint64_t piece)
{
	uint64_t sectors, at, which;

	if (o != c->torn)
		return c->cut;
	sectors = (o->at + o->len - 1) / c->grain - o->at / c->grain + 1;
	at = piece - o->at / c->grain;
	which = c->mask % (3 * sectors);
	switch (which / sectors) {
	case 0:
		return at < which ? c->cut : 0;
	case 1:
		return at >= which - sectors ? c->cut : 0;
	default:
		return at != which - 2 * sectors ? c->cut : 0;
	}
}

/* ---- when ---- */

/* The n-th of count moments, evenly through all of the time. */
static void
moment(const struct disk *d, struct choice *c, uint64_t n, uint64_t count)
{
	c->cut = 1 + (uint64_t)((__uint128_t)n * d->ticks / count);
}

static void
choose_order(
    const struct disk *d, struct choice *c, uint64_t n, uint64_t count)
{
	moment(d, c, n, count);
	c->limit = all;
}

static void
choose_torn(const struct disk *d, struct choice *c, uint64_t n, uint64_t count)
{
	size_t i;

	moment(d, c, n, count);
	i = disk_find(d, c->cut);
	while (i < d->op_count &&
	       (d->ops[i].kind != OP_DATA || d->ops[i].len <= c->grain))
		i++;
	c->limit = torn;
	if (i == d->op_count)
		return;
	c->torn = &d->ops[i];
	c->cut = c->torn->tick + 1;
	c->mask = cuts_any(c->seed);
}

/* Meta pages, in pieces that no disk should tear them into. */
static void
choose_torn_sector(
    const struct disk *d, struct choice *c, uint64_t n, uint64_t count)
{
	c->grain = 8;
	c->torn = &d->ops[disk_find(
	    d, d->commits[(uint64_t)((__uint128_t)n * d->commit_count / count)]
		   .tick)];
	c->cut = c->torn->tick + 1;
	c->limit = torn;
	c->mask = cuts_any(c->seed);
}

static void
choose_none(const struct disk *d, struct choice *c, uint64_t n, uint64_t count)
{
	moment(d, c, n, count);
	c->limit = none;
}

static void
choose_pages(
    const struct disk *d, struct choice *c, uint64_t n, uint64_t count)
{
	moment(d, c, n, count);
	c->grain = c->mapped = PAGE;
	c->limit = lost;
}

static void
choose_pages_of_a_time(
    const struct disk *d, struct choice *c, uint64_t n, uint64_t count)
{
	moment(d, c, n, count);
	c->grain = c->mapped = PAGE;
	c->limit = of_a_time;
}

static void
choose_sectors(
    const struct disk *d, struct choice *c, uint64_t n, uint64_t count)
{
	moment(d, c, n, count);
	c->limit = either;
}

static void
choose_lines(
    const struct disk *d, struct choice *c, uint64_t n, uint64_t count)
{
	moment(d, c, n, count);
	c->mapped = 64;
	c->limit = lost;
}

static void
choose_words(
    const struct disk *d, struct choice *c, uint64_t n, uint64_t count)
{
	moment(d, c, n, count);
	c->mapped = 8;
	c->limit = either;
}

static void
choose_names(
    const struct disk *d, struct choice *c, uint64_t n, uint64_t count)
{
	moment(d, c, n, count);
	c->limit = names;
}

static void
choose_lies(const struct disk *d, struct choice *c, uint64_t n, uint64_t count)
{
	uint64_t back =
	    cuts_any(c->seed ^ 1) % (UINT64_C(64) << (c->seed >> 40) % 8);

	moment(d, c, n, count);
	c->flushes = back > c->cut ? 0 : c->cut - back;
	c->grain = c->mapped = PAGE;
	c->limit = either;
}

/*
 * A page or a sector that is copied while the processor stores a line of the
 * log has half of that line, and that reads as a change: as with words.
 */
static const struct cut_way ways[] = {
	{ "each write, in order", 4, false, false, choose_order },
	{ "the last write torn", 4, false, false, choose_torn },
	{ "only what was flushed", 2, false, false, choose_none },
	{ "pages lost", 4, false, false, choose_pages },
	{ "pages of any time", 4, false, true, choose_pages_of_a_time },
	{ "sectors of 512", 4, false, true, choose_sectors },
	{ "lines of 64", 4, false, false, choose_lines },
	{ "names and lengths", 2, false, false, choose_names },
	{ "words of 8", 2, false, true, choose_words },
	{ "a sector torn", 1, false, true, choose_torn_sector },
	{ "a disk that lies", 2, true, true, choose_lies },
};

const struct cut_way *
cuts_way(size_t i)
{
	return i < sizeof(ways) / sizeof(ways[0]) ? &ways[i] : NULL;
}
