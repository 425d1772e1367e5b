#include "secret_rows.h"

#include "quota.h"

bool
secret_entry(struct request *q, struct catalog_entry *e)
{
	const struct catalog_entry *found;

	found = catalog_find(q->sv->vault.catalog, q->workspace->id, q->name);
	if (found == NULL)
		return false;
	*e = *found;
	q->record = e->record;
	return true;
}

enum cofre_status
secret_find(struct request *q, struct catalog_entry *e)
{
	return secret_entry(q, e) && e->state != SECRET_PURGED ?
	    COFRE_OK :
	    COFRE_NOT_FOUND;
}

static struct row_id
head_id(const struct request *q, uint64_t record)
{
	return (struct row_id){ .table = TABLE_HEAD,
		.workspace = q->workspace->id, .record = record };
}

enum cofre_status
secret_head(struct request *q, const struct catalog_entry *e,
    struct head_row *head)
{
	struct row_id id = head_id(q, e->record);
	struct view plain;
	enum cofre_status st;

	st = vault_read(&q->sv->vault, q->workspace, &id, &plain);
	if (st == COFRE_NOT_FOUND)
		return COFRE_CORRUPT;
	if (st != COFRE_OK)
		return st;
	return head_row_decode(plain, head) ? COFRE_OK : COFRE_CORRUPT;
}

/* Note how much of the build buffer holds something. */
static struct view
built(struct vault *v, const struct wire_writer *w)
{
	if (w->len > v->build_used)
		v->build_used = w->len;
	return (struct view){ w->data, w->len };
}

enum cofre_status
secret_save_head(struct request *q, uint64_t record,
    const struct head_row *head)
{
	struct vault *v = &q->sv->vault;
	struct row_id id = head_id(q, record);
	struct catalog_entry e = { .record = record, .version = head->version,
		.slot = q->workspace->slot, .kind = head->kind & CATALOG_KIND,
		.state = head->state, .stale = head->stale != 0 };
	struct wire_writer w;
	enum cofre_status st;

	wire_writer_init(&w, v->build, ROW_MAX);
	head_row_put(&w, head);
	if (w.bad)
		return COFRE_TOO_LARGE;
	st = vault_write(v, q->workspace, &id, built(v, &w));
	if (st != COFRE_OK)
		return st;
	catalog_follow(v->catalog, q->workspace->id, head->follows, &e);
	catalog_set(v->catalog, q->workspace->id, q->name, &e);
	return COFRE_OK;
}

enum cofre_status
secret_save_body(struct request *q, uint64_t record, uint32_t version,
    uint8_t kind, const struct body_row *body)
{
	struct vault *v = &q->sv->vault;
	struct row_id id = { .table = TABLE_BODY,
		.workspace = q->workspace->id, .record = record,
		.version = version, .kind = kind, .name = q->name };
	struct wire_writer w;

	wire_writer_init(&w, v->build, ROW_MAX);
	body_row_put(&w, body);
	if (w.bad)
		return COFRE_TOO_LARGE;
	return vault_write(v, q->workspace, &id, built(v, &w));
}

enum cofre_status
secret_drop_body(struct request *q, uint64_t record, uint32_t version)
{
	const struct row_id id = { .table = TABLE_BODY,
		.workspace = q->workspace->id, .record = record,
		.version = version };
	enum cofre_status st = vault_delete(&q->sv->vault, &id);

	return st == COFRE_NOT_FOUND ? COFRE_OK : st;
}

bool
secret_find_version(struct list versions, uint32_t version,
    struct version_row *ret)
{
	struct wire_reader r = list_reader(versions);
	struct version_row row;

	for (uint32_t i = 0; i < versions.count; i++) {
		version_row_get(&r, &row);
		if (!r.bad && row.version == version) {
			*ret = row;
			return true;
		}
	}
	return false;
}

