/*
 * pointer: a place in a JSON text, as RFC 6901 writes it.
 */
#ifndef COFRE_POINTER_H
#define COFRE_POINTER_H

#include <jansson.h>

/*
 * What the pointer ("/keys/0/value") names: borrowed from all.  NULL when
 * there is nothing, or when it is no pointer.  "" is all of it.
 */
json_t *pointer_find(json_t *all, const char *pointer);

#endif
