/*
 * refusals: requests that were refused, when there are many of them.
 *
 * Each request has a record, also one that came to nothing.  Whoever asks
 * for what he must not have could fill the disk with that.  So of a uid's
 * refused requests so many have a record of their own; those beyond are
 * counted, by operation, status and workspace, and within a second a record
 * says how many there were (LOG_REPEATED).  A daemon that is killed loses
 * what it has counted since.  Pure; notes.h makes the records.
 */
#ifndef COFRE_REFUSALS_H
#define COFRE_REFUSALS_H

#include "budget.h"
#include "logfmt.h"

#define REFUSALS_AT_ONCE 500u	 /* of a uid with a record each, */
#define REFUSALS_EACH 50000u	 /* and one more in so many microseconds */
#define REFUSALS_EVERY 1000000u	 /* microseconds from count to record */
#define REFUSALS_ROWS 256u	 /* kinds in that time, of all uids */
#define REFUSALS_UID 16u	 /* kinds of one uid that are told apart */

/* A table of zeros is an empty one. */
struct refusals {
	struct budget records;
	struct refusal {
		uint64_t workspace; /* 0: none, or several */
		uint32_t uid;
		uint32_t count;
		uint16_t op; /* 0: none, or several */
		uint16_t status;
	} rows[REFUSALS_ROWS];
	size_t count; /* of rows */
	uint64_t due; /* when they are to be recorded; 0: there are none */
};

/*
 * Is this refused request, of the uid, one that is only counted?  The clock
 * is as budget_take() has it.  False when it is to have a record of its own,
 * which is so too when there is no row left.  Of r the uid, operation,
 * status and workspace are looked at.
 */
bool refusals_count(struct refusals *f, const struct log_record *r,
    uint64_t clock);

#endif
