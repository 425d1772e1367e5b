/*
 * sign: signatures a second of two ssh agents, and how long one takes.
 *
 *	sign ROUNDS SLICE_MS PATH PID REQUESTS LENGTH ...
 *
 * The last four for each agent: its socket, its process, and a file with the
 * messages that it is sent, of that many bytes each.  The first agent is what
 * the others are compared with.
 *
 * As in bench.c all of them work in slices, in random order, in each round,
 * and a result is the median of the ratios inside the rounds.  signing.py
 * calls it.  With SIGN_WRITE=path in the environment the ratio for one client
 * is written there.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load.h"
#include "stats.h"

#define AGENTS_MAX 4u
#define CONNECTIONS 8u
#define REPLY 92u /* a message with an ssh-ed25519 signature */

enum trial { TRIAL_1, TRIAL_8, TRIALS };

static const unsigned links[TRIALS] = { 1, CONNECTIONS };

struct sign {
	unsigned rounds;
	uint64_t slice;
	unsigned count; /* of agents */
	struct target targets[AGENTS_MAX];
	struct lane *lanes[AGENTS_MAX];
	struct slice *slices;
	uint64_t random;
};

static unsigned
number(const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || v == 0 || v > 10000000)
		errx(2, "what is '%s'?", text);
	return (unsigned)v;
}

/* The messages, and the first of them once more. */
static bool
read_requests(struct target *t, const char *path)
{
	const size_t room = 1u << 20;
	FILE *f = fopen(path, "rb");
	size_t len;

	t->requests = calloc(1, room);
	if (f == NULL || t->requests == NULL) {
		warn("%s", path);
		return false;
	}
	len = fread(t->requests, 1, room / 2, f);
	(void)fclose(f);
	t->count = len / t->request_len;
	if (t->count < DEPTH_MAX || len % t->request_len != 0) {
		warnx("%s: no messages of %zu bytes", path, t->request_len);
		return false;
	}
	memcpy(t->requests + len, t->requests, DEPTH_MAX * t->request_len);
	return true;
}

static bool
add(struct sign *s, char **argv)
{
	struct target *t = &s->targets[s->count];

	*t = (struct target){ .name = argv[0], .pid = (pid_t)number(argv[1]),
		.uid = getuid(), .request_len = number(argv[3]),
		.reply_len = REPLY, .check = { 14, 0, 0, 0 }, .check_at = 4 };
	if (snprintf(t->path, sizeof(t->path), "%s", argv[0]) >=
	    (int)sizeof(t->path)) {
		warnx("%s: too long for a socket", argv[0]);
		return false;
	}
	if (!read_requests(t, argv[2]) ||
	    (s->lanes[s->count] = load_open(t, CONNECTIONS)) == NULL)
		return false;
	s->count++;
	return true;
}

static struct slice *
slice_of(const struct sign *s, unsigned round, unsigned trial, unsigned agent)
{
	return &s->slices[(round * TRIALS + trial) * AGENTS_MAX + agent];
}

static bool
measure(struct sign *s)
{
	unsigned order[AGENTS_MAX];
	struct slice warm;

	for (unsigned i = 0; i < s->count; i++) {
		order[i] = i;
		if (!load_warm(s->lanes[i], CONNECTIONS, 1, WAIT_RECV, s->slice,
			&warm))
			return false;
	}
	for (unsigned round = 0; round < s->rounds; round++)
		for (unsigned trial = 0; trial < TRIALS; trial++) {
			stats_shuffle(&s->random, order, s->count);
			for (unsigned i = 0; i < s->count; i++)
				if (!load_warm(s->lanes[order[i]],
					links[trial], 1, WAIT_RECV, s->slice,
					slice_of(s, round, trial, order[i])))
					return false;
		}
	return true;
}

enum metric { P50, P99, RATE, CPU, METRICS };

static double
metric_of(const struct slice *s, enum metric m)
{
	const double all[METRICS] = { s->p50, s->p99, s->rate, s->cpu };

	return all[m];
}

/* The median of an agent's metric; with ratio, of it over the first's. */
static struct summary
summary(const struct sign *s, unsigned trial, unsigned agent, enum metric m,
    bool ratio)
{
	double *v = calloc(s->rounds, sizeof(*v));
	struct summary r = { .count = 0 };

	for (unsigned i = 0; v != NULL && i < s->rounds; i++) {
		v[i] = metric_of(slice_of(s, i, trial, agent), m);
		if (ratio)
			v[i] /= metric_of(slice_of(s, i, trial, 0), m);
	}
	if (v != NULL)
		r = stats_summary(v, s->rounds);
	free(v);
	return r;
}

static void
print(const struct sign *s)
{
	static const struct {
		const char *name;
		double unit;
	} metrics[METRICS] = { { "p50, us", 1 }, { "p99, us", 1 },
		{ "signatures, k/s", 1000 }, { "server CPU each, us", 1 } };

	for (unsigned t = 0; t < TRIALS; t++)
		for (unsigned m = 0; m < METRICS; m++) {
			(void)printf("  %u connection%s %-20s", links[t],
			    links[t] == 1 ? ": " : "s:", metrics[m].name);
			for (unsigned i = 0; i < s->count; i++) {
				struct summary v = summary(s, t, i,
				    (enum metric)m, false);
				struct summary r = summary(s, t, i,
				    (enum metric)m, true);

				(void)printf(" %8.1f", v.middle /
				    metrics[m].unit);
				if (i > 0)
					(void)printf("  %6.3f of it (%.3f to "
					    "%.3f)", r.middle, r.low, r.high);
			}
			(void)printf("\n");
		}
}

/* For who reads it: the last agent's median with one connection, its ratio to
   the first one's, and where 8 of 10 of these lie. */
static bool
write_ratio(const struct sign *s, const char *path)
{
	struct summary v = summary(s, TRIAL_1, s->count - 1, P50, false);
	struct summary r = summary(s, TRIAL_1, s->count - 1, P50, true);
	FILE *f = fopen(path, "w");

	if (f == NULL) {
		warn("%s", path);
		return false;
	}
	(void)fprintf(f, "%.3f %.4f %.4f %.4f\n", v.middle, r.middle, r.low,
	    r.high);
	return fclose(f) == 0;
}

int
main(int argc, char **argv)
{
	struct sign s = { .random = stats_clock() | 1 };
	bool good = argc > 3 && argc % 4 == 3 &&
	    (unsigned)(argc - 3) / 4 <= AGENTS_MAX;

	if (!good)
		errx(2, "usage: sign ROUNDS SLICE_MS (PATH PID REQUESTS "
			"LENGTH)...");
	s.rounds = number(argv[1]);
	s.slice = number(argv[2]) * UINT64_C(1000000);
	s.slices = calloc((size_t)s.rounds * TRIALS * AGENTS_MAX,
	    sizeof(*s.slices));
	for (int i = 3; good && i < argc; i += 4)
		good = add(&s, argv + i);
	good = good && s.slices != NULL && measure(&s);
	if (good)
		print(&s);
	if (good && getenv("SIGN_WRITE") != NULL)
		good = write_ratio(&s, getenv("SIGN_WRITE"));
	for (unsigned i = 0; i < AGENTS_MAX; i++) {
		load_close(s.lanes[i]);
		free(s.targets[i].requests);
	}
	free(s.slices);
	return good ? 0 : 1;
}
