/* target create, set, pin. */
#include "cmd_target.h"

#include <string.h>

#include "authline.h"
#include "hostkeys.h"
#include "status.h"
#include "targetarg.h"

#define SSH_PORT 22u

/* What is told of a target on the command line. */
struct told {
	const char *host, *user, *from, *port;
	uint32_t number; /* of port, when it was checked */
	struct option_list namespaces;
	bool for_runs, not_for_runs, restricted, unrestricted, no_namespaces;
};

/* It as the daemon takes it; what q points to lies here, or in told. */
struct settings {
	struct view host, user, options;
	uint32_t port;
	bool for_runs;
	struct list namespaces;
	char text[TARGET_OPTIONS_MAX + 1];
	uint8_t items[TARGET_NAMESPACES_MAX * (4 + NAMESPACE_MAX)];
};

/* Those that were told, or else those that it has. */
static void
set_namespaces(struct settings *s, const struct told *told,
    const struct targetinfo *t)
{
	bool keep = t != NULL && told->namespaces.count == 0 &&
	    !told->no_namespaces;
	size_t count = keep ? t->namespace_count : told->namespaces.count;
	struct wire_writer w;

	wire_writer_init(&w, s->items, sizeof(s->items));
	for (size_t i = 0; i < count; i++)
		namespace_item_put(&w, &(struct namespace_item){ view_of(
		    keep ? t->namespaces[i] : told->namespaces.items[i]) });
	s->namespaces = (struct list){ (uint32_t)count, { s->items, w.len } };
}

static enum cofre_status
set_options(struct settings *s, const struct told *told,
    const struct targetinfo *t, struct problem *p)
{
	struct sshname_options o = { .restricted = true };

	if (t != NULL && !sshname_options(view_of(t->options), &o)) {
		/* A guess could let the key do more than it may now. */
		if (!told->restricted && !told->unrestricted)
			return problem_set(p, COFRE_ARGUMENT,
			    "its options '%.100s' can't stay as they are: say "
			    "--restricted or --unrestricted, and --from if that "
			    "is to stay", t->options);
		o = (struct sshname_options){ .restricted = true };
	}
	if (told->restricted)
		o.restricted = true;
	if (told->unrestricted)
		o.restricted = false;
	if (told->from != NULL)
		o.from = view_of(told->from);
	if (!authline_print(s->text, sizeof(s->text), &o))
		return problem_set(p, COFRE_ARGUMENT,
		    "--from '%.100s' is no list of addresses, networks and "
		    "names with commas between", told->from != NULL ?
		    told->from : "");
	s->options = view_of(s->text);
	return COFRE_OK;
}

static bool
is_nothing(const struct told *t)
{
	return t->host == NULL && t->user == NULL && t->from == NULL &&
	    t->port == NULL && t->namespaces.count == 0 && !t->for_runs &&
	    !t->not_for_runs && !t->restricted && !t->unrestricted &&
	    !t->no_namespaces;
}

/* What can be seen to be wrong before the daemon is asked for the target. */
static enum cofre_status
check_told(struct told *told, struct problem *p)
{
	enum cofre_status ret = COFRE_OK;

	if ((told->for_runs && told->not_for_runs) ||
	    (told->restricted && told->unrestricted) ||
	    (told->namespaces.count > 0 && told->no_namespaces))
		return problem_set(p, COFRE_ARGUMENT,
		    "two options say the opposite of each other");
	if (told->host != NULL)
		ret = targetarg_host(told->host, "--host", p);
	if (ret == COFRE_OK && told->user != NULL)
		ret = targetarg_user(told->user, p);
	if (ret == COFRE_OK && told->port != NULL)
		ret = targetarg_port(told->port, &told->number, p);
	return ret != COFRE_OK ? ret : targetarg_namespaces(
	    told->namespaces.items, told->namespaces.count, p);
}

