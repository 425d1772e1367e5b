#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "sample.h"

/* Keys 00, 01, 02 ... and nonces a0, a1, a2 ... in most of what follows. */
static uint8_t key[KEY_LEN], nonce[CRYPTO_NONCE_LEN];

static void
setup(void)
{
	ck_assert(crypto_init());
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(nonce); i++)
		nonce[i] = (uint8_t)(0xa0 + i);
}

START_TEST(it_can_be_initialised_twice)
{
	ck_assert(crypto_init());
	ck_assert(crypto_init());
}
END_TEST

START_TEST(random_bytes_differ_and_stay_within_bounds)
{
	uint8_t a[66], b[66];
	unsigned same = 0;

	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	crypto_random(a + 1, 64);
	crypto_random(b + 1, 64);
	ck_assert_mem_ne(a, b, sizeof(a));
	for (size_t i = 1; i < 65; i++)
		same += a[i] == b[i];
	ck_assert_uint_lt(same, 16);
	ck_assert_uint_eq(a[0] | a[65] | b[0] | b[65], 0);
	crypto_random(a, 0);
	ck_assert_uint_eq(a[0], 0);
}
END_TEST

/* RFC 7693 appendix A, and hashlib.blake2b of Python for the others. */
static const struct {
	size_t len;
	bool keyed;
	const char *text;
	const char *hash;
} hashes[] = {
	{ 64, false, "abc",
	    "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
	    "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"
	},
	{ 32, false, "abc",
	    "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"
	},
	{ 32, true, "abc",
	    "d63a32d3e44738d7907f964316c241adaba0abfeabc32349677578a15a203f7f"
	},
	{ 16, true, "", "3daf97bce7888fd59773c66bf647459c" },
};

START_TEST(blake2b_gives_the_known_answers)
{
	uint8_t out[64];
	struct view part = view_of(hashes[_i].text);

	crypto_blake2b(out, hashes[_i].len, hashes[_i].keyed ? key : NULL,
	    &part, 1);
	sample_assert_hex((struct view){ out, hashes[_i].len },
	    hashes[_i].hash);
}
END_TEST

START_TEST(blake2b_of_parts_is_that_of_the_whole)
{
	const struct view parts[] = { view_of(""), view_of("a"),
		{ NULL, 0 }, view_of("bc") };
	uint8_t out[64];

	crypto_blake2b(out, hashes[0].len, NULL, parts, COUNT(parts));
	sample_assert_hex((struct view){ out, 64 }, hashes[0].hash);
}
END_TEST

/* Of the bytes 0, 7, 14 ...: around the sizes at which the way that a hash
   is made changes, with 16 bytes of output, without the key and with it. */
static const struct {
	size_t len;
	const char *plain, *keyed;
} lengths[] = {
	{ 127, "40efb3ed1b6eb973c5f774422adb0230",
	    "56c50fc8ab3ba8e49d9a5be7ae0dffdd" },
	{ 128, "06e5bcee475a6bf6d9b8a07c6f4ae80a",
	    "bd11151f0fa75b9ddb73aed7a8680701" },
	{ 129, "2ec7e7bf8a8265ffd68aadd70ecd2b7e",
	    "481db86c5fab9fc21aced4004fe4b561" },
	{ 255, "b4b6fa7ac93abe0503b7ac802593eadd",
	    "d418df9c502d7ee9256e32f199a5150d" },
	{ 256, "dbb08d79105462394550aa4d4e10133f",
	    "71092e03bb62daf3e9c7f20e112850a9" },
	{ 257, "6510946411e0caf5e4de75adf990b58d",
	    "bd32fe38172f0217318adb7343679bdd" },
	{ 1024, "47aa08d55bca9fb9f42d119e7722bd0f",
	    "e1c728ba0a65b43f2cc926a95fd0165e" },
	{ 70000, "82d0ad832f354976414931b9202fb392",
	    "8c780639a943ac004e8baf0372ec8f5a" },
};

START_TEST(blake2b_gives_the_known_answers_for_every_length_and_cut)
{
	static const size_t cuts[] = { 0, 1, 64, 100, 126 };
	static uint8_t bytes[70000];
	uint8_t out[16];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < COUNT(lengths); i++)
		for (size_t c = 0; c < COUNT(cuts); c++) {
			const struct view parts[] = { { bytes, cuts[c] },
				{ bytes + cuts[c], 1 }, { bytes + cuts[c] + 1,
				    lengths[i].len - cuts[c] - 1 } };

			crypto_blake2b(out, sizeof(out), NULL, parts, 3);
			sample_assert_hex((struct view){ out, sizeof(out) },
			    lengths[i].plain);
			crypto_blake2b(out, sizeof(out), key, parts, 3);
			sample_assert_hex((struct view){ out, sizeof(out) },
			    lengths[i].keyed);
		}
}
END_TEST

