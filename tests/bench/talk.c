#include "talk.h"

#include <err.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "dial.h"

void
talk_hello(struct wire_writer *w)
{
	const struct hello_request hello = { PROTO_VERSION, PROTO_VERSION,
		view_of("bench") };

	REQUEST(w, OP_HELLO, hello, 0, &hello);
}

bool
talk_reply(struct talk *t)
{
	size_t size;
	struct wire_reader r;
	uint32_t st;

	if (t->w.bad || !dial_send(t->fd, t->out, t->w.len))
		return false;
	wire_writer_init(&t->w, t->out, sizeof(t->out));
	if (!dial_receive(t->fd, t->in, 4))
		return false;
	if (frame_parse((struct view){ t->in, 4 }, &t->reply, &size) !=
		FRAME_MORE ||
	    !dial_receive(t->fd, t->in + 4, size - 4) ||
	    frame_parse((struct view){ t->in, size }, &t->reply, &size) !=
		FRAME_OK)
		return false;
	wire_reader_init(&r, t->reply.body);
	st = wire_get_u32(&r);
	if (r.bad || st != COFRE_OK) {
		warnx("cofred: %s: %s", op_name(t->reply.op),
		    cofre_status_text((enum cofre_status)st));
		return false;
	}
	t->reply.body.data += 4;
	t->reply.body.len -= 4;
	return true;
}

struct talk *
talk_open(const char *path, uid_t uid)
{
	/* An unlock of a million secrets is asked for like anything else. */
	const struct timeval patience = { .tv_sec = 300 };
	struct talk *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->fd = dial_connect(path, uid);
	(void)setsockopt(t->fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
	    sizeof(patience));
	wire_writer_init(&t->w, t->out, sizeof(t->out));
	talk_hello(&t->w);
	if (t->fd != -1 && talk_reply(t))
		return t;
	if (t->fd != -1)
		(void)close(t->fd);
	free(t);
	return NULL;
}

void
talk_close(struct talk *t)
{
	if (t != NULL)
		(void)close(t->fd);
	free(t);
}
