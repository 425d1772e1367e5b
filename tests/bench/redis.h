/*
 * redis: a server that people know, over its Unix socket, with the same
 * values: nothing is sealed, checked or recorded there, and nothing is
 * written to disk.
 */
#ifndef BENCH_REDIS_H
#define BENCH_REDIS_H

#include "load.h"

#define REDIS_KEY_MAX 64u

/* The key of the i-th value: one that makes the request as long as the
   others' requests are. */
void redis_key(char key[REDIS_KEY_MAX], size_t i);

/*
 * Start the program, give it count values of FLOOR_VALUE bytes, and fill in
 * *t for GETs of them; its requests are the caller's to free.  False with a
 * message.
 */
bool redis_start(const char *program, const char *dir, size_t count,
    struct target *t);

#endif
