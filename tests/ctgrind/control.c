/*
 * control: code that must not be: for each way in which time can depend on a
 * secret a function that does so, and one that does not.  What ctgrind finds
 * in the one and not in the other it would find in cofre.
 *
 *	control branch | index | memcmp | none
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>

#define LEN 32u

/* It ends with the first byte that differs. */
__attribute__((noinline)) static bool
control_branch(const uint8_t *a, const uint8_t *b)
{
	for (unsigned i = 0; i < LEN; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

/* A table's line is in the cache afterwards, or not. */
__attribute__((noinline)) static char
control_index(const uint8_t *a)
{
	static const volatile char digits[] = "0123456789abcdef";

	return digits[a[0] >> 4];
}

__attribute__((noinline)) static bool
control_memcmp(const uint8_t *a, const uint8_t *b)
{
	/* Of a length that no compiler knows, so that it is called. */
	static volatile const size_t len = LEN;

	return memcmp(a, b, len) == 0;
}

/* What it gives is no secret; how it gets there does not depend on one. */
__attribute__((noinline)) static bool
control_none(const uint8_t *a, const uint8_t *b)
{
	uint8_t differs = 0;

	for (unsigned i = 0; i < LEN; i++)
		differs |= a[i] ^ b[i];
	(void)VALGRIND_MAKE_MEM_DEFINED(&differs, sizeof(differs));
	return differs == 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";
	uint8_t secret[LEN], guess[LEN];
	volatile char seen = 0;

	memset(secret, 7, sizeof(secret));
	memset(guess, 7, sizeof(guess));
	(void)VALGRIND_MAKE_MEM_UNDEFINED(secret, sizeof(secret));
	if (strcmp(what, "branch") == 0)
		seen = control_branch(secret, guess);
	else if (strcmp(what, "index") == 0)
		seen = control_index(secret);
	else if (strcmp(what, "memcmp") == 0)
		seen = control_memcmp(secret, guess);
	else if (strcmp(what, "none") == 0)
		seen = control_none(secret, guess);
	else
		return EXIT_FAILURE;
	(void)VALGRIND_MAKE_MEM_DEFINED((void *)(uintptr_t)&seen,
	    sizeof(seen));
	return EXIT_SUCCESS;
}
