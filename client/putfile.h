/*
 * putfile: write a file that is no secret, at once: who reads it meanwhile
 * finds all of the old one or all of the new one.
 */
#ifndef COFRE_PUTFILE_H
#define COFRE_PUTFILE_H

#include "problem.h"
#include "wire.h"

/*
 * Write content to that path, in place of the file that is there, mode 0644,
 * and wait until it is on disk; NULL: to standard output.  option ("--output")
 * is for the problem.  Errors: ARGUMENT, the file cannot be made there or
 * replaced, and all is as it was; INTERNAL, it cannot be written.
 */
enum cofre_status putfile(const char *path, struct view content,
    const char *option, struct problem *p);

#endif
