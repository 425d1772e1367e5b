/*
 * ssh_tosign: what an SSH client wants to have signed, taken apart.  A key
 * that signs whatever it is given signs anything for anybody; so only two
 * things are known here, and all else is refused:
 *
 * - the login of a user by a public key (RFC 4252 section 7, and its form
 *   that names the host key too, publickey-hostbound-v00@openssh.com);
 * - a signature over a file or commit (OpenSSH's PROTOCOL.sshsig).
 *
 * That the key is one of cofre's, the session one that is bound, and user and
 * host or the namespace what a target allows, is for the caller.
 */
#ifndef COFRE_SSH_TOSIGN_H
#define COFRE_SSH_TOSIGN_H

#include "ssh_cert.h"

#define SSH_SESSION_MAX 128u /* bytes of a session's id, as OpenSSH has it */

/* Only OK is good. */
enum ssh_tosign_result {
	SSH_TOSIGN_UNKNOWN = 0, /* it does not begin as one of the two */
	SSH_TOSIGN_DAMAGED, /* it does, but is cut, longer, or not as it should */
	SSH_TOSIGN_SERVICE, /* not ssh-connection */
	SSH_TOSIGN_METHOD,  /* not one of the two methods */
	SSH_TOSIGN_KEY, /* not ssh-ed25519 or its user certificate, or the
			   algorithm is of another key */
	SSH_TOSIGN_HASH, /* not sha256 or sha512, or of another length */
	SSH_TOSIGN_OK,
};

enum ssh_tosign_kind { SSH_TOSIGN_LOGIN = 1, SSH_TOSIGN_FILE = 2 };

/* All of it points into the data. */
struct ssh_tosign {
	enum ssh_tosign_kind kind;

	/* of a login */
	struct view session;  /* its id: 1 to SSH_SESSION_MAX bytes */
	struct view user;     /* not empty, no control characters */
	struct view blob;     /* the key, plain or as a certificate */
	const uint8_t *key;   /* the public key in it */
	bool is_certificate;
	struct view host_key; /* its blob; empty when it is not named.  It may
				 be a certificate: what is pinned is the key
				 that ssh_cert_key() finds in it */

	/* of a file */
	struct view name_space; /* ASCII, not empty */
	struct view hash;	/* 32 bytes of SHA-256, or 64 of SHA-512 */
};

/* Take the data apart.  *t is set when the result is SSH_TOSIGN_OK. */
enum ssh_tosign_result ssh_tosign_get(struct view data,
    struct ssh_tosign *t);

/* Why it is refused, to stand behind a colon; "it can be signed" for OK. */
const char *ssh_tosign_text(enum ssh_tosign_result result);

#endif
