/*
 * recount: what runs have read since their rows were written, by the
 * activity log.
 *
 * A read is not worth a commit of its own: it is in memory, in the log, and
 * in the run's row with the next commit of anything.  A daemon that was
 * killed finds in the log what the rows have not: from the cell that the
 * state row names, or a run's row if that is later, to the end.
 */
#ifndef COFRE_RECOUNT_H
#define COFRE_RECOUNT_H

#include "audit.h"
#include "vault.h"

/* After so many cells a commit is made, if there was none, so that this is
   about the most that an unlock has to go through. */
#define RECOUNT_CELLS 65536u

/* How the record of a read says what was followed: name and version. */
#define RECOUNT_FOLLOWS "follows "
#define RECOUNT_VERSION " version "

/*
 * Count what the log has; at unlock, once all rows are there and the log has
 * its keys.  What is broken or forged in the log is passed over.
 */
void recount(struct vault *v, struct audit *a);

#endif
