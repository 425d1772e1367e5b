/*
 * primitives: what the cryptography of a fetch takes, measured apart.
 */
#ifndef BENCH_PRIMITIVES_H
#define BENCH_PRIMITIVES_H

/* Microseconds for one of each. */
struct primitives {
	double plain; /* opening a value of 256 bytes with a key, as the floor
			 does */
	double open;  /* opening its row, as cofre seals it (seal.h): its own
			 key derived and compared, padding, its place bound */
	double record; /* making a record of one cell, with chain and tag */
};

/* Measure on the processor of the caller: medians of many short series, so
   that what interrupts some of them does not count. */
struct primitives primitives_measure(void);

/* Print them in a line, and what they would make of the floor, which answers
   so many requests a second. */
void primitives_print(const struct primitives *p, double floor_rate);

#endif
