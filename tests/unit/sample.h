/*
 * sample: what several tests need to make their input: known bytes written
 * as hexadecimal text, and random numbers that can be had again.
 */
#ifndef TESTS_SAMPLE_H
#define TESTS_SAMPLE_H

#include "wire.h"

/* True under AddressSanitizer, where mlock(2) does nothing and says that it
   worked, and where a process without memory is ended. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The bytes of a text of hexadecimal digits; returns how many.  The test
   fails when there are more than size. */
size_t sample_hex(const char *hex, uint8_t *out, size_t size);

/* The bytes at v are those of the text. */
void sample_assert_hex(struct view v, const char *hex);

/*
 * The seed of this run: what COFRE_TEST_SEED says, or the clock.  It is
 * printed, so that a failure can be had again.
 */
uint64_t sample_seed(const char *test);

/* The next random number of the sequence that state stands in. */
uint32_t sample_next(uint64_t *state);

/* A random number below n. */
uint32_t sample_below(uint64_t *state, uint32_t n);

#endif
