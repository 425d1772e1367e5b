/*
 * rawrows: the rows of a store, read and written past cofre, by LMDB itself:
 * what somebody can do who has the file and a program for it.
 */
#ifndef TESTS_TAMPER_RAWROWS_H
#define TESTS_TAMPER_RAWROWS_H

#include <stddef.h>
#include <stdint.h>

#define ROWS_MAX 512u

struct rawrow {
	uint8_t *key, *value;
	size_t key_len, value_len;
};

struct rawrows {
	struct rawrow rows[ROWS_MAX]; /* in the order of keys */
	size_t count;
};

/* Read them, from the file at path. */
void rawrows_load(struct rawrows *r, const char *path);

/* The row with that key, or -1. */
int rawrows_find(const struct rawrows *r, const struct rawrow *key);

/* One change of a file: put what put says under its key; delete what gone
   has the key of.  Both can be NULL. */
void rawrows_change(const char *path, const struct rawrow *put,
    const struct rawrow *also, const struct rawrow *gone);

#endif
