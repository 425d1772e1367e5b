/*
 * resync_report: what a resync has done, item by item, for people and for
 * programs.
 */
#ifndef COFRE_RESYNC_REPORT_H
#define COFRE_RESYNC_REPORT_H

#include "resync_work.h"

/* How many credentials are well and grants were put back, and of several
   workspaces how many are well altogether; and of how many nothing came. */
struct resync_sums {
	size_t good, failed;
};

/* A listing for the items of resyncs; workspaces: of more than one. */
struct listing *resync_listing(bool json, bool workspaces);

/*
 * List the items of a resync, and add them to the sums.  False: a list of the
 * daemon's could not be decoded.
 */
bool resync_list(struct listing *l, bool workspaces, bool dry_run,
    const struct resync *r, struct resync_sums *sums);

/* The exit code that goes with the sums: 0, 3 when only some is well, 4 when
   nothing is. */
int resync_exit_code(const struct resync_sums *sums);

#endif
