#include "endings.h"

#include <stdlib.h>

#include "sort.h"

/* By record and version, the newest first; what was noted last, first. */
static int
compare(const void *a, const void *b)
{
	const struct ending *x = a, *y = b;

	if (x->record != y->record)
		return x->record < y->record ? -1 : 1;
	if (x->version != y->version)
		return x->version > y->version ? -1 : 1;
	return x->noted > y->noted ? -1 : x->noted < y->noted;
}

/*
 * Let go of what can't be true.  A commit that was taken back has left an
 * entry for a version that got another end since; and behind VERSIONS_MAX
 * newer ones a version is in no head any more.
 */
static void
prune(struct endings *es)
{
	size_t kept = 0, newer = 0;

	sort(es->list, es->count, sizeof(*es->list), compare);
	for (size_t i = 0; i < es->count; i++) {
		const struct ending e = es->list[i];
		const struct ending *last = kept > 0 ? &es->list[kept - 1] :
						       NULL;

		if (last == NULL || last->record != e.record)
			newer = 0;
		else if (last->version == e.version)
			continue;
		if (newer == VERSIONS_MAX)
			continue;
		newer += !e.gone;
		es->list[kept++] = e;
	}
	es->count = kept;
}

/* Room for one more, with as much again before it is asked the next time. */
static bool
make_room(struct endings *es)
{
	size_t size = es->size == 0 ? 16 : es->size * 2;
	struct ending *list;

	if (es->count < es->size)
		return true;
	if (es->size > 0)
		prune(es);
	if (es->count < es->size / 2)
		return true;
	list = realloc(es->list, size * sizeof(*list));
	if (list == NULL)
		return es->count < es->size;
	es->list = list;
	es->size = size;
	return true;
}

enum cofre_status
endings_add(struct endings *es, uint64_t workspace, uint64_t record,
    const struct version_row *row)
{
	if (row->until == 0)
		return COFRE_OK;
	if (!make_room(es))
		return COFRE_LIMIT;
	es->list[es->count++] = (struct ending){ .workspace = workspace,
		.record = record, .until = row->until, .noted = es->notes++,
		.version = row->version, .held = row->held };
	if (es->count == 1 || row->until < es->due)
		es->due = row->until;
	return COFRE_OK;
}

enum cofre_status
endings_load(struct endings *es, uint64_t workspace, uint64_t record,
    struct list versions)
{
	struct wire_reader r = list_reader(versions);
	struct version_row row;
	enum cofre_status st = COFRE_OK;

	for (uint32_t i = 0; i < versions.count && st == COFRE_OK; i++) {
		version_row_get(&r, &row);
		if (r.bad)
			return COFRE_CORRUPT;
		st = endings_add(es, workspace, record, &row);
	}
	return st;
}

void
endings_remove(struct endings *es, size_t i)
{
	es->list[i] = es->list[--es->count];
}

void
endings_drop(struct endings *es, uint64_t workspace)
{
	for (size_t i = 0; i < es->count;)
		if (es->list[i].workspace == workspace)
			endings_remove(es, i);
		else
			i++;
}

void
endings_forget(struct endings *es)
{
	free(es->list);
	*es = (struct endings){ .count = 0 };
}
