/* run.scan: does a text hold a secret of the workspace? */
#include <stdio.h>
#include <string.h>

#include "guess.h"
#include "quota.h"
#include "scan.h"
#include "secret_follow.h"

/* What is done for one reply, give or take one secret: some milliseconds. */
#define SCAN_ROWS 256u		/* heads looked at */
#define SCAN_MIN 16u		/* so many also when others wait, */
#define SCAN_MIN_WORK (256u << 10) /* unless so many bytes are searched */
#define SCAN_OPENED (1u << 20)	/* bytes of rows opened */
#define SCAN_WORK (8u << 20)	/* bytes searched */
/* What is above that is all that a uid gets of a turn. */
#define SCAN_LITTLE (256u << 10)

/* What was found, and how much is done. */
struct scan {
	struct list texts;
	struct scan_laid laid;
	size_t work;	  /* bytes searched */
	size_t opened;	  /* bytes of rows */
	bool may_read;	  /* the secret at hand */
	bool counted;	  /* as guesses, once for a reply */
	uint32_t found; /* one more than the index of the text; or 0 */
	char name[COFRE_SECRET_NAME_MAX + 1]; /* of the secret that is there */
};

/*
 * Who may use a secret and not read it finds out by each text whether that
 * is its value.  So what he may compare is limited, and values are left out
 * that are short enough to be found by trying.
 */
static bool
may_guess(struct request *q, struct scan *s)
{
	/* With what a match costs: otherwise a refusal would tell of one. */
	s->counted = s->counted ||
	    guess_take(q, s->texts.items.len + GUESS_HIT);
	return s->counted;
}

/* Look for each secret value of the body. */
static enum cofre_status
scan_fields(struct scan *s, struct list fields)
{
	struct wire_reader r = list_reader(fields);
	struct field_item field;

	for (uint32_t i = 0; i < fields.count && s->found == 0; i++) {
		field_item_get(&r, &field);
		if (r.bad)
			return COFRE_CORRUPT;
		if ((field.flags & FIELD_SECRET) == 0 ||
		    (!s->may_read && field.value.len < SCAN_ANYWHERE))
			continue;
		/* Three beginnings are looked for in the sextets. */
		s->work += s->laid.forms.len + 3 * s->laid.sextets.len;
		s->found = scan_find(s->texts, &s->laid, field.value);
	}
	return COFRE_OK;
}

/* May the caller give a run the secret? */
static bool
may_give(const struct request *q, struct view name)
{
	return request_may(q, ACTION_RUN_WRITE, name) &&
	    (request_may(q, ACTION_SECRET_READ, name) ||
		request_may(q, ACTION_SECRET_USE, name));
}

/*
 * Look for the key that a datastore follows; unless the caller may give it to
 * a run by itself, since then it is looked for anyway.
 */
static enum cofre_status
scan_followed(struct request *q, struct scan *s, struct view follows)
{
	struct body_row body;
	struct follow f;
	enum cofre_status st;

	if (s->found != 0 || follows.len == 0 || may_give(q, follows))
		return COFRE_OK;
	if ((st = follow_find(q, follows, &f)) != COFRE_OK ||
	    (st = follow_read(q, &f, &body)) != COFRE_OK) {
		q->detail[0] = '\0';
		return st == COFRE_FOLLOWED_GONE ? COFRE_OK : st;
	}
	s->opened += body.fields.items.len;
	return scan_fields(s, body.fields);
}

/*
 * Look for the newest version of a secret that is live, and which the caller
 * may give to a run: of no other one does he learn whether a text is its
 * value.
 */
static enum cofre_status
scan_secret(struct request *q, struct scan *s, uint64_t record,
    struct view sealed)
{
	struct vault *v = &q->sv->vault;
	struct row_id id = { .table = TABLE_HEAD,
		.workspace = q->workspace->id, .record = record };
	struct head_row head;
	struct body_row body;
	struct view plain;
	enum cofre_status st;

