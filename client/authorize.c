#include "authorize.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authline.h"
#include "authscript.h"
#include "login.h"
#include "memfile.h"
#include "status.h"

#define COMMAND_SIZE 320u
/* For a login with all that a person has to type, and the script. */
#define LOGIN_SECONDS 180u

int
authorize_begin(struct cmd *cmd, struct authorize *a,
    const struct targetinfo *t)
{
	struct problem p;
	int code = targetinfo_check(cmd, t);

	if (code != CMD_GO)
		return code;
	a->given = (struct hostkeys){ .host = t->host, .port = t->port };
	for (size_t i = 0; i < a->keys.count; i++)
		if (hostkeys_add(&a->given, a->keys.items[i], &p) != COFRE_OK)
			return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	for (size_t i = 0; i < a->given.count && t->pin_count > 0; i++)
		if (!targetinfo_is_pinned(t, a->given.views[i]))
			return cmd_error(cmd, COFRE_CONFLICT,
			    "--host-key names another key than those that are "
			    "pinned: if %s has a new one, 'cofre target pin' "
			    "changes the pin", t->host);
	if (!authscript_is_user(view_of(a->login != NULL ? a->login :
		t->user)))
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "--login '%.64s' is no name of an account", a->login);
	if (a->file == NULL)
		a->file = AUTHSCRIPT_FILE;
	if (!authscript_is_file(view_of(a->file)))
		return cmd_error(cmd, COFRE_ARGUMENT,
		    "--file '%.100s': a path of A-Z a-z 0-9 _ . - / + @, "
		    "without '..'", a->file);
	if (sshagent_path(a->agent, cmd->socket, a->path, &p) != COFRE_OK)
		return cmd_problem(cmd, COFRE_ARGUMENT, &p);
	return CMD_GO;
}

/* What is known of the host's key: the pins, or what was given. */
static void
set_pins(const struct authorize *a, struct login *l)
{
	login_pin(l);
	if (l->pin_count > 0)
		return;
	l->pin_count = a->given.count;
	memcpy(l->pins, a->given.views, sizeof(l->pins));
}

static void
put_blob(struct view *to, uint8_t bytes[SSH_KEY_BLOB_LEN],
    const struct targetinfo_key *k)
{
	struct wire_writer w;

	wire_writer_init(&w, bytes, SSH_KEY_BLOB_LEN);
	ssh_key_put(&w, k->public);
	*to = (struct view){ bytes, w.len };
}

/* The script as a file to be read, or -1 with errno. */
static int
make_script(const struct authorize *a, const struct targetinfo *t,
    bool remove, const struct targetinfo_key *gone)
{
	struct authscript s = { .user = t->user, .file = a->file };
	uint8_t blobs[AUTHSCRIPT_LINES][SSH_KEY_BLOB_LEN];
	char *lines = malloc(AUTHSCRIPT_LINES * SSH_LINE_SIZE +
	    AUTHSCRIPT_SIZE);
	char *text = lines + AUTHSCRIPT_LINES * SSH_LINE_SIZE;
	char comment[AUTHLINE_COMMENT], mine[AUTHLINE_COMMENT];
	bool good = lines != NULL;
	int fd = -1;

	for (size_t i = 0; good && i < t->key_count; i++) {
		char *line = lines + i * SSH_LINE_SIZE;

		if (remove) {
			put_blob(&s.gone[i], blobs[i], &t->keys[i]);
			s.gone_count++;
			continue;
		}
		authline_comment(comment, t->name.workspace, t->name.name,
		    t->keys[i].version);
		good = authline_make(line, view_of(t->options),
		    t->keys[i].public, comment);
		s.lines[s.line_count++] = line;
	}
	if (good && gone != NULL) {
		put_blob(&s.gone[0], blobs[0], gone);
		s.gone_count = 1;
	}
	authline_prefix(mine, t->name.workspace, t->name.name);
	s.comment = mine;
	s.newest = remove ? UINT32_MAX : t->keys[0].version;
	errno = EINVAL;
	if (good && authscript_make(text, AUTHSCRIPT_SIZE, &s))
		fd = memfile_make(view_of(text));
	free(lines);
	return fd;
}

