#include "gate.h"

#include <stdio.h>
#include <string.h>

#define TEXT 40u

enum better { LESS, MORE };

/* A ratio of two peers, and what it is to be. */
struct gate {
	const char *name;
	enum trial trial;
	enum metric metric;
	enum peer peer, base;
	enum better better;
	double reach, moonshot;
};

static const struct gate gates[] = {
	{ "warm fetch, 1 connection, p50 over the echo", TRIAL_1, METRIC_P50,
	    PEER_COFRE, PEER_ECHO, LESS, 1.45, 1.20 },
	{ "warm fetch, 1 connection, p99 over the echo", TRIAL_1, METRIC_P99,
	    PEER_COFRE, PEER_ECHO, LESS, 1.60, 1.45 },
	{ "the same with poll(2), as libcofre waits, p50", TRIAL_1_POLL,
	    METRIC_P50, PEER_COFRE, PEER_ECHO, LESS, 1.45, 1.20 },
	{ "the same with poll(2), as libcofre waits, p99", TRIAL_1_POLL,
	    METRIC_P99, PEER_COFRE, PEER_ECHO, LESS, 1.60, 1.45 },
	{ "throughput, 64 connections, over the echo", TRIAL_64, METRIC_RATE,
	    PEER_COFRE, PEER_ECHO, MORE, 0.60, 0.70 },
	{ "throughput, 64 connections, over redis GET", TRIAL_64, METRIC_RATE,
	    PEER_COFRE, PEER_REDIS, MORE, 0.80, 1.00 },
	{ "server CPU per fetch, 64 connections, over the echo", TRIAL_64,
	    METRIC_CPU, PEER_COFRE, PEER_ECHO, LESS, 1.90, 1.70 },
	{ "throughput, pipelined 64 x 16, over the floor", TRIAL_PIPED,
	    METRIC_RATE, PEER_COFRE, PEER_FLOOR, MORE, 0.80, 1.00 },
	{ "strict log, throughput, 64 connections, over the floor", TRIAL_64,
	    METRIC_RATE, PEER_STRICT, PEER_FLOOR, MORE, 0.50, 0.57 },
	{ "cold fetch, p50 over a cold echo", TRIAL_COLD, METRIC_P50,
	    PEER_COFRE, PEER_ECHO, LESS, 1.30, 1.12 },
	{ "cold fetch, p99 over a cold echo", TRIAL_COLD, METRIC_P99,
	    PEER_COFRE, PEER_ECHO, LESS, 1.60, 1.45 },
	{ "`cofre get` as a process, p50 over /bin/true", TRIAL_PROCESS,
	    METRIC_P50, PEER_GET, PEER_TRUE, LESS, 1.30, 1.15 },
	{ "a durable put, p50 over a raw 4 KiB write and flush", TRIAL_WRITE,
	    METRIC_P50, PEER_WRITER, PEER_RAW, LESS, 3.50, 1.50 },
	{ "64 durable writers, throughput over one writer's", TRIAL_WRITE,
	    METRIC_RATE, PEER_WRITERS, PEER_WRITER, MORE, 20, 40 },
	{ "100 k secrets over 1 k, 1 connection, p50", TRIAL_1, METRIC_P50,
	    PEER_MANY, PEER_COFRE, LESS, 1.35, 1.15 },
	{ "100 k secrets over 1 k, 64 connections, throughput", TRIAL_64,
	    METRIC_RATE, PEER_MANY, PEER_COFRE, MORE, 0.55, 0.80 },
	{ "1 M secrets over 1 k, 1 connection, p50", TRIAL_1, METRIC_P50,
	    PEER_LARGE, PEER_COFRE, LESS, 1.35, 1.15 },
	{ "1 M secrets over 1 k, 64 connections, throughput", TRIAL_64,
	    METRIC_RATE, PEER_LARGE, PEER_COFRE, MORE, 0.55, 0.80 },
};

/* One row, as it is printed; an empty text where there is nothing. */
struct row {
	const char *name;
	char value[TEXT], ratio[TEXT], spread[TEXT], reach[TEXT],
	    moonshot[TEXT];
	const char *reached;
};

static void
print_row(const struct row *r)
{
	printf("| %-57s | %-12s | %6s | %-16s | %8s | %8s | %-8s |\n", r->name,
	    r->value, r->ratio, r->spread, r->reach, r->moonshot, r->reached);
}

static const char *
reached(enum better better, double v, double reach, double moonshot)
{
	bool less = better == LESS;

	if (less ? v <= moonshot : v >= moonshot)
		return "moonshot";
	return (less ? v <= reach : v >= reach) ? "yes" : "no";
}

