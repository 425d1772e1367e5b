/*
 * authorize: bring a target's lines in the authorized_keys of its host up to
 * date, over ssh, and pin the host key that was met.
 */
#ifndef COFRE_AUTHORIZE_H
#define COFRE_AUTHORIZE_H

#include "hostkeys.h"
#include "sshagent.h"
#include "targetinfo.h"

/* How to get there. */
struct authorize {
	struct option_list keys; /* of --host-key */
	const char *login; /* who logs in; NULL: the target's user */
	const char *file;  /* of keys; NULL: the usual one */
	bool own_key;	   /* by the target's key, and not with what the user
			      has */
	const char *agent; /* the daemon's agent socket; NULL: beside the
			      daemon's */
	char **options;	   /* for ssh; NULL at the end, or NULL */

	/* Set by authorize_begin(). */
	struct hostkeys given;
	char path[SSHAGENT_PATH];
};

/*
 * Check the target, and what was said with regard to it: keys of the host that are
 * other ones than those that are pinned are refused.  CMD_GO, or an exit code.
 */
int authorize_begin(struct cmd *cmd, struct authorize *a,
    const struct targetinfo *t);

/*
 * Put the lines of the target's keys there, or with remove take them away,
 * and take away that of the key gone, which may be NULL.  *changed says
 * whether the file was another one before.  The host's key is pinned when
 * none was, and t follows.  CMD_GO, or an exit code.
 */
int authorize_run(struct cmd *cmd, struct authorize *a, struct targetinfo *t,
    bool remove, const struct targetinfo_key *gone, bool *changed);

/*
 * Log in with that version of the target's key, the same way to the host, and
 * do nothing.  A login that another key has opened is none.  CMD_GO, or an
 * exit code.
 */
int authorize_prove(struct cmd *cmd, const struct authorize *a,
    const struct targetinfo *t, uint32_t version);

#endif
