/*
 * Any bytes as what a client wants to have signed: what is taken for a login
 * or an SSHSIG signature is one to the last byte: made of its parts again it
 * is the same.  What is refused leaves nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "ssh_tosign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
put_text(struct wire_writer *w, const char *s)
{
	wire_put_string(w, view_of(s), SSH_NAME_MAX);
}

static void
put_login(struct wire_writer *w, const struct ssh_tosign *t)
{
	must(t->session.len >= 1 && t->user.len >= 1);
	must(t->key > t->blob.data &&
	    t->key + SSH_KEY_LEN <= t->blob.data + t->blob.len);
	wire_put_string(w, t->session, SSH_SESSION_MAX);
	wire_put_u8(w, 50);
	wire_put_string(w, t->user, SSH_NAME_MAX);
	put_text(w, "ssh-connection");
	put_text(w, t->host_key.len > 0 ?
		"publickey-hostbound-v00@openssh.com" : "publickey");
	wire_put_bool(w, true);
	put_text(w, t->is_certificate ? SSH_ED25519_CERT : SSH_ED25519);
	wire_put_string(w, t->blob, SSH_BLOB_MAX);
	if (t->host_key.len > 0)
		wire_put_string(w, t->host_key, SSH_BLOB_MAX);
}

static void
put_file(struct wire_writer *w, const struct ssh_tosign *t)
{
	must(t->name_space.len >= 1 && t->key == NULL);
	wire_put_bytes(w, view_of("SSHSIG"));
	wire_put_string(w, t->name_space, SSH_NAME_MAX);
	put_text(w, "");
	put_text(w, t->hash.len == 32 ? "sha256" : "sha512");
	wire_put_string(w, t->hash, 64);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[3 * SSH_BLOB_MAX];
	struct ssh_tosign t = { .user = { NULL, 7 } };
	enum ssh_tosign_result result;
	struct wire_writer w;

	result = ssh_tosign_get((struct view){ data, size }, &t);
	must(ssh_tosign_text(result)[0] != '?');
	if (result != SSH_TOSIGN_OK) {
		must(t.user.len == 7 && t.key == NULL);
		return 0;
	}
	wire_writer_init(&w, again, sizeof(again));
	if (t.kind == SSH_TOSIGN_LOGIN)
		put_login(&w, &t);
	else
		put_file(&w, &t);
	must(!w.bad && w.len == size && memcmp(again, data, size) == 0);
	return 0;
}
