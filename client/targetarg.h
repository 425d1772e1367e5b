/*
 * targetarg: what people say of a target on the command line, checked before
 * anything is sent.  The daemon takes the same, and tells nobody what was wrong
 * with it.
 */
#ifndef COFRE_TARGETARG_H
#define COFRE_TARGETARG_H

#include "problem.h"

/*
 * A host's name or address, of the option that is named: --host or --name.  A
 * port or an account with it is told apart.  Errors: ARGUMENT, and so for all
 * of them.
 */
enum cofre_status targetarg_host(const char *text, const char *option,
    struct problem *p);

/* An account, of --user. */
enum cofre_status targetarg_user(const char *text, struct problem *p);

/* A port, of --port. */
enum cofre_status targetarg_port(const char *text, uint32_t *ret,
    struct problem *p);

/* Namespaces, of --namespace, each of them once. */
enum cofre_status targetarg_namespaces(const char *const *texts, size_t count,
    struct problem *p);

#endif
