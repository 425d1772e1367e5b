/*
 * said: what a program on another host says, passed on to standard error line
 * by line, so that it does nothing to a terminal, and no more than is read.
 */
#ifndef COFRE_SAID_H
#define COFRE_SAID_H

#include <stdbool.h>

#include "wire.h"

#define SAID_LINE 1024u		 /* a longer line is several */
#define SAID_MAX (16u * 1024) /* bytes in all, as they are passed on */

struct said {
	uint8_t line[SAID_LINE]; /* that has not ended yet */
	size_t len;
	size_t passed;
	bool full; /* the rest was left out, and that was said */
};

/* Take what has come; all zeros is the beginning. */
void said_take(struct said *s, struct view bytes);

/* Nothing more comes: pass on what has no end of its line. */
void said_end(struct said *s);

#endif
