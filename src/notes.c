#include "notes.h"

#include <stdio.h>

#include "turn.h"

#define NOTE_EVERY 1000000u /* microseconds between notes of a kind */

/* An entry of its own; NULL when it has to wait. */
static struct turn_entry *
begin(struct server *sv, enum log_type type)
{
	struct turn_entry *e;

	if (!turn_has_room(sv) || !turn_reserve(sv))
		return NULL;
	e = turn_add(sv, NULL, true);
	e->record.type = (uint8_t)type;
	return e;
}

/* So many of something, since the last note of it; at the end (last) that is
   due at once. */
static void
note_number(struct server *sv, bool last, uint64_t *number, uint64_t *noted,
    const char *of_what, uint32_t uid, enum cofre_status st)
{
	struct turn_entry *e;
	char text[96];

	if (*number == 0 || (!last && sv->clock < *noted + NOTE_EVERY) ||
	    (e = begin(sv, LOG_NOTE)) == NULL)
		return;
	(void)snprintf(text, sizeof(text), "%llu %s",
	    (unsigned long long)*number, of_what);
	e->record.uid = uid;
	e->record.status = (uint16_t)st;
	e->record.detail = turn_text(sv, view_of(text));
	*number = 0;
	*noted = sv->clock;
}

static void
note_requests(struct server *sv, bool last)
{
	struct refusals *f = &sv->refusals;
	struct turn_entry *e;

	if (f->due == 0 || (sv->clock < f->due && !last))
		return;
	while (f->count > 0 && (e = begin(sv, LOG_REQUEST)) != NULL) {
		const struct refusal *r = &f->rows[--f->count];

		e->record.flags = LOG_REPEATED;
		e->record.uid = r->uid;
		e->record.op = r->op;
		e->record.status = r->status;
		e->record.workspace = r->workspace;
		e->record.version = r->count;
	}
	f->due = f->count == 0 ? 0 : sv->clock + REFUSALS_EVERY;
}

/* The disk did not answer for a while, and the sentry did instead. */
static void
note_block(struct server *sv)
{
	uint64_t stood, refused;
	struct turn_entry *e;
	char text[96];

	if (!sentry_news(&sv->sentry, &stood, &refused) ||
	    (e = begin(sv, LOG_SYSTEM)) == NULL)
		return;
	(void)snprintf(text, sizeof(text), "the disk did not answer for "
	    "%llu.%llu s; %llu connections refused",
	    (unsigned long long)(stood / 1000000),
	    (unsigned long long)(stood / 100000 % 10),
	    (unsigned long long)refused);
	(void)fprintf(stderr, "cofred: %s\n", text);
	e->record.status = COFRE_BLOCKED;
	e->record.detail = turn_text(sv, view_of(text));
	sentry_noted(&sv->sentry, refused);
}

void
notes_write(struct server *sv, bool last)
{
	note_number(sv, last, &sv->asked.late, &sv->late_noted,
	    "looks into processes were given up (look_timeout)",
	    sv->asked.late_uid, COFRE_BUSY);
	note_number(sv, last, &sv->refused, &sv->refused_noted,
	    "connections refused", sv->refused_uid, sv->refused_status);
	note_block(sv);
	note_requests(sv, last);
}

int
notes_timeout(const struct server *sv)
{
	uint64_t due = sv->refusals.due;
	int ms = sv->refused > 0 || sv->asked.late > 0 ||
		sv->sentry.stood > 0 ?
	    1000 :
	    -1;
	int left;

	if (due == 0)
		return ms;
	left = due <= sv->clock ? 0 : (int)((due - sv->clock) / 1000) + 1;
	return ms == -1 || left < ms ? left : ms;
}

bool
notes_counts(const struct request *q, enum cofre_status st)
{
	const struct log_record r = {
		.uid = q->conn->peer.uid,
		.op = q->op->code,
		.status = (uint16_t)st,
		.workspace = q->workspace == NULL ? 0 : q->workspace->id,
	};

	/* An attempt to unlock is rare enough, and worth a record. */
	return st != COFRE_OK && st != COFRE_WRONG_KEY &&
	    refusals_count(&q->sv->refusals, &r, q->sv->clock);
}
