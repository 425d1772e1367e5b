/*
 * run exec: become a command that has its secrets as files.
 *
 * The run is this very process: it is looked for leaks, the run is started
 * for it, the secrets are fetched as the run, and then it executes the
 * command.  So the command has the pid that the run is bound to, and nothing
 * stands between it and whoever waits for it, signals it, or gave it a
 * terminal.
 */
#include "cmd_run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arguments.h"
#include "become.h"
#include "expand.h"
#include "leak.h"
#include "runfile.h"
#include "status.h"

struct file {
	struct runspec_secret spec;
	int fd;
	char path[32];
};

struct exec {
	struct run_about about;
	struct option_list options; /* of --secret */
	struct file files[RUN_SECRETS_MAX];
	struct expand_label labels[RUN_SECRETS_MAX];
	size_t count; /* of files and labels */
	const char *names[RUN_SECRETS_MAX]; /* of secrets, each once */
	size_t name_count;
	char **command; /* ends with NULL, as execvp(3) takes it */
	size_t words;
	struct cofre_run run;
};

/*
 * What the command line says.
 */

static int
add_file(struct cmd *cmd, struct exec *e, const char *text)
{
	struct file *f = &e->files[e->count];
	struct problem p;
	size_t i = 0;

	if (runspec_secret(text, &f->spec, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	for (size_t k = 0; k < e->count; k++)
		if (strcmp(e->files[k].spec.label, f->spec.label) == 0)
			return cmd_error(cmd, COFRE_ARGUMENT,
			    "two secrets have the label '%s': say --secret "
			    "NAME=LABEL", f->spec.label);
	f->fd = -1;
	e->labels[e->count].label = f->spec.label;
	e->count++;
	while (i < e->name_count && strcmp(e->names[i], f->spec.name) != 0)
		i++;
	if (i == e->name_count)
		e->names[e->name_count++] = f->spec.name;
	return CMD_GO;
}

/* Every secret is asked for: one that is not may be a slip of the pen. */
static int
check_labels(const struct cmd *cmd, struct exec *e)
{
	for (size_t i = 1; i < e->words; i++)
		expand_look(e->command[i], e->labels, e->count);
	for (size_t i = 0; i < e->count; i++)
		if (!e->labels[i].used)
			return cmd_error(cmd, COFRE_ARGUMENT,
			    "no argument of the command has {%s} in it, where "
			    "the path of the secret's file is to stand",
			    e->labels[i].label);
	return CMD_GO;
}

static int
read_secrets(struct cmd *cmd, struct exec *e)
{
	int code = CMD_GO;

	if ((e->options.count == 0) != e->about.no_secrets)
		return run_no_secrets(cmd, "the command gets",
		    e->about.no_secrets);
	for (size_t i = 0; i < e->options.count && code == CMD_GO; i++)
		code = add_file(cmd, e, e->options.items[i]);
	return code == CMD_GO ? check_labels(cmd, e) : code;
}

/*
 * Leaks.
 */

/*
 * Only a name that holds no secret itself is shown: the daemon is asked for
 * the name and the value apart.
 */
static bool
can_be_named(struct cmd *cmd, const struct exec *e, struct view text,
    struct view *name)
{
	char secret[COFRE_SECRET_NAME_MAX + 1];
	struct view value;
	size_t in_name, in_value;

	return leak_variable(text, name, &value) &&
	    leak_scan(cmd->c, e->about.workspace, name, 1, &in_name,
		secret) == COFRE_OK && in_name == 0 &&
	    leak_scan(cmd->c, e->about.workspace, &value, 1, &in_value,
		secret) == COFRE_OK && in_value != 0;
}

static int
refuse_variable(struct cmd *cmd, const struct exec *e, struct view text,
    size_t number, const char *secret)
{
	static const char advice[] = "every process of this user can read it "
	    "there; take it out, and ask for a file with --secret";
	struct view name;

	if (can_be_named(cmd, e, text, &name))
		return cmd_error(cmd, COFRE_INVALID,
		    "nothing was started: the environment variable %.*s holds "
		    "the secret '%s': %s", name.len > 100 ? 100 :
		    (int)name.len, (const char *)name.data, secret, advice);
	return cmd_error(cmd, COFRE_INVALID,
	    "nothing was started: string %zu of the environment holds the "
	    "secret '%s': %s", number, secret, advice);
}

static int
refuse_argument(const struct cmd *cmd, size_t number, const char *secret)
{
	return cmd_error(cmd, COFRE_INVALID,
	    "nothing was started: argument %zu of the command (0 is its name) "
	    "holds the secret '%s': everybody on this machine can read it "
	    "there; write {LABEL} in its place, and ask for a file with "
	    "--secret", number, secret);
}

static size_t
count_strings(char *const *strings)
{
	size_t n = 0;

	while (strings != NULL && strings[n] != NULL)
		n++;
	return n;
}

/* Refuse when the environment or an argument holds a secret. */
static int
check_leaks(struct cmd *cmd, const struct exec *e)
{
	size_t variables = count_strings(environ);
	size_t n = variables + e->words;
	char secret[COFRE_SECRET_NAME_MAX + 1];
	struct view *texts = calloc(n, sizeof(*texts));
	enum cofre_status s;
	struct view text;
	size_t found;

	if (texts == NULL)
		return cmd_error(cmd, COFRE_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < n; i++)
		texts[i] = view_of(i < variables ? environ[i] :
		    e->command[i - variables]);
	s = leak_scan(cmd->c, e->about.workspace, texts, n, &found, secret);
	text = s == COFRE_OK && found > 0 ? texts[found - 1] : view_of("");
	free(texts);
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	if (found == 0)
		return CMD_GO;
	if (found <= variables)
		return refuse_variable(cmd, e, text, found, secret);
	return refuse_argument(cmd, found - variables - 1, secret);
}

/*
 * The run.
 */

/*
 * This process is the run and may not end it.  A child is not: its handle
 * connects anew, as the user who started the run.  Should that fail, the run
 * ends with this process, which is about to exit.
 */
static void
end_run(struct cmd *cmd, const struct exec *e)
{
	pid_t child = fork();

	if (child == 0)
		_exit(cofre_run_end(cmd->c, e->run.workspace, e->run.id) ==
			COFRE_OK ? 0 : 1);
	while (child > 0 && waitpid(child, NULL, 0) == -1 && errno == EINTR)
		continue;
}

static enum cofre_status
fetch(struct cmd *cmd, const struct exec *e, const struct file *f,
    cofre_secret **secret)
{
	const char *field = f->spec.content == RUNSPEC_FIELD ? f->spec.part :
							       NULL;

	return cofre_get(cmd->c, e->about.workspace, f->spec.name, 0, field,
	    secret);
}

static int
make_file(struct cmd *cmd, struct exec *e, size_t i)
{
	char object[COFRE_WORKSPACE_NAME_MAX + 1 + COFRE_SECRET_NAME_MAX + 1];
	struct file *f = &e->files[i];
	cofre_secret *secret;
	enum cofre_status s;
	struct problem p;
	int code;

	s = fetch(cmd, e, f, &secret);
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	(void)snprintf(object, sizeof(object), "%s/%s", e->about.workspace,
	    f->spec.name);
	cmd->object = object;
	s = runfile_make(secret, &f->spec, object, &f->fd, &p);
	code = s == COFRE_OK ? CMD_GO : cmd_problem(cmd, s, &p);
	cmd->object = e->about.workspace;
	cofre_secret_free(secret);
	(void)snprintf(f->path, sizeof(f->path), "/proc/self/fd/%d", f->fd);
	e->labels[i].path = f->path;
	return code;
}

/* The arguments with paths in them; what is replaced stays allocated. */
static int
expand(const struct cmd *cmd, struct exec *e)
{
	for (size_t i = 1; i < e->words; i++) {
		e->command[i] = expand_make(e->command[i], e->labels,
		    e->count);
		if (e->command[i] == NULL)
			return cmd_error(cmd, COFRE_NO_MEMORY,
			    "out of memory");
	}
	return CMD_GO;
}

/*
 * Becoming the command.
 */

/*
 * Everything but standard input, output and error and the secrets is closed
 * by the exec, not before: if that fails, the daemon is still to be told.
 */
static bool
clean_descriptors(const struct exec *e)
{
	if (close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) == -1)
		return false;
	for (size_t i = 0; i < e->count; i++)
		if (fcntl(e->files[i].fd, F_SETFD, 0) == -1)
			return false;
	return true;
}

/* Returns only when it fails. */
static int
become(const struct cmd *cmd, const struct exec *e)
{
	if (!clean_descriptors(e))
		return cmd_error(cmd, COFRE_INTERNAL,
		    "can't keep this program's files from the command: %s",
		    strerror(errno));
	return become_program(cmd, e->command);
}

static int
run_command(struct cmd *cmd, struct exec *e)
{
	int code = CMD_GO;

	for (size_t i = 0; i < e->count && code == CMD_GO; i++)
		code = make_file(cmd, e, i);
	if (code == CMD_GO)
		code = expand(cmd, e);
	return code == CMD_GO ? become(cmd, e) : code;
}

static int
exec(struct cmd *cmd, struct exec *e)
{
	struct cofre_run_options o;
	enum cofre_status s;
	int code = run_about(cmd, &e->about, &o);

	if (code == CMD_GO)
		code = read_secrets(cmd, e);
	if (code != CMD_GO)
		return code;
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	code = check_leaks(cmd, e);
	if (code != CMD_GO)
		return code;
	o.target = COFRE_RUN_SELF;
	o.secrets = e->names;
	o.secret_count = e->name_count;
	s = cofre_run_start(cmd->c, &o, &e->run, NULL, 0);
	if (s != COFRE_OK)
		return run_not_started(cmd, s, o.secret_count > 0);
	code = run_command(cmd, e);
	end_run(cmd, e);
	return code;
}

int
run_exec(struct cmd *cmd, int argc, char **argv)
{
	struct exec e = { .count = 0 };
	const struct option_row rows[] = {
		{ "workspace", 'w', OPTION_TEXT, "W", &e.about.workspace,
		    "where the secrets are" },
		{ "secret", 0, OPTION_LIST, "S", &e.options,
		    "NAME[:FIELD|:FORMAT][=LABEL]; several times" },
		{ "no-secrets", 0, OPTION_FLAG, NULL, &e.about.no_secrets,
		    "none: it uses targets alone" },
		{ "lifetime", 0, OPTION_TEXT, "TIME", &e.about.lifetime,
		    "of the run: 90s, 15m or 24h; 1h otherwise" },
		{ "label", 0, OPTION_TEXT, "TEXT", &e.about.label,
		    "for people" },
		{ "snapshot", 0, OPTION_TEXT, "D", &e.about.snapshot,
		    "sha256:HEX of what is run" },
	};
	const struct option_usage u = {
		"run exec -w WORKSPACE (--secret NAME[:FIELD|:FORMAT][=LABEL]"
		"... | --no-secrets)\n       [--lifetime TIME] [--label TEXT] [--snapshot "
		"sha256:HEX] -- CMD [ARG ...]",
		"Execute a command that has secrets as files: {NAME}, or "
		"{LABEL}, in an argument\nbecomes the file's path; write {{ "
		"for a brace.  It is a run, which ends with it.\nNothing is "
		"started when its environment or its arguments hold a "
		"secret.\n", rows, 6, 0, 0
	};
	int at = arg_command(argc, argv);
	int code = cmd_parse(cmd, &u, at, argv);

	if (code != CMD_GO)
		return code;
	if (at + 1 >= argc)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "say the command, behind --: cofre run exec -w WORKSPACE "
		    "--secret NAME -- CMD {NAME}");
	e.command = argv + at + 1;
	e.words = (size_t)(argc - at - 1);
	return exec(cmd, &e);
}
