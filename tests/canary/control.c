/*
 * control: leaves what it reads from standard input where nothing may be left:
 * in freed memory, on the dead stack, in data, in a mapping of its own.  What
 * `make canary` does not find here it would not find elsewhere.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE 16384u

static uint8_t data[SIZE];

__attribute__((noinline)) static uint8_t
on_the_stack(const uint8_t *from)
{
	volatile uint8_t frame[SIZE];

	for (size_t i = 0; i < sizeof(frame); i++)
		frame[i] = from[i];
	return frame[0];
}

int
main(void)
{
	uint8_t *heap = calloc(1, 2 * SIZE), *beside = malloc(64);
	uint8_t *mapped = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t len = 0;
	ssize_t n = 1;

	if (heap == NULL || beside == NULL || mapped == MAP_FAILED)
		return EXIT_FAILURE;
	while (len < SIZE && (n = read(0, heap + len, SIZE - len)) > 0)
		len += (size_t)n;
	memcpy(data, heap, SIZE);
	memcpy(mapped, heap, SIZE);
	if (on_the_stack(heap) != data[0])
		return EXIT_FAILURE;
	free(heap);
	/* The block behind it has kept it from going back to the kernel. */
	free(beside);
	return EXIT_SUCCESS;
}
