#include "ssh_krl.h"

#define MAGIC "SSHKRL\n"
#define FORMAT_VERSION 1u

enum section { SECTION_CERTIFICATES = 1, SECTION_KEYS = 2 };
enum subsection { BY_SERIALS = 0x20, BY_KEY_IDS = 0x23 };

typedef bool one_string(struct view v);

static bool
is_key_id(struct view v)
{
	return v.len > 0 && ssh_text_is_ascii(v, SSH_CERT_ID_MAX);
}

static bool
is_key(struct view v)
{
	return ssh_key_type(v) != NULL;
}

/* Is v made of such strings, and nothing else? */
static bool
are_strings(struct view v, one_string *is)
{
	struct wire_reader r;

	wire_reader_init(&r, v);
	while (r.len > 0) /* what can't be read is empty, and so is none */
		if (!is(wire_get_string(&r, SSH_BLOB_MAX)))
			return false;
	return wire_reader_done(&r);
}

static bool
is_good(const struct ssh_krl *k)
{
	uint64_t last = 0;

	for (size_t i = 0; i < k->serial_count; i++) {
		if (k->serials[i] <= last)
			return false;
		last = k->serials[i];
	}
	return ssh_text_is_ascii(k->comment, SSH_COMMENT_MAX) &&
	    ssh_key_type(k->ca) != NULL &&
	    are_strings(k->key_ids, is_key_id) &&
	    are_strings(k->keys, is_key);
}

static void
put_certificates(struct wire_writer *w, const struct ssh_krl *k)
{
	size_t section, at;

	wire_put_u8(w, SECTION_CERTIFICATES);
	section = wire_string_begin(w);
	wire_put_string(w, k->ca, SSH_BLOB_MAX);
	wire_put_string(w, view_of(""), 0); /* reserved */
	if (k->serial_count > 0) {
		wire_put_u8(w, BY_SERIALS);
		at = wire_string_begin(w);
		for (size_t i = 0; i < k->serial_count; i++)
			wire_put_u64(w, k->serials[i]);
		wire_string_end(w, at);
	}
	if (k->key_ids.len > 0) {
		wire_put_u8(w, BY_KEY_IDS);
		wire_put_string(w, k->key_ids, UINT32_MAX);
	}
	wire_string_end(w, section);
}

void
ssh_krl_put(struct wire_writer *w, const struct ssh_krl *k)
{
	if (!is_good(k)) {
		w->bad = true;
		return;
	}
	wire_put_bytes(w, (struct view){ (const uint8_t *)MAGIC,
		sizeof(MAGIC) }); /* with its NUL */
	wire_put_u32(w, FORMAT_VERSION);
	wire_put_u64(w, k->version);
	wire_put_u64(w, k->generated);
	wire_put_u64(w, 0); /* flags */
	wire_put_string(w, view_of(""), 0); /* reserved */
	wire_put_string(w, k->comment, SSH_COMMENT_MAX);
	if (k->serial_count > 0 || k->key_ids.len > 0)
		put_certificates(w, k);
	if (k->keys.len > 0) {
		wire_put_u8(w, SECTION_KEYS);
		wire_put_string(w, k->keys, UINT32_MAX);
	}
}
