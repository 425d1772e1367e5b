/* identity bind, unbind, show. */
#include "cmd.h"

#include "arguments.h"
#include "status.h"

struct binding {
	struct view workspace;
	struct option_number uid;
	struct option_number gid;
};

/* Check the numbers; a gid that is not given becomes "any". */
static enum cofre_status
check(struct binding *b, struct problem *p)
{
	if (!b->uid.given)
		return problem_set(p, COFRE_ARGUMENT, "--uid is needed");
	if (arg_id(b->uid.value, "uid", p) != COFRE_OK)
		return COFRE_ARGUMENT;
	if (!b->gid.given) {
		b->gid.value = NO_ID;
		return COFRE_OK;
	}
	return arg_id(b->gid.value, "gid", p);
}

/* Read the command line of bind and unbind, and connect. */
static int
start(struct cmd *cmd, const char *synopsis, const char *about,
    struct binding *b, int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "uid", 0, OPTION_NUMBER, "U", &b->uid,
		    "the user that the agents run as" },
		{ "gid", 0, OPTION_NUMBER, "G", &b->gid,
		    "and the group, if that matters too" },
	};
	const struct option_usage u = { synopsis, about, rows, 2, 1, 1 };
	struct problem p;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	s = arg_workspace(cmd->args[0], &b->workspace, &p);
	if (s == COFRE_OK)
		s = check(b, &p);
	if (s != COFRE_OK)
		return cmd_problem(cmd, s, &p);
	cmd->object = cmd->args[0];
	s = cmd_open(cmd);
	return s == COFRE_OK ? CMD_GO : status_exit_code(s);
}

static int
bind(struct cmd *cmd, int argc, char **argv)
{
	struct identity_bind_request q;
	struct binding b = { 0 };
	enum cofre_status s;
	int code = start(cmd, "identity bind WORKSPACE --uid U [--gid G]",
	    "Let processes of that user act as the workspace's managed "
	    "identity: they get\nfull access to its secrets, and to nothing "
	    "else.\n", &b, argc, argv);

	if (code != CMD_GO)
		return code;
	q = (struct identity_bind_request){ b.workspace, b.uid.value,
		b.gid.value };
	identity_bind_request_put(call_begin(cmd->c, OP_IDENTITY_BIND), &q);
	s = cmd_call_empty(cmd);
	return s == COFRE_OK ? 0 : cmd_fail(cmd, s);
}

static int
unbind(struct cmd *cmd, int argc, char **argv)
{
	struct identity_unbind_request q;
	struct binding b = { 0 };
	enum cofre_status s;
	int code = start(cmd, "identity unbind WORKSPACE --uid U [--gid G]",
	    "Take a binding away, as it was given.  It ends at once, on open "
	    "connections too.\n", &b, argc, argv);

	if (code != CMD_GO)
		return code;
	q = (struct identity_unbind_request){ b.workspace, b.uid.value,
		b.gid.value };
	identity_unbind_request_put(call_begin(cmd->c, OP_IDENTITY_UNBIND),
	    &q);
	s = cmd_call_empty(cmd);
	return s == COFRE_OK ? 0 : cmd_fail(cmd, s);
}

static int
print_bindings(struct cmd *cmd, struct list items, bool json)
{
	static const struct listing_column columns[] = { { "UID", "uid" },
		{ "GID", "gid" }, { "CREATED", "created" },
		{ "BY UID", "created_by" } };
	struct listing *l = listing_new(json, columns, 4);
	struct wire_reader r = list_reader(items);
	struct binding_item m;

	for (uint32_t i = 0; i < items.count; i++) {
		binding_item_get(&r, &m);
		listing_number(l, m.uid);
		listing_id(l, m.gid);
		listing_time(l, m.created);
		listing_number(l, m.by);
	}
	return cmd_listed(cmd, &r, l);
}

static int
show(struct cmd *cmd, int argc, char **argv)
{
	bool json = false;
	const struct option_row rows[] = {
		{ "json", 0, OPTION_FLAG, NULL, &json, "print JSON" },
	};
	const struct option_usage u = { "identity show WORKSPACE [--json]",
		"List the processes that act as the workspace's managed "
		"identity.  It has\nfull access to the workspace's secrets.\n",
		rows, 1, 1, 1 };
	struct identity_show_request q;
	struct identity_show_reply m;
	struct problem p;
	struct view body;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	if (arg_workspace(cmd->args[0], &q.workspace, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	cmd->object = cmd->args[0];
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	identity_show_request_put(call_begin(cmd->c, OP_IDENTITY_SHOW), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !identity_show_reply_decode(body, &m))
		s = call_bad_reply(cmd->c);
	return s == COFRE_OK ? print_bindings(cmd, m.items, json) :
			       cmd_fail(cmd, s);
}

int
cmd_identity(struct cmd *cmd, int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "bind", bind, "let a user's processes act as it" },
		{ "unbind", unbind, "take that away" },
		{ "show", show, "list who acts as it" },
	};

	return cmd_run(cmd, verbs, 3, argc, argv);
}
