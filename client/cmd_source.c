/* source set, clear, list: where new values of a credential come from. */
#include "cmd.h"

#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "names.h"
#include "resync_keys.h"
#include "status.h"

/* NAME=VALUE, as an item of the list. */
static enum cofre_status
put_argument(struct wire_writer *w, struct wire_list *l, const char *text,
    struct problem *p)
{
	const char *equals = strchr(text, '=');
	struct argument_item m;

	if (equals == NULL)
		return problem_set(p, COFRE_ARGUMENT,
		    "'%.60s' is no argument: write NAME=VALUE", text);
	m.name = (struct view){ (const uint8_t *)text,
		(size_t)(equals - text) };
	m.value = view_of(equals + 1);
	if (!name_is_field(m.name) || m.value.len > SOURCE_VALUE_MAX)
		return problem_set(p, COFRE_ARGUMENT,
		    "'%.60s': a name is letters, digits and ._-, a value has "
		    "at most %u bytes", text, SOURCE_VALUE_MAX);
	argument_item_put(w, &m);
	list_item(l);
	return COFRE_OK;
}

/* The arguments of the command line as a list in buffer. */
static enum cofre_status
take_arguments(const struct cmd *cmd, uint8_t *buffer, size_t size,
    struct list *ret, struct problem *p)
{
	struct wire_writer w;
	struct wire_list l;
	enum cofre_status s = COFRE_OK;

	wire_writer_init(&w, buffer, size);
	list_begin(&l, &w);
	for (size_t i = 2; i < cmd->count && s == COFRE_OK; i++)
		s = put_argument(&w, &l, cmd->args[i], p);
	list_end(&l);
	if (s != COFRE_OK)
		return s;
	*ret = list_made(&w, 0, SOURCE_ARGUMENTS_MAX);
	return ret->count != l.count ?
	    problem_set(p, COFRE_ARGUMENT, "a source has at most %u arguments",
		SOURCE_ARGUMENTS_MAX) :
	    COFRE_OK;
}

/* The administrator's rules, when they are there to be read, and no line of
   them allows it. */
static void
warn_of_rules(const struct cmd *cmd, const char *sources,
    const struct source_question *q)
{
	struct source_dir dir;
	struct problem p;
	char line[200];
	enum cofre_status s = source_dir_open(sources, &dir, &p);

	if (s == COFRE_FORMAT)
		cmd_warn("%s: each resync of it will fail: %s", cmd->object,
		    p.text);
	if (s != COFRE_OK)
		return;
	if (!source_rules_allow((struct view){ (const uint8_t *)dir.rules,
		dir.rules_len }, q))
		cmd_warn("%s: each resync of it will fail, for no line of "
		    "%s/rules allows it; it would be: %s", cmd->object,
		    sources, source_rules_line(q, line, sizeof(line)));
	source_dir_close(&dir);
}

/* Say so when what was set will come to nothing. */
static void
warn(const struct cmd *cmd, const char *sources,
    const struct secret_source_request *q)
{
	struct source_pair pairs[SOURCE_ARGUMENTS_MAX];
	const struct source_question question = { q->source, q->workspace,
		pairs, q->arguments.count };
	struct wire_reader r = list_reader(q->arguments);
	struct argument_item m;
	struct problem p;

	for (uint32_t i = 0; i < q->arguments.count; i++) {
		argument_item_get(&r, &m);
		pairs[i] = (struct source_pair){ m.name, m.value };
	}
	if (source_rules_possible(&question, &p) != COFRE_OK)
		cmd_warn("%s: each resync of it will fail, for no rule can "
		    "allow it: %s", cmd->object, p.text);
	else
		warn_of_rules(cmd, sources, &question);
}

/*
 * A datastore that follows has its key from elsewhere, which a source of its
 * own would never reach.  CMD_GO, or an exit code.  Who may set a source and
 * not see the secret is not told.
 */
static int
refuse_follower(struct cmd *cmd, const struct arg_object *o)
{
	const struct secret_show_request q = { view_of(o->workspace),
		view_of(o->name) };
	struct secret_show_reply m;
	struct view body;
	char follows[COFRE_SECRET_NAME_MAX + 1];
	enum cofre_status s = cmd_open(cmd);

	if (s != COFRE_OK)
		return status_exit_code(s);
	secret_show_request_put(call_begin(cmd->c, OP_SECRET_SHOW), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_DENIED)
		return CMD_GO;
	if (s == COFRE_OK && !secret_show_reply_decode(body, &m))
		s = call_bad_reply(cmd->c);
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	if (m.follows.len == 0)
		return CMD_GO;
	(void)snprintf(follows, sizeof(follows), "%.*s", (int)m.follows.len,
	    (const char *)m.follows.data);
	return cmd_error(cmd, COFRE_INVALID,
	    "it follows %s, and has its key from there: set the source of "
	    "%s/%s, or have it follow none", follows, o->workspace, follows);
}

/* Set the source that the request says. */
static int
send_source(struct cmd *cmd, const struct secret_source_request *q)
{
	enum cofre_status s = cmd_open(cmd);

	if (s != COFRE_OK)
		return status_exit_code(s);
	secret_source_request_put(call_begin(cmd->c, OP_SECRET_SOURCE), q);
	s = cmd_call_empty(cmd);
	if (s == COFRE_INVALID)
		return cmd_error(cmd, s,
		    "the vault refuses that: an argument is there twice, or "
		    "has a control character in its value");
	return s == COFRE_OK ? 0 : cmd_fail(cmd, s);
}

