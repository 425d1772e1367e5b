/* resync-keys: a workspace's access and its credentials as they should be. */
#include "cmd.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "entries.h"
#include "handle.h"
#include "names.h"
#include "resync_report.h"
#include "status.h"

#define GRACE 3600u
#define DEADLINE_MAX 600u

struct verb_options {
	struct resync_options work;
	const char *only, *grace, *sources;
	struct option_number deadline;
	bool all, json;
};

static enum cofre_status
take_only(struct verb_options *o, bool many, struct problem *p)
{
	struct resync_options *w = &o->work;

	w->keys = w->grants = true;
	if (o->only == NULL)
		return COFRE_OK;
	if (o->all && !many)
		return problem_set(p, COFRE_ARGUMENT,
		    "--all and --only of one workspace don't go together");
	w->keys = strcmp(o->only, "grants") != 0;
	w->grants = !w->keys;
	w->kind = w->keys ? kind_find(o->only) : 0;
	if (w->keys && !kind_is_stored(w->kind))
		return problem_set(p, COFRE_ARGUMENT,
		    "--only takes storage, registry, datastore, generic or "
		    "grants, not '%.30s'", o->only);
	return COFRE_OK;
}

static enum cofre_status
take_options(const struct cmd *cmd, struct verb_options *o,
    struct problem *p)
{
	struct resync_options *w = &o->work;
	struct view name;

	w->grace = GRACE;
	if (o->grace != NULL &&
	    !arg_seconds(o->grace, RESYNC_GRACE_MAX, &w->grace))
		return problem_set(p, COFRE_ARGUMENT,
		    "--grace %.20s: say 0, or a number with s, m, h or d, such "
		    "as 90s or 2h; 30d is the longest", o->grace);
	if (o->deadline.given &&
	    (o->deadline.value == 0 || o->deadline.value > DEADLINE_MAX))
		return problem_set(p, COFRE_ARGUMENT,
		    "--deadline takes 1 to %u seconds", DEADLINE_MAX);
	w->deadline_ms = o->deadline.value * 1000;
	w->sources = o->sources != NULL ? o->sources : SOURCE_DIR;
	w->progress = isatty(STDERR_FILENO) == 1;
	if (cmd->count == 0 && !o->all)
		return problem_set(p, COFRE_ARGUMENT,
		    "say which workspace, or --all for all of them");
	if (take_only(o, cmd->count == 0, p) != COFRE_OK)
		return COFRE_ARGUMENT;
	return cmd->count == 0 ? COFRE_OK :
				 arg_workspace(cmd->args[0], &name, p);
}

/* One workspace; many: what fails of it is told, and the others go on. */
static int
resync_one(struct cmd *cmd, const struct verb_options *o, const char *name,
    struct listing *l, struct resync_sums *sums)
{
	bool many = cmd->count == 0;
	struct resync r = { .workspace = name };
	enum cofre_status s;
	int code = 0;

	cmd->object = name;
	s = resync_run(cmd, &o->work, &r);
	if (s == COFRE_OK && !resync_list(l, many, o->work.dry_run, &r, sums))
		s = call_bad_reply(cmd->c);
	if (s != COFRE_OK) {
		code = cmd_fail(cmd, s);
		sums->failed++;
	}
	resync_done(&r);
	return code;
}

/* A connection for the next workspace: an answer may have ended that of the
   one before.  When there is none that is told. */
static bool
has_connection(struct cmd *cmd)
{
	if (handle_is_connected(cmd->c))
		return true;
	cmd_close(cmd);
	return cmd_open(cmd) == COFRE_OK;
}

/* Each of them by itself: what fails of one is not undone in another. */
static int
resync_all(struct cmd *cmd, const struct verb_options *o, struct listing *l,
    struct resync_sums *sums)
{
	struct workspaces all = { .at = NULL };
	enum cofre_status s = workspaces_read(cmd, &all);
	int code = s == COFRE_OK ? 0 : cmd_fail(cmd, s);

	if (s == COFRE_OK && all.count == 0)
		cmd_warn("there is no workspace that you may do something in: "
		    "nothing was done");
	for (size_t i = 0; i < all.count && code == 0; i++)
		if (has_connection(cmd))
			(void)resync_one(cmd, o, all.at[i], l, sums);
		else
			sums->failed++;
	free(all.at);
	cmd->object = NULL;
	return code;
}

static int
run(struct cmd *cmd, const struct verb_options *o)
{
	struct resync_sums sums = { 0, 0 };
	enum cofre_status s = cmd_open(cmd);
	struct listing *l;
	int code;

	if (s != COFRE_OK)
		return status_exit_code(s);
	l = resync_listing(o->json, cmd->count == 0);
	code = cmd->count == 0 ? resync_all(cmd, o, l, &sums) :
				 resync_one(cmd, o, cmd->args[0], l, &sums);
	if (code != 0) {
		listing_free(l);
		return code;
	}
	code = cmd_printed(cmd, listing_print(l, stdout));
	return code != 0 ? code : resync_exit_code(&sums);
}

int
cmd_resync(struct cmd *cmd, int argc, char **argv)
{
	struct verb_options o = { .only = NULL };
	const struct option_row rows[] = {
		{ "all", 0, OPTION_FLAG, NULL, &o.all,
		    "every kind; without WORKSPACE every workspace" },
		{ "only", 0, OPTION_TEXT, "WHAT", &o.only,
		    "storage, registry, datastore, generic or grants" },
		{ "dry-run", 0, OPTION_FLAG, NULL, &o.work.dry_run,
		    "ask the sources, say what would be done" },
		{ "rotate", 0, OPTION_FLAG, NULL, &o.work.rotate,
		    "make idle keys anew upstream, and use them" },
		{ "grace", 0, OPTION_TEXT, "TIME", &o.grace,
		    "how long old versions stay: 90s, 1h (as usual), 7d" },
		{ "deadline", 0, OPTION_NUMBER, "SECONDS", &o.deadline,
		    "for one answer of a source; usually 30" },
		{ "sources", 0, OPTION_TEXT, "DIR", &o.sources,
		    "where the sources are" },
		{ "json", 0, OPTION_FLAG, NULL, &o.json, "print JSON" },
	};
	const struct option_usage u = {
		"resync-keys WORKSPACE|--all [option ...]",
		"Put back the grants that the workspace's managed identity "
		"should have, ask the\nsource of each credential for its "
		"value, and make all that changed true at once.\n"
		"Exits with 3 when some of it failed, with 4 when all did.\n",
		rows, 8, 0, 1 };
	struct problem p;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	if (take_options(cmd, &o, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	return run(cmd, &o);
}
