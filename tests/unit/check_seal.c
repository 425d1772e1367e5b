#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "seal.h"

#define LARGE (132u * 1024)

static uint8_t key[KEY_LEN], nonce[CRYPTO_NONCE_LEN], vault[VAULT_ID_LEN];
static uint8_t plain[LARGE], sealed[LARGE], out[LARGE];
/* The place of known answers, and that of everything else. */
static struct seal_place zero, home;

static void
setup(void)
{
	ck_assert(crypto_init());
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(nonce); i++)
		nonce[i] = (uint8_t)(0xa0 + i);
	for (size_t i = 0; i < sizeof(vault); i++)
		vault[i] = (uint8_t)(0xc0 + i);
	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)(i * 7 + 1);
	zero = (struct seal_place){ .vault = vault, .table = 4 };
	home = (struct seal_place){
		.vault = vault,
		.table = 6,
		.workspace = 0x0102030405060708,
		.record = 0x1112131415161718,
		.version = 0x21222324,
		.kind = 3,
		.name = view_of("store"),
	};
}

/* Seal n bytes at home; returns the row. */
static struct view
seal(size_t n)
{
	seal_close(sealed, key, 7, &home, (struct view){ plain, n }, NULL);
	return (struct view){ sealed, seal_size(n) };
}

/* The row opens at home, to n bytes of plain. */
static void
assert_opens(struct view row, size_t n)
{
	struct view back = { NULL, 0 };

	memset(out, 0x77, row.len);
	ck_assert_msg(seal_open(out, key, &home, row, &back) &&
	    back.len == n && memcmp(back.data, plain, n) == 0 &&
	    back.data >= out && back.data + n <= out + row.len,
	    "%zu bytes", n);
}

/* True when it does not open, and nothing is left where it would have. */
static bool
refused_after_opening(const uint8_t *k, const struct seal_place *place,
    struct view row, struct view *back)
{
	static const uint8_t zeros[4096];

	ck_assert_uint_le(row.len, sizeof(zeros));
	memset(out, 0, sizeof(zeros));
	return !seal_open(out, k, place, row, back) &&
	    memcmp(out, zeros, sizeof(zeros)) == 0;
}

/* And no plaintext was looked for. */
static bool
refused(const uint8_t *k, const struct seal_place *place, struct view row)
{
	struct view back = { NULL, 0 };

	return refused_after_opening(k, place, row, &back) &&
	    back.data == NULL;
}

/* D of "Key commitment" in the reference: Ek, and C behind it. */
static const char derived[] =
    "c987ce9c08503496161bae12401adb26b59d25305816c95f9b9f6d5ff79b3c96"
    "d2310a7b48a4490982c3b5edf8408930ac1755f8d022f0a6738f654906eec81b";

START_TEST(the_commitment_is_the_known_one)
{
	uint8_t wide[CRYPTO_WIDE_LEN];

	(void)sample_hex(derived, wide, sizeof(wide));
	seal_close(sealed, key, 1, &zero, view_of("hello"), nonce);
	ck_assert_mem_eq(sealed + SEAL_HEADER, nonce, sizeof(nonce));
	ck_assert_mem_eq(sealed + SEAL_HEADER + CRYPTO_NONCE_LEN,
	    wide + KEY_LEN, KEY_LEN);
}
END_TEST

START_TEST(the_body_opens_under_the_known_row_key)
{
	/* header, vault, table 4, and zeros up to the name's length */
	static const char ad_hex[] = "0101000000000001"
	    "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf" "04"
	    "0000000000000000" "0000000000000000" "00000000" "00" "00000000";
	uint8_t wide[CRYPTO_WIDE_LEN], ad[64];
	size_t ad_len = sample_hex(ad_hex, ad, sizeof(ad));
	const size_t front = SEAL_HEADER + CRYPTO_NONCE_LEN + KEY_LEN;

	(void)sample_hex(derived, wide, sizeof(wide));
	seal_close(sealed, key, 1, &zero, view_of("hello"), nonce);
	ck_assert_uint_eq(seal_size(5), 144);
	ck_assert(crypto_aead_open(out, wide, nonce,
	    (struct view){ ad, ad_len },
	    (struct view){ sealed + front, 144 - front }));
	ck_assert_mem_eq(out, "\0\0\0\5hello\0\0\0", 12);
}
END_TEST

