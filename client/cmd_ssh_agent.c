/* ssh-agent: a command that may use a workspace's keys by the ssh agent. */
#include "cmd.h"

#include <errno.h>
#include <string.h>

#include "arguments.h"
#include "attend.h"
#include "privatedir.h"
#include "proto.h"
#include "sshagent.h"
#include "status.h"
#include "upstream.h"

/* A name that a target could have; whether one has it is not what is asked. */
#define ANY_TARGET "ssh-agent"

/* Is there such a workspace, as far as the caller may know?  *seen: it is. */
static enum cofre_status
ask_workspace(struct cmd *cmd, const char *workspace, bool *seen)
{
	const struct workspace_show_request q = { view_of(workspace) };
	struct view body;
	enum cofre_status s;

	workspace_show_request_put(call_begin(cmd->c, OP_WORKSPACE_SHOW), &q);
	s = cmd_call(cmd, &body);
	*seen = s == COFRE_OK;
	if (s == COFRE_NOT_FOUND)
		(void)cmd_error(cmd, s,
		    "there is no such workspace ('cofre workspace list')");
	else if (s != COFRE_OK && s != COFRE_DENIED)
		(void)cmd_fail(cmd, s);
	return s == COFRE_DENIED ? COFRE_OK : s;
}

/* May this process use targets there?  The daemon's agent tells nobody why it
   has no key for him. */
static enum cofre_status
ask(struct cmd *cmd, const char *workspace, bool *seen)
{
	const struct target_reach_request q = { view_of(workspace),
		view_of(ANY_TARGET) };
	struct view body;
	enum cofre_status s = cmd_open(cmd);

	if (s != COFRE_OK)
		return s;
	target_reach_request_put(call_begin(cmd->c, OP_TARGET_REACH), &q);
	s = cmd_call(cmd, &body);
	*seen = s == COFRE_OK;
	if (s == COFRE_NOT_FOUND)
		s = ask_workspace(cmd, workspace, seen);
	else if (s != COFRE_OK)
		(void)cmd_fail(cmd, s);
	cmd_close(cmd);
	return s;
}

/* Is there something for the command?  CMD_GO, or an exit code. */
static int
look(struct cmd *cmd, const char *upstream, const char *workspace)
{
	uint32_t count = 0;
	struct problem p;
	enum cofre_status agent = upstream_count(upstream, workspace, &count,
	    &p);
	enum cofre_status s;
	bool seen;

	if (agent == COFRE_UNREACHABLE || agent == COFRE_TIMEOUT)
		return cmd_problem(cmd, agent, &p);
	if (agent == COFRE_OK && count > 0)
		return CMD_GO;
	s = ask(cmd, workspace, &seen);
	if (s != COFRE_OK)
		return status_exit_code(s);
	if (agent != COFRE_OK)
		return cmd_problem(cmd, agent, &p);
	cmd_warn("the agent has no key: '%s' %shas no target that this process "
	    "may use ('cofre target list %s'; runs use those that are "
	    "--for-runs)", workspace, seen ? "" : "is no workspace, or ",
	    workspace);
	return CMD_GO;
}

/* The socket is there for as long as the command runs. */
static int
serve(struct cmd *cmd, const char *upstream, const char *workspace,
    char **command)
{
	struct privatedir dir = PRIVATEDIR_NONE;
	struct relay r = { .listener = -1 };
	char path[PRIVATEDIR_PATH];
	struct problem p;
	enum cofre_status s = COFRE_OK;
	int code = look(cmd, upstream, workspace);

	if (code != CMD_GO)
		return code;
	if (!privatedir_make(&dir))
		s = problem_set(&p, COFRE_INTERNAL,
		    "can't make a directory in /tmp: %s", strerror(errno));
	if (s == COFRE_OK)
		s = relay_open(&r, privatedir_path(&dir, "agent", path),
		    upstream, workspace, &p);
	code = s == COFRE_OK ? attend_run(cmd, &(struct attend){
		.argv = command, .relay = &r, .agent = path, .in = -1 }) :
			       cmd_problem(cmd, s, &p);
	relay_close(&r);
	privatedir_remove(&dir);
	return code;
}

int
cmd_ssh_agent(struct cmd *cmd, int argc, char **argv)
{
	const char *workspace = NULL, *agent = NULL;
	const struct option_row rows[] = {
		{ "workspace", 'w', OPTION_TEXT, "W", &workspace,
		    "whose targets' keys can be used" },
		{ "agent", 0, OPTION_TEXT, "PATH", &agent,
		    "the daemon's agent socket, if it is elsewhere" },
	};
	const struct option_usage u = {
		"ssh-agent -w WORKSPACE [--agent PATH] -- CMD [ARG ...]",
		"Run a command that can log in to a workspace's targets: ssh "
		"finds an agent at\nSSH_AUTH_SOCK, which serves the command "
		"and what it starts, and signs what the\ntargets allow.  The "
		"keys stay in the vault.\n", rows, 2, 0, 0
	};
	char path[SSHAGENT_PATH];
	struct view name;
	struct problem p;
	int at = arg_command(argc, argv);
	int code = cmd_parse(cmd, &u, at, argv);

	if (code != CMD_GO)
		return code;
	if (workspace == NULL || at + 1 >= argc)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "say the workspace, and the command behind --: cofre "
		    "ssh-agent -w WORKSPACE -- CMD");
	if (arg_workspace(workspace, &name, &p) != COFRE_OK ||
	    sshagent_path(agent, cmd->socket, path, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	cmd->object = workspace;
	return serve(cmd, path, workspace, argv + at + 1);
}
