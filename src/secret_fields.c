#include "secret_fields.h"

#include "crypto.h"
#include "names.h"

/* Is there a field of that name among the first n?  *ret is it then. */
static bool
find(struct list fields, uint32_t n, struct view name, struct field_item *ret)
{
	struct wire_reader r = list_reader(fields);
	struct field_item field;

	for (uint32_t i = 0; i < n; i++) {
		field_item_get(&r, &field);
		if (!r.bad && view_equal(field.name, name)) {
			*ret = field;
			return true;
		}
	}
	return false;
}

enum cofre_status
fields_check(uint8_t kind, struct list fields)
{
	struct wire_reader r = list_reader(fields);
	struct field_item field, other;
	size_t total = 0, public = 0;

	for (uint32_t i = 0; i < fields.count; i++) {
		field_item_get(&r, &field);
		if (r.bad || !name_is_field(field.name) ||
		    (field.flags & ~(unsigned)FIELD_SECRET) != 0 ||
		    (field_is_secret(kind, field.name) &&
			field.flags != FIELD_SECRET) ||
		    find(fields, i, field.name, &other))
			return COFRE_INVALID;
		total += field.name.len + field.value.len;
		if (field.flags != FIELD_SECRET)
			public += field.value.len;
	}
	if (!wire_reader_done(&r))
		return COFRE_INVALID;
	return total > COFRE_SECRET_MAX || public > COFRE_METADATA_MAX ?
	    COFRE_TOO_LARGE :
	    COFRE_OK;
}

void
fields_put_public(struct wire_writer *w, struct list fields)
{
	struct wire_reader r = list_reader(fields);
	struct field_item field;
	struct wire_list l;

	list_begin(&l, w);
	for (uint32_t i = 0; i < fields.count; i++) {
		field_item_get(&r, &field);
		if (field.flags == FIELD_SECRET)
			field.value = (struct view){ NULL, 0 };
		field_item_put(w, &field);
		list_item(&l);
	}
	list_end(&l);
}

static void
put_item(struct wire_writer *w, struct wire_list *l,
    const struct field_item *field)
{
	field_item_put(w, field);
	list_item(l);
}

bool
fields_same(struct view a, struct view b)
{
	return a.len == b.len && crypto_equal(a.data, b.data, a.len);
}

bool
fields_merge(struct wire_writer *w, struct list fields, struct list fresh)
{
	struct wire_reader r = list_reader(fields);
	struct field_item field, other;
	struct wire_list l;
	bool good;

	list_begin(&l, w);
	for (uint32_t i = 0; i < fields.count; i++) {
		field_item_get(&r, &field);
		if (find(fresh, fresh.count, field.name, &other) &&
		    !fields_same(field.value, other.value)) {
			field.value = other.value;
			field.flags |= other.flags;
		}
		put_item(w, &l, &field);
	}
	good = wire_reader_done(&r);
	r = list_reader(fresh);
	for (uint32_t i = 0; i < fresh.count; i++) {
		field_item_get(&r, &field);
		if (!find(fields, fields.count, field.name, &other))
			put_item(w, &l, &field);
	}
	list_end(&l);
	return good && wire_reader_done(&r);
}
