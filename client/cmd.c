#include "cmd.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "output.h"
#include "prompt.h"
#include "secmem.h"
#include "status.h"

/* Print a line on standard error; vault and user may have any byte in it. */
static void
complain(const char *verb, const char *object, const char *text)
{
	(void)fflush(stdout);
	(void)fprintf(stderr, "cofre: %s", verb);
	if (object != NULL) {
		(void)fputc(' ', stderr);
		output_text(stderr, view_of(object));
	}
	(void)fprintf(stderr, "%s", *verb == '\0' ? "" : ": ");
	output_text(stderr, view_of(text));
	(void)fputc('\n', stderr);
}

int
cmd_error(const struct cmd *cmd, enum cofre_status s, const char *format, ...)
{
	struct problem p;
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(p.text, sizeof(p.text), format, ap);
	va_end(ap);
	return cmd_problem(cmd, s, &p);
}

int
cmd_problem(const struct cmd *cmd, enum cofre_status s,
    const struct problem *p)
{
	complain(cmd->verb, cmd->object, p->text);
	return status_exit_code(s);
}

int
cmd_fail(const struct cmd *cmd, enum cofre_status s)
{
	complain("", NULL, cofre_error(cmd->c));
	return status_exit_code(s);
}

void
cmd_note(const struct cmd *cmd, const char *format, ...)
{
	struct problem p;
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(p.text, sizeof(p.text), format, ap);
	va_end(ap);
	complain(cmd->verb, cmd->object, p.text);
}

void
cmd_warn(const char *format, ...)
{
	struct problem p;
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(p.text, sizeof(p.text), format, ap);
	va_end(ap);
	complain("warning", NULL, p.text);
}

int
cmd_printed(const struct cmd *cmd, bool good)
{
	/* Of standard output, cmd_end() says it. */
	if (!good && ferror(stdout) == 0)
		return cmd_error(cmd, COFRE_NO_MEMORY, "out of memory");
	return status_exit_code(COFRE_OK);
}

int
cmd_listed(const struct cmd *cmd, const struct wire_reader *r,
    struct listing *l)
{
	if (wire_reader_done(r))
		return cmd_printed(cmd, listing_print(l, stdout));
	listing_free(l);
	return cmd_fail(cmd, call_bad_reply(cmd->c));
}

static void
print_verbs(const struct cmd *cmd, const struct verb *table, size_t count,
    FILE *f)
{
	(void)fprintf(f, "usage: cofre [--socket PATH] %s%sVERB ...\n\n",
	    cmd->verb, cmd->verb[0] == '\0' ? "" : " ");
	for (size_t i = 0; i < count; i++)
		if (table[i].help[0] != '\0')
			(void)fprintf(f, "  %-11s %s\n", table[i].name,
			    table[i].help);
	(void)fprintf(f,
	    "\nEach verb has --help; cofre(1) tells everything.\n");
}

static void
add_verb(struct cmd *cmd, const char *name)
{
	size_t len = strlen(cmd->verb);

	(void)snprintf(cmd->verb + len, sizeof(cmd->verb) - len, "%s%s",
	    len == 0 ? "" : " ", name);
}

int
cmd_run(struct cmd *cmd, const struct verb *table, size_t count, int argc,
    char **argv)
{
	if (argc < 2) {
		print_verbs(cmd, table, count, stderr);
		return status_exit_code(COFRE_ARGUMENT);
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_verbs(cmd, table, count, stdout);
		return 0;
	}
	for (size_t i = 0; i < count; i++) {
		if (strcmp(table[i].name, argv[1]) != 0)
			continue;
		add_verb(cmd, table[i].name);
		return table[i].run(cmd, argc - 1, argv + 1);
	}
	return cmd_error(cmd, COFRE_ARGUMENT,
	    "there is no verb '%.40s'; 'cofre%s%s --help' lists them", argv[1],
	    cmd->verb[0] == '\0' ? "" : " ", cmd->verb);
}

int
cmd_parse(struct cmd *cmd, const struct option_usage *u, int argc,
    char **argv)
{
	struct problem p;

	switch (options_parse(u, argc, argv, &cmd->args, &cmd->count, &p)) {
	case OPTION_RUN:
		return CMD_GO;
	case OPTION_HELP:
		options_help(u, stdout);
		return 0;
	case OPTION_BAD:
		break;
	}
	return cmd_problem(cmd, COFRE_ARGUMENT, &p);
}

