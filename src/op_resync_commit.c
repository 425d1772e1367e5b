/* The end of a resync: all of it becomes true at once. */
#include "op_resync.h"

#include <stdio.h>
#include <string.h>

#include "identity.h"
#include "secret_fields.h"
#include "secret_rows.h"

/* Where lists are made: behind what the reply begins with. */
#define SCRATCH 64u

struct commit {
	struct request *q;
	uint64_t until; /* when the old versions end */
	uint32_t updated, noted;
};

/* The versions that stay: the old ones, of which the current one gets an
   end, and the new one. */
static enum cofre_status
put_versions(const struct commit *c, struct wire_writer *w, struct list old,
    const struct staged *s)
{
	const struct version_row end = { .version = s->version,
		.until = c->until, .held = s->held };
	const struct version_row fresh = { .version = s->version + 1,
		.created = c->q->sv->now, .expires = s->expires,
		.uid = c->q->conn->peer.uid, .slot = s->slot };

	return secret_put_versions(c->q, w, s->record, old, &end, &fresh);
}

/* Write the body that was sealed before, and put what the head shows of its
   fields. */
static enum cofre_status
write_body(struct commit *c, const struct staged *s, struct wire_writer *w)
{
	struct request *q = c->q;
	struct vault *v = &q->sv->vault;
	const struct row_id id = { .table = TABLE_BODY,
		.workspace = q->workspace->id, .record = s->record,
		.version = s->version + 1, .kind = s->kind,
		.name = view_of(s->name) };
	struct body_row body;
	struct view plain;
	enum cofre_status st;

	st = vault_unseal(v, q->workspace, &id, s->sealed, &plain);
	if (st != COFRE_OK)
		return st;
	if (!body_row_decode(plain, &body))
		return COFRE_CORRUPT;
	fields_put_public(w, body.fields);
	return vault_write_clear(v, &id, s->sealed);
}

/* What the item says of the head besides a new version. */
static void
note(const struct server *sv, const struct staged *s, struct head_row *head)
{
	head->checked = sv->now;
	head->problem = view_of(s->problem);
	if (s->outcome == RESYNC_RETIRED) {
		head->retire = 0;
		head->retire_version = 0;
	}
	if (s->outcome != RESYNC_VALUE)
		return;
	head->serial = s->serial;
	if (s->slot != 0 || s->changed)
		head->slot = s->slot;
	if (s->retire != 0) {
		head->retire = s->retire;
		head->retire_version = s->version;
	}
}

/* Is its source the one that has answered?  What that says may be no more to
   be believed: that can be why it was taken away. */
static bool
is_from_source(const struct request *q, const struct head_row *head,
    const struct staged *s)
{
	uint8_t source[DIGEST_LEN];

	secret_source_digest(q, s->record, head, source);
	return memcmp(source, s->source, DIGEST_LEN) == 0;
}

static enum cofre_status
apply(struct commit *c, const struct catalog_entry *e, struct staged *s)
{
	struct request *q = c->q;
	uint8_t *scratch = q->sv->reply + SCRATCH;
	struct wire_writer w;
	struct head_row head;
	enum cofre_status st;
	size_t at;

	if ((st = secret_head(q, e, &head)) != COFRE_OK)
		return st;
	wire_writer_init(&w, scratch, FRAME_MAX - SCRATCH);
	/* The head's views are gone once another row is read. */
	if (s->changed && ((st = write_body(c, s, &w)) != COFRE_OK ||
	    (st = secret_head(q, e, &head)) != COFRE_OK))
		return st;
	at = w.len;
	note(q->sv, s, &head);
	if (s->changed) {
		if ((st = put_versions(c, &w, head.versions, s)) != COFRE_OK)
			return st;
		head.fields = list_made(&w, 0, COFRE_FIELDS_MAX);
		head.versions = list_made(&w, at, VERSIONS_MAX);
		head.version = s->version + 1;
		head.updated = q->sv->now;
		head.expires = s->expires;
		head.stale = 0;
	}
	if (w.len + SCRATCH > q->sv->reply_used)
		q->sv->reply_used = w.len + SCRATCH;
	return w.bad ? COFRE_TOO_LARGE : secret_save_head(q, e->record, &head);
}

/* Has somebody changed the secret since the item was staged, or taken its
   source away?  Then it is skipped. */
static enum cofre_status
look(const struct commit *c, struct staged *s)
{
	struct request *q = c->q;
	struct catalog_entry e;
	struct head_row head;
	enum cofre_status st;

	q->name = view_of(s->name);
	s->skipped = !secret_entry(q, &e) || e.state != SECRET_LIVE ||
	    e.record != s->record || e.version != s->version;
	if (s->skipped)
		return COFRE_OK;
	if ((st = secret_head(q, &e, &head)) == COFRE_OK)
		s->skipped = !is_from_source(q, &head, s);
	return st;
}

