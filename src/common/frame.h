/*
 * frame: the 12 bytes before each message, doc/PROTOCOL.md section 2.
 *
 *	uint32	length of what follows this field (8 .. FRAME_MAX - 4)
 *	byte	protocol version
 *	byte	kind: 0 a request, 1 a reply
 *	uint16	operation
 *	uint32	request id, chosen by the client and given back
 */
#ifndef COFRE_FRAME_H
#define COFRE_FRAME_H

#include "wire.h"

#define FRAME_HEADER 12u

enum frame_kind { FRAME_REQUEST = 0, FRAME_REPLY = 1 };

struct frame {
	uint8_t version;
	uint8_t kind;
	uint16_t op;
	uint32_t id;
	struct view body;
};

enum frame_result {
	FRAME_OK,   /* *f is filled in, *size is the frame's whole length */
	FRAME_MORE, /* more bytes are needed; *size says how many at least */
	FRAME_BAD,  /* the length is over the cap or under the header */
};

/*
 * Look at the bytes that came in.  Nothing is copied: f->body points into
 * them.  The version and the operation are not judged here.
 */
enum frame_result frame_parse(struct view in, struct frame *f, size_t *size);

/*
 * Write a header for a body that is to follow, and later set the length,
 * when the body is there.  frame_begin returns the place of the header for
 * frame_end; frame_end marks the writer bad when the frame is too long.
 */
size_t frame_begin(struct wire_writer *w, enum frame_kind kind, uint16_t op,
    uint32_t id);
void frame_end(struct wire_writer *w, size_t at);

/*
 * Write a whole reply to nothing that was asked, with that status: why a
 * connection is closed.  Its size is the whole buffer's.
 */
#define FRAME_REFUSAL (FRAME_HEADER + 4u)
size_t frame_refusal(uint8_t buf[FRAME_REFUSAL], uint32_t status);

#endif
