/*
 * sshbind: to which sessions with which hosts a connection of an ssh client
 * belongs, as session-bind@openssh.com has told, once the host's signature
 * was verified.  Pure.
 *
 * A client binds the session that it logs in with, and then asks for
 * signatures.  One that hands the agent on to the host binds the session as a
 * forwarding one before, and whoever asks then is somewhere else: from then
 * on nothing is signed for it.
 */
#ifndef COFRE_SSHBIND_H
#define COFRE_SSHBIND_H

#include "ssh_tosign.h"

#define SSHBIND_MAX 16u /* sessions of a connection, as OpenSSH */

struct sshbind_session {
	size_t len;
	uint8_t id[SSH_SESSION_MAX];
	uint8_t host[SSH_KEY_LEN]; /* the key of the host */
};

/* Zeros: nothing is bound. */
struct sshbind {
	unsigned count;
	bool forwarded; /* one of them is */
	bool final;	/* one of them is not: no other one follows it */
	struct sshbind_session sessions[SSHBIND_MAX];
};

/*
 * Bind a session: its id (1 to SSH_SESSION_MAX bytes) and the key of its host
 * are verified.  NULL; or why not, and nothing has changed: another host has
 * the same session, a session was bound before that is not a forwarding one,
 * or there are too many.  The same again is no error, but it can become a
 * forwarding one by it.
 */
const char *sshbind_add(struct sshbind *b, struct view id,
    const uint8_t host[SSH_KEY_LEN], bool forwarding);

/*
 * The key of the host for whose session a signature may be made: the session
 * that was bound last.  NULL, and why: it is another one, none was bound, or
 * the agent was forwarded.
 */
const uint8_t *sshbind_host(const struct sshbind *b, struct view id,
    const char **why);

#endif
