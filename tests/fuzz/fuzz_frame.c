/*
 * Any bytes as what comes in on a connection: frames are taken off the
 * front as the daemon does it.  What is told of sizes is true of every
 * shorter piece, and a frame that was parsed is written again as it was.
 */
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "sizes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* Cut to that many bytes, the frame needs this many. */
static void
check_cut(const uint8_t *data, size_t cut, size_t size)
{
	struct frame f;
	size_t want = 0;

	must(frame_parse((struct view){ data, cut }, &f, &want) ==
	    FRAME_MORE);
	must(want == (cut < 4 ? 4 : size));
}

static void
check_frame(struct view in, const struct frame *f, size_t size)
{
	static uint8_t again[FRAME_MAX];
	struct wire_writer w;
	size_t at;

	must(size >= FRAME_HEADER && size <= FRAME_MAX && size <= in.len);
	must(f->body.len == size - FRAME_HEADER);
	must(f->body.data == in.data + FRAME_HEADER);
	wire_writer_init(&w, again, sizeof(again));
	at = frame_begin(&w, FRAME_REQUEST, f->op, f->id);
	wire_put_bytes(&w, f->body);
	frame_end(&w, at);
	must(!w.bad && w.len == size);
	/* The writer puts its own version, and the kind that it is told. */
	again[4] = f->version;
	again[5] = f->kind;
	must(memcmp(again, in.data, size) == 0);
	for (size_t cut = 0; cut <= FRAME_HEADER && cut < size; cut++)
		check_cut(in.data, cut, size);
	check_cut(in.data, size - 1, size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view in = { data, size };
	struct frame f;
	size_t n = 0;

	for (;;) {
		enum frame_result result = frame_parse(in, &f, &n);

		if (result == FRAME_MORE)
			must(n > in.len && n <= FRAME_MAX);
		if (result != FRAME_OK)
			return 0;
		check_frame(in, &f, n);
		in.data += n;
		in.len -= n;
	}
}
