/*
 * procstat: when a process began, and which one is its parent.  A pid is
 * given to another process when its own has ended; pid and start time
 * together are one process alone.
 */
#ifndef COFRE_PROCSTAT_H
#define COFRE_PROCSTAT_H

#include <sys/types.h>

#include "wire.h"

/*
 * Field 22 of the text of /proc/PID/stat: ticks since boot.  The name of the
 * program in it may hold blanks and ')'.  False when it is no such text.
 */
bool procstat_parse(struct view text, uint64_t *start);

/*
 * When the process began.  A pidfd is held meanwhile, and the process lives
 * afterwards, so that the answer is of the process that had the number when
 * this was called.  False, with errno: ESRCH when there is none.
 */
bool procstat_start(pid_t pid, uint64_t *start);

/* The same for this process, whatever its number is in /proc. */
bool procstat_self(uint64_t *start);

/*
 * The number of the process's parent now; 0: it has none here.  False, with
 * errno, when there is no process of that number, or it can't be read.
 */
bool procstat_parent(pid_t pid, pid_t *parent);

#endif
