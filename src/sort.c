#include "sort.h"

#include <stdint.h>

/* A heap: no item is before either of its two children. */
struct heap {
	uint8_t *base;
	size_t size;
	int (*compare)(const void *, const void *);
};

static uint8_t *
at(const struct heap *h, size_t i)
{
	return h->base + i * h->size;
}

static void
swap(const struct heap *h, size_t i, size_t j)
{
	uint8_t *a = at(h, i), *b = at(h, j);

	for (size_t n = 0; n < h->size; n++) {
		uint8_t t = a[n];

		a[n] = b[n];
		b[n] = t;
	}
}

/* Let the i-th of count items sink to where it belongs. */
static void
sink(const struct heap *h, size_t i, size_t count)
{
	size_t child;

	while ((child = 2 * i + 1) < count) {
		if (child + 1 < count &&
		    h->compare(at(h, child), at(h, child + 1)) < 0)
			child++;
		if (h->compare(at(h, i), at(h, child)) >= 0)
			return;
		swap(h, i, child);
		i = child;
	}
}

void
sort(void *base, size_t count, size_t size,
    int (*compare)(const void *, const void *))
{
	const struct heap h = { base, size, compare };

	for (size_t i = count / 2; i > 0; i--)
		sink(&h, i - 1, count);
	for (size_t left = count; left > 1; left--) {
		swap(&h, 0, left - 1);
		sink(&h, 0, left - 1);
	}
}
