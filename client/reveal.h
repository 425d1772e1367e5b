/*
 * reveal: the way of a secret out of the command: from locked memory to a
 * descriptor by write(2), and as JSON that is built in locked memory.  No
 * stdio and no other library's heap holds it on the way.
 */
#ifndef COFRE_REVEAL_H
#define COFRE_REVEAL_H

#include "cofre.h"
#include "secmem.h"
#include "wire.h"

/* Write all of it.  False, with errno. */
bool reveal_write(int fd, struct view v);

/*
 * True when fd is a regular file that others may read: whoever sends a
 * secret there should be warned.
 */
bool reveal_is_exposed(int fd);

/*
 * The secret's only secret field: what is meant when no field is named.  NULL
 * when it has none, or several.
 */
const char *reveal_only(const cofre_secret *s);

/*
 * The names of all fields with commas between, for a person to choose from;
 * what does not fit size is "...".  Returns to.
 */
char *reveal_names(const cofre_secret *s, char *to, size_t size);

/*
 * Make the JSON text of a secret, a line with its newline, in memory of its
 * own: *m is the caller's, to be freed with secmem_free(), and *text lies
 * in it.  object is "ml-prod/store".  The fields are an object by name of
 * {"secret": bool, "value": string}; a value that is no UTF-8, or holds a
 * NUL, stands as base64 with "encoding": "base64".  ASCII alone.
 *
 * Errors: NO_MEMORY.
 */
enum cofre_status reveal_json(const cofre_secret *s, const char *object,
    struct secmem *m, struct view *text);

#endif
