/*
 * remains: what a call leaves behind on its stack.
 *
 * It runs on a stack of its own, on which nothing else runs until the next
 * such call, so that what lies in its dead frames can be looked at.
 */
#ifndef COFRE_TESTS_REMAINS_H
#define COFRE_TESTS_REMAINS_H

#include <stdbool.h>
#include <stddef.h>

/* Call it there, with a stack of zeros. */
void remains_after(void (*run)(void));

/* Is any part of these n bytes still at that place, in a dead frame?  They
   are compared 8 at a time; zeros are nobody's.  n is a multiple of 8. */
bool remains_at(const void *place, const void *what, size_t n);

#endif
