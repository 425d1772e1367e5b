/* workspace create, list, show, delete, undelete, purge. */
#include "cmd.h"

#include "entries.h"
#include "output.h"
#include "status.h"

static int
create(struct cmd *cmd, int argc, char **argv)
{
	const struct option_usage u = { "workspace create NAME",
		"Create a workspace, and with it its managed identity of the "
		"same name.\n", NULL, 0, 1, 1 };
	struct workspace_create_request q;
	enum cofre_status s;
	int code = cmd_parse_workspace(cmd, &u, argc, argv, &q.workspace);

	if (code != CMD_GO)
		return code;
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	workspace_create_request_put(call_begin(cmd->c, OP_WORKSPACE_CREATE),
	    &q);
	s = cmd_call_empty(cmd);
	return s == COFRE_OK ? 0 : cmd_fail(cmd, s);
}

/* A number, or none when it is not the caller's to know. */
static void
list_number(struct listing *l, uint64_t v, uint64_t not_told)
{
	if (v == not_told)
		listing_text(l, "");
	else
		listing_number(l, v);
}

/* List the items of a page; last is the name before them, and the last one of
   theirs then. */
static bool
take_page(struct listing *l, struct list items,
    char last[COFRE_WORKSPACE_NAME_MAX + 1])
{
	struct wire_reader r = list_reader(items);
	struct workspace_item m;

	for (uint32_t i = 0; i < items.count; i++) {
		workspace_item_get(&r, &m);
		if (r.bad || !entries_next(last, m.name))
			return false;
		listing_view(l, m.name);
		list_number(l, m.secrets, NOT_TOLD);
		list_number(l, m.deleted, NOT_TOLD);
		list_number(l, m.grants, NO_ID);
		list_number(l, m.bindings, NO_ID);
		listing_time(l, m.created);
		list_number(l, m.uid, NO_ID);
	}
	return wire_reader_done(&r);
}

/* The page of workspaces, or deleted ones, after last; last moves on. */
static enum cofre_status
list_page(struct cmd *cmd, struct listing *l, bool deleted,
    char last[COFRE_WORKSPACE_NAME_MAX + 1], bool *more)
{
	const struct workspace_list_request q = { view_of(last), deleted };
	struct workspace_list_reply m;
	struct view body;
	enum cofre_status s;

	workspace_list_request_put(call_begin(cmd->c, OP_WORKSPACE_LIST), &q);
	s = cmd_call(cmd, &body);
	if (s != COFRE_OK)
		return s;
	if (!workspace_list_reply_decode(body, &m) ||
	    (m.more && m.items.count == 0) || !take_page(l, m.items, last))
		return call_bad_reply(cmd->c);
	*more = m.more;
	return COFRE_OK;
}

static int
list(struct cmd *cmd, int argc, char **argv)
{
	static const struct listing_column columns[] = { { "NAME", "name" },
		{ "SECRETS", "secrets" }, { "DELETED", "deleted" },
		{ "GRANTS", "grants" }, { "BINDINGS", "bindings" },
		{ "CREATED", "created" }, { "BY UID", "created_by" } };
	bool json = false, deleted = false, more = true;
	const struct option_row rows[] = {
		{ "deleted", 0, OPTION_FLAG, NULL, &deleted,
		    "list deleted ones, which you may bring back" },
		{ "json", 0, OPTION_FLAG, NULL, &json, "print JSON" },
	};
	const struct option_usage u = { "workspace list [--deleted] [--json]",
		"List the workspaces in which you may do something.\n", rows,
		2, 0, 0 };
	char last[COFRE_WORKSPACE_NAME_MAX + 1] = "";
	struct listing *l;
	enum cofre_status s;
	int code = cmd_parse(cmd, &u, argc, argv);

	if (code != CMD_GO)
		return code;
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	l = listing_new(json, columns, 7);
	while (s == COFRE_OK && more)
		s = list_page(cmd, l, deleted, last, &more);
	if (s == COFRE_OK)
		return cmd_printed(cmd, listing_print(l, stdout));
	listing_free(l);
	return cmd_fail(cmd, s);
}

static void
print_workspace(const struct workspace_show_reply *m)
{
	char time[OUTPUT_TIME];

	(void)printf("name      ");
	output_text(stdout, m->name);
	(void)printf("\nsecrets   %llu, and %llu deleted\n"
	    "grants    %u\nbindings  %u\n"
	    "created   %s by uid %u\n", (unsigned long long)m->secrets,
	    (unsigned long long)m->deleted, m->grants, m->bindings,
	    output_time(m->created, time), m->uid);
}

static json_t *
json_workspace(const struct workspace_show_reply *m)
{
	return json_pack("{s:o, s:I, s:I, s:I, s:I, s:o, s:I}", "name",
	    output_json_view(m->name), "secrets", (json_int_t)m->secrets,
	    "deleted", (json_int_t)m->deleted, "grants",
	    (json_int_t)m->grants, "bindings", (json_int_t)m->bindings,
	    "created", output_json_time(m->created), "created_by",
	    (json_int_t)m->uid);
}

