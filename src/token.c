#include "token.h"

#include <string.h>

#include "secmem.h"

#define PREFIX "cofre_r_"
#define PREFIX_LEN (sizeof(PREFIX) - 1)
#define SECRET_LEN 32u
#define CHECK_LEN 3u

/* A number below 16 as a hex digit; without an index or a branch that depends
   on it. */
static char
hex_digit(unsigned v)
{
	return (char)('0' + v + ((9 - v) >> 8 & ('a' - '0' - 10)));
}

/* The hex digits behind the secret. */
static void
put_check(char *to, const uint8_t *secret)
{
	const struct view part = { secret, SECRET_LEN };
	uint8_t hash[CRYPTO_HASH_LEN];

	crypto_blake2b(hash, sizeof(hash), NULL, &part, 1);
	for (size_t i = 0; i < CHECK_LEN; i++) {
		*to++ = hex_digit(hash[i] >> 4);
		*to++ = hex_digit(hash[i] & 15);
	}
	secmem_wipe(hash, sizeof(hash));
}

void
token_make(char text[TOKEN_LEN + 1])
{
	uint8_t secret[SECRET_LEN];

	crypto_random(secret, sizeof(secret));
	memcpy(text, PREFIX, PREFIX_LEN);
	crypto_base64url(text + PREFIX_LEN, secret, sizeof(secret));
	put_check(text + TOKEN_LEN - 2 * CHECK_LEN, secret);
	text[TOKEN_LEN] = '\0';
	secmem_wipe(secret, sizeof(secret));
}

bool
token_hash(struct view text, const uint8_t key[KEY_LEN],
    uint8_t hash[CRYPTO_HASH_LEN])
{
	const char *s = (const char *)text.data;
	const size_t check = TOKEN_LEN - 2 * CHECK_LEN;
	uint8_t secret[SECRET_LEN];
	const struct view part = { secret, SECRET_LEN };
	char want[2 * CHECK_LEN];
	bool good;

	if (text.len != TOKEN_LEN || memcmp(s, PREFIX, PREFIX_LEN) != 0 ||
	    !crypto_base64url_open(secret, sizeof(secret), s + PREFIX_LEN,
		check - PREFIX_LEN))
		return false;
	put_check(want, secret);
	good = crypto_equal(want, s + check, sizeof(want));
	if (good)
		crypto_blake2b(hash, CRYPTO_HASH_LEN, key, &part, 1);
	secmem_wipe(secret, sizeof(secret));
	return good;
}
