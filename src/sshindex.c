#include "sshindex.h"

#include <stdlib.h>
#include <string.h>

#include "secmem.h"

void
sshitem_free(struct sshitem *item)
{
	if (item != NULL)
		secmem_wipe(item, item->size);
	free(item);
}

/* How workspace and name stand to the item. */
static int
order(uint64_t workspace, struct view name, const struct sshitem *item)
{
	size_t len = strlen(item->name), n = name.len < len ? name.len : len;
	int d;

	if (workspace != item->workspace)
		return workspace < item->workspace ? -1 : 1;
	d = n == 0 ? 0 : memcmp(name.data, item->name, n);
	return d != 0 ? d : (name.len > len) - (name.len < len);
}

/* The place of the first one that is not before it. */
static size_t
place(const struct sshindex *x, uint64_t workspace, struct view name)
{
	size_t low = 0, high = x->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (order(workspace, name, x->list[middle]) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct sshitem *
sshindex_find(const struct sshindex *x, uint64_t workspace, struct view name)
{
	size_t i = place(x, workspace, name);

	return i < x->count && order(workspace, name, x->list[i]) == 0 ?
	    x->list[i] :
	    NULL;
}

struct sshitem *
sshindex_next(const struct sshindex *x, uint64_t workspace, struct view after)
{
	size_t i = place(x, workspace, after);

	if (i < x->count && order(workspace, after, x->list[i]) == 0)
		i++;
	return i < x->count && x->list[i]->workspace == workspace ?
	    x->list[i] :
	    NULL;
}

size_t
sshindex_count(const struct sshindex *x, uint64_t workspace)
{
	size_t first = place(x, workspace, view_of("")), n = 0;

	while (first + n < x->count &&
	    x->list[first + n]->workspace == workspace)
		n++;
	return n;
}

static void
put(struct sshindex *x, struct sshitem *item)
{
	size_t i = place(x, item->workspace, view_of(item->name));

	memmove(x->list + i + 1, x->list + i,
	    (x->count - i) * sizeof(*x->list));
	x->list[i] = item;
	x->count++;
}

bool
sshindex_add(struct sshindex *x, struct sshitem *item)
{
	if (x->count == x->size) {
		size_t size = x->size == 0 ? 64 : 2 * x->size;
		struct sshitem **list = reallocarray(x->list, size,
		    sizeof(*list));

		if (list == NULL)
			return false;
		x->list = list;
		x->size = size;
	}
	item->fresh = true;
	put(x, item);
	return true;
}

void
sshindex_replace(struct sshindex *x, struct sshitem *old,
    struct sshitem *item)
{
	item->fresh = true;
	x->list[place(x, old->workspace, view_of(old->name))] = item;
	old->next = x->gone;
	x->gone = old;
}

void
sshindex_remove(struct sshindex *x, struct sshitem *old)
{
	size_t i = place(x, old->workspace, view_of(old->name));

	x->count--;
	memmove(x->list + i, x->list + i + 1,
	    (x->count - i) * sizeof(*x->list));
	old->next = x->gone;
	x->gone = old;
}

void
sshindex_keep(struct sshindex *x)
{
	struct sshitem *item;

	while ((item = x->gone) != NULL) {
		x->gone = item->next;
		sshitem_free(item);
	}
	for (size_t i = 0; i < x->count; i++)
		x->list[i]->fresh = false;
}

void
sshindex_undo(struct sshindex *x)
{
	struct sshitem *item;
	size_t kept = 0;

	for (size_t i = 0; i < x->count; i++)
		if (x->list[i]->fresh)
			sshitem_free(x->list[i]);
		else
			x->list[kept++] = x->list[i];
	x->count = kept;
	/* Its size has not shrunk: there is room for all that were there. */
	while ((item = x->gone) != NULL) {
		x->gone = item->next;
		if (item->fresh)
			sshitem_free(item);
		else
			put(x, item);
	}
}

void
sshindex_forget(struct sshindex *x)
{
	sshindex_keep(x);
	for (size_t i = 0; i < x->count; i++)
		sshitem_free(x->list[i]);
	free(x->list);
	*x = (struct sshindex){ .count = 0 };
}