/* Made by another program (Python, with an XChaCha20-Poly1305 of its own). */
START_TEST(a_row_is_sealed_byte_for_byte_as_documented)
{
	seal_close(sealed, key, 7, &home, view_of("hello"), nonce);
	sample_assert_hex((struct view){ sealed, 144 },
	    "0101000000000007"
	    "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7"
	    "03970fc4569dbae119047b612a4ad56724379510791314f724b46a665ec2adaf"
	    "b54379f6c6cc05ee0e46f57ca67a1dc53ae9c68a726f87464e5d119457fa543f"
	    "40b1cceb90c867b096f10aed9a04b52e2870a856b43a64025a395dbb209cf0a0"
	    "c567c5f0b661f627e0b30aa1c0609b03");
	seal_close(sealed, key, 1, &zero, view_of("hello"), nonce);
	sample_assert_hex((struct view){ sealed, 144 },
	    "0101000000000001"
	    "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7"
	    "d2310a7b48a4490982c3b5edf8408930ac1755f8d022f0a6738f654906eec81b"
	    "5a5629e9abf8cedce61af4c4e1cc45430fcfac1407c03c3508b0eaec2bd4ff16"
	    "190f42211686e62024632b27e12faf29eb70c9425409b12aa8faef0144b59e58"
	    "4140aad3718227f526648fccb2974727");
}
END_TEST

static const struct {
	size_t plain, padded;
} sizes[] = { { 0, 64 }, { 1, 64 }, { 60, 64 }, { 61, 128 }, { 124, 128 },
	{ 125, 192 }, { 1020, 1024 }, { 1021, 1280 }, { 1276, 1280 },
	{ 1277, 1536 }, { 8188, 8192 }, { 8189, 12288 }, { 12284, 12288 },
	{ 12285, 16384 }, { 65536, 69632 }, { ROW_MAX, 131072 } };

START_TEST(sizes_are_rounded_up_and_their_boundaries_work)
{
	for (size_t i = 0; i < COUNT(sizes); i++) {
		ck_assert_uint_eq(seal_size(sizes[i].plain),
		    sizes[i].padded + SEAL_OVERHEAD);
		assert_opens(seal(sizes[i].plain), sizes[i].plain);
	}
}
END_TEST

START_TEST(every_length_comes_back)
{
	for (size_t n = 0; n <= 5000; n++)
		assert_opens(seal(n), n);
}
END_TEST

START_TEST(the_same_plaintext_is_never_sealed_twice_alike)
{
	uint8_t first[144];

	ck_assert_uint_eq(seal(5).len, sizeof(first));
	memcpy(first, sealed, sizeof(first));
	(void)seal(5);
	ck_assert_mem_ne(first + SEAL_HEADER, sealed + SEAL_HEADER,
	    CRYPTO_NONCE_LEN);
	ck_assert_mem_ne(first + SEAL_HEADER + CRYPTO_NONCE_LEN,
	    sealed + SEAL_HEADER + CRYPTO_NONCE_LEN, KEY_LEN);
}
END_TEST

START_TEST(every_single_bit_flip_is_detected)
{
	static const size_t lengths[] = { 0, 5, 60, 61, 2000 };

	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct view row = seal(lengths[i]);

		for (size_t bit = 0; bit < 8 * row.len; bit++) {
			sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (!refused(key, &home, row))
				ck_abort_msg("bit %zu of %zu bytes", bit,
				    lengths[i]);
			sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		assert_opens(row, lengths[i]);
	}
}
END_TEST

