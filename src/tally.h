/*
 * tally: what all rows of the store add up to.  Pure.
 *
 * Each row, its key and its value, is hashed with a key, and the hashes are
 * added modulo 2^256 (the additive multiset hash of Clarke, Devadas, van
 * Dijk, Gassend and Suh, ASIACRYPT 2003).  A row more, a row less or another
 * one gives another sum, whatever the order, and one row's change costs one
 * addition.  The sum is kept sealed: nobody outside can aim at it.
 */
#ifndef COFRE_TALLY_H
#define COFRE_TALLY_H

#include "crypto.h"

struct tally {
	uint64_t rows;
	uint64_t word[4]; /* least significant first */
};

/* Add a row, or take one away that was added. */
void tally_add(struct tally *t, const uint8_t key[KEY_LEN],
    struct view row_key, struct view row_value);
void tally_remove(struct tally *t, const uint8_t key[KEY_LEN],
    struct view row_key, struct view row_value);

/* The sum as 32 bytes, big-endian, and back. */
void tally_encode(const struct tally *t, uint8_t sum[32]);
void tally_decode(struct tally *t, uint64_t rows, const uint8_t sum[32]);

/* True when both are of the same rows. */
bool tally_equal(const struct tally *a, const struct tally *b);

#endif
