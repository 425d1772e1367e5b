#include "ssh_key.h"

#include <stdio.h>
#include <string.h>

#include "crypto.h"

#define PREFIX "SHA256:"
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define ECDSA "ecdsa-sha2-"

/* A number as RFC 4251, section 5 has it: over 0, and in its one form. */
static bool
is_mpint(struct view v)
{
	return v.len > 0 && v.data[0] < 0x80 &&
	    (v.data[0] > 0 || (v.len > 1 && v.data[1] >= 0x80));
}

/* RFC 4253, section 6.6. */
static bool
is_rsa(struct wire_reader *r, const char *name)
{
	struct view e = wire_get_string(r, SSH_BLOB_MAX);
	struct view n = wire_get_string(r, SSH_BLOB_MAX);

	(void)name;
	return is_mpint(e) && is_mpint(n);
}

/* RFC 5656, section 3.1: the curve again, and a point that is not compressed;
   whether it is on the curve is not looked at. */
static bool
is_ecdsa(struct wire_reader *r, const char *name)
{
	const char *curve = name + strlen(ECDSA);
	struct view again = wire_get_string(r, SSH_NAME_MAX);
	struct view point = wire_get_string(r, SSH_BLOB_MAX);
	size_t len = strcmp(curve, "nistp256") == 0 ? 32 :
	    strcmp(curve, "nistp384") == 0	      ? 48 :
							66;

	return view_is(again, curve) && point.len == 1 + 2 * len &&
	    point.data[0] == 4;
}

/* RFC 8709, section 4. */
static bool
is_ed25519(struct wire_reader *r, const char *name)
{
	(void)name;
	return wire_get_string(r, SSH_KEY_LEN).len == SSH_KEY_LEN;
}

/* The types of plain keys, and what must follow the type's name. */
static const struct {
	const char *name;
	bool (*is)(struct wire_reader *r, const char *name);
} types[] = {
	{ SSH_ED25519, is_ed25519 },
	{ ECDSA "nistp256", is_ecdsa },
	{ ECDSA "nistp384", is_ecdsa },
	{ ECDSA "nistp521", is_ecdsa },
	{ "ssh-rsa", is_rsa },
};

static void
put_typed(struct wire_writer *w, const uint8_t *bytes, size_t len)
{
	wire_put_string(w, view_of(SSH_ED25519), SSH_NAME_MAX);
	wire_put_string(w, (struct view){ bytes, len }, len);
}

void
ssh_key_put(struct wire_writer *w, const uint8_t key[SSH_KEY_LEN])
{
	put_typed(w, key, SSH_KEY_LEN);
}

void
ssh_signature_put(struct wire_writer *w,
    const uint8_t signature[SSH_SIGNATURE_LEN])
{
	put_typed(w, signature, SSH_SIGNATURE_LEN);
}

static const uint8_t *
get_typed(struct view blob, size_t len)
{
	struct wire_reader r;
	struct view type, bytes;

	wire_reader_init(&r, blob);
	type = wire_get_string(&r, SSH_NAME_MAX);
	bytes = wire_get_string(&r, len);
	return wire_reader_done(&r) && view_is(type, SSH_ED25519) &&
	    bytes.len == len ? bytes.data : NULL;
}

const uint8_t *
ssh_key_get(struct view blob)
{
	return get_typed(blob, SSH_KEY_LEN);
}

const uint8_t *
ssh_signature_get(struct view blob)
{
	return get_typed(blob, SSH_SIGNATURE_LEN);
}

const char *
ssh_key_type(struct view blob)
{
	struct wire_reader r;
	struct view type;

	if (blob.len > SSH_BLOB_MAX)
		return NULL;
	wire_reader_init(&r, blob);
	type = wire_get_string(&r, SSH_NAME_MAX);
	for (size_t i = 0; i < COUNT(types); i++)
		if (view_is(type, types[i].name))
			return types[i].is(&r, types[i].name) &&
				wire_reader_done(&r) ?
			    types[i].name :
			    NULL;
	return NULL;
}

/* A view is given once, and then nothing. */
static struct view
give_once(void *context, bool *failed)
{
	struct view *v = context, all = *v;

	(void)failed;
	*v = (struct view){ NULL, 0 };
	return all;
}

void
ssh_key_fingerprint(char text[SSH_FINGERPRINT_SIZE], struct view blob)
{
	char base64[45]; /* 43 digits, '=', NUL */
	uint8_t hash[SHA256_LEN];

	(void)crypto_sha256(hash, give_once, &blob);
	(void)crypto_base64(base64, sizeof(base64),
	    (struct view){ hash, sizeof(hash) });
	memcpy(text, PREFIX, strlen(PREFIX));
	memcpy(text + strlen(PREFIX), base64, 43);
	text[SSH_FINGERPRINT_SIZE - 1] = '\0';
}

static void
put_text(struct wire_writer *w, const char *s)
{
	wire_put_bytes(w, view_of(s));
}

