#include "guess.h"

/* How long so many bytes take to come back, in microseconds. */
static uint64_t
time_of(uint64_t bytes)
{
	return bytes * 1000000 / GUESS_RATE;
}

bool
guess_take(struct request *q, size_t bytes)
{
	return budget_take(&q->sv->guesses, q->conn->peer.uid,
	    q->workspace->id, q->sv->clock, time_of(bytes),
	    time_of(GUESS_BYTES));
}

void
guess_give(struct request *q, size_t bytes)
{
	budget_give(&q->sv->guesses, q->conn->peer.uid, q->workspace->id,
	    time_of(bytes));
}
