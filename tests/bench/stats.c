#include "stats.h"

#include <stdlib.h>
#include <time.h>

uint64_t
stats_clock(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int
compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int
compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void
stats_sort(uint32_t *v, size_t n)
{
	if (n > 1)
		qsort(v, n, sizeof(*v), compare_u32);
}

/* The index that the part q of n values lies below. */
static size_t
place(size_t n, double q)
{
	size_t at = (size_t)(q * (double)n);

	return at < n ? at : n - 1;
}

uint32_t
stats_quantile(const uint32_t *v, size_t n, double q)
{
	return n == 0 ? 0 : v[place(n, q)];
}

struct summary
stats_summary(double *v, size_t n)
{
	struct summary s = { .count = n };

	if (n == 0)
		return s;
	qsort(v, n, sizeof(*v), compare_double);
	s.low = v[place(n, 0.1)];
	s.high = v[place(n, 0.9)];
	s.middle = n % 2 == 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
	return s;
}

uint32_t
stats_random(uint64_t *state, uint32_t n)
{
	/* xorshift64*: plenty for an order. */
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (uint32_t)((*state * 0x2545f4914f6cdd1du >> 32) % n);
}

void
stats_shuffle(uint64_t *state, unsigned *v, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = stats_random(state, (uint32_t)i);
		unsigned t = v[i - 1];

		v[i - 1] = v[j];
		v[j] = t;
	}
}

unsigned *
stats_order(size_t n)
{
	unsigned *v = calloc(n + 1, sizeof(*v));
	uint64_t state = 20260101;

	for (size_t i = 0; v != NULL && i < n; i++)
		v[i] = (unsigned)i;
	if (v != NULL)
		stats_shuffle(&state, v, n);
	return v;
}
