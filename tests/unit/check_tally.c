#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "tally.h"

static uint8_t key[KEY_LEN];

static void
setup(void)
{
	ck_assert(crypto_init());
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
}

static void
add(struct tally *t, const char *k, const char *v)
{
	tally_add(t, key, view_of(k), view_of(v));
}

static void
take(struct tally *t, const char *k, const char *v)
{
	tally_remove(t, key, view_of(k), view_of(v));
}

/* Made by another program: the sum of two keyed BLAKE2b-256 hashes. */
START_TEST(the_sum_is_the_known_one)
{
	struct tally t = { 0 };
	uint8_t sum[32];

	add(&t, "a", "one");
	tally_encode(&t, sum);
	sample_assert_hex((struct view){ sum, 32 },
	    "784a1f0c3bab2987a7ef64841ebd34318ec5a0bfc8d12d917cc9f4cad936e1d3"
	    );
	add(&t, "b", "two");
	tally_encode(&t, sum);
	sample_assert_hex((struct view){ sum, 32 },
	    "33836cfb3b9895c2e007da2198036c25ca459a3245f07c25723d8242d00de3fb"
	    );
	ck_assert_uint_eq(t.rows, 2);
}
END_TEST

START_TEST(the_order_does_not_matter)
{
	static const char *const rows[] = { "a", "b", "c", "d" };
	struct tally first = { 0 };

	for (size_t i = 0; i < 4; i++)
		add(&first, rows[i], rows[3 - i]);
	/* Every permutation of four. */
	for (size_t p = 0; p < 256; p++) {
		size_t at[] = { p & 3, p >> 2 & 3, p >> 4 & 3, p >> 6 };
		struct tally t = { 0 };
		unsigned seen = 0;

		for (size_t i = 0; i < 4; i++) {
			seen |= 1u << at[i];
			add(&t, rows[at[i]], rows[3 - at[i]]);
		}
		ck_assert(tally_equal(&t, &first) == (seen == 15));
	}
}
END_TEST

START_TEST(removing_undoes_adding)
{
	uint64_t state = sample_seed("removing_undoes_adding");
	struct tally t = { 0 }, none = { 0 }, half;
	uint8_t k[200][8], v[200][40];

	for (size_t i = 0; i < COUNT(k); i++) {
		for (size_t j = 0; j < sizeof(k[i]); j++)
			k[i][j] = (uint8_t)sample_next(&state);
		for (size_t j = 0; j < sizeof(v[i]); j++)
			v[i][j] = (uint8_t)sample_next(&state);
		if (i == 100)
			half = t;
		tally_add(&t, key, (struct view){ k[i], 8 },
		    (struct view){ v[i], 40 });
	}
	ck_assert_uint_eq(t.rows, 200);
	for (size_t i = 100; i < 200; i++)
		tally_remove(&t, key, (struct view){ k[i], 8 },
		    (struct view){ v[i], 40 });
	ck_assert(tally_equal(&t, &half));
	for (size_t i = 0; i < 100; i++)
		tally_remove(&t, key, (struct view){ k[i], 8 },
		    (struct view){ v[i], 40 });
	ck_assert(tally_equal(&t, &none));
}
END_TEST

START_TEST(a_row_may_be_removed_before_it_is_added)
{
	struct tally t = { 0 }, none = { 0 };

	take(&t, "a", "1");
	ck_assert(!tally_equal(&t, &none));
	add(&t, "a", "1");
	ck_assert(tally_equal(&t, &none));
}
END_TEST

