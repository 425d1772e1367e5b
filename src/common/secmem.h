/*
 * secmem: memory for secrets.
 *
 * An area lies between two pages that fault when touched, is left out of
 * core dumps, and is not inherited by a child process.  It is made once and
 * cut up by its owner: nothing here runs per request.
 */
#ifndef COFRE_SECMEM_H
#define COFRE_SECMEM_H

#include <stdbool.h>
#include <stddef.h>

enum secmem_kind {
	SECMEM_NONE = 0,
	SECMEM_SECRET, /* memfd_secret(2): not even root reads it from /proc */
	SECMEM_LOCKED, /* mlock(2): not in swap */
	SECMEM_PLAIN,  /* neither could be had */
};

struct secmem {
	void *base; /* page aligned; zero at first */
	size_t size;
	enum secmem_kind kind;
	bool on_fault;
	void *map;
	size_t map_size;
};

/*
 * Make an area of at least size bytes of the best kind that the kernel
 * gives.  want_secret asks for memfd_secret first; on_fault locks pages as
 * they are first touched, for an area that may stay mostly empty.  Returns
 * false, with errno, only when there is no memory at all: whoever does not
 * want a weaker kind looks at m->kind.
 */
bool secmem_init(struct secmem *m, size_t size, bool want_secret,
    bool on_fault);

/*
 * Wipe and give back.  Nothing happens to an area that was never made.  One
 * that was made with on_fault is not wiped here, since that would touch all
 * of its pages: its owner wipes what it has used.
 */
void secmem_free(struct secmem *m);

/* "memfd_secret", "locked", "unlocked" or "none". */
const char *secmem_kind_name(enum secmem_kind kind);

/*
 * Zero the vector registers: copying and ciphers leave secrets in them, and a
 * debugger reads them as well as memory.  Does nothing on machines other
 * than x86-64.
 */
void secmem_wipe_registers(void);

/*
 * Zero the stack below the caller, as far as calls from an event loop go
 * down: what libraries left there of keys and secrets.
 */
void secmem_wipe_stack(void);

/* Overwrite with zeros in a way that the compiler may not leave out. */
void secmem_wipe(void *p, size_t n);

#endif
