#include "sshsample.h"

#include <check.h>

#include "crypto.h"
#include "sample.h"

struct view
sshsample_base64(const char *text, uint8_t *out, size_t size)
{
	size_t len = 0;

	ck_assert(crypto_base64_open(out, size, view_of(text), &len));
	return (struct view){ out, len };
}

struct view
sshsample_blob(const char *line, uint8_t out[SSH_BLOB_MAX])
{
	struct ssh_host_key k;

	ck_assert(ssh_line_host_key(view_of(line), out, &k));
	return k.blob;
}

struct view
sshsample_strings(uint8_t *to, size_t size, const char *const *items,
    size_t count)
{
	struct wire_writer w;

	wire_writer_init(&w, to, size);
	for (size_t i = 0; i < count; i++)
		wire_put_string(&w, view_of(items[i]), SSH_BLOB_MAX);
	ck_assert(!w.bad);
	return (struct view){ to, w.len };
}

struct ssh_cert
sshsample_cert(void)
{
	static uint8_t nonce[SSH_CERT_NONCE_LEN], key[SSH_KEY_LEN];
	static uint8_t ca[SSH_KEY_BLOB_LEN], principals[16];
	static const char *const alice[] = { "alice" };
	uint8_t ca_key[SSH_KEY_LEN];
	struct wire_writer w;

	for (size_t i = 0; i < sizeof(nonce); i++)
		nonce[i] = (uint8_t)i;
	(void)sample_hex(SSHSAMPLE_KEY, key, sizeof(key));
	(void)sample_hex(SSHSAMPLE_CA, ca_key, sizeof(ca_key));
	wire_writer_init(&w, ca, sizeof(ca));
	ssh_key_put(&w, ca_key);
	return (struct ssh_cert){ .type = SSH_CERT_USER, .nonce = nonce,
		.key = key, .serial = 42, .after = 1577836800,
		.before = 1577840400, .key_id = view_of("ws1/run/abc"),
		.principals = sshsample_strings(principals,
		    sizeof(principals), alice, 1),
		.force_command = view_of("/bin/true"),
		.source_address = view_of("127.0.0.1/32"),
		.extensions = SSH_CERT_PTY, .ca = { ca, sizeof(ca) } };
}

struct view
sshsample_made(const struct ssh_cert *c,
    const uint8_t signature[SSH_SIGNATURE_LEN], uint8_t *out, size_t size)
{
	struct wire_writer w;

	wire_writer_init(&w, out, size);
	ssh_cert_put(&w, c);
	ssh_cert_put_signature(&w, signature);
	ck_assert(!w.bad);
	return (struct view){ out, w.len };
}
