/*
 * problem: what went wrong in a helper of the cofre command, as a status and
 * one line for a person.  The line never holds a secret.
 */
#ifndef COFRE_PROBLEM_H
#define COFRE_PROBLEM_H

#include "cofre.h"

struct problem {
	char text[400];
};

/*
 * Set the line; what does not fit is cut off.  Returns s, so that a function
 * can end with it.
 */
enum cofre_status problem_set(struct problem *p, enum cofre_status s,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
