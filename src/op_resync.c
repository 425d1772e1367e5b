/* A resync of a workspace: begin, and which secrets have a source. */
#include "op_resync.h"

#include "secret_rows.h"

#define IDLE 300000000u /* microseconds; then it counts as given up */
#define RESYNCS_UID 4u	/* of one user, of RESYNCS_MAX */

/*
 * May another one begin?  One that nothing was heard of for long is let go:
 * its connection may stay open for ever.
 */
static enum cofre_status
make_place(struct request *q)
{
	unsigned all = 0, mine = 0;

	for (struct conn *c = q->sv->conns; c != NULL; c = c->next) {
		struct resync *r = c->resync;

		if (r == NULL || r->dry_run || c == q->conn)
			continue;
		if (r->touched + IDLE <= q->sv->clock) {
			resync_free(r);
			c->resync = NULL;
			continue;
		}
		if (r->workspace == q->workspace->id)
			return COFRE_UNDER_WAY;
		all++;
		mine += r->uid == q->conn->peer.uid;
	}
	return all >= RESYNCS_MAX || mine >= RESYNCS_UID ? COFRE_BUSY :
							   COFRE_OK;
}

enum cofre_status
resync_session(struct request *q, struct resync **ret)
{
	struct resync *r = q->conn->resync;

	if (!identity_may_repair(q))
		return COFRE_DENIED;
	if (r == NULL || r->workspace != q->workspace->id)
		return COFRE_CONFLICT;
	r->touched = q->sv->clock;
	*ret = r;
	return COFRE_OK;
}

enum cofre_status
op_resync_begin(struct request *q, const struct resync_begin_request *in)
{
	struct resync *r;
	enum cofre_status st;

	/* What it may be is not for the identity itself to say. */
	if (!identity_may_repair(q))
		return COFRE_DENIED;
	if (!in->dry_run && (st = make_place(q)) != COFRE_OK)
		return st;
	r = resync_new(q->workspace->id, q->conn->peer.uid, in->dry_run);
	if (r == NULL)
		return COFRE_LIMIT;
	r->touched = q->sv->clock;
	resync_free(q->conn->resync);
	q->conn->resync = r;
	return COFRE_OK;
}

/* Until when the version is there that stands in the way of the old key's
   being made anew upstream, and for whom. */
static void
tell_retire(const struct request *q, const struct row_id *id,
    const struct head_row *head, struct resync_item *m)
{
	struct version_row row;

	if (head->retire == 0)
		return;
	m->due = !secret_find_version(head->versions, head->retire_version,
		     &row) ||
	    secret_version_ended(q->sv, id->record, &row);
	if (m->due)
		return;
	m->until = row.until;
	m->holders = runs_holders(&q->sv->vault.runs, id->record,
	    row.version);
}

static enum cofre_status
list_one(struct request *q, const struct row_id *id, struct view sealed,
    struct wire_list *l)
{
	struct head_row head;
	struct resync_item m;
	struct view plain;
	uint8_t origin[DIGEST_LEN];
	enum cofre_status st;

	st = vault_unseal(&q->sv->vault, q->workspace, id, sealed, &plain);
	if (st != COFRE_OK)
		return st;
	if (!head_row_decode(plain, &head))
		return COFRE_CORRUPT;
	if (head.state != SECRET_LIVE || head.source.len == 0)
		return COFRE_OK;
	secret_source_digest(q, id->record, &head, origin);
	m = (struct resync_item){ .name = head.name, .kind = head.kind,
		.type = head.type, .version = head.version,
		.source = head.source, .arguments = head.arguments,
		.origin = { origin, DIGEST_LEN }, .slot = head.slot, .serial = head.serial,
		.stale = head.stale, .checked = head.checked,
		.problem = head.problem, .retire = head.retire,
		.retire_version = head.retire_version };
	tell_retire(q, id, &head, &m);
	resync_item_put(q->reply, &m);
	list_item(l);
	return COFRE_OK;
}

/* Those that are to be asked for new values. */
enum cofre_status
op_resync_list(struct request *q, const struct resync_list_request *in)
{
	if (!identity_may_repair(q))
		return COFRE_DENIED;
	return secret_put_heads(q, in->after, list_one);
}
