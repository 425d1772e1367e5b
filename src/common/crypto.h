/*
 * crypto: the primitives that cofre is made of, each by its name, over
 * libsodium.  The only file of the daemon that includes <sodium.h>.
 *
 * Nothing here decides anything: what is bound to what is in seal, keyring
 * and logfmt.
 */
#ifndef COFRE_CRYPTO_H
#define COFRE_CRYPTO_H

#include "sizes.h"
#include "wire.h"

#define CRYPTO_NONCE_LEN 24u /* XChaCha20 */
#define CRYPTO_TAG_LEN 16u   /* Poly1305 */
#define CRYPTO_HASH_LEN 32u
#define CRYPTO_WIDE_LEN 64u
#define CRYPTO_PAIR_LEN 64u  /* of Ed25519: the seed, and the public key */
#define CRYPTO_SHORT_LEN 16u /* SipHash-2-4 with 128 bits */

/* Once, before any thread and before the sandbox; false: do not go on. */
bool crypto_init(void);

/* Random bytes from getrandom(2). */
void crypto_random(void *out, size_t len);

/*
 * BLAKE2b (RFC 7693) with len bytes of output (16 to 64).  key may be NULL,
 * else it has KEY_LEN bytes.  The parts are hashed one after the other
 * without separators: the caller makes them unambiguous.
 */
void crypto_blake2b(void *out, size_t len, const uint8_t *key,
    const struct view *parts, size_t count);

/*
 * BLAKE2b-512 with salt (16 bytes) and personalisation (16 bytes).
 * Derives two keys at once: what they are for is in seal.h.
 */
void crypto_derive_wide(uint8_t out[CRYPTO_WIDE_LEN],
    const uint8_t key[KEY_LEN], const uint8_t salt[16],
    const char personal[16], struct view message);

/* BLAKE2b-256 without a key, with personalisation (16 bytes). */
void crypto_hash_personal(uint8_t out[CRYPTO_HASH_LEN],
    const char personal[16], struct view message);

/*
 * SHA-256 (FIPS 180-4) of what next() gives, piece by piece, until it gives
 * nothing.  False when next() sets *failed.
 */
typedef struct view (*crypto_source)(void *context, bool *failed);
bool crypto_sha256(uint8_t out[SHA256_LEN], crypto_source next,
    void *context);

/* The id-th subkey of key in the context (libsodium's crypto_kdf). */
void crypto_subkey(uint8_t out[KEY_LEN], const uint8_t key[KEY_LEN],
    uint64_t id, const char context[8]);

/*
 * XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03).  seal writes
 * plain.len + CRYPTO_TAG_LEN bytes to out; open writes
 * sealed.len - CRYPTO_TAG_LEN and is false, with out wiped, on a forgery.
 */
void crypto_aead_seal(uint8_t *out, const uint8_t key[KEY_LEN],
    const uint8_t nonce[CRYPTO_NONCE_LEN], struct view ad, struct view plain);
bool crypto_aead_open(uint8_t *out, const uint8_t key[KEY_LEN],
    const uint8_t nonce[CRYPTO_NONCE_LEN], struct view ad,
    struct view sealed);

/* SipHash-2-4 with 128 bits of output and a key of 16 bytes. */
void crypto_short_hash(uint8_t out[CRYPTO_SHORT_LEN], const uint8_t key[16],
    struct view v);

/*
 * Ed25519 (RFC 8032).  make draws a random key pair.  sign needs both halves
 * of it: with a public key that is not that of the seed, the signature would
 * give the seed away.  verify is false for a signature or a key that is not
 * in its one form, and for a key of small order, which verifies anything.
 * is_key is true for a point of the group that a pair of make's has, in its
 * one form.
 */
bool crypto_ed25519_is_key(const uint8_t public[PUBLIC_KEY_LEN]);
void crypto_ed25519_make(uint8_t pair[CRYPTO_PAIR_LEN]);
void crypto_ed25519_sign(uint8_t signature[SIGNATURE_LEN],
    const uint8_t pair[CRYPTO_PAIR_LEN], struct view message);
bool crypto_ed25519_verify(const uint8_t signature[SIGNATURE_LEN],
    const uint8_t public[PUBLIC_KEY_LEN], struct view message);

/*
 * Base64 of RFC 4648 section 5, without padding.  The first writes
 * (len * 4 + 2) / 3 characters and no NUL; the second is false unless text
 * is exactly what the first makes of len bytes.  Neither has a branch or an
 * index that depends on the bytes.
 */
void crypto_base64url(char *text, const uint8_t *bytes, size_t len);
bool crypto_base64url_open(uint8_t *bytes, size_t len, const char *text,
    size_t text_len);

/*
 * Base64 of RFC 4648 section 4, with padding, for what is no secret.  The
 * first writes the text with a NUL; false when size has no room for both.
 * The second writes *len bytes, at most cap; false unless the text is exactly
 * what the first makes of them.
 */
bool crypto_base64(char *text, size_t size, struct view bytes);
bool crypto_base64_open(uint8_t *bytes, size_t cap, struct view text,
    size_t *len);

/* True when both have the same bytes; takes as long when they differ. */
bool crypto_equal(const void *a, const void *b, size_t len);

#endif