static int
set(struct cmd *cmd, int argc, char **argv)
{
	const char *sources = NULL;
	const struct option_row rows[] = {
		{ "sources", 0, OPTION_TEXT, "DIR", &sources,
		    "where the rules are" },
	};
	const struct option_usage u = {
		"source set WORKSPACE/NAME SOURCE [NAME=VALUE ...] "
		"[--sources DIR]",
		"Say which program new values of a credential come from, and "
		"what it is told.\nIt is run by 'cofre resync-keys'; what it "
		"may be told is for the administrator\nto say, see "
		"cofre-source(7).  Nothing of it is secret: it can be listed.\n",
		rows, 1, 2, 2 + SOURCE_ARGUMENTS_MAX };
	uint8_t buffer[SOURCE_ARGUMENTS_MAX *
		(SOURCE_VALUE_MAX + COFRE_FIELD_NAME_MAX + 8) + 8];
	struct secret_source_request q = { .source = { NULL, 0 } };
	struct arg_object object;
	struct problem p;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	if (arg_object(cmd->args[0], &object, &p) != COFRE_OK ||
	    take_arguments(cmd, buffer, sizeof(buffer), &q.arguments, &p) !=
		COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	cmd->object = cmd->args[0];
	q.workspace = view_of(object.workspace);
	q.name = view_of(object.name);
	q.source = view_of(cmd->args[1]);
	if (!name_is_source(q.source))
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "'%.70s' is no source: a name is letters, digits and ._-, "
		    "at most %u", cmd->args[1], SOURCE_NAME_MAX);
	code = refuse_follower(cmd, &object);
	if (code == CMD_GO)
		code = send_source(cmd, &q);
	if (code == 0)
		warn(cmd, sources != NULL ? sources : SOURCE_DIR, &q);
	return code;
}

static int
clear(struct cmd *cmd, int argc, char **argv)
{
	const struct option_usage u = { "source clear WORKSPACE/NAME",
		"Take the source of a credential away.  Its value stays.\n",
		NULL, 0, 1, 1 };
	struct secret_source_request q = { .source = { NULL, 0 } };
	struct arg_object object;
	int code = cmd_parse_object(cmd, &u, argc, argv, &object);

	if (code != CMD_GO)
		return code;
	q.workspace = view_of(object.workspace);
	q.name = view_of(object.name);
	return send_source(cmd, &q);
}

/* The arguments, each as it is written on a command line. */
static void
list_arguments(struct listing *l, const struct resync_key *k)
{
	char text[SOURCE_ARGUMENTS_MAX]
		 [SOURCE_VALUE_MAX + COFRE_FIELD_NAME_MAX + 2];
	const char *texts[SOURCE_ARGUMENTS_MAX];
	size_t n = 0;

	for (; n < k->item.arguments.count && n < SOURCE_ARGUMENTS_MAX; n++) {
		const struct source_pair *a = &k->arguments[n];

		(void)snprintf(text[n], sizeof(text[n]), "%.*s=%.*s",
		    (int)a->name.len, (const char *)a->name.data,
		    (int)a->value.len,
		    a->value.len == 0 ? "" : (const char *)a->value.data);
		texts[n] = text[n];
	}
	listing_texts(l, texts, n);
}

static void
list_key(struct listing *l, const struct resync_key *k)
{
	listing_text(l, k->name);
	listing_text(l, kind_name(k->item.kind));
	listing_text(l, k->source);
	list_arguments(l, k);
	listing_number(l, k->item.version);
	if (k->item.stale == 0)
		listing_text(l, "");
	else
		listing_number(l, k->item.stale);
	listing_time(l, k->item.checked);
	listing_note(l, k->item.problem);
}

static int
list(struct cmd *cmd, int argc, char **argv)
{
	static const struct listing_column columns[] = { { "NAME", "name" },
		{ "KIND", "kind" }, { "SOURCE", "source" },
		{ "ARGUMENTS", "arguments" }, { "VERSION", "version" },
		{ "STALE", "stale" }, { "CHECKED", "checked" },
		{ "PROBLEM", "problem" } };
	struct resync_keys keys = { .count = 0 };
	bool json = false;
	const struct option_row rows[] = {
		{ "json", 0, OPTION_FLAG, NULL, &json, "print JSON" },
	};
	const struct option_usage u = { "source list WORKSPACE [--json]",
		"List the credentials that have a source.  Who may "
		"resynchronise the workspace\nmay see them.\n", rows, 1, 1,
		1 };
	struct view workspace;
	struct listing *l;
	enum cofre_status s;
	int code = cmd_start_workspace(cmd, &u, argc, argv, &workspace);

	if (code != CMD_GO)
		return code;
	s = resync_keys_read(cmd, workspace, 0, &keys);
	l = listing_new(json, columns, 8);
	for (size_t i = 0; i < keys.count; i++)
		list_key(l, &keys.at[i]);
	resync_keys_free(&keys);
	if (s == COFRE_OK)
		return cmd_printed(cmd, listing_print(l, stdout));
	listing_free(l);
	return cmd_fail(cmd, s);
}

int
cmd_source(struct cmd *cmd, int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "set", set, "say where new values come from" },
		{ "clear", clear, "take that away" },
		{ "list", list, "list what has a source" },
	};

	return cmd_run(cmd, verbs, 3, argc, argv);
}
