/* What a source has answered for one secret, kept until the commit. */
#include "op_resync.h"

#include <stdio.h>
#include <string.h>

#include "guess.h"
#include "secret_fields.h"
#include "secret_follow.h"

/* What the current version would be with the answer, and how the two differ. */
struct merged {
	struct list fields;
	bool changed;
	uint8_t before[DIGEST_LEN], after[DIGEST_LEN];
	bool dry_run;
};

static enum cofre_status
check(const struct resync_stage_request *in, const struct request *q)
{
	bool value = in->outcome == RESYNC_VALUE;

	if ((!value && in->outcome != RESYNC_FAILED &&
		in->outcome != RESYNC_RETIRED) ||
	    in->slot > 2 || in->retire > 2 ||
	    (in->retire != 0 && in->retire == in->slot) ||
	    (value ? in->fields.count == 0 || in->problem.len != 0 :
		     in->fields.count != 0 || in->slot != 0 ||
			 in->retire != 0 || in->serial != 0 ||
			 in->expires != 0) ||
	    (in->outcome == RESYNC_FAILED) != (in->problem.len != 0) ||
	    (in->expires != 0 && in->expires <= q->sv->now))
		return COFRE_INVALID;
	return COFRE_OK;
}

/* Read the current version, and lay the new fields over it, behind the
   reply. */
static enum cofre_status
merge(struct request *q, const struct resync_stage_request *in,
    const struct staged *s, struct merged *m)
{
	struct vault *v = &q->sv->vault;
	const struct row_id id = { .table = TABLE_BODY,
		.workspace = q->workspace->id, .record = s->record,
		.version = s->version, .kind = s->kind, .name = q->name };
	struct wire_writer w;
	struct body_row body;
	struct view plain;
	enum cofre_status st = vault_read(v, q->workspace, &id, &plain);

	if (st != COFRE_OK)
		return st == COFRE_NOT_FOUND ? COFRE_CORRUPT : st;
	if (!body_row_decode(plain, &body))
		return COFRE_CORRUPT;
	wire_writer_init(&w, q->sv->reply + 256, FRAME_MAX - 256);
	if (!fields_merge(&w, body.fields, in->fields))
		return COFRE_CORRUPT;
	if (w.len + 256 > q->sv->reply_used)
		q->sv->reply_used = w.len + 256;
	if (w.bad)
		return COFRE_TOO_LARGE;
	m->fields = list_made(&w, 0, COFRE_FIELDS_MAX);
	if (m->fields.count == 0)
		return COFRE_TOO_LARGE;
	m->changed = !fields_same(m->fields.items, body.fields.items) ||
	    (in->expires != 0 && in->expires != body.expires);
	secret_digest(q, s->record, body.fields, m->before);
	secret_digest(q, s->record, m->fields, m->after);
	return fields_check(s->kind, m->fields);
}

/* Seal the next version where it will be. */
static enum cofre_status
seal(struct request *q, const struct head_row *head, struct list fields,
    struct staged *s)
{
	struct vault *v = &q->sv->vault;
	const struct row_id id = { .table = TABLE_BODY,
		.workspace = q->workspace->id, .record = s->record,
		.version = s->version + 1, .kind = s->kind, .name = q->name };
	const struct body_row body = { .type = head->type,
		.created = q->sv->now, .expires = s->expires,
		.uid = q->conn->peer.uid, .follows = head->follows,
		.fields = fields };
	struct wire_writer w;

	wire_writer_init(&w, v->build, ROW_MAX);
	body_row_put(&w, &body);
	if (w.len > v->build_used)
		v->build_used = w.len;
	if (w.bad)
		return COFRE_TOO_LARGE;
	s->sealed = vault_seal(v, q->workspace, &id,
	    (struct view){ w.data, w.len });
	return COFRE_OK;
}

/* For people who read the log: what became of what. */
static void
describe(struct request *q, const struct staged *s, const struct merged *m)
{
	char before[2 * DIGEST_LEN + 1], after[2 * DIGEST_LEN + 1];

	for (size_t i = 0; i < DIGEST_LEN; i++) {
		(void)snprintf(before + 2 * i, 3, "%02x", m->before[i]);
		(void)snprintf(after + 2 * i, 3, "%02x", m->after[i]);
	}
	if (s->changed)
		(void)snprintf(q->detail, sizeof(q->detail),
		    "%s %u -> %u, %s -> %s", m->dry_run ? "compared" :
							  "staged",
		    s->version, s->version + 1, before, after);
	else
		(void)snprintf(q->detail, sizeof(q->detail), "unchanged, %s",
		    before);
}

