#include "sshsample.h"

#include <check.h>

#include "crypto.h"

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
