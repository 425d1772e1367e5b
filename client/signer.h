/*
 * signer: which key has made the last signature that has passed on a
 * connection to an ssh agent, seen from the bytes that go by.
 *
 * An agent answers one request after the other.  Who asks for more before the
 * answer has come is served all the same, but what is signed then has no
 * signer here.
 */
#ifndef COFRE_SIGNER_H
#define COFRE_SIGNER_H

#include <stdbool.h>

#include "ssh_key.h"

/* The beginning of a message: length, number, and the blob of a key. */
#define SIGNER_HEAD (4u + 1u + 4u + SSH_KEY_BLOB_LEN)

/* The message that is on its way in one direction. */
struct signer_stream {
	uint8_t head[SIGNER_HEAD];
	uint64_t have; /* of its bytes, with the length */
};

struct signer {
	struct signer_stream asked, answered;
	uint32_t waiting; /* requests that have no answer yet */
	bool has_key;	  /* the request that waits is for a signature, by */
	uint8_t key[SSH_KEY_BLOB_LEN];
};

/* Bytes that go to the agent; all zeros is a connection that begins. */
void signer_asks(struct signer *s, struct view bytes);

/*
 * Bytes that come from it.  Returns true when a signature is among them; then
 * *by is the blob of the key that has made the last one, in s, or empty when
 * it is not known, or no plain key of type ssh-ed25519.
 */
bool signer_answers(struct signer *s, struct view bytes, struct view *by);

#endif
