#include "sshbind.h"

#include <string.h>

static bool
is_session(const struct sshbind_session *s, struct view id)
{
	return view_equal((struct view){ s->id, s->len }, id);
}

static const char *
check(const struct sshbind *b, struct view id,
    const uint8_t host[SSH_KEY_LEN], bool *known)
{
	*known = false;
	if (id.len == 0 || id.len > SSH_SESSION_MAX)
		return "a session's id has 1 to 128 bytes";
	for (unsigned i = 0; i < b->count; i++) {
		if (!is_session(&b->sessions[i], id))
			continue;
		*known = true;
		return memcmp(b->sessions[i].host, host, SSH_KEY_LEN) == 0 ?
		    NULL : "the session is another host's";
	}
	if (b->final)
		return "the connection is another session's";
	return b->count == SSHBIND_MAX ? "too many sessions" : NULL;
}

const char *
sshbind_add(struct sshbind *b, struct view id,
    const uint8_t host[SSH_KEY_LEN], bool forwarding)
{
	bool known;
	const char *why = check(b, id, host, &known);
	struct sshbind_session *s;

	if (why != NULL)
		return why;
	b->forwarded = b->forwarded || forwarding;
	b->final = b->final || !forwarding;
	if (known)
		return NULL;
	s = &b->sessions[b->count++];
	s->len = id.len;
	memcpy(s->id, id.data, id.len);
	memcpy(s->host, host, SSH_KEY_LEN);
	return NULL;
}

const uint8_t *
sshbind_host(const struct sshbind *b, struct view id, const char **why)
{
	const struct sshbind_session *last;

	if (b->count == 0) {
		*why = "no session is bound";
		return NULL;
	}
	if (b->forwarded) {
		*why = "the agent was forwarded";
		return NULL;
	}
	last = &b->sessions[b->count - 1];
	if (!is_session(last, id)) {
		*why = "it is another session than the one that is bound";
		return NULL;
	}
	return last->host;
}
