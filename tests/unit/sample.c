#include "sample.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static unsigned
digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = strchr(digits, c);

	ck_assert_msg(at != NULL && c != '\0', "'%c' is no digit", c);
	return (unsigned)(at - digits);
}

size_t
sample_hex(const char *hex, uint8_t *out, size_t size)
{
	size_t n = strlen(hex) / 2;

	ck_assert_uint_eq(strlen(hex) % 2, 0);
	ck_assert_uint_le(n, size);
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(digit(hex[2 * i]) << 4 |
		    digit(hex[2 * i + 1]));
	return n;
}

void
sample_assert_hex(struct view v, const char *hex)
{
	uint8_t want[1024];
	size_t n = sample_hex(hex, want, sizeof(want));

	ck_assert_uint_eq(v.len, n);
	ck_assert_mem_eq(v.data, want, n);
}

uint64_t
sample_seed(const char *test)
{
	const char *text = getenv("COFRE_TEST_SEED");
	struct timespec ts;
	uint64_t seed;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	seed = text != NULL ? strtoull(text, NULL, 0) :
	    (uint64_t)ts.tv_sec << 30 ^ (uint64_t)ts.tv_nsec;
	(void)printf("%s: COFRE_TEST_SEED=%llu\n", test,
	    (unsigned long long)seed);
	(void)fflush(stdout);
	return seed;
}

uint32_t
sample_next(uint64_t *state)
{
	uint64_t z;

	/* A counter, mixed: any seed will do, 0 too. */
	*state += 0x9e3779b97f4a7c15u;
	z = *state;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (uint32_t)(z >> 32 ^ z);
}

uint32_t
sample_below(uint64_t *state, uint32_t n)
{
	return sample_next(state) % n;
}
