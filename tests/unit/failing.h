/*
 * failing: system calls and allocations of what is tested that fail when they
 * are asked to.
 *
 * A program that uses it is linked with $(FAILING) of Makefile.am, which has
 * the linker bind the calls of our objects to those here.  What libraries call
 * by themselves never fails.
 */
#ifndef TESTS_FAILING_H
#define TESTS_FAILING_H

#include <stdbool.h>

/*
 * The nth call of that name (from 1), and no other, fails with error, in this
 * process and in each that it forks from now on.  Names are those of the
 * functions; "alloc" is malloc, calloc, realloc and reallocarray, and
 * "secmem" the room for secret memory; those of prctl and fcntl are of what
 * they are for: "pdeathsig", "subreaper", "no_new_privs", "dupfd", "setfl";
 * "peerpidfd" is of getsockopt.
 */
void failing_next(const char *call, unsigned nth, int error);

/* The same, in processes that are forked from now on and not in this one. */
void failing_below(const char *call, unsigned nth, int error);

/* Nothing fails any more.  True when something has in this process. */
bool failing_end(void);

#endif
