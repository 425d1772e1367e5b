/*
 * sort: an array put in order where it lies, without memory and without a
 * system call.  The C library's qsort(3) may ask how much memory there is,
 * by a call that the sandbox ends the daemon for.
 */
#ifndef COFRE_SORT_H
#define COFRE_SORT_H

#include <stddef.h>

/* As qsort(3): what compares equal may come in any order. */
void sort(void *base, size_t count, size_t size,
    int (*compare)(const void *, const void *));

#endif
