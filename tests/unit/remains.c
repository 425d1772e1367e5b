#include "remains.h"

#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define STACK (1024u * 1024u)
#define PAD (64u * 1024u)

/* Asked by AddressSanitizer: frames are to be on the stack, not elsewhere. */
const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "detect_stack_use_after_return=0";
}

static void *stack;
static void (*called)(void);

/* It is called so far down that the end of the thread, which runs on the same
   stack, overwrites nothing of it. */
__attribute__((no_sanitize("address"))) static void *
far_down(void *unused)
{
	volatile uint8_t pad[PAD];

	pad[0] = pad[PAD - 1] = 0;
	called();
	return pad[0] != 0 ? unused : NULL;
}

void
remains_after(void (*run)(void))
{
	pthread_attr_t attr;
	pthread_t thread;

	if (stack != NULL)
		ck_assert_int_eq(munmap(stack, STACK), 0);
	stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert(stack != MAP_FAILED);
	called = run;
	ck_assert_int_eq(pthread_attr_init(&attr), 0);
	ck_assert_int_eq(pthread_attr_setstack(&attr, stack, STACK), 0);
	ck_assert_int_eq(pthread_create(&thread, &attr, far_down, NULL), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(pthread_attr_destroy(&attr), 0);
}

/* The kernel reads it: for a sanitizer, and for valgrind, there is nothing
   in a dead frame. */
bool
remains_at(const void *place, const void *what, size_t n)
{
	static const uint8_t zeros[8];
	const uint8_t *bytes = what;
	uint8_t there[8];
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	bool any = false;

	ck_assert_int_ne(fd, -1);
	ck_assert_ptr_nonnull(place);
	for (size_t i = 0; i < n; i += 8) {
		ck_assert_int_eq(pread(fd, there, 8,
		    (off_t)((uintptr_t)place + i)), 8);
		any |= memcmp(bytes + i, zeros, 8) != 0 &&
		    memcmp(bytes + i, there, 8) == 0;
	}
	(void)close(fd);
	return any;
}
