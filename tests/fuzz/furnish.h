/*
 * furnish: some of everything in the house's vault, made by requests.
 */
#ifndef TESTS_FURNISH_H
#define TESTS_FURNISH_H

#include "program.h"

/* Furnish it, and have each input begin so.  *k is what the requests were
   answered. */
void furnish(struct house *h, struct known *k);

/* Change some of it, likewise. */
void furnish_more(struct house *h, struct known *k);

#endif
