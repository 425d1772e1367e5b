/*
 * disk: what a daemon has written, from its trace, and what of it a disk may
 * have at a moment.
 *
 * Everything that happened has a tick.  A write, a change of a file's length
 * or of a directory is an op.  It is on the disk for sure from the tick on at
 * which a flush that came after it has ended; until then it may be there, or
 * not, and of a write any part.
 */
#ifndef TESTS_POWERCUT_DISK_H
#define TESTS_POWERCUT_DISK_H

#include "image.h"

#define NEVER UINT64_MAX
#define INODES_MAX 64u
#define SECTOR 512u

enum op_kind { OP_DATA, OP_SIZE, OP_NAME };

struct op {
	enum op_kind kind;
	uint32_t inode;
	uint64_t tick;
	uint64_t flushed; /* it is on the disk after that tick, or NEVER */
	uint64_t at;	  /* DATA: where; SIZE: how long the file is */
	uint64_t len;	  /* DATA; SIZE: 1 for "at least" */
	const uint8_t *data;
	const char *from, *to; /* NAME: made has no from, removed no to */
	bool mapped;	       /* DATA: written through a mapping */
};

/* A commit: the write of a meta page, which is flushed by itself. */
struct commit {
	uint64_t tick;
	unsigned store; /* DATA_FILE, SSH_FILE */
};

struct answer {
	uint64_t tick;
	uint32_t request, status;
	uint16_t op;
};

struct inode {
	bool store;    /* a store, not a file of the log */
	size_t most;   /* bytes that are ever written to it */
	uint8_t *base; /* its bytes with the ops before next, which are
			  all on the disk */
	uint8_t *now;  /* the same with what was chosen besides */
	size_t base_size, base_used, size, used;
	size_t next; /* an index in own */
	size_t *own; /* its ops, by their indices */
	size_t own_count;
};

struct disk {
	struct op *ops;
	size_t op_count;
	struct commit *commits;
	size_t commit_count;
	struct answer *answers;
	size_t answer_count;
	uint64_t ticks;
	struct inode inodes[INODES_MAX];
	size_t inode_count;
};

/*
 * What of the ops that are not flushed is there.  A piece of a file, so many
 * bytes as the grain is, has what was written before the tick that limit()
 * says; likewise the length of a file, and the names of a directory.
 */
struct choice {
	uint64_t cut;	  /* what has this tick, or a later one, never was */
	uint64_t flushes; /* flushes from this tick on were none; or NEVER */
	unsigned grain;	  /* of what was written with a call */
	unsigned mapped;  /* of what was written through a mapping */
	uint64_t (*limit)(
	    const struct choice *c, const struct op *o, uint64_t piece);
	uint64_t seed;
	const struct op *torn; /* the write that was under way */
	uint64_t mask;	       /* for limit() */
};

/* Read a trace. */
void disk_load(struct disk *d, const char *path);

/* The state directory that the choice leaves; its bytes are the disk's, until
   the next one. */
void disk_image(struct disk *d, const struct choice *c, struct image *im);

/* Is that op not flushed yet? */
bool disk_pending(const struct choice *c, const struct op *o);

/* The index of the first op that has the tick or a later one. */
size_t disk_find(const struct disk *d, uint64_t tick);

#endif
