/* activity: what the log says; its offline check is cmd_activity_verify.c. */
#include "cmd.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "event.h"
#include "runspec.h"
#include "status.h"

#define LAST_MAX 100000u
#define FOLLOW_MS 500

struct activity {
	struct view workspace;
	struct event_filter filter;
	bool follow;
	bool json;
	uint32_t own_pid; /* whose reading is not shown, when following */
	uint64_t from;	  /* the next cell */
	uint64_t end;	  /* where this round ends; 0 until it is known */
	uint64_t bad;	  /* records that fail verification */
	size_t last;	  /* of -n; 0 prints every line at once */
	char **lines;	  /* the last lines, a ring */
	size_t count;	  /* lines that went into it */
};

static void
emit(struct activity *a, char *line)
{
	char **place;

	if (a->last == 0) {
		(void)fputs(line, stdout);
		free(line);
		return;
	}
	place = &a->lines[a->count++ % a->last];
	free(*place);
	*place = line;
}

/* Print what the ring holds; from here on lines are printed at once. */
static void
print_last(struct activity *a)
{
	size_t first = a->count > a->last ? a->count - a->last : 0;

	for (size_t i = first; i < a->count; i++)
		(void)fputs(a->lines[i % a->last], stdout);
	for (size_t i = 0; i < a->last; i++)
		free(a->lines[i]);
	free(a->lines);
	a->lines = NULL;
	a->last = 0;
}

static bool
take_event(struct activity *a, const struct event_item *e)
{
	char *line = NULL;
	size_t len = 0;
	FILE *f;
	bool good;

	if (!event_is_wanted(e, &a->filter))
		return true;
	if (a->own_pid != 0 && e->pid == a->own_pid &&
	    (e->op == OP_ACTIVITY_READ || e->type == EVENT_CONNECTION))
		return true;
	f = open_memstream(&line, &len);
	if (f == NULL)
		return false;
	/* A stream without memory loses what it was given, and its line. */
	good = event_print(e, a->json, f) && fflush(f) == 0 && ferror(f) == 0;
	good = fclose(f) == 0 && good && line != NULL;
	if (good)
		emit(a, line);
	else
		free(line);
	return good;
}

static enum cofre_status
take_events(struct cmd *cmd, struct activity *a, struct list items)
{
	struct wire_reader r = list_reader(items);
	struct event_item e;

	for (uint32_t i = 0; i < items.count; i++) {
		event_item_get(&r, &e);
		if (r.bad)
			break;
		if (e.cell < a->end && !take_event(a, &e))
			return call_fail(cmd->c, COFRE_NO_MEMORY,
			    "%s: out of memory", cmd->verb);
	}
	return wire_reader_done(&r) ? COFRE_OK : call_bad_reply(cmd->c);
}

/*
 * Read from a->from on; *done says that nothing is left for now.  The end is
 * where the log ended for the first request: what the later ones add to it
 * would come as the last records of all.
 */
static enum cofre_status
read_page(struct cmd *cmd, struct activity *a, bool *done)
{
	const struct activity_read_request q = { a->workspace, a->from,
		EVENTS_MAX };
	struct activity_read_reply m;
	struct view body;
	enum cofre_status s;

	activity_read_request_put(call_begin(cmd->c, OP_ACTIVITY_READ), &q);
	s = cmd_call(cmd, &body);
	if (s != COFRE_OK)
		return s;
	/* A log that does not go on would be read for ever. */
	if (!activity_read_reply_decode(body, &m) || m.next < a->from ||
	    (m.next == a->from && (m.next < m.end || m.next < a->end)))
		return call_bad_reply(cmd->c);
	if (a->end == 0)
		a->end = m.end;
	s = take_events(cmd, a, m.items);
	a->from = m.next < a->end ? m.next : a->end;
	a->bad += m.bad;
	*done = m.next >= a->end;
	return s;
}

/* Read all that there is now. */
static enum cofre_status
read_all(struct cmd *cmd, struct activity *a)
{
	uint64_t before = a->bad;
	enum cofre_status s = COFRE_OK;
	bool done = false;

	a->end = 0;
	while (s == COFRE_OK && !done)
		s = read_page(cmd, a, &done);
	if (a->last != 0)
		print_last(a);
	(void)fflush(stdout);
	if (a->bad != before)
		cmd_warn("THE ACTIVITY LOG DOES NOT VERIFY: %llu record%s "
		    "changed or damaged, and not to be trusted",
		    (unsigned long long)(a->bad - before),
		    a->bad - before == 1 ? " is" : "s are");
	return s;
}

/* Until nobody reads it any more, which a quiet log would never notice. */
static enum cofre_status
follow(struct cmd *cmd, struct activity *a)
{
	struct pollfd out = { .fd = STDOUT_FILENO };
	enum cofre_status s = COFRE_OK;

	a->own_pid = (uint32_t)getpid();
	/* Asked for nothing, poll() tells of errors and hangups alone. */
	while (s == COFRE_OK && ferror(stdout) == 0) {
		if (poll(&out, 1, FOLLOW_MS) > 0)
			break;
		s = read_all(cmd, a);
	}
	return s;
}