START_TEST(any_bit_of_key_or_value_changes_the_sum)
{
	uint8_t row[13] = "key:value row";
	const struct view k = { row, 4 }, v = { row + 4, 9 };
	struct tally before = { 0 };

	tally_add(&before, key, k, v);
	for (size_t bit = 0; bit < 8 * sizeof(row); bit++) {
		struct tally t = { 0 };

		row[bit / 8] ^= (uint8_t)(1u << bit % 8);
		tally_add(&t, key, k, v);
		ck_assert_msg(!tally_equal(&t, &before), "bit %zu", bit);
		ck_assert_int_ne(memcmp(t.word, before.word,
		    sizeof(t.word)), 0);
		row[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}
END_TEST

START_TEST(any_bit_of_the_tally_key_changes_the_sum)
{
	struct tally before = { 0 };

	add(&before, "a", "1");
	for (size_t bit = 0; bit < 8 * KEY_LEN; bit++) {
		struct tally t = { 0 };

		key[bit / 8] ^= (uint8_t)(1u << bit % 8);
		add(&t, "a", "1");
		ck_assert(!tally_equal(&t, &before));
		key[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}
END_TEST

START_TEST(values_swapped_between_two_keys_are_noticed)
{
	struct tally t = { 0 }, swapped = { 0 };

	add(&t, "a", "1");
	add(&t, "b", "2");
	add(&swapped, "a", "2");
	add(&swapped, "b", "1");
	ck_assert_uint_eq(t.rows, swapped.rows);
	ck_assert(!tally_equal(&t, &swapped));
}
END_TEST

START_TEST(a_byte_moved_from_the_value_to_the_key_is_noticed)
{
	struct tally t = { 0 }, moved = { 0 }, empty = { 0 };

	add(&t, "ab", "c");
	add(&moved, "abc", "");
	ck_assert(!tally_equal(&t, &moved));
	add(&empty, "", "abc");
	ck_assert(!tally_equal(&t, &empty));
	ck_assert(!tally_equal(&moved, &empty));
}
END_TEST

START_TEST(a_row_that_is_there_twice_is_noticed)
{
	struct tally once = { 0 }, twice = { 0 };

	add(&once, "a", "1");
	add(&twice, "a", "1");
	add(&twice, "a", "1");
	ck_assert(!tally_equal(&once, &twice));
	ck_assert_int_ne(memcmp(once.word, twice.word, sizeof(once.word)),
	    0);
}
END_TEST

/* Sums at the edges of 64 and 256 bits, where a carry goes wrong. */
static const char *const edges[] = {
	"0000000000000000000000000000000000000000000000000000000000000000",
	"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	"000000000000000000000000000000000000000000000000ffffffffffffffff",
	"00000000000000000000000000000000ffffffffffffffffffffffffffffffff",
	"0000000000000000ffffffffffffffffffffffffffffffffffffffffffffffff",
	"ffffffffffffffff000000000000000000000000000000000000000000000000",
	"8000000000000000000000000000000000000000000000000000000000000000",
	"0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
};

/* a + b, or a - b, as a child does it on paper, byte by byte. */
static void
on_paper(uint8_t a[32], const uint8_t b[32], bool minus)
{
	int carry = 0;

	for (int i = 31; i >= 0; i--) {
		int digit = minus ? a[i] - b[i] + carry : a[i] + b[i] + carry;

		carry = digit < 0 ? -1 : digit >> 8;
		a[i] = (uint8_t)digit;
	}
}

START_TEST(carries_go_through_all_words)
{
	uint8_t one[32], sum[32], want[32];
	struct tally t = { 0 };

	add(&t, "a", "one");
	tally_encode(&t, one);
	(void)sample_hex(edges[_i], want, sizeof(want));
	tally_decode(&t, 5, want);
	add(&t, "a", "one");
	tally_encode(&t, sum);
	on_paper(want, one, false);
	ck_assert_mem_eq(sum, want, 32);
	ck_assert_uint_eq(t.rows, 6);

	(void)sample_hex(edges[_i], want, sizeof(want));
	tally_decode(&t, 5, want);
	take(&t, "a", "one");
	tally_encode(&t, sum);
	on_paper(want, one, true);
	ck_assert_mem_eq(sum, want, 32);
	ck_assert_uint_eq(t.rows, 4);
}
END_TEST

START_TEST(an_encoded_sum_is_big_endian_and_comes_back)
{
	struct tally t = { 0 };
	uint8_t sum[32], again[32];

	(void)sample_hex(edges[7], sum, sizeof(sum));
	tally_decode(&t, 99, sum);
	ck_assert_uint_eq(t.rows, 99);
	ck_assert_uint_eq(t.word[3], 0x0102030405060708);
	ck_assert_uint_eq(t.word[0], 0x191a1b1c1d1e1f20);
	tally_encode(&t, again);
	ck_assert_mem_eq(sum, again, 32);
}
END_TEST

START_TEST(equal_means_the_count_and_every_bit_of_the_sum)
{
	struct tally a = { 0 }, b;

	add(&a, "a", "1");
	b = a;
	ck_assert(tally_equal(&a, &b));
	b.rows++;
	ck_assert(!tally_equal(&a, &b));
	for (size_t bit = 0; bit < 256; bit++) {
		b = a;
		b.word[bit / 64] ^= (uint64_t)1 << bit % 64;
		ck_assert(!tally_equal(&a, &b));
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tally");
	TCase *t = tcase_create("tally");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, the_sum_is_the_known_one);
	tcase_add_test(t, the_order_does_not_matter);
	tcase_add_test(t, removing_undoes_adding);
	tcase_add_test(t, a_row_may_be_removed_before_it_is_added);
	tcase_add_test(t, any_bit_of_key_or_value_changes_the_sum);
	tcase_add_test(t, any_bit_of_the_tally_key_changes_the_sum);
	tcase_add_test(t, values_swapped_between_two_keys_are_noticed);
	tcase_add_test(t, a_byte_moved_from_the_value_to_the_key_is_noticed);
	tcase_add_test(t, a_row_that_is_there_twice_is_noticed);
	tcase_add_loop_test(t, carries_go_through_all_words, 0,
	    (int)COUNT(edges));
	tcase_add_test(t, an_encoded_sum_is_big_endian_and_comes_back);
	tcase_add_test(t, equal_means_the_count_and_every_bit_of_the_sum);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
