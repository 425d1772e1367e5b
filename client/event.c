#include "event.h"

#include <inttypes.h>
#include <string.h>

#include "granttext.h"
#include "logfmt.h"
#include "output.h"

#define RUN_SHORT 8u /* digits of a run's id, of those that are gone */

/* The id of the run as which the initiator was allowed, or its beginning;
   empty for everybody else. */
static struct view
run_of(const struct event_item *e, char text[RUN_SHORT + 1])
{
	if (e->principal != PRINCIPAL_RUN || e->who.len > 0)
		return e->principal == PRINCIPAL_RUN ? e->who : view_of("");
	(void)snprintf(text, RUN_SHORT + 1, "%08" PRIx32, e->principal_id);
	return view_of(text);
}

/* Does one of the two begin as the other one? */
static bool
run_is(struct view run, const char *wanted)
{
	size_t n = strlen(wanted);

	n = run.len < n ? run.len : n;
	return n >= RUN_SHORT && memcmp(run.data, wanted, n) == 0;
}

/* What a run did, or what was done with it: details say "run ID". */
static bool
concerns_run(const struct event_item *e, const char *wanted)
{
	static const char begin[] = "run ";
	const size_t n = sizeof(begin) - 1;
	char text[RUN_SHORT + 1];

	if (run_is(run_of(e, text), wanted))
		return true;
	return e->detail.len > n && memcmp(e->detail.data, begin, n) == 0 &&
	    run_is((struct view){ e->detail.data + n, e->detail.len - n <
		2 * RUN_ID_LEN ? e->detail.len - n : 2 * RUN_ID_LEN }, wanted);
}

bool
event_is_wanted(const struct event_item *e, const struct event_filter *f)
{
	bool asked = e->type == EVENT_REQUEST || e->type == EVENT_NOTE;

	if (f->by_uid && e->uid != f->uid)
		return false;
	if (f->op != 0 && (!asked || e->op != f->op))
		return false;
	if (f->by_status && (!asked || e->status != f->status))
		return false;
	if (f->run != NULL && !concerns_run(e, f->run))
		return false;
	return e->time >= f->since;
}

static const char *
type_name(uint8_t type)
{
	switch ((enum event_type)type) {
	case EVENT_SYSTEM:
		return "system";
	case EVENT_CONNECTION:
		return "connection";
	case EVENT_REQUEST:
		return "request";
	case EVENT_NOTE:
		return "note";
	}
	return "?";
}

static const char *
status_name(uint32_t status)
{
	return cofre_status_name((enum cofre_status)status);
}

/* Does it stand for several requests? */
static bool
is_repeated(const struct event_item *e)
{
	return (e->flags & LOG_REPEATED) != 0;
}

/* What happened: the operation, or what kind of record it is. */
static const char *
what(const struct event_item *e)
{
	if (e->op != 0 || (e->type == EVENT_REQUEST && !is_repeated(e)))
		return op_name((uint16_t)e->op);
	return type_name(e->type);
}

/*
 * As whom the initiator was allowed, as it is written in grants, but not
 * escaped.
 */
static const char *
principal_text(const struct event_item *e, char text[GRANTTEXT_MAX])
{
	char run[RUN_SHORT + 1];

	if (e->principal == PRINCIPAL_RUN)
		(void)granttext_principal(e->principal, 0, run_of(e, run),
		    text);
	else
		(void)granttext_principal(e->principal, e->principal_id,
		    e->who, text);
	return text;
}

/* "uid 2001 gid 2001 pid 77 /usr/bin/agent as identity:ml-prod" */
static void
print_who(const struct event_item *e, FILE *f)
{
	char text[GRANTTEXT_MAX];

	(void)fprintf(f, "  uid %" PRIu32, e->uid);
	/* Without the connection's record nobody knows the others. */
	if (e->gid != NO_ID)
		(void)fprintf(f, " gid %" PRIu32 " pid %" PRIu32, e->gid,
		    e->pid);
	if (e->exe.len > 0) {
		(void)fputc(' ', f);
		output_text(f, e->exe);
	}
	if (e->principal == PRINCIPAL_NONE)
		return;
	(void)fputs(" as ", f);
	output_text(f, view_of(principal_text(e, text)));
}

