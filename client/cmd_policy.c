/* why, who: how a decision of the daemon's comes about. */
#include "cmd.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "arguments.h"
#include "granttext.h"
#include "output.h"
#include "status.h"

#define VALUE_READ "workspaces/secrets/value/read"

/* "/", WORKSPACE or WORKSPACE/NAME; both names are empty for the vault. */
static enum cofre_status
take_object(const char *text, struct arg_object *ret, struct problem *p)
{
	struct view workspace;
	enum cofre_status s;

	memset(ret, 0, sizeof(*ret));
	if (strcmp(text, "/") == 0)
		return COFRE_OK;
	if (strchr(text, '/') != NULL)
		return arg_object(text, ret, p);
	s = arg_workspace(text, &workspace, p);
	if (s == COFRE_OK)
		memcpy(ret->workspace, text, workspace.len);
	return s;
}

/* An action by its name, or the one that an operation asks for. */
static enum cofre_status
take_action(const char *text, struct view *ret, struct problem *p)
{
	enum action a = action_find(view_of(text));
	uint16_t op = arg_op(text);

	if (a == ACTION_NONE && op != 0) {
		a = op_find(op)->action;
		if (a == ACTION_NONE)
			return problem_set(p, COFRE_ARGUMENT,
			    "everybody may do %s; the daemon asks for no "
			    "right there", text);
	}
	if (a == ACTION_NONE)
		return problem_set(p, COFRE_ARGUMENT,
		    "'%.127s' is no action and no operation; 'cofre role "
		    "actions' lists both", text);
	*ret = view_of(action_name(a));
	return COFRE_OK;
}

struct groups {
	gid_t at[PEER_GROUPS_MAX];
	size_t count;
	uint32_t own; /* the account's own, or NO_ID */
	uint8_t items[4 * PEER_GROUPS_MAX];
	struct list list; /* of them, in rising order, each one once */
};

static int
by_number(const void *a, const void *b)
{
	const gid_t *x = a;
	const gid_t *y = b;

	return (*x > *y) - (*x < *y);
}

static void
sort_groups(struct groups *g)
{
	struct wire_writer w;

	qsort(g->at, g->count, sizeof(g->at[0]), by_number);
	wire_writer_init(&w, g->items, sizeof(g->items));
	for (size_t i = 0; i < g->count; i++) {
		const struct group_item item = { g->at[i] };

		if (i > 0 && g->at[i] == g->at[i - 1])
			continue;
		group_item_put(&w, &item);
		g->list.count++;
	}
	g->list.items = (struct view){ g->items, w.len };
}

/* The groups that the user's account has here; a process may have others. */
static void
find_groups(uint32_t uid, struct groups *g)
{
	int count = PEER_GROUPS_MAX;
	const struct passwd *pw = getpwuid(uid);

	if (pw == NULL) {
		cmd_warn("uid %u has no account here: asked as one that is "
		    "in no group", uid);
		return;
	}
	if (getgrouplist(pw->pw_name, pw->pw_gid, g->at, &count) < 0) {
		cmd_warn("uid %u is in over %u groups: the rest is left out",
		    uid, PEER_GROUPS_MAX);
		count = PEER_GROUPS_MAX;
	}
	g->count = (size_t)count;
	g->own = pw->pw_gid;
	sort_groups(g);
}

static enum cofre_status
take_principal(const char *text, struct policy_explain_request *q,
    struct problem *p)
{
	struct arg_principal who;

	if (strcmp(text, "operator") == 0) {
		q->principal = PRINCIPAL_OPERATOR;
		q->who = view_of("");
		return COFRE_OK;
	}
	if (arg_principal(text, &who, p) != COFRE_OK)
		return COFRE_ARGUMENT;
	q->principal = who.kind;
	q->id = who.id;
	q->who = who.who;
	return COFRE_OK;
}

static const char *
outcome_text(uint8_t outcome)
{
	switch ((enum explain_outcome)outcome) {
	case EXPLAIN_ALLOWS:
		return "allows";
	case EXPLAIN_NO_ACTION:
		return "lacks-action";
	case EXPLAIN_OTHER_NAMES:
		return "other-names";
	case EXPLAIN_IF_PROCESS:
		return "if-process";
	}
	return "?";
}

static const char *
verdict_name(uint8_t verdict)
{
	switch ((enum verdict)verdict) {
	case VERDICT_ERROR:
		return "error";
	case VERDICT_NO_MATCH:
		return "no-match";
	case VERDICT_DENY:
		return "deny";
	case VERDICT_ALLOW:
		return "allow";
	}
	return "?";
}

static const char *
verdict_text(uint8_t verdict)
{
	switch ((enum verdict)verdict) {
	case VERDICT_ERROR:
		return "refused: the question makes no sense";
	case VERDICT_NO_MATCH:
		return "refused: no grant here is for it";
	case VERDICT_DENY:
		return "refused: no role that it has here allows it";
	case VERDICT_ALLOW:
		return "allowed";
	}
	return "?";
}

