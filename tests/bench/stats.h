/*
 * stats: time, chance and order: what every measurement is made of.
 */
#ifndef BENCH_STATS_H
#define BENCH_STATS_H

#include <stddef.h>
#include <stdint.h>

/* The middle of a series, and where nine tenths of it lie on either side. */
struct summary {
	double middle; /* the median */
	double low;    /* the 10th percentile */
	double high;   /* the 90th */
	size_t count;  /* 0: there was nothing to summarise */
};

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t stats_clock(void);

/* Sort ascending; then the value that the part q (0 to 1) lies below.
   An empty series has the quantile 0. */
void stats_sort(uint32_t *v, size_t n);
uint32_t stats_quantile(const uint32_t *v, size_t n, double q);

/* Summarise n values, which are sorted for it. */
struct summary stats_summary(double *v, size_t n);

/* A number below n (> 0) from the state, which must not be 0: the same
   seed gives the same order. */
uint32_t stats_random(uint64_t *state, uint32_t n);

/* Put n numbers into a random order. */
void stats_shuffle(uint64_t *state, unsigned *v, size_t n);

/* The numbers below n in a random order, the same in each run, to be freed;
   NULL without memory. */
unsigned *stats_order(size_t n);

#endif
