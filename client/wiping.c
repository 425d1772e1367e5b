#include "wiping.h"

#include <stdint.h>
#include <stdlib.h>

#include "secmem.h"

/* A piece of memory, with its size before it. */
union head {
	size_t size;
	max_align_t align;
};

void *
wiping_malloc(size_t size)
{
	union head *h;

	if (size > SIZE_MAX - sizeof(*h) ||
	    (h = malloc(sizeof(*h) + size)) == NULL)
		return NULL;
	h->size = size;
	return h + 1;
}

void
wiping_free(void *p)
{
	union head *h = p;

	if (h == NULL)
		return;
	h--;
	secmem_wipe(h, sizeof(*h) + h->size);
	free(h);
}
