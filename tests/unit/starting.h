/*
 * starting: one step of the daemon's start (start.h) in a test, and what it
 * has printed on standard error.
 */
#ifndef TESTS_STARTING_H
#define TESTS_STARTING_H

#include "start.h"

typedef bool starting_step(struct start *st, struct server *sv);

/* Fixtures: a file, without a name, for what is printed. */
void starting_setup(void);
void starting_teardown(void);

/* That file. */
int starting_file(void);

/* Take the step.  *text is what it has printed, valid until the next one. */
bool starting_run(starting_step *step, struct start *st, struct server *sv,
    const char **text);

/* The step is not taken, and says why. */
void starting_refused(starting_step *step, struct start *st,
    struct server *sv, const char *why);

#endif
