/* run start: a run for a process, a cgroup, or whoever has its token. */
#include "cmd_run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arguments.h"
#include "names.h"
#include "output.h"
#include "reveal.h"
#include "secmem.h"
#include "status.h"

struct start {
	struct run_about about;
	struct option_list secrets;
	struct option_number pid;
	const char *cgroup;
	struct option_number token_fd;
	struct option_number uid;
	bool json;
};

/* A token is written where its reader alone can read it. */
static int
check_token_fd(const struct cmd *cmd, uint32_t number)
{
	int fd = number > INT32_MAX ? -1 : (int)number;
	int flags = fcntl(fd, F_GETFL);
	struct stat st;

	if (fd >= 0 && fd <= STDERR_FILENO)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "--token-fd %d: give the token a descriptor of its own, "
		    "such as 3: 'cofre run start ... --token-fd 3 3>&1 >id | "
		    "program'", fd);
	if (flags == -1 || fstat(fd, &st) == -1)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "--token-fd %u: there is no such descriptor",
		    (unsigned)number);
	if ((flags & O_ACCMODE) == O_RDONLY || (flags & O_PATH) != 0)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "--token-fd %d can't be written to", fd);
	if (isatty(fd) == 1)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "--token-fd %d is a terminal: send the token to a program, "
		    "by a pipe or a socket", fd);
	if (S_ISREG(st.st_mode) && (st.st_mode & (S_IRGRP | S_IROTH)) != 0)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "--token-fd %d is a file that others can read: send the "
		    "token to a program, by a pipe or a socket", fd);
	return CMD_GO;
}

static int
set_secrets(const struct cmd *cmd, const struct start *g,
    struct cofre_run_options *o)
{
	if ((g->secrets.count == 0) != g->about.no_secrets)
		return run_no_secrets(cmd, "the run may read",
		    g->about.no_secrets);
	for (size_t i = 0; i < g->secrets.count; i++)
		if (!name_is_secret(view_of(g->secrets.items[i])))
			return cmd_error(cmd, COFRE_ARGUMENT,
			    "--secret '%.40s' is no secret's name",
			    g->secrets.items[i]);
	o->secrets = g->secrets.items;
	o->secret_count = g->secrets.count;
	return CMD_GO;
}

static int
set_target(const struct cmd *cmd, const struct start *g,
    struct cofre_run_options *o)
{
	if (g->pid.given && g->cgroup != NULL)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "--pid and --cgroup exclude each other");
	if (g->pid.given && (g->pid.value == 0 || g->pid.value > INT32_MAX))
		return cmd_error(cmd, COFRE_ARGUMENT, "--pid is no pid");
	if (!g->pid.given && g->cgroup == NULL && !g->token_fd.given)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "say who is the run: --pid, --cgroup, or whoever gets its "
		    "token, --token-fd; 'cofre run exec' starts a command as "
		    "one");
	o->target = g->pid.given ? COFRE_RUN_PROCESS :
	    g->cgroup != NULL ? COFRE_RUN_CGROUP : COFRE_RUN_TOKEN;
	o->pid = (int)g->pid.value;
	o->cgroup = g->cgroup;
	return CMD_GO;
}

static int
set_uid(const struct cmd *cmd, const struct start *g,
    struct cofre_run_options *o)
{
	struct problem p;

