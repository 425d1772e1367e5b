/*
 * store_pages: do the pages of a store's file hang together?
 *
 * LMDB trusts what its pages say: one with a wrong offset in it ends the
 * process by a signal, or is written over another one.  So all of them are
 * looked at first, by code that trusts none of them.  It is a pure function
 * over the file's bytes and knows LMDB's format alone, not what rows mean.
 */
#ifndef COFRE_STORE_PAGES_H
#define COFRE_STORE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Look at every page that can be reached in the file's bytes, which
 * store_file_problem() has nothing against: that each has the kind that is
 * expected in its place, is used once, and says nothing that leads out of
 * it; that keys are in order, and counts right.  False with the reason in
 * text: it is damaged, or there is no memory.
 */
bool store_pages_check(const uint8_t *file, size_t size, char *text,
    size_t text_size);

#endif