START_TEST(two_keys_are_derived_with_salt_and_personalisation)
{
	static const char personal[16] = "cofre.commit.v1";
	uint8_t out[CRYPTO_WIDE_LEN], salt[16] = { 0 };

	crypto_derive_wide(out, key, salt, personal,
	    (struct view){ nonce, sizeof(nonce) });
	sample_assert_hex((struct view){ out, sizeof(out) },
	    "c987ce9c08503496161bae12401adb26b59d25305816c95f9b9f6d5ff79b3c96"
	    "d2310a7b48a4490982c3b5edf8408930ac1755f8d022f0a6738f654906eec81b"
	    );
	for (size_t i = 0; i < sizeof(salt); i++)
		salt[i] = (uint8_t)(16 + i);
	crypto_derive_wide(out, key, salt, personal, view_of("abc"));
	sample_assert_hex((struct view){ out, sizeof(out) },
	    "eb75e65909fb47c50707f1a0b1804711d8f248cb84a4dca9999de27f5d6e7a45"
	    "295b0d67edeb31fd14dff92acccde442cdc243aa2fc8e7e1031ab5a035d36ff3"
	    );
}
END_TEST

START_TEST(a_hash_is_personal)
{
	uint8_t out[CRYPTO_HASH_LEN];

	crypto_hash_personal(out, "cofre.keyfile.v1", view_of("abc"));
	sample_assert_hex((struct view){ out, sizeof(out) },
	    "e8d2759a7d4d19ab1f03dd85f8f9c534f50b2fc529c102c8ed585f86d4a3166e"
	    );
}
END_TEST

START_TEST(subkeys_are_those_of_crypto_kdf)
{
	uint8_t out[KEY_LEN];

	crypto_subkey(out, key, 1, "cofrewsp");
	sample_assert_hex((struct view){ out, sizeof(out) },
	    "cad50fe8a1fdcaaa1c28d23d10aea6533984c935932dac02a60686ce2dae6d30"
	    );
	crypto_subkey(out, key, UINT64_MAX, "cofrevlt");
	sample_assert_hex((struct view){ out, sizeof(out) },
	    "a3dcf8e0ba3bfeefcf2f8ac964f2982dc5f0e791eb71ad247de22d6ebb71a524"
	    );
}
END_TEST

START_TEST(the_aead_gives_the_known_answer)
{
	uint8_t out[5 + CRYPTO_TAG_LEN], back[5];

	crypto_aead_seal(out, key, nonce, view_of("aad"), view_of("hello"));
	sample_assert_hex((struct view){ out, sizeof(out) },
	    "2d896671d8232e10f369c9a1f7fd9b6bb01d717579");
	ck_assert(crypto_aead_open(back, key, nonce, view_of("aad"),
	    (struct view){ out, sizeof(out) }));
	ck_assert_mem_eq(back, "hello", 5);
}
END_TEST

/* draft-irtf-cfrg-xchacha-03, A.3.1. */
START_TEST(the_aead_is_that_of_the_draft)
{
	static const char text[] = "Ladies and Gentlemen of the class of "
	    "'99: If I could offer you only one tip for the future, "
	    "sunscreen would be it.";
	uint8_t k[KEY_LEN], n[CRYPTO_NONCE_LEN], ad[12];
	uint8_t out[sizeof(text) - 1 + CRYPTO_TAG_LEN];

	for (size_t i = 0; i < sizeof(k); i++)
		k[i] = (uint8_t)(0x80 + i);
	for (size_t i = 0; i < sizeof(n); i++)
		n[i] = (uint8_t)(0x40 + i);
	(void)sample_hex("50515253c0c1c2c3c4c5c6c7", ad, sizeof(ad));
	crypto_aead_seal(out, k, n, (struct view){ ad, sizeof(ad) },
	    view_of(text));
	sample_assert_hex((struct view){ out, sizeof(out) },
	    "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
	    "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
	    "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
	    "21f9664c97637da9768812f615c68b13b52e"
	    "c0875924c1c7987947deafd8780acf49");
}
END_TEST

