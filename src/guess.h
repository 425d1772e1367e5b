/*
 * guess: how much who may not read a secret may find out about its value by
 * the answers to what he tries.  Each answer that depends on the value is a
 * guess at it, so there is a budget of bytes for each uid and workspace,
 * which fills again as time goes by.
 */
#ifndef COFRE_GUESS_H
#define COFRE_GUESS_H

#include "ops.h"

#define GUESS_BYTES (4u << 20)	/* that may be compared at once, */
#define GUESS_RATE (128u << 10) /* and those that come back each second */
#define GUESS_HIT (256u << 10)	/* what it costs to be told of a match */
/* What it costs to be told whether a new value is the current one: so little
   that all secrets of one resync can be asked about twice. */
#define GUESS_STAGE 512u

/*
 * Take so many bytes of what the caller may still try in q->workspace; to be
 * asked before anything is compared, so that a refusal tells nothing.  False
 * when there are not enough left, or when budget_take() has no place: nothing
 * is taken then, and the answer is BUSY.
 */
bool guess_take(struct request *q, size_t bytes);

/* Give back some of what was taken just now. */
void guess_give(struct request *q, size_t bytes);

#endif
