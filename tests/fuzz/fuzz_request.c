/*
 * Any bytes as the body of a request: each operation's decoder takes them
 * or not, and what is taken is encoded again to the same bytes.  Lists are
 * walked as the handlers do it.
 */
#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t again[FRAME_MAX];

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
must_be(const struct wire_writer *w, struct view body)
{
	must(!w->bad);
	must(view_equal((struct view){ w->data, w->len }, body));
}

/* Walk the fields of a put; those that are whole are written again. */
static void
walk_fields(struct list fields)
{
	struct wire_reader r = list_reader(fields);
	struct field_item item;
	struct wire_writer w;

	wire_writer_init(&w, again, sizeof(again));
	for (uint32_t i = 0; i < fields.count; i++) {
		field_item_get(&r, &item);
		must(r.bad || (item.name.len <= COFRE_FIELD_NAME_MAX &&
		    item.value.len <= COFRE_VALUE_MAX));
		(void)name_is_field(item.name);
		(void)field_is_secret(COFRE_KIND_DATASTORE, item.name);
		field_item_put(&w, &item);
	}
	if (wire_reader_done(&r))
		must_be(&w, fields.items);
}

static void
check_put(struct view body)
{
	struct secret_put_request put;

	if (!secret_put_request_decode(body, &put))
		return;
	must(put.fields.count <= COFRE_FIELDS_MAX);
	must(put.workspace.len <= COFRE_WORKSPACE_NAME_MAX);
	must(put.name.len <= COFRE_SECRET_NAME_MAX);
	(void)name_is_workspace(put.workspace);
	(void)name_is_secret(put.name);
	walk_fields(put.fields);
}

#define OP(code, ID, id, name, scope, action, flags)                         \
	static void check_##id(struct view body)                             \
	{                                                                    \
		struct wire_writer w;                                        \
		struct id##_request m;                                       \
                                                                             \
		if (!id##_request_decode(body, &m))                          \
			return;                                              \
		wire_writer_init(&w, again, sizeof(again));                  \
		id##_request_put(&w, &m);                                    \
		must_be(&w, body);                                           \
	}
#include "ops.def"
#undef OP

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct view body = { data, size };

	/* No frame has a body that is longer. */
	if (size > FRAME_MAX - FRAME_HEADER)
		return 0;
#define OP(code, ID, id, name, scope, action, flags) check_##id(body);
#include "ops.def"
#undef OP
	check_put(body);
	return 0;
}
