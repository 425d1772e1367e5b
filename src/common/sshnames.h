/*
 * sshnames: the closed grammars of what a compute target is made of, besides
 * the host (ssh_text.h).
 *
 * A login:      [A-Za-z0-9_] [A-Za-z0-9._-]*  at most 63 bytes
 * A namespace:  [A-Za-z0-9] [A-Za-z0-9@._-]*  at most 63 bytes
 * Options:      nothing, or with ',' between, and each once at most:
 *                   restrict
 *                   from="LIST", as ssh_text_is_from() takes it
 *               1024 bytes in all
 */
#ifndef COFRE_SSHNAMES_H
#define COFRE_SSHNAMES_H

#include "sizes.h"
#include "wire.h"

/* True when the bytes are a user to log in as, by the grammar above. */
bool sshname_is_login(struct view v);
/* The same for a namespace of SSHSIG, */
bool sshname_is_namespace(struct view v);
/* and for the options of a line of authorized_keys. */
bool sshname_is_options(struct view v);

#endif
