/*
 * report: the results as tables in Markdown, on standard output.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "memory.h"
#include "plan.h"
#include "servers.h"

/* Memory of the servers, when each was read; own 0: it could not be. */
struct memories {
	struct memory fresh[PEERS]; /* started, no connection yet */
	struct memory idle;  /* cofred: 64 connections that have fetched once */
	struct memory after; /* after 1e5 fetches more */
	struct memory end;   /* after the whole run */
};

/* What the run was, for the head of the report. */
struct circumstances {
	uint64_t seed;
	unsigned slice_ms;
	int core, other; /* -1: there is no other core */
};

/* Date, kernel, processor, and how it was measured. */
void report_head(const struct circumstances *c, const struct servers *v);

/* Do both echoes agree?  Prints the answer; it is not a verdict on cofre. */
bool report_validity(const struct results *r);

/* Each trial's peers beside the first of them, mostly the echo. */
void report_peers(const struct results *r, enum trial first,
    enum trial last);

/* How long starts and unlocks take, by number of secrets. */
void report_starts(const struct servers *v);

/* What each server has before anybody connects, and cofred later. */
void report_memory(const struct memories *m, const struct results *r);

/* A value with its unit, and where 8 of 10 rounds lie. */
void report_value(char *out, size_t size, enum metric m, double v);
void report_spread(char *out, size_t size, const struct summary *s);

#endif
