/*
 * runfile: the file that a run's program gets for a secret.
 */
#ifndef COFRE_RUNFILE_H
#define COFRE_RUNFILE_H

#include "cofre.h"
#include "problem.h"
#include "runspec.h"

/*
 * Make the file (memfile.h) with what spec says of the secret.  object is
 * "ml-prod/store".  *fd is the caller's.  Errors: NO_FIELD, FORMAT, ARGUMENT
 * (which field is meant has to be said), NO_MEMORY, INTERNAL (the file can't
 * be made).
 */
enum cofre_status runfile_make(const cofre_secret *s,
    const struct runspec_secret *spec, const char *object, int *fd,
    struct problem *p);

#endif
