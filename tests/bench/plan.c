#include "plan.h"

#include <stdlib.h>

#define BIT(id) (1u << PEER_##id)
#define BASE                                                                 \
	(BIT(ECHO) | BIT(ECHO2) | BIT(FLOOR) | BIT(REDIS) | BIT(MEMCACHED) | \
	    BIT(COFRE))
#define SIZES (BIT(MANY) | BIT(LARGE))

const struct trial_row plan_trials[TRIALS] = {
	[TRIAL_1] = { "1 connection", 1, 1, WAIT_RECV, BASE | SIZES },
	[TRIAL_1_POLL] = { "1 connection, poll", 1, 1, WAIT_POLL, BASE },
	[TRIAL_8] = { "8 connections", 8, 1, WAIT_RECV, BASE },
	[TRIAL_64] = { "64 connections", 64, 1, WAIT_RECV,
	    BASE | BIT(STRICT) | SIZES },
	[TRIAL_PIPED_1] = { "1 x 16 pipelined", 1, 16, WAIT_RECV, BASE },
	[TRIAL_PIPED] = { "64 x 16 pipelined", 64, 16, WAIT_RECV, BASE },
	[TRIAL_COLD] = { "cold", 0, 1, WAIT_RECV, BASE | BIT(CUSTODIA) },
	[TRIAL_WRITE] = { "durable write", 0, 1, WAIT_RECV,
	    BIT(RAW) | BIT(WRITER) | BIT(WRITERS) },
	[TRIAL_PROCESS] = { "a process", 0, 1, WAIT_RECV,
	    BIT(TRUE) | BIT(KEYCTL) | BIT(REDIS_CLI) | BIT(LEAST) |
		BIT(GET) },
	[TRIAL_512] = { "512 connections", 512, 1, WAIT_RECV, BASE },
	[TRIAL_PIPED_512] = { "512 x 16 pipelined", 512, 16, WAIT_RECV, BASE },
	[TRIAL_APART_1] = { "1 connection", 1, 1, WAIT_RECV, BASE },
	[TRIAL_APART_8] = { "8 connections", 8, 1, WAIT_RECV, BASE },
	[TRIAL_APART_64] = { "64 connections", 64, 1, WAIT_RECV, BASE },
	[TRIAL_APART_512] = { "512 connections", 512, 1, WAIT_RECV, BASE },
	[TRIAL_APART_PIPED] = { "64 x 16 pipelined", 64, 16, WAIT_RECV, BASE },
};

const char *const plan_peers[PEERS] = {
	[PEER_ECHO] = "bare echo",
	[PEER_ECHO2] = "bare echo again",
	[PEER_FLOOR] = "floor",
	[PEER_REDIS] = "redis GET",
	[PEER_MEMCACHED] = "memcached get",
	[PEER_CUSTODIA] = "custodia",
	[PEER_COFRE] = "cofre",
	[PEER_STRICT] = "cofre, log = strict",
	[PEER_MANY] = "cofre, 100 k secrets",
	[PEER_LARGE] = "cofre, 1 M secrets",
	[PEER_RAW] = "4 KiB write and flush",
	[PEER_WRITER] = "cofre put, 1 writer",
	[PEER_WRITERS] = "cofre put, 64 writers",
	[PEER_TRUE] = "/bin/true",
	[PEER_KEYCTL] = "keyctl pipe",
	[PEER_REDIS_CLI] = "redis-cli GET",
	[PEER_LEAST] = "the least client",
	[PEER_GET] = "cofre get",
};

bool
plan_init(struct results *r, unsigned size)
{
	*r = (struct results){ .size = size };
	r->slices = calloc((size_t)size * TRIALS * PEERS, sizeof(*r->slices));
	return r->slices != NULL;
}

void
plan_free(struct results *r)
{
	free(r->slices);
	*r = (struct results){ .size = 0 };
}

struct slice *
plan_slice(const struct results *r, unsigned round, enum trial t, enum peer p)
{
	return &r->slices[((size_t)round * TRIALS + t) * PEERS + p];
}

static double
metric_of(const struct slice *s, enum metric m)
{
	switch (m) {
	case METRIC_P50:
		return s->p50;
	case METRIC_P99:
		return s->p99;
	case METRIC_P999:
		return s->p999;
	case METRIC_RATE:
		return s->rate;
	case METRIC_CPU:
		return s->cpu;
	case METRICS:
		break;
	}
	return 0;
}

struct summary
plan_value(const struct results *r, enum trial t, enum peer p, enum metric m)
{
	double *v = calloc(r->rounds + 1, sizeof(*v));
	struct summary s = { .count = 0 };
	size_t n = 0;

	for (unsigned i = 0; v != NULL && i < r->rounds; i++)
		if (plan_slice(r, i, t, p)->count > 0)
			v[n++] = metric_of(plan_slice(r, i, t, p), m);
	if (n > 0)
		s = stats_summary(v, n);
	free(v);
	return s;
}

struct summary
plan_ratio(const struct results *r, enum trial t, enum peer p,
    enum trial other_trial, enum peer other, enum metric m)
{
	double *v = calloc(r->rounds + 1, sizeof(*v));
	struct summary s = { .count = 0 };
	size_t n = 0;

	for (unsigned i = 0; v != NULL && i < r->rounds; i++) {
		const struct slice *a = plan_slice(r, i, t, p);
		const struct slice *b = plan_slice(r, i, other_trial, other);

		if (a->count > 0 && b->count > 0 && metric_of(b, m) > 0)
			v[n++] = metric_of(a, m) / metric_of(b, m);
	}
	if (n > 0)
		s = stats_summary(v, n);
	free(v);
	return s;
}
