/* What sealing, tokens and base64 leave on the stack: no keys, no secrets. */
#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "remains.h"
#include "seal.h"
#include "token.h"

/* Where a secret was put, and what it is. */
struct trace {
	const void *place;
	size_t len;
	uint8_t bytes[512];
};

static struct trace wide, random_one, hash, secret, state, text, compared;
static uint8_t key[KEY_LEN];

static void
trace(struct trace *t, const void *place, size_t len)
{
	t->place = place;
	t->len = len / 8 * 8;
	ck_assert_uint_le(t->len, sizeof(t->bytes));
	memcpy(t->bytes, place, t->len);
}

static bool
is_left(const struct trace *t)
{
	ck_assert_uint_gt(t->len, 0);
	return remains_at(t->place, t->bytes, t->len);
}

/* Linked in place of what puts secrets there, or looks at them. */
void __real_crypto_derive_wide(uint8_t out[CRYPTO_WIDE_LEN],
    const uint8_t from[KEY_LEN], const uint8_t salt[16],
    const char personal[16], struct view message);
void __wrap_crypto_derive_wide(uint8_t out[CRYPTO_WIDE_LEN],
    const uint8_t from[KEY_LEN], const uint8_t salt[16],
    const char personal[16], struct view message);
void __real_crypto_random(void *out, size_t len);
void __wrap_crypto_random(void *out, size_t len);
void __real_crypto_blake2b(void *out, size_t len, const uint8_t *with,
    const struct view *parts, size_t count);
void __wrap_crypto_blake2b(void *out, size_t len, const uint8_t *with,
    const struct view *parts, size_t count);
int __real_crypto_generichash_final(crypto_generichash_state *st,
    unsigned char *out, const size_t len);
int __wrap_crypto_generichash_final(crypto_generichash_state *st,
    unsigned char *out, const size_t len);
char *__real_sodium_bin2base64(char *const to, const size_t size,
    const unsigned char *const from, const size_t len, const int variant);
char *__wrap_sodium_bin2base64(char *const to, const size_t size,
    const unsigned char *const from, const size_t len, const int variant);
int __real_sodium_memcmp(const void *const a, const void *const b,
    size_t len);
int __wrap_sodium_memcmp(const void *const a, const void *const b,
    size_t len);

int __real_crypto_aead_xchacha20poly1305_ietf_decrypt(unsigned char *m,
    unsigned long long *m_len, unsigned char *none, const unsigned char *c,
    unsigned long long c_len, const unsigned char *ad,
    unsigned long long ad_len, const unsigned char *nonce,
    const unsigned char *with);
int __wrap_crypto_aead_xchacha20poly1305_ietf_decrypt(unsigned char *m,
    unsigned long long *m_len, unsigned char *none, const unsigned char *c,
    unsigned long long c_len, const unsigned char *ad,
    unsigned long long ad_len, const unsigned char *nonce,
    const unsigned char *with);

void
__wrap_crypto_derive_wide(uint8_t out[CRYPTO_WIDE_LEN],
    const uint8_t from[KEY_LEN], const uint8_t salt[16],
    const char personal[16], struct view message)
{
	__real_crypto_derive_wide(out, from, salt, personal, message);
	/* What is behind it is the commitment, which everybody may see. */
	trace(&wide, out, KEY_LEN);
}

void
__wrap_crypto_random(void *out, size_t len)
{
	__real_crypto_random(out, len);
	trace(&random_one, out, len);
}

void
__wrap_crypto_blake2b(void *out, size_t len, const uint8_t *with,
    const struct view *parts, size_t count)
{
	__real_crypto_blake2b(out, len, with, parts, count);
	if (with == NULL)
		trace(&hash, out, len);
	trace(&secret, parts[0].data, parts[0].len);
}

int
__wrap_crypto_generichash_final(crypto_generichash_state *st,
    unsigned char *out, const size_t len)
{
	int result = __real_crypto_generichash_final(st, out, len);

	trace(&state, st, sizeof(*st));
	return result;
}

