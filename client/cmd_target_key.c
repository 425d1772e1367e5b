/* target public-key, authorized-keys, authorize, rotate, settle. */
#include "cmd_target.h"

#include <string.h>
#include <unistd.h>

#include "authline.h"
#include "authorize.h"
#include "status.h"

/* Seconds between the proof of a new key and the end of the old one. */
#define WAIT 10u
#define WAIT_MAX 3600u

/* Print the lines of all its keys, with options or without. */
static int
print_lines(struct cmd *cmd, const struct targetinfo *t, bool options)
{
	char line[SSH_LINE_SIZE], comment[AUTHLINE_COMMENT];

	for (size_t i = 0; i < t->key_count; i++) {
		authline_comment(comment, t->name.workspace, t->name.name,
		    t->keys[i].version);
		if (!authline_make(line, view_of(options ? t->options : ""),
			t->keys[i].public, comment))
			return cmd_error(cmd, COFRE_INVALID,
			    "its options are none that sshd may be given: "
			    "'cofre target set' changes them");
		(void)puts(line);
	}
	return 0;
}

int
cmd_target_public_key(struct cmd *cmd, int argc, char **argv)
{
	const struct option_usage u = { "target public-key WORKSPACE/NAME",
		"Print the target's public key, as a .pub file has it; two "
		"while it is rotated,\nthe newest first.\n", NULL, 0, 1, 1 };
	struct targetinfo t;
	int code = cmd_target_asked(cmd, &u, argc, argv, &t);

	return code == CMD_GO ? print_lines(cmd, &t, false) : code;
}

int
cmd_target_authorized_keys(struct cmd *cmd, int argc, char **argv)
{
	const struct option_usage u = { "target authorized-keys WORKSPACE/NAME",
		"Print what the account's authorized_keys needs: a line for "
		"each of the target's\nkeys, with what it may do.\n", NULL, 0,
		1, 1 };
	struct targetinfo t;
	int code = cmd_target_asked(cmd, &u, argc, argv, &t);

	return code == CMD_GO ? print_lines(cmd, &t, true) : code;
}

static void
print_done(const struct targetinfo *t, const char *file, bool remove,
    bool changed)
{
	char text[SSH_FINGERPRINT_SIZE];

	(void)printf("%s@%s: %s %s %s\n", t->user, t->host, file,
	    changed ? "now" : "already", remove ? "lets no key of it in" :
	    t->key_count > 1			? "lets both keys in" :
						  "lets the key in");
	for (size_t i = 0; i < t->pin_count; i++) {
		ssh_key_fingerprint(text, targetinfo_pin(t, i));
		(void)printf("host key %s is pinned\n", text);
	}
}

/* Words for ssh stand behind "--". */
static int
find_options(int argc, char **argv, struct authorize *a)
{
	int at = arg_command(argc, argv);

	a->options = at < argc ? argv + at + 1 : NULL;
	return at;
}

int
cmd_target_authorize(struct cmd *cmd, int argc, char **argv)
{
	struct authorize a = { .file = NULL };
	bool remove = false, changed = false;
	const struct option_row rows[] = {
		{ "host-key", 0, OPTION_LIST, "KEY", &a.keys,
		    "that it has: a line, or a file; several times" },
		{ "login", 0, OPTION_TEXT, "USER", &a.login,
		    "log in as root, or as who may sudo" },
		{ "file", 0, OPTION_TEXT, "PATH", &a.file,
		    "of keys, if it is not .ssh/authorized_keys" },
		{ "own-key", 0, OPTION_FLAG, NULL, &a.own_key,
		    "log in with the target's own key" },
		{ "remove", 0, OPTION_FLAG, NULL, &remove,
		    "take the lines away" },
		{ "agent", 0, OPTION_TEXT, "PATH", &a.agent,
		    "the daemon's agent socket, if it is elsewhere" },
	};
	const struct option_usage u = {
		"target authorize WORKSPACE/NAME [option ...] [-- SSH-OPTION "
		"...]",
		"Put the target's keys into the authorized_keys of its account, "
		"over ssh, with\nwhatever access you have there.  It can be done "
		"again.  The first time the key of\nthe host is pinned: that of "
		"--host-key, or one that your ssh knows or asks you\nabout; from "
		"then on a host with another one is refused.\n", rows, 6, 1, 1
	};
	struct targetinfo t;
	int code = cmd_target_asked(cmd, &u, find_options(argc, argv, &a), argv,
	    &t);

	if (code == CMD_GO)
		code = authorize_begin(cmd, &a, &t);
	if (code == CMD_GO)
		code = authorize_run(cmd, &a, &t, remove, NULL, &changed);
	if (code != CMD_GO)
		return code;
	print_done(&t, a.file, remove, changed);
	return 0;
}