/* Each changes one thing of the place. */
static void other_vault(struct seal_place *p)
{
	static uint8_t other[VAULT_ID_LEN];

	memcpy(other, vault, sizeof(other));
	other[VAULT_ID_LEN - 1] ^= 1;
	p->vault = other;
}
static void other_table(struct seal_place *p) { p->table = 5; }
static void other_workspace(struct seal_place *p) { p->workspace++; }
static void far_workspace(struct seal_place *p) { p->workspace ^= 1ull << 63; }
static void other_record(struct seal_place *p) { p->record--; }
static void far_record(struct seal_place *p) { p->record ^= 1ull << 63; }
static void other_version(struct seal_place *p) { p->version++; }
static void other_kind(struct seal_place *p) { p->kind = 4; }
static void other_name(struct seal_place *p) { p->name = view_of("storf"); }
static void longer_name(struct seal_place *p) { p->name = view_of("store1"); }
static void shorter_name(struct seal_place *p) { p->name = view_of("stor"); }
static void no_name(struct seal_place *p) { p->name = view_of(""); }
static void swapped(struct seal_place *p)
{
	uint64_t t = p->workspace;

	p->workspace = p->record;
	p->record = t;
}

static void (*const moves[])(struct seal_place *) = { other_vault, other_table,
	other_workspace, far_workspace, other_record, far_record,
	other_version, other_kind, other_name, longer_name, shorter_name,
	no_name, swapped };

START_TEST(a_row_that_is_moved_does_not_open)
{
	struct view row = seal(100);

	for (size_t i = 0; i < COUNT(moves); i++) {
		struct seal_place elsewhere = home;

		moves[i](&elsewhere);
		ck_assert_msg(refused(key, &elsewhere, row), "move %zu", i);
		/* And one that was sealed there does not open here. */
		seal_close(sealed, key, 7, &elsewhere,
		    (struct view){ plain, 100 }, NULL);
		ck_assert_msg(refused(key, &home, row), "move %zu", i);
		(void)seal(100);
	}
	assert_opens(row, 100);
}
END_TEST

