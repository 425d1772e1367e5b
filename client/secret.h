/*
 * secret: the inside of cofre_secret, for the parts of libcofre that fill
 * one.  The public calls on it stand in cofre.h.
 *
 * Names and values lie in locked areas that are wiped when the secret is
 * freed.  An area never moves, so pointers to values stay valid while more
 * fields are added.
 */
#ifndef COFRE_SECRET_H
#define COFRE_SECRET_H

#include "cofre.h"
#include "wire.h"

/*
 * Make an empty secret of any kind that the tables know, also one that
 * clients can't store, with room for that many bytes of names and values
 * (with a NUL each) in its first area.  *ret is the caller's.  Errors:
 * ARGUMENT (an unknown code, or a type that does not go with the kind),
 * NO_MEMORY.
 */
enum cofre_status secret_make(cofre_secret **ret, uint8_t kind, uint8_t type,
    size_t room);

/* Add a field; both views are copied.  Errors as cofre_secret_add(). */
enum cofre_status secret_add(cofre_secret *s, struct view name,
    bool is_secret, struct view value);

/* What a fetch tells of the secret besides its fields; times as cofre.h. */
void secret_describe(cofre_secret *s, uint32_t version, uint32_t followed,
    uint64_t created, uint64_t expires);

/* What cofre_secret_follow() has set, or ""; valid until it is freed. */
const char *secret_follows(const cofre_secret *s);

#endif
