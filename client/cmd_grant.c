/* grant, ungrant, grants. */
#include "cmd.h"

#include "arguments.h"
#include "output.h"
#include "status.h"

struct change {
	struct view scope;
	uint8_t principal;
	uint32_t id;
	uint8_t role; /* ROLE_NONE when none is given */
};

static enum cofre_status
take_arguments(const struct cmd *cmd, struct change *g, struct problem *p)
{
	if (arg_scope(cmd->args[0], &g->scope, p) != COFRE_OK ||
	    arg_principal(cmd->args[1], &g->principal, &g->id, p) != COFRE_OK)
		return COFRE_ARGUMENT;
	g->role = ROLE_NONE;
	if (cmd->count < 3)
		return COFRE_OK;
	g->role = (uint8_t)role_find(cmd->args[2]);
	if (g->role == ROLE_NONE)
		return problem_set(p, COFRE_ARGUMENT,
		    "'%.40s' is no role: owner, contributor or reader",
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
		"Give a role.  SCOPE is a workspace, or / for the vault with "
		"all of them.\nPRINCIPAL is user:UID or group:GID.  ROLE is "
		"owner, contributor or reader;\na reader sees metadata, never "
		"a secret.\n", NULL, 0, 3, 3 };
	struct grant_add_request q;
	struct change g;
	enum cofre_status s;
	int code = start(cmd, &u, argc, argv, &g);

	if (code != CMD_GO)
		return code;
	q = (struct grant_add_request){ g.scope, g.principal, g.id, g.role };
	grant_add_request_put(call_begin(cmd->c, OP_GRANT_ADD), &q);
	s = cmd_call_empty(cmd);
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
	struct change g;
	enum cofre_status s;
	int code = start(cmd, &u, argc, argv, &g);

	if (code != CMD_GO)
		return code;
	q = (struct grant_remove_request){ g.scope, g.principal, g.id,
		g.role };
	grant_remove_request_put(call_begin(cmd->c, OP_GRANT_REMOVE), &q);
	s = cmd_call_empty(cmd);
	return s == COFRE_OK ? 0 : cmd_fail(cmd, s);
}

static int
print_grants(struct cmd *cmd, struct list items, bool json)
{
	static const struct listing_column columns[] = {
		{ "PRINCIPAL", "principal" }, { "ROLE", "role" },
		{ "CREATED", "created" }, { "BY UID", "created_by" } };
	struct listing *l = listing_new(json, columns, 4);
	struct wire_reader r = list_reader(items);
	struct grant_item m;
	char who[40];

	for (uint32_t i = 0; i < items.count; i++) {
		grant_item_get(&r, &m);
		(void)snprintf(who, sizeof(who), "%s:%u",
		    principal_name(m.principal), m.id);
		listing_text(l, who);
		listing_text(l, role_name(m.role));
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
		"vault.\n", rows, 1, 1, 1 };
	struct grant_list_request q;
	struct grant_list_reply m;
	struct problem p;
	struct view body;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	if (arg_scope(cmd->args[0], &q.workspace, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	cmd->object = cmd->args[0];
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	grant_list_request_put(call_begin(cmd->c, OP_GRANT_LIST), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !grant_list_reply_decode(body, &m))
		s = call_bad_reply(cmd->c);
	return s == COFRE_OK ? print_grants(cmd, m.items, json) :
			       cmd_fail(cmd, s);
}
