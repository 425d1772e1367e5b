/*
 * custodia: a custodia of its own, configured as Debian's package does it:
 * a secrets' service over HTTP, at a Unix socket, that seals, checks who asks
 * and records.  It takes one request for each connection.
 */
#ifndef BENCH_CUSTODIA_H
#define BENCH_CUSTODIA_H

#include "load.h"

/*
 * Start the program on a socket in dir, for the uid, with a few secrets; *t is
 * filled in for cold fetches of them.  Its requests are the caller's to free.
 * False with a message; nothing runs then.
 */
bool custodia_start(const char *program, const char *dir, uid_t uid,
    struct target *t);

#endif