	if ((st = vault_unseal(v, q->workspace, &id, sealed, &plain)) !=
	    COFRE_OK)
		return st;
	if (!head_row_decode(plain, &head))
		return COFRE_CORRUPT;
	s->opened += sealed.len;
	s->may_read = request_may(q, ACTION_SECRET_READ, head.name);
	if (head.state != SECRET_LIVE ||
	    !may_give(q, head.name))
		return COFRE_OK;
	if (!s->may_read && !may_guess(q, s))
		return COFRE_BUSY;
	memcpy(s->name, head.name.data, head.name.len);
	s->name[head.name.len] = '\0';
	id = (struct row_id){ .table = TABLE_BODY,
		.workspace = q->workspace->id, .record = record,
		.version = head.version, .kind = head.kind,
		.name = view_of(s->name) };
	st = vault_read(v, q->workspace, &id, &plain);
	if (st != COFRE_OK)
		return st == COFRE_NOT_FOUND ? COFRE_CORRUPT : st;
	s->opened += plain.len;
	if (!body_row_decode(plain, &body))
		return COFRE_CORRUPT;
	st = scan_fields(s, body.fields);
	return st == COFRE_OK ? scan_followed(q, s, body.follows) : st;
}

/* One secret after the other; *after is the last one, or 0 at the end. */
static enum cofre_status
scan_rows(struct request *q, struct scan *s, uint64_t *after)
{
	struct row_key prefix = row_prefix(TABLE_HEAD, q->workspace->id), from;
	struct row_id id = { .table = TABLE_HEAD,
		.workspace = q->workspace->id, .record = *after };
	struct view key, sealed;
	enum cofre_status st;

	for (unsigned i = 0; i < SCAN_ROWS && s->work < SCAN_WORK &&
	     s->opened < SCAN_OPENED && s->found == 0 &&
	     ((i < SCAN_MIN && s->work < SCAN_MIN_WORK) ||
		 !quota_is_over(q->conn));
	     i++) {
		id.record++;
		from = row_key(&id);
		st = store_next(q->sv->vault.store,
		    (struct view){ prefix.bytes, prefix.len },
		    (struct view){ from.bytes, from.len }, &key, &sealed);
		if (st == COFRE_NOT_FOUND) {
			*after = 0;
			return COFRE_OK;
		}
		if (st != COFRE_OK)
			return st;
		if (!row_key_parse(key, &id))
			return COFRE_CORRUPT;
		if ((st = scan_secret(q, s, id.record, sealed)) != COFRE_OK)
			return st;
	}
	*after = s->found == 0 ? id.record : 0;
	return COFRE_OK;
}

enum cofre_status
op_run_scan(struct request *q, const struct run_scan_request *in)
{
	uint8_t *room = q->sv->scan.base;
	struct scan s = { .texts = in->texts };
	struct run_scan_reply out;
	uint64_t after = in->after;
	size_t used;
	enum cofre_status st;

	if (in->texts.items.len >
	    SCAN_BYTES_MAX + (size_t)in->texts.count * 4)
		return COFRE_TOO_LARGE;
	if (!scan_lay_out(in->texts, room, SCAN_MAX, &s.laid)) {
		secmem_wipe(room, SCAN_MAX);
		return COFRE_INVALID;
	}
	used = s.laid.forms.len + s.laid.sextets.len;
	st = scan_rows(q, &s, &after);
	secmem_wipe(room, used);
	if (s.counted && (s.found == 0 || s.may_read))
		guess_give(q, GUESS_HIT);
	if (s.work + s.opened + used > SCAN_LITTLE)
		quota_spent(q->conn);
	if (st != COFRE_OK)
		return st;
	/* Whoever tries out values is seen to. */
	if (s.found > 0)
		(void)snprintf(q->detail, sizeof(q->detail),
		    "text %u of %u holds %s", s.found, in->texts.count,
		    s.name);
	out = (struct run_scan_reply){ after, s.found,
		view_of(s.found > 0 ? s.name : "") };
	run_scan_reply_put(q->reply, &out);
	return COFRE_OK;
}
