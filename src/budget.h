/*
 * budget: what a uid may have of something in a time, in a table of fixed
 * size.  What is counted is time: each thing costs some, and it comes back as
 * time goes by.  Pure.
 */
#ifndef COFRE_BUDGET_H
#define COFRE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#define BUDGET_SLOTS 256u
/* Of these a uid has half at most: so nobody can take the places of all
   others, however many workspaces he has. */
#define BUDGET_UID (BUDGET_SLOTS / 2)

/* A table of zeros is one that nobody has used. */
struct budget {
	struct budget_slot {
		uint64_t workspace;
		uint64_t whole; /* microseconds: when nothing is owed any more */
		uint32_t uid;
	} slots[BUDGET_SLOTS];
};

/*
 * Take what costs so much time, in microseconds, from what the uid has in the
 * workspace (0: wherever).  clock is microseconds of a clock that only goes
 * on; most is what may be owed at once.  False when more would be owed, when
 * the uid has half of the table already, or when every place is somebody's
 * who owes: nothing is taken then, and nobody is forgotten.
 */
bool budget_take(struct budget *b, uint32_t uid, uint64_t workspace,
    uint64_t clock, uint64_t time, uint64_t most);

/* How much time the uid owes in the workspace. */
uint64_t budget_owed(const struct budget *b, uint32_t uid, uint64_t workspace,
    uint64_t clock);

/* Give back some of what was taken just now. */
void budget_give(struct budget *b, uint32_t uid, uint64_t workspace,
    uint64_t time);

#endif
