/* delete, undelete, purge. */
#include "cmd.h"

#include "arguments.h"
#include "entries.h"
#include "status.h"

/* conflict says what CONFLICT means here. */
static int
finish(struct cmd *cmd, const char *conflict)
{
	enum cofre_status s = cmd_call_empty(cmd);

	if (s == COFRE_CONFLICT)
		return cmd_error(cmd, s, "%s", conflict);
	return s == COFRE_OK ? 0 : cmd_fail(cmd, s);
}

/* Is it a storage credential?  Who may not know that is not stopped. */
static enum cofre_status
ask_account(struct cmd *cmd, const struct arg_object *o, bool *is_account)
{
	const struct secret_show_request q = { view_of(o->workspace),
		view_of(o->name) };
	struct secret_show_reply m;
	struct view body;
	enum cofre_status s;

	*is_account = false;
	secret_show_request_put(call_begin(cmd->c, OP_SECRET_SHOW), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_DENIED)
		return COFRE_OK;
	if (s != COFRE_OK)
		return s;
	if (!secret_show_reply_decode(body, &m))
		return call_bad_reply(cmd->c);
	*is_account = m.kind == COFRE_KIND_STORAGE && m.state == SECRET_LIVE;
	return COFRE_OK;
}

/* Datastores without their key are not left behind by mistake. */
static int
check_followers(struct cmd *cmd, const struct arg_object *o)
{
	struct entries all = { NULL, 0 };
	char names[ENTRIES_NAMES];
	bool is_account;
	enum cofre_status s = ask_account(cmd, o, &is_account);
	int code = CMD_GO;

	if (s == COFRE_OK && !is_account)
		return CMD_GO;
	if (s == COFRE_OK)
		s = entries_followers(cmd, view_of(o->workspace), o->name,
		    &all);
	if (s == COFRE_DENIED)
		cmd_warn("you may not list the workspace, so datastores may "
			 "follow it that stop working");
	else if (s != COFRE_OK)
		code = cmd_fail(cmd, s);
	else if (all.count > 0)
		code = cmd_error(cmd, COFRE_ARGUMENT,
		    "what follows it gets no key any more: %s: say --force "
		    "to delete it all the same ('cofre undelete' repairs it)",
		    entries_names(&all, names));
	entries_free(&all);
	return code;
}

int
cmd_delete(struct cmd *cmd, int argc, char **argv)
{
	bool force = false;
	const struct option_row rows[] = {
		{ "force", 0, OPTION_FLAG, NULL, &force,
		    "also when datastores follow it" },
	};
	const struct option_usage u = { "delete WORKSPACE/NAME [--force]",
		"Delete a secret: it can't be fetched until 'cofre undelete' "
		"brings it back.\n", rows, 1, 1, 1 };
	struct secret_delete_request q;
	struct arg_object o;
	enum cofre_status s;
	int code = cmd_parse_object(cmd, &u, argc, argv, &o);

	if (code != CMD_GO)
		return code;
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	if (!force && (code = check_followers(cmd, &o)) != CMD_GO)
		return code;
	q = (struct secret_delete_request){ view_of(o.workspace),
		view_of(o.name) };
	secret_delete_request_put(call_begin(cmd->c, OP_SECRET_DELETE), &q);
	return finish(cmd, "it is not there to be deleted");
}

int
cmd_undelete(struct cmd *cmd, int argc, char **argv)
{
	const struct option_usage u = { "undelete WORKSPACE/NAME",
		"Bring a deleted secret back, with all its versions.\n", NULL,
		0, 1, 1 };
	struct secret_undelete_request q;
	struct arg_object o;
	enum cofre_status s;
	int code = cmd_parse_object(cmd, &u, argc, argv, &o);

	if (code != CMD_GO)
		return code;
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	q = (struct secret_undelete_request){ view_of(o.workspace),
		view_of(o.name) };
	secret_undelete_request_put(call_begin(cmd->c, OP_SECRET_UNDELETE),
	    &q);
	return finish(cmd, "it is not deleted");
}

int
cmd_purge(struct cmd *cmd, int argc, char **argv)
{
	const char *yes = NULL;
	const struct option_row rows[] = {
		{ "yes", 0, OPTION_TEXT, "WORKSPACE/NAME", &yes,
		    "do not ask" },
	};
	const struct option_usage u = {
		"purge WORKSPACE/NAME [--yes=WORKSPACE/NAME]",
		"Delete a deleted secret with all its versions, for good.\n",
		rows, 1, 1, 1 };
	struct secret_purge_request q;
	struct arg_object o;
	enum cofre_status s;
	int code = cmd_parse_object(cmd, &u, argc, argv, &o);

	if (code == CMD_GO)
		code = cmd_confirm(cmd, cmd->object, yes,
		    "The secret goes with all its versions, and can't be "
		    "brought back");
	if (code != CMD_GO)
		return code;
	s = cmd_open(cmd);
	if (s != COFRE_OK)
		return status_exit_code(s);
	q = (struct secret_purge_request){ view_of(o.workspace),
		view_of(o.name) };
	secret_purge_request_put(call_begin(cmd->c, OP_SECRET_PURGE), &q);
	return finish(cmd,
	    "only a deleted secret can be purged: 'cofre delete' comes first");
}
