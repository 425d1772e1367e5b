/*
 * sshnames: the closed grammars of what a compute target is made of, besides
 * the host (ssh_text.h).
 *
 * A login:      [A-Za-z_] [A-Za-z0-9._-]*  at most 63 bytes
 * A namespace:  [A-Za-z0-9] [A-Za-z0-9@._-]*  at most 63 bytes
 * Options:      nothing; restrict; from="LIST", as ssh_text_is_from() takes
 *               it; or both, in this order, with ',' between; 1024 bytes in all
 */
#ifndef COFRE_SSHNAMES_H
#define COFRE_SSHNAMES_H

#include "sizes.h"
#include "wire.h"

/* True when the bytes are a user to log in as, by the grammar above. */
bool sshname_is_login(struct view v);
/* The same for a namespace of SSHSIG. */
bool sshname_is_namespace(struct view v);

/* The options of a line of authorized_keys, taken apart; from is empty where
   it is not said, and points into them. */
struct sshname_options {
	bool restricted;
	struct view from;
};

/* False when the bytes are no options by the grammar above. */
bool sshname_options(struct view v, struct sshname_options *o);

#endif
