/*
 * disk: the least that a durable write takes: 4 KiB into a file that is
 * there already, and a flush.
 */
#ifndef BENCH_DISK_H
#define BENCH_DISK_H

#include <stdbool.h>
#include <stdint.h>

struct slice;

/* Make the file, 4 MiB, written and flushed.  A descriptor, or -1 with a
   message. */
int disk_open(const char *path);

/* Write and flush, one after the other, for ns nanoseconds. */
bool disk_slice(int fd, uint64_t ns, struct slice *s);

#endif
