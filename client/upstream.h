/*
 * upstream: connections of this process to the daemon's ssh agent, which is
 * told first which workspace they are about.
 */
#ifndef COFRE_UPSTREAM_H
#define COFRE_UPSTREAM_H

#include <stdbool.h>
#include <sys/types.h>

#include "problem.h"

/* The address of a socket.  False, with errno, when the path is too long. */
struct sockaddr_un;
bool upstream_address(struct sockaddr_un *a, const char *path);

/* The daemon answers at once, or looks at the process for two seconds. */
#define UPSTREAM_SECONDS 10u

/*
 * Begin one for the workspace: connect, waiting for no longer than that, and
 * say so.  *ret is the caller's to close.  Errors: UNREACHABLE.
 */
enum cofre_status upstream_begin(const char *path, const char *workspace,
    unsigned seconds, int *ret, struct problem *p);

/*
 * What the first UPSTREAM_ANSWER bytes say that come from there; anything
 * behind them was not asked for.  n is what recv(2) has returned for them, and
 * may be -1, with errno.  OK: from now on the daemon's agent listens.  Errors:
 * UNREACHABLE, DENIED, TIMEOUT.
 */
#define UPSTREAM_ANSWER 5u
enum cofre_status upstream_judge(const uint8_t said[UPSTREAM_ANSWER],
    ssize_t n, const char *workspace, struct problem *p);

/* Could one be opened?  Errors: as for both. */
enum cofre_status upstream_try(const char *path, const char *workspace,
    struct problem *p);

/* The same, and how many keys and certificates there are for this process. */
enum cofre_status upstream_count(const char *path, const char *workspace,
    uint32_t *ret, struct problem *p);

#endif
