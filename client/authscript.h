/*
 * authscript: what is run on a host, as one of its accounts, to bring the
 * lines of a target's keys in that account's authorized_keys up to date.
 *
 * It is a script for sh(1), sent to its standard input, so that nothing of
 * it is seen in the host's list of processes and no other shell has to agree
 * about quotes.  It does nothing before it has come whole.  It writes a new
 * file of mode 0600, in a directory beside the old one that nobody else has
 * made, and replaces the old one at once; all other lines stay as they are,
 * and of the lines for one key, which is compared as it is written, one stays.
 * Lines whose comment is that of an older key of the target, and whose key is
 * none of the wanted ones, go: it is destroyed.  One of a newer key stays:
 * somebody else may have made it meanwhile.  Run again it changes nothing.
 */
#ifndef COFRE_AUTHSCRIPT_H
#define COFRE_AUTHSCRIPT_H

#include <stdbool.h>

#include "ssh_key.h"

#define AUTHSCRIPT_LINES 2u
#define AUTHSCRIPT_SIZE (AUTHSCRIPT_LINES * SSH_LINE_SIZE + 8192u)
#define AUTHSCRIPT_FILE ".ssh/authorized_keys"

/*
 * How the script exits when it has done what it was to do: as nothing else
 * that could have run in its place.  Everything else is a failure, whose
 * reason it has said on standard error.
 */
#define AUTHSCRIPT_CHANGED 61
#define AUTHSCRIPT_UNCHANGED 62

struct authscript {
	const char *user; /* whose account */
	const char *file; /* of keys; from the home directory on, or a path
			     that begins with '/' */
	const char *lines[AUTHSCRIPT_LINES]; /* that are to be there */
	size_t line_count;
	struct view gone[AUTHSCRIPT_LINES]; /* blobs whose lines are to go */
	size_t gone_count;
	const char *comment; /* what comments of the target's keys begin with,
				a number follows.  NULL: no line is known by
				its comment */
	uint32_t newest;     /* up to that number */
};

/* A name of an account, as it is safe in a shell and in front of a host. */
bool authscript_is_user(struct view v);

/* A path of a file of keys, likewise; not one with a part "..". */
bool authscript_is_file(struct view v);

/*
 * Write the script with its NUL.  False when user or file is none, when a
 * line has a character that is not printable ASCII, or a single quote, or
 * when size has no room.
 */
bool authscript_make(char *text, size_t size, const struct authscript *a);

/*
 * The command that runs it: as the account itself, which has logged in, or,
 * when another has, as the account by runuser(1) or sudo(8).  False when
 * user is none, or there is no room.
 */
bool authscript_command(char *text, size_t size, const char *user,
    bool other);

#endif
