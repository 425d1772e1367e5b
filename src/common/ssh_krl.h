/*
 * ssh_krl: a key revocation list, as PROTOCOL.krl of OpenSSH has it: what
 * sshd(8) refuses although it was signed or authorised.
 */
#ifndef COFRE_SSH_KRL_H
#define COFRE_SSH_KRL_H

#include "ssh_cert.h"

struct ssh_krl {
	uint64_t version;   /* grows with each change */
	uint64_t generated; /* seconds since 1970 */
	struct view comment; /* ASCII, SSH_COMMENT_MAX; empty: none */
	struct view ca; /* the blob of its key: the next two are of its
			   certificates alone */
	const uint64_t *serials; /* ascending, none twice, none 0 */
	size_t serial_count;
	struct view key_ids; /* strings, one after the other: ASCII, not empty,
				SSH_CERT_ID_MAX */
	struct view keys; /* strings: the blobs of plain keys */
};

/*
 * Append the list.  The writer is bad after it, besides for lack of room,
 * when a part is not as it should be.  A list may be empty: it revokes
 * nothing, which is not the same as no file, with which sshd lets nobody in.
 */
void ssh_krl_put(struct wire_writer *w, const struct ssh_krl *k);

#endif
