/* grant, ungrant, grants. */
#include "cmd.h"

#include "arguments.h"
#include "granttext.h"
#include "names.h"
#include "status.h"

struct change {
	struct arg_place place;
	struct arg_principal who;
	struct view role; /* empty when none is given */
};

static enum cofre_status
take_arguments(const struct cmd *cmd, struct change *g, struct problem *p)
{
	if (arg_place(cmd->args[0], &g->place, p) != COFRE_OK ||
	    arg_principal(cmd->args[1], &g->who, p) != COFRE_OK)
		return COFRE_ARGUMENT;
	g->role = view_of(cmd->count < 3 ? "" : cmd->args[2]);
	if (cmd->count == 3 && !name_is_role(g->role))
		return problem_set(p, COFRE_ARGUMENT,
		    "'%.80s' is no role's name; 'cofre role list' tells them",
		    cmd->args[2]);
	return COFRE_OK;
}

static int
start(struct cmd *cmd, const struct option_usage *u, int argc, char **argv,
    struct change *g)
{
	struct problem p;
	enum cofre_status s;
	int code = cmd_parse(cmd, u, argc, argv);

	if (code != CMD_GO)
		return code;
	if (take_arguments(cmd, g, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	cmd->object = cmd->args[0];
	s = cmd_open(cmd);
	return s == COFRE_OK ? CMD_GO : status_exit_code(s);
}

int
cmd_grant(struct cmd *cmd, int argc, char **argv)
{
	const struct option_usage u = { "grant SCOPE PRINCIPAL ROLE",
		"Give a role.  SCOPE is a workspace, WORKSPACE/PREFIX* for "
		"the secrets and compute\ntargets whose names begin so, or / "
		"for the vault with all workspaces.  PRINCIPAL\nis user:UID, "
		"group:GID, unit:NAME or identity:WORKSPACE.  ROLE is owner,\n"
		"contributor, reader, agent, secrets-officer, or one of "
		"'cofre role list'; a\nreader sees metadata, never a "
		"secret.\n", NULL, 0, 3, 3 };
	struct grant_add_request q;
	struct grant_add_reply m; /* the policy's version, which the log has */
	struct change g;
	struct view body;
	enum cofre_status s;
	int code = start(cmd, &u, argc, argv, &g);

	if (code != CMD_GO)
		return code;
	q = (struct grant_add_request){ g.place.workspace, g.who.kind,
		g.who.id, g.who.who, g.role, g.place.prefix };
	grant_add_request_put(call_begin(cmd->c, OP_GRANT_ADD), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !grant_add_reply_decode(body, &m))
		s = call_bad_reply(cmd->c);
	if (s == COFRE_INVALID)
		return cmd_error(cmd, s,
		    "there is no role '%s', or it may not be given there: "
		    "'cofre role list' and 'cofre role show' tell", cmd->args[2]);
	if (s == COFRE_EXISTS)
		return cmd_error(cmd, s, "%s has the role '%s' there already",
		    cmd->args[1], cmd->args[2]);
	if (s == COFRE_NOT_FOUND)
		return cmd_error(cmd, s,
		    "there is no such workspace%s%s ('cofre workspace list')",
		    g.who.kind == PRINCIPAL_IDENTITY ? ", or no " : "",
		    g.who.kind == PRINCIPAL_IDENTITY ? cmd->args[1] : "");
	return s == COFRE_OK ? 0 : cmd_fail(cmd, s);
}

int
cmd_ungrant(struct cmd *cmd, int argc, char **argv)
{
	const struct option_usage u = { "ungrant SCOPE PRINCIPAL [ROLE]",
		"Take a role away, or, without ROLE, all that the principal "
		"has in the scope.\nIt ends at once, on open connections "
		"too.\n", NULL, 0, 2, 3 };
	struct grant_remove_request q;
	struct grant_remove_reply m; /* likewise */
	struct change g;
	struct view body;
	enum cofre_status s;
	int code = start(cmd, &u, argc, argv, &g);

	if (code != CMD_GO)
		return code;
	q = (struct grant_remove_request){ g.place.workspace, g.who.kind,
		g.who.id, g.who.who, g.role, g.place.prefix };
	grant_remove_request_put(call_begin(cmd->c, OP_GRANT_REMOVE), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !grant_remove_reply_decode(body, &m))
		s = call_bad_reply(cmd->c);
	if (s == COFRE_CONFLICT)
		return cmd_error(cmd, s,
		    "that is what the managed identity should have in its "
		    "own workspace; 'cofre identity revoke' takes it away as "
		    "a whole");
	if (s == COFRE_NOT_FOUND)
		return cmd_error(cmd, s,
		    "there is no such scope, or %s has no such role given "
		    "there ('cofre grants')", cmd->args[1]);
	return s == COFRE_OK ? 0 : cmd_fail(cmd, s);
}

/* Those of the scope alone, when it has a prefix. */
static int
print_grants(struct cmd *cmd, const struct arg_place *scope,
    struct list items, bool json)
{
	static const struct listing_column columns[] = {
		{ "PRINCIPAL", "principal" }, { "ROLE", "role" },
		{ "SCOPE", "scope" }, { "CREATED", "created" },
		{ "BY UID", "created_by" } };
	struct listing *l = listing_new(json, columns, 5);
	struct wire_reader r = list_reader(items);
	struct grant_item m;
	char text[GRANTTEXT_MAX];

	for (uint32_t i = 0; i < items.count; i++) {
		grant_item_get(&r, &m);
		if (scope->prefix.len > 0 &&
		    !view_equal(scope->prefix, m.prefix))
			continue;
		listing_text(l, granttext_principal(m.principal, m.id, m.who,
		    text));
		listing_view(l, m.role);
		listing_text(l, granttext_scope(scope->workspace, m.prefix,
		    text));
		listing_time(l, m.created);
		listing_number(l, m.uid);
	}
	return cmd_listed(cmd, &r, l);
}

int
cmd_grants(struct cmd *cmd, int argc, char **argv)
{
	bool json = false;
	const struct option_row rows[] = {
		{ "json", 0, OPTION_FLAG, NULL, &json, "print JSON" },
	};
	const struct option_usage u = { "grants SCOPE [--json]",
		"List who has which role in a workspace, or, with /, in the "
		"vault.  With\nWORKSPACE/PREFIX*: in just that scope.\n", rows, 1, 1, 1 };
	struct grant_list_request q;
	struct grant_list_reply m;
	struct arg_place scope;
	struct problem p;
	struct view body;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	if (arg_place(cmd->args[0], &scope, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	q.workspace = scope.workspace;
	cmd->object = cmd->args[0];
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	grant_list_request_put(call_begin(cmd->c, OP_GRANT_LIST), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !grant_list_reply_decode(body, &m))
		s = call_bad_reply(cmd->c);
	return s == COFRE_OK ? print_grants(cmd, &scope, m.items, json) :
			       cmd_fail(cmd, s);
}