static void
put_ratio(struct row *r, const struct summary *s)
{
	(void)snprintf(r->ratio, TEXT, "%.2f", s->middle);
	report_spread(r->spread, TEXT, s);
}

static void
put_wanted(struct row *r, double reach, double moonshot)
{
	(void)snprintf(r->reach, TEXT, "%.2f", reach);
	(void)snprintf(r->moonshot, TEXT, "%.2f", moonshot);
}

static void
gate_row(const struct results *results, const struct gate *g)
{
	struct summary v = plan_value(results, g->trial, g->peer, g->metric);
	struct summary s = plan_ratio(results, g->trial, g->peer, g->trial,
	    g->base, g->metric);
	struct row r = { .name = g->name, .value = "not measured",
		.reached = "-" };

	put_wanted(&r, g->reach, g->moonshot);
	if (s.count > 0) {
		report_value(r.value, TEXT, g->metric, v.middle);
		put_ratio(&r, &s);
		r.reached = reached(g->better, s.middle, g->reach,
		    g->moonshot);
	}
	print_row(&r);
}

static void
signature_row(const struct signature *s)
{
	struct row r = { .name = "a signature, p50 over ssh-agent's, one client",
		.value = "not measured", .reached = "-" };

	put_wanted(&r, 0.10, 0.05);
	if (s->us > 0) {
		report_value(r.value, TEXT, METRIC_P50, s->us);
		put_ratio(&r, &s->ratio);
		r.reached = reached(LESS, s->ratio.middle, 0.10, 0.05);
	}
	print_row(&r);
}

/* The start with so many secrets, and the first fetches after it. */
static void
starts_rows(const struct starts *s, const char *start, const char *first)
{
	struct row a = { .name = start, .value = "not measured",
		.reach = "5 s", .moonshot = "1 s", .reached = "-" };
	struct row b = { .name = first, .value = "not measured",
		.reach = "2.00", .reached = "-" };

	if (s->secrets > 0) {
		(void)snprintf(a.value, TEXT, "%.2f s", s->start.middle);
		(void)snprintf(a.spread, TEXT, "%.2f .. %.2f s", s->start.low,
		    s->start.high);
		a.reached = reached(LESS, s->start.middle, 5, 1);
		report_value(b.value, TEXT, METRIC_P99, s->first.middle);
		put_ratio(&b, &s->ratio);
		b.reached = reached(LESS, s->ratio.middle, 2, 0);
	}
	print_row(&a);
	print_row(&b);
}

static void
memory_row(const char *name, size_t kib)
{
	struct row r = { .name = name, .reach = "4 MiB", .moonshot = "2 MiB" };

	(void)snprintf(r.value, TEXT, "%zu KiB", kib);
	r.reached = reached(LESS, (double)kib, 4096, 2048);
	print_row(&r);
}

static void
memory_rows(const struct memories *m)
{
	size_t idle = m->idle.own, after = m->after.own;
	struct row r = { .name = "growth of that over 1e5 fetches",
		.reach = "0", .moonshot = "0" };
	size_t growth = after > idle ? after - idle : 0;

	if (m->fresh[PEER_COFRE].own == 0 || idle == 0)
		return;
	memory_row("memory of its own, started and unlocked",
	    m->fresh[PEER_COFRE].own);
	memory_row("memory of its own, idle with 64 connections", idle);
	(void)snprintf(r.value, TEXT, "%zu KiB", growth);
	r.reached = growth == 0 ? "moonshot" : "no";
	print_row(&r);
}

void
gate_read_signature(struct gates *g, const char *path)
{
	struct signature s = { .us = 0 };
	FILE *f = fopen(path, "r");

	if (f == NULL)
		return;
	if (fscanf(f, "%lf %lf %lf %lf", &s.us, &s.ratio.middle,
		&s.ratio.low, &s.ratio.high) == 4)
		g->signature = s;
	(void)fclose(f);
}

void
gate_print(const struct gates *g)
{
	const struct servers *v = g->servers;

	printf("| %-57s | cofre        | ratio  | p10 .. p90       | to reach "
	       "| moonshot | reached  |\n", "measure");
	printf("|-----------------------------------------------------------|"
	       "--------------|-------:|------------------|---------:|"
	       "---------:|----------|\n");
	for (size_t i = 0; i < sizeof(gates) / sizeof(gates[0]); i++)
		gate_row(g->results, &gates[i]);
	signature_row(&g->signature);
	starts_rows(&v->starts_many, "start and unlock with 100 k secrets, "
	    "all verified", "first fetches' p99 after that, over warm");
	starts_rows(&v->starts_large, "start and unlock with 1 M secrets, all "
	    "verified", "first fetches' p99 after that, over warm");
	memory_rows(g->memories);
	printf("\n");
}
