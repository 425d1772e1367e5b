/* Changing secrets: put, delete, undelete, purge. */
#include <string.h>

#include "names.h"
#include "secret_fields.h"
#include "secret_follow.h"

static enum cofre_status
check_put(const struct request *q, const struct secret_put_request *in)
{
	bool typed = in->kind == COFRE_KIND_DATASTORE;

	if (!kind_is_stored(in->kind) ||
	    (typed ? datastore_name(in->type)[0] == '?' || in->type == 0 :
		     in->type != 0) ||
	    (in->expires != 0 && in->expires <= q->sv->now))
		return COFRE_INVALID;
	return fields_check(in->kind, in->fields);
}

/* Does the secret have the state that the request expects of it? */
static enum cofre_status
check_entry(const struct catalog_entry *e, const struct secret_put_request *in)
{
	bool there = e != NULL && e->state != SECRET_PURGED;

	if (there && e->state == SECRET_DELETED)
		return COFRE_DELETED;
	if (in->if_version != COFRE_ANY_VERSION &&
	    in->if_version != (there ? e->version : 0))
		return COFRE_CONFLICT;
	if (there && e->kind != in->kind)
		return COFRE_CONFLICT;
	if (e != NULL && e->version == UINT32_MAX - 1)
		return COFRE_LIMIT;
	return COFRE_OK;
}

/* Make the head that the put leaves behind, and write it. */
static enum cofre_status
write_head(struct request *q, const struct secret_put_request *in,
    uint64_t record, const struct head_row *old)
{
	const struct version_row fresh = { .version = q->version,
		.created = q->sv->now, .expires = in->expires,
		.uid = q->conn->peer.uid };
	struct head_row head = *old;
	struct wire_writer w;
	enum cofre_status st;
	size_t at;

	head.name = q->name;
	head.state = SECRET_LIVE;
	head.kind = in->kind;
	head.type = in->type;
	head.version = q->version;
	head.created = old->created != 0 ? old->created : q->sv->now;
	head.updated = q->sv->now;
	head.expires = in->expires;
	head.follows = in->follows;
	/* Whoever puts a value by hand says which key it is: nobody knows. */
	head.slot = 0;
	head.stale = 0;
	head.problem = (struct view){ NULL, 0 };

	/* The lists are made behind the reply, which is short. */
	wire_writer_init(&w, q->sv->reply + 64, FRAME_MAX - 64);
	st = secret_put_versions(q, &w, record, old->versions, NULL, &fresh);
	if (st != COFRE_OK)
		return st;
	head.versions = list_made(&w, 0, VERSIONS_MAX);
	at = w.len;
	fields_put_public(&w, in->fields);
	if (w.len + 64 > q->sv->reply_used)
		q->sv->reply_used = w.len + 64;
	if (w.bad)
		return COFRE_TOO_LARGE;
	head.fields = list_made(&w, at, COFRE_FIELDS_MAX);
	return secret_save_head(q, record, &head);
}

enum cofre_status
op_secret_put(struct request *q, const struct secret_put_request *in)
{
	struct vault *v = &q->sv->vault;
	struct catalog_entry e = { .state = 0 };
	bool there = secret_entry(q, &e);
	const struct body_row body = { .type = in->type,
		.created = q->sv->now, .expires = in->expires,
		.uid = q->conn->peer.uid, .follows = in->follows,
		.fields = in->fields };
	struct head_row old = { .created = 0 };
	enum cofre_status st;

	if ((st = check_put(q, in)) != COFRE_OK ||
	    (st = follow_check(q, in)) != COFRE_OK ||
	    (st = check_entry(there ? &e : NULL, in)) != COFRE_OK ||
	    (st = vault_begin(v, q->body.len * 2 + 32768, false)) != COFRE_OK)
		return st;
	if (there && (st = secret_head(q, &e, &old)) != COFRE_OK)
		return st;
	q->version = e.version + 1;
	if (!there)
		q->record = ++v->now.next_record;
	if (old.state == SECRET_PURGED)
		old.created = 0;
	if ((st = secret_save_body(q, q->record, q->version, in->kind,
		 &body)) != COFRE_OK ||
	    (st = write_head(q, in, q->record, &old)) != COFRE_OK)
		return st;
	wire_put_u32(q->reply, q->version);
	return COFRE_OK;
}

/* Give a secret that is in the state from the state to. */
static enum cofre_status
change_state(struct request *q, enum secret_state from, enum secret_state to,
    enum cofre_status otherwise)
{
	struct catalog_entry e;
	struct head_row head;
	enum cofre_status st;

	if ((st = secret_find(q, &e)) != COFRE_OK)
		return st;
	if (e.state != from)
		return otherwise;
	if ((st = vault_begin(&q->sv->vault, 32768, true)) != COFRE_OK ||
	    (st = secret_head(q, &e, &head)) != COFRE_OK)
		return st;
	q->version = head.version;
	head.state = (uint8_t)to;
	head.updated = q->sv->now;
	return secret_save_head(q, e.record, &head);
}

enum cofre_status
op_secret_delete(struct request *q, const struct secret_delete_request *in)
{
	(void)in;
	return change_state(q, SECRET_LIVE, SECRET_DELETED, COFRE_DELETED);
}

enum cofre_status
op_secret_undelete(struct request *q,
    const struct secret_undelete_request *in)
{
	(void)in;
	return change_state(q, SECRET_DELETED, SECRET_LIVE, COFRE_CONFLICT);
}

/* Delete the body of every version that the head knows. */
static enum cofre_status
drop_bodies(struct request *q, uint64_t record, struct list versions)
{
	struct wire_reader r = list_reader(versions);
	struct version_row item;
	enum cofre_status st;

	for (uint32_t i = 0; i < versions.count; i++) {
		version_row_get(&r, &item);
		st = secret_drop_body(q, record, item.version);
		if (st != COFRE_OK)
			return st;
	}
	return wire_reader_done(&r) ? COFRE_OK : COFRE_CORRUPT;
}

/*
 * What stays of a purged secret is its name, for the activity log, and its
 * last version's number, so that no number is ever given twice.
 */
enum cofre_status
op_secret_purge(struct request *q, const struct secret_purge_request *in)
{
	struct catalog_entry e;
	struct head_row head;
	enum cofre_status st;

	(void)in;
	if ((st = secret_find(q, &e)) != COFRE_OK)
		return st;
	if (e.state != SECRET_DELETED)
		return COFRE_CONFLICT;
	if ((st = vault_begin(&q->sv->vault, 32768, true)) != COFRE_OK ||
	    (st = secret_head(q, &e, &head)) != COFRE_OK ||
	    (st = drop_bodies(q, e.record, head.versions)) != COFRE_OK)
		return st;
	q->version = head.version;
	head = (struct head_row){ .name = head.name, .state = SECRET_PURGED,
		.kind = head.kind, .version = head.version,
		.updated = q->sv->now };
	return secret_save_head(q, e.record, &head);
}
