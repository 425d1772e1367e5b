/*
 * Any bytes as what a client sends to an agent: messages are cut off the
 * front and taken apart.  What is cut is within the limits, what is taken
 * points into the message, and a request that was understood is the only one
 * with its fields: written again it is what it was.
 *
 * The same bytes then go the daemon's way: each message as a request, whose
 * body is decoded, sessions are bound as if their hosts had signed them, and
 * what is to be signed is judged.
 */
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "signing.h"
#include "ssh_agent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t again[SSH_AGENT_MESSAGE_MAX + 4];

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* The fields of a session's bind, behind number and name. */
static void
put_bind(struct wire_writer *w, const struct ssh_agent_bind *b)
{
	wire_put_string(w, view_of("session-bind@openssh.com"), SSH_NAME_MAX);
	wire_put_string(w, b->host_key, SSH_BLOB_MAX);
	wire_put_string(w, b->session, SSH_SESSION_MAX);
	wire_put_string(w, b->signature, SSH_BLOB_MAX);
	wire_put_bool(w, b->is_forwarding);
}

static void
check_bind(const struct ssh_agent_bind *b)
{
	const uint8_t *key = NULL, *signature = NULL;

	must(b->session.len >= 1 && b->session.len <= SSH_SESSION_MAX);
	if (!ssh_agent_bind_check(b, &key, &signature)) {
		must(key == NULL && signature == NULL);
		return;
	}
	must(key >= b->host_key.data &&
	    key + SSH_KEY_LEN <= b->host_key.data + b->host_key.len);
	must(signature >= b->signature.data && signature +
		SSH_SIGNATURE_LEN == b->signature.data + b->signature.len);
}

/* The message that would be understood as this request. */
static struct view
written(const struct ssh_agent_request *q)
{
	struct wire_writer w;

	wire_writer_init(&w, again, sizeof(again));
	wire_put_u8(&w, q->number);
	switch (q->kind) {
	case SSH_ASKS_SIGN:
		wire_put_string(&w, q->blob, SSH_BLOB_MAX);
		wire_put_string(&w, q->data, SSH_AGENT_MESSAGE_MAX);
		wire_put_u32(&w, q->flags);
		break;
	case SSH_ASKS_BIND:
		check_bind(&q->bind);
		put_bind(&w, &q->bind);
		break;
	case SSH_ASKS_QUERY:
	case SSH_ASKS_EXTENSION:
		must(q->name.len > 0);
		wire_put_string(&w, q->name, SSH_NAME_MAX);
		wire_put_bytes(&w, q->rest);
		break;
	case SSH_ASKS_LIST:
	case SSH_ASKS_DAMAGED:
	case SSH_ASKS_REFUSED:
		break;
	}
	must(!w.bad);
	return (struct view){ again, w.len };
}

static void
check_message(struct view message)
{
	struct ssh_agent_request q;

	ssh_agent_get(message, &q);
	must(message.len > 0 && q.number == message.data[0]);
	must(ssh_agent_name(q.number) != NULL);
	if (q.kind == SSH_ASKS_REFUSED || q.kind == SSH_ASKS_DAMAGED)
		must((q.kind == SSH_ASKS_DAMAGED) ==
		    (q.number == SSH_AGENT_LIST ||
			q.number == SSH_AGENT_SIGN ||
			q.number == SSH_AGENT_EXTENSION));
	else
		must(view_equal(written(&q), message));
}

static void
take_bind(struct agent *a, const struct ssh_bind_request *in)
{
	const struct ssh_agent_bind bind = { in->host_key, in->session,
		in->signature, in->forwarding };
	const uint8_t *host, *signature, *now;
	const char *why = NULL;

	if (!ssh_agent_bind_check(&bind, &host, &signature))
		return;
	why = sshbind_add(&a->bound, in->session, host, in->forwarding);
	must(a->bound.count <= SSHBIND_MAX);
	if (why != NULL)
		return;
	now = sshbind_host(&a->bound, in->session, &why);
	must(now == NULL || memcmp(now, host, SSH_KEY_LEN) == 0);
	must(now == NULL || !a->bound.forwarded);
}

static void
take_sign(struct agent *a, const struct ssh_sign_request *in)
{
	const uint8_t *key = ssh_cert_key(in->blob, SSH_CERT_USER), *host;
	static struct target target = { .user = "alice", .namespace_count = 1,
		.namespaces = { "git" } };
	struct ssh_tosign what;

	if (key == NULL || ssh_tosign_get(in->data, &what) != SSH_TOSIGN_OK)
		return;
	/* It has no pinned key, so it never logs in. */
	if (signing_refusal(&target, &a->bound, key, &what, &host) == NULL)
		must(what.kind == SSH_TOSIGN_FILE && host == NULL &&
		    view_is(what.name_space, "git"));
}

static void
check_requests(struct view in)
{
	struct agent a = { .requests = 0 };
	struct ssh_workspace_request workspace;
	struct ssh_bind_request bind;
	struct ssh_sign_request sign;
	struct frame f;
	size_t size;

	while (agent_parse(&a, in, &f, &size) == FRAME_OK) {
		must(size <= in.len && size <= FRAME_MAX);
		must(f.body.data >= in.data &&
		    f.body.data + f.body.len <= in.data + size);
		must((op_find(f.op)->flags & OPF_AGENT) != 0);
		if (f.op == OP_SSH_BIND) {
			must(ssh_bind_request_decode(f.body, &bind));
			take_bind(&a, &bind);
		} else if (f.op == OP_SSH_SIGN &&
		    ssh_sign_request_decode(f.body, &sign))
			take_sign(&a, &sign);
		else if (f.op == OP_SSH_WORKSPACE)
			(void)ssh_workspace_request_decode(f.body, &workspace);
		in.data += size;
		in.len -= size;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct view all = { data, size };
	struct view in = { data, size }, message = { NULL, 0 };
	size_t used = 0;

	while (ssh_agent_cut(in, &message, &used) == SSH_FRAME_WHOLE) {
		must(used == message.len + 4 && used <= in.len);
		must(message.data == in.data + 4);
		must(message.len >= 1 &&
		    message.len <= SSH_AGENT_MESSAGE_MAX);
		check_message(message);
		in.data += used;
		in.len -= used;
	}
	check_requests(all);
	return 0;
}
