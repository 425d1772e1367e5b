/*
 * Any bytes as a public key, a signature or a certificate: each is at most
 * one of them, and is the same again after it was taken apart and made, or
 * written as a line and read.
 */
#include <stdlib.h>
#include <string.h>

#include "ssh_cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* The line has one form, no control character, and gives the blob back. */
static void
check_line(struct view blob)
{
	static uint8_t bytes[SSH_BLOB_MAX];
	static char text[SSH_LINE_SIZE];
	struct ssh_line l = { .blob = blob, .comment = view_of("c") };
	char fingerprint[SSH_FINGERPRINT_SIZE];
	struct ssh_host_key k;

	must(ssh_line_make(text, sizeof(text), &l));
	must(ssh_text_is_ascii(view_of(text), sizeof(text)));
	if (ssh_key_type(blob) != NULL) {
		must(ssh_line_host_key(view_of(text), bytes, &k));
		must(view_equal(k.blob, blob) && k.host.len == 0);
		must(k.type == ssh_key_type(blob));
	}
	ssh_key_fingerprint(fingerprint, blob);
	must(strlen(fingerprint) == SSH_FINGERPRINT_SIZE - 1);
}

static void
check_certificate(struct view blob, const struct ssh_cert *c)
{
	static uint8_t again[SSH_BLOB_MAX];
	struct wire_writer w;

	must(ssh_key_type(blob) == NULL);
	must(ssh_cert_key(blob, c->type) == c->key);
	must(ssh_cert_key(blob, (enum ssh_cert_type)(3 - c->type)) == NULL);
	must(c->body.data == blob.data && c->after < c->before);
	must(c->body.len + 4 + c->signature.len == blob.len);
	if (c->serial == 0 || ssh_key_get(c->ca) == NULL)
		return;
	wire_writer_init(&w, again, sizeof(again));
	ssh_cert_put(&w, c);
	must(!w.bad && view_equal((struct view){ again, w.len }, c->body));
	ssh_cert_put_signature(&w, ssh_signature_get(c->signature));
	must(!w.bad && view_equal((struct view){ again, w.len }, blob));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view blob = { data, size };
	const uint8_t *key = ssh_key_get(blob);
	const uint8_t *signature = ssh_signature_get(blob);
	const char *type = ssh_key_type(blob);
	struct ssh_cert c;

	must(signature == NULL || type == NULL);
	must((key != NULL) ==
	    (type != NULL && strcmp(type, SSH_ED25519) == 0));
	if (type != NULL)
		check_line(blob);
	if (ssh_cert_get(blob, &c)) {
		check_line(blob);
		check_certificate(blob, &c);
	}
	return 0;
}
