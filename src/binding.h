/*
 * binding: what a process must be to be a managed identity, as an item of
 * requests, replies and rows.  Pure.
 */
#ifndef COFRE_BINDING_H
#define COFRE_BINDING_H

#include "policy.h"

/* As an item, which points into b. */
struct binding_item binding_item(const struct binding *b);

/*
 * The other way.  False for what says nothing, or nothing that could be true:
 * an id that stands for nobody; no uid, unit or cgroup; a path that does not
 * begin at the root; a unit's or cgroup's name that is none; a digest of
 * another length.
 */
bool binding_take(const struct binding_item *item, struct binding *b);

/* True when both ask for the same. */
bool binding_same(const struct binding *a, const struct binding *b);

/* "uid 2001 gid 100 exe /usr/bin/agent sha256 0123456789abcdef unit
   agent.service cgroup /a/b", as far as it goes into size. */
void binding_describe(const struct binding *b, char *text, size_t size);

#endif
