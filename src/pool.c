#include "pool.h"

#include <string.h>

_Static_assert(sizeof(struct chunk) <= 4096, "a chunk is a page");

bool
pool_init(struct pool *p, size_t size)
{
	memset(p, 0, sizeof(*p));
	if (!secmem_init(&p->memory, size, false, true))
		return false;
	p->count = p->left = p->memory.size / sizeof(struct chunk);
	return true;
}

void
pool_free(struct pool *p)
{
	secmem_free(&p->memory);
	memset(p, 0, sizeof(*p));
}

/* Chunks that were used come first, so that few pages are ever touched. */
static struct chunk *
take(struct pool *p)
{
	struct chunk *c = p->unused;

	p->left--;
	if (c != NULL)
		p->unused = c->next;
	else
		c = (struct chunk *)p->memory.base + p->fresh++;
	c->next = NULL;
	c->start = c->end = 0;
	return c;
}

static void
give(struct pool *p, struct chunk *c)
{
	secmem_wipe(c->data, c->end);
	c->next = p->unused;
	p->unused = c;
	p->left++;
}

bool
chain_fits(const struct pool *p, const struct chain *c, size_t n)
{
	size_t room = p->left * CHUNK_DATA;

	if (c->tail != NULL)
		room += CHUNK_DATA - c->tail->end;
	return n <= room;
}

void
chain_append(struct pool *p, struct chain *c, struct view v)
{
	while (v.len > 0) {
		size_t n;

		if (c->tail == NULL || c->tail->end == CHUNK_DATA) {
			struct chunk *fresh = take(p);

			if (c->tail == NULL)
				c->head = fresh;
			else
				c->tail->next = fresh;
			c->tail = fresh;
			c->chunks++;
		}
		n = CHUNK_DATA - c->tail->end;
		if (n > v.len)
			n = v.len;
		memcpy(c->tail->data + c->tail->end, v.data, n);
		c->tail->end = (uint16_t)(c->tail->end + n);
		c->size += n;
		v.data += n;
		v.len -= n;
	}
}

void
chain_consume(struct pool *p, struct chain *c, size_t n)
{
	while (n > 0) {
		struct chunk *first = c->head;
		size_t have = (size_t)(first->end - first->start);

		if (n < have) {
			first->start = (uint16_t)(first->start + n);
			c->size -= n;
			return;
		}
		n -= have;
		c->size -= have;
		c->chunks--;
		c->head = first->next;
		if (c->head == NULL)
			c->tail = NULL;
		give(p, first);
	}
}

void
chain_truncate(struct pool *p, struct chain *c, size_t n)
{
	struct chunk *at = c->head, *rest;
	size_t seen = 0, have;

	if (n == 0) {
		chain_consume(p, c, c->size);
		return;
	}
	while (seen + (have = (size_t)(at->end - at->start)) < n) {
		seen += have;
		at = at->next;
	}
	secmem_wipe(at->data + at->start + (n - seen), have - (n - seen));
	at->end = (uint16_t)(at->start + (n - seen));
	for (rest = at->next; rest != NULL;) {
		struct chunk *next = rest->next;

		c->chunks--;
		give(p, rest);
		rest = next;
	}
	at->next = NULL;
	c->tail = at;
	c->size = n;
}

void
chain_copy(const struct chain *c, uint8_t *to, size_t n)
{
	for (const struct chunk *at = c->head; n > 0; at = at->next) {
		size_t have = (size_t)(at->end - at->start);

		if (have > n)
			have = n;
		memcpy(to, at->data + at->start, have);
		to += have;
		n -= have;
	}
}

int
chain_iov(const struct chain *c, struct iovec *iov, int max)
{
	int n = 0;

	for (struct chunk *at = c->head; at != NULL && n < max;
	    at = at->next, n++)
		iov[n] = (struct iovec){ at->data + at->start,
			(size_t)(at->end - at->start) };
	return n;
}