char *
__wrap_sodium_bin2base64(char *const to, const size_t size,
    const unsigned char *const from, const size_t len, const int variant)
{
	char *result = __real_sodium_bin2base64(to, size, from, len, variant);

	trace(&text, to, strlen(to));
	return result;
}

int
__wrap_sodium_memcmp(const void *const a, const void *const b, size_t len)
{
	trace(&compared, a, len);
	return __real_sodium_memcmp(a, b, len);
}

/* What is called behind a frame may overwrite it: was the hash wiped there? */
static bool hash_wiped;

void __real_secmem_wipe(void *p, size_t n);
void __wrap_secmem_wipe(void *p, size_t n);

void
__wrap_secmem_wipe(void *p, size_t n)
{
	__real_secmem_wipe(p, n);
	if (p == hash.place && n >= hash.len)
		hash_wiped = true;
}

static bool careless; /* it decrypts what it then refuses */

int
__wrap_crypto_aead_xchacha20poly1305_ietf_decrypt(unsigned char *m,
    unsigned long long *m_len, unsigned char *none, const unsigned char *c,
    unsigned long long c_len, const unsigned char *ad,
    unsigned long long ad_len, const unsigned char *nonce,
    const unsigned char *with)
{
	if (!careless)
		return __real_crypto_aead_xchacha20poly1305_ietf_decrypt(m,
		    m_len, none, c, c_len, ad, ad_len, nonce, with);
	memset(m, 0x55, (size_t)c_len - CRYPTO_TAG_LEN);
	return -1;
}

static const uint8_t *hash_key;
static size_t hash_len;

static void
setup(void)
{
	ck_assert(crypto_init());
	memset(key, 7, sizeof(key));
	memset(&state, 0, sizeof(state));
	memset(&hash, 0, sizeof(hash));
	hash_wiped = false;
	careless = false;
	hash_key = NULL;
	hash_len = 1000;
}

/* Of the length of a buffer in which secrets are. */
static struct trace kept;

static void
leave(void)
{
	volatile uint8_t bytes[64];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i + 1);
	kept.place = (const void *)(uintptr_t)bytes;
	kept.len = sizeof(bytes);
	for (size_t i = 0; i < sizeof(bytes); i++)
		kept.bytes[i] = bytes[i];
}

START_TEST(what_is_not_wiped_is_seen)
{
	remains_after(leave);
	ck_assert(is_left(&kept));
	for (size_t i = 0; i < sizeof(kept.bytes); i++)
		kept.bytes[i] ^= 0x80;
	ck_assert(!is_left(&kept));
}
END_TEST

static const uint8_t vault[VAULT_ID_LEN] = { 1 };
static const struct seal_place place = { .vault = vault, .table = 6 };
static uint8_t row[512], out[512];
static bool opens;

static void
close_row(void)
{
	seal_close(row, key, 1, &place, view_of("hello"), NULL);
}

static void
open_row(void)
{
	struct view plain, sealed = { row, seal_size(5) };

	opens = seal_open(out, key, &place, sealed, &plain);
}

START_TEST(sealing_leaves_no_row_key)
{
	remains_after(close_row);
	ck_assert(!is_left(&wide));
}
END_TEST

START_TEST(opening_leaves_no_row_key_whether_it_opens_or_not)
{
	close_row();
	remains_after(open_row);
	ck_assert(opens && !is_left(&wide));
	row[seal_size(5) - 1] ^= 1;
	remains_after(open_row);
	ck_assert(!opens && !is_left(&wide));
	key[0] ^= 1;
	remains_after(open_row);
	ck_assert(!opens && !is_left(&wide));
}
END_TEST

static char token[TOKEN_LEN + 1];
static uint8_t token_is[CRYPTO_HASH_LEN];

static void
make_token(void)
{
	token_make(token);
}

