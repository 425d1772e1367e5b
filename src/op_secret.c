/* Reading secrets: get, list, show, versions. */
#include "secret_follow.h"

/* Find the secret, and say what its state means for a reader of it. */
static enum cofre_status
find_live(struct request *q, struct catalog_entry *e)
{
	enum cofre_status st = secret_find(q, e);

	if (st == COFRE_OK && e->state == SECRET_DELETED)
		return COFRE_DELETED;
	return st;
}

/* Put the secret's own fields, or that one, into a list that was begun. */
static enum cofre_status
put_fields(struct wire_list *l, struct list fields, struct view only)
{
	struct wire_reader r = list_reader(fields);
	struct field_item field;

	if (only.len == 0) {
		wire_put_bytes(l->w, fields.items);
		l->count = fields.count;
		return COFRE_OK;
	}
	for (uint32_t i = 0; i < fields.count; i++) {
		field_item_get(&r, &field);
		if (!view_equal(field.name, only))
			continue;
		field_item_put(l->w, &field);
		list_item(l);
	}
	return wire_reader_done(&r) ? COFRE_OK : COFRE_CORRUPT;
}

/* Is it a version that the secret still has?  A body alone proves nothing. */
static enum cofre_status
check_version(struct request *q, const struct catalog_entry *e,
    uint32_t version)
{
	struct version_row row;
	struct head_row head;
	enum cofre_status st;

	if ((st = secret_head(q, e, &head)) != COFRE_OK)
		return st;
	return secret_find_version(head.versions, version, &row) &&
		!secret_version_ended(q->sv, e->record, &row) ?
	    COFRE_OK :
	    COFRE_NOT_FOUND;
}

/* What a run has read is told when it is over. */
static void
count_read(struct request *q, const struct follow *f)
{
	struct run *r = conn_run(q->conn);
	struct run_secret *s = r == NULL ? NULL : run_find_secret(r, q->name);

	if (s == NULL)
		return;
	run_count(r, s, q->version, f->record, f->version);
	q->sv->vault.runs.reading = true;
}

/* Put what a version says; of what it follows, only the fields that it has
   not itself.  Its plaintext is gone once the other one is read. */
static enum cofre_status
put_version(struct request *q, const struct row_id *id,
    const struct body_row *body, struct view only)
{
	struct follow f;
	struct wire_list l;
	enum cofre_status st;

	if ((st = follow_find(q, body->follows, &f)) != COFRE_OK)
		return st;
	wire_put_u8(q->reply, id->kind);
	wire_put_u8(q->reply, body->type);
	wire_put_u32(q->reply, id->version);
	wire_put_u64(q->reply, body->created);
	wire_put_u64(q->reply, body->expires);
	wire_put_u32(q->reply, f.version);
	list_begin(&l, q->reply);
	if ((st = put_fields(&l, body->fields, only)) != COFRE_OK ||
	    (st = follow_put(q, &f, &l, only)) != COFRE_OK)
		return st;
	list_end(&l);
	count_read(q, &f);
	return COFRE_OK;
}

enum cofre_status
op_secret_get(struct request *q, const struct secret_get_request *in)
{
	struct catalog_entry e;
	struct row_id id = { .table = TABLE_BODY };
	struct body_row body;
	struct view plain;
	enum cofre_status st;

	if ((st = find_live(q, &e)) != COFRE_OK)
		return st;
	id.workspace = q->workspace->id;
	id.record = e.record;
	id.version = in->version == 0 ? e.version : in->version;
	id.kind = e.kind;
	id.name = q->name;
	q->version = id.version;
	if (id.version != e.version &&
	    (st = check_version(q, &e, id.version)) != COFRE_OK)
		return st;
	st = vault_read(&q->sv->vault, q->workspace, &id, &plain);
	if (st != COFRE_OK)
		return st == COFRE_NOT_FOUND ? COFRE_CORRUPT : st;
	if (!body_row_decode(plain, &body))
		return COFRE_CORRUPT;
	if (body.expires != 0 && body.expires <= q->sv->now)
		return COFRE_EXPIRED;
	return put_version(q, &id, &body, in->field);
}

static struct secret_item
item_of(const struct head_row *head)
{
	return (struct secret_item){ head->name, head->kind, head->type,
		head->state, head->version, head->created, head->updated,
		head->expires, head->follows, head->source, head->stale };
}

enum cofre_status
op_secret_show(struct request *q, const struct secret_show_request *in)
{
	struct catalog_entry e;
	struct secret_item item;
	struct head_row head;
	enum cofre_status st;

	(void)in;
	if ((st = secret_find(q, &e)) != COFRE_OK ||
	    (st = secret_head(q, &e, &head)) != COFRE_OK)
		return st;
	q->version = head.version;
	item = item_of(&head);
	secret_item_put(q->reply, &item);
	list_put(q->reply, head.fields, COFRE_FIELDS_MAX);
	return COFRE_OK;
}

static enum cofre_status
put_versions(const struct request *q, uint64_t record, struct list versions)
{
	struct wire_reader r = list_reader(versions);
	struct version_row row;
	struct wire_list l;

	list_begin(&l, q->reply);
	for (uint32_t i = 0; i < versions.count; i++) {
		struct version_item item;

		version_row_get(&r, &row);
		if (r.bad || secret_version_ended(q->sv, record, &row))
			continue;
		item = (struct version_item){ row.version, row.created,
			row.expires, row.uid, row.until, row.slot,
			runs_holders(&q->sv->vault.runs, record,
			    row.version) };
		version_item_put(q->reply, &item);
		list_item(&l);
	}
	list_end(&l);
	return wire_reader_done(&r) ? COFRE_OK : COFRE_CORRUPT;
}

enum cofre_status
op_secret_versions(struct request *q, const struct secret_versions_request *in)
{
	struct catalog_entry e;
	struct head_row head;
	enum cofre_status st;

	(void)in;
	if ((st = secret_find(q, &e)) != COFRE_OK ||
	    (st = secret_head(q, &e, &head)) != COFRE_OK)
		return st;
	return put_versions(q, e.record, head.versions);
}

/* Put the head into the list, when it is one to be seen. */
static enum cofre_status
list_one(struct request *q, const struct row_id *id, struct view sealed,
    struct wire_list *l, uint8_t state)
{
	struct secret_item item;
	struct head_row head;
	struct view plain;
	enum cofre_status st;

	st = vault_unseal(&q->sv->vault, q->workspace, id, sealed, &plain);
	if (st != COFRE_OK)
		return st;
	if (!head_row_decode(plain, &head))
		return COFRE_CORRUPT;
	if (head.state != state ||
	    !request_may(q, ACTION_SECRET_LIST, head.name))
		return COFRE_OK;
	item = item_of(&head);
	secret_item_put(q->reply, &item);
	list_item(l);
	return COFRE_OK;
}

static enum cofre_status
list_live(struct request *q, const struct row_id *id, struct view sealed,
    struct wire_list *l)
{
	return list_one(q, id, sealed, l, SECRET_LIVE);
}

static enum cofre_status
list_deleted(struct request *q, const struct row_id *id, struct view sealed,
    struct wire_list *l)
{
	return list_one(q, id, sealed, l, SECRET_DELETED);
}

enum cofre_status
op_secret_list(struct request *q, const struct secret_list_request *in)
{
	return secret_put_heads(q, in->after,
	    in->deleted ? list_deleted : list_live);
}