static int
settle(struct cmd *cmd, const struct arg_object *o, uint32_t version)
{
	const struct target_settle_request q = { view_of(o->workspace),
		view_of(o->name), version };
	enum cofre_status s = cmd_open(cmd);

	if (s != COFRE_OK)
		return status_exit_code(s);
	target_settle_request_put(call_begin(cmd->c, OP_TARGET_SETTLE), &q);
	s = cmd_call_empty(cmd);
	if (s == COFRE_NOT_FOUND)
		return cmd_error(cmd, s,
		    "there is no such target, or it has no key of version %u "
		    "('cofre target show %s')", version, cmd->object);
	return s == COFRE_OK ? CMD_GO : cmd_fail(cmd, s);
}

int
cmd_target_settle(struct cmd *cmd, int argc, char **argv)
{
	struct option_number version = { .given = false };
	const struct option_row rows[] = {
		{ "version", 0, OPTION_NUMBER, "N", &version,
		    "of the key that stays" },
	};
	const struct option_usage u = {
		"target settle WORKSPACE/NAME --version N",
		"End a rotation: one key stays, the other one is destroyed.\n",
		rows, 1, 1, 1 };
	struct arg_object o;
	int code = cmd_parse_object(cmd, &u, argc, argv, &o);

	if (code != CMD_GO)
		return code;
	if (!version.given)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "say which key stays: --version N");
	code = settle(cmd, &o, version.value);
	return code == CMD_GO ? 0 : code;
}

/* A second key beside the first. */
static int
add_key(struct cmd *cmd, struct targetinfo *t, uint32_t if_version)
{
	struct arg_object name = t->name;
	const struct target_rotate_request q = { view_of(name.workspace),
		view_of(name.name), if_version };
	struct target_rotate_reply m;
	struct view body;
	enum cofre_status s;

	target_rotate_request_put(call_begin(cmd->c, OP_TARGET_ROTATE), &q);
	s = cmd_call(cmd, &body);
	if (s == COFRE_OK && !target_rotate_reply_decode(body, &m))
		s = call_bad_reply(cmd->c);
	if (s == COFRE_CONFLICT)
		return cmd_error(cmd, s,
		    "version %u is not its newest key; nothing was done: "
		    "'cofre target show %s' tells which is", if_version,
		    cmd->object);
	if (s == COFRE_UNDER_WAY)
		return cmd_error(cmd, s, "it has two keys already: 'cofre target "
		    "rotate --authorize' goes on, 'cofre target settle' destroys "
		    "one of them");
	return s == COFRE_OK ? targetinfo_get(cmd, &name, t) :
			       cmd_fail(cmd, s);
}

/* The last step, after which nothing can be undone. */
static int
finish(struct cmd *cmd, struct authorize *a, struct targetinfo *t)
{
	const struct targetinfo_key gone = t->keys[1];
	struct arg_object name = t->name;
	char line[SSH_LINE_SIZE], comment[AUTHLINE_COMMENT];
	bool changed;
	int code = settle(cmd, &name, t->keys[0].version);

	if (code == CMD_GO)
		code = targetinfo_get(cmd, &name, t);
	if (code != CMD_GO)
		return code;
	code = authorize_run(cmd, a, t, false, &gone, &changed);
	if (code != CMD_GO) {
		authline_comment(comment, name.workspace, name.name,
		    gone.version);
		if (authline_public(line, gone.public, comment))
			cmd_warn("the old key is destroyed, but its line is "
			    "still there, of no use to anybody: %s", line);
		return code;
	}
	(void)printf("version %u is the key of %s now\n",
	    (unsigned)t->keys[0].version, cmd->object);
	return 0;
}

/* It has ended halfway: nothing is lost, and somebody is to decide. */
static void
say_waiting(const struct cmd *cmd, const struct targetinfo *t)
{
	cmd_note(cmd, "version %u of the key is made "
	    "and waits, and version %u is as it was: the same command goes on, "
	    "'cofre target settle %s --version %u' takes it back",
	    (unsigned)t->keys[0].version, (unsigned)t->keys[1].version,
	    cmd->object, (unsigned)t->keys[1].version);
}