struct why {
	struct policy_explain_request q;
	struct arg_object object;
	struct groups groups;
	const char *principal; /* as they were written */
	const char *target;
};

static void
list_grant(struct listing *l, const struct explain_item *m)
{
	bool granted = m->principal != PRINCIPAL_OPERATOR;
	char text[GRANTTEXT_MAX];

	listing_text(l, outcome_text(m->outcome));
	listing_text(l, granttext_principal(m->principal, m->id, m->who,
	    text));
	listing_view(l, m->role);
	(void)snprintf(text, sizeof(text), "%u", m->role_version);
	listing_text(l, m->role_version == 0 ? "" : text);
	listing_text(l, granttext_scope(m->scope, m->prefix, text));
	listing_time(l, m->created);
	(void)snprintf(text, sizeof(text), "%u", m->uid);
	listing_text(l, granted ? text : "");
}

/* Refused as a whole, though one of the grants has that outcome? */
static bool
has_outcome(const struct policy_explain_reply *m, uint8_t outcome)
{
	struct wire_reader r = list_reader(m->items);
	struct explain_item item;

	for (uint32_t i = 0; i < m->items.count && !r.bad; i++) {
		explain_item_get(&r, &item);
		if (!r.bad && item.outcome == outcome)
			return m->verdict != VERDICT_ALLOW;
	}
	return false;
}

/* Refused for the workspace as a whole, allowed for names in it? */
static bool
is_partial(const struct why *w, const struct policy_explain_reply *m)
{
	return w->q.name.len == 0 && has_outcome(m, EXPLAIN_OTHER_NAMES);
}

static int
print_why(struct cmd *cmd, const struct why *w,
    const struct policy_explain_reply *m)
{
	static const struct listing_column columns[] = {
		{ "GRANT", "" }, { "PRINCIPAL", "" }, { "ROLE", "" },
		{ "VERSION", "" }, { "SCOPE", "" }, { "CREATED", "" },
		{ "BY UID", "" } };
	struct listing *l = listing_new(false, columns, 7);
	struct wire_reader r = list_reader(m->items);
	struct explain_item item;

	for (uint32_t i = 0; i < m->items.count; i++) {
		explain_item_get(&r, &item);
		list_grant(l, &item);
	}
	if (!wire_reader_done(&r)) {
		listing_free(l);
		return cmd_fail(cmd, call_bad_reply(cmd->c));
	}
	(void)printf("%s: %s, %.*s, %s\n",
	    is_partial(w, m) ? "allowed for some names" :
	    has_outcome(m, EXPLAIN_IF_PROCESS) ? "depends on the process" :
	    verdict_text(m->verdict),
	    w->principal, (int)w->q.action.len,
	    (const char *)w->q.action.data, w->target);
	if (m->items.count == 0) {
		listing_free(l);
		return 0;
	}
	return cmd_printed(cmd, listing_print(l, stdout));
}

static json_t *
json_grant(const struct explain_item *m)
{
	bool granted = m->principal != PRINCIPAL_OPERATOR;
	char who[GRANTTEXT_MAX], scope[GRANTTEXT_MAX];

	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "outcome",
	    outcome_text(m->outcome), "principal",
	    output_json_view(view_of(granttext_principal(m->principal, m->id,
		m->who, who))), "role",
	    output_json_view(m->role), "version", m->role_version == 0 ?
		json_null() :
		output_json_number(m->role_version),
	    "scope", output_json_view(view_of(granttext_scope(m->scope,
		m->prefix, scope))), "created",
	    output_json_time(m->created), "created_by",
	    granted ? output_json_number(m->uid) : json_null());
}

static int
json_why(struct cmd *cmd, const struct why *w,
    const struct policy_explain_reply *m)
{
	struct wire_reader r = list_reader(m->items);
	json_t *grants = json_array();
	struct explain_item item;

	for (uint32_t i = 0; i < m->items.count; i++) {
		explain_item_get(&r, &item);
		if (!r.bad)
			(void)json_array_append_new(grants,
			    json_grant(&item));
	}
	if (!wire_reader_done(&r)) {
		json_decref(grants);
		return cmd_fail(cmd, call_bad_reply(cmd->c));
	}
	/* A grant that there was no memory for must not just be missing. */
	if (json_array_size(grants) != m->items.count) {
		json_decref(grants);
		return cmd_printed(cmd, false);
	}
	return cmd_printed(cmd,
	    output_json(json_pack("{s:b, s:b, s:s, s:s, s:s, s:s, s:o}",
			    "allowed", m->verdict == VERDICT_ALLOW,
			    "partial", is_partial(w, m),
			    "verdict", verdict_name(m->verdict), "principal",
			    w->principal, "action",
			    (const char *)w->q.action.data, "object",
			    w->target, "grants", grants),
		stdout));
}

