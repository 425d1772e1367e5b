/*
 * sshagent: where the daemon's ssh agent is.
 */
#ifndef COFRE_SSHAGENT_H
#define COFRE_SSHAGENT_H

#include "problem.h"

#define SSHAGENT_PATH 108u /* as long as a socket's path can be */

/*
 * The path of its socket: the one that is given, or else "agent" beside the
 * daemon's own: that of --socket, or what COFRE_SOCKET names, or the default.
 * NULL stands for what is not given.  Errors: ARGUMENT, it is too long.
 */
enum cofre_status sshagent_path(const char *given, const char *socket,
    char to[SSHAGENT_PATH], struct problem *p);

#endif
