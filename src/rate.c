#include "rate.h"

#include <stddef.h>

/* The uid's place, or the one of who owes least. */
static struct rate_use *
place(struct rate *r, uint32_t uid, uint64_t now)
{
	struct rate_use *best = &r->of[0];

	for (size_t i = 0; i < RATE_UIDS; i++) {
		struct rate_use *u = &r->of[i];

		if (u->uid == uid && u->until > now)
			return u;
		if (u->until < best->until)
			best = u;
	}
	*best = (struct rate_use){ uid, now };
	return best;
}

bool
rate_take(struct rate *r, uint32_t uid, uint64_t now)
{
	struct rate_use *u = place(r, uid, now);

	if (u->until - now > (uint64_t)(RATE_BURST - 1) * RATE_STEP)
		return false;
	u->until += RATE_STEP;
	return true;
}
