/* get: the one verb that gives a secret out. */
#include "cmd.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arguments.h"
#include "format.h"
#include "newfile.h"
#include "reveal.h"
#include "status.h"

struct get {
	struct arg_object object;
	struct option_number version;
	const char *field;
	const char *format;
	bool json;
	bool reveal;
	const char *output;
	struct newfile file; /* of --output */
	bool terminal;	     /* what is written is shown to a person */
};

/* Where it goes is judged before anything is fetched. */
static int
check_place(const struct cmd *cmd, struct get *g)
{
	if (g->output != NULL)
		return CMD_GO;
	g->terminal = isatty(STDOUT_FILENO) == 1;
	if (g->terminal && !g->reveal)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "standard output is a terminal: say --reveal to show the "
		    "secret there, or send it to a program or a file");
	return CMD_GO;
}

static int
check_options(const struct cmd *cmd, const struct get *g)
{
	int ways = (g->field != NULL) + (g->format != NULL) + g->json;

	if (ways > 1)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "--field, --format and --json exclude each other");
	if (g->format != NULL && format_find(g->format) == 0)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "'%.40s' is no format: connection-string, sas, ado, "
		    "libpq, postgres-uri or mysql-uri", g->format);
	if (g->version.given && g->version.value == 0)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "versions have the numbers 1, 2, ...");
	return CMD_GO;
}

static int
write_failed(const struct cmd *cmd, const struct get *g)
{
	return cmd_error(cmd, COFRE_INTERNAL, "can't write to %s: %s",
	    g->output != NULL ? g->output : "standard output",
	    strerror(errno));
}

/* Write it out; a line that a person reads is ended. */
static int
give(const struct cmd *cmd, struct get *g, struct view v)
{
	int fd = g->output != NULL ? g->file.fd : STDOUT_FILENO;

	if (reveal_is_exposed(fd))
		cmd_warn("the secret goes to a file that others can read");
	if (!reveal_write(fd, v))
		return write_failed(cmd, g);
	if (g->terminal && (v.len == 0 || v.data[v.len - 1] != '\n') &&
	    !reveal_write(fd, view_of("\n")))
		return write_failed(cmd, g);
	if (g->output != NULL && !newfile_close(&g->file))
		return write_failed(cmd, g);
	return 0;
}

static int
give_field(const struct cmd *cmd, struct get *g, const cofre_secret *s,
    const char *name)
{
	struct view v = { NULL, 0 };

	v.data = (const uint8_t *)cofre_secret_field(s, name, &v.len);
	if (v.data == NULL)
		return cmd_error(cmd, COFRE_NO_FIELD,
		    "the secret has no such field");
	return give(cmd, g, v);
}

/* Say which fields there are to choose from. */
static int
which_field(const struct cmd *cmd, const cofre_secret *s)
{
	char names[300];

	return cmd_error(cmd, COFRE_ARGUMENT,
	    "say which field is wanted (--field), or --json for all: %s",
	    reveal_names(s, names, sizeof(names)));
}

static int
give_format(const struct cmd *cmd, struct get *g, const cofre_secret *s)
{
	char error[COFRE_ERROR_MAX];
	char *text;
	size_t len;
	enum cofre_status st;
	int code;

	st = cofre_render(format_find(g->format), s, &text, &len, error);
	if (st != COFRE_OK)
		return cmd_error(cmd, st, "%s", error);
	code = give(cmd, g, (struct view){ (const uint8_t *)text, len });
	cofre_text_free(text);
	return code;
}

static int
give_json(const struct cmd *cmd, struct get *g, const cofre_secret *s)
{
	struct secmem m;
	struct view text;
	enum cofre_status st = reveal_json(s, cmd->object, &m, &text);
	int code;

	if (st != COFRE_OK)
		return cmd_error(cmd, st, "out of memory");
	code = give(cmd, g, text);
	secmem_free(&m);
	return code;
}

static int
give_secret(const struct cmd *cmd, struct get *g, const cofre_secret *s)
{
	const char *only;

	if (g->json)
		return give_json(cmd, g, s);
	if (g->format != NULL)
		return give_format(cmd, g, s);
	if (g->field != NULL)
		return give_field(cmd, g, s, g->field);
	only = reveal_only(s);
	if (only == NULL)
		return which_field(cmd, s);
	return give_field(cmd, g, s, only);
}

static int
fetch(struct cmd *cmd, struct get *g)
{
	cofre_secret *secret;
	enum cofre_status s = cmd_open(cmd);
	int code;

	if (s != COFRE_OK)
		return status_exit_code(s);
	s = cofre_get(cmd->c, g->object.workspace, g->object.name,
	    g->version.value, g->field, &secret);
	if (s == COFRE_NOT_FOUND && g->version.value != 0)
		return cmd_error(cmd, s,
		    "there is no such secret, or no version %u of it ('cofre "
		    "versions %s')", g->version.value, cmd->object);
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	code = give_secret(cmd, g, secret);
	cofre_secret_free(secret);
	return code;
}

static int
get(struct cmd *cmd, struct get *g)
{
	struct problem p;
	int code;

	if (arg_object(cmd->args[0], &g->object, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	cmd->object = cmd->args[0];
	code = check_options(cmd, g);
	if (code == CMD_GO)
		code = check_place(cmd, g);
	if (code != CMD_GO)
		return code;
	if (g->output != NULL && !newfile_create(&g->file, g->output))
		return cmd_error(cmd, COFRE_ARGUMENT, "can't make %s: %s",
		    g->output, strerror(errno));
	code = fetch(cmd, g);
	/* Nothing when all went well: the file is closed then. */
	newfile_remove(&g->file);
	return code;
}

int
cmd_get(struct cmd *cmd, int argc, char **argv)
{
	struct get g = { .file = NEWFILE_NONE };
	const struct option_row rows[] = {
		{ "version", 0, OPTION_NUMBER, "N", &g.version,
		    "that version, not the current one" },
		{ "field", 0, OPTION_TEXT, "F", &g.field,
		    "that field; no other leaves the daemon" },
		{ "format", 0, OPTION_TEXT, "F", &g.format,
		    "all of it, as a text: connection-string, ..." },
		{ "json", 0, OPTION_FLAG, NULL, &g.json,
		    "all of it, as a JSON object" },
		{ "reveal", 0, OPTION_FLAG, NULL, &g.reveal,
		    "also when standard output is a terminal" },
		{ "output", 0, OPTION_TEXT, "FILE", &g.output,
		    "to a new file of mode 0600" },
	};
	const struct option_usage u = {
		"get WORKSPACE/NAME [--version N] [--field F | --format F | "
		"--json]\n       [--reveal] [--output FILE]",
		"Fetch a secret and write it to standard output, byte for "
		"byte.  Without --field,\n--format and --json it must have "
		"one secret field.\n", rows, 6, 1, 1
	};
	int code = cmd_parse(cmd, &u, argc, argv);

	return code == CMD_GO ? get(cmd, &g) : code;
}
