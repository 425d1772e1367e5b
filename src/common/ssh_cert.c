#include "ssh_cert.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Sorted as OpenSSH wants them, and in the order of the bits. */
static const char *const extensions[] = { "permit-X11-forwarding",
	"permit-agent-forwarding", "permit-port-forwarding", "permit-pty",
	"permit-user-rc" };

enum critical { FORCE_COMMAND, SOURCE_ADDRESS, CRITICALS };
static const char *const criticals[CRITICALS] = { "force-command",
	"source-address" };

static bool
are_principals(struct view v)
{
	struct wire_reader r;
	size_t count = 0;

	wire_reader_init(&r, v);
	while (r.len > 0) { /* what can't be read is empty, and so is none */
		if (!ssh_text_is_principal(wire_get_string(&r, SSH_NAME_MAX)))
			return false;
		count++;
	}
	return count >= 1 && count <= SSH_CERT_PRINCIPALS_MAX;
}

/* What holds for every certificate, ours or not. */
static bool
is_good(const struct ssh_cert *c)
{
	bool plain = c->force_command.len == 0 && c->source_address.len == 0 &&
	    c->extensions == 0;

	return (c->type == SSH_CERT_USER ||
		   (c->type == SSH_CERT_HOST && plain)) &&
	    c->after < c->before &&
	    ssh_text_is_ascii(c->key_id, SSH_CERT_ID_MAX) &&
	    are_principals(c->principals) &&
	    ssh_text_is_line(c->force_command, SSH_COMMAND_MAX) &&
	    (c->source_address.len == 0 ||
		ssh_text_is_addresses(c->source_address)) &&
	    c->extensions >> COUNT(extensions) == 0;
}

static void
put_name(struct wire_writer *w, const char *name)
{
	wire_put_string(w, view_of(name), SSH_NAME_MAX);
}

/* The value of an option is a string in a string. */
static void
put_critical(struct wire_writer *w, enum critical which, struct view value)
{
	size_t at;

	if (value.len == 0)
		return;
	put_name(w, criticals[which]);
	at = wire_string_begin(w);
	wire_put_string(w, value, SSH_BLOB_MAX);
	wire_string_end(w, at);
}

static void
put_options(struct wire_writer *w, const struct ssh_cert *c)
{
	size_t at = wire_string_begin(w);

	put_critical(w, FORCE_COMMAND, c->force_command);
	put_critical(w, SOURCE_ADDRESS, c->source_address);
	wire_string_end(w, at);
	at = wire_string_begin(w);
	for (size_t i = 0; i < COUNT(extensions); i++)
		if ((c->extensions & 1u << i) != 0) {
			put_name(w, extensions[i]);
			put_name(w, "");
		}
	wire_string_end(w, at);
	put_name(w, ""); /* reserved */
}

void
ssh_cert_put(struct wire_writer *w, const struct ssh_cert *c)
{
	if (w->len != 0 || !is_good(c) || c->serial == 0 ||
	    ssh_key_get(c->ca) == NULL) {
		w->bad = true;
		return;
	}
	put_name(w, SSH_ED25519_CERT);
	wire_put_string(w, (struct view){ c->nonce, SSH_CERT_NONCE_LEN },
	    SSH_CERT_NONCE_LEN);
	wire_put_string(w, (struct view){ c->key, SSH_KEY_LEN }, SSH_KEY_LEN);
	wire_put_u64(w, c->serial);
	wire_put_u32(w, c->type);
	wire_put_string(w, c->key_id, SSH_CERT_ID_MAX);
	wire_put_string(w, c->principals, SSH_BLOB_MAX);
	wire_put_u64(w, c->after);
	wire_put_u64(w, c->before);
	put_options(w, c);
	wire_put_string(w, c->ca, SSH_BLOB_MAX);
	if (w->len > SSH_BLOB_MAX - 4 - SSH_SIGNATURE_BLOB_LEN)
		w->bad = true;
}

void
ssh_cert_put_signature(struct wire_writer *w,
    const uint8_t signature[SSH_SIGNATURE_LEN])
{
	size_t at = wire_string_begin(w);

	ssh_signature_put(w, signature);
	wire_string_end(w, at);
}

/* The one string that a view is; empty when it is not exactly that. */
static struct view
only_string(struct view v)
{
	struct wire_reader r;
	struct view s;

	wire_reader_init(&r, v);
	s = wire_get_string(&r, SSH_BLOB_MAX);
	return wire_reader_done(&r) ? s : (struct view){ NULL, 0 };
}

