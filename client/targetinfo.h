/*
 * targetinfo: a compute target, as the daemon tells of it.
 */
#ifndef COFRE_TARGETINFO_H
#define COFRE_TARGETINFO_H

#include "arguments.h"
#include "cmd.h"
#include "proto.h"
#include "ssh_key.h"

struct targetinfo_key {
	uint32_t version;
	uint64_t created;
	uint8_t public[SSH_KEY_LEN];
};

struct targetinfo {
	struct arg_object name;
	uint32_t revision; /* every change counts it up */
	char host[HOST_MAX + 1];
	uint32_t port;
	char user[LOGIN_MAX + 1];
	bool for_runs, for_ca;
	char options[TARGET_OPTIONS_MAX + 1];
	uint64_t created, updated;
	uint32_t uid;
	struct targetinfo_key keys[TARGET_KEYS_MAX]; /* the newest first */
	size_t key_count;			     /* at least 1 */
	uint8_t pins[TARGET_PINS_MAX][SSH_KEY_BLOB_LEN];
	size_t pin_count;
	char namespaces[TARGET_NAMESPACES_MAX][NAMESPACE_MAX + 1];
	size_t namespace_count;
};

/* Ask the daemon for it; cmd->object is the target.  CMD_GO, or an exit
   code. */
int targetinfo_get(struct cmd *cmd, const struct arg_object *name,
    struct targetinfo *ret);

/*
 * The same for who may use it, whether he sees targets or not: name, host,
 * port, user, keys and pins are set, nothing else.
 */
int targetinfo_reach(struct cmd *cmd, const struct arg_object *name,
    struct targetinfo *ret);

/*
 * The one or the other, for who may see it, and for who may use it alone.
 */
int targetinfo_known(struct cmd *cmd, const struct arg_object *name,
    struct targetinfo *ret);

/*
 * Look, whatever let it into the vault, at what goes to ssh(1), to a shell and
 * to authorized_keys.  CMD_GO, or the exit code of INVALID: that was printed.
 */
int targetinfo_check(struct cmd *cmd, const struct targetinfo *t);

/*
 * Have the CA of its workspace certify its newest key, for as long as it takes
 * to log in.  *ret lies in bytes.  Errors: those of the daemon, which are not
 * printed.
 */
enum cofre_status targetinfo_certify(struct cmd *cmd,
    const struct targetinfo *t, uint8_t bytes[SSH_BLOB_MAX], struct view *ret);

/*
 * Is it restricted to commands?  Its certificate says so, where it has one, or
 * else the daemon, to who may see it; false when neither does.
 */
bool targetinfo_is_restricted(struct cmd *cmd, const struct targetinfo *t,
    struct view certificate);

/* One of the pins; it points into t. */
struct view targetinfo_pin(const struct targetinfo *t, size_t i);

/* Is the host key pinned? */
bool targetinfo_is_pinned(const struct targetinfo *t, struct view blob);

/* Set the pins, at most TARGET_PINS_MAX blobs of SSH_KEY_BLOB_LEN bytes, of
   the revision that t has.  CMD_GO, or an exit code. */
int targetinfo_pin_all(struct cmd *cmd, const struct targetinfo *t,
    const struct view *blobs, size_t count);

#endif