START_TEST(it_seals_and_opens_in_place)
{
	uint8_t buf[5 + CRYPTO_TAG_LEN] = "hello";

	crypto_aead_seal(buf, key, nonce, view_of("aad"),
	    (struct view){ buf, 5 });
	sample_assert_hex((struct view){ buf, sizeof(buf) },
	    "2d896671d8232e10f369c9a1f7fd9b6bb01d717579");
	ck_assert(crypto_aead_open(buf, key, nonce, view_of("aad"),
	    (struct view){ buf, sizeof(buf) }));
	ck_assert_mem_eq(buf, "hello", 5);
}
END_TEST

START_TEST(what_is_empty_is_sealed_and_opened)
{
	uint8_t sealed[CRYPTO_TAG_LEN], none[1] = { 7 };
	const struct view v = { sealed, sizeof(sealed) };

	crypto_aead_seal(sealed, key, nonce, view_of("aad"), view_of(""));
	ck_assert(crypto_aead_open(none, key, nonce, view_of("aad"), v));
	ck_assert_uint_eq(none[0], 7);
}
END_TEST

/* Opening is refused, and what the plaintext would be in is wiped. */
static void
assert_forgery(const uint8_t *k, const uint8_t *n, const char *ad,
    struct view sealed)
{
	uint8_t out[64];

	memset(out, 0x77, sizeof(out));
	ck_assert(!crypto_aead_open(out, k, n, view_of(ad), sealed));
	for (size_t i = 0; i + CRYPTO_TAG_LEN < sealed.len; i++)
		ck_assert_uint_eq(out[i], 0);
}

START_TEST(a_forgery_is_refused_and_leaves_zeros)
{
	uint8_t sealed[5 + CRYPTO_TAG_LEN], other[KEY_LEN];
	struct view v = { sealed, sizeof(sealed) };

	crypto_aead_seal(sealed, key, nonce, view_of("aad"),
	    view_of("hello"));
	for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_forgery(key, nonce, "aad", v);
		sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t len = 0; len < sizeof(sealed); len++)
		assert_forgery(key, nonce, "aad",
		    (struct view){ sealed, len });
	assert_forgery(key, nonce, "aae", v);
	assert_forgery(key, nonce, "aad ", v);
	assert_forgery(key, nonce, "", v);
	memcpy(other, key, sizeof(other));
	other[31] ^= 0x80;
	assert_forgery(other, nonce, "aad", v);
	assert_forgery(key, key, "aad", v);
}
END_TEST

/* From vectors.h of the reference implementation of SipHash. */
START_TEST(the_short_hash_is_siphash_2_4_128)
{
	uint8_t out[CRYPTO_SHORT_LEN];

	crypto_short_hash(out, key, view_of(""));
	sample_assert_hex((struct view){ out, sizeof(out) },
	    "a3817f04ba25a8e66df67214c7550293");
	crypto_short_hash(out, key, (struct view){ key, 1 });
	sample_assert_hex((struct view){ out, sizeof(out) },
	    "da87c1d86b99af44347659119b22fc45");
	crypto_short_hash(out, key, (struct view){ key, 15 });
	sample_assert_hex((struct view){ out, sizeof(out) },
	    "5493e99933b0a8117e08ec0f97cfc3d9");
}
END_TEST

/* RFC 8032, section 7.1, TEST 2. */
START_TEST(ed25519_signs_as_RFC_8032_says)
{
	uint8_t pair[CRYPTO_PAIR_LEN], signature[SIGNATURE_LEN];
	uint8_t want[SIGNATURE_LEN];
	const uint8_t message = 0x72;

	(void)sample_hex("4ccd089b28ff96da9db6c346ec114e0f"
			 "5b8a319f35aba624da8cf6ed4fb8a6fb"
			 "3d4017c3e843895a92b70aa74d1b7ebc"
			 "9c982ccf2ec4968cc0cd55f12af4660c",
	    pair, sizeof(pair));
	(void)sample_hex("92a009a9f0d4cab8720e820b5f642540"
			 "a2b27b5416503f8fb3762223ebdb69da"
			 "085ac1e43e15996e458f3613d0f11d8c"
			 "387b2eaeb4302aeeb00d291612bb0c00",
	    want, sizeof(want));
	crypto_ed25519_sign(signature, pair, (struct view){ &message, 1 });
	ck_assert_mem_eq(signature, want, sizeof(want));
}
END_TEST