bool
secret_version_ended(const struct server *sv, uint64_t record,
    const struct version_row *row)
{
	if (row->until == 0)
		return false;
	return row->until <= sv->now || (row->held &&
		runs_holders(&sv->vault.runs, record, row->version) == 0);
}

enum cofre_status
secret_put_versions(struct request *q, struct wire_writer *w, uint64_t record,
    struct list old, const struct version_row *end,
    const struct version_row *fresh)
{
	struct wire_reader r = list_reader(old);
	struct version_row row;
	struct wire_list l;
	enum cofre_status st;

	list_begin(&l, w);
	for (uint32_t i = 0; i < old.count; i++) {
		version_row_get(&r, &row);
		if (i == 0 && old.count == VERSIONS_MAX) {
			st = secret_drop_body(q, record, row.version);
			if (st != COFRE_OK)
				return st;
			continue;
		}
		if (end != NULL && row.version == end->version) {
			row.until = end->until;
			row.held = end->held;
		}
		version_row_put(w, &row);
		list_item(&l);
	}
	version_row_put(w, fresh);
	list_item(&l);
	list_end(&l);
	return wire_reader_done(&r) ? COFRE_OK : COFRE_CORRUPT;
}

void
secret_digest(const struct request *q, uint64_t record, struct list fields,
    uint8_t digest[DIGEST_LEN])
{
	uint8_t ids[16];
	struct wire_writer w;
	struct view parts[2];

	wire_writer_init(&w, ids, sizeof(ids));
	wire_put_u64(&w, q->workspace->id);
	wire_put_u64(&w, record);
	parts[0] = (struct view){ ids, w.len };
	parts[1] = fields.items;
	crypto_blake2b(digest, DIGEST_LEN,
	    keyring_digest(&q->sv->vault.keyring), parts, 2);
}

void
secret_source_digest(const struct request *q, uint64_t record,
    const struct head_row *head, uint8_t digest[DIGEST_LEN])
{
	uint8_t ids[24];
	struct wire_writer w;
	struct view parts[3];

	wire_writer_init(&w, ids, sizeof(ids));
	wire_put_u64(&w, q->workspace->id);
	wire_put_u64(&w, record);
	wire_put_u64(&w, head->source.len);
	parts[0] = (struct view){ ids, w.len };
	parts[1] = head->source;
	parts[2] = head->arguments.items;
	crypto_blake2b(digest, DIGEST_LEN,
	    keyring_digest(&q->sv->vault.keyring), parts, 3);
}

#define HEADS_MAX 1000u		/* looked at for one reply */
#define HEADS_MIN 64u		/* so many also when others wait */
#define HEADS_BYTES (96u * 1024) /* written for one reply */

enum cofre_status
secret_put_heads(struct request *q, uint64_t after, secret_visit *visit)
{
	struct row_key prefix = row_prefix(TABLE_HEAD, q->workspace->id), from;
	struct row_id id = head_id(q, after);
	enum cofre_status st = COFRE_OK;
	struct view key, sealed;
	struct wire_list l;

	list_begin(&l, q->reply);
	for (unsigned i = 0; i < HEADS_MAX && q->reply->len < HEADS_BYTES &&
	     (i < HEADS_MIN || i % 16 != 0 || !quota_is_over(q->conn)); i++) {
		id.record++;
		from = row_key(&id);
		st = store_next(q->sv->vault.store,
		    (struct view){ prefix.bytes, prefix.len },
		    (struct view){ from.bytes, from.len }, &key, &sealed);
		if (st != COFRE_OK)
			break;
		if (!row_key_parse(key, &id))
			return COFRE_CORRUPT;
		st = visit(q, &id, sealed, &l);
		if (st != COFRE_OK)
			return st;
	}
	if (st != COFRE_OK && st != COFRE_NOT_FOUND)
		return st;
	list_end(&l);
	wire_put_u64(q->reply, st == COFRE_NOT_FOUND ? 0 : id.record);
	return COFRE_OK;
}
