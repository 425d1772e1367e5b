/* resync-keys: a managed identity's grants as they should be. */
#include "cmd.h"

#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "granttext.h"
#include "status.h"

struct resync {
	struct view workspace;
	const char *only;
	bool dry_run;
	bool json;
	uint8_t *shown; /* the reply to identity.show, which canonical is in */
	struct list canonical;
};

/* What the identity should have.  Kept, since the next call takes its
   place. */
static enum cofre_status
read_canonical(struct cmd *cmd, struct resync *o)
{
	const struct identity_show_request q = { o->workspace };
	struct identity_show_reply m;
	struct view body;
	enum cofre_status s;

	identity_show_request_put(call_begin(cmd->c, OP_IDENTITY_SHOW), &q);
	s = cmd_call(cmd, &body);
	if (s != COFRE_OK)
		return s;
	o->shown = malloc(body.len + 1);
	if (o->shown == NULL)
		return call_fail(cmd->c, COFRE_NO_MEMORY, "%s: out of memory",
		    cmd->verb);
	if (body.len > 0)
		memcpy(o->shown, body.data, body.len);
	if (!identity_show_reply_decode((struct view){ o->shown, body.len },
		&m))
		return call_bad_reply(cmd->c);
	o->canonical = m.canonical;
	return COFRE_OK;
}

static enum cofre_status
repair(struct cmd *cmd, const struct resync *o,
    struct identity_repair_reply *m)
{
	const struct identity_repair_request q = { o->workspace, o->dry_run };
	struct view body;
	enum cofre_status s;

	identity_repair_request_put(call_begin(cmd->c, OP_IDENTITY_REPAIR),
	    &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !identity_repair_reply_decode(body, m))
		s = call_bad_reply(cmd->c);
	return s;
}

/* List what is not in the other list.  False: it could not be decoded. */
static bool
list_grants(struct listing *l, struct list items, struct list but,
    const char *text, const char *json)
{
	struct wire_reader r = list_reader(items);
	struct who_item m;
	char to[GRANTTEXT_MAX];

	for (uint32_t i = 0; i < items.count; i++) {
		who_item_get(&r, &m);
		if (r.bad)
			return false;
		if (granttext_is_in(but, &m))
			continue;
		listing_text(l, granttext_principal(m.principal, m.id, m.who,
		    to));
		listing_view(l, m.role);
		listing_text(l, granttext_scope(m.scope, m.prefix, to));
		listing_either(l, text, json);
	}
	return wire_reader_done(&r);
}

static int
print_grants(struct cmd *cmd, const struct resync *o,
    const struct identity_repair_reply *m)
{
	static const struct listing_column columns[] = {
		{ "PRINCIPAL", "principal" }, { "ROLE", "role" },
		{ "SCOPE", "scope" }, { "GRANT", "outcome" } };
	const struct list none = { .count = 0 };
	struct listing *l = listing_new(o->json, columns, 4);

	if (list_grants(l, o->canonical, m->restored, "unchanged",
		"unchanged") &&
	    list_grants(l, m->restored, none,
		o->dry_run ? "would be restored" : "restored",
		o->dry_run ? "would-be-restored" : "restored") &&
	    list_grants(l, m->extra, none, "extra", "extra"))
		return cmd_printed(cmd, listing_print(l, stdout));
	listing_free(l);
	return cmd_fail(cmd, call_bad_reply(cmd->c));
}

static int
run(struct cmd *cmd, struct resync *o)
{
	struct identity_repair_reply m;
	enum cofre_status s = cmd_open(cmd);

	if (s != COFRE_OK)
		return status_exit_code(s);
	s = read_canonical(cmd, o);
	/* Who may repair it need not be one who may see it. */
	if (s == COFRE_DENIED) {
		cmd_warn("what is unchanged is not shown: you may not see "
		    "the identity");
		s = COFRE_OK;
	}
	if (s == COFRE_OK)
		s = repair(cmd, o, &m);
	return s == COFRE_OK ? print_grants(cmd, o, &m) : cmd_fail(cmd, s);
}

static enum cofre_status
take_arguments(struct cmd *cmd, struct resync *o, struct problem *p)
{
	if (o->only != NULL && strcmp(o->only, "grants") != 0)
		return problem_set(p, COFRE_ARGUMENT,
		    "--only takes 'grants': there is nothing else that is "
		    "resynchronised");
	return arg_workspace(cmd->args[0], &o->workspace, p);
}

int
cmd_resync(struct cmd *cmd, int argc, char **argv)
{
	struct resync o = { .shown = NULL };
	const struct option_row rows[] = {
		{ "only", 0, OPTION_TEXT, "WHAT", &o.only,
		    "grants: all there is" },
		{ "dry-run", 0, OPTION_FLAG, NULL, &o.dry_run,
		    "say what would be done" },
		{ "json", 0, OPTION_FLAG, NULL, &o.json, "print JSON" },
	};
	const struct option_usage u = {
		"resync-keys WORKSPACE [option ...]",
		"Put back the grants that the workspace's managed identity "
		"should have, and list\nthem with what it has besides, which "
		"is left alone.\n", rows, 3, 1, 1 };
	struct problem p;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	if (take_arguments(cmd, &o, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	cmd->object = cmd->args[0];
	code = run(cmd, &o);
	free(o.shown);
	return code;
}
