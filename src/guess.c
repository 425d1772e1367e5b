#include "guess.h"

#define SECOND 1000000u

/* How long so many bytes take to come again. */
static uint64_t
time_of(uint64_t bytes)
{
	return bytes * SECOND / GUESS_RATE;
}

/* The place of the pair; or else one that is free at that clock; or
   GUESSERS. */
static size_t
find(const struct guesses *g, uint32_t uid, uint64_t workspace,
    uint64_t clock)
{
	size_t free_one = GUESSERS;

	for (size_t i = 0; i < GUESSERS; i++) {
		if (g->list[i].uid == uid && g->list[i].workspace == workspace)
			return i;
		/* Whose budget is whole need not be known. */
		if (g->list[i].full <= clock)
			free_one = i;
	}
	return free_one;
}

bool
guess_take(struct guesses *g, uint32_t uid, uint64_t workspace,
    uint64_t clock, size_t bytes)
{
	size_t at = find(g, uid, workspace, clock);
	uint64_t full;

	if (at == GUESSERS)
		return false;
	full = g->list[at].full > clock ? g->list[at].full : clock;
	full += time_of(bytes);
	if (full - clock > time_of(GUESS_BYTES))
		return false;
	g->list[at].uid = uid;
	g->list[at].workspace = workspace;
	g->list[at].full = full;
	return true;
}

void
guess_give(struct guesses *g, uint32_t uid, uint64_t workspace, size_t bytes)
{
	size_t at = find(g, uid, workspace, 0);

	if (at < GUESSERS && g->list[at].full > time_of(bytes))
		g->list[at].full -= time_of(bytes);
}