static void
hash_token(void)
{
	opens = token_hash(view_of(token), key, token_is);
}

START_TEST(making_a_token_leaves_nothing_of_its_secret)
{
	remains_after(make_token);
	ck_assert_uint_eq(random_one.len, 32);
	ck_assert(!is_left(&random_one));
	ck_assert(!is_left(&hash) && hash_wiped);
}
END_TEST

START_TEST(hashing_a_token_leaves_nothing_of_its_secret)
{
	token_make(token);
	hash_wiped = false;
	remains_after(hash_token);
	ck_assert(opens && !is_left(&secret) && !is_left(&hash));
	ck_assert(hash_wiped);
	/* One whose check digits are wrong. */
	token[TOKEN_LEN - 1] = token[TOKEN_LEN - 1] == '0' ? '1' : '0';
	remains_after(hash_token);
	ck_assert(!opens && !is_left(&secret) && !is_left(&hash));
}
END_TEST

static char digits[64];
static uint8_t bytes[32];

static void
encode(void)
{
	crypto_base64url(digits, bytes, sizeof(bytes));
}

static void
decode(void)
{
	opens = crypto_base64url_open(out, sizeof(bytes), digits, 43);
}

START_TEST(base64url_leaves_nothing_of_its_text)
{
	__real_crypto_random(bytes, sizeof(bytes));
	remains_after(encode);
	ck_assert_uint_eq(text.len, 40);
	ck_assert(!is_left(&text));
	remains_after(decode);
	ck_assert(opens && !is_left(&text) && !is_left(&compared));
}
END_TEST

static void
hash_bytes(void)
{
	static const uint8_t much[1000] = { 1, 2, 3 };
	const struct view parts[] = { { much, hash_len } };

	__real_crypto_blake2b(out, 64, hash_key, parts, 1);
}

START_TEST(a_long_hash_with_a_key_leaves_no_state)
{
	hash_key = key;
	remains_after(hash_bytes);
	ck_assert(!is_left(&state));
	/* Without a key there is nothing to keep, and time to save. */
	hash_key = NULL;
	remains_after(hash_bytes);
	ck_assert(is_left(&state));
}
END_TEST

START_TEST(a_short_hash_has_no_state_but_the_librarys)
{
	hash_len = 256;
	hash_bytes();
	hash_key = key;
	hash_bytes();
	ck_assert_uint_eq(state.len, 0);
	hash_len++;
	hash_bytes();
	ck_assert_uint_gt(state.len, 0);
}
END_TEST

START_TEST(what_is_refused_is_wiped_though_the_library_wrote_it)
{
	static const uint8_t sealed[40 + CRYPTO_TAG_LEN], zeros[40];
	static const uint8_t nonce[CRYPTO_NONCE_LEN];

	memset(out, 0x77, sizeof(out));
	careless = true;
	ck_assert(!crypto_aead_open(out, key, nonce, view_of(""),
	    (struct view){ sealed, sizeof(sealed) }));
	ck_assert_mem_eq(out, zeros, 40);
	/* And nothing else. */
	for (size_t i = 40; i < sizeof(out); i++)
		ck_assert_uint_eq(out[i], 0x77);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("remains");
	TCase *t = tcase_create("remains");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, what_is_not_wiped_is_seen);
	tcase_add_test(t, sealing_leaves_no_row_key);
	tcase_add_test(t, opening_leaves_no_row_key_whether_it_opens_or_not);
	tcase_add_test(t, making_a_token_leaves_nothing_of_its_secret);
	tcase_add_test(t, hashing_a_token_leaves_nothing_of_its_secret);
	tcase_add_test(t, base64url_leaves_nothing_of_its_text);
	tcase_add_test(t, a_long_hash_with_a_key_leaves_no_state);
	tcase_add_test(t, a_short_hash_has_no_state_but_the_librarys);
	tcase_add_test(t,
	    what_is_refused_is_wiped_though_the_library_wrote_it);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
