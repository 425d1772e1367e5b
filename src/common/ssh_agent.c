#include "ssh_agent.h"

#define BIND "session-bind@openssh.com"
#define QUERY "query"

/* The numbers that a client may send. */
static const struct {
	uint8_t number;
	const char *name;
} names[] = {
	{ 1, "ssh1-list" },
	{ 3, "ssh1-challenge" },
	{ 7, "ssh1-add-identity" },
	{ 8, "ssh1-remove-identity" },
	{ 9, "ssh1-remove-all" },
	{ SSH_AGENT_LIST, "list" },
	{ SSH_AGENT_SIGN, "sign" },
	{ 17, "add-identity" },
	{ 18, "remove-identity" },
	{ 19, "remove-all" },
	{ 20, "add-smartcard" },
	{ 21, "remove-smartcard" },
	{ 22, "lock" },
	{ 23, "unlock" },
	{ 24, "ssh1-add-constrained" },
	{ 25, "add-constrained" },
	{ 26, "add-smartcard-constrained" },
	{ SSH_AGENT_EXTENSION, "extension" },
};

enum ssh_agent_frame
ssh_agent_cut(struct view in, struct view *message, size_t *used)
{
	struct wire_reader r;
	size_t len;

	wire_reader_init(&r, in);
	len = wire_get_u32(&r);
	if (r.bad)
		return SSH_FRAME_MORE;
	if (len == 0 || len > SSH_AGENT_MESSAGE_MAX)
		return SSH_FRAME_BAD;
	if (len > r.len)
		return SSH_FRAME_MORE;
	*message = wire_get_bytes(&r, len);
	*used = 4 + len;
	return SSH_FRAME_WHOLE;
}

const char *
ssh_agent_name(uint8_t number)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == number)
			return names[i].name;
	return "unknown";
}

static void
get_sign(struct wire_reader *r, struct ssh_agent_request *q)
{
	q->blob = wire_get_string(r, SSH_BLOB_MAX);
	q->data = wire_get_string(r, SSH_AGENT_MESSAGE_MAX);
	q->flags = wire_get_u32(r);
	if (wire_reader_done(r))
		q->kind = SSH_ASKS_SIGN;
}

static void
get_bind(struct wire_reader *r, struct ssh_agent_request *q)
{
	struct ssh_agent_bind *b = &q->bind;

	b->host_key = wire_get_string(r, SSH_BLOB_MAX);
	b->session = wire_get_string(r, SSH_SESSION_MAX);
	b->signature = wire_get_string(r, SSH_BLOB_MAX);
	b->is_forwarding = wire_get_bool(r);
	if (wire_reader_done(r) && b->host_key.len > 0 &&
	    b->session.len > 0 && b->signature.len > 0)
		q->kind = SSH_ASKS_BIND;
}

static void
get_extension(struct wire_reader *r, struct ssh_agent_request *q)
{
	struct view name = wire_get_string(r, SSH_NAME_MAX);

	if (r->bad || name.len == 0 || !ssh_text_is_ascii(name, SSH_NAME_MAX))
		return;
	q->rest = (struct view){ r->data, r->len };
	if (view_is(name, BIND)) {
		get_bind(r, q);
		return;
	}
	q->name = name;
	if (!view_is(name, QUERY))
		q->kind = SSH_ASKS_EXTENSION;
	else if (r->len == 0)
		q->kind = SSH_ASKS_QUERY;
}

void
ssh_agent_get(struct view message, struct ssh_agent_request *q)
{
	struct wire_reader r;

	wire_reader_init(&r, message);
	*q = (struct ssh_agent_request){ .kind = SSH_ASKS_DAMAGED,
		.number = wire_get_u8(&r) };
	q->rest = (struct view){ r.data, r.len };
	switch (q->number) {
	case SSH_AGENT_LIST:
		if (wire_reader_done(&r))
			q->kind = SSH_ASKS_LIST;
		break;
	case SSH_AGENT_SIGN:
		get_sign(&r, q);
		break;
	case SSH_AGENT_EXTENSION:
		get_extension(&r, q);
		break;
	default:
		if (!r.bad)
			q->kind = SSH_ASKS_REFUSED;
		break;
	}
}

bool
ssh_agent_bind_check(const struct ssh_agent_bind *b, const uint8_t **key,
    const uint8_t **signature)
{
	const uint8_t *k = ssh_cert_key(b->host_key, SSH_CERT_HOST);
	const uint8_t *s = ssh_signature_get(b->signature);

	if (k == NULL || s == NULL)
		return false;
	*key = k;
	*signature = s;
	return true;
}

void
ssh_agent_put(struct wire_writer *w, enum ssh_agent_number number)
{
	size_t at = wire_string_begin(w);

	wire_put_u8(w, number);
	wire_string_end(w, at);
}

void
ssh_agent_list_begin(struct ssh_agent_list *l, struct wire_writer *w)
{
	*l = (struct ssh_agent_list){ .w = w, .at = wire_string_begin(w) };
	wire_put_u8(w, SSH_AGENT_LIST_ANSWER);
	wire_put_u32(w, 0);
}

void
ssh_agent_list_key(struct ssh_agent_list *l, struct view blob,
    struct view comment)
{
	if (ssh_cert_key(blob, SSH_CERT_USER) == NULL ||
	    !ssh_text_is_ascii(comment, SSH_COMMENT_MAX) ||
	    l->count == SSH_AGENT_KEYS_MAX) {
		l->w->bad = true;
		return;
	}
	wire_put_string(l->w, blob, SSH_BLOB_MAX);
	wire_put_string(l->w, comment, SSH_COMMENT_MAX);
	l->count++;
}

void
ssh_agent_list_end(struct ssh_agent_list *l)
{
	struct wire_writer count;

	if (l->w->len - l->at - 4 > SSH_AGENT_MESSAGE_MAX)
		l->w->bad = true;
	wire_string_end(l->w, l->at);
	if (l->w->bad)
		return;
	wire_writer_init(&count, l->w->data + l->at + 5, 4);
	wire_put_u32(&count, l->count);
}

void
ssh_agent_put_signature(struct wire_writer *w,
    const uint8_t signature[SSH_SIGNATURE_LEN])
{
	size_t at = wire_string_begin(w), blob;

	wire_put_u8(w, SSH_AGENT_SIGN_ANSWER);
	blob = wire_string_begin(w);
	ssh_signature_put(w, signature);
	wire_string_end(w, blob);
	wire_string_end(w, at);
}

void
ssh_agent_put_query(struct wire_writer *w)
{
	size_t at = wire_string_begin(w);

	wire_put_u8(w, SSH_AGENT_EXTENSION_ANSWER);
	wire_put_string(w, view_of(QUERY), SSH_NAME_MAX);
	wire_put_string(w, view_of(BIND), SSH_NAME_MAX);
	wire_string_end(w, at);
}
