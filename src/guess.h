/*
 * guess: how much may be compared with secrets by those who may use them and
 * not read them.  Each comparison is a guess at a secret, so there is a
 * budget of bytes for each uid and workspace, which fills again as time goes
 * by.  Pure.
 */
#ifndef COFRE_GUESS_H
#define COFRE_GUESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUESS_BYTES (4u << 20)	/* of texts that may be compared at once, */
#define GUESS_RATE (128u << 10) /* and those that come again each second */
#define GUESS_HIT (256u << 10)	/* what it costs to be told of a match */
#define GUESSERS 64u		/* pairs of uid and workspace that are known */

struct guesses {
	struct {
		uint64_t workspace;
		uint64_t full; /* microseconds: when its budget is whole again */
		uint32_t uid;
	} list[GUESSERS];
};

/*
 * Take so many bytes from what the uid may still compare with secrets of the
 * workspace; clock is microseconds of a clock that only goes on.  False when
 * there is not enough left, or too many others are known: nothing is taken
 * then.
 */
bool guess_take(struct guesses *g, uint32_t uid, uint64_t workspace,
    uint64_t clock, size_t bytes);

/* Give back some of what was taken just now. */
void guess_give(struct guesses *g, uint32_t uid, uint64_t workspace,
    size_t bytes);

#endif
