/*
 * talk: a connection to cofred over which one thing after the other is asked.
 */
#ifndef BENCH_TALK_H
#define BENCH_TALK_H

#include <stdbool.h>
#include <sys/types.h>

#include "proto.h"

#define STATUS_REPLY (FRAME_HEADER + 4) /* the head of each reply */

/* Append a request with the message m of the type name##_request. */
#define REQUEST(w, OP, name, id, m)                                          \
	do {                                                                 \
		size_t at = frame_begin((w), FRAME_REQUEST, (OP), (id));     \
		name##_request_put((w), (m));                                \
		frame_end((w), at);                                          \
	} while (0)

struct talk {
	int fd;
	uint8_t out[1024];
	struct wire_writer w; /* to out: what is sent next */
	uint8_t in[FRAME_MAX];
	struct frame reply; /* the last one; its body without the status */
};

/* Append a hello. */
void talk_hello(struct wire_writer *w);

/* Connect to path as uid, and say hello; NULL, with a message, when that
   fails. */
struct talk *talk_open(const char *path, uid_t uid);
void talk_close(struct talk *t);

/* Send what was written, and take one reply; false, with a message, unless it
   is OK. */
bool talk_reply(struct talk *t);

#endif