/* name="value" */
static void
put_quoted(struct wire_writer *w, const char *name, struct view value)
{
	put_text(w, name);
	put_text(w, "=\"");
	wire_put_bytes(w, value);
	put_text(w, "\"");
}

/* What is before a further option, or behind the last one. */
static const char *
next_is(bool *begun, const char *text)
{
	const char *is = *begun ? text : "";

	*begun = true;
	return is;
}

static void
put_options(struct wire_writer *w, const struct ssh_line *l)
{
	bool begun = false;

	if (l->restricted) {
		put_text(w, next_is(&begun, ","));
		put_text(w, "restrict");
	}
	if (l->is_authority) {
		put_text(w, next_is(&begun, ","));
		put_text(w, "cert-authority");
	}
	if (l->principals.len > 0) {
		put_text(w, next_is(&begun, ","));
		put_quoted(w, "principals", l->principals);
	}
	if (l->from.len > 0) {
		put_text(w, next_is(&begun, ","));
		put_quoted(w, "from", l->from);
	}
	put_text(w, next_is(&begun, " "));
}

/* "TYPE BASE64": the type is the blob's. */
static void
put_blob(struct wire_writer *w, struct view blob)
{
	struct wire_reader r;

	wire_reader_init(&r, blob);
	wire_put_bytes(w, wire_get_string(&r, SSH_NAME_MAX));
	put_text(w, " ");
	if (w->bad || !crypto_base64((char *)w->data + w->len,
		w->cap - w->len, blob)) {
		w->bad = true;
		return;
	}
	w->len += strlen((char *)w->data + w->len);
}

/* Close the line with its NUL, or make it empty. */
static bool
finish(struct wire_writer *w)
{
	wire_put_u8(w, '\0');
	if (w->bad && w->cap > 0)
		w->data[0] = '\0';
	return !w->bad;
}

static bool
is_certificate(struct view blob)
{
	struct wire_reader r;

	wire_reader_init(&r, blob);
	return blob.len <= SSH_BLOB_MAX &&
	    view_is(wire_get_string(&r, SSH_NAME_MAX), SSH_ED25519_CERT);
}

bool
ssh_line_make(char *text, size_t size, const struct ssh_line *l)
{
	struct wire_writer w;

	wire_writer_init(&w, text, size);
	if ((ssh_key_type(l->blob) == NULL && !is_certificate(l->blob)) ||
	    (l->principals.len > 0 && (!l->is_authority ||
		!ssh_text_is_principals(l->principals))) ||
	    (l->from.len > 0 && !ssh_text_is_from(l->from)) ||
	    !ssh_text_is_ascii(l->comment, SSH_COMMENT_MAX))
		w.bad = true;
	put_options(&w, l);
	put_blob(&w, l->blob);
	if (l->comment.len > 0) {
		put_text(&w, " ");
		wire_put_bytes(&w, l->comment);
	}
	return finish(&w);
}

bool
ssh_line_known_host(char *text, size_t size, struct view host, uint16_t port,
    struct view blob)
{
	struct wire_writer w;
	char number[16];

	wire_writer_init(&w, text, size);
	w.bad = !ssh_text_is_host(host) || port == 0 ||
	    ssh_key_type(blob) == NULL;
	(void)snprintf(number, sizeof(number), "]:%u ", port);
	put_text(&w, port == 22 ? "" : "[");
	wire_put_bytes(&w, host);
	put_text(&w, port == 22 ? " " : number);
	put_blob(&w, blob);
	return finish(&w);
}

/* Take the next word; empty at the end. */
static struct view
next_word(struct view *line)
{
	const char *blanks = " \t";
	size_t from = 0, to;

	while (from < line->len && strchr(blanks, line->data[from]) != NULL)
		from++;
	to = from;
	while (to < line->len && strchr(blanks, line->data[to]) == NULL)
		to++;
	line->data += to;
	line->len -= to;
	return (struct view){ line->data - (to - from), to - from };
}

static const char *
type_named(struct view name)
{
	for (size_t i = 0; i < COUNT(types); i++)
		if (view_is(name, types[i].name))
			return types[i].name;
	return NULL;
}

bool
ssh_line_host_key(struct view line, uint8_t bytes[SSH_BLOB_MAX],
    struct ssh_host_key *k)
{
	struct view host = { NULL, 0 }, word;
	const char *type;
	size_t len = 0;

	for (size_t i = 0; i < line.len; i++)
		if ((line.data[i] < ' ' && line.data[i] != '\t') ||
		    line.data[i] == 0x7f)
			return false;
	word = next_word(&line);
	type = type_named(word);
	if (type == NULL) {
		host = word;
		type = type_named(next_word(&line));
	}
	if (type == NULL || (host.len > 0 && host.data[0] == '@') ||
	    !crypto_base64_open(bytes, SSH_BLOB_MAX, next_word(&line), &len) ||
	    ssh_key_type((struct view){ bytes, len }) != type)
		return false;
	*k = (struct ssh_host_key){ type, { bytes, len }, host };
	return true;
}
