/*
 * account: which user and group the daemon runs as.  /etc/passwd and
 * /etc/group are read directly, before the sandbox: no name service is ever
 * asked.
 */
#ifndef COFRE_ACCOUNT_H
#define COFRE_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A uid and its gid by name or number ("cofre", "998", "998:998").  A name
 * and a number alone must be in the file (name:x:uid:gid:...; lines of
 * another form are passed over); uid:gid need not be.  False with errno:
 * ESRCH when it is not there, EINVAL when it is no such text, EFBIG for a
 * file over 1 MiB, or what reading gave.
 */
bool account_find(const char *passwd_path, const char *user, uid_t *uid,
    gid_t *gid);

/* A gid by name or number; a number need not be there.  As above. */
bool account_find_group(const char *group_path, const char *group,
    uint32_t *gid);

/*
 * The account for a daemon that was started as root: the configured user,
 * else the account "cofre", else the owner of the state directory when that
 * is not root, else a uid of the range that systemd keeps for dynamic users
 * (61184..65519), picked by a hash of the state directory's path and free
 * in /etc/passwd.  *how says which, as a text for the start message.
 * False, with the reason in error, when the configured user (or "cofre") is
 * not there, or is root or nobody, by uid or by gid.
 */
bool account_choose(const char *configured, const char *state_path,
    int state_fd, uid_t *uid, gid_t *gid, const char **how, char *error,
    size_t error_size);

/*
 * Become that user for good: no supplementary groups, all ids, no way back
 * (checked).  False with errno when a step fails: EINVAL for root and nobody.
 */
bool account_become(uid_t uid, gid_t gid);

#endif