/* Add the new key, see that it opens the door, and take the old one away. */
static int
replace(struct cmd *cmd, struct authorize *a, struct targetinfo *t,
    uint32_t if_version, uint32_t wait)
{
	bool changed;
	int code = CMD_GO;

	if (t->key_count == 1)
		code = add_key(cmd, t, if_version);
	else if (t->keys[0].version != if_version &&
	    t->keys[1].version != if_version)
		return cmd_error(cmd, COFRE_CONFLICT,
		    "it is being rotated from version %u to %u, and --if-version "
		    "is neither; nothing was done", (unsigned)t->keys[1].version,
		    (unsigned)t->keys[0].version);
	if (code == CMD_GO)
		code = authorize_run(cmd, a, t, false, NULL, &changed);
	if (code == CMD_GO)
		code = authorize_prove(cmd, a, t, t->keys[0].version);
	if (code != CMD_GO && t->key_count > 1)
		say_waiting(cmd, t);
	if (code != CMD_GO)
		return code;
	/* Who has begun to log in with the old key alone gets to the end. */
	(void)sleep(wait);
	return finish(cmd, a, t);
}

/* What says how to get to the host, where nobody goes there. */
static int
refuse_options(struct cmd *cmd, const struct authorize *a, const char *wait)
{
	const char *option = wait != NULL ? "--wait" :
	    a->login != NULL		  ? "--login" :
	    a->file != NULL		  ? "--file" :
	    a->own_key			  ? "--own-key" :
	    a->agent != NULL		  ? "--agent" :
					    NULL;

	if (option != NULL)
		return cmd_error(cmd, COFRE_ARGUMENT, "%s means nothing "
		    "without --authorize; nothing was done", option);
	if (a->options != NULL)
		return cmd_error(cmd, COFRE_ARGUMENT, "ssh's options mean "
		    "nothing without --authorize; nothing was done");
	return CMD_GO;
}

int
cmd_target_rotate(struct cmd *cmd, int argc, char **argv)
{
	struct authorize a = { .file = NULL };
	struct option_number version = { .given = false };
	const char *wait = NULL;
	bool authorize = false;
	const struct option_row rows[] = {
		{ "if-version", 0, OPTION_NUMBER, "N", &version,
		    "only if that is the newest key" },
		{ "authorize", 0, OPTION_FLAG, NULL, &authorize,
		    "bring it to the host, prove it, drop the old one" },
		{ "wait", 0, OPTION_TEXT, "TIME", &wait,
		    "before the old one is destroyed; 10s otherwise" },
		{ "login", 0, OPTION_TEXT, "USER", &a.login,
		    "as for 'target authorize', and so the others" },
		{ "file", 0, OPTION_TEXT, "PATH", &a.file, "of keys" },
		{ "own-key", 0, OPTION_FLAG, NULL, &a.own_key,
		    "log in with the target's own key" },
		{ "agent", 0, OPTION_TEXT, "PATH", &a.agent,
		    "the daemon's agent socket, if it is elsewhere" },
	};
	const struct option_usage u = {
		"target rotate WORKSPACE/NAME [option ...] [-- SSH-OPTION ...]",
		"Make a second key for a target: both are good, until 'cofre "
		"target settle'.  With\n--authorize all is done: the host gets "
		"the new key, and when a login with it has\nworked, the old one "
		"is destroyed.\n", rows, 7, 1, 1
	};
	struct arg_object name;
	struct targetinfo t;
	uint32_t if_version, seconds = WAIT;
	int code = cmd_parse_object(cmd, &u, find_options(argc, argv, &a),
	    argv, &name);

	if (code == CMD_GO && !authorize)
		code = refuse_options(cmd, &a, wait);
	if (code != CMD_GO)
		return code;
	if (wait != NULL && !arg_seconds(wait, WAIT_MAX, &seconds))
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "--wait: a number of seconds or minutes, such as 30s, and "
		    "at most an hour");
	code = targetinfo_get(cmd, &name, &t);
	if (code == CMD_GO && authorize)
		code = authorize_begin(cmd, &a, &t);
	if (code != CMD_GO)
		return code;
	if_version = version.given ? version.value : t.keys[0].version;
	if (authorize)
		return replace(cmd, &a, &t, if_version, seconds);
	code = add_key(cmd, &t, if_version);
	if (code == CMD_GO)
		code = print_lines(cmd, &t, false);
	if (code == 0)
		cmd_note(cmd, "the next steps are 'cofre target authorize %s', "
		    "which brings the new key to its host, and then 'cofre "
		    "target settle %s --version %u', which destroys the old "
		    "one", cmd->object, cmd->object,
		    (unsigned)t.keys[0].version);
	return code;
}
