#include "resync.h"

#include <stdlib.h>
#include <string.h>

struct resync *
resync_new(uint64_t workspace, uint32_t uid, bool dry_run)
{
	struct resync *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->workspace = workspace;
	r->uid = uid;
	r->dry_run = dry_run;
	return r;
}

void
resync_free(struct resync *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->count; i++)
		free((void *)(uintptr_t)r->items[i].sealed.data);
	free(r->items);
	free(r);
}

static bool
grow(struct resync *r)
{
	size_t size = r->size == 0 ? 16 : r->size * 2;
	struct staged *items;

	if (r->count < r->size)
		return true;
	items = realloc(r->items, size * sizeof(*items));
	if (items == NULL)
		return false;
	r->items = items;
	r->size = size;
	return true;
}

enum cofre_status
resync_add(struct resync *r, const struct staged *item)
{
	uint8_t *sealed = NULL;

	for (size_t i = 0; i < r->count; i++)
		if (r->items[i].record == item->record)
			return COFRE_CONFLICT;
	if (r->count == RESYNC_ITEMS_MAX ||
	    item->sealed.len > RESYNC_BYTES_MAX - r->bytes || !grow(r))
		return COFRE_LIMIT;
	if (item->sealed.len > 0) {
		sealed = malloc(item->sealed.len);
		if (sealed == NULL)
			return COFRE_LIMIT;
		memcpy(sealed, item->sealed.data, item->sealed.len);
	}
	r->items[r->count] = *item;
	r->items[r->count].sealed.data = sealed;
	r->count++;
	r->bytes += item->sealed.len;
	return COFRE_OK;
}

void
resync_take_back(struct resync *r, uint64_t turn)
{
	while (r->count > 0 && r->items[r->count - 1].turn == turn) {
		struct staged *item = &r->items[--r->count];

		r->bytes -= item->sealed.len;
		free((void *)(uintptr_t)item->sealed.data);
	}
}

size_t
resync_need(const struct resync *r)
{
	size_t need = 32768; /* the workspace's row */

	for (size_t i = 0; i < r->count; i++)
		need += r->items[i].head + r->items[i].sealed.len + 512;
	return need;
}
