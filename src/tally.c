#include "tally.h"

#include <string.h>

static void
hash_row(uint64_t word[4], const uint8_t *key, struct view row_key,
    struct view row_value)
{
	uint8_t hash[32], length[1] = { (uint8_t)row_key.len };
	struct view parts[] = { { length, 1 }, row_key, row_value };
	struct wire_reader r;

	crypto_blake2b(hash, sizeof(hash), key, parts, 3);
	wire_reader_init(&r, (struct view){ hash, sizeof(hash) });
	for (int i = 3; i >= 0; i--)
		word[i] = wire_get_u64(&r);
}

static void
add(uint64_t sum[4], const uint64_t term[4], uint64_t carry)
{
	for (int i = 0; i < 4; i++) {
		uint64_t t = sum[i] + carry;

		carry = t < carry;
		sum[i] = t + term[i];
		carry += sum[i] < t;
	}
}

void
tally_add(struct tally *t, const uint8_t key[KEY_LEN], struct view row_key,
    struct view row_value)
{
	uint64_t word[4];

	hash_row(word, key, row_key, row_value);
	add(t->word, word, 0);
	t->rows++;
}

void
tally_remove(struct tally *t, const uint8_t key[KEY_LEN],
    struct view row_key, struct view row_value)
{
	uint64_t word[4];

	hash_row(word, key, row_key, row_value);
	/* Two's complement: a - b is a + ~b + 1. */
	for (int i = 0; i < 4; i++)
		word[i] = ~word[i];
	add(t->word, word, 1);
	t->rows--;
}

void
tally_encode(const struct tally *t, uint8_t sum[32])
{
	struct wire_writer w;

	wire_writer_init(&w, sum, 32);
	for (int i = 3; i >= 0; i--)
		wire_put_u64(&w, t->word[i]);
}

void
tally_decode(struct tally *t, uint64_t rows, const uint8_t sum[32])
{
	struct wire_reader r;

	t->rows = rows;
	wire_reader_init(&r, (struct view){ sum, 32 });
	for (int i = 3; i >= 0; i--)
		t->word[i] = wire_get_u64(&r);
}

bool
tally_equal(const struct tally *a, const struct tally *b)
{
	return a->rows == b->rows &&
	    crypto_equal(a->word, b->word, sizeof(a->word));
}
