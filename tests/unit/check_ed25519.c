/* Whose signature is one, and whose never is. */
#include <check.h>
#include <stdlib.h>

#include "crypto.h"
#include "sample.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

START_TEST(ed25519_verifies_each_bit_of_it)
{
	const struct view message = view_of("message");
	uint8_t pair[CRYPTO_PAIR_LEN], signature[SIGNATURE_LEN];
	uint8_t *public = pair + KEY_LEN;

	crypto_ed25519_make(pair);
	crypto_ed25519_sign(signature, pair, message);
	ck_assert(crypto_ed25519_verify(signature, public, message));
	ck_assert(!crypto_ed25519_verify(signature, public, view_of("messag")));
	for (size_t i = 0; i < 8 * SIGNATURE_LEN; i++) {
		signature[i / 8] ^= (uint8_t)(1u << i % 8);
		ck_assert(!crypto_ed25519_verify(signature, public, message));
		signature[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	for (size_t i = 0; i < 8 * PUBLIC_KEY_LEN; i++) {
		public[i / 8] ^= (uint8_t)(1u << i % 8);
		ck_assert(!crypto_ed25519_verify(signature, public, message));
		public[i / 8] ^= (uint8_t)(1u << i % 8);
	}
}
END_TEST

/* Keys of small order, and one that is written in two ways: with them R = A
   and S = 0 would be a signature over some messages, or over all. */
static const char *const weak[] = {
	"0100000000000000000000000000000000000000000000000000000000000000",
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0000000000000000000000000000000000000000000000000000000000000080",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
};

START_TEST(ed25519_verifies_nothing_by_a_weak_key)
{
	uint8_t public[PUBLIC_KEY_LEN], signature[SIGNATURE_LEN] = { 0 };
	uint8_t message;

	(void)sample_hex(weak[_i], public, sizeof(public));
	for (unsigned other = 0; other < COUNT(weak); other++)
		for (unsigned i = 0; i < 256; i++) {
			(void)sample_hex(weak[other], signature,
			    PUBLIC_KEY_LEN);
			message = (uint8_t)i;
			ck_assert(!crypto_ed25519_verify(signature, public,
			    (struct view){ &message, 1 }));
		}
}
END_TEST

/* Of a pair, one; in the one form, and of the whole order, or none. */
START_TEST(ed25519_knows_what_a_public_key_is)
{
	uint8_t pair[CRYPTO_PAIR_LEN], public[PUBLIC_KEY_LEN];

	for (unsigned i = 0; i < 16; i++) {
		crypto_ed25519_make(pair);
		ck_assert(crypto_ed25519_is_key(pair + KEY_LEN));
	}
	for (size_t i = 0; i < COUNT(weak); i++) {
		(void)sample_hex(weak[i], public, sizeof(public));
		ck_assert(!crypto_ed25519_is_key(public));
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ed25519");
	TCase *t = tcase_create("verify");
	SRunner *r;
	int failed;

	if (!crypto_init())
		return EXIT_FAILURE;
	tcase_add_test(t, ed25519_verifies_each_bit_of_it);
	tcase_add_loop_test(t, ed25519_verifies_nothing_by_a_weak_key, 0,
	    COUNT(weak));
	tcase_add_test(t, ed25519_knows_what_a_public_key_is);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
