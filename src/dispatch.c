#include "dispatch.h"

#include <stdio.h>
#include <string.h>

#include "names.h"
#include "notes.h"
#include "ops.h"
#include "quota.h"
#include "turn.h"

/* Decode the request's message, and call its handler. */
#define OP(code, ID, id, name, scope, action, flags)                         \
	static enum cofre_status run_##id(struct request *q)                 \
	{                                                                    \
		struct id##_request in;                                      \
                                                                             \
		if (!id##_request_decode(q->body, &in))                      \
			return COFRE_BAD_FRAME;                              \
		return op_##id(q, &in);                                      \
	}
#include "ops.def"
#undef OP

static enum cofre_status
run(struct request *q)
{
	switch ((enum op_code)q->op->code) {
#define OP(code, ID, id, name, scope, action, flags)                         \
	case OP_##ID:                                                        \
		return run_##id(q);
#include "ops.def"
#undef OP
	}
	return COFRE_UNKNOWN_OPERATION;
}

/* Read what the scope of the operation names, at the front of the body. */
static enum cofre_status
read_object(struct request *q)
{
	enum scope scope = q->op->scope;
	struct wire_reader r;

	wire_reader_init(&r, q->body);
	if (scope == SCOPE_NONE || scope == SCOPE_VAULT)
		return COFRE_OK;
	if (scope == SCOPE_KEY)
		return op_agent_object(q, wire_get_string(&r, AGENT_BLOB_MAX));
	q->workspace_name = wire_get_string(&r, COFRE_WORKSPACE_NAME_MAX);
	if (scope == SCOPE_SECRET)
		q->name = wire_get_string(&r, COFRE_SECRET_NAME_MAX);
	if (r.bad)
		return COFRE_BAD_FRAME;
	if (scope == SCOPE_ANY && q->workspace_name.len == 0)
		return COFRE_OK;
	if (!name_is_workspace(q->workspace_name) ||
	    (scope == SCOPE_SECRET && !name_is_secret(q->name)))
		return COFRE_INVALID;
	return COFRE_OK;
}

/* Is the vault in a state in which the operation works? */
static enum cofre_status
check_state(const struct request *q)
{
	enum vault_state state = q->sv->vault.state;

	if (state == VAULT_EMPTY && (q->op->flags & OPF_EMPTY) == 0)
		return COFRE_UNINITIALIZED;
	if (state == VAULT_LOCKED && (q->op->flags & OPF_LOCKED) == 0)
		return COFRE_LOCKED;
	return COFRE_OK;
}

/* The workspace that is named; a deleted one is there for the operations
   alone that are about such. */
static struct workspace *
find_workspace(const struct request *q)
{
	struct vault *v = &q->sv->vault;

	if ((q->op->flags & OPF_DELETED) != 0)
		return vault_workspace_kept_name(v, q->workspace_name);
	return vault_workspace(v, q->workspace_name);
}

/*
 * May the caller do it?  Asked before the handler runs, of data in the
 * operation's row.  Whoever has no right learns nothing of what exists.
 */
static enum cofre_status
authorise(struct request *q)
{
	struct vault *v = &q->sv->vault;
	struct subject subject = conn_subject(q->conn);
	struct policy policy = vault_policy(v);
	struct question ask = {
		.action = q->op->action,
		.name = q->name,
		.partial = (q->op->flags & OPF_PARTIAL) != 0,
	};
	bool allowed;

	if (q->op->action == ACTION_NONE)
		return COFRE_OK;
	if (subject.run != NULL && subject.run->over)
		return COFRE_RUN_ENDED;
	if (v->state == VAULT_OPEN) {
		if (q->op->scope != SCOPE_VAULT)
			q->workspace = find_workspace(q);
		if (q->workspace != NULL && q->workspace->slot != 0)
			ask.scope = &q->workspace->policy;
	} else /* nothing can be known of it but who the operators are */
		policy.scope_count = 0;
	allowed = policy_check(&subject, &policy, &ask, &q->principal) ==
	    VERDICT_ALLOW;
	/* An operator may list all workspaces. */
	if (q->workspace == NULL && v->state == VAULT_OPEN &&
	    q->op->scope != SCOPE_VAULT &&
	    q->op->code != OP_WORKSPACE_CREATE &&
	    (allowed || (subject.run == NULL && policy_is_operator(&subject))))
		return COFRE_NOT_FOUND;
	return allowed ? COFRE_OK : COFRE_DENIED;
}

static bool
may(const struct request *q, const struct question *ask)
{
	struct subject subject = conn_subject(q->conn);
	struct policy policy = vault_policy(&q->sv->vault);
	struct principal as;

	return policy_check(&subject, &policy, ask, &as) == VERDICT_ALLOW;
}

bool
request_may(const struct request *q, enum action action, struct view name)
{
	const struct question ask = {
		.action = action,
		.scope = &q->workspace->policy,
		.name = name,
	};

	return may(q, &ask);
}

bool
request_may_some(const struct request *q, const struct workspace *ws,
    enum action action)
{
	const struct question ask = {
		.action = action,
		.scope = &ws->policy,
		.partial = true,
	};

	return may(q, &ask);
}

bool
request_sees(const struct request *q, const struct workspace *ws,
    enum action action)
{
	const struct question ask = {
		.action = action,
		.scope = ws->slot == 0 ? NULL : &ws->policy,
	};

	return may(q, &ask);
}

bool
request_knows(const struct request *q, const struct workspace *ws)
{
	struct subject subject = conn_subject(q->conn);
	struct policy policy = vault_policy(&q->sv->vault);

	return policy_knows(&subject, &policy, &ws->policy);
}

/* The way of a request that was decoded as a frame. */
static enum cofre_status
serve(struct request *q)
{
	uint64_t writes = vault_writes(&q->sv->vault);
	enum cofre_status st;

	if ((st = read_object(q)) == COFRE_OK &&
	    (st = check_state(q)) == COFRE_OK &&
	    (st = authorise(q)) == COFRE_OK)
		st = run(q);
	/* Who is told of an error must find everything as it was. */
	if (st == COFRE_OK && q->reply->bad)
		st = COFRE_TOO_LARGE;
	/* Half an operation is never kept, whatever it failed of. */
	if (st != COFRE_OK && vault_writes(&q->sv->vault) != writes)
		vault_poison(&q->sv->vault, st);
	return st;
}

/* What the record says of the object, when its id does not say it. */
static void
describe(struct request *q, struct log_record *r)
{
	char object[OBJECT_MAX + 1];

	r->workspace = q->workspace == NULL ? 0 : q->workspace->id;
	r->record = q->record;
	r->version = q->version;
	r->principal = q->principal.kind;
	r->principal_id = q->principal.id;
	if (q->detail[0] != '\0')
		r->detail = turn_text(q->sv, view_of(q->detail));
	if (q->workspace_name.len == 0 ||
	    (q->workspace != NULL && (q->name.len == 0 || q->record != 0)))
		return;
	(void)snprintf(object, sizeof(object), "%.*s%s%.*s",
	    (int)q->workspace_name.len, (const char *)q->workspace_name.data,
	    q->name.len > 0 ? "/" : "", (int)q->name.len,
	    (const char *)q->name.data);
	r->object = turn_text(q->sv, view_of(object));
}

/* Stage the reply: what the handler wrote, or the status alone. */
static void
answer(struct request *q, enum cofre_status st)
{
	struct wire_writer *w = q->reply;

	if (w->len > q->sv->reply_used)
		q->sv->reply_used = w->len;
	if (st == COFRE_OK) {
		if (q->conn->agent == NULL)
			frame_end(w, 0);
		/* Should the vault's commit fail, it is to be sent again. */
		if ((q->op->flags & OPF_SSH) != 0 && w->len <= APART_MAX)
			q->sv->turn.entries[q->sv->turn.count - 1].apart =
			    turn_text(q->sv,
				(struct view){ w->data, w->len });
		turn_stage(q->sv, q->conn, (struct view){ w->data, w->len });
	} else
		turn_stage_status(q->sv, q->conn, q->op->code, q->id, st);
}

/* Operations that say how things are, also when nothing can be recorded. */
static bool
needs_no_record(uint16_t op)
{
	return op == OP_HELLO || op == OP_STATUS || op == OP_REPORT;
}

static void
record(struct request *q, enum cofre_status st, bool room, bool first)
{
	struct turn_entry *e =
	    turn_add(q->sv, q->conn, room && !notes_counts(q, st));

	q->conn->vain = q->principal.kind == PRINCIPAL_NONE;
	e->reply = true;
	e->wrote = (q->op->flags & OPF_WRITE) != 0;
	/* The record of the connection is that of its first hello as well. */
	e->record.type = first && q->op->code == OP_HELLO && st == COFRE_OK ?
	    LOG_CONNECTION :
	    LOG_REQUEST;
	e->record.op = q->op->code;
	e->record.status = (uint16_t)st;
	e->record.request = q->id;
	describe(q, &e->record);
	if ((q->op->flags & OPF_ADMIN) != 0 && (e->recorded || st == COFRE_OK))
		turn_keep(q->sv, e, q->principal.kind != PRINCIPAL_NONE);
}

/* Leave the answer of an unlock to dispatch_unlocked(). */
static void
defer(struct request *q)
{
	struct waiting *wait = &q->sv->waiting;

	wait->active = true;
	wait->conn = q->conn;
	wait->record = (struct log_record){
		.type = LOG_REQUEST,
		.op = q->op->code,
		.request = q->id,
		.uid = q->conn->peer.uid,
		.principal = q->principal.kind,
		.principal_id = q->principal.id,
	};
	q->conn->paused = true;
}

static void
serve_known(struct server *sv, struct conn *c, const struct op *op,
    const struct frame *f)
{
	struct wire_writer w;
	struct request q = { .sv = sv, .conn = c, .op = op, .id = f->id,
		.body = f->body, .reply = &w };
	enum cofre_status st = COFRE_LOG_FAILED;
	bool room, first = !c->greeted;

	if ((op->flags & OPF_SHARED) == 0 && conn_hash(c))
		return;
	room = turn_reserve(sv);
	q.recorded = room;
	wire_writer_init(&w, sv->reply, FRAME_MAX);
	if (c->agent == NULL) {
		(void)frame_begin(&w, FRAME_REPLY, op->code, f->id);
		wire_put_u32(&w, COFRE_OK);
	} /* else the handler writes the whole answer */
	if (room || needs_no_record(op->code))
		st = serve(&q);
	if (c->look.state == LOOK_OPEN || q.waits)
		return;
	conn_look_end(c);
	if (q.deferred) {
		defer(&q);
		return;
	}
	if (op->code == OP_HELLO && st == COFRE_OK)
		c->greeted = true;
	record(&q, st, room, first);
	if (c->foreign)
		sv->turn.entries[sv->turn.count - 1].record.flags |=
		    LOG_OTHER_SENDER;
	answer(&q, st);
}

/* The operation, if it is one of the socket that the connection has. */
static const struct op *
find_op(const struct conn *c, uint16_t code)
{
	const struct op *op = op_find(code);
	bool of_agent = op != NULL && (op->flags & OPF_AGENT) != 0;

	return of_agent == (c->agent != NULL) ? op : NULL;
}

void
dispatch(struct server *sv, struct conn *c, const struct frame *f)
{
	const struct op *op = find_op(c, f->op);

	quota_served(c);
	c->vain = true;
	if (f->kind != FRAME_REQUEST)
		dispatch_reject(sv, c, COFRE_BAD_FRAME, "not a request");
	else if (!c->greeted && f->op != OP_HELLO)
		dispatch_reject(sv, c, COFRE_BAD_FRAME, "no hello");
	else if (f->version != PROTO_VERSION)
		dispatch_reject(sv, c, COFRE_BAD_VERSION, "frame version");
	else if (c->foreign &&
	    (op == NULL || (op->flags & OPF_SHARED) == 0))
		dispatch_foreign(sv, c, f);
	else if (op == NULL)
		dispatch_unknown(sv, c, f);
	else
		serve_known(sv, c, op, f);
}

void
dispatch_system(struct server *sv, const char *what)
{
	struct turn_entry *e;

	if (!turn_has_room(sv) || !turn_reserve(sv))
		return;
	e = turn_add(sv, NULL, true);
	e->record.type = LOG_SYSTEM;
	e->record.detail = turn_text(sv, view_of(what));
	sv->turn.flush = true;
}

void
dispatch_unlocked(struct server *sv)
{
	struct waiting *wait = &sv->waiting;
	enum cofre_status st = op_unlock_finish(sv);
	bool room = turn_reserve(sv);
	struct turn_entry *e;

	if (!room && st == COFRE_OK) {
		st = COFRE_LOG_FAILED;
		sv->lock_pending = true; /* nobody would know of it */
	}
	e = turn_add(sv, wait->conn, room);
	e->record = wait->record;
	e->record.status = (uint16_t)st;
	e->reply = true;
	sv->turn.flush = e->flushed = true;
	if (wait->conn != NULL) {
		wait->conn->paused = false;
		turn_stage_status(sv, wait->conn, OP_UNLOCK,
		    wait->record.request, st);
		if (wait->conn->closing && !wait->conn->dirty)
			conn_close(wait->conn);
	}
	*wait = (struct waiting){ .active = false };
	/* The status can't say which store it is; the record of a request has
	   no text while the vault is locked. */
	if (st != COFRE_OK && sv->vault.unlock.of_ssh)
		dispatch_system(sv, vault_unlock_problem(&sv->vault));
}
