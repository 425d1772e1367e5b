/* identity bind, unbind, revoke; the rest is cmd_identity_show.c. */
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
	    "identity: they get\nwhat it is granted: at first full access to "
	    "the workspace's secrets.\n", &b, argc, argv);

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
revoke(struct cmd *cmd, int argc, char **argv)
{
	bool force = false;
	const struct option_row rows[] = {
		{ "force", 0, OPTION_FLAG, NULL, &force, "do it" },
	};
	const struct option_usage u = { "identity revoke WORKSPACE --force",
		"Take from the workspace's managed identity what it may "
		"there.  Its runs lose their\nsecrets at once; "
		"'cofre resync-keys WORKSPACE' undoes it.\n", rows, 1, 1,
		1 };
	struct identity_revoke_request q;
	struct problem p;
	struct view body;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	if (arg_workspace(cmd->args[0], &q.workspace, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	cmd->object = cmd->args[0];
	if (!force)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "every agent that acts as identity:%s would lose the "
		    "workspace's secrets at once; nothing was changed: "
		    "repeat it with --force if that is meant ('cofre "
		    "resync-keys %s' undoes it)", cmd->args[0], cmd->args[0]);
	if ((s = cmd_open(cmd)) != COFRE_OK)
		return status_exit_code(s);
	identity_revoke_request_put(call_begin(cmd->c, OP_IDENTITY_REVOKE),
	    &q);
	s = cmd_call(cmd, &body); /* how many they were */
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	cmd_warn("identity:%s has no access to %s's secrets any more; 'cofre "
	    "resync-keys %s' puts it back", cmd->args[0], cmd->args[0],
	    cmd->args[0]);
	return 0;
}

int
cmd_identity(struct cmd *cmd, int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "bind", bind, "let a user's processes act as it" },
		{ "unbind", unbind, "take that away" },
		{ "show", cmd_identity_show,
		    "list who acts as it, and what it may" },
		{ "list", cmd_identity_list, "list all of them" },
		{ "revoke", revoke, "take what it may in its workspace" },
	};

	return cmd_run(cmd, verbs, sizeof(verbs) / sizeof(verbs[0]), argc,
	    argv);
}
