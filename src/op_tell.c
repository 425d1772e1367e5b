/* Telling of versions: secret.watch, secret.stale. */
#include "names.h"
#include "secret_follow.h"
#include "secret_rows.h"
#include "tell.h"

#define REPORTS 64u /* that a uid may make at once, */
#define REPORT_US ((uint64_t)1000000) /* and one more after each of these */

/* May the caller read each of the secrets that are named? */
static enum cofre_status
check_items(struct request *q, struct list items)
{
	struct wire_reader r = list_reader(items);
	struct watch_item item;

	if (items.count == 0)
		return COFRE_INVALID;
	for (uint32_t i = 0; i < items.count; i++) {
		watch_item_get(&r, &item);
		if (r.bad || !name_is_secret(item.name))
			return COFRE_INVALID;
		if (!request_may(q, ACTION_SECRET_READ, item.name)) {
			q->name = item.name;
			return COFRE_DENIED;
		}
	}
	return wire_reader_done(&r) ? COFRE_OK : COFRE_INVALID;
}

enum cofre_status
op_secret_watch(struct request *q, const struct secret_watch_request *in)
{
	const struct vault *v = &q->sv->vault;
	struct secret_watch_reply out = { .version = 0 };
	struct watch_item item;
	enum cofre_status st;

	if ((st = check_items(q, in->items)) != COFRE_OK)
		return st;
	if (tell_find(v, q->workspace, in->items, &item)) {
		q->name = item.name;
		q->record = tell_current(v, q->workspace, item.name).record;
		q->version = item.version;
		out = (struct secret_watch_reply){ item.name, item.version,
			item.followed };
	} else if (in->wait && !q->conn->tell.now) {
		q->waits = tell_wait(q->conn, q->id, q->body, q->workspace);
		return q->waits ? COFRE_OK : COFRE_LIMIT;
	}
	secret_watch_reply_put(q->reply, &out);
	return COFRE_OK;
}

/* Keep with the secret that its current version is refused upstream. */
static enum cofre_status
mark(struct request *q, const struct catalog_entry *e)
{
	struct head_row head;
	enum cofre_status st = secret_head(q, e, &head);

	if (st != COFRE_OK || head.stale == e->version ||
	    (st = vault_begin(&q->sv->vault, 32768, true)) != COFRE_OK)
		return st;
	head.stale = e->version;
	return secret_save_head(q, e->record, &head);
}

/* The key of a datastore that follows is that of the credential. */
static enum cofre_status
mark_followed(struct request *q, struct view follows)
{
	const struct view name = q->name;
	const uint64_t record = q->record;
	struct catalog_entry e;
	struct follow f;
	enum cofre_status st = follow_find(q, follows, &f);

	if (st != COFRE_OK)
		return st;
	q->name = view_of(f.name);
	st = secret_find(q, &e);
	if (st == COFRE_OK)
		st = mark(q, &e);
	q->name = name;
	q->record = record;
	return st;
}

enum cofre_status
op_secret_stale(struct request *q, const struct secret_stale_request *in)
{
	struct catalog_entry e;
	struct head_row head;
	enum cofre_status st;

	if (!budget_take(&q->sv->reports, q->conn->peer.uid, 0, q->sv->clock,
		REPORT_US, REPORTS * REPORT_US))
		return COFRE_BUSY;
	if ((st = secret_find(q, &e)) != COFRE_OK)
		return st;
	if (e.state == SECRET_DELETED)
		return COFRE_DELETED;
	q->version = in->version == 0 ? e.version : in->version;
	/* Of an older one there is nothing to be told: get the newer one. */
	if (q->version != e.version)
		return q->version < e.version ? COFRE_CONFLICT :
						COFRE_NOT_FOUND;
	if ((st = secret_head(q, &e, &head)) != COFRE_OK)
		return st;
	return head.follows.len > 0 ? mark_followed(q, head.follows) :
				      mark(q, &e);
}
