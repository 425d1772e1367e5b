#include "agent.h"

/* Which operation a message is. */
static uint16_t
op_of(const struct ssh_agent_request *q)
{
	switch (q->kind) {
	case SSH_ASKS_LIST:
		return OP_SSH_IDENTITIES;
	case SSH_ASKS_SIGN:
		return OP_SSH_SIGN;
	case SSH_ASKS_BIND:
		return OP_SSH_BIND;
	case SSH_ASKS_QUERY:
		return OP_SSH_QUERY;
	case SSH_ASKS_EXTENSION:
		return view_is(q->name, AGENT_EXTENSION) ? OP_SSH_WORKSPACE :
							   OP_SSH_OTHER;
	case SSH_ASKS_DAMAGED:
	case SSH_ASKS_REFUSED:
		break;
	}
	return OP_SSH_OTHER;
}

enum frame_result
agent_parse(struct agent *a, struct view in, struct frame *f, size_t *size)
{
	struct ssh_agent_request q;
	struct view message;
	struct wire_reader r;

	wire_reader_init(&r, in);
	switch (ssh_agent_cut(in, &message, size)) {
	case SSH_FRAME_BAD:
		return FRAME_BAD;
	case SSH_FRAME_MORE:
		*size = 4 + (size_t)wire_get_u32(&r);
		return *size > FRAME_MAX ? FRAME_BAD : FRAME_MORE;
	case SSH_FRAME_WHOLE:
		break;
	}
	if (*size > FRAME_MAX)
		return FRAME_BAD;
	ssh_agent_get(message, &q);
	*f = (struct frame){ .version = PROTO_VERSION, .kind = FRAME_REQUEST,
		.op = op_of(&q), .id = ++a->requests, .body = q.rest };
	/* Of all others the number alone is looked at. */
	if (f->op == OP_SSH_OTHER)
		f->body = (struct view){ message.data, 1 };
	return FRAME_OK;
}

bool
agent_asks_nothing(struct view in)
{
	struct agent a = { .requests = 0 };
	struct frame f;
	size_t size;

	return agent_parse(&a, in, &f, &size) == FRAME_OK &&
	    size == in.len &&
	    (f.op == OP_SSH_BIND || f.op == OP_SSH_WORKSPACE);
}

size_t
agent_refusal(uint8_t buf[AGENT_REFUSAL], uint16_t op)
{
	struct wire_writer w;

	wire_writer_init(&w, buf, AGENT_REFUSAL);
	ssh_agent_put(&w, op == OP_SSH_BIND ? SSH_AGENT_EXTENSION_FAILURE :
					      SSH_AGENT_FAILURE);
	return w.len;
}
