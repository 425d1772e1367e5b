/*
 * wiping: heap that is wiped before it is given back, for a library that
 * takes its allocator from outside and keeps secrets in it.
 */
#ifndef COFRE_WIPING_H
#define COFRE_WIPING_H

#include <stddef.h>

/* As malloc(3); only wiping_free() takes it back. */
void *wiping_malloc(size_t size);

/* Wipe and free; NULL is allowed. */
void wiping_free(void *p);

#endif
