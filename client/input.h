/*
 * input: the way of a secret into the command: read from a descriptor into
 * locked memory that is wiped, and never more than there is room for.
 */
#ifndef COFRE_INPUT_H
#define COFRE_INPUT_H

#include <stdbool.h>

#include "problem.h"
#include "secmem.h"
#include "wire.h"

struct input {
	struct secmem mem;
	char *data;
	size_t len;
	size_t max; /* more bytes than that are refused */
};

/* The memory for up to max bytes.  Errors: NO_MEMORY. */
enum cofre_status input_init(struct input *in, size_t max,
    struct problem *p);

/* Wipe and free; an input of zeros is allowed. */
void input_free(struct input *in);

/*
 * Read until the end.  what names the source in the problem.  Errors:
 * TOO_LARGE, ARGUMENT (it can't be read).
 */
enum cofre_status input_fd(struct input *in, int fd, const char *what,
    struct problem *p);

/* Read a file; "-" is standard input.  Errors: as above. */
enum cofre_status input_file(struct input *in, const char *path,
    struct problem *p);

/*
 * Read one line, without its newline, and no byte of what follows it: that
 * may be meant for another program.  Errors: as above, and ARGUMENT when
 * there is none.
 */
enum cofre_status input_line(struct input *in, int fd, struct problem *p);

/* Drop one newline at the end, if there is one. */
void input_strip(struct input *in);

/* What was read; valid until the next read or input_free(). */
struct view input_view(const struct input *in);

#endif
