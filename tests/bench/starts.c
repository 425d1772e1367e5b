#include "starts.h"

#define TIMES_MAX 16u
#define WARM 10u /* times as many fetches as the first ones */

/* The first fetches of a new daemon, and others after them. */
static bool
fetch(struct target *t, double *first, double *warm)
{
	struct lane *l = load_open(t, 1);
	bool good = l != NULL && load_some(l, STARTS_FIRST, first) &&
	    load_some(l, (size_t)STARTS_FIRST * WARM, warm);

	load_close(l);
	return good;
}

bool
starts_measure(const struct fixture *x, struct target *t, unsigned times,
    struct starts *s)
{
	double start[TIMES_MAX], unlock[TIMES_MAX], ratio[TIMES_MAX];
	double first[TIMES_MAX], warm[TIMES_MAX];
	uint64_t ns;

	if (times > TIMES_MAX)
		times = TIMES_MAX;
	for (unsigned i = 0; i < times; i++) {
		if (!fixture_restart(x, t, &ns) ||
		    !fetch(t, &first[i], &warm[i]))
			return false;
		start[i] = (double)ns / 1e9;
		ratio[i] = first[i] / warm[i];
	}
	for (unsigned i = 0; i < times; i++) {
		if (!fixture_unlock(x, t, &ns))
			return false;
		unlock[i] = (double)ns / 1e9;
	}
	*s = (struct starts){ .secrets = x->secrets, .times = times,
		.start = stats_summary(start, times),
		.unlock = stats_summary(unlock, times),
		.first = stats_summary(first, times),
		.warm = stats_summary(warm, times),
		.ratio = stats_summary(ratio, times) };
	return true;
}
