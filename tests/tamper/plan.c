#include "plan.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CUT 512u

/* A number that is always the same for attempt n: splitmix64. */
static uint64_t
any(const struct states *s, uint64_t n)
{
	uint64_t x = s->seed + (n + 1) * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* --- bytes --- */

static uint64_t
count_bytes(const struct states *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->now.count; i++)
		n += s->now.files[i].used;
	return n;
}

/* The byte with that number, through all files. */
static uint8_t *
byte_at(struct states *s, uint64_t n)
{
	size_t i = 0;

	for (; n >= s->now.files[i].used; i++)
		n -= s->now.files[i].used;
	return s->now.files[i].data + n;
}

static bool
change_byte(struct states *s, uint64_t n, uint8_t change)
{
	uint8_t *at = byte_at(s, n);

	*at ^= change;
	image_write(&s->now);
	*at ^= change;
	return true;
}

static bool
make_inverted(struct states *s, uint64_t n)
{
	return change_byte(s, n, 0xff);
}

static bool
make_bit(struct states *s, uint64_t n)
{
	return change_byte(s, n, (uint8_t)(1u << any(s, n) % 8));
}

/* --- pages --- */

/* Pages of the stores that were never used, and have no place on the disk. */
static uint64_t
count_unused(const struct states *s)
{
	return (s->now.files[0].size - s->now.files[0].used +
	    s->now.files[1].size - s->now.files[1].used) / PAGE;
}

static bool
make_unused(struct states *s, uint64_t n)
{
	const struct file *f = &s->now.files[0];
	uint64_t first = (f->size - f->used) / PAGE;
	uint8_t page[PAGE];
	int fd;

	if (n >= first) {
		n -= first;
		f++;
	}
	for (size_t i = 0; i < PAGE; i++)
		page[i] = (uint8_t)any(s, n * PAGE + i);
	image_write(&s->now);
	fd = open(f->name, O_WRONLY | O_CLOEXEC);
	if (pwrite(fd, page, PAGE, (off_t)(f->used + n * PAGE)) != PAGE)
		die(f->name);
	(void)close(fd);
	return true;
}

/* The n-th page of both stores that is in use. */
static uint8_t *
page_at(struct image *im, uint64_t n)
{
	struct file *f = &im->files[0];

	if (n >= f->used / PAGE)
		n -= f++->used / PAGE;
	return n < f->used / PAGE ? f->data + n * PAGE : NULL;
}

static uint64_t
count_pages(const struct states *s)
{
	return (s->now.files[0].used + s->now.files[1].used) / PAGE;
}

static uint64_t
count_page_pairs(const struct states *s)
{
	return count_pages(s) * count_pages(s);
}

/* One page in the place of another. */
static bool
make_page_copy(struct states *s, uint64_t n)
{
	uint8_t *to = page_at(&s->now, n / count_pages(s)), saved[PAGE];
	const uint8_t *from = page_at(&s->now, n % count_pages(s));

	if (memcmp(to, from, PAGE) == 0)
		return false;
	memcpy(saved, to, PAGE);
	memcpy(to, from, PAGE);
	image_write(&s->now);
	memcpy(to, saved, PAGE);
	return true;
}

static uint64_t
count_old_pages(const struct states *s)
{
	return count_pages(s) * s->old_count;
}

static bool
make_old_page(struct states *s, uint64_t n)
{
	uint64_t page = n / s->old_count;
	struct image *old = &s->old[n % s->old_count];
	const struct file *f = &old->files[0];
	uint8_t *to = page_at(&s->now, page), saved[PAGE];
	const uint8_t *from;

	if (page >= s->now.files[0].used / PAGE) {
		page -= s->now.files[0].used / PAGE;
		f++;
	}
	from = f->data + page * PAGE;
	if ((page + 1) * PAGE > f->used || memcmp(to, from, PAGE) == 0)
		return false;
	memcpy(saved, to, PAGE);
	memcpy(to, from, PAGE);
	image_write(&s->now);
	memcpy(to, saved, PAGE);
	return true;
}

/* --- lengths --- */

static uint64_t
count_cuts(const struct states *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->now.count; i++)
		n += (s->now.files[i].size + CUT - 1) / CUT;
	return n;
}

static bool
make_cut(struct states *s, uint64_t n)
{
	struct file *f = s->now.files, saved;

	for (; n >= (f->size + CUT - 1) / CUT; f++)
		n -= (f->size + CUT - 1) / CUT;
	saved = *f;
	f->size = n * CUT;
	if (f->used > f->size)
		f->used = f->size;
	image_write(&s->now);
	*f = saved;
	return true;
}

/* What is put behind the end: so many bytes, zeros or not. */
static const size_t longer[] = { 1, 512, 4096, 1 << 20 };
#define LONGER (2 * sizeof(longer) / sizeof(longer[0]))

