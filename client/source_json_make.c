/* Requests, and the memory that requests and answers are made in. */
#include "source_json.h"

#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "utf8.h"
#include "wiping.h"

#define REQUEST_VERSION 1

/*
 * Memory.
 */

void
source_allocator_set(struct source_allocator *before)
{
	json_get_alloc_funcs(&before->take, &before->give);
	json_set_alloc_funcs(wiping_malloc, wiping_free);
}

void
source_allocator_reset(const struct source_allocator *before)
{
	json_set_alloc_funcs(before->take, before->give);
}

bool
source_bytes_new(struct source_bytes *ret, size_t len)
{
	struct source_bytes b = { wiping_malloc(len + 1), len };

	if (b.data == NULL)
		return false;
	*ret = b;
	return true;
}

void
source_bytes_free(struct source_bytes *b)
{
	wiping_free(b->data);
	*b = (struct source_bytes){ NULL, 0 };
}

/*
 * Requests.
 */

const char *
source_operation_name(enum source_operation operation)
{
	switch (operation) {
	case SOURCE_PULL:
		return "pull";
	case SOURCE_PROBE:
		return "probe";
	case SOURCE_REGENERATE:
		return "regenerate";
	}
	return "?";
}

static bool
put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

static json_t *
string_of(struct view v)
{
	return json_stringn(v.len > 0 ? (const char *)v.data : "", v.len);
}

/* {"name": "value", ...} as the member key of object. */
static enum cofre_status
put_pairs(json_t *object, const char *key, const char *what,
    const struct source_pair *pairs, size_t count, struct problem *p)
{
	json_t *all = json_object();

	if (!put(object, key, all))
		return problem_set(p, COFRE_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < count; i++) {
		char name[COFRE_FIELD_NAME_MAX + 1];

		if (!name_is_field(pairs[i].name))
			return problem_set(p, COFRE_INVALID,
			    "%s %zu has no valid name", what, i + 1);
		memcpy(name, pairs[i].name.data, pairs[i].name.len);
		name[pairs[i].name.len] = '\0';
		if (!utf8_is_text(pairs[i].value))
			return problem_set(p, COFRE_INVALID,
			    "%s %s is no UTF-8, and can't be given to a "
			    "source", what, name);
		if (!put(all, name, string_of(pairs[i].value)))
			return problem_set(p, COFRE_NO_MEMORY,
			    "out of memory");
	}
	return COFRE_OK;
}

static enum cofre_status
fill(json_t *all, const struct source_request *q, struct problem *p)
{
	enum cofre_status s;

	if (!put(all, "version", json_integer(REQUEST_VERSION)) ||
	    !put(all, "operation", json_string(source_operation_name(
		q->operation))) ||
	    !put(all, "workspace", string_of(q->workspace)) ||
	    !put(all, "name", string_of(q->name)) ||
	    !put(all, "kind", string_of(q->kind)) ||
	    !put(all, "slot", json_integer(q->slot)))
		return problem_set(p, COFRE_NO_MEMORY, "out of memory");
	s = put_pairs(all, "arguments", "argument", q->arguments,
	    q->argument_count, p);
	if (s == COFRE_OK)
		s = put_pairs(all, "fields", "field", q->fields,
		    q->field_count, p);
	return s;
}

/* Written twice: the first time to know how long it is. */
static enum cofre_status
write(const json_t *all, struct source_bytes *ret, struct problem *p)
{
	size_t len = json_dumpb(all, NULL, 0, JSON_COMPACT);
	struct source_bytes b;

	if (len == 0 || !source_bytes_new(&b, len + 1))
		return problem_set(p, COFRE_NO_MEMORY, "out of memory");
	if (json_dumpb(all, (char *)b.data, len, JSON_COMPACT) != len) {
		source_bytes_free(&b);
		return problem_set(p, COFRE_NO_MEMORY, "out of memory");
	}
	b.data[len] = '\n';
	*ret = b;
	return COFRE_OK;
}

enum cofre_status
source_request_make(const struct source_request *q, struct source_bytes *ret,
    struct problem *p)
{
	struct source_allocator before;
	enum cofre_status s;
	json_t *all;

	source_allocator_set(&before);
	all = json_object();
	s = fill(all, q, p);
	if (s == COFRE_OK)
		s = write(all, ret, p);
	json_decref(all);
	source_allocator_reset(&before);
	return s;
}