static int
show(struct cmd *cmd, int argc, char **argv)
{
	bool json = false;
	const struct option_row rows[] = {
		{ "json", 0, OPTION_FLAG, NULL, &json, "print JSON" },
	};
	const struct option_usage u = { "workspace show NAME [--json]",
		"Show what is in a workspace, in numbers.\n", rows, 1, 1, 1 };
	struct workspace_show_request q;
	struct workspace_show_reply m;
	struct view body;
	enum cofre_status s;
	int code = cmd_parse_workspace(cmd, &u, argc, argv, &q.workspace);

	if (code != CMD_GO)
		return code;
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	workspace_show_request_put(call_begin(cmd->c, OP_WORKSPACE_SHOW), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !workspace_show_reply_decode(body, &m))
		s = call_bad_reply(cmd->c);
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	if (json)
		return cmd_printed(cmd,
		    output_json(json_workspace(&m), stdout));
	print_workspace(&m);
	return 0;
}

static int
delete(struct cmd *cmd, int argc, char **argv)
{
	const char *yes = NULL;
	const struct option_row rows[] = {
		{ "yes", 0, OPTION_TEXT, "NAME", &yes,
		    "do not ask; NAME is the workspace once more" },
	};
	const struct option_usage u = {
		"workspace delete NAME [--yes=NAME]",
		"Delete a workspace, softly: from the next request on nobody "
		"can do anything in it,\nand its runs end.  Secrets, grants and "
		"bindings are kept, and its name stays\ntaken: 'cofre workspace "
		"undelete' brings it back, without what its managed\nidentity "
		"was granted, until 'cofre workspace purge' destroys it.\n",
		rows, 1, 1, 1 };
	struct workspace_delete_request q;
	enum cofre_status s;
	int code = cmd_parse_workspace(cmd, &u, argc, argv, &q.workspace);

	if (code == CMD_GO)
		code = cmd_confirm(cmd, cmd->object, yes,
		    "Nobody will have any of its secrets, and its runs end.\n"
		    "Until it is purged, 'cofre workspace undelete' brings it "
		    "back, without what its\nmanaged identity was granted");
	if (code != CMD_GO)
		return code;
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	workspace_delete_request_put(call_begin(cmd->c, OP_WORKSPACE_DELETE),
	    &q);
	s = cmd_call_empty(cmd);
	return s == COFRE_OK ? 0 : cmd_fail(cmd, s);
}

static int
undelete(struct cmd *cmd, int argc, char **argv)
{
	const struct option_usage u = { "workspace undelete NAME",
		"Bring a deleted workspace back, with its secrets, grants and "
		"bindings.  What\nits identity was granted stays gone: "
		"'cofre resync-keys NAME' puts back\nwhat it should have.\n",
		NULL, 0, 1, 1 };
	struct workspace_undelete_request q;
	enum cofre_status s;
	int code = cmd_parse_workspace(cmd, &u, argc, argv, &q.workspace);

	if (code != CMD_GO)
		return code;
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	workspace_undelete_request_put(call_begin(cmd->c,
	    OP_WORKSPACE_UNDELETE), &q);
	s = cmd_call_empty(cmd);
	if (s == COFRE_CONFLICT)
		return cmd_error(cmd, s, "it is not deleted");
	if (s != COFRE_OK)
		return cmd_fail(cmd, s);
	cmd_warn("identity:%s has no access to %s's secrets; 'cofre "
	    "resync-keys %s' puts it back", cmd->object, cmd->object,
	    cmd->object);
	return 0;
}

static int
purge(struct cmd *cmd, int argc, char **argv)
{
	const char *yes = NULL;
	const struct option_row rows[] = {
		{ "yes", 0, OPTION_TEXT, "NAME", &yes,
		    "do not ask; NAME is the workspace once more" },
	};
	const struct option_usage u = { "workspace purge NAME [--yes=NAME]",
		"Destroy a deleted workspace with all its secrets, grants and "
		"bindings, for\ngood: its key is destroyed.\n",
		rows, 1, 1, 1 };
	struct workspace_purge_request q;
	enum cofre_status s;
	int code = cmd_parse_workspace(cmd, &u, argc, argv, &q.workspace);

	if (code == CMD_GO)
		code = cmd_confirm(cmd, cmd->object, yes,
		    "The workspace goes with all its secrets, and can't be "
		    "brought back");
	if (code != CMD_GO)
		return code;
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	workspace_purge_request_put(call_begin(cmd->c, OP_WORKSPACE_PURGE),
	    &q);
	s = cmd_call_empty(cmd);
	if (s == COFRE_CONFLICT)
		return cmd_error(cmd, s, "only a deleted workspace can be "
		    "purged: 'cofre workspace delete' comes first");
	return s == COFRE_OK ? 0 : cmd_fail(cmd, s);
}

int
cmd_workspace(struct cmd *cmd, int argc, char **argv)
{
	static const struct verb verbs[] = {
		{ "create", create, "create one, with its managed identity" },
		{ "list", list, "list those that you may see" },
		{ "show", show, "show one" },
		{ "delete", delete, "delete one, which can be undone" },
		{ "undelete", undelete, "bring a deleted one back" },
		{ "purge", purge, "destroy a deleted one" },
	};

	return cmd_run(cmd, verbs, 6, argc, argv);
}
