/*
 * memory: how much of a process's memory is its own.
 */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct memory {
	size_t own;    /* KiB: anonymous, and what is locked besides */
	size_t locked; /* KiB of these that are locked: mlock, memfd_secret */
	size_t resident; /* KiB that are in memory at all, shared or not */
};

/*
 * Read /proc/PID/smaps.  What is locked and not anonymous is memory of
 * memfd_secret(2): it is the process's own, though it counts as a file.
 * False when it may not be read.
 */
bool memory_read(pid_t pid, struct memory *m);

#endif
