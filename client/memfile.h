/*
 * memfile: a secret as a file that is on no disk and has no name, for a
 * program that wants a file to read.  It is given by its descriptor, or by
 * the path /proc/self/fd/N.
 */
#ifndef COFRE_MEMFILE_H
#define COFRE_MEMFILE_H

#include "wire.h"

/*
 * Make one that holds exactly these bytes.  Nobody can change it any more, it
 * has mode 0600, and the descriptor is for reading alone, at offset 0, and
 * closed on exec.  The descriptor, or -1 with errno.
 */
int memfile_make(struct view content);

#endif
