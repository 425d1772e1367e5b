/* Rows that somebody moves about with LMDB, in a file that stays whole. */
#include "plan.h"

#include <string.h>

#define NEW_KEYS 5u /* that each row is put under besides */

static const char *const paths[] = { "data.mdb", "ssh.lmdb" };

/* Which store, and which of its pairs of rows, attempt n is about. */
static unsigned
pair_at(const struct states *s, uint64_t n, const struct rawrow **a,
    const struct rawrow **b)
{
	const struct rawrows *r = &s->rows[0];
	unsigned store = n >= (uint64_t)r->count * r->count;

	if (store == 1) {
		n -= (uint64_t)r->count * r->count;
		r++;
	}
	*a = &r->rows[n / r->count];
	*b = &r->rows[n % r->count];
	return store;
}

static uint64_t
count_pairs(const struct states *s)
{
	return (uint64_t)s->rows[0].count * s->rows[0].count +
	    (uint64_t)s->rows[1].count * s->rows[1].count;
}

/* A row with the key of one and the value of another. */
static struct rawrow
mix(const struct rawrow *key, const struct rawrow *value)
{
	return (struct rawrow){ key->key, value->value, key->key_len,
		value->value_len };
}

static bool
make_swap(struct states *s, uint64_t n)
{
	const struct rawrow *a, *b;
	unsigned store = pair_at(s, n, &a, &b);
	struct rawrow x = mix(a, b), y = mix(b, a);

	if (a >= b)
		return false;
	image_write(&s->now);
	rawrows_change(paths[store], &x, &y, NULL);
	return true;
}

static bool
make_copy(struct states *s, uint64_t n)
{
	const struct rawrow *a, *b;
	unsigned store = pair_at(s, n, &a, &b);
	struct rawrow x = mix(a, b);

	if (a == b)
		return false;
	image_write(&s->now);
	rawrows_change(paths[store], &x, NULL, NULL);
	return true;
}

/* Two rows dropped, or one. */
static bool
make_drop(struct states *s, uint64_t n)
{
	const struct rawrow *a, *b;
	unsigned store = pair_at(s, n, &a, &b);

	if (a > b)
		return false;
	image_write(&s->now);
	rawrows_change(paths[store], NULL, NULL, a);
	if (a != b)
		rawrows_change(paths[store], NULL, NULL, b);
	return true;
}

static uint64_t
count_new(const struct states *s)
{
	return (uint64_t)(s->rows[0].count + s->rows[1].count) * NEW_KEYS;
}

/* A row under another key as well: a byte of it counted up, or one more. */
static bool
make_new(struct states *s, uint64_t n)
{
	unsigned store = n / NEW_KEYS >= s->rows[0].count;
	const struct rawrows *r = &s->rows[store];
	const struct rawrow *row =
	    &r->rows[n / NEW_KEYS - (store == 1 ? s->rows[0].count : 0)];
	static const size_t places[NEW_KEYS - 1] = { 0, 8, 16, 20 };
	uint8_t key[64] = { 0 };
	struct rawrow x = { key, row->value, row->key_len, row->value_len };

	memcpy(key, row->key, row->key_len);
	if (n % NEW_KEYS == NEW_KEYS - 1)
		x.key_len++;
	else if (places[n % NEW_KEYS] < row->key_len)
		key[places[n % NEW_KEYS]]++;
	else
		return false;
	if (rawrows_find(r, &x) != -1)
		return false;
	image_write(&s->now);
	rawrows_change(paths[store], &x, NULL, NULL);
	return true;
}

static uint64_t
count_old(const struct states *s)
{
	return (uint64_t)s->old_count * ROWS_MAX * 2;
}

/* A row as it was before; one that was deleted since; or one that was not
   there yet, gone. */
static bool
make_old(struct states *s, uint64_t n)
{
	unsigned store = n % 2;
	size_t i = n / 2 % ROWS_MAX;
	const struct rawrows *now = &s->rows[store];
	const struct rawrows *old = &s->old_rows[n / 2 / ROWS_MAX][store];
	const struct rawrow *row = &old->rows[i];
	int at;

	if (i >= old->count)
		return false;
	at = rawrows_find(now, row);
	if (at != -1 && now->rows[at].value_len == row->value_len &&
	    memcmp(now->rows[at].value, row->value, row->value_len) == 0)
		return false;
	image_write(&s->now);
	rawrows_change(paths[store], row, NULL, NULL);
	return true;
}

static const struct way ways[] = {
	{ "rows swapped", count_pairs, make_swap, false, false },
	{ "rows dropped", count_pairs, make_drop, false, false },
	{ "values under other keys", count_pairs, make_copy, false, false },
	{ "rows under new keys", count_new, make_new, false, false },
	{ "older rows put back", count_old, make_old, false, false },
};

const struct way *
plan_rows_way(size_t i)
{
	return i < sizeof(ways) / sizeof(ways[0]) ? &ways[i] : NULL;
}
