/* unused: which secrets has nobody read?  The activity log knows. */
#include "cmd.h"

#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "status.h"

#define DAY ((uint64_t)24 * 3600 * 1000000)
#define DAYS_MAX 36500u

struct unused {
	struct view workspace;
	char name[COFRE_WORKSPACE_NAME_MAX + 1]; /* the same */
	uint64_t since; /* what was read after that is in use */
	uint64_t end;	/* cell of the log at which the search ends */
	bool covered;	/* the log reaches back that far */
	struct cofre_entry *secrets; /* sorted by name */
	size_t count;
	bool *read;
};

/* One page of the workspace's records, from a cell on. */
static enum cofre_status
read_page(struct cmd *cmd, const struct unused *u, uint64_t from,
    uint32_t max, struct activity_read_reply *m)
{
	const struct activity_read_request q = { u->workspace, from, max };
	struct view body;
	enum cofre_status s;

	activity_read_request_put(call_begin(cmd->c, OP_ACTIVITY_READ), &q);
	s = cmd_call(cmd, &body);
	if (s != COFRE_OK)
		return s;
	/* A log that does not go on would be read for ever, up to its end now or
	   to that of the first page. */
	if (!activity_read_reply_decode(body, m) || m->next < from ||
	    (m->next == from && (m->next < m->end || m->next < u->end)))
		return call_bad_reply(cmd->c);
	return COFRE_OK;
}

/*
 * The first record of the workspace at or behind the cell: its own cell,
 * time and operation; cell u->end when there is none.
 */
static enum cofre_status
find_record(struct cmd *cmd, struct unused *u, uint64_t from,
    struct event_item *e)
{
	struct activity_read_reply m;
	struct wire_reader r;
	enum cofre_status s;

	for (;;) {
		s = read_page(cmd, u, from, 1, &m);
		if (s != COFRE_OK)
			return s;
		if (u->end == 0)
			u->end = m.end;
		if (m.items.count > 0) {
			r = list_reader(m.items);
			event_item_get(&r, e);
			/* One before would have the search go back. */
			return r.bad || e->cell < from ?
			    call_bad_reply(cmd->c) : COFRE_OK;
		}
		if (m.next >= u->end)
			break;
		from = m.next;
	}
	*e = (struct event_item){ .cell = u->end };
	return COFRE_OK;
}

/*
 * Where to begin: by halves, for a log may have millions of records.  The
 * clock may have been set back now and then, so the search only has to come
 * close: what is older is passed over later.
 */
static enum cofre_status
find_start(struct cmd *cmd, struct unused *u, uint64_t *from)
{
	uint64_t low, high;
	struct event_item e = { .cell = 0 };
	enum cofre_status s = find_record(cmd, u, 0, &e);

	/* Whole from the workspace's first day on, or at least long enough. */
	u->covered = e.cell < u->end &&
	    ((e.op == OP_WORKSPACE_CREATE && e.status == COFRE_OK) ||
		e.time <= u->since);
	low = e.cell;
	high = u->end;
	while (s == COFRE_OK && low < high) {
		uint64_t middle = low + (high - low) / 2;

		s = find_record(cmd, u, middle, &e);
		if (e.cell >= u->end || e.time >= u->since)
			high = middle;
		else
			low = e.cell + 1;
	}
	/* It may be the middle of a record: where does the next one begin? */
	if (s == COFRE_OK)
		s = find_record(cmd, u, low, &e);
	*from = e.cell;
	return s;
}

static int
compare(const void *name, const void *entry)
{
	return strcmp(name, ((const struct cofre_entry *)entry)->name);
}

/* What is followed is read through those who follow it. */
static void
mark_followed(struct unused *u)
{
	const struct cofre_entry *found;

	for (size_t i = 0; i < u->count; i++) {
		if (!u->read[i])
			continue;
		found = bsearch(u->secrets[i].follows, u->secrets, u->count,
		    sizeof(*u->secrets), compare);
		if (found != NULL)
			u->read[found - u->secrets] = true;
	}
}

/* "ml-prod/store" was read: it is in use. */
static void
mark(struct unused *u, struct view object, uint64_t time)
{
	size_t skip = u->workspace.len + 1;
	char name[COFRE_SECRET_NAME_MAX + 1];
	const struct cofre_entry *found;

	if (object.len <= skip || object.len - skip >= sizeof(name) ||
	    u->count == 0)
		return;
	memcpy(name, object.data + skip, object.len - skip);
	name[object.len - skip] = '\0';
	found = bsearch(name, u->secrets, u->count, sizeof(*u->secrets),
	    compare);
	/* A purged one may have had the same name before. */
	if (found != NULL && time >= found->created)
		u->read[found - u->secrets] = true;
}

