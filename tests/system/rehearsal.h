/*
 * rehearsal: what fails in a run, and what could have.
 *
 * rehearsal.c says what fails; rehearsal_calls.c has what can.
 */
#ifndef TESTS_REHEARSAL_H
#define TESTS_REHEARSAL_H

#include <stdint.h>

/* rehearsal.py has the same. */
enum { FAIL_NOTHING, FAIL_ALLOCATION, FAIL_CALL, INTERRUPT, HALVE, KINDS };

/* Of so many of a kind is known from where they were called. */
#define PLACES_MAX 4096u

/* What all processes of a run have met with, in native order: rehearsal.py
   reads it. */
struct met {
	uint32_t counts[KINDS];
	uint32_t places[KINDS][PLACES_MAX]; /* return addresses, the low half */
};

/* From here on in this process: in that way, the nth one. */
struct rehearsal {
	int what;
	uint32_t nth;
	struct met *met; /* shared with the parent */
};

extern struct rehearsal rehearsal;

/* The function that libc has of that name; ends the process without one. */
void rehearsal_find(void *to, const char *name);

/* Allocations of libseccomp can't fail from here on. */
void rehearsal_spare(void);

#endif
