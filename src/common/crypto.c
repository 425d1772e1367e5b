#include "crypto.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SHORT 256u

bool
crypto_init(void)
{
	return sodium_init() >= 0;
}

void
crypto_random(void *out, size_t len)
{
	randombytes_buf(out, len);
}

void
crypto_blake2b(void *out, size_t len, const uint8_t *key,
    const struct view *parts, size_t count)
{
	crypto_generichash_state st;
	uint8_t whole[SHORT];
	struct wire_writer w;

	/* What is short is put together, and hashed in one call. */
	wire_writer_init(&w, whole, sizeof(whole));
	for (size_t i = 0; i < count; i++)
		wire_put_bytes(&w, parts[i]);
	if (!w.bad) {
		(void)crypto_generichash(out, len, whole, w.len, key,
		    key == NULL ? 0 : KEY_LEN);
		return;
	}
	(void)crypto_generichash_init(&st, key, key == NULL ? 0 : KEY_LEN, len);
	for (size_t i = 0; i < count; i++)
		(void)crypto_generichash_update(&st, parts[i].data,
		    parts[i].len);
	(void)crypto_generichash_final(&st, out, len);
	if (key != NULL)
		sodium_memzero(&st, sizeof(st));
}

void
crypto_derive_wide(uint8_t out[CRYPTO_WIDE_LEN], const uint8_t key[KEY_LEN],
    const uint8_t salt[16], const char personal[16], struct view message)
{
	(void)crypto_generichash_blake2b_salt_personal(out, CRYPTO_WIDE_LEN,
	    message.data, message.len, key, KEY_LEN, salt,
	    (const unsigned char *)personal);
}

void
crypto_hash_personal(uint8_t out[CRYPTO_HASH_LEN], const char personal[16],
    struct view message)
{
	(void)crypto_generichash_blake2b_salt_personal(out, CRYPTO_HASH_LEN,
	    message.data, message.len, NULL, 0, NULL,
	    (const unsigned char *)personal);
}

bool
crypto_sha256(uint8_t out[SHA256_LEN], crypto_source next, void *context)
{
	crypto_hash_sha256_state state;
	bool failed = false;
	struct view v;

	(void)crypto_hash_sha256_init(&state);
	while ((v = next(context, &failed)).len > 0)
		(void)crypto_hash_sha256_update(&state, v.data, v.len);
	(void)crypto_hash_sha256_final(&state, out);
	return !failed;
}

void
crypto_subkey(uint8_t out[KEY_LEN], const uint8_t key[KEY_LEN], uint64_t id,
    const char context[8])
{
	(void)crypto_kdf_derive_from_key(out, KEY_LEN, id, context, key);
}

void
crypto_aead_seal(uint8_t *out, const uint8_t key[KEY_LEN],
    const uint8_t nonce[CRYPTO_NONCE_LEN], struct view ad, struct view plain)
{
	(void)crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, plain.data,
	    plain.len, ad.data, ad.len, NULL, nonce, key);
}

bool
crypto_aead_open(uint8_t *out, const uint8_t key[KEY_LEN],
    const uint8_t nonce[CRYPTO_NONCE_LEN], struct view ad,
    struct view sealed)
{
	if (sealed.len < CRYPTO_TAG_LEN)
		return false;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL,
		sealed.data, sealed.len, ad.data, ad.len, nonce, key) == 0)
		return true;
	sodium_memzero(out, sealed.len - CRYPTO_TAG_LEN);
	return false;
}

void
crypto_short_hash(uint8_t out[CRYPTO_SHORT_LEN], const uint8_t key[16],
    struct view v)
{
	(void)crypto_shorthash_siphashx24(out, v.data, v.len, key);
}

bool
crypto_equal(const void *a, const void *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}

bool
crypto_ed25519_is_key(const uint8_t public[PUBLIC_KEY_LEN])
{
	return crypto_core_ed25519_is_valid_point(public) == 1;
}

void
crypto_ed25519_make(uint8_t pair[CRYPTO_PAIR_LEN])
{
	uint8_t public[PUBLIC_KEY_LEN];

	(void)crypto_sign_ed25519_keypair(public, pair);
}

void
crypto_ed25519_sign(uint8_t signature[SIGNATURE_LEN],
    const uint8_t pair[CRYPTO_PAIR_LEN], struct view message)
{
	(void)crypto_sign_ed25519_detached(signature, NULL, message.data,
	    message.len, pair);
}

bool
crypto_ed25519_verify(const uint8_t signature[SIGNATURE_LEN],
    const uint8_t public[PUBLIC_KEY_LEN], struct view message)
{
	return crypto_sign_ed25519_verify_detached(signature, message.data,
	    message.len, public) == 0;
}

/* The characters for so many bytes. */
static size_t
base64url_len(size_t len)
{
	return (len * 4 + 2) / 3;
}

void
crypto_base64url(char *text, const uint8_t *bytes, size_t len)
{
	const size_t size = sodium_base64_encoded_len(len,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	char buf[64];

	if (size > sizeof(buf))
		abort();
	(void)sodium_bin2base64(buf, sizeof(buf), bytes, len,
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	memcpy(text, buf, size - 1); /* the NUL stays behind */
	sodium_memzero(buf, sizeof(buf));
}

bool
crypto_base64url_open(uint8_t *bytes, size_t len, const char *text,
    size_t text_len)
{
	char again[64];
	bool same;

	/* So many characters are so many bytes, or none. */
	if (text_len >= sizeof(again) || text_len != base64url_len(len) ||
	    sodium_base642bin(bytes, len, text, text_len, NULL, NULL, NULL,
		sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0)
		return false;
	/* It takes '-' and '_' with their highest bit set for themselves. */
	crypto_base64url(again, bytes, len);
	same = crypto_equal(again, text, text_len);
	sodium_memzero(again, sizeof(again));
	return same;
}

bool
crypto_base64(char *text, size_t size, struct view bytes)
{
	if (size == 0 || bytes.len > (size - 1) / 4 * 3)
		return false;
	(void)sodium_bin2base64(text, size, bytes.data, bytes.len,
	    sodium_base64_VARIANT_ORIGINAL);
	return true;
}

bool
crypto_base64_open(uint8_t *bytes, size_t cap, struct view text, size_t *len)
{
	const char *from = (const char *)text.data;
	char again[65];
	size_t got;

	if (sodium_base642bin(bytes, cap, from, text.len, NULL, &got, NULL,
		sodium_base64_VARIANT_ORIGINAL) != 0)
		return false;
	/* As above: its digits are compared, 64 of them at a time. */
	for (size_t at = 0; at < got; at += 48, from += 64) {
		size_t n = got - at < 48 ? got - at : 48;

		(void)crypto_base64(again, sizeof(again),
		    (struct view){ bytes + at, n });
		if (memcmp(again, from, strlen(again)) != 0)
			return false;
	}
	*len = got;
	return true;
}
