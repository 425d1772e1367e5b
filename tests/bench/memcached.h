/*
 * memcached: a memcached of its own, as a peer that keeps in memory what it
 * is told, seals nothing and asks nobody who they are.
 */
#ifndef BENCH_MEMCACHED_H
#define BENCH_MEMCACHED_H

#include "load.h"

/*
 * Start the program with one thread, on a socket in dir, with count values as
 * long as a secret's; *t is filled in for gets of them.  Its requests are the
 * caller's to free.  False with a message; nothing runs then.
 */
bool memcached_start(const char *program, const char *dir, size_t count,
    struct target *t);

#endif
