/* activity.read: the log, for those who may. */
#include <stdio.h>
#include <string.h>

#include "ops.h"
#include "quota.h"

#define LOOK_MAX 2048u		 /* records looked at for one reply */
#define LOOK_MIN 64u		 /* so many also when others wait */
#define REPLY_BYTES (96u * 1024) /* written for one reply */

/* What goes into one event besides its own record. */
struct event {
	struct log_record record;
	struct log_record connection; /* type 0: not found */
	uint8_t text[LOG_CELLS_MAX * LOG_CELL];
	uint8_t connection_text[LOG_CELLS_MAX * LOG_CELL];
	uint64_t connection_cell; /* that connection is the record of */
};

/* Find the record of the connection, unless it is the same as before. */
static void
find_connection(struct audit *a, struct event *e)
{
	uint64_t cell = e->record.connection, next;

	if (e->record.type == LOG_CONNECTION || cell == 0) {
		e->connection_cell = 0;
		e->connection.type = 0;
		return;
	}
	if (cell == e->connection_cell)
		return;
	e->connection_cell = cell;
	if (audit_read(a, cell, &e->connection, &next, e->connection_text) !=
		LOG_OK ||
	    e->connection.type != LOG_CONNECTION)
		e->connection.type = 0;
}

/* The name of what the record is about: as it was sealed in, or by its id. */
static struct view
object_of(struct vault *v, const struct log_record *r, char object[OBJECT_MAX])
{
	char workspace[COFRE_SECRET_NAME_MAX + 1];
	char name[COFRE_SECRET_NAME_MAX + 1] = "";
	int n;

	if (r->object.len > 0 || r->workspace == 0 ||
	    r->type == LOG_CONNECTION)
		return r->type == LOG_CONNECTION ? (struct view){ NULL, 0 } :
						   r->object;
	vault_workspace_name(v, r->workspace, workspace);
	if (r->record != 0)
		vault_secret_name(v, r->workspace, r->record, name);
	n = snprintf(object, OBJECT_MAX, "%s%s%s", workspace,
	    r->record != 0 ? "/" : "", name);
	if (r->record != 0 && name[0] == '\0')
		n = snprintf(object, OBJECT_MAX, "%s/#%llu", workspace,
		    (unsigned long long)r->record);
	return (struct view){ (const uint8_t *)object, (size_t)n };
}

/* Whose identity was allowed; NULL: none, or its workspace is gone.  The
   record has the lower half of its id. */
static const struct workspace *
identity_of(const struct vault *v, const struct log_record *r)
{
	if (r->principal != PRINCIPAL_IDENTITY)
		return NULL;
	for (size_t i = 0; i < v->scope_count; i++)
		if (v->workspaces[i] != NULL &&
		    (uint32_t)v->workspaces[i]->id == r->principal_id)
			return v->workspaces[i];
	return NULL;
}

/* The run that was allowed, if it is still known: its id has the four bytes
   that the record has. */
static const struct run *
run_of(const struct vault *v, const struct log_record *r)
{
	const struct run *run;

	if (r->principal != PRINCIPAL_RUN)
		return NULL;
	run = runs_find_principal(&v->runs, r->principal_id);
	return run != NULL && run->rights.workspace == r->workspace ? run :
								      NULL;
}

static void
put_event(struct request *q, const struct event *e)
{
	const struct log_record *r = &e->record;
	const struct log_record *c =
	    r->type == LOG_CONNECTION ? r : &e->connection;
	const struct workspace *ws = identity_of(&q->sv->vault, r);
	const struct run *run = run_of(&q->sv->vault, r);
	char object[OBJECT_MAX], hex[RUN_HEX];
	struct event_item item = {
		.cell = r->cell,
		.time = r->time,
		.type = r->type,
		.op = r->op,
		.status = r->status,
		.uid = r->uid,
		.gid = NO_ID,
		.principal = r->principal,
		.principal_id = r->principal_id,
		.who = view_of(ws != NULL ? ws->name :
		    run != NULL ? run_hex(run, hex) : ""),
		.object = object_of(&q->sv->vault, r, object),
		.version = r->version,
		.detail = r->detail,
		.request = r->request,
		.duration = r->duration,
		.connection = r->connection,
		.flags = r->flags,
		.epoch = r->epoch,
	};

	if (c->type == LOG_CONNECTION) {
		item.gid = (uint32_t)c->workspace;
		item.pid = (uint32_t)c->connection;
		item.exe = c->object;
	}
	if (r->type == LOG_CONNECTION)
		item.connection = r->cell;
	event_item_put(q->reply, &item);
}

/* Is the record one of those that were asked for? */
static bool
wanted(const struct request *q, const struct log_record *r)
{
	if (q->workspace->slot == 0)
		return true;
	return r->type == LOG_REQUEST && r->workspace == q->workspace->id;
}

enum cofre_status
op_activity_read(struct request *q, const struct activity_read_request *in)
{
	struct audit *a = q->sv->audit;
	uint32_t max = in->max == 0 || in->max > EVENTS_MAX ? EVENTS_MAX :
							       in->max;
	struct event e = { .connection_cell = 0 };
	uint64_t cell = in->from, next, bad = 0;
	enum log_result r = LOG_OK;
	struct wire_list l;

	audit_drop_gone(a);
	if (cell < audit_first(a))
		cell = audit_first(a);
	list_begin(&l, q->reply);
	for (unsigned i = 0; i < LOOK_MAX && l.count < max &&
	     q->reply->len < REPLY_BYTES &&
	     (i < LOOK_MIN || i % 16 != 0 || !quota_is_over(q->conn));
	     i++, cell = next) {
		r = audit_read(a, cell, &e.record, &next, e.text);
		if (r == LOG_END)
			break;
		bad += r != LOG_OK;
		if (r != LOG_OK || !wanted(q, &e.record))
			continue;
		find_connection(a, &e);
		put_event(q, &e);
		list_item(&l);
	}
	list_end(&l);
	wire_put_u64(q->reply, cell);
	wire_put_u64(q->reply, audit_end(a));
	wire_put_u64(q->reply, bad);
	secmem_wipe(&e, sizeof(e));
	return COFRE_OK;
}
