#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "token.h"

/* Of the bytes 00, 01 .. 1f; made by another program. */
static const char known[] =
    "cofre_r_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8cb2f51";
/* Of the bytes fb, ff, fb .. ff; likewise: with the digits that are no
   letters. */
static const char signs[] =
    "cofre_r_-__7__v_-__7__v_-__7__v_-__7__v_-__7__v_-_85fb9b3";
static uint8_t key[KEY_LEN];

static void
setup(void)
{
	ck_assert(crypto_init());
	memset(key, 7, sizeof(key));
}

static bool
is_token(const char *text, size_t len)
{
	uint8_t hash[CRYPTO_HASH_LEN];

	return token_hash((struct view){ (const uint8_t *)text, len }, key,
	    hash);
}

START_TEST(the_hash_is_the_known_one)
{
	uint8_t hash[CRYPTO_HASH_LEN];

	ck_assert(token_hash(view_of(known), key, hash));
	sample_assert_hex((struct view){ hash, sizeof(hash) },
	    "aae21a55b9f5479f4f14c0e586d73753e40a8c682b1df9a37740361c265b157d"
	    );
}
END_TEST

/* The six last characters are the beginning of the secret's hash. */
static void
assert_digits(const char *text)
{
	uint8_t bytes[32], hash[CRYPTO_HASH_LEN];
	const struct view part = { bytes, sizeof(bytes) };
	char want[7];

	ck_assert(crypto_base64url_open(bytes, sizeof(bytes), text + 8, 43));
	crypto_blake2b(hash, sizeof(hash), NULL, &part, 1);
	(void)snprintf(want, sizeof(want), "%02x%02x%02x", hash[0], hash[1],
	    hash[2]);
	ck_assert_str_eq(text + 51, want);
}

START_TEST(one_that_was_made_is_one_and_no_other_one)
{
	char a[TOKEN_LEN + 1], b[TOKEN_LEN + 1];
	uint8_t of_a[CRYPTO_HASH_LEN], of_b[CRYPTO_HASH_LEN];
	uint8_t before[CRYPTO_HASH_LEN] = { 0 };

	memset(a, 'x', sizeof(a));
	memset(b, 'x', sizeof(b));
	for (unsigned i = 0; i < 1000; i++) {
		token_make(a);
		token_make(b);
		ck_assert_uint_eq(strlen(a), TOKEN_LEN);
		assert_digits(a);
		ck_assert(token_hash(view_of(a), key, of_a));
		ck_assert(token_hash(view_of(b), key, of_b));
		ck_assert_mem_ne(of_a, of_b, sizeof(of_a));
		ck_assert_mem_ne(of_a, before, sizeof(of_a));
		ck_assert_mem_ne(of_b, before, sizeof(of_b));
		memcpy(before, of_b, sizeof(before));
	}
}
END_TEST

START_TEST(another_key_gives_another_hash)
{
	uint8_t one[CRYPTO_HASH_LEN], other[CRYPTO_HASH_LEN];

	ck_assert(token_hash(view_of(known), key, one));
	key[31] ^= 1;
	ck_assert(token_hash(view_of(known), key, other));
	ck_assert_mem_ne(one, other, sizeof(one));
}
END_TEST

START_TEST(one_that_was_cut_or_lengthened_is_none)
{
	char text[TOKEN_LEN + 2];

	memcpy(text, known, TOKEN_LEN);
	text[TOKEN_LEN] = text[TOKEN_LEN + 1] = '1';
	for (size_t n = 0; n <= sizeof(text); n++)
		ck_assert_msg(is_token(text, n) == (n == TOKEN_LEN),
		    "%zu bytes", n);
}
END_TEST

/* No text but the one is that token: nothing is read in two ways. */
static void
no_other_byte(const char *token)
{
	char text[TOKEN_LEN];

	for (size_t i = 0; i < TOKEN_LEN; i++)
		for (unsigned c = 0; c < 256; c++) {
			memcpy(text, token, TOKEN_LEN);
			text[i] = (char)c;
			ck_assert_msg(is_token(text, TOKEN_LEN) ==
				(text[i] == token[i]), "byte %zu is %u", i,
			    c);
		}
}

START_TEST(any_other_byte_makes_it_none)
{
	no_other_byte(known);
	no_other_byte(signs);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("token");
	TCase *t = tcase_create("token");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, the_hash_is_the_known_one);
	tcase_add_test(t, one_that_was_made_is_one_and_no_other_one);
	tcase_add_test(t, another_key_gives_another_hash);
	tcase_add_test(t, one_that_was_cut_or_lengthened_is_none);
	tcase_add_test(t, any_other_byte_makes_it_none);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
