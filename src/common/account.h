/*
 * account: which user and group the daemon runs as, and the sources that the
 * command runs.  /etc/passwd and /etc/group are read directly, by the daemon
 * before the sandbox: no name service is ever asked.
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

/* The longest home directory that is looked at, with its NUL. */
#define ACCOUNT_HOME_MAX 256u

/*
 * The account for programs that root has others run: that of this name in
 * the file, else a uid of the dynamic range that neither an account nor a
 * running process has, picked by a hash of the path.  False, with the reason
 * in error, when the account is root or nobody, by uid or by gid, or when no
 * uid is free.
 */
bool account_choose_apart(const char *passwd_path, const char *name,
    const char *path, uid_t *uid, gid_t *gid, char *error,
    size_t error_size);

/* The home directory of a uid in the file; "/" when it has none.  Returns
   to. */
char *account_home(const char *passwd_path, uid_t uid,
    char to[ACCOUNT_HOME_MAX]);

/*
 * Become that user for good: no supplementary groups, all ids, no way back
 * (checked).  False with errno when a step fails: EINVAL for root and nobody.
 */
bool account_become(uid_t uid, gid_t gid);

#endif