int
cmd_parse_workspace(struct cmd *cmd, const struct option_usage *u, int argc,
    char **argv, struct view *workspace)
{
	struct problem p;
	int code = cmd_parse(cmd, u, argc, argv);

	if (code != CMD_GO)
		return code;
	if (arg_workspace(cmd->args[0], workspace, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	cmd->object = cmd->args[0];
	return CMD_GO;
}

int
cmd_parse_object(struct cmd *cmd, const struct option_usage *u, int argc,
    char **argv, struct arg_object *o)
{
	struct problem p;
	int code = cmd_parse(cmd, u, argc, argv);

	if (code != CMD_GO)
		return code;
	if (arg_object(cmd->args[0], o, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	cmd->object = cmd->args[0];
	return CMD_GO;
}

/* Connect, when what came before it has not ended the program. */
static int
connect_after(struct cmd *cmd, int code)
{
	enum cofre_status s;

	if (code != CMD_GO)
		return code;
	s = cmd_open(cmd);
	return s == COFRE_OK ? CMD_GO : status_exit_code(s);
}

int
cmd_start_workspace(struct cmd *cmd, const struct option_usage *u, int argc,
    char **argv, struct view *workspace)
{
	return connect_after(cmd,
	    cmd_parse_workspace(cmd, u, argc, argv, workspace));
}

int
cmd_start_object(struct cmd *cmd, const struct option_usage *u, int argc,
    char **argv, struct arg_object *o)
{
	return connect_after(cmd, cmd_parse_object(cmd, u, argc, argv, o));
}

enum cofre_status
cmd_connect(struct cmd *cmd)
{
	enum cofre_status s;

	if (cmd->c != NULL)
		return COFRE_OK;
	s = cofre_open(&cmd->c, cmd->socket, cmd->timeout);
	if (s != COFRE_OK)
		return s;
	call_set_client(cmd->c, "cofre " COFRE_VERSION);
	call_set_retry(cmd->c, "run it again");
	call_set_verb(cmd->c, cmd->verb);
	return COFRE_OK;
}

enum cofre_status
cmd_open(struct cmd *cmd)
{
	enum cofre_status s = cmd_connect(cmd);

	if (s != COFRE_OK)
		(void)cmd_fail(cmd, s);
	return s;
}

enum cofre_status
cmd_call(struct cmd *cmd, struct view *body)
{
	return call_run(cmd->c, cmd->verb,
	    cmd->object != NULL ? cmd->object : "", body);
}

enum cofre_status
cmd_call_empty(struct cmd *cmd)
{
	struct view body;
	enum cofre_status s = cmd_call(cmd, &body);

	if (s == COFRE_OK && body.len > 0)
		s = call_bad_reply(cmd->c);
	call_done(cmd->c);
	return s;
}

enum cofre_status
cmd_state(struct cmd *cmd, uint8_t *state)
{
	const struct status_request q = { 0 };
	struct status_reply m;
	struct view body;
	enum cofre_status s = cmd_open(cmd);

	if (s != COFRE_OK)
		return s;
	status_request_put(call_begin(cmd->c, OP_STATUS), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !status_reply_decode(body, &m))
		s = call_bad_reply(cmd->c);
	if (s != COFRE_OK)
		(void)cmd_fail(cmd, s);
	else
		*state = m.state;
	return s;
}

void
cmd_close(struct cmd *cmd)
{
	cofre_close(cmd->c);
	cmd->c = NULL;
}

int
cmd_confirm(const struct cmd *cmd, const char *name, const char *yes,
    const char *what)
{
	char text[400];

	if (yes != NULL && strcmp(yes, name) == 0)
		return CMD_GO;
	if (yes != NULL)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "--yes=%s does not name %s: nothing was done", yes, name);
	if (isatty(STDIN_FILENO) != 1)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "there is nobody to ask: say --yes=%s", name);
	(void)snprintf(text, sizeof(text),
	    "%s.\nType its name to go on: ", what);
	if (prompt_is(text, name))
		return CMD_GO;
	return cmd_error(cmd, COFRE_ARGUMENT,
	    "that was not '%s': nothing was done", name);
}

int
cmd_end(const struct cmd *cmd, int code)
{
	bool good = fflush(stdout) == 0 && ferror(stdout) == 0;

	/* What copying left of secrets. */
	secmem_wipe_stack();
	secmem_wipe_registers();
	if (good)
		return code;
	(void)cmd_error(cmd, COFRE_INTERNAL, "standard output: %s",
	    strerror(errno));
	return code != 0 ? code : status_exit_code(COFRE_INTERNAL);
}

uint64_t
cmd_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}
