/*
 * seal: how one row is sealed, doc/FORMAT.md section "Sealed rows".  Pure
 * but for the random nonce.
 *
 *	byte    1: the format
 *	byte    1: XChaCha20-Poly1305 with key commitment
 *	uint16  0
 *	uint32  version of the key
 *	24      nonce, random
 *	32      key commitment
 *	...     ciphertext of the padded plaintext
 *	16      Poly1305 tag
 *
 * D = BLAKE2b-512(key, salt = workspace id || record id, personalisation
 * "cofre.commit.v1\0", message = nonce).  Its first half is the key of this
 * one row, the second half commits to the key: a row opens under one key
 * only (Albertini et al., "How to Abuse and Fix Authenticated Encryption
 * Without Key Commitment", USENIX Security 2022).
 *
 * The associated data is the first 8 bytes and the row's place: vault,
 * table, workspace, record, version, kind and name, so that no row can
 * stand in another's place.
 */
#ifndef COFRE_SEAL_H
#define COFRE_SEAL_H

#include "crypto.h"

#define SEAL_HEADER 8u
#define SEAL_OVERHEAD                                                        \
	(SEAL_HEADER + CRYPTO_NONCE_LEN + KEY_LEN + CRYPTO_TAG_LEN)

/* The place of a row; it is bound, not stored. */
struct seal_place {
	const uint8_t *vault; /* VAULT_ID_LEN bytes */
	uint8_t table;
	uint64_t workspace;
	uint64_t record;
	uint32_t version;
	uint8_t kind;
	struct view name;
};

/*
 * The size of the sealed form of n bytes.  Sizes are rounded up: with its
 * length field, the plaintext to 64 bytes up to 1 KiB, to 256 up to 8 KiB,
 * to 4096 above.
 */
size_t seal_size(size_t n);

/*
 * Seal plain into out, which has seal_size(plain.len) bytes.  nonce NULL
 * draws a random one; tests give their own.  The plaintext is padded in
 * out itself: nothing is left elsewhere.
 */
void seal_close(uint8_t *out, const uint8_t key[KEY_LEN], uint32_t key_version,
    const struct seal_place *place, struct view plain, const uint8_t *nonce);

/*
 * Open a sealed row into out, which has at least sealed.len bytes; *plain
 * points into it.  False, with out wiped, when the row was not sealed by
 * seal_close() with this key for this place.
 */
bool seal_open(uint8_t *out, const uint8_t key[KEY_LEN],
    const struct seal_place *place, struct view sealed, struct view *plain);

/* The key version that a sealed row names, or false when it is no row. */
bool seal_key_version(struct view sealed, uint32_t *version);

#endif