struct texts {
	const char *op;
	const char *status;
	const char *since;
	const char *run;
	struct option_number uid;
	struct option_number last;
};

static enum cofre_status
take_filter(const struct texts *t, struct event_filter *f, struct problem *p)
{
	f->by_uid = t->uid.given;
	f->uid = t->uid.value;
	if (t->op != NULL && (f->op = arg_op(t->op)) == 0)
		return problem_set(p, COFRE_ARGUMENT,
		    "'%.40s' is no operation; they have names like "
		    "secret.get", t->op);
	f->by_status = t->status != NULL;
	if (f->by_status && !arg_status(t->status, &f->status))
		return problem_set(p, COFRE_ARGUMENT,
		    "'%.40s' is no status; they have names like ok or denied",
		    t->status);
	f->run = t->run;
	if (t->run != NULL && runspec_id(t->run, p) != COFRE_OK)
		return COFRE_ARGUMENT;
	if (t->since != NULL && !arg_time(t->since, cmd_now(), &f->since))
		return problem_set(p, COFRE_ARGUMENT,
		    "--since takes a time like 2026-12-31T23:59:59Z, or -12h "
		    "before now");
	return COFRE_OK;
}

static enum cofre_status
take_arguments(struct cmd *cmd, const struct texts *t, struct activity *a,
    struct problem *p)
{
	enum cofre_status s = take_filter(t, &a->filter, p);

	if (s == COFRE_OK && cmd->count == 1) {
		s = arg_scope(cmd->args[0], &a->workspace, p);
		cmd->object = cmd->args[0];
	}
	if (s != COFRE_OK || !t->last.given)
		return s;
	if (t->last.value == 0 || t->last.value > LAST_MAX)
		return problem_set(p, COFRE_ARGUMENT,
		    "-n takes a number from 1 to %u", LAST_MAX);
	a->last = t->last.value;
	a->lines = calloc(a->last, sizeof(*a->lines));
	if (a->lines == NULL)
		return problem_set(p, COFRE_NO_MEMORY, "out of memory");
	return COFRE_OK;
}

static int
run(struct cmd *cmd, const struct texts *t, struct activity *a)
{
	struct problem p;
	enum cofre_status s = take_arguments(cmd, t, a, &p);

	if (s != COFRE_OK)
		return cmd_problem(cmd, s, &p);
	s = cmd_open(cmd);
	if (s != COFRE_OK) {
		print_last(a);
		return status_exit_code(s);
	}
	s = read_all(cmd, a);
	if (s == COFRE_OK && a->follow)
		s = follow(cmd, a);
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	return status_exit_code(a->bad != 0 ? COFRE_CORRUPT : COFRE_OK);
}

static int
show(struct cmd *cmd, int argc, char **argv)
{
	struct activity a = { 0 };
	struct texts t = { 0 };
	const struct option_row rows[] = {
		{ "uid", 0, OPTION_NUMBER, "U", &t.uid,
		    "only what that uid did" },
		{ "op", 0, OPTION_TEXT, "NAME", &t.op,
		    "only that operation: secret.get, ..." },
		{ "status", 0, OPTION_TEXT, "NAME", &t.status,
		    "only what ended so: ok, denied, ..." },
		{ "run", 0, OPTION_TEXT, "ID", &t.run,
		    "only what that run did, and what was done with it" },
		{ "since", 0, OPTION_TEXT, "WHEN", &t.since,
		    "2026-12-31T23:59:59Z, or -12h" },
		{ "lines", 'n', OPTION_NUMBER, "N", &t.last,
		    "only the last N" },
		{ "follow", 0, OPTION_FLAG, NULL, &a.follow,
		    "go on, as the log grows" },
		{ "json", 0, OPTION_FLAG, NULL, &a.json,
		    "print JSON, one object a line" },
	};
	const struct option_usage u = {
		"activity [show] [WORKSPACE] [option ...]\n"
		"       cofre activity verify DIR",
		"Print the activity log: of a workspace, or, for an operator "
		"and for who has a\nrole in /, all of it.  verify checks a log's files "
		"without the daemon.\n",
		rows, 8, 0, 1
	};
	int code = cmd_parse(cmd, &u, argc, argv);

	return code == CMD_GO ? run(cmd, &t, &a) : code;
}

int
cmd_activity(struct cmd *cmd, int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "show", show, "print it (also without this word)" },
		{ "verify", cmd_activity_verify,
		    "check a log's files without the daemon" },
	};

	if (argc > 1 && (strcmp(argv[1], "show") == 0 ||
		strcmp(argv[1], "verify") == 0))
		return cmd_run(cmd, verbs, 2, argc, argv);
	return show(cmd, argc, argv);
}