/* One item that was looked at. */
static enum cofre_status
commit_one(struct commit *c, struct staged *s)
{
	struct request *q = c->q;
	struct catalog_entry e;
	enum cofre_status st;

	q->name = view_of(s->name);
	if (s->skipped || !secret_entry(q, &e))
		return COFRE_OK;
	s->held = runs_holders(&q->sv->vault.runs, s->record, s->version) > 0;
	if ((st = apply(c, &e, s)) != COFRE_OK)
		return st;
	if (!s->changed) {
		c->noted++;
		return COFRE_OK;
	}
	c->updated++;
	return endings_add(&q->sv->vault.endings, q->workspace->id, s->record,
	    &(struct version_row){ .version = s->version, .until = c->until,
		.held = s->held });
}

static enum cofre_status
commit_all(struct commit *c, struct resync *r)
{
	struct vault *v = &c->q->sv->vault;
	const struct view none = { NULL, 0 };
	enum cofre_status st;

	if (r->count == 0)
		return COFRE_OK;
	if ((st = vault_begin(v, resync_need(r), false)) != COFRE_OK)
		return st;
	if (!catalog_reserve(v->catalog, r->count + 2))
		return COFRE_LIMIT;
	for (size_t i = 0; i < r->count && st == COFRE_OK; i++)
		st = commit_one(c, &r->items[i]);
	/* The record is about the workspace. */
	c->q->name = none;
	c->q->record = 0;
	return st;
}

static void
put_skipped(struct wire_writer *w, const struct resync *r)
{
	struct wire_list l;

	list_begin(&l, w);
	for (size_t i = 0; i < r->count; i++) {
		const struct name_item m = { view_of(r->items[i].name) };

		if (!r->items[i].skipped)
			continue;
		name_item_put(w, &m);
		list_item(&l);
	}
	list_end(&l);
}

/* What stands in the reply behind what is said of the identity. */
static void
put_result(struct wire_writer *w, const struct commit *c,
    const struct resync *r)
{
	const struct vault *v = &c->q->sv->vault;

	put_skipped(w, r);
	wire_put_u32(w, c->updated);
	wire_put_u32(w, c->noted);
	wire_put_u64(w, v->epoch + (store_writing(v->store) ? 1 : 0));
}

/*
 * Would the reply fit?  What fails when it has written takes the whole turn
 * with it, other people's requests as well: so the reply is made once before,
 * for which all items are looked at.
 */
static enum cofre_status
check_reply(struct commit *c, struct resync *r)
{
	const struct view none = { NULL, 0 };
	struct request *q = c->q;
	struct wire_writer *w = q->reply;
	size_t at = w->len;
	enum cofre_status st = COFRE_OK;
	uint32_t missing;
	bool fits;

	for (size_t i = 0; i < r->count && st == COFRE_OK; i++)
		st = look(c, &r->items[i]);
	/* The record is about the workspace. */
	q->name = none;
	q->record = 0;
	if (st != COFRE_OK ||
	    (st = identity_restore(q, true, &missing)) != COFRE_OK)
		return st;
	put_result(w, c, r);
	fits = !w->bad;
	if (w->len > q->sv->reply_used)
		q->sv->reply_used = w->len;
	w->len = at;
	w->bad = false;
	return fits ? COFRE_OK : COFRE_TOO_LARGE;
}

enum cofre_status
op_resync_commit(struct request *q, const struct resync_commit_request *in)
{
	struct resync *r;
	struct commit c = { .q = q,
		.until = q->sv->now + (uint64_t)in->grace * 1000000 };
	enum cofre_status st;
	uint32_t restored = 0;

	if ((st = resync_session(q, &r)) != COFRE_OK)
		return st;
	if (r->dry_run)
		return COFRE_CONFLICT;
	if (in->grace > RESYNC_GRACE_MAX)
		return COFRE_INVALID;
	/* What fails when it has written takes the whole turn with it. */
	if (in->repair && !identity_has_room(&q->workspace->policy))
		return COFRE_LIMIT;
	if ((st = check_reply(&c, r)) != COFRE_OK ||
	    (st = commit_all(&c, r)) != COFRE_OK ||
	    (st = identity_restore(q, !in->repair, &restored)) != COFRE_OK)
		return st;
	put_result(q->reply, &c, r);
	q->version = q->workspace->policy.version;
	(void)snprintf(q->detail, sizeof(q->detail),
	    "%u secrets updated, %u noted, %u grants %s", c.updated, c.noted,
	    restored, in->repair ? "put back" : "are missing");
	resync_free(r);
	q->conn->resync = NULL;
	return COFRE_OK;
}
