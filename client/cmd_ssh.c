/* ssh: log in to a target with its key in the vault. */
#include "cmd.h"

#include <string.h>
#include <unistd.h>

#include "login.h"
#include "ssh_cert.h"
#include "sshagent.h"
#include "status.h"

struct options {
	const char *agent;
	const char *config;
	bool tty;
};

/* What the target says decides, not what is in the user's files. */
static void
set_words(const struct options *o, bool no_tty, char *words[6])
{
	static char file[] = "-F", none[] = "none", tty[] = "-t", not[] = "-T";
	static char forwards[] = "-oClearAllForwardings=yes";
	size_t n = 0;

	words[n++] = file;
	words[n++] = o->config == NULL ? none : (char *)(uintptr_t)o->config;
	words[n++] = forwards;
	if (no_tty || o->tty)
		words[n++] = no_tty ? not : tty;
	words[n] = NULL;
}

/*
 * What it takes to log in: the keys, and a certificate of the newest, for
 * hosts that trust the CA alone, if the target's settings are such that it can
 * have one.  A rotation may come between the two.
 */
static int
prepare(struct cmd *cmd, const struct arg_object *name, struct targetinfo *t,
    uint8_t bytes[SSH_BLOB_MAX], struct view *certificate)
{
	enum cofre_status s;
	bool same = false;
	int code = CMD_GO;

	for (int i = 0; i < 3 && code == CMD_GO && !same; i++) {
		code = targetinfo_reach(cmd, name, t);
		if (code != CMD_GO)
			break;
		s = targetinfo_certify(cmd, t, bytes, certificate);
		if (s == COFRE_INVALID) {
			*certificate = (struct view){ NULL, 0 };
			return code;
		}
		if (s != COFRE_OK)
			return cmd_fail(cmd, s);
		same = memcmp(ssh_cert_key(*certificate, SSH_CERT_USER),
		    t->keys[0].public, SSH_KEY_LEN) == 0;
	}
	return code;
}

/* sshd would refuse it a terminal: none is asked for then. */
static bool
has_no_tty(struct cmd *cmd, const struct options *o, size_t count,
    const struct targetinfo *t, struct view certificate)
{
	if ((!o->tty && count > 0) || isatty(STDIN_FILENO) != 1 ||
	    !targetinfo_is_restricted(cmd, t, certificate))
		return false;
	cmd_warn("%s is restricted to commands, and gets no terminal: 'cofre "
	    "target set %s --unrestricted' and 'cofre target authorize %s' let "
	    "it have one", cmd->object, cmd->object, cmd->object);
	return true;
}

static int
run(struct cmd *cmd, const struct options *o, char *const *command,
    size_t count)
{
	uint8_t bytes[SSH_BLOB_MAX];
	char agent[SSHAGENT_PATH];
	char *words[6];
	struct arg_object name;
	struct targetinfo t;
	struct login l = { .t = &t, .agent = agent, .in = -1,
		.options = words, .command = command, .count = count };
	struct problem p;
	bool no_tty;
	int code;

	if (arg_object(cmd->args[0], &name, &p) != COFRE_OK ||
	    sshagent_path(o->agent, cmd->socket, agent, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	cmd->object = cmd->args[0];
	code = prepare(cmd, &name, &t, bytes, &l.certificate);
	if (code != CMD_GO)
		return code;
	no_tty = t.pin_count > 0 &&
	    has_no_tty(cmd, o, count, &t, l.certificate);
	cmd_close(cmd);
	if (t.pin_count == 0)
		return cmd_error(cmd, COFRE_INVALID,
		    "no host key is pinned for it, so %s could be anybody: "
		    "'cofre target authorize %s' pins the one that your own "
		    "ssh knows, 'cofre target pin %s --host-key KEY' one that "
		    "you know", t.host, cmd->object, cmd->object);
	l.user = t.user;
	login_pin(&l);
	set_words(o, no_tty, words);
	return login_run(cmd, &l);
}

/*
 * Where the command for the host begins: behind the target, which is the
 * first word that is no option and no option's value.
 */
static int
find_command(int argc, char **argv)
{
	int i = 1;

	while (i < argc && argv[i][0] == '-') {
		bool has_value = strcmp(argv[i], "--agent") == 0 ||
		    strcmp(argv[i], "--config") == 0;

		i += has_value ? 2 : 1;
	}
	return i >= argc ? argc : i + 1;
}

int
cmd_ssh(struct cmd *cmd, int argc, char **argv)
{
	struct options o = { NULL, NULL, false };
	const struct option_row rows[] = {
		{ "tty", 't', OPTION_FLAG, NULL, &o.tty,
		    "a terminal for the command too" },
		{ "config", 0, OPTION_TEXT, "FILE", &o.config,
		    "ssh_config(5), for jump hosts; none is read otherwise" },
		{ "agent", 0, OPTION_TEXT, "PATH", &o.agent,
		    "the daemon's agent socket, if it is elsewhere" },
	};
	const struct option_usage u = {
		"ssh [option ...] WORKSPACE/NAME [CMD [ARG ...]]",
		"Log in to a target with its key in the vault, and run a "
		"command there, or a\nshell.  The host must have a key that is "
		"pinned.\n", rows, 3, 1, 1
	};
	int at = find_command(argc, argv);
	int code = cmd_parse(cmd, &u, at, argv);

	if (code != CMD_GO)
		return code;
	if (at < argc && strcmp(argv[at], "--") == 0)
		at++;
	return run(cmd, &o, argv + at, (size_t)(argc - at));
}