/* Is the head one that this can be said of? */
static enum cofre_status
check_head(const struct head_row *head, const struct staged *s,
    const struct resync_stage_request *in)
{
	/* Another source, or another argument, and it was not asked. */
	if (head->source.len == 0 ||
	    !view_equal(in->origin, (struct view){ s->source, DIGEST_LEN }))
		return COFRE_CONFLICT;
	/* An answer that was recorded earlier is no news. */
	if (in->serial < head->serial && in->outcome == RESYNC_VALUE &&
	    in->serial != 0)
		return COFRE_CONFLICT;
	if (in->retire != 0 && head->retire != 0)
		return COFRE_CONFLICT;
	if (in->outcome == RESYNC_RETIRED && head->retire == 0)
		return COFRE_CONFLICT;
	return COFRE_OK;
}

/* The value that the source has: merged, compared, and sealed if it is new. */
static enum cofre_status
take_value(struct request *q, const struct resync_stage_request *in,
    const struct head_row *head, struct staged *s, struct merged *m)
{
	/* The head's views are gone once another row is read. */
	struct head_row kept = *head;
	char follows[COFRE_SECRET_NAME_MAX];
	enum cofre_status st;

	if (head->follows.len > 0)
		memcpy(follows, head->follows.data, head->follows.len);
	kept.follows.data = (const uint8_t *)follows;
	if (kept.follows.len > 0 && follow_has_key(in->fields))
		return COFRE_INVALID;
	s->slot = in->slot;
	s->retire = in->retire;
	s->serial = in->serial;
	s->expires = in->expires;
	if ((st = fields_check(s->kind, in->fields)) != COFRE_OK)
		return st;
	/* From here on the answer depends on the value that there is. */
	if (!request_may(q, ACTION_SECRET_READ, q->name) &&
	    !guess_take(q, GUESS_STAGE))
		return COFRE_BUSY;
	if ((st = merge(q, in, s, m)) != COFRE_OK)
		return st;
	s->changed = m->changed;
	describe(q, s, m);
	return s->changed ? seal(q, &kept, m->fields, s) : COFRE_OK;
}

static void
reply(struct request *q, const struct staged *s, const struct merged *m)
{
	size_t len = s->outcome == RESYNC_VALUE ? DIGEST_LEN : 0;

	q->version = s->version + (s->changed ? 1 : 0);
	wire_put_u8(q->reply, len == 0 ? RESYNC_NOTED :
		s->changed	       ? RESYNC_UPDATED :
					 RESYNC_UNCHANGED);
	wire_put_u32(q->reply, q->version);
	wire_put_string(q->reply, (struct view){ m->before, len },
	    DIGEST_LEN);
	wire_put_string(q->reply, (struct view){ m->after, len },
	    DIGEST_LEN);
}

static void
copy_text(char *to, size_t size, struct view from)
{
	(void)snprintf(to, size, "%.*s", (int)from.len,
	    from.len == 0 ? "" : (const char *)from.data);
}

/* Find what it is about, and say so in *s. */
static enum cofre_status
find(struct request *q, const struct resync_stage_request *in,
    struct head_row *head, struct staged *s)
{
	struct catalog_entry e;
	enum cofre_status st = secret_find(q, &e);

	if (st != COFRE_OK)
		return st;
	if (e.state != SECRET_LIVE || e.version != in->version ||
	    e.version >= UINT32_MAX - 1)
		return COFRE_CONFLICT;
	*s = (struct staged){ .record = e.record, .version = e.version,
		.kind = e.kind, .outcome = in->outcome,
		.turn = q->sv->turns };
	copy_text(s->name, sizeof(s->name), q->name);
	copy_text(s->problem, sizeof(s->problem), in->problem);
	if ((st = secret_head(q, &e, head)) != COFRE_OK)
		return st;
	s->head = ROW_MAX / 8; /* more than all but a few need */
	secret_source_digest(q, s->record, head, s->source);
	return check_head(head, s, in);
}

enum cofre_status
op_resync_stage(struct request *q, const struct resync_stage_request *in)
{
	struct resync *r = NULL;
	enum cofre_status session = resync_session(q, &r);
	struct merged m = { .changed = false };
	struct staged s;
	struct head_row head;
	enum cofre_status st;
	bool news; /* worth a row even when the value is the same */

	if (session == COFRE_DENIED)
		return session;
	if ((st = check(in, q)) != COFRE_OK ||
	    (st = find(q, in, &head, &s)) != COFRE_OK)
		return st;
	if (session != COFRE_OK)
		return session;
	m.dry_run = r->dry_run;
	news = in->outcome != RESYNC_VALUE || head.problem.len != 0 ||
	    in->serial != head.serial ||
	    (in->slot != 0 && in->slot != head.slot);
	if (in->outcome == RESYNC_FAILED)
		copy_text(q->detail, sizeof(q->detail), in->problem);
	else if (in->outcome == RESYNC_RETIRED)
		(void)snprintf(q->detail, sizeof(q->detail),
		    "key %u was made anew upstream", head.retire);
	else if ((st = take_value(q, in, &head, &s, &m)) != COFRE_OK)
		return st;
	reply(q, &s, &m);
	return r->dry_run || (!s.changed && !news) ? COFRE_OK :
						     resync_add(r, &s);
}
