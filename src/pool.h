/*
 * pool: buffers for what is on its way, in locked memory.
 *
 * The pool is one area cut into chunks of 4 KiB; a chain is a queue of bytes
 * in chunks.  A chunk is wiped when it goes back.  When the pool is empty,
 * nothing breaks: whoever wanted a chunk waits.
 */
#ifndef COFRE_POOL_H
#define COFRE_POOL_H

#include <sys/uio.h>

#include "secmem.h"
#include "wire.h"

#define CHUNK_DATA 4080u

struct chunk {
	struct chunk *next;
	uint16_t start; /* data[start .. end) is in use */
	uint16_t end;
	uint8_t data[CHUNK_DATA];
};

struct pool {
	struct secmem memory;
	struct chunk *unused;
	size_t count; /* chunks in all */
	size_t left;
	size_t fresh; /* chunks never used yet stand at the end */
};

struct chain {
	struct chunk *head, *tail;
	size_t size;   /* bytes */
	size_t chunks;
};

/* Make a pool of about size bytes; false, with errno, without memory. */
bool pool_init(struct pool *p, size_t size);
void pool_free(struct pool *p);

/* True when n more bytes fit into the chain. */
bool chain_fits(const struct pool *p, const struct chain *c, size_t n);

/* Append bytes; they must fit. */
void chain_append(struct pool *p, struct chain *c, struct view v);

/* Take n bytes off the front. */
void chain_consume(struct pool *p, struct chain *c, size_t n);

/* Cut the chain to its first n bytes. */
void chain_truncate(struct pool *p, struct chain *c, size_t n);

/* Copy the first n bytes out; n is at most the size. */
void chain_copy(const struct chain *c, uint8_t *to, size_t n);

/* Describe the front of the chain for writev(2); returns the count. */
int chain_iov(const struct chain *c, struct iovec *iov, int max);

#endif
