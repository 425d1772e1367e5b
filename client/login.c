#include "login.h"

#include <errno.h>
#include <string.h>

#include "relay.h"
#include "upstream.h"

void
login_pin(struct login *l)
{
	l->pin_count = l->t->pin_count;
	for (size_t i = 0; i < l->pin_count; i++)
		l->pins[i] = targetinfo_pin(l->t, i);
}

static bool
is_pinned(const struct login *l)
{
	for (size_t i = 0; i < l->pin_count; i++)
		if (l->pins[i].len == l->met.len &&
		    memcmp(l->pins[i].data, l->met.data, l->met.len) == 0)
			return true;
	return false;
}

/* The command line; false, with errno. */
static bool
make_line(const struct login *l, const struct privatedir *dir,
    struct sshline *line)
{
	if (!sshline_begin(line, dir, l->t, l->pins, l->pin_count) ||
	    (l->certificate.len > 0 &&
		!sshline_certificate(line, l->certificate)) ||
	    (l->agent != NULL && !sshline_keys(line, l->t, l->only)))
		return false;
	for (size_t i = 0; l->options != NULL && l->options[i] != NULL; i++)
		sshline_add(line, l->options[i]);
	errno = E2BIG;
	return sshline_end(line, l->t, l->user, l->command, l->count);
}

/* The relay, when the keys are the vault's. */
static enum cofre_status
open_relay(const struct login *l, const struct privatedir *dir,
    struct relay *r, char path[PRIVATEDIR_PATH], struct problem *p)
{
	const char *workspace = l->t->name.workspace;
	enum cofre_status s;

	if (l->agent == NULL)
		return COFRE_OK;
	s = upstream_try(l->agent, workspace, p);
	return s != COFRE_OK ? s : relay_open(r, privatedir_path(dir, "agent",
	    path), l->agent, workspace, p);
}

static int
refuse_key(const struct cmd *cmd, const struct login *l)
{
	char met[SSH_FINGERPRINT_SIZE], pin[SSH_FINGERPRINT_SIZE];
	bool pinned = l->t->pin_count > 0;

	ssh_key_fingerprint(met, l->met);
	ssh_key_fingerprint(pin, l->pins[0]);
	return cmd_error(cmd, COFRE_DENIED,
	    "%s has the host key %s, and not %s%s, which %s: somebody else may "
	    "have answered, so nothing was sent%s%s%s", l->t->host, met, pin,
	    l->pin_count > 1 ? " or another" : "",
	    pinned ? "is pinned" : "--host-key names",
	    pinned ? ".  If it has a new key, 'cofre target pin " : "",
	    pinned ? cmd->object : "", pinned ? "' changes the pin" : "");
}

/* Nothing but ssh itself, no other one that it has started, is looked at. */
static bool
is_by_only(const struct login *l, const struct relay *r)
{
	const uint8_t *key = ssh_key_get((struct view){ r->signer,
		r->signer_len });

	for (size_t i = 0; key != NULL && i < l->t->key_count; i++)
		if (l->t->keys[i].version == l->only &&
		    memcmp(l->t->keys[i].public, key, SSH_KEY_LEN) == 0)
			return true;
	return false;
}

static int
run_in(struct cmd *cmd, struct login *l, const struct privatedir *dir)
{
	struct relay r = { .listener = -1 };
	char path[PRIVATEDIR_PATH];
	struct sshline line;
	struct problem p;
	struct attend a = { .relay = &r, .in = l->in, .quiet = l->quiet,
		.tied = true, .seconds = l->seconds };
	enum cofre_status s;
	int code;

	if (!make_line(l, dir, &line))
		return cmd_error(cmd, COFRE_INTERNAL,
		    "can't make ssh's command line and its files: %s",
		    strerror(errno));
	s = open_relay(l, dir, &r, path, &p);
	a.agent = l->agent != NULL ? path : NULL;
	a.argv = line.words;
	code = s == COFRE_OK ? attend_run(cmd, &a) : cmd_problem(cmd, s, &p);
	relay_close(&r);
	l->late = a.late;
	l->by_only = is_by_only(l, &r);
	if (!sshline_met(dir, l->bytes, &l->met))
		l->met.len = 0;
	l->refused = l->met.len > 0 && l->pin_count > 0 && !is_pinned(l);
	return l->refused ? refuse_key(cmd, l) : code;
}

int
login_run(struct cmd *cmd, struct login *l)
{
	struct privatedir dir;
	int code = targetinfo_check(cmd, l->t);

	if (code != CMD_GO)
		return code;
	if (!privatedir_make(&dir))
		return cmd_error(cmd, COFRE_INTERNAL,
		    "can't make a directory in /tmp: %s", strerror(errno));
	code = run_in(cmd, l, &dir);
	privatedir_remove(&dir);
	return code;
}
