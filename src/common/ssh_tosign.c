#include "ssh_tosign.h"

#include <string.h>

#define USERAUTH_REQUEST 50u /* RFC 4252, section 6 */
#define MAGIC "SSHSIG"
#define METHOD "publickey"
#define METHOD_HOSTBOUND "publickey-hostbound-v00@openssh.com"

static bool
is_text(struct view v)
{
	return v.len >= 1 && ssh_text_is_ascii(v, SSH_NAME_MAX);
}

/* The rest of a login, behind its method. */
static enum ssh_tosign_result
get_key(struct wire_reader *r, bool hostbound, struct ssh_tosign *t)
{
	bool has_signature = wire_get_bool(r);
	struct view algorithm = wire_get_string(r, SSH_NAME_MAX);

	t->blob = wire_get_string(r, SSH_BLOB_MAX);
	if (hostbound)
		t->host_key = wire_get_string(r, SSH_BLOB_MAX);
	if (!wire_reader_done(r) || !has_signature ||
	    (hostbound && t->host_key.len == 0))
		return SSH_TOSIGN_DAMAGED;
	t->key = ssh_cert_key(t->blob, SSH_CERT_USER);
	t->is_certificate = ssh_key_get(t->blob) == NULL;
	if (t->key == NULL ||
	    !view_is(algorithm,
		t->is_certificate ? SSH_ED25519_CERT : SSH_ED25519))
		return SSH_TOSIGN_KEY;
	return SSH_TOSIGN_OK;
}

static enum ssh_tosign_result
get_login(struct view data, struct ssh_tosign *t)
{
	struct view service, method;
	struct wire_reader r;
	bool hostbound;

	wire_reader_init(&r, data);
	t->kind = SSH_TOSIGN_LOGIN;
	t->session = wire_get_string(&r, SSH_SESSION_MAX);
	if (t->session.len == 0 || wire_get_u8(&r) != USERAUTH_REQUEST)
		return SSH_TOSIGN_UNKNOWN;
	t->user = wire_get_string(&r, SSH_NAME_MAX);
	service = wire_get_string(&r, SSH_NAME_MAX);
	method = wire_get_string(&r, SSH_NAME_MAX);
	if (r.bad || t->user.len == 0 ||
	    !ssh_text_is_line(t->user, SSH_NAME_MAX))
		return SSH_TOSIGN_DAMAGED;
	if (!view_is(service, "ssh-connection"))
		return SSH_TOSIGN_SERVICE;
	hostbound = view_is(method, METHOD_HOSTBOUND);
	if (!hostbound && !view_is(method, METHOD))
		return SSH_TOSIGN_METHOD;
	return get_key(&r, hostbound, t);
}

static enum ssh_tosign_result
get_file(struct view data, struct ssh_tosign *t)
{
	struct view algorithm;
	struct wire_reader r;

	wire_reader_init(&r, data);
	t->kind = SSH_TOSIGN_FILE;
	(void)wire_get_bytes(&r, strlen(MAGIC));
	t->name_space = wire_get_string(&r, SSH_NAME_MAX);
	(void)wire_get_string(&r, 0); /* reserved */
	algorithm = wire_get_string(&r, SSH_NAME_MAX);
	t->hash = wire_get_string(&r, SSH_NAME_MAX);
	if (!wire_reader_done(&r) || !is_text(t->name_space))
		return SSH_TOSIGN_DAMAGED;
	if (!(view_is(algorithm, "sha256") && t->hash.len == 32) &&
	    !(view_is(algorithm, "sha512") && t->hash.len == 64))
		return SSH_TOSIGN_HASH;
	return SSH_TOSIGN_OK;
}

/*
 * The two can't be taken for one another: "SSHS" as a length is far beyond
 * any session's id.
 */
enum ssh_tosign_result
ssh_tosign_get(struct view data, struct ssh_tosign *t)
{
	struct ssh_tosign n = { .kind = SSH_TOSIGN_LOGIN };
	enum ssh_tosign_result result;

	if (data.len >= strlen(MAGIC) &&
	    memcmp(data.data, MAGIC, strlen(MAGIC)) == 0)
		result = get_file(data, &n);
	else
		result = get_login(data, &n);
	if (result == SSH_TOSIGN_OK)
		*t = n;
	return result;
}

const char *
ssh_tosign_text(enum ssh_tosign_result result)
{
	switch (result) {
	case SSH_TOSIGN_UNKNOWN:
		return "neither a login nor an SSHSIG signature";
	case SSH_TOSIGN_DAMAGED:
		return "a login or SSHSIG signature of a wrong form";
	case SSH_TOSIGN_SERVICE:
		return "a login for another service than ssh-connection";
	case SSH_TOSIGN_METHOD:
		return "a login by another method than publickey";
	case SSH_TOSIGN_KEY:
		return "a login with another kind of key than ssh-ed25519";
	case SSH_TOSIGN_HASH:
		return "an SSHSIG signature over neither sha256 nor sha512";
	case SSH_TOSIGN_OK:
		return "it can be signed";
	}
	return "?";
}