/* It was checked; t: what is to be changed, or NULL when all is told. */
static enum cofre_status
set(struct settings *s, const struct told *told, const struct targetinfo *t,
    struct problem *p)
{
	memset(s, 0, sizeof(*s));
	s->host = view_of(t == NULL || told->host != NULL ? told->host :
							    t->host);
	s->user = view_of(t == NULL || told->user != NULL ? told->user :
							    t->user);
	s->port = told->port != NULL ? told->number :
	    t != NULL		     ? t->port :
				       SSH_PORT;
	s->for_runs = told->for_runs ||
	    (t != NULL && t->for_runs && !told->not_for_runs);
	set_namespaces(s, told, t);
	return set_options(s, told, t, p);
}

/* The line of a key that was just made. */
static int
print_key(struct cmd *cmd, const struct arg_object *o, uint32_t version,
    struct view public)
{
	char line[SSH_LINE_SIZE], comment[AUTHLINE_COMMENT];

	authline_comment(comment, o->workspace, o->name, version);
	if (public.len != SSH_KEY_LEN ||
	    !authline_public(line, public.data, comment))
		return cmd_fail(cmd, call_bad_reply(cmd->c));
	(void)puts(line);
	cmd_note(cmd, "the next step is 'cofre target authorize %s', which "
	    "brings the key to its host and pins the host's", cmd->object);
	return 0;
}

static int
create(struct cmd *cmd, const struct arg_object *o, const struct settings *s)
{
	const struct target_create_request q = { view_of(o->workspace),
		view_of(o->name), s->host, s->port, s->user, s->for_runs,
		s->options, s->namespaces };
	struct target_create_reply m;
	struct view body;
	enum cofre_status st = cmd_open(cmd);

	if (st != COFRE_OK)
		return status_exit_code(st);
	target_create_request_put(call_begin(cmd->c, OP_TARGET_CREATE), &q);
	st = cmd_call(cmd, &body);
	if (st == COFRE_OK && !target_create_reply_decode(body, &m))
		st = call_bad_reply(cmd->c);
	if (st == COFRE_NOT_FOUND)
		return cmd_error(cmd, st,
		    "there is no such workspace ('cofre workspace list')");
	return st == COFRE_OK ? print_key(cmd, o, m.version, m.public) :
				cmd_fail(cmd, st);
}

