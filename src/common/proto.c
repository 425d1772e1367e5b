#include "proto.h"

/* By their codes; where there is none, the name is NULL. */
static const struct op ops[] = {
#define OP(code, ID, id, name, scope, action, flags)                         \
	[code] = { code, SCOPE_##scope, ACTION_##action, flags, name },
#include "ops.def"
#undef OP
};

static const char *const principal_names[] = {
	[PRINCIPAL_NONE] = "none",
	[PRINCIPAL_OPERATOR] = "operator",
	[PRINCIPAL_USER] = "user",
	[PRINCIPAL_GROUP] = "group",
	[PRINCIPAL_IDENTITY] = "identity",
	[PRINCIPAL_UNIT] = "unit",
	[PRINCIPAL_RUN] = "run",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const struct op *
op_find(uint16_t code)
{
	return code < COUNT(ops) && ops[code].name != NULL ? &ops[code] : NULL;
}

const char *
op_name(uint16_t code)
{
	const struct op *op = op_find(code);

	return op == NULL ? "?" : op->name;
}

const char *
principal_name(uint8_t kind)
{
	return kind < COUNT(principal_names) ? principal_names[kind] : "?";
}

#define LIST_HEAD 8u /* count, and bytes of the items */

void
list_begin(struct wire_list *l, struct wire_writer *w)
{
	*l = (struct wire_list){ .w = w, .at = w->len };
	wire_put_u32(w, 0);
	wire_put_u32(w, 0);
}

void
list_item(struct wire_list *l)
{
	l->count++;
}

void
list_end(struct wire_list *l)
{
	struct wire_writer head;

	if (l->w->bad)
		return;
	wire_writer_init(&head, l->w->data + l->at, LIST_HEAD);
	wire_put_u32(&head, l->count);
	wire_put_u32(&head, l->w->len - l->at - LIST_HEAD);
}

void
lists_take_back(struct wire_writer *w, unsigned count)
{
	if (!w->bad)
		w->len -= (size_t)count * LIST_HEAD;
}

struct list
list_made(const struct wire_writer *w, size_t at, uint32_t max)
{
	struct wire_reader r;
	struct list l;

	if (w->bad)
		return (struct list){ .count = 0 };
	wire_reader_init(&r, (struct view){ w->data + at, w->len - at });
	l = list_get(&r, max);
	if (r.bad)
		return (struct list){ .count = 0 };
	return l;
}

struct wire_reader
list_reader(struct list l)
{
	struct wire_reader r;

	wire_reader_init(&r, l.items);
	return r;
}

void
list_put(struct wire_writer *w, struct list l, uint32_t max)
{
	if (l.count > max)
		w->bad = true;
	wire_put_u32(w, l.count);
	wire_put_string(w, l.items, FRAME_MAX);
}

struct list
list_get(struct wire_reader *r, uint32_t max)
{
	struct list l = { .count = wire_get_u32(r) };

	if (l.count > max)
		r->bad = true;
	l.items = wire_get_string(r, FRAME_MAX);
	return l;
}

#define MESSAGES "proto.def"
#include "messages_define.h"
