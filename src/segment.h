/*
 * segment: one file of the activity log, mapped for writing.
 *
 * A segment's space is taken when it is made and the file is never sparse:
 * writing a record into the mapping can't run out of disk.  (On a file
 * system that copies blocks when they are written, such as btrfs or ZFS,
 * nobody can promise that.)
 *
 * Functions that return a bool set errno when it is false.
 */
#ifndef COFRE_SEGMENT_H
#define COFRE_SEGMENT_H

#include "logfmt.h"

struct segment {
	int fd;		/* -1: there is none */
	uint8_t *map;	/* the header, and then the cells */
	size_t size;	/* bytes of the file */
	uint64_t cells; /* that it holds, without the header */
	uint64_t first; /* number of the first one */
};

#define SEGMENT_TEMPORARY "next.tmp"

/*
 * Make a segment without a name of its own in the directory dir, with all
 * its space.  It replaces one that was left over.
 */
bool segment_make(struct segment *s, int dir, size_t size);

/*
 * Give it its header, put it on the disk and give it its name.  False when
 * that failed; *named then says whether it has the name already.
 */
bool segment_publish(struct segment *s, int dir,
    const struct log_segment *head, bool *named);

/* Open and map the segment that begins with the cell first.  EBADMSG when it
   is no regular file or its size can't be right. */
bool segment_open(struct segment *s, int dir, uint64_t first);

/* Make sure that an opened segment's space is there, for the bytes from on;
   all of them are zeros. */
bool segment_reserve(const struct segment *s, size_t from);

/* Unmap and close.  Nothing happens to none. */
void segment_close(struct segment *s);

/* Close and remove a segment that has no name yet. */
void segment_drop(struct segment *s, int dir);

/* The place of a cell. */
uint8_t *segment_at(const struct segment *s, uint64_t cell);

/*
 * Copy a record of n cells to the place of a cell, such that whoever reads
 * the mapping or the file sees nothing of it, or all.
 */
void segment_write(struct segment *s, uint64_t cell, const uint8_t *record,
    unsigned n);

/* Zero the cells from (included) to end, the first 8 bytes first. */
void segment_wipe(struct segment *s, uint64_t from, uint64_t end);

/* Set the mark in the header. */
void segment_mark(struct segment *s, uint64_t cell);

#endif
