/* run: what its verbs share, and end and renew. */
#include "cmd_run.h"

#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "hex.h"
#include "output.h"
#include "status.h"

int
run_no_secrets(const struct cmd *cmd, const char *who, bool both)
{
	if (both)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "--secret and --no-secrets exclude each other");
	return cmd_error(cmd, COFRE_ARGUMENT,
	    "say which secrets %s: --secret NAME; or --no-secrets, for a run "
	    "that uses targets alone", who);
}

int
run_not_started(const struct cmd *cmd, enum cofre_status s, bool secrets)
{
	if (s == COFRE_NOT_FOUND && !secrets)
		return cmd_error(cmd, s,
		    "there is no such workspace ('cofre workspace list')");
	if (s == COFRE_NOT_FOUND)
		return cmd_error(cmd, s,
		    "there is no such workspace, or it has not all of the "
		    "secrets that --secret names ('cofre list %s')",
		    cmd->object);
	return cmd_fail(cmd, s);
}

int
run_about(struct cmd *cmd, struct run_about *a, struct cofre_run_options *o)
{
	struct view name;
	struct problem p;

	memset(o, 0, sizeof(*o));
	o->size = sizeof(*o);
	if (a->workspace == NULL)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "say which workspace the secrets are of: -w WORKSPACE");
	if (arg_workspace(a->workspace, &name, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	cmd->object = o->workspace = a->workspace;
	if (a->lifetime != NULL &&
	    runspec_lifetime(a->lifetime, &o->lifetime, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	if (a->label != NULL && strlen(a->label) > RUN_LABEL_MAX)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "--label is longer than %u bytes", RUN_LABEL_MAX);
	o->label = a->label;
	if (a->snapshot == NULL)
		return CMD_GO;
	if (runspec_snapshot(a->snapshot, a->digest, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	o->snapshot = a->digest;
	o->snapshot_len = sizeof(a->digest);
	return CMD_GO;
}

/* A list: where it stands, and whom it is told to. */
struct walk {
	struct view workspace;
	uint8_t last[RUN_ID_LEN];
	size_t last_len; /* 0 before the first run */
	run_visit *visit;
	void *context;
	bool over;
};

/* Ids go up, so that no list is without an end. */
static bool
follows(const struct walk *w, const struct run_item *m)
{
	return m->run.len == RUN_ID_LEN &&
	    (w->last_len == 0 ||
		memcmp(m->run.data, w->last, RUN_ID_LEN) > 0);
}

static bool
take_page(struct walk *w, struct list items)
{
	struct wire_reader r = list_reader(items);
	struct run_item m;

	for (uint32_t i = 0; i < items.count; i++) {
		run_item_get(&r, &m);
		if (r.bad || !follows(w, &m))
			return false;
		memcpy(w->last, m.run.data, RUN_ID_LEN);
		w->last_len = RUN_ID_LEN;
		w->visit(w->context, &m);
	}
	return wire_reader_done(&r);
}

static enum cofre_status
walk_page(struct cmd *cmd, struct walk *w)
{
	const struct run_list_request q = { w->workspace,
		{ w->last, w->last_len } };
	struct run_list_reply m;
	struct view body;
	enum cofre_status s;

	run_list_request_put(call_begin(cmd->c, OP_RUN_LIST), &q);
	s = cmd_call(cmd, &body);
	if (s != COFRE_OK)
		return s;
	if (!run_list_reply_decode(body, &m) ||
	    (m.more && m.items.count == 0) || !take_page(w, m.items))
		return call_bad_reply(cmd->c);
	w->over = !m.more;
	return COFRE_OK;
}

enum cofre_status
run_each(struct cmd *cmd, struct view workspace, run_visit *visit,
    void *context)
{
	struct walk w = { .workspace = workspace, .visit = visit,
		.context = context };
	enum cofre_status s = COFRE_OK;

	while (s == COFRE_OK && !w.over)
		s = walk_page(cmd, &w);
	return s;
}

/* The runs whose ids begin like that. */
struct search {
	const char *begin;
	char id[COFRE_RUN_ID_SIZE];
	size_t found;
};

static void
compare(void *context, const struct run_item *m)
{
	struct search *s = context;
	char id[COFRE_RUN_ID_SIZE];

	if (strncmp(hex_encode(id, m->run), s->begin, strlen(s->begin)) != 0)
		return;
	memcpy(s->id, id, sizeof(id));
	s->found++;
}

/* A whole id is taken as it is: the daemon knows whether there is such one. */
static int
find(struct cmd *cmd, struct view workspace, const char *begin,
    char id[COFRE_RUN_ID_SIZE])
{
	struct search search = { .begin = begin };
	enum cofre_status s;

	if (strlen(begin) + 1 == COFRE_RUN_ID_SIZE) {
		memcpy(id, begin, COFRE_RUN_ID_SIZE);
		return CMD_GO;
	}
	s = run_each(cmd, workspace, compare, &search);
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	if (search.found == 0)
		return cmd_error(cmd, COFRE_NOT_FOUND,
		    "no run's id begins with %s; 'cofre run list %s' shows "
		    "them", begin, cmd->object);
	if (search.found > 1)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "the ids of %zu runs begin with %s: write more of it",
		    search.found, begin);
	memcpy(id, search.id, COFRE_RUN_ID_SIZE);
	return CMD_GO;
}

int
run_named(struct cmd *cmd, struct run_name *r)
{
	enum cofre_status s;
	struct problem p;
	int code;

	if (arg_workspace(cmd->args[0], &r->workspace, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	cmd->object = cmd->args[0];
	if (runspec_id(cmd->args[1], &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	code = find(cmd, r->workspace, cmd->args[1], r->id);
	if (code != CMD_GO)
		return code;
	(void)snprintf(r->object, sizeof(r->object), "%s/%s", cmd->args[0],
	    r->id);
	cmd->object = r->object;
	return CMD_GO;
}

static int
end(struct cmd *cmd, int argc, char **argv)
{
	const struct option_usage u = { "run end WORKSPACE ID",
		"End a run: its access is gone at once, and its connections "
		"are closed.  8 or more\ndigits of the id will do.\n", NULL, 0,
		2, 2 };
	struct run_name r;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code == CMD_GO)
		code = run_named(cmd, &r);
	if (code != CMD_GO)
		return code;
	s = cofre_run_end(cmd->c, cmd->args[0], r.id);
	return s == COFRE_OK ? 0 : cmd_fail(cmd, s);
}

static int
renew(struct cmd *cmd, int argc, char **argv)
{
	const char *text = NULL;
	const struct option_row rows[] = {
		{ "lifetime", 0, OPTION_TEXT, "TIME", &text,
		    "from now, as 90s, 15m or 24h; 1h otherwise" },
	};
	const struct option_usage u = {
		"run renew WORKSPACE ID [--lifetime TIME]",
		"Give a run a new lifetime from now on, and print when it "
		"ends.  8 or more digits\nof the id will do.\n", rows, 1, 2,
		2 };
	char time[OUTPUT_TIME];
	uint32_t lifetime = 0;
	uint64_t expires;
	struct run_name r;
	struct problem p;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	if (text != NULL && runspec_lifetime(text, &lifetime, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	code = run_named(cmd, &r);
	if (code != CMD_GO)
		return code;
	s = cofre_run_renew(cmd->c, cmd->args[0], r.id, lifetime, &expires);
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	(void)puts(output_time(expires, time));
	return 0;
}

int
cmd_runs(struct cmd *cmd, int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "start", run_start, "start one, for a scheduler" },
		{ "exec", run_exec, "run a command with secrets as files" },
		{ "list", run_list, "list a workspace's runs" },
		{ "show", run_show, "show one, and what it has read" },
		{ "end", end, "end one at once" },
		{ "renew", renew, "let one go on for longer" },
	};

	return cmd_run(cmd, verbs, 6, argc, argv);
}