static enum cofre_status
mark_all(struct cmd *cmd, struct unused *u, uint64_t from)
{
	struct activity_read_reply m;
	struct event_item e;
	enum cofre_status s = COFRE_OK;

	while (s == COFRE_OK && from < u->end) {
		struct wire_reader r;

		s = read_page(cmd, u, from, EVENTS_MAX, &m);
		if (s != COFRE_OK)
			break;
		r = list_reader(m.items);
		for (uint32_t i = 0; i < m.items.count; i++) {
			event_item_get(&r, &e);
			if (!r.bad && e.op == OP_SECRET_GET &&
			    e.status == COFRE_OK && e.time >= u->since)
				mark(u, e.object, e.time);
		}
		if (!wire_reader_done(&r))
			s = call_bad_reply(cmd->c);
		/* What is damaged may have been the record of a read. */
		if (s == COFRE_OK && m.bad > 0)
			s = call_fail(cmd->c, COFRE_CORRUPT,
			    "unused: the activity log has records that were "
			    "changed or damaged, so it can't be told; see "
			    "'cofre activity verify'");
		from = m.next;
	}
	return s;
}

static int
print(const struct cmd *cmd, const struct unused *u, bool json)
{
	static const struct listing_column columns[] = { { "NAME", "name" },
		{ "VERSION", "version" }, { "CREATED", "created" },
		{ "UPDATED", "updated" } };
	struct listing *l = listing_new(json, columns, 4);

	for (size_t i = 0; i < u->count; i++) {
		const struct cofre_entry *e = &u->secrets[i];

		/* One that is newer has had no time to be used. */
		if (u->read[i] || e->created > u->since)
			continue;
		listing_text(l, e->name);
		listing_number(l, e->version);
		listing_time(l, e->created);
		listing_time(l, e->updated);
	}
	if (!u->covered)
		cmd_warn("the activity log does not reach back that far: what "
		    "is listed was not read as long as the log remembers");
	return cmd_printed(cmd, listing_print(l, stdout));
}

static int
run(struct cmd *cmd, struct unused *u, bool json)
{
	uint64_t from = 0;
	enum cofre_status s = cmd_open(cmd);
	int code;

	if (s != COFRE_OK)
		return status_exit_code(s);
	s = cofre_list(cmd->c, u->name, &u->secrets, &u->count);
	if (s == COFRE_OK) {
		u->read = calloc(u->count + 1, sizeof(*u->read));
		if (u->read != NULL)
			s = find_start(cmd, u, &from);
		else {
			s = COFRE_NO_MEMORY;
			(void)call_fail(cmd->c, s, "unused: out of memory");
		}
	}
	if (s == COFRE_OK)
		s = mark_all(cmd, u, from);
	if (s == COFRE_OK)
		mark_followed(u);
	code = s == COFRE_OK ? print(cmd, u, json) : cmd_fail(cmd, s);
	free(u->read);
	free(u->secrets);
	return code;
}

/* The moment from which on a secret should have been read. */
static enum cofre_status
take_since(const struct option_number *days, const char *since, uint64_t *ret,
    struct problem *p)
{
	uint64_t now = cmd_now();

	if (days->given == (since != NULL))
		return problem_set(p, COFRE_ARGUMENT,
		    "say since when: --days N, or --since TIME");
	if (since != NULL && !arg_time(since, now, ret))
		return problem_set(p, COFRE_ARGUMENT,
		    "--since takes a time like 2026-12-31T23:59:59Z, or -12h "
		    "before now");
	if (since != NULL)
		return *ret <= now ? COFRE_OK :
		    problem_set(p, COFRE_ARGUMENT,
			"--since %.40s is still to come: nobody can have read "
			"anything since then", since);
	if (days->value == 0 || days->value > DAYS_MAX)
		return problem_set(p, COFRE_ARGUMENT,
		    "--days takes a number from 1 to %u", DAYS_MAX);
	*ret = now > days->value * DAY ? now - days->value * DAY : 0;
	return COFRE_OK;
}

int
cmd_unused(struct cmd *cmd, int argc, char **argv)
{
	struct option_number days = { false, 0 };
	const char *since = NULL;
	bool json = false;
	const struct option_row rows[] = {
		{ "days", 0, OPTION_NUMBER, "N", &days,
		    "that nobody has read for so many days" },
		{ "since", 0, OPTION_TEXT, "TIME", &since,
		    "or since that time" },
		{ "json", 0, OPTION_FLAG, NULL, &json, "print JSON" },
	};
	const struct option_usage o = {
		"unused WORKSPACE (--days N | --since TIME) [--json]",
		"List the secrets that nobody has read since then, by the "
		"activity log, and that\nwere there already.  They may be "
		"ones to delete.\n", rows, 3, 1, 1 };
	struct unused u = { .end = 0 };
	struct problem p;
	int code = cmd_parse(cmd, &o, argc, argv);

	if (code != CMD_GO)
		return code;
	if (arg_workspace(cmd->args[0], &u.workspace, &p) != COFRE_OK ||
	    take_since(&days, since, &u.since, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	memcpy(u.name, u.workspace.data, u.workspace.len);
	cmd->object = cmd->args[0];
	return run(cmd, &u, json);
}
