#include "secret_follow.h"

#include <stdio.h>
#include <string.h>

#include "names.h"
#include "recount.h"

/* What a field takes in a message besides its name and value. */
#define FIELD_OVERHEAD 9u

/* The datastores that lie in a storage account. */
static bool
type_follows(uint8_t type)
{
	return type == COFRE_DATASTORE_AZURE_BLOB ||
	    type == COFRE_DATASTORE_AZURE_FILE ||
	    type == COFRE_DATASTORE_AZURE_DATA_LAKE_GEN2;
}

bool
follow_has_key(struct list fields)
{
	struct wire_reader r = list_reader(fields);
	struct field_item field;

	for (uint32_t i = 0; i < fields.count; i++) {
		field_item_get(&r, &field);
		if (view_is(field.name, "AccountKey") ||
		    view_is(field.name, "SharedAccessSignature"))
			return true;
	}
	return false;
}

/* The caller learns only that it is gone, the log why. */
static enum cofre_status
gone(struct request *q, const char *name, const char *why)
{
	(void)snprintf(q->detail, sizeof(q->detail), "follows %s: %s", name,
	    why);
	return COFRE_FOLLOWED_GONE;
}

enum cofre_status
follow_find(struct request *q, struct view name, struct follow *f)
{
	const struct catalog_entry *e;

	*f = (struct follow){ .record = 0 };
	if (name.len == 0)
		return COFRE_OK;
	if (name.len >= sizeof(f->name))
		return COFRE_CORRUPT;
	memcpy(f->name, name.data, name.len);
	e = catalog_find(q->sv->vault.catalog, q->workspace->id, name);
	if (e == NULL || e->state == SECRET_PURGED)
		return gone(q, f->name, "not there");
	if (e->state == SECRET_DELETED)
		return gone(q, f->name, "deleted");
	if (e->kind != COFRE_KIND_STORAGE)
		return gone(q, f->name, "no storage credential");
	f->record = e->record;
	f->version = e->version;
	return COFRE_OK;
}

enum cofre_status
follow_read(struct request *q, const struct follow *f, struct body_row *body)
{
	const struct row_id id = { .table = TABLE_BODY,
		.workspace = q->workspace->id, .record = f->record,
		.version = f->version, .kind = COFRE_KIND_STORAGE,
		.name = view_of(f->name) };
	struct view plain;
	enum cofre_status st;

	st = vault_read(&q->sv->vault, q->workspace, &id, &plain);
	if (st != COFRE_OK)
		return st == COFRE_NOT_FOUND ? COFRE_CORRUPT : st;
	if (!body_row_decode(plain, body))
		return COFRE_CORRUPT;
	if (body->expires != 0 && body->expires <= q->sv->now)
		return gone(q, f->name, "expired");
	return COFRE_OK;
}

enum cofre_status
follow_check(struct request *q, const struct secret_put_request *in)
{
	struct body_row body;
	struct follow f;
	enum cofre_status st;

	if (in->follows.len == 0)
		return COFRE_OK;
	if (in->kind != COFRE_KIND_DATASTORE || !type_follows(in->type) ||
	    !name_is_secret(in->follows) || follow_has_key(in->fields))
		return COFRE_INVALID;
	/* Else whoever may put could read every key through a datastore. */
	if (!request_may(q, ACTION_SECRET_READ, in->follows))
		return COFRE_DENIED;
	st = follow_find(q, in->follows, &f);
	return st == COFRE_OK ? follow_read(q, &f, &body) : st;
}

static bool
has(const struct wire_list *l, struct view name)
{
	size_t begin = l->at + 8;
	struct wire_reader r;
	struct field_item field;

	wire_reader_init(&r, (struct view){ l->w->data + begin,
	    l->w->len - begin });
	for (uint32_t i = 0; i < l->count; i++) {
		field_item_get(&r, &field);
		if (view_equal(field.name, name))
			return true;
	}
	return false;
}

enum cofre_status
follow_put(struct request *q, const struct follow *f, struct wire_list *l,
    struct view only)
{
	struct body_row body;
	struct field_item field;
	struct wire_reader r;
	enum cofre_status st;

	if (f->version == 0)
		return COFRE_OK;
	if ((st = follow_read(q, f, &body)) != COFRE_OK)
		return st;
	(void)snprintf(q->detail, sizeof(q->detail),
	    RECOUNT_FOLLOWS "%s" RECOUNT_VERSION "%u", f->name, f->version);
	r = list_reader(body.fields);
	for (uint32_t i = 0; i < body.fields.count; i++) {
		field_item_get(&r, &field);
		if ((only.len > 0 && !view_equal(field.name, only)) ||
		    has(l, field.name))
			continue;
		field_item_put(l->w, &field);
		list_item(l);
	}
	if (!wire_reader_done(&r))
		return COFRE_CORRUPT;
	if (l->count > COFRE_FIELDS_MAX || l->w->bad ||
	    l->w->len - l->at - 8 - FIELD_OVERHEAD * l->count >
		COFRE_SECRET_MAX)
		return COFRE_TOO_LARGE;
	return COFRE_OK;
}
