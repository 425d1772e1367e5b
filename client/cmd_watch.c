/* watch: tell of newer versions; report-stale: tell that one was refused. */
#include "cmd.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "line.h"
#include "output.h"

#define LINES_MAX 8u

struct watch {
	struct cmd *cmd;
	struct line *lines; /* LINES_MAX */
	size_t count;
	bool json;
	bool once;
};

/* Add WORKSPACE/NAME to the line of its workspace. */
static int
add(struct watch *w, const char *text)
{
	struct arg_object o;
	struct problem p;
	size_t i = 0;

	if (arg_object(text, &o, &p) != COFRE_OK)
		return cmd_problem(w->cmd, COFRE_ARGUMENT, &p);
	while (i < w->count && (w->lines[i].count == WATCH_MAX ||
		strcmp(w->lines[i].workspace, o.workspace) != 0))
		i++;
	if (i == LINES_MAX)
		return cmd_error(w->cmd, COFRE_ARGUMENT,
		    "secrets of %u workspaces at most can be watched",
		    LINES_MAX);
	if (i == w->count)
		memcpy(w->lines[w->count++].workspace, o.workspace,
		    sizeof(o.workspace));
	(void)line_add(&w->lines[i], o.name, 0, 0);
	return CMD_GO;
}

/* The error names the verb itself. */
static int
fail(const struct line *l, enum cofre_status s)
{
	const struct cmd here = { .c = l->c };

	return cmd_fail(&here, s);
}

/* Connect, learn which versions there are, and wait for others. */
static int
start(struct watch *w, struct line *l)
{
	size_t which = 0;
	enum cofre_status s;

	s = cofre_open(&l->c, w->cmd->socket, 0);
	if (s == COFRE_OK) {
		call_set_client(l->c, "cofre " COFRE_VERSION);
		call_set_retry(l->c, "run it again");
	}
	while (s == COFRE_OK && which < l->count) {
		s = line_ask(l, false);
		if (s == COFRE_OK)
			s = line_take(l, &which);
	}
	if (s == COFRE_OK)
		s = line_ask(l, true);
	return s == COFRE_OK ? CMD_GO : fail(l, s);
}

/* Print one change; it is to be seen at once, also in a pipe. */
static bool
print(const struct watch *w, const struct line *l,
    const struct line_item *item)
{
	bool good;

	if (w->json) {
		good = output_json(json_pack("{s:o, s:o, s:o}", "workspace",
				       output_json_view(view_of(l->workspace)),
				       "name",
				       output_json_view(view_of(item->name)),
				       "version",
				       output_json_number(item->version)),
		    stdout);
	} else if (item->version == 0)
		good = printf("%s/%s deleted\n", l->workspace, item->name) > 0;
	else
		good = printf("%s/%s version %u\n", l->workspace, item->name,
			   item->version) > 0;
	return fflush(stdout) == 0 && good;
}

/* Take what a line has to tell. */
static int
take(struct watch *w, struct line *l)
{
	size_t which;
	enum cofre_status s = line_take(l, &which);

	if (s == COFRE_OK && which < l->count) {
		if (!print(w, l, &l->items[which]))
			return cmd_printed(w->cmd, false);
		if (w->once)
			return 0;
	}
	if (s == COFRE_OK)
		s = line_ask(l, true);
	return s == COFRE_OK ? CMD_GO : fail(l, s);
}

/* Until it is interrupted, or nobody reads any more. */
static int
follow(struct watch *w)
{
	struct pollfd p[LINES_MAX + 1];
	int code = CMD_GO;

	/* Asked for nothing, poll() tells of errors and hangups alone. */
	p[w->count] = (struct pollfd){ .fd = STDOUT_FILENO };
	for (size_t i = 0; i < w->count; i++)
		p[i] = (struct pollfd){ line_fd(&w->lines[i]), POLLIN, 0 };
	while (code == CMD_GO) {
		if (poll(p, (nfds_t)w->count + 1, -1) == -1 && errno != EINTR)
			return cmd_error(w->cmd, COFRE_NO_MEMORY, "poll: %m");
		if (p[w->count].revents != 0)
			return 0;
		for (size_t i = 0; code == CMD_GO && i < w->count; i++)
			if (line_ready(&w->lines[i]))
				code = take(w, &w->lines[i]);
	}
	return code;
}

int
cmd_watch(struct cmd *cmd, int argc, char **argv)
{
	struct watch w = { .cmd = cmd };
	const struct option_row rows[] = {
		{ "once", 0, OPTION_FLAG, NULL, &w.once,
		    "end after the first one" },
		{ "json", 0, OPTION_FLAG, NULL, &w.json,
		    "print a line of JSON for each" },
	};
	const struct option_usage u = {
		"watch WORKSPACE/NAME ... [--once] [--json]",
		"Wait, and print a line whenever one of the secrets has a "
		"newer version.\n", rows, 2, 1, LINES_MAX * WATCH_MAX };
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	w.lines = calloc(LINES_MAX, sizeof(*w.lines));
	if (w.lines == NULL)
		return cmd_error(cmd, COFRE_NO_MEMORY, "out of memory");
	for (size_t i = 0; code == CMD_GO && i < cmd->count; i++)
		code = add(&w, cmd->args[i]);
	for (size_t i = 0; code == CMD_GO && i < w.count; i++)
		code = start(&w, &w.lines[i]);
	if (code == CMD_GO)
		code = follow(&w);
	for (size_t i = 0; i < w.count; i++)
		line_close(&w.lines[i]);
	free(w.lines);
	return code;
}

int
cmd_report_stale(struct cmd *cmd, int argc, char **argv)
{
	struct option_number version = { .given = false };
	const struct option_row rows[] = {
		{ "version", 0, OPTION_NUMBER, "N", &version,
		    "the one that was refused; else the current one" },
	};
	const struct option_usage u = {
		"report-stale WORKSPACE/NAME [--version N]",
		"Say that a version was refused by what it is for.\n", rows,
		1, 1, 1 };
	struct arg_object o;
	enum cofre_status s;
	int code = cmd_start_object(cmd, &u, argc, argv, &o);

	if (code != CMD_GO)
		return code;
	s = cofre_report_stale(cmd->c, o.workspace, o.name,
	    version.given ? version.value : 0);
	if (s == COFRE_NOT_FOUND && version.given)
		return cmd_error(cmd, s,
		    "there is no such secret, or no version %u of it ('cofre "
		    "versions %s')", version.value, cmd->object);
	if (s == COFRE_CONFLICT)
		return cmd_error(cmd, s,
		    "there is a newer version than %u already: 'cofre get' "
		    "fetches it", version.value);
	return s == COFRE_OK ? 0 : cmd_fail(cmd, s);
}
