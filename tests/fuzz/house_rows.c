/* Rows of a store, in memory and back. */
#include "house.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
need(bool holds, const char *what)
{
	if (holds)
		return;
	perror(what);
	abort();
}

struct reading {
	struct rows *r;
	size_t used;
};

static bool
measure(void *arg, struct view key, struct view value)
{
	*(size_t *)arg += key.len + value.len;
	return true;
}

static struct view
copy(struct reading *in, struct view v)
{
	uint8_t *at = in->r->memory + in->used;

	memcpy(at, v.data, v.len);
	in->used += v.len;
	return (struct view){ at, v.len };
}

static bool
read_row(void *arg, struct view key, struct view value)
{
	struct reading *in = arg;
	struct rows *r = in->r;

	need(r->count < HOUSE_ROWS, "rows");
	r->list[r->count++] = (struct row){ copy(in, key), copy(in, value) };
	return true;
}

void
rows_read(struct rows *r, struct store *s)
{
	struct reading in = { .r = r };
	size_t size = 1;

	free(r->memory);
	need(store_walk(s, NULL, measure, &size) == COFRE_OK, "rows");
	r->memory = malloc(size);
	need(r->memory != NULL, "rows");
	r->count = 0;
	need(store_walk(s, NULL, read_row, &in) == COFRE_OK, "rows");
	store_release(s);
}

static void
delete_all(struct store *s)
{
	const uint8_t least = 0;
	const struct view any = { &least, 0 };
	struct view key, value;

	while (store_next(s, any, (struct view){ &least, 1 }, &key, &value) ==
	    COFRE_OK)
		need(store_delete(s, key) == COFRE_OK, "delete");
}

void
rows_write(const struct rows *r, struct store *s)
{
	size_t size = 1u << 20;

	for (size_t i = 0; i < r->count; i++)
		size += r->list[i].value.len;
	store_abort(s);
	need(store_begin(s, size, true) == COFRE_OK, "begin");
	delete_all(s);
	for (size_t i = 0; i < r->count; i++)
		(void)store_put(s, r->list[i].key, r->list[i].value);
	need(store_commit(s) == COFRE_OK, "commit");
}
