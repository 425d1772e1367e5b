#include "signing.h"

#include <string.h>

static bool
is_pinned(const struct target *t, const uint8_t host[SSH_KEY_LEN])
{
	for (uint32_t i = 0; i < t->pin_count; i++) {
		const uint8_t *key = ssh_key_get((struct view){
		    t->pins[i].blob, t->pins[i].len });

		if (key != NULL && memcmp(key, host, SSH_KEY_LEN) == 0)
			return true;
	}
	return false;
}

/* The client may name the host's key besides: then it must be the same. */
static bool
is_hosts(struct view blob, const uint8_t host[SSH_KEY_LEN])
{
	const uint8_t *key = ssh_cert_key(blob, SSH_CERT_HOST);

	return key != NULL && memcmp(key, host, SSH_KEY_LEN) == 0;
}

static const char *
login_refusal(const struct target *t, const struct sshbind *bound,
    const uint8_t *key, const struct ssh_tosign *what, const uint8_t **host)
{
	const char *why = NULL;

	*host = sshbind_host(bound, what->session, &why);
	if (*host == NULL)
		return why;
	if (what->host_key.len > 0 && !is_hosts(what->host_key, *host))
		return "it is for another host than the session's";
	if (t->pin_count == 0)
		return "the target has no pinned host key";
	if (!is_pinned(t, *host))
		return "the host's key is not pinned at the target";
	if (!view_is(what->user, t->user))
		return "it is for another user than the target's";
	if (memcmp(what->key, key, SSH_KEY_LEN) != 0)
		return "it is for another key than the one that is to sign";
	return NULL;
}

bool
signing_is_of_use(const struct target *t, const struct sshbind *bound)
{
	return bound->count == 0 || (!bound->forwarded &&
		is_pinned(t, bound->sessions[bound->count - 1].host));
}

const char *
signing_refusal(const struct target *t, const struct sshbind *bound,
    const uint8_t *key, const struct ssh_tosign *what, const uint8_t **host)
{
	*host = NULL;
	if (what->kind == SSH_TOSIGN_LOGIN)
		return login_refusal(t, bound, key, what, host);
	if (bound->forwarded)
		return "the agent was forwarded";
	for (uint32_t i = 0; i < t->namespace_count; i++)
		if (view_is(what->name_space, t->namespaces[i]))
			return NULL;
	return "the target signs nothing of this namespace";
}

static bool
is_revoked(const struct ca *ca, uint64_t serial, uint64_t now)
{
	for (uint32_t i = 0; i < ca->revoked_count; i++)
		if (ca->revoked[i].serial == serial)
			return ca->revoked[i].until > now;
	return false;
}

const char *
signing_certificate_refusal(const struct ca *ca, struct view blob,
    struct view key_id, uint64_t now)
{
	const uint8_t *by, *signature;
	struct ssh_cert c;

	/* Of another form, or by another CA: cofre has not made it. */
	if (ca == NULL || !ssh_cert_get(blob, &c) ||
	    (by = ssh_key_get(c.ca)) == NULL ||
	    memcmp(by, ca->public, SSH_KEY_LEN) != 0)
		return NULL;
	if ((signature = ssh_signature_get(c.signature)) == NULL ||
	    !crypto_ed25519_verify(signature, by, c.body))
		return "the certificate is forged";
	if (!view_equal(c.key_id, key_id))
		return "the certificate is somebody else's";
	return is_revoked(ca, c.serial, now) ?
	    "the certificate is revoked" : NULL;
}
