#include "endings.h"

#include <stdlib.h>

enum cofre_status
endings_add(struct endings *es, uint64_t workspace, uint64_t record,
    const struct version_row *row)
{
	if (row->until == 0)
		return COFRE_OK;
	if (es->count == es->size) {
		size_t size = es->size == 0 ? 16 : es->size * 2;
		struct ending *list = realloc(es->list, size * sizeof(*list));

		if (list == NULL)
			return COFRE_LIMIT;
		es->list = list;
		es->size = size;
	}
	es->list[es->count++] = (struct ending){ workspace, record,
		row->until, row->version, row->held };
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
endings_forget(struct endings *es)
{
	free(es->list);
	*es = (struct endings){ .count = 0 };
}
