/* Operations on runs that are there: end, renew, list, show, attach. */
#include <stdio.h>
#include <string.h>

#include "ops.h"
#include "token.h"
#include "watch.h"

#define LIST_RUNS 128u /* of one reply */

/*
 * May the caller do that with each of the run's secrets?  Whoever has a right
 * to all of them has it to the run.  One without secrets is for targets, which
 * takes the right to all names, as its start does.
 */
static bool
may(struct request *q, enum action action, const struct run *r)
{
	if (r->rights.count == 0)
		return request_may(q, action, view_of(""));
	for (size_t i = 0; i < r->rights.count; i++)
		if (!request_may(q, action, view_of(r->secrets[i].name)))
			return false;
	return true;
}

/* Find the run of the request; *ret is set when it is OK. */
static enum cofre_status
find(struct request *q, struct view id, enum action action, struct run **ret)
{
	struct run *r = runs_find(&q->sv->vault.runs, id);
	char hex[RUN_HEX];

	if (id.len != RUN_ID_LEN)
		return COFRE_INVALID;
	if (r == NULL || r->rights.workspace != q->workspace->id)
		return COFRE_NOT_FOUND;
	if (!may(q, action, r))
		return COFRE_DENIED;
	(void)snprintf(q->detail, sizeof(q->detail), "run %s",
	    run_hex(r, hex));
	*ret = r;
	return COFRE_OK;
}

enum cofre_status
op_run_end(struct request *q, const struct run_end_request *in)
{
	struct vault *v = &q->sv->vault;
	enum cofre_status st;
	struct run *r;

	if ((st = find(q, in->run, ACTION_RUN_WRITE, &r)) != COFRE_OK ||
	    (st = vault_begin(v, 32768, true)) != COFRE_OK)
		return st;
	if (r->rights.over)
		return COFRE_OK; /* that is what was wanted */
	runs_touch(r);
	watch_end(q->sv, r, RUN_END_ASKED, false);
	/* The request's own record says it. */
	r->told = true;
	watch_describe(r, q->detail, sizeof(q->detail));
	return runs_save(v, r);
}

/* To renew a run that may use targets gives that for longer: it takes what it
   took to start one. */
static bool
may_renew(const struct request *q, const struct run *r)
{
	return !r->rights.targets ||
	    (request_may(q, ACTION_RUN_WRITE, view_of("")) &&
		request_may(q, ACTION_TARGET_USE, view_of("")));
}

enum cofre_status
op_run_renew(struct request *q, const struct run_renew_request *in)
{
	uint32_t lifetime = in->lifetime == 0 ? RUN_LIFETIME : in->lifetime;
	struct vault *v = &q->sv->vault;
	size_t used;
	enum cofre_status st;
	struct run *r;

	if (lifetime > RUN_LIFETIME_MAX)
		return COFRE_INVALID;
	if ((st = find(q, in->run, ACTION_RUN_WRITE, &r)) != COFRE_OK)
		return st;
	if (!may_renew(q, r))
		return COFRE_DENIED;
	if (r->rights.over)
		return COFRE_RUN_ENDED;
	if ((st = vault_begin(v, 32768, true)) != COFRE_OK)
		return st;
	runs_touch(r);
	r->real_deadline = q->sv->now + (uint64_t)lifetime * 1000000;
	r->boot_deadline = q->sv->boot_clock + (uint64_t)lifetime * 1000000;
	v->runs.changes++;
	used = strlen(q->detail);
	(void)snprintf(q->detail + used, sizeof(q->detail) - used,
	    " for %u seconds", lifetime);
	wire_put_u64(q->reply, r->real_deadline);
	return runs_save(v, r);
}

static struct run_item
item_of(const struct run *r)
{
	return (struct run_item){
		.run = { r->id, sizeof(r->id) },
		.state = r->rights.over ? RUN_OVER : RUN_ACTIVE,
		.target = r->target,
		.pid = r->pid,
		.uid = r->uid,
		.cgroup = view_of(r->cgroup),
		.token = r->has_token,
		.label = view_of(r->label),
		.snapshot = { r->snapshot, r->snapshot_len },
		.created = r->created,
		.expires = r->real_deadline,
		.by = r->by,
		.secrets = (uint32_t)r->rights.count,
		.reads = run_reads(r),
		.why = r->rights.over ? (uint8_t)r->ended : RUN_END_NONE,
		.ended = r->rights.over ? r->ended_at : 0,
	};
}

enum cofre_status
op_run_list(struct request *q, const struct run_list_request *in)
{
	const struct runs *rs = &q->sv->vault.runs;
	struct view after = in->after;
	const struct run *r;
	struct wire_list l;

	if (after.len != 0 && after.len != RUN_ID_LEN)
		return COFRE_INVALID;
	list_begin(&l, q->reply);
	while ((r = runs_next(rs, q->workspace->id, after)) != NULL &&
	    l.count < LIST_RUNS) {
		struct run_item item = item_of(r);

		after = (struct view){ r->id, sizeof(r->id) };
		if (!may(q, ACTION_RUN_READ, r))
			continue;
		run_item_put(q->reply, &item);
		list_item(&l);
	}
	list_end(&l);
	wire_put_bool(q->reply, r != NULL);
	return COFRE_OK;
}

enum cofre_status
op_run_show(struct request *q, const struct run_show_request *in)
{
	struct run_item item;
	enum cofre_status st;
	struct wire_list l;
	struct run *r;

	if ((st = find(q, in->run, ACTION_RUN_READ, &r)) != COFRE_OK)
		return st;
	/* The reply has the fields of the item, in the same order. */
	item = item_of(r);
	run_item_put(q->reply, &item);
	list_begin(&l, q->reply);
	for (size_t i = 0; i < r->rights.count; i++) {
		const struct run_secret *s = &r->secrets[i];
		const struct run_secret_item secret = { view_of(s->name),
			s->version, s->reads };

		run_secret_item_put(q->reply, &secret);
		list_item(&l);
	}
	list_end(&l);
	return COFRE_OK;
}

/* The run that goes on, whose token it is, and which this caller may join;
   or NULL.  Somebody who is a run stays that one. */
static struct run *
find_attached(struct request *q, struct view token)
{
	struct vault *v = &q->sv->vault;
	struct run *is = conn_run(q->conn), *r;
	uint8_t hash[CRYPTO_HASH_LEN];

	if (!token_hash(token, keyring_token(&v->keyring), hash))
		return NULL;
	r = runs_find_token(&v->runs, hash);
	if (r == NULL || (is != NULL && is != r) ||
	    (r->uid != NO_ID && r->uid != q->conn->peer.uid))
		return NULL;
	return r;
}

enum cofre_status
op_run_attach(struct request *q, const struct run_attach_request *in)
{
	struct run *r = find_attached(q, in->token);
	struct run_attach_reply out;
	struct workspace *ws;
	char hex[RUN_HEX];

	/* What was wrong with it is nobody's to know. */
	if (r == NULL || (ws = vault_workspace_by_id(&q->sv->vault,
			      r->rights.workspace)) == NULL)
		return COFRE_DENIED;
	q->workspace = ws;
	q->principal = (struct principal){ PRINCIPAL_RUN, r->rights.id };
	(void)snprintf(q->detail, sizeof(q->detail), "run %s",
	    run_hex(r, hex));
	q->conn->attached = true;
	memcpy(q->conn->attached_run, r->id, sizeof(r->id));
	q->conn->run = r;
	out = (struct run_attach_reply){ { r->id, sizeof(r->id) },
		view_of(ws->name), r->real_deadline };
	run_attach_reply_put(q->reply, &out);
	return COFRE_OK;
}