START_TEST(another_key_does_not_open_it)
{
	struct view row = seal(100);

	for (size_t bit = 0; bit < 8 * KEY_LEN; bit++) {
		uint8_t other[KEY_LEN];

		memcpy(other, key, sizeof(other));
		other[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_msg(refused(other, &home, row), "bit %zu", bit);
	}
}
END_TEST

START_TEST(a_row_that_is_cut_or_longer_does_not_open)
{
	struct view row = seal(200);

	for (size_t n = 0; n < row.len; n++)
		ck_assert_msg(refused(key, &home, (struct view){ sealed, n }),
		    "cut at %zu", n);
	sealed[row.len] = 0;
	ck_assert(refused(key, &home, (struct view){ sealed, row.len + 1 }));
	ck_assert(refused(key, &home, (struct view){ NULL, 0 }));
	assert_opens(row, 200);
}
END_TEST

/*
 * A row as seal_close() makes it, but with that padded plaintext.  Only who
 * has the key can make one; it is refused all the same.
 */
static struct view
seal_padded(const uint8_t *padded, size_t n)
{
	const size_t front = SEAL_HEADER + CRYPTO_NONCE_LEN + KEY_LEN;
	static const char ad_hex[] = "0101000000000001"
	    "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf" "04"
	    "0000000000000000" "0000000000000000" "00000000" "00" "00000000";
	uint8_t wide[CRYPTO_WIDE_LEN], ad[64];
	size_t ad_len = sample_hex(ad_hex, ad, sizeof(ad));

	(void)sample_hex(derived, wide, sizeof(wide));
	seal_close(sealed, key, 1, &zero, view_of(""), nonce);
	crypto_aead_seal(sealed + front, wide, nonce,
	    (struct view){ ad, ad_len }, (struct view){ padded, n });
	return (struct view){ sealed, n + SEAL_OVERHEAD };
}

static const struct {
	const char *what;
	uint8_t length[4];
	size_t size, dirty; /* a byte of the padding that is not zero */
	bool blank;	    /* all but the length is zero */
} paddings[] = {
	{ "a length beyond the end", { 0, 0, 0, 61 }, 64, 0, false },
	{ "a length beyond zeros", { 0, 0, 0, 61 }, 64, 0, true },
	{ "the largest length", { 255, 255, 255, 255 }, 64, 0, false },
	{ "padding that is not zero", { 0, 0, 0, 5 }, 64, 9, false },
	{ "the last byte not zero", { 0, 0, 0, 5 }, 64, 63, false },
	{ "more padding than needed", { 0, 0, 0, 5 }, 128, 0, false },
	{ "too little padding", { 0, 0, 0, 5 }, 32, 0, false },
	{ "no padding", { 0, 0, 0, 5 }, 9, 0, false },
	{ "not even a length", { 0, 0, 0, 0 }, 3, 0, false },
};

START_TEST(a_row_that_is_padded_otherwise_is_refused_and_wiped)
{
	uint8_t padded[128] = { 0 };
	struct view row, back;

	memcpy(padded, paddings[_i].length, 4);
	if (!paddings[_i].blank)
		memcpy(padded + 4, "hello", 5);
	if (paddings[_i].dirty != 0)
		padded[paddings[_i].dirty] = 1;
	row = seal_padded(padded, paddings[_i].size);
	ck_assert_msg(refused_after_opening(key, &zero, row, &back), "%s",
	    paddings[_i].what);
}
END_TEST

START_TEST(a_row_padded_rightly_by_hand_opens)
{
	uint8_t padded[64] = { 0, 0, 0, 5, 'h', 'e', 'l', 'l', 'o' };
	struct view row = seal_padded(padded, sizeof(padded)), back;

	ck_assert(seal_open(out, key, &zero, row, &back));
	ck_assert(view_is(back, "hello"));
}
END_TEST

START_TEST(the_key_version_is_read_of_what_looks_like_a_row)
{
	struct view row = seal(5);
	uint32_t version = 0;

	ck_assert(seal_key_version(row, &version));
	ck_assert_uint_eq(version, 7);
	for (size_t n = 0; n <= SEAL_OVERHEAD; n++)
		ck_assert(!seal_key_version((struct view){ sealed, n },
		    &version));
	for (size_t i = 0; i < 4; i++) {
		sealed[i] ^= 2;
		ck_assert(!seal_key_version(row, &version));
		sealed[i] ^= 2;
	}
}
END_TEST

/* What does not fit the associated data would be bound to nothing. */
START_TEST(a_place_whose_name_is_too_long_ends_the_program)
{
	char name[COFRE_SECRET_NAME_MAX + 1];

	memset(name, 'a', sizeof(name));
	home.name = (struct view){ (const uint8_t *)name, sizeof(name) - 1 };
	assert_opens(seal(5), 5);
	home.name.len++;
	(void)seal(5);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("seal");
	TCase *t = tcase_create("seal");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, the_commitment_is_the_known_one);
	tcase_add_test(t, the_body_opens_under_the_known_row_key);
	tcase_add_test(t, a_row_is_sealed_byte_for_byte_as_documented);
	tcase_add_test(t, sizes_are_rounded_up_and_their_boundaries_work);
	tcase_add_test(t, every_length_comes_back);
	tcase_add_test(t, the_same_plaintext_is_never_sealed_twice_alike);
	tcase_add_test(t, every_single_bit_flip_is_detected);
	tcase_add_test(t, a_row_that_is_moved_does_not_open);
	tcase_add_test(t, another_key_does_not_open_it);
	tcase_add_test(t, a_row_that_is_cut_or_longer_does_not_open);
	tcase_add_loop_test(t,
	    a_row_that_is_padded_otherwise_is_refused_and_wiped, 0,
	    (int)COUNT(paddings));
	tcase_add_test(t, a_row_padded_rightly_by_hand_opens);
	tcase_add_test(t, the_key_version_is_read_of_what_looks_like_a_row);
	tcase_add_test_raise_signal(t,
	    a_place_whose_name_is_too_long_ends_the_program, SIGABRT);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
