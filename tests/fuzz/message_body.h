/*
 * message_body: the body of a message of a program, piece by piece.
 */
#ifndef TESTS_MESSAGE_BODY_H
#define TESTS_MESSAGE_BODY_H

#include "program.h"

/* Write what the program says, up to the end of the body. */
void message_body(const struct program *p, struct wire_reader *r,
    struct wire_writer *w);

/* A string that makes sense. */
struct view message_word(enum word which);

#endif
