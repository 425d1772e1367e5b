/*
 * script: the daemon's side of the tests of libcofre, which follows a script.
 *
 * One process plays both sides.  The daemon's answer is written before the
 * library asks: it lies in the socket until then, so that no test waits for
 * another thread.  The library counts ids from 1, the hello's.
 */
#ifndef TESTS_SCRIPT_H
#define TESTS_SCRIPT_H

#include <sys/un.h>

#include "call.h"
#include "handle.h"

#define HELLO_ID 1u
#define FIRST_ID 2u
/* The value that script_one_field has, and that must not stay anywhere. */
#define SCRIPT_SECRET "hunter2xyz"

struct script {
	char dir[32];
	struct sockaddr_un addr;
	int listener;
	int fd; /* the daemon's end of the connection */
	cofre *c;
	struct wire_writer w; /* what the daemon says next */
	uint8_t buf[2 * FRAME_MAX];
	uint8_t in[2 * FRAME_MAX];
};

/* Listen at p->addr; the tests fail when something does not work. */
void script_listen(struct script *p, int backlog);

/* Listen, open the handle p->c, and accept it as p->fd. */
void script_open(struct script *p, unsigned timeout_ms);

/* Close everything, the handle too. */
void script_close(struct script *p);

/* The daemon closes its end; what it said before can still be read. */
void script_hang_up(struct script *p);

/* Send bytes, or what was put into p->w. */
void script_say(struct script *p, const void *data, size_t len);
void script_flush(struct script *p);

/* Read what the library sent. */
struct view script_hear(struct script *p);

/* Begin the reply to a request; frame_end() ends it. */
size_t script_reply(struct script *p, enum op_code op, uint32_t id,
    uint32_t status);

/* Put a reply without a message, the answer to the hello, a secret. */
void script_put_status(struct script *p, enum op_code op, uint32_t id,
    uint32_t status);
void script_put_hello(struct script *p);

struct script_field {
	const char *name;
	uint8_t flags;
	const char *value;
};

extern const struct script_field script_one_field[1];

void script_put_secret(struct script *p, uint32_t id, uint32_t version,
    const struct script_field *fields, size_t n);

/* cofre_get() of ml-prod/token. */
enum cofre_status script_get(struct script *p, const char *field,
    cofre_secret **s);

/* Neither buffer of the handle holds the secret any more. */
void script_check_wiped(const struct script *p);

/* cofre_error() says that, and does not tell the secret. */
void script_check_error(const struct script *p, const char *part);

/* The connection is given up, and later calls say so. */
void script_check_closed(struct script *p);

#endif
