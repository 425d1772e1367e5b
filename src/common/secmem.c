#include "secmem.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif

/*
 * Put secret memory at place.  The descriptor is closed as soon as it is
 * mapped: while it is open, root can get it with pidfd_getfd(2) and map it.
 */
static bool
map_secret(void *place, size_t size)
{
	int fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	void *p;

	if (fd == -1)
		return false;
	if (ftruncate(fd, (off_t)size) == -1) {
		(void)close(fd);
		return false;
	}
	p = mmap(place, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
	    fd, 0);
	(void)close(fd);
	if (p == MAP_FAILED)
		return false;
	/* The first touch is what the memlock limit is charged at. */
	memset(p, 0, size);
	return true;
}

static enum secmem_kind
map_locked(void *place, size_t size, bool on_fault)
{
	if (mmap(place, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return SECMEM_NONE;
	(void)madvise(place, size, MADV_DONTDUMP);
	if (on_fault && syscall(SYS_mlock2, place, size, MLOCK_ONFAULT) == 0)
		return SECMEM_LOCKED;
	return mlock(place, size) == 0 ? SECMEM_LOCKED : SECMEM_PLAIN;
}

bool
secmem_init(struct secmem *m, size_t size, bool want_secret, bool on_fault)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t inner = (size + page - 1) / page * page;
	size_t whole = inner + 2 * page;
	char *map;

	memset(m, 0, sizeof(*m));
	map = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return false;
	if (want_secret && map_secret(map + page, inner))
		m->kind = SECMEM_SECRET;
	else
		m->kind = map_locked(map + page, inner, on_fault);
	if (m->kind == SECMEM_NONE) {
		(void)munmap(map, whole);
		return false;
	}
	(void)madvise(map + page, inner, MADV_DONTFORK);
	m->on_fault = on_fault;
	m->map = map;
	m->map_size = whole;
	m->base = map + page;
	m->size = inner;
	return true;
}

void
secmem_free(struct secmem *m)
{
	if (m->map == NULL)
		return;
	if (!m->on_fault)
		secmem_wipe(m->base, m->size);
	(void)munmap(m->map, m->map_size);
	memset(m, 0, sizeof(*m));
}

const char *
secmem_kind_name(enum secmem_kind kind)
{
	switch (kind) {
	case SECMEM_SECRET:
		return "memfd_secret";
	case SECMEM_LOCKED:
		return "locked";
	case SECMEM_PLAIN:
		return "unlocked";
	case SECMEM_NONE:
		break;
	}
	return "none";
}

void
secmem_wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}

#define STACK_DEPTH (24u * 1024)

/* Not zeroed twice where the compiler zeroes every variable. */
#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define AS_IT_IS __attribute__((uninitialized))
#endif
#endif
#ifndef AS_IT_IS
#define AS_IT_IS
#endif

__attribute__((noinline)) void
secmem_wipe_stack(void)
{
	uint8_t below[STACK_DEPTH] AS_IT_IS;

	explicit_bzero(below, sizeof(below));
}

#ifdef __x86_64__
void
secmem_wipe_registers(void)
{
	if (__builtin_cpu_supports("avx512f"))
		__asm__ volatile("vpxord %%zmm16, %%zmm16, %%zmm16\n\t"
				 "vmovdqa64 %%zmm16, %%zmm17\n\t"
				 "vmovdqa64 %%zmm16, %%zmm18\n\t"
				 "vmovdqa64 %%zmm16, %%zmm19\n\t"
				 "vmovdqa64 %%zmm16, %%zmm20\n\t"
				 "vmovdqa64 %%zmm16, %%zmm21\n\t"
				 "vmovdqa64 %%zmm16, %%zmm22\n\t"
				 "vmovdqa64 %%zmm16, %%zmm23\n\t"
				 "vmovdqa64 %%zmm16, %%zmm24\n\t"
				 "vmovdqa64 %%zmm16, %%zmm25\n\t"
				 "vmovdqa64 %%zmm16, %%zmm26\n\t"
				 "vmovdqa64 %%zmm16, %%zmm27\n\t"
				 "vmovdqa64 %%zmm16, %%zmm28\n\t"
				 "vmovdqa64 %%zmm16, %%zmm29\n\t"
				 "vmovdqa64 %%zmm16, %%zmm30\n\t"
				 "vmovdqa64 %%zmm16, %%zmm31" ::: "memory");
	if (__builtin_cpu_supports("avx"))
		__asm__ volatile("vzeroall" ::: "xmm0", "xmm1", "xmm2",
		    "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
		    "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
	else
		__asm__ volatile("pxor %%xmm0, %%xmm0\n\t"
				 "pxor %%xmm1, %%xmm1\n\t"
				 "pxor %%xmm2, %%xmm2\n\t"
				 "pxor %%xmm3, %%xmm3\n\t"
				 "pxor %%xmm4, %%xmm4\n\t"
				 "pxor %%xmm5, %%xmm5\n\t"
				 "pxor %%xmm6, %%xmm6\n\t"
				 "pxor %%xmm7, %%xmm7\n\t"
				 "pxor %%xmm8, %%xmm8\n\t"
				 "pxor %%xmm9, %%xmm9\n\t"
				 "pxor %%xmm10, %%xmm10\n\t"
				 "pxor %%xmm11, %%xmm11\n\t"
				 "pxor %%xmm12, %%xmm12\n\t"
				 "pxor %%xmm13, %%xmm13\n\t"
				 "pxor %%xmm14, %%xmm14\n\t"
				 "pxor %%xmm15, %%xmm15" :::
		    "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
		    "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
		    "xmm13", "xmm14", "xmm15");
}
#else
void
secmem_wipe_registers(void)
{
}
#endif