int
cmd_target_create(struct cmd *cmd, int argc, char **argv)
{
	struct told told = { .host = NULL };
	const struct option_row rows[] = {
		{ "host", 0, OPTION_TEXT, "H", &told.host,
		    "name or address of its host" },
		{ "user", 0, OPTION_TEXT, "U", &told.user,
		    "the account there" },
		{ "port", 0, OPTION_TEXT, "N", &told.port,
		    "of its sshd, 1 to 65535; 22 otherwise" },
		{ "for-runs", 0, OPTION_FLAG, NULL, &told.for_runs,
		    "runs of the workspace may use it" },
		{ "unrestricted", 0, OPTION_FLAG, NULL, &told.unrestricted,
		    "let the key have terminals and forwardings" },
		{ "from", 0, OPTION_TEXT, "LIST", &told.from,
		    "addresses from which the key is good" },
		{ "namespace", 0, OPTION_LIST, "N", &told.namespaces,
		    "of ssh-keygen -Y sign, such as git; several times" },
	};
	const struct option_usage u = {
		"target create WORKSPACE/NAME --host H --user U [option ...]",
		"Make a compute target with a key of its own, in the vault, "
		"and print its public\nkey.\n", rows, 7, 1, 1
	};
	struct settings s;
	struct arg_object o;
	struct problem p;
	int code = cmd_parse_object(cmd, &u, argc, argv, &o);

	if (code != CMD_GO)
		return code;
	if (told.host == NULL || told.user == NULL)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "say where it is: --host H --user U");
	if (check_told(&told, &p) != COFRE_OK ||
	    set(&s, &told, NULL, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	return create(cmd, &o, &s);
}

static int
change(struct cmd *cmd, const struct targetinfo *t, const struct settings *s)
{
	const struct target_set_request q = { view_of(t->name.workspace),
		view_of(t->name.name), t->revision, s->host, s->port, s->user,
		s->for_runs, s->options, s->namespaces };
	struct target_set_reply m;
	struct view body;
	enum cofre_status st;

	target_set_request_put(call_begin(cmd->c, OP_TARGET_SET), &q);
	st = cmd_call(cmd, &body);
	if (st == COFRE_OK && !target_set_reply_decode(body, &m))
		st = call_bad_reply(cmd->c);
	if (st == COFRE_CONFLICT)
		return cmd_error(cmd, st, "somebody else has changed it "
		    "meanwhile; nothing was changed, try again");
	return st == COFRE_OK ? 0 : cmd_fail(cmd, st);
}

int
cmd_target_set(struct cmd *cmd, int argc, char **argv)
{
	struct told told = { .host = NULL };
	const struct option_row rows[] = {
		{ "host", 0, OPTION_TEXT, "H", &told.host,
		    "name or address of its host" },
		{ "user", 0, OPTION_TEXT, "U", &told.user,
		    "the account there" },
		{ "port", 0, OPTION_TEXT, "N", &told.port,
		    "of its sshd, 1 to 65535" },
		{ "for-runs", 0, OPTION_FLAG, NULL, &told.for_runs,
		    "runs of the workspace may use it" },
		{ "not-for-runs", 0, OPTION_FLAG, NULL, &told.not_for_runs,
		    "they may not" },
		{ "restricted", 0, OPTION_FLAG, NULL, &told.restricted,
		    "no terminals and forwardings for the key" },
		{ "unrestricted", 0, OPTION_FLAG, NULL, &told.unrestricted,
		    "it may have them" },
		{ "from", 0, OPTION_TEXT, "LIST", &told.from,
		    "addresses from which the key is good; '' is all" },
		{ "namespace", 0, OPTION_LIST, "N", &told.namespaces,
		    "of ssh-keygen -Y sign; in place of those that it has" },
		{ "no-namespaces", 0, OPTION_FLAG, NULL, &told.no_namespaces,
		    "it signs for none" },
	};
	const struct option_usage u = {
		"target set WORKSPACE/NAME [option ...]",
		"Change what is told of a target; the rest stays.  What a key "
		"may do, the host\nlearns by 'cofre target authorize'.\n",
		rows, 10, 1, 1
	};
	struct arg_object name;
	struct targetinfo t;
	struct settings s;
	struct problem p;
	int code = cmd_parse_object(cmd, &u, argc, argv, &name);

	if (code != CMD_GO)
		return code;
	if (is_nothing(&told))
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "say what is to be changed: --host, --user, --port, "
		    "--for-runs, --not-for-runs, --restricted, --unrestricted, "
		    "--from, --namespace or --no-namespaces");
	if (check_told(&told, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	code = targetinfo_get(cmd, &name, &t);
	if (code != CMD_GO)
		return code;
	if (set(&s, &told, &t, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	return change(cmd, &t, &s);
}

int
cmd_target_pin(struct cmd *cmd, int argc, char **argv)
{
	struct option_list keys = { .count = 0 };
	bool none = false;
	const struct option_row rows[] = {
		{ "host-key", 0, OPTION_LIST, "KEY", &keys,
		    "a line 'ssh-ed25519 AAAA...', or a file; several times" },
		{ "none", 0, OPTION_FLAG, NULL, &none,
		    "none: the next 'authorize' pins what your ssh knows" },
	};
	const struct option_usage u = {
		"target pin WORKSPACE/NAME (--host-key KEY... | --none)",
		"Say which keys the host has, in place of those that are "
		"pinned.  The vault signs\nfor no other host.\n", rows, 2, 1, 1
	};
	struct hostkeys h;
	struct targetinfo t;
	struct problem p;
	int code = cmd_target_asked(cmd, &u, argc, argv, &t);

	if (code != CMD_GO)
		return code;
	if ((keys.count > 0) == none)
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "say either --host-key KEY or --none");
	h = (struct hostkeys){ .host = t.host, .port = t.port };
	for (size_t i = 0; i < keys.count; i++)
		if (hostkeys_add(&h, keys.items[i], &p) != COFRE_OK)
			return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	code = targetinfo_pin_all(cmd, &t, h.views, h.count);
	return code == CMD_GO ? 0 : code;
}
