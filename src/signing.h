/*
 * signing: what the key of a compute target may sign, and for which session.
 * Pure.
 */
#ifndef COFRE_SIGNING_H
#define COFRE_SIGNING_H

#include "sshbind.h"
#include "target.h"

/*
 * NULL when key (SSH_KEY_LEN, one of the target's) may sign it for a
 * connection with these sessions; else why not.  A login: of the target's
 * user, with that key, in the session that is bound, with a host whose key is
 * pinned; *host is its key then.  A file: of a namespace of the target's;
 * *host is NULL then.
 */
const char *signing_refusal(const struct target *t,
    const struct sshbind *bound, const uint8_t *key,
    const struct ssh_tosign *what, const uint8_t **host);

/*
 * Could any of the target's keys be used by a connection with these sessions?
 * Once a session is bound, a login alone follows.
 */
bool signing_is_of_use(const struct target *t, const struct sshbind *bound);

/*
 * NULL when a login may be signed with that certificate; else why not.  One of
 * the workspace's CA must be the caller's own, by its key id, and not be
 * revoked at that time (microseconds); what others have certified is for the
 * target's host to judge.
 */
const char *signing_certificate_refusal(const struct ca *ca,
    struct view blob, struct view key_id, uint64_t now);

#endif
