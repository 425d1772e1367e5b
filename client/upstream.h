/*
 * upstream: connections of this process to the daemon's ssh agent, which is
 * told first which workspace they are about.
 */
#ifndef COFRE_UPSTREAM_H
#define COFRE_UPSTREAM_H

#include <stdbool.h>

#include "problem.h"

/* The address of a socket.  False, with errno, when the path is too long. */
struct sockaddr_un;
bool upstream_address(struct sockaddr_un *a, const char *path);

/*
 * Open one for the workspace; *ret is the caller's to close.  Errors:
 * UNREACHABLE, DENIED, TIMEOUT.
 */
enum cofre_status upstream_open(const char *path, const char *workspace,
    int *ret, struct problem *p);

/* Could one be opened?  Errors likewise. */
enum cofre_status upstream_try(const char *path, const char *workspace,
    struct problem *p);

/* The same, and how many keys and certificates there are for this process. */
enum cofre_status upstream_count(const char *path, const char *workspace,
    uint32_t *ret, struct problem *p);

#endif
