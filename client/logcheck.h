/*
 * logcheck: check the files of an activity log, without a daemon and
 * without a key.  It may be done while a daemon is writing to them.
 *
 * What is checked: the segments' names, sizes and headers, that they belong
 * to one log, that cells are numbered without a gap, that every record
 * follows from the one before it through all segments, that the last segment
 * reaches its mark, and that behind the last record of each segment there is
 * nothing.  Memory does not grow with the log, but for 8 bytes a segment.
 */
#ifndef COFRE_LOGCHECK_H
#define COFRE_LOGCHECK_H

#include "logfmt.h"
#include "problem.h"

#define LOGCHECK_LATER UINT64_MAX /* "not known yet" */

struct logcheck {
	/* To be set before: */
	const char *since;    /* name of the segment to begin with, or NULL */
	const uint8_t *known; /* a chain value that must occur, or NULL */

	/* What there is, up to the bad place if there is one. */
	size_t segments;      /* checked ones */
	uint64_t first;	      /* number of the first cell */
	uint64_t end;	      /* number of the cell after the last record */
	uint64_t records;
	uint64_t untagged;    /* of these: written while the vault was locked */
	uint64_t first_time;  /* microseconds since 1970, 0: no record */
	uint64_t last_time;
	uint64_t last_cell;   /* of the last record */
	uint8_t log_id[16];
	uint8_t chain[LOG_CHAIN_LEN]; /* after the last record */
	uint64_t known_at;    /* cell of the record that has it; the one before
				 first when the log goes on from it; LATER:
				 none */
	size_t torn;	      /* torn ends that a daemon kept aside */
	bool unfinished;      /* a killed process left bytes of a record that
				 was never complete behind the last one */

	/* The first bad place; reason is empty when there is none. */
	char file[LOG_NAME_LEN];
	uint64_t cell;
	char reason[160];
};

/*
 * Check the log in the directory dir, or in its directory "activity".
 * COFRE_OK: it verifies.  COFRE_CORRUPT: it does not, and l says where.
 * COFRE_ARGUMENT: there is no log to check, and p says why.
 */
enum cofre_status logcheck_run(struct logcheck *l, const char *dir,
    struct problem *p);

#endif
