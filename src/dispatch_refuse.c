/* Requests that come to no handler. */
#include "dispatch.h"

#include <stdio.h>

#include "conn.h"
#include "turn.h"

/* Take it up with the turn, and answer with a status alone. */
static struct turn_entry *
refuse(struct server *sv, struct conn *c, const struct frame *f, bool recorded,
    enum cofre_status st)
{
	struct turn_entry *e = turn_add(sv, c, recorded);

	e->reply = true;
	e->record.type = LOG_REQUEST;
	e->record.op = f->op;
	e->record.request = f->id;
	e->record.status = (uint16_t)st;
	turn_stage_status(sv, c, f->op, f->id, st);
	return e;
}

void
dispatch_foreign(struct server *sv, struct conn *c, const struct frame *f)
{
	struct turn_entry *e = refuse(sv, c, f, turn_reserve(sv),
	    COFRE_OTHER_PROCESS);
	char text[96];

	(void)snprintf(text, sizeof(text), "sent by uid %u gid %u pid %u%s",
	    c->sender.uid, c->sender.gid, c->sender.pid,
	    c->executed ? " after it executed a program" : "");
	e->record.flags = LOG_OTHER_SENDER;
	e->record.detail = turn_text(sv, view_of(text));
	c->closing = true;
}

void
dispatch_unknown(struct server *sv, struct conn *c, const struct frame *f)
{
	const struct log_record r = { .uid = c->peer.uid, .op = f->op,
		.status = COFRE_UNKNOWN_OPERATION };
	bool room = turn_reserve(sv);

	(void)refuse(sv, c, f,
	    room && !refusals_count(&sv->refusals, &r, sv->clock),
	    COFRE_UNKNOWN_OPERATION);
}

void
dispatch_reject(struct server *sv, struct conn *c, enum cofre_status st,
    const char *why)
{
	struct turn_entry *e;

	c->closing = true;
	if (!turn_has_room(sv))
		return; /* it is closed without a word */
	e = turn_add(sv, c, turn_reserve(sv));
	e->reply = true;
	e->record.type = LOG_NOTE;
	e->record.status = (uint16_t)st;
	e->record.detail = turn_text(sv, view_of(why));
	turn_stage_status(sv, c, 0, 0, st);
}