static int
ask_why(struct cmd *cmd, const struct why *w, bool json)
{
	struct policy_explain_reply m;
	struct view body;
	enum cofre_status s = cmd_open(cmd);
	int code;

	if (s != COFRE_OK)
		return status_exit_code(s);
	policy_explain_request_put(call_begin(cmd->c, OP_POLICY_EXPLAIN),
	    &w->q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !policy_explain_reply_decode(body, &m))
		s = call_bad_reply(cmd->c);
	if (s == COFRE_NOT_FOUND && w->q.principal == PRINCIPAL_IDENTITY)
		return cmd_error(cmd, s,
		    "there is no %s%s ('cofre workspace list')", w->principal,
		    w->q.workspace.len > 0 ? ", or no such workspace" : "");
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	code = json ? json_why(cmd, w, &m) : print_why(cmd, w, &m);
	if (code != 0 || m.verdict == VERDICT_ALLOW)
		return code;
	return status_exit_code(COFRE_DENIED);
}

static enum cofre_status
take_why(struct cmd *cmd, struct why *w, struct problem *p)
{
	if (take_principal(cmd->args[0], &w->q, p) != COFRE_OK ||
	    take_action(cmd->args[1], &w->q.action, p) != COFRE_OK ||
	    take_object(cmd->args[2], &w->object, p) != COFRE_OK)
		return COFRE_ARGUMENT;
	if (w->q.principal == PRINCIPAL_USER)
		find_groups(w->q.id, &w->groups);
	w->q.gid = w->groups.own;
	w->q.groups = w->groups.list;
	w->q.workspace = view_of(w->object.workspace);
	w->q.name = view_of(w->object.name);
	w->principal = cmd->args[0];
	w->target = cmd->args[2];
	cmd->object = w->target;
	return COFRE_OK;
}

int
cmd_why(struct cmd *cmd, int argc, char **argv)
{
	bool json = false;
	const struct option_row rows[] = {
		{ "json", 0, OPTION_FLAG, NULL, &json, "print JSON" },
	};
	const struct option_usage u = {
		"why PRINCIPAL ACTION OBJECT [--json]",
		"Tell whether a principal may do something, and each grant "
		"that the answer comes\nfrom.  The exit code is 0 when it "
		"may, and 5 when not.  ACTION is an action,\nor an operation "
		"such as secret.get.  OBJECT is /, a workspace or "
		"WORKSPACE/NAME.\n", rows, 1, 3, 3 };
	struct why w = { .groups = { .own = NO_ID } };
	struct problem p;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	if (take_why(cmd, &w, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	return ask_why(cmd, &w, json);
}

static int
print_who(struct cmd *cmd, struct list items, bool json)
{
	static const struct listing_column columns[] = {
		{ "PRINCIPAL", "principal" }, { "ROLE", "role" },
		{ "SCOPE", "scope" } };
	struct listing *l = listing_new(json, columns, 3);
	struct wire_reader r = list_reader(items);
	struct who_item m;
	char text[GRANTTEXT_MAX];

	for (uint32_t i = 0; i < items.count; i++) {
		who_item_get(&r, &m);
		listing_text(l, granttext_principal(m.principal, m.id, m.who,
		    text));
		listing_view(l, m.role);
		listing_text(l, granttext_scope(m.scope, m.prefix, text));
	}
	return cmd_listed(cmd, &r, l);
}

int
cmd_who(struct cmd *cmd, int argc, char **argv)
{
	const char *action = NULL;
	bool json = false;
	const struct option_row rows[] = {
		{ "action", 0, OPTION_TEXT, "A", &action,
		    "an action or operation" },
		{ "json", 0, OPTION_FLAG, NULL, &json, "print JSON" },
	};
	const struct option_usage u = { "who OBJECT [--action A] [--json]",
		"List who may do something, and by which grant; without "
		"--action, who may read\na secret's value.\n", rows, 2, 1, 1 };
	struct policy_who_request q;
	struct policy_who_reply m;
	struct arg_object o;
	struct problem p;
	struct view body;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	if (take_action(action != NULL ? action : VALUE_READ, &q.action,
		&p) != COFRE_OK ||
	    take_object(cmd->args[0], &o, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	q.workspace = view_of(o.workspace);
	q.name = view_of(o.name);
	cmd->object = cmd->args[0];
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	policy_who_request_put(call_begin(cmd->c, OP_POLICY_WHO), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !policy_who_reply_decode(body, &m))
		s = call_bad_reply(cmd->c);
	return s == COFRE_OK ? print_who(cmd, m.items, json) :
			       cmd_fail(cmd, s);
}
