#include "frame.h"

#include "sizes.h"

enum frame_result
frame_parse(struct view in, struct frame *f, size_t *size)
{
	struct wire_reader r;
	uint32_t length;

	if (in.len < 4) {
		*size = 4;
		return FRAME_MORE;
	}
	wire_reader_init(&r, in);
	length = wire_get_u32(&r);
	if (length < FRAME_HEADER - 4 || length > FRAME_MAX - 4)
		return FRAME_BAD;
	*size = (size_t)length + 4;
	if (in.len < *size)
		return FRAME_MORE;
	f->version = wire_get_u8(&r);
	f->kind = wire_get_u8(&r);
	f->op = wire_get_u16(&r);
	f->id = wire_get_u32(&r);
	f->body = wire_get_bytes(&r, *size - FRAME_HEADER);
	return FRAME_OK;
}

size_t
frame_begin(struct wire_writer *w, enum frame_kind kind, uint16_t op,
    uint32_t id)
{
	size_t at = w->len;

	wire_put_u32(w, 0);
	wire_put_u8(w, PROTO_VERSION);
	wire_put_u8(w, kind);
	wire_put_u16(w, op);
	wire_put_u32(w, id);
	return at;
}

void
frame_end(struct wire_writer *w, size_t at)
{
	struct wire_writer head;

	if (w->bad)
		return;
	if (w->len - at > FRAME_MAX) {
		w->bad = true;
		return;
	}
	wire_writer_init(&head, w->data + at, 4);
	wire_put_u32(&head, w->len - at - 4);
}

size_t
frame_refusal(uint8_t buf[FRAME_REFUSAL], uint32_t status)
{
	struct wire_writer w;

	wire_writer_init(&w, buf, FRAME_REFUSAL);
	(void)frame_begin(&w, FRAME_REPLY, 0, 0);
	wire_put_u32(&w, status);
	frame_end(&w, 0);
	return w.len;
}
