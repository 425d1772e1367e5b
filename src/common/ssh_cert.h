/*
 * ssh_cert: certificates of type ssh-ed25519-cert-v01@openssh.com, as
 * PROTOCOL.certkeys of OpenSSH has them: for a user's key and for a host's.
 *
 * One certificate has one form here: options are those that are named below,
 * once each and in order; texts are as ssh_text.h wants them; there is a
 * principal, although the document takes none for "any" (sshd(8) does not).
 * What has another form is neither written nor read.
 *
 * Nothing is signed or verified here, and no time is asked.
 */
#ifndef COFRE_SSH_CERT_H
#define COFRE_SSH_CERT_H

#include "ssh_key.h"

#define SSH_CERT_NONCE_LEN 32u
#define SSH_CERT_ID_MAX 255u
#define SSH_CERT_PRINCIPALS_MAX 256u /* as OpenSSH */
#define SSH_CERT_FOREVER UINT64_MAX  /* "before", when it has no end */

enum ssh_cert_type { SSH_CERT_USER = 1, SSH_CERT_HOST = 2 };

/* The extensions, in the order in which they are written. */
enum ssh_cert_extension {
	SSH_CERT_X11 = 1,   /* permit-X11-forwarding */
	SSH_CERT_AGENT = 2, /* permit-agent-forwarding */
	SSH_CERT_PORT = 4,  /* permit-port-forwarding */
	SSH_CERT_PTY = 8,   /* permit-pty */
	SSH_CERT_RC = 16,   /* permit-user-rc */
	SSH_CERT_ALL = 31,
};

struct ssh_cert {
	enum ssh_cert_type type;
	const uint8_t *nonce;	/* SSH_CERT_NONCE_LEN random bytes */
	const uint8_t *key;	/* SSH_KEY_LEN */
	uint64_t serial;	/* 0: none */
	uint64_t after, before; /* seconds since 1970: after <= now < before */
	struct view key_id;	/* ASCII, for sshd's log */
	struct view principals; /* strings, one after the other */
	struct view force_command;  /* empty: none */
	struct view source_address; /* empty: none */
	unsigned extensions;	    /* enum ssh_cert_extension */
	struct view ca;		    /* the blob of its key */

	/* Set by ssh_cert_get() alone: what the CA has signed, and the blob of
	   the signature. */
	struct view body, signature;
};

/*
 * Append what the CA has to sign: a certificate without its signature.  The
 * writer is bad after it, besides for lack of room, when a text is not as it
 * should be, when there is no principal or more than there may be, when
 * after is not less than before, when there is an option in a host's
 * certificate, and when the CA's key is not a plain ssh-ed25519 one.  A serial
 * of 0 is refused too: it could not be revoked.
 *
 * The writer must have been empty: what it has then is what is to be signed.
 */
void ssh_cert_put(struct wire_writer *w, const struct ssh_cert *c);

/* Append the CA's signature over all that the writer has: it is whole. */
void ssh_cert_put_signature(struct wire_writer *w,
    const uint8_t signature[SSH_SIGNATURE_LEN]);

/*
 * Read a whole certificate; false when it is none of the form above, or has
 * more than SSH_BLOB_MAX bytes.  The CA of a foreign one may be a plain key of
 * any type of ssh_key_type(), and its serial 0.  All of c points into blob.
 */
bool ssh_cert_get(struct view blob, struct ssh_cert *c);

/*
 * The ssh-ed25519 key in a blob that is a plain key, or a certificate of that
 * type for one; else NULL.  It points into the blob.  That the certificate is
 * signed by anybody is not looked at: it is the key that signs.
 */
const uint8_t *ssh_cert_key(struct view blob, enum ssh_cert_type type);

#endif