	if (!g->uid.given)
		return CMD_GO;
	if (arg_id(g->uid.value, "uid", &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	o->has_uid = 1;
	o->uid = g->uid.value;
	return CMD_GO;
}

static int
set_all(struct cmd *cmd, struct start *g, struct cofre_run_options *o)
{
	int code = run_about(cmd, &g->about, o);

	if (code == CMD_GO)
		code = set_secrets(cmd, g, o);
	if (code == CMD_GO)
		code = set_target(cmd, g, o);
	if (code == CMD_GO)
		code = set_uid(cmd, g, o);
	if (code == CMD_GO && g->token_fd.given)
		code = check_token_fd(cmd, g->token_fd.value);
	return code;
}

/* A run whose token got lost is of no use to anybody. */
static int
token_lost(struct cmd *cmd, const struct cofre_run *run, int error)
{
	bool ended = cofre_run_end(cmd->c, run->workspace, run->id) ==
	    COFRE_OK;

	return cmd_error(cmd, COFRE_INTERNAL,
	    "the token can't be written: %s; run %s %s", strerror(error),
	    run->id, ended ? "was ended" : "goes on: end it with 'cofre run "
	    "end'");
}

/* A reader that is gone must not end this program: the run has to end. */
static bool
write_token(int fd, const char *token)
{
	(void)signal(SIGPIPE, SIG_IGN);
	return reveal_write(fd, view_of(token)) &&
	    reveal_write(fd, view_of("\n"));
}

static int
print(const struct cmd *cmd, const struct cofre_run *run, bool json)
{
	if (json)
		return cmd_printed(cmd, output_json(json_pack("{s:s, s:o}",
		    "run", run->id, "expires",
		    output_json_time(run->expires)), stdout));
	(void)puts(run->id);
	return 0;
}

static int
start(struct cmd *cmd, struct start *g)
{
	struct cofre_run_options o;
	char token[COFRE_RUN_TOKEN_SIZE];
	bool wanted = g->token_fd.given;
	struct cofre_run run;
	enum cofre_status s;
	bool lost = false;
	int code = set_all(cmd, g, &o);
	int error = 0;

	if (code != CMD_GO)
		return code;
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	s = cofre_run_start(cmd->c, &o, &run, wanted ? token : NULL,
	    sizeof(token));
	if (s != COFRE_OK)
		return run_not_started(cmd, s, o.secret_count > 0);
	if (wanted) {
		lost = !write_token((int)g->token_fd.value, token);
		error = errno;
		secmem_wipe(token, sizeof(token));
	}
	return lost ? token_lost(cmd, &run, error) :
		      print(cmd, &run, g->json);
}

int
run_start(struct cmd *cmd, int argc, char **argv)
{
	struct start g = { .json = false };
	const struct option_row rows[] = {
		{ "workspace", 'w', OPTION_TEXT, "W", &g.about.workspace,
		    "where the secrets are" },
		{ "secret", 0, OPTION_LIST, "NAME", &g.secrets,
		    "that the run may read; several times" },
		{ "no-secrets", 0, OPTION_FLAG, NULL, &g.about.no_secrets,
		    "none: it uses targets alone" },
		{ "pid", 0, OPTION_NUMBER, "PID", &g.pid,
		    "the process that is the run" },
		{ "cgroup", 0, OPTION_TEXT, "PATH", &g.cgroup,
		    "or the cgroup, with all processes in it" },
		{ "token-fd", 0, OPTION_NUMBER, "FD", &g.token_fd,
		    "write a token to that descriptor" },
		{ "uid", 0, OPTION_NUMBER, "U", &g.uid,
		    "whose connections are the run's" },
		{ "lifetime", 0, OPTION_TEXT, "TIME", &g.about.lifetime,
		    "as 90s, 15m or 24h; 1h otherwise" },
		{ "label", 0, OPTION_TEXT, "TEXT", &g.about.label,
		    "for people" },
		{ "snapshot", 0, OPTION_TEXT, "D", &g.about.snapshot,
		    "sha256:HEX of what is run" },
		{ "json", 0, OPTION_FLAG, NULL, &g.json, "print JSON" },
	};
	const struct option_usage u = {
		"run start -w WORKSPACE (--secret NAME... | --no-secrets)\n"
		"       [--pid PID | --cgroup PATH] [--token-fd FD] [--uid U]\n"
		"       [--lifetime TIME] [--label TEXT] [--snapshot "
		"sha256:HEX] [--json]",
		"Start a run, and print its id.  It may read these secrets, "
		"use the workspace's\ntargets for runs, and do nothing else, "
		"until its process ends, its time is up, or\n'cofre run end' "
		"is said.\n", rows, 11, 0, 0
	};
	int code = cmd_parse(cmd, &u, argc, argv);

	return code == CMD_GO ? start(cmd, &g) : code;
}
