/* identity bind, unbind, revoke; the rest is cmd_identity_show.c. */
#include "cmd.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "arguments.h"
#include "hex.h"
#include "names.h"
#include "status.h"

/* What a process must be. */
struct binding {
	struct view workspace;
	struct option_number uid;
	struct option_number gid;
	const char *exe;
	const char *sha256;
	const char *unit;
	const char *cgroup;
	uint8_t digest[SHA256_LEN];
};

/* A number that is not given becomes "any". */
static enum cofre_status
check_id(struct option_number *n, const char *what, struct problem *p)
{
	if (n->given)
		return arg_id(n->value, what, p);
	n->value = NO_ID;
	return COFRE_OK;
}

static enum cofre_status
check_path(const char *text, const char *option, size_t max,
    struct problem *p)
{
	if (text == NULL ||
	    (strlen(text) <= max && name_is_path(view_of(text))))
		return COFRE_OK;
	return problem_set(p, COFRE_ARGUMENT,
	    "%s: '%.80s' is no path from the root of at most %zu bytes, as "
	    "the kernel writes it: without '//', '.', '..' and '/' at its end",
	    option, text, max);
}

static enum cofre_status
check(struct binding *b, struct problem *p)
{
	struct view unit;

	if (!b->uid.given && b->unit == NULL && b->cgroup == NULL)
		return problem_set(p, COFRE_ARGUMENT,
		    "one of --uid, --unit and --cgroup is needed: a group, a "
		    "path and a program anybody can have");
	if (b->sha256 != NULL &&
	    !hex_decode(view_of(b->sha256), b->digest, SHA256_LEN))
		return problem_set(p, COFRE_ARGUMENT,
		    "--sha256: %u lower-case hexadecimal digits are needed, "
		    "as sha256sum(1) prints them", 2 * SHA256_LEN);
	if (check_id(&b->uid, "uid", p) != COFRE_OK ||
	    check_id(&b->gid, "gid", p) != COFRE_OK ||
	    check_path(b->exe, "--exe", EXE_MAX, p) != COFRE_OK ||
	    check_path(b->cgroup, "--cgroup", CGROUP_MAX, p) != COFRE_OK)
		return COFRE_ARGUMENT;
	return b->unit == NULL ? COFRE_OK : arg_unit(b->unit, &unit, p);
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
		{ "exe", 0, OPTION_TEXT, "PATH", &b->exe,
		    "the path of their program" },
		{ "sha256", 0, OPTION_TEXT, "DIGEST", &b->sha256,
		    "what sha256sum(1) prints for it" },
		{ "unit", 0, OPTION_TEXT, "NAME", &b->unit,
		    "the systemd unit that they are in" },
		{ "cgroup", 0, OPTION_TEXT, "PATH", &b->cgroup,
		    "the cgroup that they are in, or above them" },
	};
	const struct option_usage u = { synopsis, about, rows, 6, 1, 1 };
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

/* Both requests have the same fields. */
static struct identity_bind_request
request_of(const struct binding *b)
{
	return (struct identity_bind_request){
		.workspace = b->workspace,
		.uid = b->uid.value,
		.gid = b->gid.value,
		.exe = view_of(b->exe == NULL ? "" : b->exe),
		.sha256 = { b->digest, b->sha256 == NULL ? 0 : SHA256_LEN },
		.unit = view_of(b->unit == NULL ? "" : b->unit),
		.cgroup = view_of(b->cgroup == NULL ? "" : b->cgroup),
	};
}

/* What no process here is now, though one may be later. */
static void
warn_of(const struct binding *b)
{
	char real[PATH_MAX];
	struct stat st;

	if (b->exe != NULL && stat(b->exe, &st) == -1)
		cmd_warn("--exe %s: %s; no process is the identity by it "
		    "until it is there", b->exe, strerror(errno));
	else if (b->exe != NULL && !S_ISREG(st.st_mode))
		cmd_warn("--exe %s is no regular file: no process can be the "
		    "identity by it", b->exe);
	else if (b->exe != NULL && realpath(b->exe, real) != NULL &&
	    strcmp(real, b->exe) != 0)
		cmd_warn("--exe %s leads to %s: the kernel tells that path, "
		    "so no process is the identity by the other one", b->exe,
		    real);
	if (b->unit != NULL && (strncmp(b->unit, "user@", 5) == 0 ||
		strncmp(b->unit, "session-", 8) == 0))
		cmd_warn("--unit %s: what is below user.slice is no unit of "
		    "the system's, since its user can make such ones: no "
		    "process can be the identity by it", b->unit);
}

static int
bind(struct cmd *cmd, int argc, char **argv)
{
	struct identity_bind_request q;
	struct binding b = { .exe = NULL };
	enum cofre_status s;
	int code = start(cmd, "identity bind WORKSPACE [option ...]",
	    "Let the processes that are all of this act as the workspace's "
	    "managed identity:\nthey get what it is granted, at first full "
	    "access to the workspace's secrets.\nOne of --uid, --unit and "
	    "--cgroup is needed.\n", &b, argc, argv);

	if (code != CMD_GO)
		return code;
	q = request_of(&b);
	identity_bind_request_put(call_begin(cmd->c, OP_IDENTITY_BIND), &q);
	s = cmd_call_empty(cmd);
	if (s == COFRE_EXISTS)
		return cmd_error(cmd, s, "it is bound so already");
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	warn_of(&b);
	return 0;
}

static int
unbind(struct cmd *cmd, int argc, char **argv)
{
	struct identity_unbind_request u;
	struct identity_bind_request q;
	struct binding b = { .exe = NULL };
	enum cofre_status s;
	int code = start(cmd, "identity unbind WORKSPACE [option ...]",
	    "Take a binding away, as it was given.  It ends at once, on open "
	    "connections too.\n", &b, argc, argv);

	if (code != CMD_GO)
		return code;
	q = request_of(&b);
	u = (struct identity_unbind_request){ q.workspace, q.uid, q.gid, q.exe,
		q.sha256, q.unit, q.cgroup };
	identity_unbind_request_put(call_begin(cmd->c, OP_IDENTITY_UNBIND),
	    &u);
	s = cmd_call_empty(cmd);
	if (s == COFRE_NOT_FOUND)
		return cmd_error(cmd, s,
		    "there is no such workspace, or it is not bound so: a "
		    "binding is named exactly as it was made ('cofre identity "
		    "show')");
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
		"there: the agents that\nact as it lose the secrets at "
		"once, and runs that were started go on.\n'cofre "
		"resync-keys WORKSPACE' undoes it.\n", rows, 1, 1, 1 };
	struct identity_revoke_request q;
	struct identity_revoke_reply m; /* how many they were */
	struct view body;
	enum cofre_status s;
	int code = cmd_parse_workspace(cmd, &u, argc, argv, &q.workspace);

	if (code != CMD_GO)
		return code;
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
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !identity_revoke_reply_decode(body, &m))
		s = call_bad_reply(cmd->c);
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	cmd_warn("identity:%s has no access to %s's secrets any more; 'cofre "
	    "resync-keys %s' puts it back; runs that were started go on: see "
	    "'cofre run list %s'", cmd->args[0], cmd->args[0], cmd->args[0],
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
