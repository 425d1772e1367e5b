/* role: what each role may, and the making of new ones; the actions are in
   cmd_role_actions.c. */
#include "cmd.h"

#include <string.h>

#include "actions.h"
#include "arguments.h"
#include "input.h"
#include "names.h"
#include "output.h"
#include "rolejson.h"
#include "status.h"

static int
print_roles(struct cmd *cmd, struct list items, bool json)
{
	static const struct listing_column columns[] = { { "NAME", "name" },
		{ "KIND", "kind" }, { "VERSION", "version" },
		{ "CREATED", "created" }, { "GRANTS", "grants" } };
	struct listing *l = listing_new(json, columns, 5);
	struct wire_reader r = list_reader(items);
	struct role_item m;

	for (uint32_t i = 0; i < items.count; i++) {
		role_item_get(&r, &m);
		listing_view(l, m.name);
		listing_text(l, m.custom ? "custom" : "built-in");
		listing_number(l, m.version);
		listing_time(l, m.created);
		listing_number(l, m.grants);
	}
	return cmd_listed(cmd, &r, l);
}

static int
list(struct cmd *cmd, int argc, char **argv)
{
	bool json = false;
	const struct option_row rows[] = {
		{ "json", 0, OPTION_FLAG, NULL, &json, "print JSON" },
	};
	const struct option_usage u = { "role list [WORKSPACE] [--json]",
		"List the roles: all of them, or those that can be given in "
		"a workspace.\n", rows, 1, 0, 1 };
	struct role_list_request q = { view_of("") };
	struct role_list_reply m;
	struct problem p;
	struct view body;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	if (cmd->count == 1 && strcmp(cmd->args[0], "/") != 0 &&
	    arg_workspace(cmd->args[0], &q.workspace, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	cmd->object = cmd->count == 1 ? cmd->args[0] : NULL;
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	role_list_request_put(call_begin(cmd->c, OP_ROLE_LIST), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !role_list_reply_decode(body, &m))
		s = call_bad_reply(cmd->c);
	return s == COFRE_OK ? print_roles(cmd, m.items, json) :
			       cmd_fail(cmd, s);
}

/* A role's name, as the first argument. */
static enum cofre_status
take_name(struct cmd *cmd, struct view *ret, struct problem *p)
{
	struct view name = view_of(cmd->args[0]);

	if (!name_is_role(name))
		return problem_set(p, COFRE_ARGUMENT,
		    "'%.80s' is no role's name: at most %u of A-Z a-z 0-9 . "
		    "_ - and blanks, a letter or digit first and no blank "
		    "last", cmd->args[0], ROLE_NAME_MAX);
	cmd->object = cmd->args[0];
	*ret = name;
	return COFRE_OK;
}

static bool
print_patterns(const char *head, struct list items)
{
	struct wire_reader r = list_reader(items);
	struct pattern_item m;

	for (uint32_t i = 0; i < items.count; i++) {
		pattern_item_get(&r, &m);
		if (r.bad)
			return false;
		(void)printf("%-14s  ", head);
		output_text(stdout, m.pattern);
		(void)putchar('\n');
	}
	return wire_reader_done(&r);
}

static bool
print_scopes(struct list items)
{
	struct wire_reader r = list_reader(items);
	struct scope_item m;

	for (uint32_t i = 0; i < items.count; i++) {
		scope_item_get(&r, &m);
		if (r.bad)
			return false;
		(void)printf("%-14s  /", "scope");
		output_text(stdout, m.workspace);
		if (m.prefix.len > 0) {
			(void)putchar('/');
			output_text(stdout, m.prefix);
			(void)putchar('*');
		}
		(void)putchar('\n');
	}
	return wire_reader_done(&r);
}

static void
print_actions(uint64_t set)
{
	enum action a;

	for (size_t i = 1; (a = action_at(i)) != ACTION_NONE; i++)
		if ((set & action_bit(a)) != 0)
			(void)printf("%-14s  %s\n", "may", action_name(a));
	if (set == 0)
		(void)printf("%-14s  nothing\n", "may");
}

static bool
print_role(const struct role_show_reply *m)
{
	char time[OUTPUT_TIME];

	(void)printf("%-14s  ", "name");
	output_text(stdout, m->name);
	(void)printf("\n%-14s  %s\n", "kind",
	    m->custom ? "custom" : "built-in");
	(void)printf("%-14s  %u\n", "grants", m->grants);
	if (m->custom) {
		(void)printf("%-14s  %u\n", "version", m->version);
		(void)printf("%-14s  %s\n", "created",
		    output_time(m->created, time));
		(void)printf("%-14s  %u\n", "by uid", m->uid);
		(void)printf("%-14s  ", "description");
		output_text(stdout, m->description);
		(void)putchar('\n');
	}
	if (!print_patterns("Actions", m->patterns) ||
	    !print_patterns("NotActions", m->not_actions) ||
	    !print_patterns("DataActions", m->data_actions) ||
	    !print_patterns("NotDataActions", m->not_data_actions) ||
	    !print_scopes(m->scopes))
		return false;
	print_actions(m->actions);
	return true;
}

/* Connect, and ask; *m points into the reply. */
static enum cofre_status
ask(struct cmd *cmd, const struct role_show_request *q,
    struct role_show_reply *m)
{
	struct view body;
	enum cofre_status s;

	role_show_request_put(call_begin(cmd->c, OP_ROLE_SHOW), q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !role_show_reply_decode(body, m))
		s = call_bad_reply(cmd->c);
	return s;
}

static int
print_json(const struct cmd *cmd, const struct role_show_reply *m)
{
	json_t *all;
	enum cofre_status s = rolejson_make(m, &all);

	if (s == COFRE_BAD_REPLY)
		return cmd_fail(cmd, call_bad_reply(cmd->c));
	return cmd_printed(cmd, s == COFRE_OK && output_json(all, stdout));
}

struct show {
	const char *workspace;
	struct option_number version;
	bool json;
};

static enum cofre_status
take_question(struct cmd *cmd, const struct show *o,
    struct role_show_request *q, struct problem *p)
{
	enum cofre_status s = take_name(cmd, &q->name, p);

	q->workspace = view_of("");
	q->version = o->version.value;
	if (s == COFRE_OK && o->version.given && o->version.value == 0)
		s = problem_set(p, COFRE_ARGUMENT,
		    "versions have the numbers 1, 2, ...");
	if (s == COFRE_OK && o->workspace != NULL)
		s = arg_workspace(o->workspace, &q->workspace, p);
	return s;
}

/* Why it is not shown. */
static int
not_shown(const struct cmd *cmd, const struct show *o, enum cofre_status s)
{
	const char *workspace = o->workspace != NULL ? o->workspace : "";
	const char *what = *workspace != '\0' ?
	    "workspace, or no such role there" : "role";

	if (s == COFRE_NOT_FOUND && o->version.given)
		return cmd_error(cmd, s,
		    "there is no such %s, or no version %u of it, as a built-in "
		    "one has none ('cofre role list')", what,
		    o->version.value);
	if (s == COFRE_NOT_FOUND)
		return cmd_error(cmd, s,
		    "there is no such %s ('cofre role list')", what);
	if (s == COFRE_DENIED && *workspace != '\0')
		return cmd_error(cmd, s,
		    "permission denied, or there is no such workspace (ask an "
		    "owner of %s, or an operator, for a role)", workspace);
	return cmd_fail(cmd, s);
}

static int
show(struct cmd *cmd, int argc, char **argv)
{
	struct show o = { 0 };
	const struct option_row rows[] = {
		{ "workspace", 0, OPTION_TEXT, "W", &o.workspace,
		    "as somebody who has rights there alone" },
		{ "version", 0, OPTION_NUMBER, "N", &o.version,
		    "as it was then, not as it is now" },
		{ "json", 0, OPTION_FLAG, NULL, &o.json,
		    "print JSON, as import takes it" },
	};
	const struct option_usage u = { "role show NAME [option ...]",
		"Show a role: how it is defined, where it can be given, and "
		"what it may.\n", rows, 3, 1, 1 };
	struct role_show_request q;
	struct role_show_reply m;
	struct problem p;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	if (take_question(cmd, &o, &q, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	s = ask(cmd, &q, &m);
	if (s != COFRE_OK)
		return not_shown(cmd, &o, s);
	if (o.json)
		return print_json(cmd, &m);
	return print_role(&m) ? 0 : cmd_fail(cmd, call_bad_reply(cmd->c));
}

static int
export(struct cmd *cmd, int argc, char **argv)
{
	const struct option_usage u = { "role export NAME",
		"Print a custom role as JSON, so that import makes the very "
		"same of it.\n", NULL, 0, 1, 1 };
	struct role_show_request q = { .workspace = view_of("") };
	struct role_show_reply m;
	struct problem p;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	if (take_name(cmd, &q.name, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	s = ask(cmd, &q, &m);
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	if (!m.custom)
		return cmd_error(cmd, COFRE_CONFLICT,
		    "it is built in, and can't be imported; 'role show' "
		    "prints it");
	return print_json(cmd, &m);
}

static enum cofre_status
read_role(const char *path, struct rolejson *ret, struct problem *p)
{
	struct input in;
	struct problem why;
	enum cofre_status s = input_init(&in, ROLEJSON_MAX, p);

	if (s != COFRE_OK)
		return s;
	s = input_file(&in, path, p);
	if (s == COFRE_OK) {
		s = rolejson_parse(input_view(&in), ret, &why);
		if (s != COFRE_OK)
			(void)problem_set(p, s, "%.100s: %.280s",
			    strcmp(path, "-") == 0 ? "standard input" : path,
			    why.text);
	}
	input_free(&in);
	return s;
}

/* What the daemon alone can see, said better than by the status. */
static int
refused(struct cmd *cmd, enum cofre_status s)
{
	if (s == COFRE_EXISTS)
		return cmd_error(cmd, s,
		    "there is a role of that name, or one that differs in "
		    "upper and lower case alone");
	if (s == COFRE_CONFLICT)
		return cmd_error(cmd, s,
		    "it is granted outside of its new scopes, or its version "
		    "is another one");
	if (s == COFRE_INVALID)
		return cmd_error(cmd, s,
		    "the daemon does not take it: AssignableScopes names a "
		    "workspace that is not there, or daemon and command know "
		    "different actions");
	return cmd_fail(cmd, s);
}

static int
put(struct cmd *cmd, const struct role_put_request *q)
{
	char name[ROLE_NAME_MAX + 1] = "";
	struct role_put_reply m;
	struct view body;
	enum cofre_status s;

	memcpy(name, q->name.data, q->name.len);
	cmd->object = name;
	role_put_request_put(call_begin(cmd->c, OP_ROLE_PUT), q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !role_put_reply_decode(body, &m))
		s = call_bad_reply(cmd->c);
	if (s == COFRE_OK)
		(void)printf("%s version %u\n", name, m.version);
	else
		(void)refused(cmd, s);
	cmd->object = NULL;
	return status_exit_code(s);
}

static int
import(struct cmd *cmd, int argc, char **argv)
{
	const struct option_usage u = { "role import FILE|-",
		"Make a custom role, or change it, from a JSON object, and "
		"print its new version.\nA change takes effect at once, for "
		"all to whom it is granted.\n", NULL, 0, 1, 1 };
	struct rolejson role = { 0 };
	struct problem p;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	s = read_role(cmd->args[0], &role, &p);
	if (s != COFRE_OK)
		return cmd_problem(cmd, s, &p);
	s = cmd_open(cmd);
	code = s == COFRE_OK ? put(cmd, &role.q) : status_exit_code(s);
	rolejson_free(&role);
	return code;
}

/* It can't be deleted: why is what it is. */
static int
not_deleted(struct cmd *cmd, struct view name)
{
	const struct role_show_request q = { .workspace = view_of(""),
		.name = name };
	struct role_show_reply m;

	if (ask(cmd, &q, &m) != COFRE_OK)
		return cmd_error(cmd, COFRE_CONFLICT,
		    "it is built in, or still granted");
	if (!m.custom)
		return cmd_error(cmd, COFRE_CONFLICT, "it is built in");
	return cmd_error(cmd, COFRE_CONFLICT,
	    "it is still granted: 'cofre grants' tells where, and 'cofre "
	    "ungrant' takes it away");
}

static int
delete(struct cmd *cmd, int argc, char **argv)
{
	const struct option_usage u = { "role delete NAME",
		"Delete a custom role that is granted nowhere.\n", NULL, 0, 1,
		1 };
	struct role_delete_request q;
	struct problem p;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	if (take_name(cmd, &q.name, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	role_delete_request_put(call_begin(cmd->c, OP_ROLE_DELETE), &q);
	s = cmd_call_empty(cmd);
	if (s == COFRE_CONFLICT)
		return not_deleted(cmd, q.name);
	return s == COFRE_OK ? 0 : cmd_fail(cmd, s);
}

int
cmd_role(struct cmd *cmd, int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "list", list, "list the roles" },
		{ "show", show, "show what one is and may" },
		{ "import", import, "make or change one, from JSON" },
		{ "export", export, "print one as JSON" },
		{ "delete", delete, "delete one that is not granted" },
		{ "actions", cmd_role_actions, "list what a role can be given" },
	};

	return cmd_run(cmd, verbs, 6, argc, argv);
}
