/*
 * plainfile: a file that an argument names, opened so that nobody can put
 * another one in its place by a link.
 */
#ifndef COFRE_PLAINFILE_H
#define COFRE_PLAINFILE_H

#include <sys/types.h>

#include "input.h"

/*
 * Open for reading: an absolute path without "..", no symbolic link anywhere
 * in it, a regular file of at most max bytes, with none of the mode bits in
 * refused.  The descriptor (closed on exec) or -1 with the problem set.
 */
int plainfile_open(const char *path, size_t max, mode_t refused,
    struct problem *p);

/* The same, and read it into in, which holds at most max bytes. */
enum cofre_status plainfile_read(const char *path, struct input *in,
    mode_t refused, struct problem *p);

#endif
