/* ssh-agent: a command that may use a workspace's keys by the ssh agent. */
#include "cmd.h"

#include <errno.h>
#include <string.h>

#include "arguments.h"
#include "attend.h"
#include "privatedir.h"
#include "sshagent.h"

/* The socket is there for as long as the command runs. */
static int
serve(struct cmd *cmd, const char *upstream, const char *workspace,
    char **command)
{
	struct privatedir dir = PRIVATEDIR_NONE;
	struct relay r = { .listener = -1 };
	char path[PRIVATEDIR_PATH];
	struct problem p;
	enum cofre_status s = relay_try(upstream, workspace, &p);
	int code;

	if (s == COFRE_OK && !privatedir_make(&dir))
		s = problem_set(&p, COFRE_INTERNAL,
		    "can't make a directory in /tmp: %s", strerror(errno));
	if (s == COFRE_OK)
		s = relay_open(&r, privatedir_path(&dir, "agent", path),
		    upstream, workspace, &p);
	code = s == COFRE_OK ? attend_run(cmd, &(struct attend){ command, &r,
				       path, -1, false }) :
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
