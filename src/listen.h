/*
 * listen: the socket that clients connect to.
 */
#ifndef COFRE_LISTEN_H
#define COFRE_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Make the listening socket at path with exactly that mode at every
 * instant.  A socket file that nobody listens on any more is replaced; one
 * with a listener, and anything that is no socket, is left alone and is an
 * error.  Non-blocking, close-on-exec, and on kernels that have it
 * SO_PASSRIGHTS is off, so that no peer can send descriptors.  Returns the
 * descriptor, or -1 with the reason in error.
 */
int listen_open(const char *path, mode_t mode, char *error,
    size_t error_size);

/*
 * Prepare a socket that the service manager made: non-blocking,
 * close-on-exec, SO_PASSRIGHTS off.
 */
bool listen_adopt(int fd, char *error, size_t error_size);

/* True when the socket is bound to that path: what was passed is what the
   configuration names. */
bool listen_is_at(int fd, const char *path);

#endif
