/*
 * hostkeys: the public keys of hosts, as people give them.
 */
#ifndef COFRE_HOSTKEYS_H
#define COFRE_HOSTKEYS_H

#include "problem.h"
#include "proto.h"
#include "ssh_key.h"

struct hostkeys {
	const char *host; /* whose they are to be, */
	uint32_t port;	  /* and of its sshd there */
	uint8_t blobs[TARGET_PINS_MAX][SSH_KEY_BLOB_LEN];
	struct view views[TARGET_PINS_MAX]; /* of them */
	size_t count;
};

/*
 * Add the key of a text, which is either the line of one ("ssh-ed25519 AAAA
 * ...", as in the host's .pub file, or with its name before that, as
 * ssh-keyscan(1) prints it), or the path of a file that has such lines.  Of a
 * file all keys of type ssh-ed25519 are taken, comments, empty lines and keys
 * of other types are passed over, and so are lines of known_hosts that do not
 * name the host, as "NAME", or as "[NAME]:PORT" where the port is another one
 * than 22.  Patterns name no host, nor do hashes of names, which can't be
 * read.  Nor is a key taken that a line "@revoked NAMES TYPE BASE64" of the same
 * file has, wherever that stands, unless its names are others and are plain: a
 * pattern or a hash may mean this host.  A key that is there is not added again.
 * A file has at most 64 KiB.
 *
 * Errors: ARGUMENT.
 */
enum cofre_status hostkeys_add(struct hostkeys *h, const char *text,
    struct problem *p);

#endif