/* What could not be told of the caller, and of what was sent. */
static void
print_doubts(const struct event_item *e, FILE *f)
{
	static const struct {
		uint32_t flag;
		const char *text;
	} doubts[] = {
		{ LOG_NO_PIDFD, "pid may be another process's" },
		{ LOG_NO_WATCH, "an exec would not be noticed" },
	};

	for (size_t i = 0; i < sizeof(doubts) / sizeof(doubts[0]); i++)
		if ((e->flags & doubts[i].flag) != 0)
			(void)fprintf(f, "  (%s)", doubts[i].text);
}

static void
print_text(const struct event_item *e, FILE *f)
{
	char time[OUTPUT_TIME];

	(void)fprintf(f, "%s  %-17s", output_time(e->time, time), what(e));
	if (e->type == EVENT_REQUEST || e->type == EVENT_NOTE)
		(void)fprintf(f, " %s", status_name(e->status));
	if (e->object.len > 0) {
		(void)fputs("  ", f);
		output_text(f, e->object);
	}
	if (is_repeated(e))
		(void)fprintf(f, "  %" PRIu32 " more times", e->version);
	else if (e->version != 0)
		(void)fprintf(f, " v%" PRIu32, e->version);
	if (e->type != EVENT_SYSTEM)
		print_who(e, f);
	if (e->type == EVENT_REQUEST)
		(void)fprintf(f, "  %" PRIu32 " us", e->duration);
	if (e->detail.len > 0) {
		(void)fputs("  ", f);
		output_text(f, e->detail);
	}
	print_doubts(e, f);
	(void)fputc('\n', f);
}

static json_t *
text_or_null(struct view v)
{
	return v.len == 0 ? json_null() : output_json_view(v);
}

/* What the record says of its initiator. */
static json_t *
json_who(const struct event_item *e)
{
	bool known = e->gid != NO_ID;
	char text[GRANTTEXT_MAX], run[RUN_SHORT + 1];

	return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o}", "uid",
	    (json_int_t)e->uid, "gid",
	    known ? output_json_number(e->gid) : json_null(), "pid",
	    known ? output_json_number(e->pid) : json_null(), "exe",
	    text_or_null(e->exe), "principal",
	    output_json_view(view_of(principal_text(e, text))), "run",
	    text_or_null(run_of(e, run)));
}

static json_t *
json_event(const struct event_item *e)
{
	bool asked = e->type == EVENT_REQUEST || e->type == EVENT_NOTE;

	return json_pack("{s:o, s:I, s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:o, "
	    "s:I, s:I, s:I, s:I, s:I}",
	    "time", output_json_time(e->time), "cell", (json_int_t)e->cell,
	    "type", type_name(e->type), "op",
	    e->op == 0 ? json_null() : json_string(op_name((uint16_t)e->op)),
	    "status",
	    asked ? json_string(status_name(e->status)) : json_null(),
	    "initiator",
	    e->type == EVENT_SYSTEM ? json_null() : json_who(e), "object",
	    text_or_null(e->object), "version",
	    (json_int_t)(is_repeated(e) ? 0 : e->version), "requests",
	    (json_int_t)(is_repeated(e) ? e->version : asked),
	    "detail", text_or_null(e->detail), "request",
	    (json_int_t)e->request, "duration_us", (json_int_t)e->duration,
	    "connection", (json_int_t)e->connection, "flags",
	    (json_int_t)e->flags, "epoch", (json_int_t)e->epoch);
}

bool
event_print(const struct event_item *e, bool json, FILE *f)
{
	if (json)
		return output_json(json_event(e), f);
	print_text(e, f);
	return true;
}
