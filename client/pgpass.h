/*
 * pgpass: the line of a libpq passfile for a datastore of type
 * azure-postgres: host:port:database:user:password, a final newline.
 */
#ifndef COFRE_PGPASS_H
#define COFRE_PGPASS_H

#include "cofre.h"
#include "problem.h"
#include "secmem.h"
#include "wire.h"

/*
 * Make the line in memory of its own: *m is the caller's, to be freed with
 * secmem_free(), and *text lies in it.  What the secret does not say is '*',
 * which is any.  Errors: FORMAT (no password, several hosts, a line break, a
 * secret of another kind), NO_MEMORY.
 */
enum cofre_status pgpass_make(const cofre_secret *s, struct secmem *m,
    struct view *text, struct problem *p);

#endif