static uint64_t
count_longer(const struct states *s)
{
	return s->now.count * LONGER;
}

static bool
make_longer(struct states *s, uint64_t n)
{
	struct file *f = &s->now.files[n / LONGER], saved = *f;
	size_t more = longer[n % LONGER / 2];

	f->size += more;
	if (n % 2 == 0) {
		f->used = f->size;
		f->data = must_alloc(f->size);
		memcpy(f->data, saved.data, saved.used);
		for (size_t i = saved.size; i < f->size; i++)
			f->data[i] = (uint8_t)any(s, i);
	}
	image_write(&s->now);
	if (f->data != saved.data)
		free(f->data);
	*f = saved;
	return true;
}

/* --- files --- */

static uint64_t
count_file_pairs(const struct states *s)
{
	return s->now.count * s->now.count;
}

/* Two files gone, or one. */
static bool
make_gone(struct states *s, uint64_t n)
{
	struct file *a = &s->now.files[n / s->now.count], saved_a = *a;
	struct file *b = &s->now.files[n % s->now.count], saved_b = *b;

	if (a > b)
		return false;
	a->data = b->data = NULL;
	image_write(&s->now);
	*a = saved_a;
	*b = saved_b;
	return true;
}

/* The contents of two files exchanged; those of one in place of another. */
static bool
exchange(struct states *s, uint64_t n, bool both)
{
	struct file *a = &s->now.files[n / s->now.count], saved_a = *a;
	struct file *b = &s->now.files[n % s->now.count], saved_b = *b;

	if (a == b || (both && a > b))
		return false;
	*a = saved_b;
	(void)snprintf(a->name, sizeof(a->name), "%s", saved_a.name);
	if (both) {
		*b = saved_a;
		(void)snprintf(b->name, sizeof(b->name), "%s", saved_b.name);
	}
	image_write(&s->now);
	*a = saved_a;
	*b = saved_b;
	return true;
}

static bool
make_exchange(struct states *s, uint64_t n)
{
	return exchange(s, n, true);
}

static bool
make_file_copy(struct states *s, uint64_t n)
{
	return exchange(s, n, false);
}

/* Parts of an older state: a bit each for the vault's store, that of SSH
   keys, and the log. */
#define PARTS 3u
#define WHOLE ((1u << PARTS) - 1)

static bool
has_part(unsigned parts, const struct file *f)
{
	unsigned part = is_log(f) ? 2 : strncmp(f->name, "ssh", 3) == 0;

	return (parts >> part & 1) != 0;
}

static uint64_t
count_older(const struct states *s)
{
	return s->old_count * WHOLE;
}

static bool
make_older(struct states *s, uint64_t n)
{
	const struct image *old = &s->old[n / WHOLE];
	unsigned parts = (unsigned)(n % WHOLE) + 1;
	struct image mixed = { .count = 0 };

	for (size_t i = 0; i < s->now.count; i++)
		if (!has_part(parts, &s->now.files[i]))
			mixed.files[mixed.count++] = s->now.files[i];
	for (size_t i = 0; i < old->count; i++)
		if (has_part(parts, &old->files[i]))
			mixed.files[mixed.count++] = old->files[i];
	image_write(&mixed);
	return true;
}

static uint64_t
count_old_files(const struct states *s)
{
	return s->old_count * s->now.count;
}

/* One file as it was before. */
static bool
make_old_file(struct states *s, uint64_t n)
{
	const struct image *old = &s->old[n / s->now.count];
	struct file *f = &s->now.files[n % s->now.count], saved = *f;
	int i = image_find(old, f->name);

	if (i == -1 || (old->files[i].size == f->size &&
		old->files[i].used == f->used &&
		memcmp(old->files[i].data, f->data, f->used) == 0))
		return false;
	*f = old->files[i];
	image_write(&s->now);
	*f = saved;
	return true;
}

static const struct way ways[] = {
	{ "bytes inverted", count_bytes, make_inverted, false, false },
	{ "bits flipped", count_bytes, make_bit, false, false },
	{ "unused pages filled", count_unused, make_unused, false, false },
	{ "pages copied over others", count_page_pairs, make_page_copy, false,
	    false },
	{ "older pages put in", count_old_pages, make_old_page, false, false },
	{ "files cut at 512", count_cuts, make_cut, false, false },
	{ "files made longer", count_longer, make_longer, false, false },
	{ "files removed", count_file_pairs, make_gone, false,
	    true },
	{ "files exchanged", count_file_pairs, make_exchange, false, false },
	{ "files copied over others", count_file_pairs, make_file_copy,
	    false, false },
	{ "one older file", count_old_files, make_old_file, false,
	    true },
	{ "older states, or parts", count_older, make_older, true,
	    false },
};

const struct way *
plan_way(size_t i)
{
	size_t count = sizeof(ways) / sizeof(ways[0]);

	return i < count ? &ways[i] : plan_rows_way(i - count);
}
