/*
 * ssh_key: public keys and signatures as SSH writes them: in bytes (RFC 4253
 * section 6.6, RFC 8709), and in the lines of OpenSSH's files.
 *
 * cofre's own keys are ssh-ed25519 alone.  Of other types it knows the form,
 * because hosts have them: such a key can be pinned, that is compared byte
 * for byte, but nothing that it has signed can be verified here.
 *
 * A blob is looked at for its form: whether 32 bytes are a point of the
 * curve, and a good one, is for who verifies with them.
 */
#ifndef COFRE_SSH_KEY_H
#define COFRE_SSH_KEY_H

#include "ssh_text.h"
#include "wire.h"

#define SSH_ED25519 "ssh-ed25519"
#define SSH_ED25519_CERT "ssh-ed25519-cert-v01@openssh.com"

#define SSH_KEY_LEN 32u		  /* the public key itself */
#define SSH_KEY_BLOB_LEN 51u	  /* with its type */
#define SSH_SIGNATURE_LEN 64u	  /* the signature itself */
#define SSH_SIGNATURE_BLOB_LEN 83u /* with its type */
#define SSH_BLOB_MAX 8192u	  /* a key or certificate of any type */
#define SSH_COMMENT_MAX 255u
#define SSH_FINGERPRINT_SIZE 51u /* with the NUL */
#define SSH_LINE_SIZE 16384u	 /* room for every line, with the NUL */

/* Append the blob of a public key, or of a signature by one. */
void ssh_key_put(struct wire_writer *w, const uint8_t key[SSH_KEY_LEN]);
void ssh_signature_put(struct wire_writer *w,
    const uint8_t signature[SSH_SIGNATURE_LEN]);

/*
 * The key in a blob, or the signature, of type ssh-ed25519; NULL when it is
 * not exactly one.  It points into the blob.
 */
const uint8_t *ssh_key_get(struct view blob);
const uint8_t *ssh_signature_get(struct view blob);

/*
 * The type of a blob that has the form of a plain key: ssh-ed25519,
 * ecdsa-sha2-nistp256, -nistp384, -nistp521 or ssh-rsa; else NULL.
 * Certificates and keys on security tokens are no plain keys.
 */
const char *ssh_key_type(struct view blob);

/* "SHA256:" and the hash of the blob, as OpenSSH shows it.  For a certificate
   it shows that of the plain key: give it that. */
void ssh_key_fingerprint(char text[SSH_FINGERPRINT_SIZE], struct view blob);

/* A line of an authorized_keys or .pub file. */
struct ssh_line {
	bool restricted;	/* restrict: nothing but running a command */
	bool is_authority;	/* cert-authority: who has a certificate */
	struct view principals; /* with it: of one of these; empty: not said */
	struct view from;	/* from these addresses; empty: not said */
	struct view blob;
	struct view comment; /* ASCII; empty: none */
};

/*
 * The line with its NUL, without a newline.  False, with an empty text, when
 * a part is not as ssh_text.h wants it, when the blob is neither a plain key
 * nor of type SSH_ED25519_CERT, or when there is no room.
 */
bool ssh_line_make(char *text, size_t size, const struct ssh_line *l);

/* The same as a line of a known_hosts file; the key is a plain one. */
bool ssh_line_known_host(char *text, size_t size, struct view host,
    uint16_t port, struct view blob);

struct ssh_host_key {
	const char *type; /* as ssh_key_type() says */
	struct view blob; /* in the caller's memory */
	struct view host; /* what stood before the type; empty: nothing */
};

/*
 * Read the line of a host's public key, without its newline: "TYPE BASE64
 * COMMENT", as in the host's .pub file, or "HOST TYPE BASE64 COMMENT", as
 * ssh-keyscan(1) and known_hosts have it.  False when the type is not one of
 * ssh_key_type(), when the blob is of another type or form, when there is a
 * control character or a known_hosts marker such as @revoked.  The blob is
 * written to the memory at bytes, the host points into the line.
 */
bool ssh_line_host_key(struct view line, uint8_t bytes[SSH_BLOB_MAX],
    struct ssh_host_key *k);

#endif