START_TEST(equality_is_over_every_bit)
{
	uint8_t other[KEY_LEN];

	memcpy(other, key, sizeof(other));
	ck_assert(crypto_equal(key, other, sizeof(key)));
	for (size_t bit = 0; bit < 8 * sizeof(other); bit++) {
		other[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert(!crypto_equal(key, other, sizeof(key)));
		other[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	other[KEY_LEN - 1] ^= 1;
	ck_assert(crypto_equal(key, other, KEY_LEN - 1));
	ck_assert(crypto_equal(key, other, 0));
}
END_TEST

/* RFC 4648, section 10, and the two digits that base64url lacks. */
static const struct {
	const char *bytes, *text;
} base64[] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" },
	{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" }, { "\xfb\xff\xbf", "+/+/" } };

START_TEST(base64_is_that_of_the_rfc)
{
	struct view bytes = view_of(base64[_i].bytes);
	size_t n = strlen(base64[_i].text), len = 99;
	char text[16];
	uint8_t out[16];

	for (size_t size = 0; size <= n; size++)
		ck_assert(!crypto_base64(text, size, bytes));
	ck_assert(crypto_base64(text, n + 1, bytes));
	ck_assert_str_eq(text, base64[_i].text);
	ck_assert(crypto_base64_open(out, bytes.len, view_of(text), &len));
	ck_assert_uint_eq(len, bytes.len);
	ck_assert_mem_eq(out, bytes.data, len);
	ck_assert(bytes.len == 0 ||
	    !crypto_base64_open(out, bytes.len - 1, view_of(text), &len));
}
END_TEST

/* Each stands for bytes that are written in another way. */
static const char *const not_base64[] = { "Z", "Zg", "Zg=", "Zg===", "Zh==",
	"Zm9=", "Zm9v\n", " Zm9v", "Zm 9v", "Zm9v=", "====", "=", "-_-_", "Z===",
	"Zg==Zg==", "Zm9v\xab" "m9v", "Zm9v\xaf" "m9v", "\xdam9v" };

START_TEST(base64_has_one_form)
{
	size_t len = 99;
	uint8_t out[16];

	ck_assert(!crypto_base64_open(out, sizeof(out),
	    view_of(not_base64[_i]), &len));
	ck_assert_uint_eq(len, 99);
}
END_TEST

START_TEST(base64_of_every_length_comes_back)
{
	uint8_t bytes[200], out[200];
	char text[300];
	size_t len = 0;

	crypto_random(bytes, sizeof(bytes));
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		ck_assert(crypto_base64(text, sizeof(text),
		    (struct view){ bytes, n }));
		ck_assert_uint_eq(strlen(text), (n + 2) / 3 * 4);
		ck_assert(crypto_base64_open(out, n, view_of(text), &len));
		ck_assert_uint_eq(len, n);
		ck_assert_mem_eq(out, bytes, n);
		/* One that is only taken for a digit, anywhere. */
		for (size_t i = 0; i < strlen(text); i++) {
			text[i] = (char)(text[i] ^ '\x80');
			ck_assert(!crypto_base64_open(out, sizeof(out),
			    view_of(text), &len));
			text[i] = (char)(text[i] ^ '\x80');
		}
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("crypto");
	TCase *t = tcase_create("crypto");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, it_can_be_initialised_twice);
	tcase_add_test(t, random_bytes_differ_and_stay_within_bounds);
	tcase_add_loop_test(t, blake2b_gives_the_known_answers, 0,
	    (int)COUNT(hashes));
	tcase_add_test(t, blake2b_of_parts_is_that_of_the_whole);
	tcase_add_test(t,
	    blake2b_gives_the_known_answers_for_every_length_and_cut);
	tcase_add_test(t, two_keys_are_derived_with_salt_and_personalisation);
	tcase_add_test(t, a_hash_is_personal);
	tcase_add_test(t, subkeys_are_those_of_crypto_kdf);
	tcase_add_test(t, the_aead_gives_the_known_answer);
	tcase_add_test(t, the_aead_is_that_of_the_draft);
	tcase_add_test(t, it_seals_and_opens_in_place);
	tcase_add_test(t, what_is_empty_is_sealed_and_opened);
	tcase_add_test(t, a_forgery_is_refused_and_leaves_zeros);
	tcase_add_test(t, the_short_hash_is_siphash_2_4_128);
	tcase_add_test(t, ed25519_signs_as_RFC_8032_says);
	tcase_add_test(t, equality_is_over_every_bit);
	tcase_add_loop_test(t, base64_is_that_of_the_rfc, 0,
	    (int)COUNT(base64));
	tcase_add_loop_test(t, base64_has_one_form, 0,
	    (int)COUNT(not_base64));
	tcase_add_test(t, base64_of_every_length_comes_back);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
