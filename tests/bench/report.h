/*
 * report: the results as tables in Markdown, on standard output.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "memory.h"
#include "plan.h"

/* Memory of cofred, when each was read; own 0: it could not be. */
struct memories {
	struct memory fresh; /* started and unlocked, no connection yet */
	struct memory idle;  /* 64 connections that have fetched once */
	struct memory after; /* after 1e5 fetches more */
	struct memory end;   /* after the whole run */
};

/* What the run was, for the head of the report. */
struct circumstances {
	uint64_t seed;
	unsigned slice_ms;
	size_t secrets;
	size_t large; /* secrets of the large vault; 0: there was none */
	uint64_t large_unlock; /* nanoseconds */
	size_t reply_len;
	int core, other; /* -1: there is no other core */
};

/* Date, kernel, processor, and how it was measured. */
void report_head(const struct circumstances *c);

/* Do both echoes agree?  Prints the answer; it is not a verdict on cofre. */
bool report_validity(const struct results *r);

/* Each trial's peers beside the echo. */
void report_peers(const struct results *r, enum trial first,
    enum trial last);

/* What cofre is to reach. */
void report_gate(const struct results *r, const struct memories *m,
    const struct circumstances *c);

#endif
