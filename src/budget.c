#include "budget.h"

#include <stddef.h>

/* The pair's place; without one a place of which nothing is owed; or NULL. */
static struct budget_slot *
find(struct budget *b, uint32_t uid, uint64_t workspace, uint64_t clock)
{
	struct budget_slot *own = NULL, *unowed = NULL;
	size_t held = 0;

	for (size_t i = 0; i < BUDGET_SLOTS; i++) {
		struct budget_slot *s = &b->slots[i];

		if (s->uid == uid && s->workspace == workspace &&
		    (own == NULL || s->whole > own->whole))
			own = s;
		/* Who owes nothing need not be known. */
		if (s->whole <= clock)
			unowed = s;
		else
			held += s->uid == uid;
	}
	if (own != NULL && own->whole > clock)
		return own;
	if (held >= BUDGET_UID)
		return NULL;
	return own != NULL ? own : unowed;
}

bool
budget_take(struct budget *b, uint32_t uid, uint64_t workspace,
    uint64_t clock, uint64_t time, uint64_t most)
{
	struct budget_slot *s = find(b, uid, workspace, clock);
	uint64_t whole;

	if (s == NULL)
		return false;
	whole = (s->whole > clock ? s->whole : clock) + time;
	if (whole - clock > most)
		return false;
	*s = (struct budget_slot){ workspace, whole, uid };
	return true;
}

void
budget_give(struct budget *b, uint32_t uid, uint64_t workspace, uint64_t time)
{
	for (size_t i = 0; i < BUDGET_SLOTS; i++) {
		struct budget_slot *s = &b->slots[i];

		if (s->uid == uid && s->workspace == workspace &&
		    s->whole > time)
			s->whole -= time;
	}
}

uint64_t
budget_owed(const struct budget *b, uint32_t uid, uint64_t workspace,
    uint64_t clock)
{
	uint64_t whole = clock;

	for (size_t i = 0; i < BUDGET_SLOTS; i++) {
		const struct budget_slot *s = &b->slots[i];

		if (s->uid == uid && s->workspace == workspace &&
		    s->whole > whole)
			whole = s->whole;
	}
	return whole - clock;
}