/*
 * Read options that are among the names, each behind those before it in the
 * table.  Data of the i-th one goes to data[i].  Returns the bits of those
 * that are there; *good becomes false when it is not such a list.
 */
static unsigned
get_options(struct view all, const char *const *names, size_t count,
    struct view *data, bool *good)
{
	struct wire_reader r;
	unsigned bits = 0;

	wire_reader_init(&r, all);
	for (size_t i = 0; r.len > 0 && !r.bad; i++) {
		struct view name = wire_get_string(&r, SSH_NAME_MAX);

		while (i < count && !view_is(name, names[i]))
			i++;
		if (i == count) {
			*good = false;
			return 0;
		}
		data[i] = wire_get_string(&r, SSH_BLOB_MAX);
		bits |= 1u << i;
	}
	*good = *good && wire_reader_done(&r);
	return bits;
}

static bool
get_critical(struct view all, struct ssh_cert *c)
{
	struct view data[CRITICALS] = { { NULL, 0 } };
	struct view value[CRITICALS] = { { NULL, 0 } };
	bool good = true;
	unsigned bits;

	bits = get_options(all, criticals, CRITICALS, data, &good);
	for (size_t i = 0; i < CRITICALS; i++)
		if ((bits & 1u << i) != 0) {
			value[i] = only_string(data[i]);
			good = good && value[i].len > 0;
		}
	c->force_command = value[FORCE_COMMAND];
	c->source_address = value[SOURCE_ADDRESS];
	return good;
}

static bool
get_extensions(struct view all, struct ssh_cert *c)
{
	struct view data[COUNT(extensions)] = { { NULL, 0 } };
	bool good = true;

	c->extensions =
	    get_options(all, extensions, COUNT(extensions), data, &good);
	for (size_t i = 0; i < COUNT(extensions); i++)
		if ((c->extensions & 1u << i) != 0 && data[i].len != 0)
			good = false;
	return good;
}

/* A string of just len bytes. */
static const uint8_t *
get_exactly(struct wire_reader *r, size_t len)
{
	struct view v = wire_get_string(r, len);

	if (v.len != len)
		r->bad = true;
	return v.data;
}

/* A signature by the CA's key, as far as its form tells. */
static bool
is_signature(struct view signature, struct view ca)
{
	return ssh_key_get(ca) != NULL ? ssh_signature_get(signature) != NULL :
	    signature.len > 0;
}

bool
ssh_cert_get(struct view blob, struct ssh_cert *c)
{
	struct view critical, extension, type;
	struct ssh_cert n = { .type = 0 };
	struct wire_reader r;

	wire_reader_init(&r, blob);
	type = wire_get_string(&r, SSH_NAME_MAX);
	n.nonce = get_exactly(&r, SSH_CERT_NONCE_LEN);
	n.key = get_exactly(&r, SSH_KEY_LEN);
	n.serial = wire_get_u64(&r);
	n.type = (enum ssh_cert_type)wire_get_u32(&r);
	n.key_id = wire_get_string(&r, SSH_CERT_ID_MAX);
	n.principals = wire_get_string(&r, SSH_BLOB_MAX);
	n.after = wire_get_u64(&r);
	n.before = wire_get_u64(&r);
	critical = wire_get_string(&r, SSH_BLOB_MAX);
	extension = wire_get_string(&r, SSH_BLOB_MAX);
	(void)wire_get_string(&r, 0); /* reserved */
	n.ca = wire_get_string(&r, SSH_BLOB_MAX);
	n.body = (struct view){ blob.data, blob.len - r.len };
	n.signature = wire_get_string(&r, SSH_BLOB_MAX);
	if (!wire_reader_done(&r) || blob.len > SSH_BLOB_MAX ||
	    !view_is(type, SSH_ED25519_CERT) ||
	    !get_critical(critical, &n) || !get_extensions(extension, &n) ||
	    !is_good(&n) || ssh_key_type(n.ca) == NULL ||
	    !is_signature(n.signature, n.ca))
		return false;
	*c = n;
	return true;
}

const uint8_t *
ssh_cert_key(struct view blob, enum ssh_cert_type type)
{
	const uint8_t *key = ssh_key_get(blob);
	struct ssh_cert c;

	if (key != NULL)
		return key;
	return ssh_cert_get(blob, &c) && c.type == type ? c.key : NULL;
}
