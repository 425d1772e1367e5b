/*
 * plan: who takes part in which trial, and what came of it.
 *
 * A run is many rounds.  In a round each trial lets its peers work for a
 * slice of time, in random order.  Two peers are compared inside a round,
 * and the result is the median of these ratios over the rounds: what the
 * machine does meanwhile hits both.
 */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include "load.h"
#include "stats.h"

enum peer {
	PEER_ECHO,
	PEER_ECHO2, /* the same once more: it must come out as 1.00 */
	PEER_FLOOR,
	PEER_REDIS,
	PEER_MEMCACHED,
	PEER_CUSTODIA, /* cold only: it takes one request for a connection */
	PEER_COFRE,
	PEER_STRICT,  /* cofred with log = strict */
	PEER_MANY,    /* cofred with 100 000 secrets */
	PEER_LARGE,   /* and with more, when that is asked for */
	PEER_RAW,     /* write and flush, without a server */
	PEER_WRITER,  /* puts to a cofred of its own, one connection */
	PEER_WRITERS, /* and 64 */
	PEER_TRUE,    /* /bin/true as a process */
	PEER_KEYCTL,  /* keyctl pipe: a key of the kernel's */
	PEER_REDIS_CLI,
	PEER_LEAST,   /* the least program that gets a secret (least.c) */
	PEER_GET,     /* cofre get as a process */
	PEERS
};

enum trial {
	TRIAL_1,
	TRIAL_1_POLL, /* the client waits as libcofre does */
	TRIAL_8,
	TRIAL_64,
	TRIAL_PIPED_1,
	TRIAL_PIPED,
	TRIAL_COLD,
	TRIAL_WRITE,
	TRIAL_PROCESS,
	TRIAL_512, /* from here on each server has 512 connections */
	TRIAL_PIPED_512,
	TRIAL_APART_1, /* and from here on client and servers a core each */
	TRIAL_APART_8,
	TRIAL_APART_64,
	TRIAL_APART_512,
	TRIAL_APART_PIPED,
	TRIALS
};

enum metric {
	METRIC_P50,
	METRIC_P99,
	METRIC_P999,
	METRIC_RATE,
	METRIC_CPU,
	METRICS
};

struct trial_row {
	const char *name;
	unsigned links; /* connections; 0: no warm ones */
	unsigned depth;
	enum wait wait; /* with one connection */
	unsigned peers; /* a bit for each */
};

extern const struct trial_row plan_trials[TRIALS];
extern const char *const plan_peers[PEERS];

static inline unsigned
plan_bit(enum peer p)
{
	return 1u << p;
}

/* Everything that was measured; room for so many rounds. */
struct results {
	unsigned rounds;
	unsigned size;
	struct slice *slices;
};

bool plan_init(struct results *r, unsigned size);
void plan_free(struct results *r);

/* The slice of a peer in a trial of a round. */
struct slice *plan_slice(const struct results *r, unsigned round,
    enum trial t, enum peer p);

/* A metric of a peer over all rounds in which it took part. */
struct summary plan_value(const struct results *r, enum trial t, enum peer p,
    enum metric m);

/* The same over another peer's, round by round.  They may be from two
   trials; other_trial is then that of the second. */
struct summary plan_ratio(const struct results *r, enum trial t, enum peer p,
    enum trial other_trial, enum peer other, enum metric m);

#endif
