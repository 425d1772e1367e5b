/*
 * url: which addresses the source "http" asks.
 */
#ifndef COFRE_URL_H
#define COFRE_URL_H

#include <stdbool.h>

#include "problem.h"

/* Bytes of one. */
#define URL_MAX 2048u

/*
 * An address is https, or http to this machine itself (localhost, 127.x.x.x,
 * [::1]) or to 169.254.169.254, where a machine in a cloud finds its
 * metadata.  It has no user and no fragment, and nothing that two readers
 * could take for different hosts.  *is_tls tells which.  Errors: ARGUMENT.
 */
enum cofre_status url_check(const char *url, bool *is_tls,
    struct problem *p);

#endif