/* Pin what was given, or else what was met. */
static int
pin(struct cmd *cmd, const struct authorize *a, struct targetinfo *t,
    const struct login *l)
{
	struct arg_object name = t->name;
	int code;

	if (t->pin_count > 0)
		return CMD_GO;
	if (a->given.count == 0 && ssh_key_get(l->met) == NULL)
		return cmd_error(cmd, COFRE_INTERNAL,
		    "ssh did not tell which host key it has met, so none is "
		    "pinned: say --host-key, or 'cofre target pin'");
	code = a->given.count > 0 ?
	    targetinfo_pin_all(cmd, t, a->given.views, a->given.count) :
	    targetinfo_pin_all(cmd, t, &l->met, 1);
	return code == CMD_GO ? targetinfo_get(cmd, &name, t) : code;
}

static int
judge(const struct cmd *cmd, const struct login *l, int code, bool *changed)
{
	const struct targetinfo *t = l->t;

	if (l->refused)
		return code;
	if (code == AUTHSCRIPT_CHANGED || code == AUTHSCRIPT_UNCHANGED) {
		*changed = code == AUTHSCRIPT_CHANGED;
		return CMD_GO;
	}
	if (l->late)
		return cmd_error(cmd, COFRE_TIMEOUT,
		    "%s has not done it in %u seconds: whether the keys of %s "
		    "were changed there is not known; it can be done again",
		    t->host, LOGIN_SECONDS, t->user);
	/* Nothing tells whether the host's key or the caller's was refused. */
	if (code == LOGIN_FAILED && l->pin_count == 0 && l->met.len > 0)
		return cmd_error(cmd, COFRE_UNREACHABLE,
		    "ssh could not log in to %s: nothing was changed there.  "
		    "If it says 'Host key verification failed', it does not "
		    "know the host's key: say --host-key KEY, or answer its "
		    "question at a terminal", t->host);
	if (code == LOGIN_FAILED)
		return cmd_error(cmd, COFRE_UNREACHABLE,
		    "ssh could not log in to %s: nothing was changed there",
		    t->host);
	return cmd_error(cmd, COFRE_INTERNAL,
	    "the keys of %s at %s could not be changed (exit status %d); they "
	    "are as they were", t->user, t->host, code);
}

int
authorize_run(struct cmd *cmd, struct authorize *a, struct targetinfo *t,
    bool remove, const struct targetinfo_key *gone, bool *changed)
{
	char text[COMMAND_SIZE];
	char *command[] = { text };
	static char no_tty[] = "-T";
	char *none[] = { no_tty, NULL };
	struct login l = { .t = t, .agent = a->own_key ? a->path : NULL,
		.user = a->login != NULL ? a->login : t->user,
		.options = a->options != NULL ? a->options : none,
		.command = command, .count = 1, .quiet = true,
		.seconds = LOGIN_SECONDS };
	int code;

	if (!authscript_command(text, sizeof(text), t->user,
		strcmp(l.user, t->user) != 0))
		return cmd_error(cmd, COFRE_INVALID,
		    "'%s' is no name of an account", t->user);
	l.in = make_script(a, t, remove, gone);
	if (l.in == -1)
		return cmd_error(cmd, COFRE_INTERNAL,
		    "can't make the script for the host: %s",
		    strerror(errno));
	set_pins(a, &l);
	code = login_run(cmd, &l);
	code = judge(cmd, &l, code, changed);
	(void)close(l.in);
	return code == CMD_GO ? pin(cmd, a, t, &l) : code;
}

int
authorize_prove(struct cmd *cmd, const struct authorize *a,
    const struct targetinfo *t, uint32_t version)
{
	static char no_tty[] = "-T", nothing[] = "exit 0";
	char *none[] = { no_tty, NULL };
	char *command[] = { nothing };
	struct login l = { .t = t, .agent = a->path, .only = version,
		.user = t->user,
		.options = a->options != NULL ? a->options : none,
		.command = command, .count = 1, .in = -1, .quiet = true,
		.seconds = LOGIN_SECONDS };
	int code;

	login_pin(&l);
	code = login_run(cmd, &l);
	if (l.refused)
		return code;
	if (code == 0 && l.by_only)
		return CMD_GO;
	if (l.late)
		return cmd_error(cmd, COFRE_TIMEOUT,
		    "a login to %s with version %u of the key has not ended in "
		    "%u seconds", t->host, (unsigned)version, LOGIN_SECONDS);
	if (code == 0)
		return cmd_error(cmd, COFRE_UNREACHABLE,
		    "%s has let in, but not by version %u of the key, which so "
		    "is not proved", t->host, (unsigned)version);
	return cmd_error(cmd, COFRE_UNREACHABLE,
	    "%s does not let version %u of the key in, though its line is "
	    "there", t->host, (unsigned)version);
}
