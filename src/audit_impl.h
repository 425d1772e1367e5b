/*
 * audit_impl: what audit.c, audit_open.c and audit_read.c share.
 */
#ifndef COFRE_AUDIT_IMPL_H
#define COFRE_AUDIT_IMPL_H

#include "ahead.h"
#include "audit.h"
#include "segment.h"

struct audit {
	int dir;	     /* STATE/activity */
	size_t segment_size; /* of new segments, bytes */
	struct segment now;
	struct segment next; /* made, without a name; or none */
	uint64_t retry;	     /* at this cell the next one is tried again */
	uint64_t files;	     /* made, or taken into use, or tried to be */
	uint64_t *firsts;    /* first cell of each segment, ascending */
	size_t count;
	size_t capacity;
	int old_fd; /* the older segment that was read last, or -1 */
	size_t old_index;
	uint8_t log_id[16];
	uint8_t chain[LOG_CHAIN_LEN]; /* of the last record */
	uint64_t end;		      /* number of the next cell */
	uint64_t flushed;	      /* what is before it is on the disk */
	uint64_t mark;		      /* what the segment's header says */
	struct ahead ahead;	      /* the current segment, */
	uint64_t asked;	 /* of which a flush was begun up to this cell; */
	uint64_t ask_at; /* at this one it is asked for again */
	uint64_t epoch;
	const struct log_keys *keys;
	bool ready;  /* audit_open() came to its end */
	bool broken; /* a flush failed */
	char note[240];
};

/* Make place for one more number in firsts. */
bool audit_grow(struct audit *a);

/*
 * Make the next segment; and take it into use, which flushes the current
 * one.  Both say false, with errno, when it can't be done.
 */
bool audit_prepare(struct audit *a);
bool audit_take(struct audit *a);

/* Flush the current segment ahead, from its end on. */
void audit_begin_ahead(struct audit *a);

/* How many cells of the current segment are still free. */
uint64_t audit_left(const struct audit *a);

/* The number of the cell after the last one of the i-th segment. */
uint64_t audit_segment_end(const struct audit *a, size_t i);

/*
 * Copy n cells of the i-th segment, from the number cell on.  Returns how
 * many there were.
 */
size_t audit_load(struct audit *a, size_t i, uint64_t cell, size_t n,
    uint8_t *to);

/* Read and check the header of the i-th segment. */
bool audit_head(struct audit *a, size_t i, struct log_segment *head);

/*
 * The chain value of the record that ends before the cell at in, whose number
 * is cell; before it are so many cells, LOG_CELLS_MAX at most.  How many of
 * them the record has is not known.  NULL when there is none that fits, or
 * more than one: then a text was made to look like a record.
 */
const uint8_t *audit_chain_before(const uint8_t *in, uint64_t cell,
    unsigned before);

/*
 * Is that the chain value of the last record of the segment before the i-th
 * one?  i is not 0.  False too when that segment can't be read.
 */
bool audit_follows(struct audit *a, size_t i,
    const uint8_t chain[LOG_CHAIN_LEN]);

#endif
